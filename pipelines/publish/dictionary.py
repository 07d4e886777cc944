"""The analyst tables about themselves: marts.dictionary and marts.column_lineage, and the keys in the tables' comments.

What a column means stands behind it in its SQL file and nowhere else; here it is put together with its type, the table's
key, the table it joins, where it comes from and when it is to go, and written into the release, so that whoever has the
file alone has all of it. What joins what is data/reference/joins.csv; the life of each column is
data/reference/published_columns.csv (changes.py). What does not belong here: the page (pipelines/board).
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from pipelines.publish.changes import Life, read_lives
from pipelines.publish.export import both
from pipelines.publish.tables import COLUMN_LINEAGE, DICTIONARY, RELEASE_RISK, published_files
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal, sql_files
from pipelines.warehouse.lineage import column_sources
from pipelines.warehouse.sqlfile import TableName

DICTIONARY_COLUMNS = {
    "table_name": ("VARCHAR", "Table of schema marts"),
    "column_name": ("VARCHAR", "Column"),
    "position": ("INTEGER", "Place of the column in the table from 1"),
    "data_type": ("VARCHAR", "Type"),
    "meaning": ("VARCHAR", "What it means"),
    "key_position": ("INTEGER", "Place in the key of the table: no two rows have the same key; empty where not in it"),
    "joins_table": ("VARCHAR", "Table that it joins: each value stands once in that table's key; empty where none"),
    "joins_column": ("VARCHAR", "The column there"),
    "since": ("VARCHAR", "Month from which it is published as YYYY-MM"),
    "deprecated_in": ("VARCHAR", "Month in which it was said that it will go as YYYY-MM; empty where it stays"),
    "use_instead": ("VARCHAR", "What to use instead of a column that will go"),
}
LINEAGE_COLUMNS = {
    "schema_name": ("VARCHAR", "Schema: marts and board are published, the others are steps on the way at the hub"),
    "table_name": ("VARCHAR", "Table"),
    "column_name": ("VARCHAR", "Column"),
    "from_schema": ("VARCHAR", "Schema of what it is worked out from; accepted is what agencies delivered"),
    "from_table": ("VARCHAR", "Table of what it is worked out from"),
    "from_column": ("VARCHAR", "The column there; empty where the table's rows are counted"),
}
ABOUT = {
    DICTIONARY: (
        "One row per column of the analyst tables: its type and meaning, its key, and what it joins.",
        ("table_name", "column_name"),
        DICTIONARY_COLUMNS,
    ),
    COLUMN_LINEAGE: (
        "One row per column and what it is worked out from, one step back; joins and filters are not in it.",
        (),
        LINEAGE_COLUMNS,
    ),
}
NOT_ALL_THERE = {"person_history", "people_to_review", "person_draws"}  # name people who may be in no contact any more


class Join(NamedTuple):
    """The table that a column joins, and the column there."""

    table: str
    column: str


def write_dictionary(warehouse: Path, analyst: Path, settings: Settings) -> None:
    """Adds marts.dictionary and marts.column_lineage, and says in each table's comment what its key is."""
    with both(warehouse, analyst) as connection:
        for table, (description, _, columns) in ABOUT.items():
            _create(connection, table, description, columns)
        found = _columns(connection)
        keys = {file.table: file.key for file in published_files(settings) if file.schema == "marts"}
        keys |= {table: key for table, (_, key, _) in ABOUT.items()} | {RELEASE_RISK: ()}
        lives = read_lives(settings.reference_csv("published_columns"))
        _write_rows(connection, DICTIONARY, _dictionary(found, keys, _joins(settings), lives))
        _write_rows(connection, COLUMN_LINEAGE, _lineage(connection, settings))
        _comment(connection, found, keys, lives)


def join_of(table: str, column: str, joins: Mapping[str, str]) -> Join | None:
    """What a column joins by its name: `contact_id` and `crisis_contact_id` both join the contacts."""
    for name, joined in joins.items():
        if (column == name or column.endswith(f"_{name}")) and joined != table and table not in NOT_ALL_THERE:
            return Join(joined, name)
    return None


