"""Which rows and which files may go on: what the rules of the suites in expectations/feeds find, and what follows from it.

What a rule is stands in rules.py, how it is evaluated in verdicts.py. Great Expectations costs milliseconds for each
expectation however few the rows, so files of many deliveries are judged in one go; a rule sees the rows of its own delivery
alone. What leaves here are rules, counts and row numbers, never a value.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.code_lists import read_codes, read_lapses
from pipelines.pseudonymise import contract, encode
from pipelines.settings import Settings

from .rules import Rule, Rules, rules_digest, rules_of
from .verdicts import CODE_KEY, Delivered, Found, find

UNLISTED = "unlisted"
REFUSED_SHARE = 0.2  # of a file's rows; a file with more refused rows than that is refused whole
REFUSED_ROWS = 10  # so few refused rows never refuse a file, unless nothing is left of it


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
    rules = rules_of(settings, feed, file, profile, rules_digest(settings))
    event = contract.event_column(contract.activity_columns(feed)).name if file == "activity" else None
    code_lists = settings.reference / "codes"
    with duckdb.connect(config={"threads": settings.threads}) as con:
        con.register("codes", _listed(read_codes(code_lists)))
        con.register("code_lapses", read_lapses(code_lists))
        found = find(con, rules, deliveries, event)
    return [
        _judgement(rules, len(delivered.table), of_one) for delivered, of_one in zip(deliveries, found, strict=True)
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


def _listed(versions: pa.Table) -> pa.Table:
    """The codes (code_list, code_key) of which there are versions, valid now or not."""
    return versions.select(["code_list", "code_key"]).group_by(["code_list", "code_key"]).aggregate([])


def _judgement(rules: Rules, received: int, found: Found) -> Judgement:
    refused: dict[int, list[Rule]] = {}
    for rule in rules:
        for row in found.rows.get(rule.key, []):
            refused.setdefault(row, []).append(rule)
    outcomes = [Outcome(rule, received, found.failed.get(rule.key, 0)) for rule in rules]
    return Judgement(outcomes, dict(sorted(refused.items())), _blocked(outcomes, len(refused), received))


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
