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
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache, partial
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

KNOWN = "known_person"
ADDED = ("delivery", "row_number", "period_start", "period_end", "event_date", KNOWN)
KEYED = re.compile(r"\bcode_key\((\w+)\)")
COUNTED = pa.schema([("delivery", pa.int64()), ("value", pa.bool_()), ("times", pa.int64())])
NOT_NULL = "expect_column_values_to_not_be_null"
CODE_KEY = """
create or replace macro code_key(text) as
    regexp_replace(replace(lower(text), '&', 'and'), '[^a-z0-9]', '', 'g')
"""


@dataclass(frozen=True)
class Delivered:
    """One file of a delivery.

    known_people: person_ref of the delivery's accepted people rows. partial_until: the last day that the delivery covers, if
    that is not the month's.
    """

    period: str
    table: pa.Table
    known_people: pa.ChunkedArray
    partial_until: date | None = None

    def days(self) -> tuple[date, date]:
        """The first day that the delivery covers, and the first after the last one."""
        first = date.fromisoformat(f"{self.period}-01")
        if self.partial_until:
            return first, self.partial_until + timedelta(days=1)
        return first, (first + timedelta(days=31)).replace(day=1)


@dataclass
class Found:
    """What the rules found in one file, by their keys; rules that hold are left out."""

    failed: dict[str, int] = field(default_factory=dict)  # rows; 1 where a rule that refuses the file failed
    rows: dict[str, list[int]] = field(default_factory=dict)  # 1-based, in order, for rules that refuse rows


@dataclass(frozen=True)
class _Laid:
    """What a rule judges: its distinct values in each delivery.

    counted: delivery, value, times and, by value, the columns that it was worked out from. rows: which rows (delivery,
    row number) have a value of these rows of counted, in order.
    """

    rule: Rule
    counted: pa.Table
    rows: Callable[[pa.Table], Iterable[tuple[int, int]]]


@dataclass(frozen=True)
class _Question:
    """One expectation about the values of rules that ask the same of theirs, one rule's after another's.

    parts: each rule's, with the places of its values: the first, and the first after them.
    """

    type: str
    kwargs: dict[str, Any]
    values: pa.ChunkedArray
    parts: list[tuple[_Laid, int, int]]


def find(
    con: duckdb.DuckDBPyConnection, rules: Rules, deliveries: list[Delivered], event_column: str | None
) -> list[Found]:
    """What each delivery's file shows, in the deliveries' order. Raises GateError if a rule cannot be evaluated.

    con has the tables codes and code_lapses. event_column: the column that dates the file's rows, if they have a date.
    """
    con.execute(CODE_KEY)
    try:
        laid = _lay_out(con, rules, deliveries, event_column)
        values = [pa.chunked_array([one.counted["value"].unique()]) for one in laid]
        return _found(_failed_values(con, laid, values), len(deliveries))
    except duckdb.Error as error:
        failed = type(error).__name__
    # Raised out here, so that the error does not carry the one that quotes a value as its context.
    raise GateError(f"The expression of a rule in expectations/feeds failed with {failed}.")


def _lay_out(
    con: duckdb.DuckDBPyConnection, rules: Rules, deliveries: list[Delivered], event_column: str | None
) -> list[_Laid]:
    asks = any(KNOWN in (rule.sql or "") for rule in rules)
    whole = [_with_places(each, number, event_column, asks) for number, each in enumerate(deliveries)]
    con.register("delivered", pa.concat_tables(whole))
    firsts = ("delivery", "period_start", "period_end")
    con.register("months", pa.concat_tables([table.select(firsts).slice(0, 1) for table in whole]))
    empty = [rule for rule in rules if rule.type == NOT_NULL and not rule.sql]
    by_file = [rule for rule in rules if rule.refuses == "file"]
    by_value = [rule for rule in rules if rule.reads and rule not in empty]
    by_row = [rule for rule in rules if rule not in (*empty, *by_file, *by_value)]
    return _empty(whole, empty) + _by_value(con, by_value) + _by_row(con, whole, by_file, by_row)