def _joins(settings: Settings) -> dict[str, str]:
    """Column to the table whose key it is, of those tables that are published."""
    published = {file.table for file in published_files(settings)}
    with settings.reference_csv("joins").open(encoding="utf-8", newline="") as file:
        return {row["column"]: row["table"] for row in csv.DictReader(file) if row["table"] in published}


def _dictionary(
    found: list[tuple[str, str, int, str, str]],
    keys: Mapping[str, Sequence[str]],
    joins: Mapping[str, str],
    lives: Mapping[tuple[str, str], Life],
) -> list[tuple]:
    types = {(table, column): data_type for table, column, _, data_type, _ in found}
    rows = []
    for table, column, position, data_type, meaning in found:
        key = keys.get(table, ())
        life = lives.get((f"marts.{table}", column), Life())
        joined = join_of(table, column, joins)
        joined = joined if joined and types.get(joined) == data_type else (None, None)
        place = key.index(column) + 1 if column in key else None
        since, deprecated, instead = life.since or None, life.deprecated_in or None, life.use_instead or None
        rows.append((table, column, position, data_type, meaning, place, *joined, since, deprecated, instead))
    return rows


def _lineage(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[tuple]:
    columns: dict[TableName, list[str]] = {}
    for schema, table, column in connection.execute(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE database_name = 'warehouse' "
        "ORDER BY schema_name, table_name, column_index"
    ).fetchall():
        columns.setdefault((schema, table), []).append(column)
    return [
        (*file.name, column, *source)
        for file in sorted(sql_files(settings), key=lambda file: file.name)
        for column, sources in column_sources(file, columns).items()
        for source in sources
    ]


def _create(
    connection: duckdb.DuckDBPyConnection, table: str, description: str, columns: dict[str, tuple[str, str]]
) -> None:
    types = ", ".join(f"{name} {data_type}" for name, (data_type, _) in columns.items())
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS target.marts; CREATE TABLE target.marts.{table} ({types})")
    connection.execute(f"COMMENT ON TABLE target.marts.{table} IS {literal(description)}")
    for name, (_, meaning) in columns.items():
        connection.execute(f"COMMENT ON COLUMN target.marts.{table}.{name} IS {literal(meaning)}")


def _write_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    types = {"VARCHAR": pa.string(), "INTEGER": pa.int32()}
    schema = pa.schema([(name, types[data_type]) for name, (data_type, _) in ABOUT[table][2].items()])
    connection.register(
        "rows", pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
    )
    connection.execute(f"INSERT INTO target.marts.{table} FROM rows")
    connection.unregister("rows")


def _columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int, str, str]]:
    """table, column, place, type and comment of every column of the analyst tables."""
    return connection.execute(
        "SELECT table_name, column_name, column_index, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = 'target' ORDER BY table_name, column_index"
    ).fetchall()


def _comment(
    connection: duckdb.DuckDBPyConnection,
    found: list[tuple[str, str, int, str, str]],
    keys: Mapping[str, Sequence[str]],
    lives: Mapping[tuple[str, str], Life],
) -> None:
    """The key behind each table's description, and behind a column that will go what to use instead."""
    for table, comment in connection.execute(
        "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'target'"
    ).fetchall():
        if key := keys.get(table):
            said = f"{comment} Key: {', '.join(key)}."
            connection.execute(f"COMMENT ON TABLE target.marts.{identifier(table)} IS {literal(said)}")
    for table, column, _, _, comment in found:
        life = lives.get((f"marts.{table}", column))
        if life and life.deprecated_in:
            said = f"{comment} (deprecated in {life.deprecated_in}, will go: use {life.use_instead})"
            connection.execute(
                f"COMMENT ON COLUMN target.marts.{identifier(table)}.{identifier(column)} IS {literal(said)}"
            )
