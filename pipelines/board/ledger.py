"""Every number of the pack comes through here: each is a query on board.duckdb, written down for the appendix.

A number is asked for by its cell (table, row, column), or as a share or a product of cells; what is printed carries the
number of its line in the appendix, where its query, its definition and its band stand. What does not belong here:
sentences (words.py) and which numbers a board should see (pack.py).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
from markupsafe import Markup

from pipelines.board import words
from pipelines.board.drawing import Drawing, Row
from pipelines.warehouse.names import identifier, literal

BAND_ENDS = ("_low", "_high")
NUMBERS = ("BIGINT", "INTEGER", "DOUBLE")  # types of the board's numbers
_TABLE = re.compile(r"FROM board\.(\w+)")
_DRAWN = re.compile(r"FROM board\.\w+ (WHERE .+?) (?:GROUP BY|ORDER BY) ")  # rows of a query on one table


@dataclass(frozen=True)
class Cell:
    """One number of one row of a board table."""

    table: str
    row: Mapping
    column: str

    @property
    def value(self) -> float | None:
        return self.row[self.column]


@dataclass(frozen=True)
class Entry:
    """A line of the appendix: a number as it is printed, and how to come to it again."""

    number: int
    text: str
    sql: str
    definition: str
    denominator: str
    period: str
    band: str
    agencies: str
    price_year: str


@dataclass(frozen=True)
class Figure:
    """A chart of the page with the query that gave its rows."""

    number: str
    title: str
    reading: Markup
    caveat: str
    drawing: Drawing
    sql: str
    definition: str
    denominator: str
    period: str
    band: str


class Ledger:
    """Reads board.duckdb, and keeps a line for each number that was printed."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        keys: Mapping[str, list[str]],
        no_band: Mapping[tuple[str, str], str],
        round_to: int,
    ):
        """keys: columns that name a row of each table. no_band: why a column has no band, by table and column."""
        self.connection, self.keys, self.no_band, self.round_to = connection, keys, no_band, round_to
        self.entries: dict[str, Entry] = {}
        self.figures: list[Figure] = []
        self.period = ""
        columns = self.query(
            "SELECT table_name, column_name, comment, data_type FROM duckdb_columns() WHERE database_name = 'board'"
        )
        self.comments = {(each["table_name"], each["column_name"]): each["comment"] for each in columns}
        self.kinds = {(each["table_name"], each["column_name"]): each["data_type"] for each in columns}

    def query(self, sql: str) -> list[Row]:
        """The rows of a query on board.duckdb, by column."""
        result = self.connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def rows(self, table: str, where: str = "true", order: str = "") -> list[Row]:
        """Rows of a board table, by its key unless another order is given."""
        return self.query(f"SELECT * FROM board.{table} WHERE {where} ORDER BY {order or ', '.join(self.keys[table])}")

    def figure(
        self,
        number: str,
        title: str,
        sql: str,
        draw: Callable[[list[Row]], Drawing | None],
        caveat: str,
        reading: Callable[[list[Row]], str] | Markup | str = "",
        share_of: str = "",
    ) -> Figure | None:
        """A chart of the rows of a query; None where there is nothing to draw. reading: what it says, or how to tell."""
        rows = self.query(sql)
        drawing = draw(rows) if rows else None
        if drawing is None:
            return None
        said = reading(rows) if callable(reading) else reading
        caveat = " ".join(filter(None, [caveat, self._whose(sql)]))
        (table,) = _TABLE.findall(sql)[:1]
        shown = [name for name in self._numbers(table) if re.search(rf"\b{name}\b", sql)]
        period = "Each month" if "month" in rows[0] else self.period
        made = Figure(
            number, title, Markup.escape(said or drawing.finding), caveat, drawing, sql,
            "; ".join(self._meaning(table, name) for name in shown), share_of, period, self._bands(table, shown),
        )  # fmt: skip
        self.figures.append(made)
        return made

    def _numbers(self, table: str) -> list[str]:
        """Columns of a table that are numbers of their own: ends of bands are not."""
        return [
            name for (of, name), kind in self.kinds.items()
            if of == table and kind in NUMBERS and not name.endswith(BAND_ENDS)
        ]  # fmt: skip

    def _bands(self, table: str, columns: list[str]) -> str:
        """Where the bands of a figure's numbers stand, or why there are none."""
        return " ".join(
            dict.fromkeys(
                self.no_band.get((table, name), "In brackets in the table behind the figure.") for name in columns
            )
        )

    def _whose(self, sql: str) -> str:
        """A sentence about figures that one agency's records alone give, of those of the first table that a query reads."""
        (table,) = _TABLE.findall(sql)[:1]
        if (table, "agencies") not in self.comments:
            return ""
        drawn = None if " JOIN " in sql else _DRAWN.search(sql)
        where = drawn[1] if drawn else ""
        alone = {row["agencies"] for row in self.query(f"SELECT DISTINCT agencies FROM board.{table} {where}")} - {None}
        if alone == {"one agency"}:
            return "Each number is one agency's own figure."
        return (
            "Where one agency alone has the records, it is that agency's own figure." if "one agency" in alone else ""
        )

    def count(self, cell: Cell) -> Markup:
        """A count as it is published."""
        return self._note(words.number(cell.value), _select(self, cell), cell)

    def share(self, part: Cell, whole: Cell) -> Markup:
        """A share of two published counts, in words."""
        sql = f"SELECT ({_select(self, part)}) / ({_select(self, whole)})"
        return self._note(words.percent(part.value / whole.value), sql, part, whole)

    def hours(self, cell: Cell) -> Markup:
        """Minutes in hours, rounded like a count."""
        step = self.round_to
        hours = step * round(cell.value / 60 / step)
        return self._note(words.number(hours), f"SELECT {step} * round(({_select(self, cell)}) / {60 * step})", cell)

    def a_month(self, cell: Cell, months: int) -> Markup:
        """A count a month, rounded to whole ones."""
        return self._note(words.number(cell.value / months), f"SELECT ({_select(self, cell)}) / {months}", cell)

    def pounds(self, cell: Cell, unit: str) -> Markup:
        """A count times a unit cost of the same row, in pounds to the next thousand."""
        pounds = 1000 * round(cell.value * cell.row[unit] / 1000)
        sql = (
            f"SELECT 1000 * round(({_select(self, cell)}) * ({_select(self, Cell(cell.table, cell.row, unit))}) / 1000)"
        )
        return self._note(f"£{words.number(pounds)}", sql, cell)

    def _note(self, text: str, sql: str, cell: Cell, whole: Cell | None = None) -> Markup:
        if sql not in self.entries:
            self.entries[sql] = Entry(
                len(self.entries) + 1, text, sql, self._defined(cell), self._defined(whole) if whole else "",
                words.month(cell.row["month"]) if "month" in cell.row else self.period, self._band(cell, whole),
                cell.row.get("agencies") or cell.row.get("agency") or "", cell.row.get("price_year") or "",
            )  # fmt: skip
        entry = self.entries[sql]
        return Markup('<data class="number" value="{}">{}</data>').format(entry.number, entry.text)

    def _defined(self, cell: Cell) -> str:
        """What a number is, by the comment of its column and the labels of its row."""
        labels = [cell.row[name] for name in self.keys[cell.table] if name != "headline_id"]
        labels = [cell.row["label"]] if cell.table == "headlines" else labels
        meaning = self._meaning(cell.table, cell.column)
        return f"{meaning}: {', '.join(str(label) for label in labels)}" if labels else meaning

    def _meaning(self, table: str, column: str) -> str:
        return (self.comments.get((table, column)) or "").removesuffix(".")

    def _band(self, cell: Cell, whole: Cell | None = None) -> str:
        """The ends of a number's band, or why it has none; of a share, those of its part and of its whole."""
        if whole:
            return f"Part: {words.uncapitalised(self._band(cell))} Whole: {words.uncapitalised(self._band(whole))}"
        if cell.column.endswith(BAND_ENDS):
            return "This is an end of a band."
        low, high = (cell.row.get(cell.column + end) for end in BAND_ENDS)
        if low is None or high is None:
            return self.no_band[cell.table, cell.column]
        return f"{words.number(low)} to {words.number(high)}."


def _select(ledger: Ledger, cell: Cell) -> str:
    where = " AND ".join(
        f"{identifier(name)} = {literal(cell.row[name])}"
        if cell.row[name] is not None
        else f"{identifier(name)} IS NULL"
        for name in ledger.keys[cell.table]
    )
    return f"SELECT {identifier(cell.column)} FROM board.{cell.table} WHERE {where}"
