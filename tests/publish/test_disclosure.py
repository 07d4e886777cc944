"""What disclosure control promises, on tables that a person can read and on random ones."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.publish.disclosure import BAND_ENDS, MINUTE_STEPS, UncontrolledTable, controlled_select
from pipelines.publish.tables import board_roles
from pipelines.settings import Settings

SETTINGS = Settings()
ROLES = {
    "need": "label", "people": "people", "people_high": "people", "contacts": "count", "hours": "minutes", "days": "rate",
}  # fmt: skip
CONNECTION = duckdb.connect()


def controlled(*rows: tuple) -> list[dict]:
    """The rows (in the order of ROLES) as they would be published."""
    CONNECTION.execute(
        "create or replace temp table raw (need varchar, people bigint, people_high bigint, contacts bigint, "
        "hours double, days double)"
    )
    CONNECTION.executemany("insert into raw values (?, ?, ?, ?, ?, ?)", rows)
    result = CONNECTION.execute(controlled_select("raw", ROLES, SETTINGS))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.mark.parametrize(
    ("people", "published"), [(0, 0), (1, None), (7, None), (8, 10), (12, 10), (13, 15), (1242, 1240)]
)
def test_people_up_to_seven_are_withheld_and_others_rounded_to_five(people, published):
    (row,) = controlled(("frailty", people, people, 100, 60.0, 0.5))
    assert row["people"] == published


@pytest.mark.parametrize(
    ("contacts", "minutes", "published"),
    [
        (100, 1200, 1200),  # 12 minutes each: five of them are an hour, and so is the step
        (100, 1300, 1320),  # 13 each: two hours
        (10, 1000, 1200),  # 100 each: ten hours
        (10, 899, 600),
        (10, 15_000, 12_000),  # a day and more each: 200 hours
        (0, 0, 0),
    ],
)
def test_minutes_are_rounded_to_five_average_contacts_of_their_row(contacts, minutes, published):
    (row,) = controlled(("frailty", 40, 40, contacts, minutes, 0.5))
    assert row["hours"] == published


@given(contacts=st.integers(8, 500), each=st.integers(1, 5000), more=st.integers(0, 60))
@hypothesis_settings(max_examples=60, deadline=None)
def test_one_average_contact_moves_minutes_by_a_step_at_most(contacts, each, more):
    rows = controlled(
        ("with", 40, 40, contacts, contacts * each + more, 0.5),
        ("without", 40, 40, contacts - 1, (contacts - 1) * each + more, 0.5),
    )
    steps = [step for step in MINUTE_STEPS if step >= min(5 * each, MINUTE_STEPS[-1])]
    assert abs(rows[0]["hours"] - rows[1]["hours"]) <= steps[min(1, len(steps) - 1)]


def test_a_withheld_row_keeps_its_label_and_a_reason_and_no_number():
    (row,) = controlled(("frailty", 3, 12, 100, 60.0, 0.5))
    assert row == {
        "need": "frailty", "people": None, "people_high": None, "contacts": None, "hours": None, "days": None,
        "withheld_reason": "fewer than 8 people",
    }  # fmt: skip


def test_a_small_end_of_a_linkage_interval_withholds_its_middle():
    (row,) = controlled(("frailty", 12, 5, 100, 60.0, 0.5))
    assert row["people"] is None


def test_numbers_of_an_unknown_number_of_people_are_withheld():
    (row,) = controlled(("frailty", None, None, 100, None, None))
    assert (row["contacts"], row["withheld_reason"]) == (None, "number of people not known")


def test_a_row_without_any_number_has_nothing_to_withhold():
    (row,) = controlled(("a month that did not arrive", None, None, None, None, None))
    assert row["withheld_reason"] is None


def test_a_rate_is_in_whole_units_and_goes_with_its_row():
    (row,) = controlled(("frailty", 10, 10, 100, 60.0, 6.5))
    assert row["days"] == 7
    (row,) = controlled(("frailty", 6, 10, 100, 60.0, 6.5))
    assert row["days"] is None


def test_no_board_table_has_a_share_of_its_own():
    roles = board_roles(SETTINGS)
    rates = {
        (table, column)
        for table, columns in roles.items()
        for column, role in columns.items()
        if role == "rate" and not column.endswith(BAND_ENDS)
    }
    assert rates == {("handoffs", "median_days"), ("outcomes", "crisis_free_days")}


def test_a_column_without_a_role_is_refused():
    with pytest.raises(UncontrolledTable, match="no role.*hours"):
        controlled_select("raw", ROLES | {"hours": ""}, SETTINGS)


def test_numbers_without_a_count_of_people_are_refused():
    with pytest.raises(UncontrolledTable, match=r"no \[people\] column"):
        controlled_select("raw", {"need": "label", "contacts": "count"}, SETTINGS)


counts = st.none() | st.integers(0, 30) | st.integers(0, 10**7)
rates = st.none() | st.floats(0, 400)
rows = st.tuples(st.text(max_size=3), counts, counts, counts, st.none() | st.floats(0, 1e6), rates)


@given(st.lists(rows, min_size=1, max_size=8))
@hypothesis_settings(deadline=None, max_examples=80)
def test_no_table_publishes_a_small_count_or_a_number_beside_one(raw):
    for row in controlled(*raw):
        numbers = [row[column] for column, role in ROLES.items() if role != "label"]
        for column in ("people", "people_high"):
            assert row[column] is None or not 1 <= row[column] <= SETTINGS.withhold_people_up_to
        for column in ("people", "people_high", "contacts", "hours"):
            assert row[column] is None or row[column] % SETTINGS.round_to == 0
        assert row["days"] is None or row["days"] % 1 == 0
        if row["withheld_reason"]:
            assert numbers == [None] * len(numbers)


@given(people=st.integers(8, 10**6), contacts=st.integers(0, 10**6))
@hypothesis_settings(deadline=None, max_examples=60)
def test_what_is_published_is_as_near_as_rounding_allows(people, contacts):
    (row,) = controlled(("need", people, people, contacts, None, None))
    assert abs(row["people"] - people) <= SETTINGS.round_to / 2
    assert abs(row["contacts"] - contacts) <= SETTINGS.round_to / 2