def _with_places(delivered: Delivered, number: int, event_column: str | None, known: bool) -> pa.Table:
    """The rows with ADDED: the number of their delivery, their own, and what else an expression may ask for.

    known: whether one asks for KNOWN; it is empty otherwise.
    """
    table, rows = delivered.table, len(delivered.table)
    start, end = (pa.repeat(pa.scalar(day), rows) for day in delivered.days())
    events = table[event_column].cast(pa.date32(), safe=False) if event_column else start
    added = (
        pa.repeat(pa.scalar(number, pa.int32()), rows),
        pa.array(np.arange(1, rows + 1)),
        start,
        end,
        pc.max_element_wise(events, start),
        pc.is_in(table["person_ref"], delivered.known_people) if known else pa.nulls(rows, pa.bool_()),
    )
    return pa.table({name: table[name] for name in table.column_names} | dict(zip(ADDED, added, strict=True)))


def _empty(whole: list[pa.Table], rules: list[Rule]) -> list[_Laid]:
    """For each rule whether its column has a value: true, or NULL, which is what the rule looks for."""
    laid = []
    for rule in rules:
        columns = [table[rule.kwargs["column"]] for table in whole]
        times = [
            {"delivery": number, "value": value, "times": times}
            for number, column in enumerate(columns)
            for value, times in ((True, len(column) - column.null_count), (None, column.null_count))
            if times
        ]
        counted = pa.Table.from_pylist(times, COUNTED)
        laid.append(_Laid(rule, counted, partial(_empty_rows, columns)))
    return laid


def _empty_rows(columns: list[pa.ChunkedArray], hits: pa.Table) -> Iterator[tuple[int, int]]:
    for number in hits["delivery"].to_pylist():
        for row in np.flatnonzero(columns[number].is_null()).tolist():
            yield number, row + 1


def _by_value(con: duckdb.DuckDBPyConnection, rules: list[Rule]) -> list[_Laid]:
    """For each rule its expression of each distinct value of its column, and of each day if it asks for days."""
    # Columns with their days first: values without days are counted from those, which are few, not from the rows.
    wanted = sorted({rule.reads for rule in rules}, key=len, reverse=True)
    grouped: dict[tuple[str, ...], str] = {}
    for number, reads in enumerate(wanted):
        finer = next((grouped[other] for other in grouped if set(reads) < set(other)), None)
        columns = ", ".join(f'"{name}"' for name in ("delivery", *reads))
        con.execute(
            f"create temp table values_{number} as select {columns}, {'sum(times)' if finer else 'count(*)'}::bigint "
            f"as times from {finer or 'delivered'} group by {columns}"
        )
        grouped[reads] = f"values_{number}"
    laid = []
    for rule in rules:
        counted = con.sql(
            f"with rows as (from {grouped[rule.reads]} inner join months using (delivery)) "
            f"select *, ({_expression(rule)}) as value from rows"
        ).to_arrow_table()
        laid.append(_Laid(rule, counted, partial(_rows_by_value, con, rule.reads)))
    return laid


def _rows_by_value(con: duckdb.DuckDBPyConnection, by: tuple[str, ...], hits: pa.Table) -> list[tuple[int, int]]:
    con.register("hits", hits)
    same = "".join(f' and hits."{name}" is not distinct from delivered."{name}"' for name in by)
    return con.sql(
        "select delivered.delivery, delivered.row_number from delivered inner join hits "
        f"on hits.delivery = delivered.delivery{same} order by all"
    ).fetchall()


def _by_row(
    con: duckdb.DuckDBPyConnection, whole: list[pa.Table], by_file: list[Rule], by_row: list[Rule]
) -> list[_Laid]:
    """Expressions over the rows of each delivery by themselves: of a rule that refuses the file one, of another one a row."""
    together: dict[tuple[str, ...], list[Rule]] = {(): []}
    for rule in by_row:
        together.setdefault(rule.among, []).append(rule)
    judged: dict[str, list[pa.Table]] = defaultdict(list)
    for table in whole:
        of_rules = [(by_file, _worked_out(con, by_file, table, "1::bigint"))]
        for among, rows in _compared(con, table, list(together)).items():
            of_rules.append((together[among], _worked_out(con, together[among], rows, "row_number")))
        for rules, values in of_rules:
            for rule in rules:
                judged[rule.key].append(values.select(["row_number", rule.key]).rename_columns(["row_number", "value"]))
    return [
        _Laid(rule, _counted(judged[rule.key]), partial(_judged_rows, judged[rule.key])) for rule in by_file + by_row
    ]


