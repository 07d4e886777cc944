"""How fine times and areas are in a release: rows in, rows out, by setting; and nothing finer slips through."""

from dataclasses import replace

import duckdb
import pytest

from pipelines.pseudonymise.errors import InputError
from pipelines.publish.generalise import UngeneralisedColumn
from pipelines.publish.made_of import inputs
from pipelines.publish.release import ReleaseRefused, publish
from pipelines.settings import Settings

INPUTS = {"state": "1"}
WAITS = """-- One row per wait.
-- Key: contact_id
select
    contact_id, -- Contact
    person_id, -- Person
    started_at, -- When it started
    left_on, -- Day of leaving
    lsoa, -- Area
    ward, -- Ward of the area
    days_between, -- Days since the contact before
    minutes, -- Minutes of the wait
    feed_month -- Month of delivery
from (
    values
    ('C1', 'P1', timestamp '2025-01-15 10:44', date '2025-01-16', 'E01990001', 'E05990001', 24, 1325, '2025-01'),
    ('C2', 'P1', timestamp '2025-02-02 23:59', null, null, null, 3, 29, '2025-02')
) as waits (contact_id, person_id, started_at, left_on, lsoa, ward, days_between, minutes, feed_month)
"""
DEFINITIONS = """-- One row per definition.
-- Key: definition_id
select
    'cycle' as definition_id, -- Definition
    90 as window_days -- Days of its window
"""
FIRST, SECOND = ("E01990001", "E05990001"), (None, None)
RELEASED = {
    ("exact", "lsoa"): [
        ("C1", "P1", "2025-01-15 10:44:00", "2025-01-16", *FIRST, 24, 1325, "2025-01"),
        ("C2", "P1", "2025-02-02 23:59:00", None, *SECOND, 3, 29, "2025-02"),
    ],
    ("day", "lsoa"): [
        ("C1", "P1", "2025-01-15 00:00:00", "2025-01-16", *FIRST, 24, 1325, "2025-01"),
        ("C2", "P1", "2025-02-02 00:00:00", None, *SECOND, 3, 29, "2025-02"),
    ],
    ("week", "lsoa"): [
        ("C1", "P1", "2025-01-13 00:00:00", "2025-01-13", *FIRST, 21, 1320, "2025-01"),
        ("C2", "P1", "2025-01-27 00:00:00", None, *SECOND, 0, 0, "2025-02"),
    ],
    ("month", "ward"): [
        ("C1", "P1", "2025-01-01 00:00:00", "2025-01-01", None, "E05990001", 28, 1320, "2025-01"),
        ("C2", "P1", "2025-02-01 00:00:00", None, *SECOND, 0, 0, "2025-02"),
    ],
}


def pack(board, out, facts):
    out.write_text("<h1>Pack</h1>", encoding="utf-8")


def query(path, sql):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def with_waits(settings, rewrite):
    for name, text in (("waits", WAITS), ("definitions", DEFINITIONS)):
        (settings.sql / "marts" / f"{name}.sql").write_text(text, encoding="utf-8")
    rewrite("marts/people", "('P000000000003', 'F')", "('P000000000003', 'X')")
    return settings


@pytest.mark.parametrize(("time", "area"), RELEASED)
def test_rows_go_out_as_coarse_as_the_settings_ask(with_waits, time, area):
    made = publish(replace(with_waits, analyst_time=time, analyst_area=area), INPUTS, pack)
    sql = (
        "select * replace (started_at::varchar as started_at, left_on::varchar as left_on) from marts.waits order by 1"
    )
    assert query(made.path / "analyst.duckdb", sql) == RELEASED[time, area]
    assert all(check.passed for check in made.checks)


def test_types_stay_and_the_database_says_what_was_done_to_a_column(with_waits):
    made = publish(replace(with_waits, analyst_time="month", analyst_area="ward"), INPUTS, pack)
    columns = "select column_name, data_type, comment from duckdb_columns() where table_name = 'waits'"
    found = {name: (data_type, comment) for name, data_type, comment in query(made.path / "analyst.duckdb", columns)}
    assert found["started_at"] == ("TIMESTAMP", "When it started (in this release the first day of its month)")
    assert found["left_on"] == ("DATE", "Day of leaving (in this release the first day of its month)")
    assert found["lsoa"] == ("VARCHAR", "Area (empty in this release, which has wards)")
    assert found["minutes"] == ("INTEGER", "Minutes of the wait (in this release to the nearest 60)")
    assert found["ward"] == ("VARCHAR", "Ward of the area")


