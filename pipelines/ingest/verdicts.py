"""What rules find in the rows of deliveries: DuckDB lays out the values that they judge, Great Expectations judges them.

A rule judges values one by one, so that equal ones have one verdict. Great Expectations therefore sees each distinct value
of what a rule judges once, however many rows have it: its cost hardly grows with the rows. What is counted and which rows
have a value that failed is DuckDB's business. There are three ways to lay values out, told apart by what a rule reads:

- empty     whether a column is empty: counted for all columns in one scan
- by value  of columns with few distinct values (codes, times, areas), and of the day of the event: the expression of a rule
            is worked out for each of those, not for each row
- by row    everything else, worked out for the rows of each delivery by themselves

A rule that refuses the file has one value for each file.

Great Expectations quotes offending values in its results. They stay in this module: what leaves it are rule keys, counts
and row numbers, and an error here carries no text of its cause. A rule that could not be evaluated raises.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .rules import GateError, Rule, Rules

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_suite import ExpectationSuite

NOT_NULL = "expect_column_values_to_not_be_null"
CODE_KEY = """
create or replace macro code_key(text) as
    regexp_replace(replace(lower(text), '&', 'and'), '[^a-z0-9]', '', 'g')
"""


@dataclass(frozen=True)
class Delivered:
    """One file of a delivery. known_people: person_ref of the delivery's accepted people rows."""

    period: str
    table: pa.Table
    known_people: pa.ChunkedArray


@dataclass
class Found:
    """What the rules found in one file, by their keys; rules that hold are left out."""

    failed: dict[str, int] = field(default_factory=dict)  # rows; 1 where a rule that refuses the file failed
    rows: dict[str, list[int]] = field(default_factory=dict)  # 1-based, in order, for rules that refuse rows


@dataclass(frozen=True)
class _Laid:
    """What a rule judges: a temporary table (delivery, value, times, columns that it was worked out from).

    rows: the table in which the rows that have those columns are found.
    """

    rule: Rule
    table: str
    rows: str
    by: tuple[str, ...]


def find(
    con: duckdb.DuckDBPyConnection, rules: Rules, deliveries: list[Delivered], event_column: str | None
) -> list[Found]:
    """What each delivery's file shows, in the deliveries' order. Raises GateError if a rule cannot be evaluated.

    con has the tables codes and code_lapses. event_column: the column that dates the file's rows, if they have a date.
    """
    con.execute(CODE_KEY)
    try:
        laid = _lay_out(con, rules, deliveries, event_column)
        values = [con.sql(f"select distinct value from {one.table}").to_arrow_table()["value"] for one in laid]
        failed = _failed_values(con, laid, values)
        return _found(con, failed, len(deliveries))
    except duckdb.Error as error:
        failed = type(error).__name__
    # Raised out here, so that the error does not carry the one that quotes a value as its context.
    raise GateError(f"The expression of a rule in expectations/feeds failed with {failed}.")


def _lay_out(
    con: duckdb.DuckDBPyConnection, rules: Rules, deliveries: list[Delivered], event_column: str | None
) -> list[_Laid]:
    whole = [_with_places(delivered, number) for number, delivered in enumerate(deliveries)]
    con.register("delivered", pa.concat_tables(whole))
    con.execute(f"create temp view every_row as select *, {_days(event_column)} from delivered")
    empty = [rule for rule in rules if rule.type == NOT_NULL and not rule.sql]
    by_file = [rule for rule in rules if rule.refuses == "file"]
    by_value = [rule for rule in rules if rule.reads and rule not in empty]
    by_row = [rule for rule in rules if rule not in (*empty, *by_file, *by_value)]
    laid = _empty(con, empty) + _by_value(con, by_value, event_column)
    return laid + _by_delivery(con, by_file, by_row, whole, event_column)


def _with_places(delivered: Delivered, number: int) -> pa.Table:
    """The rows with the number of their delivery, their own, the month, and what else an expression may ask for."""
    table = delivered.table
    rows = len(table)
    columns = {name: table[name] for name in table.column_names} | {
        "delivery": pa.array(np.full(rows, number, np.int32)),
        "row_number": pa.array(np.arange(1, rows + 1)),
        "first_day": pa.repeat(pa.scalar(f"{delivered.period}-01"), rows).cast(pa.string()),
        "known_person": pc.is_in(table["person_ref"], delivered.known_people),
    }
    return pa.table(columns)


def _days(event_column: str | None) -> str:
    """SQL of the columns that tell days: the month's first, the first after it, and the one by which codes are told."""
    start = "first_day::date"
    event = f'greatest("{event_column}"::date, {start})' if event_column else start
    return f"{start} as period_start, ({start} + interval 1 month)::date as period_end, {event} as event_date"


