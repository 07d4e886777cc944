"""Where columns come from: small files in, the columns behind each column out."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.warehouse.lineage import column_sources, origins
from pipelines.warehouse.sqlfile import Gathered, SqlFileError, load_file

COLUMNS = {
    ("staging", "contacts"): ["contact_id", "person_id", "agency", "Need"],
    ("reference", "needs"): ["need", "label"],
    ("staging", "notes"): ["contact_id", "agency"],
    ("accepted", "contacts"): ["contact_id", "note"],
}


@pytest.fixture
def sources(tmp_path: Path):
    """sources(query, gathered): the columns behind each column of a file with this query, as schema.table.column."""

    def of(query: str, *views: Gathered) -> dict[str, set[str]]:
        path = tmp_path / "marts" / "made.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"-- One row per row.\n{query}\n", encoding="utf-8")
        file = load_file(path)
        behind = {name for view in views for name in view.members}
        found = column_sources(
            replace(file, gathered=views, dependencies=file.dependencies - {view.name for view in views} | behind),
            COLUMNS,
        )
        return {name: {".".join(map(str, source)) for source in of_one} for name, of_one in found.items()}

    return of


def test_a_column_comes_from_those_that_it_is_worked_out_from_through_every_with(sources):
    query = """with named as (
    select contacts.contact_id, upper(needs.label) || contacts.agency as words
    from staging.contacts as contacts
    inner join reference.needs as needs on contacts.need = needs.need
)
select
    contact_id, -- Contact
    words -- Need and agency
from named"""
    assert sources(query) == {
        "contact_id": {"staging.contacts.contact_id"},
        "words": {"reference.needs.label", "staging.contacts.agency"},
    }


def test_names_are_found_without_their_table_and_written_as_the_table_spells_them(sources):
    query = """select
    need, -- Need
    label -- Label
from staging.contacts
inner join reference.needs using (need)"""
    found = sources(query)
    assert found["need"] <= {"staging.contacts.Need", "reference.needs.need"}
    assert found["need"]
    assert found["label"] == {"reference.needs.label"}


def test_a_field_of_a_whole_row_comes_from_that_column_and_from_what_chose_the_row(sources):
    query = """with doors as (
    select person_id, arg_min(contacts, contact_id) as door
    from staging.contacts as contacts
    group by person_id
)
select
    person_id, -- Person
    door.agency as first_agency -- Agency of the first contact
from doors"""
    assert sources(query)["first_agency"] == {"staging.contacts.agency", "staging.contacts.contact_id"}


def test_a_whole_row_that_is_passed_on_as_it_is_gives_its_fields(sources):
    query = """with pairs as (
    select here, there
    from staging.contacts as here
    inner join staging.notes as there on here.contact_id = there.contact_id
)
select
    here.person_id as person_id, -- Person
    there.agency as agency, -- Agency of the note
    here is null as alone -- Whether there is none
from pairs"""
    found = sources(query)
    assert found["person_id"] == {"staging.contacts.person_id"}
    assert found["agency"] == {"staging.notes.agency"}
    assert {source.rpartition(".")[0] for source in found["alone"]} == {"staging.contacts"}


def test_counted_rows_come_from_the_table_and_not_from_a_column(sources):
    query = """with counted as (
    select agency, count(*) as contacts, count(distinct person_id) as people
    from staging.contacts
    group by agency
)
select
    agency, -- Agency
    contacts, -- Contacts
    people -- People
from counted"""
    assert sources(query) == {
        "agency": {"staging.contacts.agency"},
        "contacts": {"staging.contacts.None"},
        "people": {"staging.contacts.person_id"},
    }


def test_what_stands_in_the_query_itself_comes_from_nowhere(sources):
    assert sources("select\n    'ae' as kind, -- Kind\n    agency -- Agency\nfrom staging.contacts")["kind"] == set()


def test_every_part_of_a_union_is_behind_a_column(sources):
    query = """select
    agency, -- Agency
    contact_id -- Contact
from staging.contacts
union all
select agency, contact_id from staging.notes"""
    assert sources(query)["agency"] == {"staging.contacts.agency", "staging.notes.agency"}


def test_tables_that_are_read_as_one_are_behind_what_is_read(sources):
    view = Gathered(
        ("feeds", "all_rows"),
        frozenset({("staging", "contacts"), ("staging", "notes")}),
        "select agency from staging.contacts union all select agency from staging.notes",
    )
    query = "select\n    given.agency -- Agency\nfrom feeds.all_rows as given"
    assert sources(query, view)["agency"] == {"staging.contacts.agency", "staging.notes.agency"}


def test_two_tables_of_one_name_are_told_apart(sources):
    query = """select
    agency, -- Agency
    note -- Note
from staging.contacts
inner join accepted.contacts using (contact_id)"""
    assert sources(query) == {"agency": {"staging.contacts.agency"}, "note": {"accepted.contacts.note"}}


def test_origins_go_back_to_tables_that_no_file_makes():
    made = {
        ("marts", "people", "need"): [("staging", "people", "need"), ("reference", "needs", "label")],
        ("staging", "people", "need"): [("accepted", "ae", "complaint"), ("staging", "people", "need")],
        ("marts", "people", "kind"): [],
    }
    assert origins(made, ("marts", "people", "need")) == {
        ("accepted", "ae", "complaint"),
        ("reference", "needs", "label"),
    }
    assert origins(made, ("marts", "people", "kind")) == set()


def test_a_query_whose_names_lead_nowhere_is_refused_by_name(tmp_path):
    path = tmp_path / "marts" / "made.sql"
    path.parent.mkdir()
    query = "select\n    agency -- Agency\nfrom staging.contacts\ninner join staging.unknown using (contact_id)\n"
    path.write_text(f"-- One row per row.\n{query}", encoding="utf-8")
    with pytest.raises(SqlFileError, match="made.sql: cannot follow"):
        column_sources(load_file(path), COLUMNS)


def test_the_columns_of_every_table_can_be_followed(connection, files):
    """A `*` that leads nowhere would stop the release at its end, after everything is built."""
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where database_name = 'template'"
    ).fetchall():
        columns.setdefault((schema, table), []).append(column)
    assert all(column_sources(file, columns) for file in files.values())