def test_days_of_a_definition_are_nobodys_and_stay(with_waits):
    made = publish(replace(with_waits, analyst_time="month"), INPUTS, pack)
    assert query(made.path / "analyst.duckdb", "select window_days from marts.definitions") == [(90,)]


def test_a_table_with_one_row_for_each_lsoa_is_not_released_by_ward(settings):
    made = publish(settings, INPUTS, pack)
    assert made.rows["marts.demand_by_area"] == 1
    made = publish(replace(settings, analyst_area="ward"), INPUTS, pack)
    assert "marts.demand_by_area" not in made.rows
    assert not (made.path / "marts" / "demand_by_area.parquet").exists()
    assert all(check.passed for check in made.checks)


def test_board_tables_are_the_same_whatever_the_analyst_tables_are(settings):
    fine = publish(settings, INPUTS, pack).manifest["content"]
    coarse = publish(replace(settings, analyst_time="month", analyst_area="ward"), INPUTS, pack).manifest["content"]
    assert fine["board.headlines"] == coarse["board.headlines"]
    assert fine["marts.contacts"] != coarse["marts.contacts"]


def test_a_column_that_a_mart_gains_is_made_coarse_too(settings):
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        connection.execute("alter table marts.contacts add column seen_at timestamp")
        connection.execute("comment on column marts.contacts.seen_at is 'When a clinician came'")
        connection.execute("update marts.contacts set seen_at = started_at + interval 25 minutes")
    made = publish(replace(settings, analyst_time="month"), INPUTS, pack)
    assert query(made.path / "analyst.duckdb", "select distinct seen_at::varchar from marts.contacts") == [
        ("2025-01-01 00:00:00",)
    ]


@pytest.mark.parametrize("data_type", ["time", "interval", "timestamp[]", "struct(seen_at timestamp)"])
def test_a_time_of_a_type_that_cannot_be_made_coarse_is_not_released(settings, data_type):
    standing = publish(settings, INPUTS, pack)
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        connection.execute(f"alter table marts.contacts add column seen {data_type}")
    with pytest.raises(UngeneralisedColumn, match="column seen .* cannot be given by the month"):
        publish(replace(settings, analyst_time="month"), INPUTS, pack)
    assert (settings.releases / "current").resolve() == standing.path.resolve()


TOO_FINE = {
    "a date as text": ("month", "lsoa", "'2025-01-14'", True),
    "a time as text": ("day", "lsoa", "'23:59'", True),
    "a timestamp as text": ("week", "lsoa", "'2025-01-14T10:00:00'", True),
    "a month as text": ("month", "lsoa", "'2025-01'", False),
    "a date as text, by day": ("day", "lsoa", "'2025-01-14'", False),
    "the code of an LSOA": ("exact", "ward", "'E01990001'", True),
    "the code of a ward": ("exact", "ward", "'E05990001'", False),
}


@pytest.mark.parametrize("case", TOO_FINE)
def test_text_that_is_finer_than_the_settings_keeps_a_release_back(settings, case):
    time, area, value, refused = TOO_FINE[case]
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        connection.execute(f"alter table marts.contacts add column note varchar default {value}")
        connection.execute("comment on column marts.contacts.note is 'Note'")
    coarse = replace(settings, analyst_time=time, analyst_area=area)
    if refused:
        with pytest.raises(ReleaseRefused, match=r"marts\.contacts\.note holds text that is finer than") as error:
            publish(coarse, INPUTS, pack)
        assert value.strip("'") not in str(error.value)
    else:
        assert publish(coarse, INPUTS, pack).changed


def test_what_stands_is_not_up_to_date_after_a_change_of_the_settings(settings):
    assert inputs(settings) != inputs(replace(settings, analyst_time="week"))
    assert inputs(settings) != inputs(replace(settings, analyst_area="ward"))


def test_settings_come_from_the_environment_and_unknown_ones_are_refused(monkeypatch):
    monkeypatch.setenv("UPSTREAM_ANALYST_TIME", "week")
    monkeypatch.setenv("UPSTREAM_ANALYST_AREA", "ward")
    assert (Settings().analyst_time, Settings().analyst_area) == ("week", "ward")
    monkeypatch.setenv("UPSTREAM_ANALYST_TIME", "fortnight")
    with pytest.raises(InputError, match="UPSTREAM_ANALYST_TIME is 'fortnight'.*exact, day, week, month"):
        Settings()