def _empty(con: duckdb.DuckDBPyConnection, rules: list[Rule]) -> list[_Laid]:
    """For each rule whether its column has a value: true, or NULL, which is what the rule looks for."""
    columns = sorted({rule.kwargs["column"] for rule in rules})
    if not columns:
        return []
    counts = ", ".join(f'count("{name}") as "{name}"' for name in columns)
    con.execute(
        f"create temp table filled as select delivery, count(*) as all_rows, {counts} from delivered group by all"
    )
    laid = []
    for number, rule in enumerate(rules):
        name = f'"{rule.kwargs["column"]}"'
        con.execute(
            f"""
            create temp table empty_{number} as
            select delivery, value, times
            from (
                select delivery, true as value, {name} as times from filled
                union all
                select delivery, null, all_rows - {name} from filled
            )
            where times > 0
            """
        )
        laid.append(
            _Laid(rule, f"empty_{number}", f"(select *, {name} is null as is_empty from delivered)", ("is_empty",))
        )
        con.execute(f"alter table empty_{number} add column is_empty boolean")
        con.execute(f"update empty_{number} set is_empty = value is null")
    return laid


def _by_value(con: duckdb.DuckDBPyConnection, rules: list[Rule], event_column: str | None) -> list[_Laid]:
    """For each rule its expression of each distinct value of its column, and of each day if it asks for days."""
    grouped: dict[tuple[str, ...], str] = {}
    laid = []
    for number, rule in enumerate(rules):
        if rule.reads not in grouped:
            table = grouped[rule.reads] = f"values_{len(grouped)}"
            columns = ", ".join(f'"{name}"' for name in rule.reads)
            con.execute(
                f"create temp table {table} as select delivery, {columns}, any_value(period_start) as period_start, "
                f"any_value(period_end) as period_end, count(*) as times from every_row group by delivery, {columns}"
            )
        con.execute(
            f"create temp table value_{number} as with rows as (from {grouped[rule.reads]}) "
            f"select *, ({_expression(rule)}) as value from rows"
        )
        laid.append(_Laid(rule, f"value_{number}", "every_row", rule.reads))
    return laid


def _by_delivery(
    con: duckdb.DuckDBPyConnection,
    by_file: list[Rule],
    by_row: list[Rule],
    whole: list[pa.Table],
    event_column: str | None,
) -> list[_Laid]:
    """Expressions over the rows of each delivery by themselves: of a rule that refuses the file one, of another one a row."""
    # "rows" is a name that an expression may use, hence it is the same whichever delivery's they are.
    for number, table in enumerate(whole):
        con.register("one_delivery", table.append_column("row_hash", _row_hashes(con, table, by_row)))
        con.execute(f"create or replace temp view rows as select *, {_days(event_column)} from one_delivery")
        for name, rules, of_row, columns in (
            ("judged_files", by_file, "", f"{number} as delivery"),
            ("judged_rows", by_row, "", "delivery, row_number"),
        ):
            if rules:
                selected = "".join(f", ({_expression(rule)}) as judged_{place}" for place, rule in enumerate(rules))
                how = f"insert into {name}" if number else f"create temp table {name} as"
                con.execute(f"{how} select {columns}{selected} from rows{of_row}")
    laid = []
    for name, rules in (("judged_files", by_file), ("judged_rows", by_row)):
        for place, rule in enumerate(rules):
            con.execute(
                f"create temp view {name}_{place} as select delivery, judged_{place} as value, judged_{place}, "
                f"count(*) as times from {name} group by all"
            )
            laid.append(_Laid(rule, f"{name}_{place}", name, (f"judged_{place}",)))
    return laid


def _row_hashes(con: duckdb.DuckDBPyConnection, table: pa.Table, rules: list[Rule]) -> pa.ChunkedArray:
    """Equal for rows of which all columns that were delivered are equal; empty if no rule asks for it."""
    if not any("row_hash" in (rule.sql or "") for rule in rules):
        return pa.chunked_array([pa.nulls(len(table), pa.uint64())])
    added = ("delivery", "row_number", "first_day", "known_person")
    columns = ", ".join(f'"{name}"' for name in table.column_names if name not in added)
    con.register("to_hash", table)
    return con.sql(f"select hash({columns}) as row_hash from to_hash").to_arrow_table()["row_hash"]


def _expression(rule: Rule) -> str:
    """SQL of what a rule judges. A column with a code list is judged by code keys."""
    column = f'"{rule.kwargs["column"]}"'
    return rule.sql or (f"code_key({column})" if rule.code_list else column)


