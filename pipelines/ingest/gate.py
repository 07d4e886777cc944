"""Which rows and which files may go on, decided by Great Expectations from the suites in expectations/feeds.

`people.json` and `attributes.json` judge those files of every feed, `activity.json` the activity of every feed, and
`<feed>.json` that feed's activity besides. The suites are the only home of a rule. Beside what Great Expectations
reads, an expectation carries in its `meta`:

- rule      its id; column: the column it is about, where the expectation's own is a computed one
- severity  critical: what fails is refused; warning: rows that fail are counted and go on, and somebody should look into
            it; info: the same, and nobody needs to (that it changes is a warning of marts.quality_trend)
- refuses   of a critical rule: file, if the rule fails at all, or row, which goes to the refused rows
- kahn      conformance, completeness or plausibility
- reason    one plain sentence that an agency can act on
- sql       where a rule looks at more than one column, the expression (DuckDB) of the column that is judged; a rule that
            refuses the file judges one row for each file, so its expression is an aggregate
- for_each  the expectation stands for one of each contract column with these properties ('*': any but empty)

In `sql` and `kwargs`, `$column` and `$code_list` are those of for_each. An expression sees the file's columns,
row_number, row_hash (equal for rows that are equal throughout), period_start and period_end (the first day after),
known_person (the row's person has an accepted row in people), code_key(text), the tables codes(code_list, code_key) and
code_lapses(code_list, code_key, from_day, before_day: times in which a listed code is not valid); `$event_column` is
the activity's column that dates its events.
NULL passes: what must not be empty says so in a rule of its own.

Great Expectations costs milliseconds for each expectation however few the rows, so files of many deliveries are judged
in one go. A rule sees the rows of its own delivery alone, hence no rule may compare rows except in its `sql`.

Great Expectations quotes offending values in its results. They stay in this module: what leaves it are rule ids,
counts and row numbers, and an error here carries no text of its cause. A rule that could not be evaluated raises.
"""

import hashlib
import json
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.code_lists import codes_digest, read_codes, read_lapses
from pipelines.pseudonymise import contract, encode
from pipelines.settings import Settings

from .delivery import expected_schemas

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_suite import ExpectationSuite

SEVERITIES = ("critical", "warning", "info")
REFUSES = ("file", "row")
KAHN = ("conformance", "completeness", "plausibility")
UNLISTED = "unlisted"
REFUSED_SHARE = 0.2  # of a file's rows; a file with more refused rows than that is refused whole
REFUSED_ROWS = 10  # so few refused rows never refuse a file, unless nothing is left of it

CODE_LIST = "$code_list:"
CODE_KEY = """
create or replace macro code_key(text) as
    regexp_replace(replace(lower(text), '&', 'and'), '[^a-z0-9]', '', 'g')
"""


class GateError(Exception):
    """A rule could not be evaluated: the suite or the pipeline is at fault, not the delivery."""


@dataclass(frozen=True)
class Rule:
    """One expectation, ready to be evaluated on one file."""

    rule: str
    column: str | None  # the column it is about, as in the file; None for the file as a whole
    severity: str
    refuses: str | None  # of a critical rule: file or row
    kahn: str
    reason: str
    type: str
    kwargs: dict[str, Any] = field(hash=False)
    sql: str | None = None  # of the column that is judged, unless that is the file's own
    code_list: str | None = None  # the column must be in it, compared by code key

    @property
    def key(self) -> str:
        return f"{self.rule}|{self.column or ''}"


Rules = tuple[Rule, ...]


@dataclass(frozen=True)
class Delivered:
    """One file of a delivery. known_people: person_ref of the delivery's accepted people rows."""

    period: str
    table: pa.Table
    known_people: pa.ChunkedArray


@dataclass(frozen=True)
class Outcome:
    """What one rule found in one file."""

    rule: Rule
    checked: int  # rows
    failed: int  # rows; 1 if a rule that refuses the file failed


@dataclass(frozen=True)
class Judgement:
    """What the gate says about one file. Row numbers are 1-based."""

    outcomes: list[Outcome]
    refused: dict[int, list[Rule]]  # row number -> the rules that it fails, in the suites' order
    blocked: str | None  # why the file is refused whole


