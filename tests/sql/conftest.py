"""Rows in, rows out: a test gives small tables as text, has one table built by its SQL file, and says what it expects.

A table in text has a line of column names and a line for each row, cells separated by bars. An empty cell is NULL; a
column that is not mentioned has the default below, or NULL. Tables that are not given are built by their own SQL
files from those that are, and reference tables are the project's own. Contacts that are given without linkage scenarios
are each their person's, and nobody has an alternative.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.warehouse.database import build_all, build_table, literal, load_sql, prepare, qualified
from pipelines.warehouse.sqlfile import SqlFile, TableName

DEFAULTS = {
    "accepted.police_incidents": {
        "agency": "NPOL",
        "feed": "police_incidents",
        "period": "2024-01",
        "delivery_id": "D1",
        "role": "subject",
        "created_ts": "2024-01-10 10:00",
        "grade": "Prompt",
        "nsir_open": "Concern for safety",
        "deployed": "true",
        "s136": "false",
        "ppn": "false",
    },
    "accepted.ae_attendances": {
        "agency": "WEXH",
        "feed": "ae_attendances",
        "period": "2024-01",
        "delivery_id": "D1",
        "Arrival_Date": "2024-01-10",
        "Arrival_Time": "10:00",
        "EC_Arrival_Mode_SNOMED_CT": "1048071000000103",
        "EC_Departure_Date": "2024-01-10",
        "EC_Departure_Time": "12:00",
        "EC_Departure_Time_Since_Arrival": "120",
        "EC_Discharge_Status_SNOMED_CT": "182992009",
    },
    "accepted.social_care_events": {
        "agency": "LAWX",
        "feed": "social_care_events",
        "period": "2024-01",
        "delivery_id": "D1",
        "Client_Type": "Service User",
        "Event_Type": "Request",
        "Event_Start_Date": "2024-01-10",
    },
    "accepted.ambulance_incidents": {
        "agency": "WAMB",
        "feed": "ambulance_incidents",
        "period": "2024-01",
        "delivery_id": "D1",
        "person_ref": "p1",
        "Time_Call_Connected": "2024-01-10 10:00",
        "Call_Origin": "01",
        "Reporting_Response_Category": "C3",
        "Treatment_Type": "See and Convey",
    },
    "accepted.children_in_need": {
        "agency": "LAWX",
        "feed": "children_in_need",
        "period": "2024-01",
        "delivery_id": "D1",
        "module": "CINdetails",
        "start_date": "2024-01-10",
        "ReferralNFA": "false",
    },
    "accepted.attributes": {"agency": "WEXH", "feed": "ae_attendances", "period": "2024-01"},
    "accepted.refused": {"delivery_id": "D1"},
    "accepted.deliveries": {"delivery_id": "D1", "status": "accepted"},
    "staging.contacts": {
        "agency": "WEXH",
        "feed": "ae_attendances",
        "period": "2024-01",
        "need": "frailty",
        "need_group": "later_life",
        "started_at": "2024-01-10 10:00",
        "time_known": "true",
        "crisis": "false",
        "outcome_group": "met",
    },
    "staging.people": {"contacts": "1"},
    "marts.contacts": {
        "agency": "WEXH",
        "feed": "ae_attendances",
        "need": "frailty",
        "started_at": "2024-01-10 10:00",
        "crisis": "false",
    },
}

EVERYBODY_IS_CENTRAL = """
    create table staging.person_scenarios as
    select contact_id, 'central' as scenario, person_id as person_key from staging.contacts
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A warehouse without a single contact: every table is there with its columns, and the reference tables are full."""
    settings = Settings(data=tmp_path_factory.mktemp("template"))
    build_all(settings)
    return settings.warehouse_db


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def files(settings) -> dict[TableName, SqlFile]:
    return {file.name: file for file in load_sql(settings)}


@pytest.fixture
def connection(template, settings):
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(template))} as template (read_only)")
        prepare(connection, settings)
        yield connection


@pytest.fixture
def check(connection, files) -> Callable[..., None]:
    """check(table, given={name: text}, expected=text): builds the table and compares the columns of `expected`."""

    def build_and_compare(table: str, given: dict[str, str], expected: str) -> None:
        build(connection, files, table, given)
        compare(connection, table, expected)

    return build_and_compare


@pytest.fixture
def built(connection, files) -> Callable[..., duckdb.DuckDBPyConnection]:
    """built(table, given={name: text}): builds the table, for a test that asks for some of its rows."""

    def build_and_return(table: str, given: dict[str, str]) -> duckdb.DuckDBPyConnection:
        build(connection, files, table, given)
        return connection

    return build_and_return


def build(
    connection: duckdb.DuckDBPyConnection, files: dict[TableName, SqlFile], table: str, given: dict[str, str]
) -> None:
    """Builds a table and what it needs by their SQL files, on the given rows."""
    for name, text in given.items():
        give(connection, name, text)
    done = {tuple(name.split(".")) for name in given}
    if "staging.contacts" in given and "staging.person_scenarios" not in given:
        connection.execute(EVERYBODY_IS_CENTRAL)
        done.add(("staging", "person_scenarios"))

    def make(name: TableName) -> None:
        if name in done:
            return
        done.add(name)
        if name[0] == "accepted" and name[1].endswith("_attributes") and "accepted.attributes" in given:
            of_feed = f"select * from accepted.attributes where feed = {literal(name[1].removesuffix('_attributes'))}"
            connection.execute(f"create table {qualified(name)} as {of_feed}")
            return
        if name not in files:
            source = f"select * from template.{qualified(name)}"
            connection.execute(f"create table {qualified(name)} as {source}" + _nothing_unless_reference(name))
            return
        for dependency in sorted(files[name].dependencies):
            make(dependency)
        build_table(connection, files[name])

    make(tuple(table.split(".")))


def give(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> None:
    """Makes a table with the rows of a text, and with the columns and types that it has in the warehouse."""
    connection.execute(f"create table {table} as select * from template.{table} limit 0")
    columns, rows = cells(text)
    defaults = {name: value for name, value in DEFAULTS.get(table, {}).items() if name not in columns}
    names = ", ".join(f'"{name}"' for name in [*columns, *defaults])
    for row in rows:
        values = ", ".join("null" if value == "" else literal(value) for value in [*row, *defaults.values()])
        connection.execute(f"insert into {table} ({names}) values ({values})")


def compare(connection: duckdb.DuckDBPyConnection, table: str, expected: str) -> None:
    """Fails unless the table holds exactly the expected rows, in any order, in the columns that are mentioned."""
    columns, rows = cells(expected)
    names = ", ".join(f'"{name}"' for name in columns)
    connection.execute(f"create temp table expected as select {names} from {table} limit 0")
    for row in rows:
        values = ", ".join("null" if value == "" else literal(value) for value in row)
        connection.execute(f"insert into expected values ({values})")
    query = "select {0} from {1} except all select {0} from {2} order by all"
    missing = connection.execute(query.format(names, "expected", table)).fetchall()
    surplus = connection.execute(query.format(names, table, "expected")).fetchall()
    assert not missing and not surplus, "\n".join(
        [f"{table} ({names})"]
        + [f"expected but not found: {row}" for row in missing]
        + [f"found but not expected: {row}" for row in surplus]
    )


def cells(text: str) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of a table in text."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return lines[0], lines[1:]


def _nothing_unless_reference(name: TableName) -> str:
    return "" if name[0] == "reference" else " limit 0"
