"""A release says of each of its columns what it means, what it joins and where it comes from."""

import duckdb
import pytest

from pipelines.board.dictionary_page import described_tables, render_dictionary_page
from pipelines.publish.changes import Life, problems, read_lives, with_new, write_lives
from pipelines.publish.content import open_released
from pipelines.publish.dictionary import join_of
from pipelines.publish.release import publish

FACTS = {"region": "Wexmoor", "fictional": True, "release_id": "r1", "built_on": "2026-11-24"}
JOINS = {"contact_id": "contacts", "person_id": "people"}
STEPS = {
    "staging/contacts": """-- One row per contact.
select
    'C1' as contact_id, -- Contact
    'P000000000001' as person_id, -- Person
    delivered.agency, -- Agency
    delivered.accepted_activity as crises -- Crises
from accepted.deliveries as delivered
""",
    "marts/crises": """-- One row per person who was in crisis.
-- Key: person_id
select
    person_id, -- Linked person
    min(contact_id) as crisis_contact_id, -- First contact in crisis
    any_value(agency) as agency, -- Agency of that contact
    count(*) as contacts -- Contacts <script>alert(1)</script>
from staging.contacts
group by person_id
""",
}


@pytest.fixture
def analyst(settings, rewrite):
    """The analyst database of a release with a mart made in two steps."""
    for name, text in STEPS.items():
        path = settings.sql / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        connection.execute("create schema staging")
        connection.execute(STEPS["staging/contacts"].replace("select", "create table staging.contacts as select", 1))
    rewrite("marts/people", "-- One row per person.", "-- One row per person.\n-- Key: person_id")
    made = publish(settings, {}, lambda board, out, facts: out.write_text("page", encoding="utf-8"))
    return made.path / "analyst.duckdb"


def rows(analyst, query: str) -> list[tuple]:
    with open_released(analyst) as connection:
        return connection.execute(query).fetchall()


def test_each_column_has_its_type_its_meaning_its_key_and_what_it_joins(analyst):
    assert rows(
        analyst,
        "select column_name, data_type, meaning, key_position, joins_table, joins_column from marts.dictionary "
        "where table_name = 'crises' order by position",
    ) == [
        ("person_id", "VARCHAR", "Linked person", 1, "people", "person_id"),
        ("crisis_contact_id", "VARCHAR", "First contact in crisis", None, "contacts", "contact_id"),
        ("agency", "VARCHAR", "Agency of that contact", None, None, None),
        ("contacts", "BIGINT", "Contacts <script>alert(1)</script>", None, None, None),
    ]


def test_every_column_that_is_released_is_in_the_dictionary_with_the_comment_it_has(analyst):
    released = rows(
        analyst,
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where database_name = 'released' order by all",
    )
    described = rows(analyst, "select table_name, column_name, data_type, meaning from marts.dictionary order by all")
    assert released == described


def test_whoever_reads_the_table_s_comment_learns_its_key(analyst):
    (comment,) = rows(analyst, "select comment from duckdb_tables() where table_name = 'crises'")
    assert comment == ("One row per person who was in crisis. Key: person_id.",)


def test_a_column_comes_from_what_it_was_made_of_step_by_step(analyst):
    query = "select from_schema, from_table, from_column from marts.column_lineage where {} order by all"
    assert rows(analyst, query.format("table_name = 'crises' and column_name = 'agency'")) == [
        ("staging", "contacts", "agency")
    ]
    assert rows(analyst, query.format("schema_name = 'staging' and column_name = 'agency'")) == [
        ("accepted", "deliveries", "agency")
    ]
    assert rows(analyst, query.format("table_name = 'crises' and column_name = 'contacts'")) == [
        ("staging", "contacts", None)
    ]


def test_the_page_says_what_the_database_says_and_stands_alone(analyst, tmp_path):
    render_dictionary_page(analyst, tmp_path / "page.html", FACTS)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    (crises,) = (table for table in described_tables(analyst) if table.name == "crises")
    assert (crises.key, crises.rows) == (["person_id"], 1)
    agency = next(column for column in crises.columns if column.name == "agency")
    assert (agency.sources, agency.origins) == (["staging.contacts.agency"], ["deliveries.agency"])
    assert "First contact in crisis" in page and 'id="crises"' in page
    assert "<script" not in page and "http" not in page and "src=" not in page


def test_a_column_joins_by_the_end_of_its_name_and_never_its_own_table():
    assert join_of("handoffs", "next_contact_id", JOINS) == ("contacts", "contact_id")
    assert join_of("contacts", "contact_id", JOINS) is None
    assert join_of("handoffs", "contact_ids", JOINS) is None
    assert join_of("person_history", "person_id", JOINS) is None  # also people who are no more


PEOPLE = ("marts.people", "sex")
STAYS = Life("VARCHAR", since="2026-01")


@pytest.mark.parametrize(
    "life, published, said",
    [
        (STAYS, {PEOPLE: "VARCHAR"}, None),
        (None, {PEOPLE: "VARCHAR"}, "is new"),
        (STAYS, {PEOPLE: "INTEGER"}, "was VARCHAR and is INTEGER"),
        (STAYS, {}, "has vanished"),
        (Life("VARCHAR", "2026-01", "2026-02", "", "gender", "wrong word"), {}, "has vanished"),
        (Life("VARCHAR", "2026-01", "2026-02", "", "gender", "wrong word"), {PEOPLE: "VARCHAR"}, None),
        (Life("VARCHAR", "2026-01", "2026-02", "", "", "wrong word"), {PEOPLE: "VARCHAR"}, "what to use instead"),
        (Life("VARCHAR", "2026-01", "2026-11", "2027-02", "gender", "wrong word"), {}, None),
        (Life("VARCHAR", "2026-01", "2026-11", "2027-01", "gender", "wrong word"), {}, "without 3 months of notice"),
        (Life("VARCHAR", "2026-01", "", "2027-01", "gender", "wrong word"), {}, "without 3 months of notice"),
        (Life("VARCHAR", "2026-01", "2026-11", "2027-02", "gender", "w"), {PEOPLE: "VARCHAR"}, "empty gone_in"),
    ],
)
def test_a_published_column_keeps_its_type_and_goes_only_after_notice(life, published, said):
    found = problems({PEOPLE: life} if life else {}, published, months_of_notice=3)
    assert not found if said is None else said in found[0]


def test_what_is_new_is_written_down_once_and_what_was_known_stays(tmp_path):
    path = tmp_path / "published_columns.csv"
    known = {PEOPLE: Life("VARCHAR", "2026-01", "2026-02", "", "gender", "a, b")}
    write_lives(path, with_new(known, {PEOPLE: "VARCHAR", ("marts.people", "gender"): "VARCHAR"}, "2026-03"))
    assert read_lives(path) == known | {("marts.people", "gender"): Life("VARCHAR", "2026-03")}


def test_a_deprecated_column_says_so_where_the_analyst_looks(settings):
    write_lives(
        settings.reference / "published_columns.csv",
        {PEOPLE: Life("VARCHAR", "2026-01", "2026-11", "", "gender", "wrong word")},
    )
    made = publish(settings, {}, lambda board, out, facts: out.write_text("page", encoding="utf-8"))
    (comment,) = rows(
        made.path / "analyst.duckdb",
        "select comment from duckdb_columns() where table_name = 'people' and column_name = 'sex'",
    )
    assert comment == ("F, M or X (deprecated in 2026-11, will go: use gender)",)