def judge(
    settings: Settings, feed: str, file: str, deliveries: list[Delivered], profile: str = encode.DEFAULT_PROFILE
) -> list[Judgement]:
    """Put one file (people, attributes or activity) of each delivery through its suites; judgements in the same order.

    All deliveries are of one encoder profile. Raises GateError if a rule cannot be evaluated.
    """
    if not deliveries:
        return []
    digest = rules_digest(settings)
    rules = _rules(settings, feed, file, profile, digest)
    code_lists = settings.reference / "codes"
    codes = _listed(read_codes(code_lists))
    by_row = tuple(rule for rule in rules if rule.refuses != "file")
    by_file = tuple(rule for rule in rules if rule.refuses == "file")
    with duckdb.connect(config={"threads": settings.threads}) as con:
        con.register("codes", codes)
        con.register("code_lapses", read_lapses(code_lists))
        con.execute(CODE_KEY)
        rows = [_judged_columns(con, by_row, delivered, "order by row_number") for delivered in deliveries]
        totals = [_judged_columns(con, by_file, delivered, "") for delivered in deliveries]
    failed_rows = _split(_failures(by_row, codes, rows), [len(table) for table in rows])
    failed_files = _split(_failures(by_file, codes, totals), [1] * len(totals))
    return [
        _judgement(rules, len(delivered.table), in_rows | in_file)
        for delivered, in_rows, in_file in zip(deliveries, failed_rows, failed_files, strict=True)
    ]


def without_unlisted_codes(settings: Settings, feed: str, activity: pa.Table) -> pa.Table:
    """Rows of a feed's activity with UNLISTED for each code that its column's code list does not have.

    Such a code tells nothing, and might be text that nobody vetted. Rows come and go in the order of row_number.
    """
    coded = [column for column in contract.activity_columns(feed) if column.code_list]
    lists = {f"list(code_key) filter (code_list = '{c.code_list}') as \"{c.code_list}\"" for c in coded}
    with duckdb.connect(config={"threads": settings.threads}) as con:
        con.register("codes", _listed(read_codes(settings.reference / "codes")))
        con.register("activity", activity)
        con.execute(CODE_KEY)
        replaced = con.sql(
            f"""
            with lists as (select {", ".join(sorted(lists))} from codes)
            select {", ".join(map(_listed_codes, coded))} from activity cross join lists order by row_number
            """
        ).to_arrow_table()
    for name in replaced.column_names:
        place = activity.column_names.index(name)
        activity = activity.set_column(place, activity.field(name), replaced[name].cast(activity.field(name).type))
    return activity


def _listed_codes(column: contract.Column) -> str:
    """The expression (DuckDB) that leaves a value as it is unless it has a code that is not in the list."""
    value, codes = f'activity."{column.name}"', f'lists."{column.code_list}"'
    if column.type == "code":
        return f"if({value} is null or list_contains({codes}, code_key({value})), {value}, '{UNLISTED}') as \"{column.name}\""
    return f"""
        if(
            {value} is null or list_has_all({codes}, [code_key(code) for code in string_split_regex({value}, '[,;]')]),
            {value},
            array_to_string(
                [
                    if(list_contains({codes}, code_key(code)), trim(code), '{UNLISTED}')
                    for code in string_split_regex({value}, '[,;]') if trim(code) <> ''
                ],
                ','
            )
        ) as "{column.name}"
    """


def row_numbers(table: pa.Table) -> pa.Array:
    """1, 2, 3 … for each row: how a row of a file is named everywhere."""
    return pa.array(np.arange(1, len(table) + 1))


def rules_digest(settings: Settings) -> str:
    """SHA-256 over all that decides what the gate does: suites, code lists, contracts."""
    digest = hashlib.sha256()
    digest.update(codes_digest(settings.reference / "codes").encode())
    for folder in (settings.expectations / "feeds", settings.feed_contracts):
        for path in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".csv")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def load_rules(settings: Settings, feed: str, file: str, profile: str = encode.DEFAULT_PROFILE) -> list[Rule]:
    """The rules for one file of a feed's delivery, in the suites' order. Raises GateError for a faulty suite."""
    columns = _columns(feed, file, profile)
    suites = ["activity", feed] if file == "activity" else [file]
    rules = []
    for suite in suites:
        path = settings.expectations / "feeds" / f"{suite}.json"
        for expectation in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
            rules += _expand(path, expectation, columns)
    keys = Counter(rule.key for rule in rules)
    if doubled := [key for key, times in keys.items() if times > 1]:
        raise GateError(f"{path.name}: rules that stand there twice: {', '.join(doubled)}.")
    return rules


@lru_cache(maxsize=64)
def _rules(settings: Settings, feed: str, file: str, profile: str, digest: str) -> Rules:
    """load_rules, once for each state (digest) of the files they come from."""
    return tuple(load_rules(settings, feed, file, profile))


def _columns(feed: str, file: str, profile: str) -> list[contract.Column]:
    """The file's columns; those of people and attributes described by their Parquet type."""
    if file == "activity":
        person = contract.Column("person_ref", "person", True, "", "")
        return [person, *(column for column in contract.activity_columns(feed) if column.type != "person")]
    return [contract.Column(f.name, str(f.type), False, "", "") for f in expected_schemas(feed, profile)[file]]


