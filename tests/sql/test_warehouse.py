"""The whole warehouse over Parquet files as the hub has them: empty, with one feed, and with all that the marts need."""

import json
import shutil
import stat

import dagster as dg
import duckdb
import pytest

from pipelines.hub_salt import hub_salt
from pipelines.settings import Settings
from pipelines.warehouse.assets import warehouse_assets
from pipelines.warehouse.checks import conservation_finding, key_finding, suite_finding, suite_path
from pipelines.warehouse.database import (
    activity_types,
    build_all,
    build_table,
    load_reference,
    load_sql,
    open_warehouse,
)
from pipelines.warehouse.sqlfile import SqlFileError, load_file

ATTENDANCES = """
select
    'WEXH' as agency, 'ae_attendances' as feed, '2024-01' as period, 'D1' as delivery_id, row_number,
    person_ref, EC_Ident, date '2024-01-01' + row_number::integer as Arrival_Date, '10:00' as Arrival_Time,
    '1048031000000100' as EC_Arrival_Mode_SNOMED_CT, date '2024-01-01' + row_number::integer as EC_Departure_Date,
    '12:00' as EC_Departure_Time, 120 as EC_Departure_Time_Since_Arrival, '182992009' as EC_Discharge_Status_SNOMED_CT,
    '52448006' as Der_EC_Diagnosis_All, 'E01990001' as Der_Postcode_LSOA_2021_Code
from (values
    (1, 'h0', 'a1'), (2, 'h1', 'a2'), (3, 'not linked', 'a3'), (4, 'h0', 'given twice'), (5, 'h0', 'given twice')
) as attendances (row_number, person_ref, EC_Ident)
"""
PEOPLE = """
select
    'WEXH' as agency, 'ae_attendances' as feed, 'h' || n as person_ref, printf('P%012x', n) as person_id,
    'L0' as person_id_low, 'H' || n as person_id_high, null::double as match_weight,
    null::double as match_probability, 1 as records, false as in_review
from range(2) as people (n)
"""
DELIVERY = """
select
    'WEXH' as agency, 'ae_attendances' as feed, '2024-01' as period, 'D1' as delivery_id, 'accepted' as status,
    null as reason, 2 as received_people, 2 as received_attributes, 5 as received_activity, 2 as accepted_people,
    2 as accepted_attributes, 5 as accepted_activity, 0 as refused_people, 0 as refused_attributes,
    0 as refused_activity, 0 as erased_people, 0 as erased_attributes, 0 as erased_activity,
    null::date as partial_until, 'x' as digest
"""


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """A data folder with one month of one feed: five rows, of which one is a duplicate and one of a person not linked."""
    settings = Settings(data=tmp_path_factory.mktemp("region"))
    feed = settings.accepted / "ae_attendances"
    feed.mkdir(parents=True)
    settings.linkage.mkdir(parents=True)
    with duckdb.connect() as connection:
        columns = activity_types(settings.feed_contracts / "ae_attendances.csv").items()
        connection.execute(f"create table attendances ({', '.join(f'{name} {kind}' for name, kind in columns)})")
        connection.execute(f"insert into attendances by name {ATTENDANCES}")
        for query, path in (
            ("from attendances", feed / "2024-01.activity.parquet"),
            (DELIVERY, feed / "2024-01.deliveries.parquet"),
            (PEOPLE, settings.linkage / "person_index.parquet"),
        ):
            connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    build_all(settings)
    return settings


@pytest.fixture
def settings(region, tmp_path):
    """A copy of the region, with its warehouse built, that a test may change."""
    shutil.copytree(region.data, tmp_path / "data")
    return Settings(data=tmp_path / "data")


