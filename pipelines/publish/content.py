"""What a released database holds, as digests that do not depend on when or how the file was written.

The bytes of DuckDB files differ from build to build; the digests here differ only if a row, a column or a
column's name does. What does not belong here: deciding what to do with a digest (release.py).
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.warehouse.database import identifier, literal

DECIMAL_PLACES = 6  # sums of floating-point numbers differ behind these when rows come in another order
ROWS_AT_ONCE = 50_000
# The file board.duckdb is the catalogue `board` to whoever opens it: with its tables in schema main, `board.headlines`
# names one of them, whereas a schema of the same name would make DuckDB refuse that as ambiguous.
BOARD_SCHEMA = "main"


def content_digest(database: Path) -> dict[str, str]:
    """SHA-256 (hex) of every table by `schema.table`: its column names and its rows in sorted order."""
    with open_released(database) as connection:
        return table_digests(connection)


def table_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The content digest of a database that is open."""
    return {published_name(*name): _table_digest(connection, *name) for name in tables(connection)}


@contextmanager
def open_released(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A released database, open read-only."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(str(database))} AS released (READ_ONLY)")
        connection.execute("USE released")
        yield connection


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(schema, table) of every table and view of the connection's own database, sorted."""
    return connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database() ORDER BY ALL"
    ).fetchall()


def published_name(schema: str, table: str) -> str:
    """`marts.<table>` or `board.<table>`."""
    return f"{'board' if schema == BOARD_SCHEMA else schema}.{table}"


def combined(digests: dict[str, str]) -> str:
    """One SHA-256 (hex) over a mapping, whatever its order."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def _table_digest(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() "
        "AND schema_name = ? AND table_name = ? ORDER BY column_index",
        [schema, table],
    ).fetchall()
    values = ", ".join(_as_text(name, data_type) for name, data_type in columns)
    digest = hashlib.sha256(json.dumps([name for name, _ in columns]).encode())
    rows = connection.execute(
        f"SELECT sha256(to_json([{values}])::VARCHAR) AS row_digest FROM {identifier(schema)}.{identifier(table)} ORDER BY 1"
    )
    while batch := rows.fetchmany(ROWS_AT_ONCE):
        digest.update("".join(row_digest for (row_digest,) in batch).encode())
    return digest.hexdigest()


def _as_text(column: str, data_type: str) -> str:
    """SQL for a value as text; a floating-point number at fixed places, with no negative zero."""
    if data_type in ("DOUBLE", "FLOAT"):
        return f"format('{{:.{DECIMAL_PLACES}f}}', round({identifier(column)}::DOUBLE, {DECIMAL_PLACES}) + 0.0)"
    return f"{identifier(column)}::VARCHAR"