def _expand(path: Path, expectation: dict, columns: list[contract.Column]) -> Iterator[Rule]:
    """One rule, or one for each column that for_each describes."""
    meta = expectation["meta"]
    wanted = meta.get("for_each")
    for column in [None] if wanted is None else [c for c in columns if _fits(c, wanted)]:
        rule = _rule(path, _fill_in(expectation, column, columns))
        if rule.sql is None and rule.column and rule.column not in {c.name for c in columns}:
            raise GateError(f"{path.name}, rule {rule.rule}: the contract has no column {rule.column}.")
        yield rule


def _fits(column: contract.Column, wanted: dict[str, Any]) -> bool:
    return all(
        bool(getattr(column, name)) if value == "*" else getattr(column, name) == value
        for name, value in wanted.items()
    )


def _fill_in(node: Any, column: contract.Column | None, columns: list[contract.Column]) -> Any:
    """The expectation with $column, $code_list and $event_column replaced in every text."""
    if column is None:
        return node
    if isinstance(node, dict):
        return {name: _fill_in(value, column, columns) for name, value in node.items()}
    if isinstance(node, list):
        return [_fill_in(value, column, columns) for value in node]
    if isinstance(node, str) and "$event_column" in node:
        node = node.replace("$event_column", contract.event_column(columns).name)
    if isinstance(node, str) and node != "$code_list":
        return node.replace("$column", column.name).replace("$code_list", column.code_list)
    return f"{CODE_LIST}{column.code_list}" if node == "$code_list" else node


def _rule(path: Path, expectation: dict) -> Rule:
    meta, kwargs = expectation["meta"], expectation["kwargs"]
    missing = [entry for entry in ("rule", "severity", "kahn", "reason") if not meta.get(entry)]
    missing += [] if "column" in kwargs else ["a column to judge"]
    if missing or meta["severity"] not in SEVERITIES or meta["kahn"] not in KAHN:
        raise GateError(f"{path.name}: an expectation lacks {', '.join(missing) or 'a known severity or kahn tag'}.")
    if (meta.get("refuses") in REFUSES) != (meta["severity"] == "critical"):
        raise GateError(
            f"{path.name}, rule {meta['rule']}: it says `refuses`, row or file, if and only if it is critical."
        )
    value_set = str(kwargs.get("value_set", ""))
    return Rule(
        rule=meta["rule"],
        column=meta.get("column", None if meta.get("sql") else kwargs["column"]),
        severity=meta["severity"],
        refuses=meta.get("refuses"),
        kahn=meta["kahn"],
        reason=meta["reason"],
        type=expectation["type"],
        kwargs=kwargs,
        sql=meta.get("sql"),
        code_list=value_set.removeprefix(CODE_LIST) if value_set.startswith(CODE_LIST) else None,
    )


def _listed(versions: pa.Table) -> pa.Table:
    """The codes (code_list, code_key) of which there are versions, valid now or not."""
    return versions.select(["code_list", "code_key"]).group_by(["code_list", "code_key"]).aggregate([])


def _judged_columns(con: duckdb.DuckDBPyConnection, rules: Rules, delivered: Delivered, order: str) -> pa.Table:
    """The columns that the rules judge, for one delivery. Columns with a code list hold code keys."""
    expressions: dict[str, str] = {}
    for rule in rules:
        column = rule.kwargs["column"]
        if rule.sql or rule.code_list:
            expressions[column] = rule.sql or f'code_key("{column}")'
        else:
            expressions.setdefault(column, f'"{column}"')
    table = delivered.table
    hashed = ", ".join(f'"{name}"' for name in table.column_names)
    selected = ", ".join(f'({sql}) as "{name}"' for name, sql in expressions.items())
    con.register("delivered", table.append_column("row_number", row_numbers(table)))
    con.register("people", pa.table({"person_ref": delivered.known_people}))
    try:
        return con.sql(
            f"""
            with rows as (
                select
                    *,
                    hash({hashed}) as row_hash,
                    $first::date as period_start,
                    ($first::date + interval 1 month)::date as period_end,
                    person_ref in (select person_ref from people) as known_person
                from delivered
            )
            select {selected} from rows {order}
            """,
            params={"first": f"{delivered.period}-01"},
        ).to_arrow_table()
    except duckdb.Error as error:
        failed = type(error).__name__
    # Raised out here, so that the error does not carry the one that quotes a value as its context.
    raise GateError(f"The expression of a rule in expectations/feeds failed with {failed}.")


