"""Secondary disclosure control: withholds what would give a withheld number away.

Works on the board tables as they stand after primary control (disclosure.py), with nothing but what is published, so
that which neighbour is withheld tells nothing that the tables did not: parts of small groups first, then, as long as the
audit finds a withheld cell with too few candidates, the smallest published number that is tied to it. In a period that
was published before, what was withheld stays so, and what was published cannot be taken back.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from pipelines.publish.audit import (
    Audit,
    Cell,
    Finding,
    Interval,
    NotConsistent,
    Row,
    System,
    Table,
    audit,
    in_words,
    one_number,
    system_of,
    with_earlier,
)
from pipelines.publish.disclosure import REASON, REASON_NEIGHBOUR, UncontrolledTable, reason_small_base
from pipelines.publish.sums import Declared
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal

MONTH = "month"  # the dimension that says which period a row is of


@dataclass(frozen=True)
class Earlier:
    """The board tables that were published before; same_period: whether their last month is that of the new ones."""

    tables: list[Table]
    same_period: bool


def withhold_more(tables: list[Table], earlier: Earlier | None, settings: Settings) -> Audit:
    """Withholds in `tables` what must be, and returns the audit that they then pass.

    Raises UncontrolledTable if nothing that could be withheld helps.
    """
    rows = {(table.name, place): row for table in tables for place, row in enumerate(table.rows)}
    for row, reason in [*_parts_of_small_groups(tables, settings), *_withheld_before(tables, earlier, settings)]:
        _withhold(rows[row], _table(tables, row).declared, reason)
    so_far = SoFar()
    while True:
        now = system_of(tables, settings)
        found = attack(now, earlier, settings, so_far)
        if not found.unsafe:
            return found
        for row in _smallest_neighbours(found.unsafe, now, earlier, settings):
            _withhold(rows[row], _table(tables, row).declared, REASON_NEIGHBOUR)


@dataclass
class SoFar:
    """What attacks have seen, for one on the same tables with more withheld: what was possible is possible still.

    seen: as in `audit`. same: cells that were taken to be one number in both releases; none the first time.
    """

    seen: dict[Cell, Interval] = field(default_factory=dict)
    same: set[Cell] | None = None

    def anew(self, same: set[Cell]) -> set[Cell]:
        """Cells that are taken to be one number now and were not before, which allows less; remembers them."""
        more = set() if self.same is None else same - self.same
        self.same = same
        return more


def attack(now: System, earlier: Earlier | None, settings: Settings, so_far: SoFar | None = None) -> Audit:
    """The audit of new tables, together with those that were published before.

    Numbers that fit what was published of them before are taken to be the same, unless that is seen to be impossible.
    """
    seen = so_far.seen if so_far else None
    if earlier is None:
        return audit(now, settings, seen)
    before = system_of(earlier.tables, settings)
    same = one_number(now, before, _same_period(now, earlier))
    while True:
        try:
            anew = so_far.anew(same) if so_far else ()
            return audit(with_earlier(now, before, same), settings, seen, anew)
        except NotConsistent as contradiction:
            if not same & contradiction.cells:
                raise
            same = same - contradiction.cells


def withhold_in(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    declared: dict[str, Declared],
    earlier: Earlier | None,
    settings: Settings,
) -> None:
    """Withholds more in the tables of a schema (a SQL name) of the connection, which are under primary control."""
    tables = read_tables(connection, schema, declared)
    withheld_before = {(table.name, place) for table in tables for place, row in enumerate(table.rows) if row[REASON]}
    withhold_more(tables, earlier, settings)
    for table in tables:
        more = defaultdict(list)
        for place, row in enumerate(table.rows):
            if row[REASON] and (table.name, place) not in withheld_before:
                more[row[REASON]].append(str(place))
        numbers = [identifier(name) for name, role in table.declared.roles.items() if role != "label"]
        for reason, places in more.items():
            connection.execute(
                f"UPDATE {schema}.{identifier(table.name)} SET {', '.join(f'{number} = NULL' for number in numbers)}, "
                f"{REASON} = {literal(reason)} WHERE rowid IN ({', '.join(places)})"
            )


def read_tables(connection: duckdb.DuckDBPyConnection, schema: str, declared: dict[str, Declared]) -> list[Table]:
    """The tables of a schema that are declared, with their rows in the order in which they stand there."""
    tables = []
    for name, its in declared.items():
        result = connection.execute(f"SELECT * FROM {schema}.{identifier(name)} ORDER BY rowid")
        columns = [column[0] for column in result.description]
        tables.append(Table(name, its, [dict(zip(columns, row, strict=True)) for row in result.fetchall()]))
    return tables


def _table(tables: list[Table], row: Row) -> Table:
    return next(table for table in tables if table.name == row[0])


def _withhold(row: dict, declared: Declared, reason: str) -> None:
    row |= {name: None for name, role in declared.roles.items() if role != "label"} | {REASON: reason}


def _parts_of_small_groups(tables: list[Table], settings: Settings) -> Iterator[tuple[Row, str]]:
    """Rows with a count of persons that is part of fewer than `least_base`, in the row or in its total row."""
    for table in tables:
        people = table.declared.measures("people")
        by_cell = {table.cell(row, column): row for row in table.rows for column in people}
        for place, row in enumerate(table.rows):
            wholes = [row[whole] for part, whole in table.declared.within if {part, whole} <= set(people)]
            for name, value in table.labels(row).items():
                if name in table.declared.adds_up and table.declared.adds_up[name].in_part:
                    for column in people:
                        counts, _, labels = table.cell(row, column)
                        whole = by_cell.get((counts, column, labels - {(name, value)}))
                        wholes += (
                            [whole[column] if whole[column] is not None or not whole[REASON] else 1] if whole else []
                        )
            if not row[REASON] and any(whole is not None and 0 < whole < settings.least_base for whole in wholes):
                yield (table.name, place), reason_small_base(settings)


def _withheld_before(tables: list[Table], earlier: Earlier | None, settings: Settings) -> Iterator[tuple[Row, str]]:
    """Rows of a period that was published before, in which they were withheld for the sake of others."""
    kept = (REASON_NEIGHBOUR, reason_small_base(settings))
    before = {
        (table.name, tuple(row.get(name) for name in table.declared.key)): row[REASON]
        for table in (earlier.tables if earlier else [])
        for row in table.rows
        if row[REASON] in kept and (earlier.same_period or MONTH in table.declared.key)
    }
    for table in tables:
        for place, row in enumerate(table.rows):
            reason = before.get((table.name, tuple(row[name] for name in table.declared.key)))
            if reason and not row[REASON] and any(row[name] for name in table.declared.measures("people")):
                yield (table.name, place), reason


def _same_period(now: System, earlier: Earlier) -> set[Cell]:
    return {cell for cell in now.cells if earlier.same_period or any(name == MONTH for name, _ in cell[2])}


def _smallest_neighbours(unsafe: list[Finding], now: System, earlier: Earlier | None, settings: Settings) -> set[Row]:
    """For each cell that is not hidden the rows of the smallest number that is published now alone and tied to it."""
    fixed = set()
    if earlier:
        before = system_of(earlier.tables, settings).cells
        fixed = {cell for cell in _same_period(now, earlier) if cell in before and before[cell].published}
    tied = defaultdict(set)
    for relation in now.relations:
        cells = [cell for cell, _ in relation.terms]
        for cell in cells:
            tied[cell].update(cells)
    chosen: set[Row] = set()
    for finding in unsafe:
        cell = _nearest(finding.cell, tied, now, fixed)
        if cell is None:
            raise UncontrolledTable(
                f"{in_words(finding.cell)} can be worked out to be {finding.low:.0f} to {finding.high:.0f}, and nothing "
                "that could be withheld beside it is left: make the table coarser"
            )
        chosen.update(now.cells[cell].rows)
    return chosen


def _nearest(start: Cell, tied: dict[Cell, set[Cell]], now: System, fixed: set[Cell]) -> Cell | None:
    """The smallest published cell among those tied to a cell, or tied to these, and so on; None if there is none."""
    seen, ring = {start}, {start}
    while ring:
        ring = {other for cell in ring for other in tied[cell] if other in now.cells} - seen
        seen |= ring
        open_to_choice = [
            cell for cell in ring if now.cells[cell].published and now.cells[cell].low > 0 and cell not in fixed
        ]
        if open_to_choice:
            return min(open_to_choice, key=lambda cell: (now.cells[cell].low, in_words(cell)))
    return None
