"""What is checked about a table once it is built: its key, the conservation of rows, and its suite of expectations.

A finding says in words and counts what was seen, never with a value of a row.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.pseudonymise.contract import read_contract
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal, qualified, show_inputs
from pipelines.warehouse.sqlfile import SqlFile, TableName

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition

CONTACTS, CODES_SEEN = ("staging", "contacts"), ("staging", "codes_seen")
SEVERITIES = ("critical", "warning", "info")
KAHN = ("conformance", "completeness", "plausibility")
COUNTS = {"result_format": "BASIC", "exclude_unexpected_values": True}


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: counts by what they count, and a sentence for a reader."""

    check: str
    passed: bool
    description: str
    counts: dict[str, int] = field(default_factory=dict)
    warns: bool = False  # what does not hold is told and stops nothing


def check_names(settings: Settings, file: SqlFile) -> dict[str, str]:
    """Names of the checks of a table, each with what it makes sure of."""
    names = {}
    if file.key:
        names["key"] = f"One row for each {', '.join(file.key)}"
    if file.name == CONTACTS:
        names["conservation"] = "Every accepted activity row is a contact or is left out with a reason"
    if file.name == CODES_SEEN:
        names["every_code"] = "Every code that was accepted is counted, as mapped, not mapped or not in its list"
    if suite_path(settings, file).exists():
        names["expectations"] = f"The suite expectations/marts/{file.table}.json"
    return names


def run_checks(connection: duckdb.DuckDBPyConnection, settings: Settings, file: SqlFile) -> Iterator[Finding]:
    """Runs the checks that check_names lists on the table as it stands in the warehouse."""
    runs = {
        "key": lambda: key_finding(connection, file.name, file.key),
        "conservation": lambda: conservation_finding(connection, settings),
        "every_code": lambda: every_code_finding(connection, settings),
        "expectations": lambda: suite_finding(connection, file, suite_path(settings, file)),
    }
    for name in check_names(settings, file):
        yield runs[name]()


def key_finding(connection: duckdb.DuckDBPyConnection, name: TableName, key: Sequence[str]) -> Finding:
    """Whether no two rows of a table share the key."""
    columns = ", ".join(map(identifier, key))
    repeated = _one(
        connection,
        f"select count(*) from (select {columns} from {qualified(name)} group by {columns} having count(*) > 1)",
    )
    return Finding("key", repeated == 0, f"{repeated} repeated keys ({', '.join(key)})", {"repeated": repeated})


