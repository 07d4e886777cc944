"""Writes the files of a release from the warehouse: two documented databases and a Parquet file per mart.

The warehouse is opened read-only. What does not belong here: judging what was written (checks.py) and switching
it in (release.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.publish.content import BOARD_SCHEMA, open_released, tables
from pipelines.publish.disclosure import REASON, REASON_COMMENT, controlled_select
from pipelines.publish.generalise import generalised
from pipelines.publish.secondary import Earlier, withhold_in
from pipelines.publish.sums import Declared
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal

STORAGE_VERSION = "v1.2.0"  # DuckDB 1.2 and later can open it


def write_analyst(warehouse: Path, target: Path, names: list[str], settings: Settings) -> None:
    """Copies the named tables of schema `marts`, those that the warehouse has, with their comments.

    Times and areas become as coarse as the settings ask. Raises UngeneralisedColumn if one cannot.
    """
    with both(warehouse, target) as connection:
        for table in _present(connection, "marts", names):
            columns = _columns(connection, "marts", table)
            coarser = generalised({name: data_type for name, data_type, _ in columns}, settings)
            replaced = ", ".join(f"{column.value} AS {identifier(name)}" for name, column in coarser.items())
            select = f"SELECT *{replaced and f' REPLACE ({replaced})'} FROM warehouse.marts.{identifier(table)}"
            comments = {
                name: f"{comment} ({coarser[name].note})" for name, _, comment in columns if comment and name in coarser
            }
            _copy(connection, "marts", table, select, comments, into="marts")


def write_board(
    warehouse: Path, target: Path, declared: dict[str, Declared], earlier: Earlier | None, settings: Settings
) -> None:
    """Copies the declared tables of schema `board`, with their comments, all through disclosure control.

    earlier: what was published before, with which they may not give anything away. Raises UncontrolledTable if a table
    cannot be treated.
    """
    with both(warehouse, target) as connection:
        present = {table: declared[table] for table in _present(connection, "board", list(declared))}
        for table, its in present.items():
            select = controlled_select(f"warehouse.board.{identifier(table)}", its.roles, settings)
            _copy(connection, "board", table, select, {REASON: REASON_COMMENT}, into=BOARD_SCHEMA)
        withhold_in(connection, f"target.{BOARD_SCHEMA}", present, earlier, settings)


def write_parquet(analyst: Path, folder: Path) -> None:
    """Writes every mart as `folder/<table>.parquet`."""
    folder.mkdir()
    with open_released(analyst) as connection:
        for table in (name for schema, name in tables(connection) if schema == "marts"):
            path = literal(str(folder / f"{table}.parquet"))
            connection.execute(f"COPY marts.{identifier(table)} TO {path} (FORMAT parquet, COMPRESSION zstd)")


@contextmanager
def both(warehouse: Path, target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with `warehouse` (read-only) and `target`, which is checkpointed and closed at the end."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(str(warehouse))} AS warehouse (READ_ONLY)")
        connection.execute(f"ATTACH {literal(str(target))} AS target (STORAGE_VERSION '{STORAGE_VERSION}')")
        yield connection
        connection.execute("CHECKPOINT target")


def _present(connection: duckdb.DuckDBPyConnection, schema: str, names: list[str]) -> list[str]:
    """Those of the named tables that the warehouse has."""
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'warehouse' AND table_schema = ?",
        [schema],
    ).fetchall()
    return sorted(set(names) & {name for (name,) in found})


def _copy(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    select: str,
    comments: dict[str, str],
    into: str,
) -> None:
    """Writes the SELECT's rows, sorted, as target.<into>.<table> with its comments.

    They are those of <schema>.<table>, but for the columns in `comments`.
    """
    target = f"target.{into}.{identifier(table)}"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS target.{into}")
    connection.execute(f"CREATE TABLE {target} AS SELECT * FROM ({select}) ORDER BY ALL")
    description = connection.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = 'warehouse' AND schema_name = ? AND table_name = ?",
        [schema, table],
    ).fetchall()
    connection.execute(f"COMMENT ON TABLE {target} IS {_comment(description[0][0])}")
    copied = {name: comment for name, _, comment in _columns(connection, schema, table)}
    for column, comment in (copied | comments).items():
        connection.execute(f"COMMENT ON COLUMN {target}.{identifier(column)} IS {_comment(comment)}")


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[tuple[str, str, str | None]]:
    """(name, type, comment) of the columns of a table of the warehouse, in order."""
    return connection.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE database_name = 'warehouse' "
        "AND schema_name = ? AND table_name = ? ORDER BY column_index",
        [schema, table],
    ).fetchall()


def _comment(text: str | None) -> str:
    return literal(text) if text else "NULL"
