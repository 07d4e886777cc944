"""The checks that a built release must pass before it is switched in. Each reads the files as a reader will.

What does not belong here: mending anything. A check says what is wrong and where, never with a person's value.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pyarrow.parquet import read_metadata

from pipelines.publish.audit import NotConsistent, in_words
from pipelines.publish.content import open_released, published_name, tables
from pipelines.publish.disclosure import MINUTE_STEPS, REASON
from pipelines.publish.export import STORAGE_VERSION
from pipelines.publish.generalise import UngeneralisedColumn, generalised
from pipelines.publish.public import audit_release
from pipelines.publish.tables import Roles, released_tables
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal

NEVER_EMPTY = ("marts.people", "marts.contacts", "board.headlines")
MAY_LEAVE_THE_AGENCY = {"sex", "lsoa", "ethnic_group"}  # of the columns of people.csv, in coarser form
TOKEN_NAME = re.compile(r"_token$|_sig$|_anchor$|_bf$|_ref$|_w\d+$|_tok$", re.IGNORECASE)
KEYED_REFERENCE = "[0-9a-f]{32}"  # the form of person_ref and of every hashed source reference
DATE_IN_TEXT = r"\d{4}-\d{2}-\d{2}([ T].*)?"
TIME_IN_TEXT = r"(\d{4}-\d{2}-\d{2}[ T])?\d{1,2}:\d{2}(:\d{2}.*)?"
TEXT_TOO_FINE = {
    "exact": [],
    "day": [TIME_IN_TEXT],
    "week": [TIME_IN_TEXT, DATE_IN_TEXT],
    "month": [TIME_IN_TEXT, DATE_IN_TEXT],
}
LSOA_CODE = "[EWS]01[0-9]{6}"
LSOA_NAME = ".+ [0-9]{3}[A-Z]"  # such as Dover 013A

QUESTIONS = {
    "documentation": "Has every table and every column a description?",
    "separation": "Is the release free of identifiers, tokens and the agencies' own references?",
    "disclosure": "Is every small count of persons withheld, with its whole row, every other count rounded, and no area "
    "smaller than a ward?",
    "audit": "Does every withheld count of persons stay hidden from whoever has all tables and the release before?",
    "generalisation": "Are the analyst tables' times and areas as coarse as the settings ask?",
    "completeness": "Are all files and tables there, and those filled that cannot be empty?",
}


@dataclass(frozen=True)
class Check:
    """One question about a release; `problems` is empty if the answer is good."""

    name: str
    question: str
    problems: list[str]

    @property
    def passed(self) -> bool:
        return not self.problems


def check_release(folder: Path, roles: Roles, settings: Settings) -> list[Check]:
    """All checks of the release in `folder`, whose databases are opened read-only as a reader does."""
    forbidden = _forbidden_names(settings)
    with open_released(folder / "analyst.duckdb") as analyst, open_released(folder / "board.duckdb") as board:
        both = {"analyst.duckdb": analyst, "board.duckdb": board}
        problems = {
            "documentation": _each(both, _undocumented),
            "separation": _each(both, lambda connection: _identifying(connection, forbidden)),
            "disclosure": _each(
                {"board.duckdb": board},
                lambda connection: _disclosive(connection, roles, settings) + _smaller_than_wards(connection),
            ),
            "audit": _worked_out(folder, settings),
            "generalisation": _each({"analyst.duckdb": analyst}, lambda connection: _too_fine(connection, settings)),
            "completeness": _each(both, _too_new) + _incomplete(folder, both, released_tables(settings)),
        }
    return [Check(name, question, problems[name]) for name, question in QUESTIONS.items()]


def _each(
    databases: dict[str, duckdb.DuckDBPyConnection], find: Callable[[duckdb.DuckDBPyConnection], list[str]]
) -> list[str]:
    """Problems found in the databases, each with the name of its file."""
    return [f"{name}: {problem}" for name, connection in databases.items() for problem in find(connection)]


def _columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str, str | None]]:
    """(schema, table, column, type, comment) of the connection's own database."""
    return connection.execute(
        "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal ORDER BY schema_name, table_name, column_index"
    ).fetchall()


def _undocumented(connection: duckdb.DuckDBPyConnection) -> list[str]:
    problems = [
        f"{published_name(schema, table)} has no description"
        for schema, table, comment in connection.execute(
            "SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = current_database()"
        ).fetchall()
        if not comment
    ]
    return problems + [
        f"{published_name(schema, table)}.{column} has no description"
        for schema, table, column, _, comment in _columns(connection)
        if not comment
    ]


def _forbidden_names(settings: Settings) -> set[str]:
    """Names, in lower case, that no released column may have: identities, and references that an agency knows."""
    contracts = [settings.feed_contracts.parent / "people.csv", *settings.feed_contracts.glob("*.csv")]
    identities = {row["column"] for row in _rows(contracts[0])} - MAY_LEAVE_THE_AGENCY
    references = {row["column"] for path in contracts[1:] for row in _rows(path) if row["type"] == "reference"}
    return {name.lower() for name in identities | references | {"person_ref"}}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _identifying(connection: duckdb.DuckDBPyConnection, forbidden: set[str]) -> list[str]:
    problems = []
    for schema, table, column, data_type, _ in _columns(connection):
        where = f"{published_name(schema, table)}.{column}"
        if column.lower() in forbidden or TOKEN_NAME.search(column):
            problems.append(f"{where} is named like an identifier, a token or an agency's reference")
        if data_type == "BLOB":
            problems.append(f"{where} holds binary values, as signatures and filters are")
        if data_type == "VARCHAR" and _holds(connection, schema, table, column, KEYED_REFERENCE):
            problems.append(f"{where} holds values of the form of an agency's keyed reference")
    return problems