def _compared(
    con: duckdb.DuckDBPyConnection, table: pa.Table, among: list[tuple[str, ...]]
) -> dict[tuple[str, ...], pa.Table]:
    """For each of these lists of columns the rows that share them with another row, with row_hash; for none of them, all rows.

    Most rows share them with no other. They are told by a hash of the columns, so a few that do not may be among them.
    """
    found = {(): table}
    delivered = [name for name in table.column_names if name not in ADDED]
    for columns in sorted(filter(None, among), key=len):
        # Rows that share these columns are among those that share some of them, which are few.
        fewest = found[max((fewer for fewer in found if set(fewer) <= set(columns)), key=len)]
        hashes = _hashes(con, fewest, columns)
        ordered = np.sort(hashes)
        shared = pc.is_in(pa.array(hashes), pa.array(ordered[1:][ordered[1:] == ordered[:-1]]))
        found[columns] = fewest.filter(shared)
    hashed = {
        c: rows.append_column("row_hash", pa.array(_hashes(con, rows, delivered))) for c, rows in found.items() if c
    }
    return found | hashed


def _hashes(con: duckdb.DuckDBPyConnection, rows: pa.Table, columns: Iterable[str]) -> np.ndarray:
    con.register("to_hash", rows)
    named = ", ".join(f'"{name}"' for name in columns)
    return con.sql(f"select hash({named}) as hash from to_hash").to_arrow_table()["hash"].to_numpy()


def _worked_out(con: duckdb.DuckDBPyConnection, rules: list[Rule], table: pa.Table, row_number: str) -> pa.Table:
    """The expressions of rules, each in a column named by the rule's key, and the row_number."""
    rows = _with_keys(con, table, rules)
    # A name that an expression may use, hence it is the same whichever rows they are.
    con.register("rows", rows)
    selected = "".join(f', ({_by_key(_expression(rule), rows.column_names)}) as "{rule.key}"' for rule in rules)
    return con.sql(f"select {row_number} as row_number{selected} from rows").to_arrow_table()


def _counted(judged: list[pa.Table]) -> pa.Table:
    """How often each delivery has each value."""
    counts = [rows["value"].combine_chunks().value_counts() for rows in judged]
    return pa.table(
        {
            "delivery": np.repeat(np.arange(len(judged)), [len(count) for count in counts]),
            "value": pa.chunked_array([count.field("values") for count in counts]),
            "times": pa.chunked_array([count.field("counts") for count in counts]),
        }
    )


def _judged_rows(judged: list[pa.Table], hits: pa.Table) -> Iterator[tuple[int, int]]:
    for number in hits["delivery"].unique().to_pylist():
        failed = hits["value"].filter(pc.equal(hits["delivery"], number))
        rows = judged[number].filter(pc.is_in(judged[number]["value"], failed))
        for row in sorted(rows["row_number"].to_pylist()):
            yield number, row


def _with_keys(con: duckdb.DuckDBPyConnection, table: pa.Table, rules: list[Rule]) -> pa.Table:
    """The rows with the code keys that expressions ask for, each worked out once for all rows that have the value."""
    for name in sorted({name for rule in rules for name in KEYED.findall(rule.sql or "")} & set(table.column_names)):
        values = table[name].combine_chunks().dictionary_encode()
        con.register("to_key", pa.table({"value": values.dictionary, "place": np.arange(len(values.dictionary))}))
        keys = con.sql("select code_key(value) as key from to_key order by place").to_arrow_table()["key"]
        table = table.append_column(f"{name} key", keys.combine_chunks().take(values.indices))
    return table


def _by_key(expression: str, columns: list[str]) -> str:
    """The expression with the column of keys in place of each code_key() of a column that has one."""
    return KEYED.sub(lambda call: f'"{call[1]} key"' if f"{call[1]} key" in columns else call[0], expression)


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
    asked = _questions(laid, values, codes)
    failed = {name: asked[name] for name, result in _evaluate(asked, "BOOLEAN_ONLY") if not result.success}
    found = []
    for name, result in _evaluate(failed, "COMPLETE") if failed else []:
        question = failed[name]
        places = np.array(result.result.get("unexpected_index_list") or [], np.int64)
        if not any(places < len(question.values)):
            raise GateError(f"Rule {name} failed without saying for which values.")
        for one, start, end in question.parts:
            here = np.sort(places[(places >= start) & (places < end)])
            if len(here):
                found.append((one, question.values.take(pa.array(here))))
    return found


