"""Where a person with a tombstone still is: every file below data/, whatever wrote it and whatever it is called.

A reference is 32 hex characters, so each text of that form is taken and asked for among the tombstones: in every column
of text of every Parquet file and DuckDB table, and in the raw bytes of every file. Nothing needs to be known
of what a file is for, and the reference itself is needed nowhere.
"""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal

from .tombstones import Tombstones

FORM = r"\b[0-9a-f]{32}\b"
FORM_IN_BYTES = re.compile(rb"(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])")
TEXTS = ("VARCHAR", "STRUCT", "MAP", "[]", "JSON")  # in the name of a type whose values hold text


@dataclass(frozen=True)
class Searched:
    """One file. rows: of its tables. found: rows, or places in its bytes, with a reference that has a tombstone."""

    path: Path
    rows: int
    found: int
    readable: bool = True


def search(settings: Settings, stones: Tombstones) -> list[Searched]:
    """Every file below data/ but the committed reference tables."""
    paths = sorted(path for path in settings.data.rglob("*") if path.is_file() and not path.is_symlink())
    return [_search(path, stones) for path in paths if not path.is_relative_to(settings.reference)]


def _search(path: Path, stones: Tombstones) -> Searched:
    try:
        rows, found = _in_tables(path, stones) if path.suffix in (".parquet", ".duckdb") else (0, 0)
    except duckdb.Error:
        return Searched(path, 0, 0, readable=False)
    return Searched(path, rows, found or _in_bytes(path, stones))


def _in_tables(path: Path, stones: Tombstones) -> tuple[int, int]:
    """Rows of a file's tables, and those of them that hold a reference with a tombstone."""
    with duckdb.connect(config={"threads": 1}) as connection:
        counts = [_in_table(connection, table, stones) for table in _tables(connection, path)]
    return sum(rows for rows, _ in counts), sum(found for _, found in counts)


def _tables(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """SQL names of what a file holds as tables."""
    if path.suffix == ".parquet":
        return [f"read_parquet({literal(str(path))}, hive_partitioning = false)"]
    if path.suffix == ".duckdb":
        connection.execute(f"attach {literal(str(path))} as searched (read_only)")
        found = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'searched'"
        ).fetchall()
        return [f"searched.{identifier(schema)}.{identifier(table)}" for schema, table in found]
    return []


def _in_table(connection: duckdb.DuckDBPyConnection, table: str, stones: Tombstones) -> tuple[int, int]:
    rows = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
    columns = [
        f"{identifier(column)}::varchar"
        for column, kind, *_ in connection.execute(f"describe from {table}").fetchall()
        if any(word in kind for word in TEXTS)
    ]
    if not columns:
        return rows, 0
    text = f"concat_ws(' ', {', '.join(columns)})"
    values = connection.execute(f"select distinct unnest(regexp_extract_all({text}, '{FORM}')) from {table}").fetchall()
    refs = [value for (value,) in values]
    ours = [f"contains({text}, '{ref}')" for ref, is_one in zip(refs, stones.match_any(refs), strict=True) if is_one]
    if not ours:
        return rows, 0
    return rows, connection.execute(f"select count(*) from {table} where {' or '.join(ours)}").fetchall()[0][0]


def _in_bytes(path: Path, stones: Tombstones) -> int:
    """Places in the raw bytes: text files, logs, other databases, and what a database left in a block that it freed."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return int(stones.match_any([match[0].decode() for match in FORM_IN_BYTES.finditer(text)]).sum())