def _holds(connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str, form: str) -> bool:
    """Whether a column of text has a value of a form (a regular expression for the whole value)."""
    return bool(
        connection.execute(
            f"SELECT 1 FROM {identifier(schema)}.{identifier(table)} "
            f"WHERE regexp_full_match({identifier(column)}, {literal(form)}) LIMIT 1"
        ).fetchall()
    )


def _too_fine(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[str]:
    """Columns that would change if they were made coarser once more, and text that holds times or areas too fine."""
    problems, columns = [], defaultdict(dict)
    for schema, table, column, data_type, _ in _columns(connection):
        columns[schema, table][column] = data_type
    forms = TEXT_TOO_FINE[settings.analyst_time] + ([LSOA_CODE] if settings.analyst_area != "lsoa" else [])
    for (schema, table), types in columns.items():
        name = published_name(schema, table)
        try:
            coarser = generalised(types, settings)
        except UngeneralisedColumn as error:
            problems.append(f"{name}: {error}")
            continue
        for column, (value, _) in coarser.items():
            found = connection.execute(
                f"SELECT count(*) FROM {identifier(schema)}.{identifier(table)} "
                f"WHERE {identifier(column)} IS DISTINCT FROM {value}"
            ).fetchall()
            if found[0][0]:
                problems.append(f"{name}.{column} is finer than {_setting(settings)} in {found[0][0]} rows")
        problems += [
            f"{name}.{column} holds text that is finer than {_setting(settings)}"
            for column, data_type in types.items()
            if data_type == "VARCHAR" and any(_holds(connection, schema, table, column, form) for form in forms)
        ]
    return problems


def _setting(settings: Settings) -> str:
    return f"{settings.analyst_time} and {settings.analyst_area}"


def _disclosive(connection: duckdb.DuckDBPyConnection, roles: Roles, settings: Settings) -> list[str]:
    problems = []
    for schema, table in tables(connection):
        source = f"{identifier(schema)}.{identifier(table)}"
        numbers = [column for column, role in roles.get(table, {}).items() if role != "label"]
        people = [column for column in numbers if roles[table][column] == "people"]
        rates = [column for column in numbers if roles[table][column] == "rate"]
        minutes = [column for column in numbers if roles[table][column] == "minutes"]
        counts = [column for column in numbers if roles[table][column] in ("people", "count")]
        tests = {
            f"is 1 to {settings.withhold_people_up_to}": (f"BETWEEN 1 AND {settings.withhold_people_up_to}", people),
            f"is not a multiple of {settings.round_to}": (f"% {settings.round_to} <> 0", counts),
            f"is not a multiple of {MINUTE_STEPS[0]} minutes": (f"% {MINUTE_STEPS[0]} <> 0", minutes),
            "is not a whole number": ("% 1 <> 0", rates),
            "stands in a withheld row": (f"IS NOT NULL AND {REASON} IS NOT NULL", numbers),
        }
        for words, (condition, columns) in tests.items():
            for column in columns:
                found = connection.execute(
                    f"SELECT count(*) FROM {source} WHERE {identifier(column)} {condition}"
                ).fetchall()
                if found[0][0]:
                    problems.append(f"{published_name(schema, table)}.{column} {words} in {found[0][0]} rows")
    return problems


def _smaller_than_wards(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of text that hold areas smaller than a ward, by code or by name."""
    return [
        f"{published_name(schema, table)}.{column} holds LSOAs: no area smaller than a ward is published"
        for schema, table, column, data_type, _ in _columns(connection)
        if data_type == "VARCHAR"
        and any(_holds(connection, schema, table, column, form) for form in (LSOA_CODE, LSOA_NAME))
    ]


def _worked_out(folder: Path, settings: Settings) -> list[str]:
    """Withheld counts of persons that can be worked out, from the files as they are published."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = audit_release(settings, folder, manifest, manifest["compared_with"])
    except (OSError, KeyError, NotConsistent) as error:
        return [f"cannot be audited: {error}"]
    return [f"{in_words(each.cell)} can only be {each.low:.0f} to {each.high:.0f}" for each in found.unsafe]


def _too_new(connection: duckdb.DuckDBPyConnection) -> list[str]:
    version = connection.execute(
        "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchall()[0][0]
    return [] if version.startswith(STORAGE_VERSION) else [f"has storage version {version}, too new for DuckDB 1.2"]


def _incomplete(
    folder: Path, databases: dict[str, duckdb.DuckDBPyConnection], expected: dict[str, list[str]]
) -> list[str]:
    """Files and tables that are not there, or are empty and cannot be; `expected` maps schema to tables."""
    rows: dict[str, int] = {}
    for connection in databases.values():
        rows |= row_counts(connection)
    wanted = [f"{schema}.{table}" for schema, names in expected.items() for table in names]
    problems = [] if (folder / "board_pack.html").is_file() else ["board_pack.html is missing"]
    problems += [f"{table} is missing" for table in wanted if table not in rows]
    problems += [f"{table} has no rows" for table in NEVER_EMPTY if rows.get(table) == 0]
    return problems + [
        f"marts/{table}.parquet does not have the rows of marts.{table}"
        for table in expected["marts"]
        if f"marts.{table}" in rows and _parquet_rows(folder / "marts" / f"{table}.parquet") != rows[f"marts.{table}"]
    ]


def _parquet_rows(path: Path) -> int | None:
    return read_metadata(path).num_rows if path.is_file() else None


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table by `schema.table`."""
    return {
        published_name(schema, table): connection.execute(
            f"SELECT count(*) FROM {identifier(schema)}.{identifier(table)}"
        ).fetchall()[0][0]
        for schema, table in tables(connection)
    }