def _questions(laid: list[_Laid], values: list[pa.ChunkedArray], codes: dict[str, list[str]]) -> dict[str, _Question]:
    """What Great Expectations is asked. An expectation costs it milliseconds, so rules that ask the same share one."""
    alike: dict[str, list[tuple[_Laid, pa.ChunkedArray]]] = defaultdict(list)
    for one, of_one in zip(laid, values, strict=True):
        kwargs = {name: value for name, value in one.rule.kwargs.items() if name != "column"}
        if len(of_one):
            alike[f"{one.rule.type} {sorted(kwargs.items())} {of_one.type}"].append((one, of_one))
    questions = {}
    for group in alike.values():
        ends = np.cumsum([len(of_one) for _, of_one in group]).tolist()
        parts = [(one, end - len(of_one), end) for (one, of_one), end in zip(group, ends, strict=True)]
        rule = group[0][0].rule
        kwargs = {**rule.kwargs, "column": rule.key}
        if rule.code_list:
            kwargs["value_set"] = codes[rule.code_list]
        stacked = pa.chunked_array([chunk for _, of_one in group for chunk in of_one.chunks])
        questions[rule.key] = _Question(rule.type, kwargs, stacked, parts)
    return questions


def _found(failed: list[tuple[_Laid, pa.ChunkedArray]], deliveries: int) -> list[Found]:
    """How many rows of each delivery have a value that failed, and which, if the rule refuses rows."""
    found = [Found() for _ in range(deliveries)]
    for one, values in failed:
        hits = one.counted.filter(pc.is_in(one.counted["value"], values))
        for delivery, times in zip(hits["delivery"].to_pylist(), hits["times"].to_pylist(), strict=True):
            failures = found[delivery].failed
            failures[one.rule.key] = failures.get(one.rule.key, 0) + times
        if one.rule.refuses == "row":
            for delivery, row in one.rows(hits):
                found[delivery].rows.setdefault(one.rule.key, []).append(row)
    return found


def _evaluate(asked: dict[str, _Question], result_format: str) -> list[tuple[str, Any]]:
    """Results of Great Expectations by the questions' names. Raises GateError if one could not be evaluated."""
    wanted = {"result_format": result_format, "exclude_unexpected_values": True, "include_unexpected_rows": False}
    suite, failed, results = _suite(asked), None, []
    try:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": _frame(asked)})
        results = batch.validate(suite, result_format=wanted).results
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote a value
        failed = type(error).__name__
    if failed:
        raise GateError(f"Great Expectations failed with {failed}.")
    named = [(result.expectation_config.meta["name"], result) for result in results]
    if errors := sorted(name for name, result in named if _raised(result.exception_info)):
        raise GateError(f"Rules that could not be evaluated: {', '.join(errors)}.")
    return named


def _frame(asked: dict[str, _Question]) -> "pd.DataFrame":
    """A column of values for each question; a shorter one goes on with its first value, which changes no verdict."""
    rows = max(len(question.values) for question in asked.values())
    return pa.table(
        {
            name: pa.chunked_array([*q.values.chunks, pa.repeat(q.values[0], rows - len(q.values))])
            for name, q in asked.items()
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


def _suite(asked: dict[str, _Question]) -> "ExpectationSuite":
    from great_expectations.core.expectation_suite import ExpectationSuite

    expectations = [{"type": q.type, "kwargs": q.kwargs, "meta": {"name": name}} for name, q in asked.items()]
    suite = ExpectationSuite(name="rules", expectations=expectations)
    if len(suite.expectations) < len(asked):  # Great Expectations leaves out what it does not know, and only logs it
        lost = asked.keys() - {expectation.meta["name"] for expectation in suite.expectations}
        raise GateError(f"Rules that Great Expectations does not know how to evaluate: {', '.join(sorted(lost))}.")
    return suite