def query(settings, sql):
    with duckdb.connect(str(settings.warehouse_db), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_region_with_one_feed_of_three_runs_to_the_end(settings):
    assert query(settings, "select count(*) from marts.contacts") == [(3,)]
    assert query(settings, "select count(*) from marts.people") == [(2,)]
    assert query(settings, "select reason, rows from staging.left_out order by 1") == [
        ("duplicate event", 1), ("person not in the index", 1),
    ]  # fmt: skip


def test_tables_and_columns_are_documented_in_the_database(settings):
    undocumented = query(settings, """
        select table_name, column_name from duckdb_columns()
        where schema_name in ('staging', 'journeys', 'opportunities', 'marts', 'board') and comment is null
        union all
        select table_name, '' from duckdb_tables()
        where schema_name in ('staging', 'journeys', 'opportunities', 'marts', 'board') and comment is null
    """)  # fmt: skip
    assert undocumented == []
    described = """select comment from duckdb_columns()
                   where schema_name = 'marts' and table_name = 'headlines' and column_name = 'people'"""
    assert query(settings, described) == [("People behind the figure",)]


def test_no_pseudonym_of_an_agency_goes_further_than_staging(settings):
    """The place of a row in a delivery leads an agency to its client: refused rows alone say it, who are nobody here."""
    columns = query(settings, """
        select schema_name, table_name, column_name from duckdb_columns()
        where schema_name in ('journeys', 'opportunities', 'marts', 'board')
            and (
                column_name like '%_ref' or column_name like '%token%'
                or column_name in ('row_number', 'delivery_id')
                and table_name not in ('refused_rows', 'quality_results')
            )
    """)  # fmt: skip
    assert columns == []
    told = query(settings, """
        select table_name, column_name from duckdb_columns()
        where table_name in ('refused_rows', 'quality_results') and column_name in ('person_id', 'contact_id', 'spell_id')
    """)  # fmt: skip
    assert told == []


def test_built_again_the_marts_are_the_same_and_with_another_salt_they_have_other_contact_ids(settings):
    before = query(settings, "select * from marts.contacts order by all")
    lines = []
    rows = build_all(settings, lines.append)
    assert rows["marts", "people"] == 2
    assert "marts.people: 2 rows" in lines
    assert query(settings, "select * from marts.contacts order by all") == before
    (settings.state / "hub_salt").unlink()
    build_all(settings)
    after = query(settings, "select * from marts.contacts order by all")
    assert len(after) == len(before)
    assert not {contact_id for contact_id, *_ in before} & {contact_id for contact_id, *_ in after}


def test_the_salt_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    salt = hub_salt(tmp_path / "state")
    assert len(bytes.fromhex(salt)) >= 32
    assert hub_salt(tmp_path / "state") == salt
    assert stat.S_IMODE((tmp_path / "state" / "hub_salt").stat().st_mode) == 0o600


def test_a_salt_that_was_cut_short_is_refused(tmp_path):
    (tmp_path / "hub_salt").write_text("abc\n")
    with pytest.raises(ValueError, match="restore it from the backup"):
        hub_salt(tmp_path)


def test_a_file_whose_columns_the_database_sees_otherwise_is_refused(settings, tmp_path):
    path = tmp_path / "marts" / "wrong.sql"
    path.parent.mkdir()
    path.write_text("-- One row.\nselect\n    unnest({'a': 1, 'b': 2}) as person_id -- A struct\n")
    with (
        open_warehouse(settings) as connection,
        pytest.raises(SqlFileError, match="the database finds the columns a, b"),
    ):
        build_table(connection, load_file(path))


@pytest.mark.parametrize(
    ("expression", "error_type"),
    [
        pytest.param("x::integer", "ConversionException", id="A cast"),
        pytest.param("strptime(x, '%Y')", "InvalidInputException", id="A function that reads a text"),
        pytest.param("error(x)", "InvalidInputException", id="An error that the query itself raises"),
    ],
)
def test_an_error_in_the_data_does_not_quote_a_value(settings, tmp_path, expression, error_type):
    path = tmp_path / "marts" / "wrong.sql"
    path.parent.mkdir()
    path.write_text(
        f"-- One row.\nselect\n    {expression} as number -- A number\nfrom (values ('Mrs Secret')) as t (x)\n"
    )
    with open_warehouse(settings) as connection, pytest.raises(SqlFileError) as error:
        build_table(connection, load_file(path))
    assert "marts/wrong.sql" in str(error.value)
    assert error_type in str(error.value)
    assert "Secret" not in str(error.value)
    assert error.value.__context__ is None


def test_an_error_in_the_query_is_told_in_the_database_s_words(settings, tmp_path):
    path = tmp_path / "marts" / "wrong.sql"
    path.parent.mkdir()
    path.write_text("-- One row.\nselect\n    nickname -- A name\nfrom staging.people\n")
    with open_warehouse(settings) as connection, pytest.raises(SqlFileError, match='"nickname" not found'):
        build_table(connection, load_file(path))


def test_codes_keep_their_leading_zeros_and_have_a_key_for_comparison(settings):
    with open_warehouse(settings) as connection:
        load_reference(connection, settings, "codes")
        found = connection.execute("""
            select code, code_key, need from reference.codes where code like 'Support with Memory%' or code = '999'
            order by code
        """).fetchall()
    assert found == [
        ("999", "999", None),
        ("Support with Memory & Cognition", "supportwithmemoryandcognition", "dementia"),
    ]


def test_the_definition_that_the_headlines_and_the_board_count_by_is_there(settings):
    found = query(settings, "select count(*) from marts.definitions where definition_id = 'cross_agency_cycle'")
    assert found == [(1,)]


def test_conservation_notices_a_row_that_is_lost(settings):
    with open_warehouse(settings) as connection:
        assert conservation_finding(connection, settings).counts == {
            "accepted": 5, "contacts": 3, "left_out": 2, "months_unequal": 0,
        }  # fmt: skip
        connection.execute(
            "delete from staging.contacts where started_at = (select min(started_at) from staging.contacts)"
        )
        finding = conservation_finding(connection, settings)
    assert not finding.passed
    assert finding.counts["months_unequal"] == 1


def test_a_repeated_key_is_noticed(settings):
    contacts = {file.name: file for file in load_sql(settings)}["marts", "contacts"]
    with open_warehouse(settings) as connection:
        assert key_finding(connection, contacts.name, contacts.key).passed
        connection.execute("insert into marts.contacts from marts.contacts limit 1")
        assert key_finding(connection, contacts.name, contacts.key).counts == {"repeated": 1}


def test_a_suite_says_what_does_not_hold_and_quotes_nothing(settings):
    people = {file.name: file for file in load_sql(settings)}["marts", "people"]
    with open_warehouse(settings) as connection:
        assert suite_finding(connection, people, suite_path(settings, people)).passed
        connection.execute("update marts.people set sex = 'Secret'")
        finding = suite_finding(connection, people, suite_path(settings, people))
    assert not finding.passed
    assert not finding.warns
    assert finding.description == "sex holds a value that is not known. (2 rows)"


SEVERITIES = {"critical": (False, False), "warning": (False, True), "info": (True, True)}  # passed, warns


@pytest.mark.parametrize("severity", SEVERITIES)
def test_what_fails_stops_warns_or_is_only_said_as_severe_as_it_is(settings, tmp_path, severity):
    people = {file.name: file for file in load_sql(settings)}["marts", "people"]
    meta = {"severity": severity, "kahn": "conformance", "reason": "sex is not X."}
    kwargs = {"column": "sex", "value_set": ["X"]}
    path = tmp_path / "people.json"
    path.write_text(
        json.dumps(
            {
                "name": "people",
                "expectations": [{"type": "expect_column_values_to_be_in_set", "kwargs": kwargs, "meta": meta}],
            }
        )
    )
    with open_warehouse(settings) as connection:
        connection.execute("update marts.people set sex = 'F'")
        finding = suite_finding(connection, people, path)
    assert (finding.passed, finding.warns) == SEVERITIES[severity]
    assert finding.description.startswith("sex is not X. (")
    assert finding.counts == {"expectations": 1, "critical": 0, "warning": 0, "info": 0} | {severity: 1}


FAULTY_SUITES = {
    "A column that the table does not have": (
        {"column": "nickname"},
        "names nickname, which is not a column of marts.people",
    ),
    "An expectation that cannot be evaluated": (
        {"column": "sex", "min_value": 1},
        "holds an expectation that could not be evaluated",
    ),
}


@pytest.mark.parametrize(("kwargs", "message"), FAULTY_SUITES.values(), ids=FAULTY_SUITES)
def test_a_faulty_suite_is_refused(settings, tmp_path, kwargs, message):
    people = {file.name: file for file in load_sql(settings)}["marts", "people"]
    meta = {"severity": "critical", "kahn": "plausibility", "reason": "None."}
    expectation = {"type": "expect_column_values_to_be_between", "kwargs": kwargs, "meta": meta}
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"name": "people", "expectations": [expectation]}))
    with open_warehouse(settings) as connection:
        connection.execute("update marts.people set sex = 'Secret'")
        with pytest.raises(ValueError, match=message) as error:
            suite_finding(connection, people, path)
    assert "Secret" not in str(error.value)


