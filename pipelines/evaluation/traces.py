"""What a hub holds of some clients, and a search for it that knows nothing of the program: every file is decoded.

Columns of Parquet files, tables of DuckDB and SQLite files with what their blobs hold, texts, and the raw bytes of every
file are looked at. A value counts as somebody's own if no row of anybody else has it.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

WORD = re.compile(r"[0-9A-Za-z]+")
ID = re.compile(r"(?=.*[A-Za-z])[A-Z]?[0-9a-f]{12,32}(\.[0-9]+)?")
SHORTEST = 8  # bytes
SMALLEST = 10**8  # of a number


def own_values(data: Path, refs: set[str]) -> set[str | int | bytes]:
    """Values of rows that name one of the references, or a person or contact id that belongs to one, and of no other.

    References, tokens, words of signatures, all kinds of ids, and whatever else is theirs alone. The references should
    be all of a person's: an id that is shared with somebody else's reference is not theirs alone.
    """
    ids = refs | ids_of(data / "warehouse" / "warehouse.duckdb", refs)
    theirs: set = set(ids)
    others: set = set()
    for rows in (rows for path in files_of(data) for rows in tables_of(path)):
        for row in rows:
            values = set(flattened(row))
            (others if values.isdisjoint(ids) else theirs).update(values)
    return {value for value in theirs - others if is_telling(value)}


def ids_of(warehouse: Path, refs: set[str]) -> set[str]:
    """Person and contact ids of clients."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        sql = "select person_id, contact_id from staging.contact_rows where person_ref = any(?)"
        return set(flattened(connection.execute(sql, [list(refs)]).fetchall()))


def is_telling(value: object) -> bool:
    """Whether a value can be one person's own: a long number, bytes, or an id with hex digits, but no code and no time."""
    if isinstance(value, int):
        return abs(value) >= SMALLEST
    return ID.fullmatch(value) is not None if isinstance(value, str) else len(value) >= SHORTEST


def places_of(values: set[str | int | bytes], data: Path) -> set[str]:
    """Files below `data` in which one of the values stands."""
    texts = {
        word for value in values if isinstance(value, str) for word in WORD.findall(value) if len(word) >= SHORTEST
    }
    texts |= {str(abs(value)) for value in values if isinstance(value, int)}
    pieces = {value for value in values if isinstance(value, bytes)}
    pieces |= {(value % 2**64).to_bytes(8, "little") for value in values if isinstance(value, int)}
    pieces |= {bytes.fromhex(text) for text in texts if re.fullmatch(r"[0-9a-f]{32}", text)}
    anywhere = re.compile(b"|".join(re.escape(piece) for piece in sorted(pieces)) or b"(?!)")
    found = set()
    for path in files_of(data):
        raw = path.read_bytes()
        decoded = (value for rows in tables_of(path) for row in rows for value in flattened(row))
        if (
            texts.intersection(WORD.findall(raw.decode("latin-1")))
            or anywhere.search(raw)
            or any(holds(value, texts, anywhere) for value in set(decoded))
        ):
            found.add(path.relative_to(data).as_posix())
    return found


def holds(value: object, texts: set[str], anywhere: re.Pattern) -> bool:
    if isinstance(value, bytes):
        return bool(anywhere.search(value)) or bool(texts.intersection(WORD.findall(value.decode("latin-1"))))
    return bool(texts.intersection(WORD.findall(str(value))))


def files_of(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.is_file() and not path.is_symlink())


def tables_of(path: Path) -> Iterator[list[tuple]]:
    """All rows of each table in a file."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for schema, name in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                yield connection.execute(f'from "{schema}"."{name}"').fetchall()
    elif path.suffix in (".db", ".sqlite"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                yield connection.execute(f'select * from "{name}"').fetchall()


def flattened(value: object) -> Iterator[str | int | bytes]:
    """Texts, numbers and bytes in a value, however deep."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for part in value:
            yield from flattened(part)
    elif isinstance(value, str | int | bytes):
        yield value
    elif value is not None:
        yield str(value)