def conservation_finding(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Finding:
    """Whether accepted rows = contacts + rows left out, for every agency, feed and delivery month."""
    show_inputs(connection, settings, [("accepted", feed) for feed in settings.feeds])
    accepted = " union all ".join(
        f"select agency, {literal(feed)} as feed, period from accepted.{identifier(feed)}" for feed in settings.feeds
    )
    rows, contacts, left_out, unequal = connection.execute(f"""
        with slots as (
            select agency, feed, period, count(*) as rows, 0 as contacts, 0 as left_out
            from ({accepted}) group by all
            union all
            select agency, feed, period, 0, count(*), 0 from staging.contacts group by all
            union all
            select agency, feed, period, 0, 0, count(*) from staging.contact_rows
            where left_out is not null group by all
        ),
        sums as (
            select sum(rows) as rows, sum(contacts) as contacts, sum(left_out) as left_out
            from slots group by agency, feed, period
        )
        select
            coalesce(sum(rows), 0)::bigint, coalesce(sum(contacts), 0)::bigint, coalesce(sum(left_out), 0)::bigint,
            count(*) filter (rows <> contacts + left_out)
        from sums
    """).fetchall()[0]
    return Finding(
        "conservation",
        unequal == 0,
        f"{rows:,} accepted rows, {contacts:,} contacts, {left_out:,} left out with a reason; "
        f"{unequal} months of a feed where they do not add up",
        {"accepted": rows, "contacts": contacts, "left_out": left_out, "months_unequal": unequal},
    )


def every_code_finding(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Finding:
    """Whether the codes in accepted rows, counted column by column, are as many as the table says."""
    show_inputs(connection, settings, [("accepted", feed) for feed in settings.feeds])
    given = 0
    for feed in settings.feeds:
        for column in read_contract(settings.feed_contracts / f"{feed}.csv"):
            value, table = identifier(column.name), f"accepted.{identifier(feed)}"
            items = f"code_items({value})" if column.type == "codes" else f"[{value}]"
            codes = f"select unnest({items}) as code from {table} where {value} is not null"
            if column.code_list:
                given += _one(connection, f"select count(*) from ({codes}) where code_key(code) <> ''")
    counted, unlisted, unmapped = connection.execute(
        """select coalesce(sum(codes), 0)::bigint, coalesce(sum(codes) filter (not listed), 0)::bigint,
                  coalesce(sum(codes) filter (listed and not mapped), 0)::bigint from staging.codes_seen"""
    ).fetchall()[0]
    return Finding(
        "every_code",
        given == counted,
        f"{given:,} codes given and {counted:,} counted, of which {unlisted:,} are in no list and {unmapped:,} are in "
        "their list and not mapped; marts.codes_seen names them",
        {"given": given, "counted": counted, "not_in_list": unlisted, "not_mapped": unmapped},
    )


def suite_path(settings: Settings, file: SqlFile) -> Path:
    return settings.expectations / file.schema / f"{file.table}.json"


def suite_finding(connection: duckdb.DuckDBPyConnection, file: SqlFile, path: Path) -> Finding:
    """Runs a suite of Great Expectations on the columns that it names. Raises ValueError for one that cannot run."""
    suite = json.loads(path.read_text(encoding="utf-8"))
    kwargs = [expectation["kwargs"] for expectation in suite["expectations"]]
    columns = sorted({one[name] for one in kwargs for name in ("column", "column_A", "column_B") if name in one})
    if unknown := sorted(set(columns) - {column.name for column in file.columns}):
        raise ValueError(f"{path.name} names {unknown[0]}, which is not a column of {file.schema}.{file.table}")
    frame = connection.execute(f"select {', '.join(map(identifier, columns))} from {qualified(file.name)}").df()
    failed = _failed(path, suite["expectations"], frame)
    said = {severity: [sentence for of, sentence in failed if of == severity] for severity in SEVERITIES}
    return Finding(
        "expectations",
        not (said["critical"] or said["warning"]),
        " ".join(sentence for of_one in said.values() for sentence in of_one)
        or f"All {len(kwargs)} expectations hold.",
        {"expectations": len(kwargs), **{severity: len(sentences) for severity, sentences in said.items()}},
        warns=not said["critical"],
    )


def _failed(path: Path, expectations: list[dict], frame: "pd.DataFrame") -> list[tuple[str, str]]:
    """Severity and sentence of each expectation that does not hold, with the number of rows where it is about rows."""
    for expectation in expectations:
        meta = expectation["meta"]
        if meta.get("severity") not in SEVERITIES or meta.get("kahn") not in KAHN or not meta.get("reason"):
            raise ValueError(f"{path.name} holds an expectation without a known severity, a kahn tag or a reason")
    numbered = [e | {"meta": e["meta"] | {"number": number}} for number, e in enumerate(expectations)]
    results = _validate(path, numbered, frame, "BOOLEAN_ONLY")
    failed = [numbered[result.expectation_config.meta["number"]] for result in results if not result.success]
    said = []
    for result in _validate(path, failed, frame, COUNTS) if failed else []:
        meta, rows = result.expectation_config.meta, result.result.get("unexpected_count")
        said.append((meta["severity"], meta["reason"] + (f" ({rows:,} rows)" if rows else "")))
    return said


def _validate(path: Path, expectations: list[dict], frame: "pd.DataFrame", wanted: str | dict) -> list:
    """Results of Great Expectations. Raises ValueError if one has none; what it says may quote a value, and stays here."""
    from great_expectations.core.expectation_suite import ExpectationSuite

    batch, results = _batches().get_batch(batch_parameters={"dataframe": frame}), []
    try:
        suite = ExpectationSuite(name=path.stem, expectations=expectations)
        results = batch.validate(suite, result_format=wanted).results
    except Exception:  # noqa: BLE001, S110 - whatever it is, its text may quote a value
        pass
    if len(results) < len(expectations) or any(_errors(result.exception_info) for result in results):
        raise ValueError(f"{path.name} holds an expectation that could not be evaluated; correct its type and kwargs")
    return results


@lru_cache(maxsize=1)
def _batches() -> "BatchDefinition":
    """Frames of the warehouse as Great Expectations takes them. Importing it takes seconds: only here, and once."""
    import great_expectations as gx

    logging.getLogger("great_expectations").propagate = False  # its messages may quote values
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return (
        context.data_sources.add_pandas("warehouse")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("all")
    )


def _errors(exception_info: dict | None) -> bool:
    """Great Expectations gives one account of an error, or one for each metric."""
    accounts = [exception_info or {}, *(value for value in (exception_info or {}).values() if isinstance(value, dict))]
    return any(account.get("raised_exception") for account in accounts)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return connection.execute(query).fetchall()[0][0]