def test_every_table_is_an_asset_with_its_description_dependencies_and_checks(settings):
    assets = {asset.key: asset for asset in warehouse_assets(settings)}
    contacts = assets[dg.AssetKey(["marts", "contacts"])]
    assert contacts.group_names_by_key[contacts.key] == "marts"
    assert (
        contacts.descriptions_by_key[contacts.key] == "One row per contact: one event of one person with one service."
    )
    assert contacts.asset_deps[contacts.key] == {
        dg.AssetKey(["staging", "contacts"]), dg.AssetKey(["journeys", "sequence"]),
        dg.AssetKey(["reference", "areas"]),
    }  # fmt: skip
    assert {key.name for key in contacts.check_keys} == {"key", "expectations"}
    deliveries = assets[dg.AssetKey(["staging", "months"])]
    assert dg.AssetKey(["accepted", "social_care_events"]) in deliveries.asset_deps[deliveries.key]
    rows = assets[dg.AssetKey(["staging", "contact_rows"])]
    assert dg.AssetKey(["staging", "social_care_events"]) in rows.asset_deps[rows.key]


def test_the_assets_build_the_warehouse_with_row_counts_and_checks(settings):
    assets = [a for a in warehouse_assets(settings) if a.key.path[0] in ("reference", "staging")]
    result = dg.materialize(assets, instance=dg.DagsterInstance.ephemeral())
    assert result.success
    [materialization] = result.asset_materializations_for_node("staging__contacts")
    assert materialization.metadata["dagster/row_count"].value == 3
    types = {c.name: c.type for c in materialization.metadata["dagster/column_schema"].value.columns}
    assert types["started_at"] == "TIMESTAMP"
    checks = {(c.asset_key.path[-1], c.check_name): c.passed for c in result.get_asset_check_evaluations()}
    assert checks["contacts", "conservation"] and checks["contacts", "key"]
