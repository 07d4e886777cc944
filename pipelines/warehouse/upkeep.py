"""Which tables of the warehouse are up to date, by digests of all that they are made of, and building those that are not.

Beside its tables the warehouse keeps a record of each: digests of its SQL, of the program, of the settings and of the
contents of every table and file it was made from, and the digest of what came out. A table is built only if one of the
first differs from what is there now; one that came out with the same rows as before leaves all that is made from it as
it was. A table's record goes before it is built and comes back afterwards: a run that is killed leaves no record that
claims too much.

Two tables with the same rows have the same content digest, in whatever order the rows lie. It tells apart what changed
by accident, not what somebody forged: what a release holds has digests of its own (pipelines/publish/content.py).
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.database import (
    MACROS,
    UPKEEP,
    build_table,
    count_rows,
    input_files,
    show_inputs,
    variables,
)
from pipelines.warehouse.names import identifier, qualified
from pipelines.warehouse.sqlfile import SqlFile, TableName

RECORDS = f"{UPKEEP}.tables"


@dataclass(frozen=True)
class Kept:
    """A table that is up to date. because: why it was built, in words; None if it was up to date already."""

    rows: int
    content: str  # SHA-256 (hex)
    because: str | None


def keep_up(connection: duckdb.DuckDBPyConnection, settings: Settings, file: SqlFile) -> Kept:
    """Build the table unless it is up to date. Raises SqlFileError."""
    show_inputs(connection, settings, file.dependencies)
    made_of = _made_of(connection, settings, file)
    before, content = _recorded(connection, file.name)
    if before == made_of and content:
        return Kept(count_rows(connection, file.name), content, None)
    _forget(connection, file.name)
    rows = build_table(connection, file)
    content = content_digest(connection, file.name)
    _record(connection, file.name, made_of, content)
    return Kept(rows, content, _because(before, made_of))


def note_content(connection: duckdb.DuckDBPyConnection, name: TableName) -> str:
    """Record a table that is loaded anew each time, so that others know whether it changed; its content digest."""
    content = content_digest(connection, name)
    _record(connection, name, {}, content)
    return content


def forget_all(settings: Settings) -> None:
    """The next run builds every table."""
    if settings.warehouse_db.exists():
        with duckdb.connect(str(settings.warehouse_db)) as connection:
            connection.execute(f"drop schema if exists {UPKEEP} cascade")


def content_digest(connection: duckdb.DuckDBPyConnection, name: TableName) -> str:
    """SHA-256 (hex) over a table's columns, their types, and the number, sum and parity of its rows' hashes."""
    columns = connection.execute(f"describe {qualified(name)}").fetchall()
    row = f"hash({', '.join(identifier(column) for column, *_ in columns)})"
    sums = connection.execute(f"select count(*), sum({row})::varchar, bit_xor({row}) from {qualified(name)}").fetchall()
    return _digest([[column, kind] for column, kind, *_ in columns], sums)


def _made_of(connection: duckdb.DuckDBPyConnection, settings: Settings, file: SqlFile) -> dict[str, str]:
    """Digest of each thing that a table is made of."""
    files = input_files(settings)
    digests = {"its SQL": file.digest, "the program": _program(), "settings": _digest(MACROS, variables(settings))}
    for name in sorted(file.dependencies):
        if name in files:
            digests[".".join(name)] = _digest([(path.name, _file_digest(path)) for path in files[name][0]])
        else:
            digests[".".join(name)] = _recorded(connection, name)[1] or content_digest(connection, name)
    return digests


def _because(before: dict[str, str] | None, now: dict[str, str]) -> str:
    if before is None:
        return "there was no record of it"
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return f"changed: {', '.join(changed)}"


def _recorded(connection: duckdb.DuckDBPyConnection, name: TableName) -> tuple[dict[str, str] | None, str | None]:
    """What a table was made of and its content digest when it was built; None where there is no record of it."""
    _prepare(connection)
    found = connection.execute(
        f"""
        select made_of, content from {RECORDS}
        inner join duckdb_tables() using (schema_name, table_name)
        where database_name = current_database() and schema_name = ? and table_name = ?
        """,
        name,
    ).fetchall()
    return (json.loads(found[0][0]), found[0][1]) if found else (None, None)


def _record(connection: duckdb.DuckDBPyConnection, name: TableName, made_of: dict[str, str], content: str) -> None:
    _prepare(connection)
    connection.execute(f"insert or replace into {RECORDS} values (?, ?, ?, ?)", [*name, json.dumps(made_of), content])


def _forget(connection: duckdb.DuckDBPyConnection, name: TableName) -> None:
    connection.execute(f"delete from {RECORDS} where schema_name = ? and table_name = ?", name)


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create schema if not exists {UPKEEP}")
    connection.execute(f"""
        create table if not exists {RECORDS} (
            schema_name varchar, table_name varchar, made_of varchar, content varchar,
            primary key (schema_name, table_name)
        )
    """)


@lru_cache(maxsize=1)
def _program() -> str:
    """Of the code that builds tables and of the database that runs it, as they are when first asked for."""
    here = Path(__file__).parent
    code = [path.read_text(encoding="utf-8") for path in sorted(here.glob("*.py"))]
    return _digest(code, duckdb.__version__)


def _file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes. Files are replaced whole, never written in place."""
    found = path.stat()
    return _digest_of_file(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=10_000)
def _digest_of_file(path: Path, *_of_this_file: int) -> str:
    """Read once in a process, though many tables are made from it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
