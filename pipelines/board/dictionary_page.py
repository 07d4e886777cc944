"""The data dictionary: one self-contained HTML page of every analyst table, made from the release's own tables about it.

All its words are the comments in the database. What does not belong here: what those tables hold
(pipelines/publish/dictionary.py), and figures.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.board.drawing import Row
from pipelines.board.linkage_page import read_rows
from pipelines.board.page import render_page
from pipelines.publish.content import open_released
from pipelines.warehouse.lineage import Source, origins

DELIVERED = "accepted"  # schema of what agencies delivered
MOST_ORIGINS = 12  # shown of a column; marts.column_lineage has all


@dataclass(frozen=True)
class Column:
    """A column as it is described to a reader."""

    name: str
    data_type: str
    meaning: str
    in_key: bool
    joins: str  # table
    deprecated: str
    sources: list[str]
    origins: list[str]
    more_origins: int


@dataclass(frozen=True)
class Table:
    """A table of schema marts; joined_by: tables whose columns join its key."""

    name: str
    description: str
    rows: int
    key: list[str]
    joined_by: list[str]
    columns: list[Column]


def render_dictionary_page(analyst: Path, out: Path, facts: dict) -> None:
    """Writes the page `out` from an analyst database. facts: as pipelines.publish.about.pack_facts gives them."""
    render_page("dictionary.html", out, facts=facts, tables=described_tables(analyst))


def described_tables(analyst: Path) -> list[Table]:
    """Every table of an analyst database, by name."""
    about = read_rows(analyst, ("dictionary", "column_lineage"))
    lineage: dict[Source, list[Source]] = defaultdict(list)
    for row in about["column_lineage"]:
        made = (row["schema_name"], row["table_name"], row["column_name"])
        lineage[made].append((row["from_schema"], row["from_table"], row["from_column"]))
    columns: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(about["dictionary"], key=lambda row: (row["table_name"], row["position"])):
        columns[row["table_name"]].append(row)
    return [
        Table(
            name,
            description,
            rows,
            [row["column_name"] for row in sorted(columns[name], key=_place_in_key) if row["key_position"]],
            sorted({row["table_name"] for row in about["dictionary"] if row["joins_table"] == name} - {name}),
            [_column(row, lineage) for row in columns[name]],
        )
        for name, description, rows in _tables(analyst)
    ]


def _place_in_key(row: Row) -> int:
    return row["key_position"] or 0


def _tables(analyst: Path) -> list[tuple[str, str, int]]:
    with open_released(analyst) as connection:
        return connection.execute(
            "SELECT table_name, comment, estimated_size FROM duckdb_tables() "
            "WHERE database_name = 'released' AND schema_name = 'marts' ORDER BY table_name"
        ).fetchall()


def _column(row: Row, lineage: dict[Source, list[Source]]) -> Column:
    of = ("marts", row["table_name"], row["column_name"])
    first = _written(source for source in origins(lineage, of) if source[0] == DELIVERED)
    deprecated = row["deprecated_in"] and f"deprecated in {row['deprecated_in']}: use {row['use_instead']}"
    return Column(
        row["column_name"], row["data_type"], row["meaning"], row["key_position"] is not None, row["joins_table"] or "",
        deprecated or "", _written(lineage.get(of, ())), first[:MOST_ORIGINS], max(0, len(first) - MOST_ORIGINS),
    )  # fmt: skip


def _written(sources: Iterable[Source]) -> list[str]:
    return sorted(
        f"{table if schema == DELIVERED else f'{schema}.{table}'}{f'.{column}' if column else ' (rows)'}"
        for schema, table, column in sources
    )