def _failures(rules: Rules, codes: pa.Table, judged: list[pa.Table]) -> dict[str, list[int]]:
    """Places (from 0, through all tables) where each rule failed, by the rule's key; rules that hold are left out.

    Most rules hold in most files, so all are asked for yes or no first, and then those that failed for their rows.
    """
    frame = pa.concat_tables(judged).to_pandas()
    by_key = {rule.key: rule for rule in rules}
    failed = tuple(by_key[key] for key, result in _evaluate(rules, codes, frame, "BOOLEAN_ONLY") if not result.success)
    failures: dict[str, list[int]] = {}
    for key, result in _evaluate(failed, codes, frame, "COMPLETE") if failed else []:
        places = result.result.get("unexpected_index_list")
        if not places:
            raise GateError(f"Rule {key} failed without saying in which rows.")
        failures[key] = sorted(int(place) for place in places)
    return failures


def _split(failures: dict[str, list[int]], lengths: list[int]) -> list[dict[str, list[int]]]:
    """Failures of each table alone, as 1-based row numbers, from those through all tables."""
    parts, start = [], 0
    for length in lengths:
        part = {
            key: [
                place - start + 1 for place in places[bisect_left(places, start) : bisect_left(places, start + length)]
            ]
            for key, places in failures.items()
        }
        parts.append({key: rows for key, rows in part.items() if rows})
        start += length
    return parts


def _judgement(rules: Rules, received: int, failures: dict[str, list[int]]) -> Judgement:
    refused: dict[int, list[Rule]] = {}
    for rule in rules:
        for row in failures.get(rule.key, []) if rule.refuses == "row" else []:
            refused.setdefault(row, []).append(rule)
    outcomes = [Outcome(rule, received, len(failures.get(rule.key, []))) for rule in rules]
    return Judgement(outcomes, dict(sorted(refused.items())), _blocked(outcomes, len(refused), received))


def _evaluate(rules: Rules, codes: pa.Table, frame: "pd.DataFrame", result_format: str) -> list[tuple[str, Any]]:
    """Results of Great Expectations by the rules' keys. Raises GateError if one could not be evaluated.

    The frame's index is the place of a row, so that a result names rows without a column of the file.
    """
    wanted = {"result_format": result_format, "exclude_unexpected_values": True, "include_unexpected_rows": False}
    suite, failed, results = _suite(rules, codes), None, []
    try:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
        results = batch.validate(suite, result_format=wanted).results
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote a value
        failed = type(error).__name__
    if failed:
        raise GateError(f"Great Expectations failed with {failed}.")
    keyed = [(result.expectation_config.meta["key"], result) for result in results]
    if errors := sorted(key for key, result in keyed if _raised(result.exception_info)):
        raise GateError(f"Rules that could not be evaluated: {', '.join(errors)}.")
    return keyed


def _raised(exception_info: dict | None) -> bool:
    """Great Expectations gives one account of an exception, or one for each metric."""
    accounts = [exception_info or {}, *(value for value in (exception_info or {}).values() if isinstance(value, dict))]
    return any(account.get("raised_exception") for account in accounts)


@lru_cache(maxsize=1)
def _batch_definition() -> "BatchDefinition":
    """One ephemeral context for the process. The import takes seconds, so only a gate that is used pays for it."""
    import great_expectations as gx

    logger = logging.getLogger("great_expectations")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False  # its messages may quote values
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return (
        context.data_sources.add_pandas("delivery")
        .add_dataframe_asset("file")
        .add_batch_definition_whole_dataframe("all")
    )


def _suite(rules: Rules, codes: pa.Table) -> "ExpectationSuite":
    from great_expectations.core.expectation_suite import ExpectationSuite

    expectations = []
    for rule in rules:
        kwargs = dict(rule.kwargs)
        if rule.code_list:
            kwargs["value_set"] = codes.filter(pc.field("code_list") == rule.code_list)["code_key"].to_pylist()
        expectations.append({"type": rule.type, "kwargs": kwargs, "meta": {"key": rule.key}})
    suite = ExpectationSuite(name="rules", expectations=expectations)
    if len(suite.expectations) < len(rules):  # Great Expectations leaves out what it does not know, and only logs it
        known = {expectation.meta["key"] for expectation in suite.expectations}
        lost = [rule.key for rule in rules if rule.key not in known]
        raise GateError(f"Rules that Great Expectations does not know how to evaluate: {', '.join(lost)}.")
    return suite


def _blocked(outcomes: list[Outcome], refused: int, received: int) -> str | None:
    """Why the file is refused whole, or None: a critical rule failed, or too many rows were refused."""
    critical = [o.rule.reason for o in outcomes if o.rule.refuses == "file" and o.failed]
    if critical:
        return " ".join(critical)
    if refused < received and (refused <= REFUSED_ROWS or refused <= REFUSED_SHARE * received):
        return None
    worst = max((o for o in outcomes if o.rule.refuses == "row"), key=lambda o: o.failed)
    return (
        f"{refused:,} of {received:,} rows fail, more than the {REFUSED_SHARE:.0%} that may. Most often: "
        f"{worst.rule.reason} ({worst.failed:,} rows)"
    )