def _failed_values(
    con: duckdb.DuckDBPyConnection, laid: list[_Laid], values: list[pa.ChunkedArray]
) -> list[tuple[_Laid, pa.ChunkedArray]]:
    """What failed, with the values that did.

    Most rules hold in most files, so all are asked for yes or no first, and then those that failed for their values.
    """
    codes: dict[str, list[str]] = defaultdict(list)
    for code_list, key in con.sql("select code_list, code_key from codes order by all").fetchall():
        codes[code_list].append(key)
    judged = {one.rule.key: (one, of_one) for one, of_one in zip(laid, values, strict=True) if len(of_one)}
    failed = {key: judged[key] for key, result in _evaluate(judged, codes, "BOOLEAN_ONLY") if not result.success}
    found = []
    for key, result in _evaluate(failed, codes, "COMPLETE") if failed else []:
        one, of_one = failed[key]
        places = [place for place in result.result.get("unexpected_index_list") or [] if place < len(of_one)]
        if not places:
            raise GateError(f"Rule {key} failed without saying for which values.")
        found.append((one, of_one.take(pa.array(sorted(map(int, places))))))
    return found


def _found(con: duckdb.DuckDBPyConnection, failed: list[tuple[_Laid, pa.ChunkedArray]], deliveries: int) -> list[Found]:
    """How many rows of each delivery have a value that failed, and which, if the rule refuses rows."""
    found = [Found() for _ in range(deliveries)]
    for one, values in failed:
        con.register("failed_values", pa.table({"failed_value": values}))
        hits = f"{one.table} as laid inner join failed_values on laid.value is not distinct from failed_value"
        for delivery, times in con.sql(f"select delivery, sum(times)::bigint from {hits} group by delivery").fetchall():
            found[delivery].failed[one.rule.key] = times
        if one.rule.refuses == "row":
            same = " and ".join(f'laid."{name}" is not distinct from each_row."{name}"' for name in one.by)
            rows = con.sql(
                f"select each_row.delivery, each_row.row_number from {one.rows} as each_row inner join {hits} "
                f"on laid.delivery = each_row.delivery and {same} order by all"
            ).fetchall()
            for delivery, row in rows:
                found[delivery].rows.setdefault(one.rule.key, []).append(row)
    return found


def _evaluate(
    judged: dict[str, tuple[_Laid, pa.ChunkedArray]], codes: dict[str, list[str]], result_format: str
) -> list[tuple[str, Any]]:
    """Results of Great Expectations by the rules' keys. Raises GateError if one could not be evaluated."""
    wanted = {"result_format": result_format, "exclude_unexpected_values": True, "include_unexpected_rows": False}
    suite, failed, results = _suite([one.rule for one, _ in judged.values()], codes), None, []
    try:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": _frame(judged)})
        results = batch.validate(suite, result_format=wanted).results
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote a value
        failed = type(error).__name__
    if failed:
        raise GateError(f"Great Expectations failed with {failed}.")
    keyed = [(result.expectation_config.meta["key"], result) for result in results]
    if errors := sorted(key for key, result in keyed if _raised(result.exception_info)):
        raise GateError(f"Rules that could not be evaluated: {', '.join(errors)}.")
    return keyed


def _frame(judged: dict[str, tuple[_Laid, pa.ChunkedArray]]) -> "pd.DataFrame":
    """A column of distinct values for each rule; a shorter one goes on with its first value, which changes no verdict."""
    rows = max(len(values) for _, values in judged.values())
    return pa.table(
        {
            key: pa.chunked_array([*values.chunks, pa.repeat(values[0], rows - len(values))])
            for key, (_, values) in judged.items()
        }
    ).to_pandas()


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


def _suite(rules: list[Rule], codes: dict[str, list[str]]) -> "ExpectationSuite":
    from great_expectations.core.expectation_suite import ExpectationSuite

    expectations = []
    for rule in rules:
        kwargs = {**rule.kwargs, "column": rule.key}
        if rule.code_list:
            kwargs["value_set"] = codes[rule.code_list]
        expectations.append({"type": rule.type, "kwargs": kwargs, "meta": {"key": rule.key}})
    suite = ExpectationSuite(name="rules", expectations=expectations)
    if len(suite.expectations) < len(rules):  # Great Expectations leaves out what it does not know, and only logs it
        known = {expectation.meta["key"] for expectation in suite.expectations}
        lost = [rule.key for rule in rules if rule.key not in known]
        raise GateError(f"Rules that Great Expectations does not know how to evaluate: {', '.join(lost)}.")
    return suite
