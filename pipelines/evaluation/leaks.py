"""Searches every file of a folder for plaintext: every column of every database and Parquet file is decoded."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

WORD = re.compile(r"\b[^\W\d_]{4,}\b|\b[0-9]{10}\b")
# Random bytes, such as a Bloom filter's, spell a name of four letters by chance; six letters practically never.
WORD_IN_BYTES = re.compile(r"[a-z]{6,}|[0-9]{10}")
SPACED_NUMBER = re.compile(r"\b([0-9]{3})[ -]([0-9]{3})[ -]([0-9]{4})\b")


def leaks(folder: Path, plaintext: set[str]) -> set[tuple[str, str]]:
    """(file, what was found) for each lower-case word or ten-digit number of `plaintext` that stands in a file."""
    found = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for text in _texts(path):
            found |= {(str(path.relative_to(folder)), word) for word in words_of(text) if word in plaintext}
    return found


def words_of(text: str | bytes) -> list[str]:
    """Lower-case words of four letters or more and numbers of ten digits; in bytes, of six letters or more."""
    if isinstance(text, bytes):
        return WORD_IN_BYTES.findall(text.decode("latin-1").lower())
    return WORD.findall(SPACED_NUMBER.sub(r"\1\2\3", text.lower()))


def _texts(path: Path) -> Iterator[str | bytes]:
    """Everything in a file that can be read as text, and its own name."""
    yield path.name
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield from table.column_names
        yield json.dumps({str(key): str(value) for key, value in (table.schema.metadata or {}).items()})
        for name in table.column_names:
            yield from map(_text, table.column(name).unique().to_pylist())
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, table in tables:
                for name, *_ in connection.execute(f'describe "{schema}"."{table}"').fetchall():
                    yield name
                    values = connection.execute(f'select distinct "{name}" from "{schema}"."{table}"').fetchall()
                    yield from (_text(value) for (value,) in values)
    elif path.suffix == ".db":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in connection.execute(f'select * from "{table}"').fetchall():
                    yield from map(_text, row)
    else:
        text = path.read_bytes().decode("utf-8", errors="replace")
        yield text
        if path.suffix == ".json":  # \u00e9 is a letter too
            yield json.dumps(json.loads(text), ensure_ascii=False)


def _text(value: object) -> str | bytes:
    return value if isinstance(value, bytes) else str(value)
