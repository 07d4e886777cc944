"""What a release says of its own risk, against what a person counts by hand and a program by looking at everybody."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.publish.export import write_analyst
from pipelines.publish.mart_risk import wilson, write_release_risk
from pipelines.publish.release import publish
from pipelines.publish.singling_out import draw_contacts, known_contacts
from pipelines.settings import Settings

CONTACTS = "contact_id varchar, person_id varchar, agency varchar, started_at timestamp, lsoa varchar, ward varchar"
PEOPLE = (
    "person_id varchar, sex varchar, age_band varchar, ethnic_group varchar, imd_quintile integer, death_month varchar"
)
ALONE = "people alone at known points"
ANYBODY = ("F", "25-44", "White", 1, None)


@pytest.fixture
def risk(tmp_path: Path):
    """risk(contacts, attributes, **settings): (figures by what was asked, statement) of a release of these tables.

    Contacts are (person, agency, started_at, lsoa, ward); attributes map a person to sex, age band, ethnic group,
    quintile and month of death, and are the same for everybody who is not in them.
    """

    def released(contacts, attributes=None, **settings) -> tuple[dict, str]:
        return released_risk(tmp_path, contacts, attributes or {}, Settings(data=tmp_path, **settings))

    return released


def released_risk(folder, contacts, attributes, settings) -> tuple[dict, str]:
    warehouse, analyst = folder / "warehouse.duckdb", folder / "analyst.duckdb"
    for path in (warehouse, analyst):
        path.unlink(missing_ok=True)
    people = sorted({person for person, *_ in contacts} | set(attributes))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.contacts ({CONTACTS})")
        connection.execute(f"create table marts.people ({PEOPLE})")
        rows = [(f"C{number}", *contact) for number, contact in enumerate(contacts)]
        connection.executemany("insert into marts.contacts values (?, ?, ?, ?, ?, ?)", rows)
        rows = [(person, *attributes.get(person, ANYBODY)) for person in people]
        connection.executemany("insert into marts.people values (?, ?, ?, ?, ?, ?)", rows)
    write_analyst(warehouse, analyst, ["contacts", "people"], settings)
    statement = write_release_risk(warehouse, analyst, settings)
    with duckdb.connect(str(analyst), read_only=True) as connection:
        rows = connection.execute(
            "select measure, known, known_points, among, value, shown, people from marts.release_risk"
        ).fetchall()
    return {tuple(row[:4]): row[4:] for row in rows}, statement


def alone(figures, known="week, agency, ward", among="everybody") -> list[float]:
    """Shares of people who are alone at 1, 2 and 3 known points."""
    return [figures[ALONE, known, points, among][0] for points in (1, 2, 3)]


def at(person, *points, lsoa="E01990001", ward="E05990001"):
    """Contacts of a person, each written 'AGENCY 2025-01-06'."""
    return [(person, *point.split(" ", 1), lsoa, ward) for point in points]


def test_two_with_the_same_points_hide_each_other_and_the_third_is_alone(risk):
    figures, _ = risk(
        [
            *at("P1", "WEXH 2025-01-06 10:00", "NPOL 2025-01-13 10:00"),
            *at("P2", "WEXH 2025-01-12 23:00", "NPOL 2025-01-14 09:00"),
            *at("P3", "WEXH 2025-01-20 10:00", "LAWX 2025-01-27 10:00"),
        ]
    )
    assert alone(figures) == [0.3333, 0.3333, 0.3333]
    assert alone(figures, "day, agency, ward") == [1, 1, 1]
    assert alone(figures, "month, agency, ward")[1:] == [0.3333, 0.3333]


def test_each_point_is_shared_and_no_two_are(risk):
    x, y, z = "WEXH 2025-01-06", "NPOL 2025-01-06", "LAWX 2025-01-06"
    figures, _ = risk([*at("P1", x, y), *at("P2", x, z), *at("P3", y, z)])
    assert alone(figures) == [0, 1, 1]


def test_every_two_points_are_shared_and_no_three_are(risk):
    w, x, y, z = (f"WEXH 2025-01-{day}" for day in ("06", "13", "20", "27"))
    figures, _ = risk([*at("P1", x, y, z), *at("P2", x, y, w), *at("P3", y, z, w), *at("P4", x, z, w)])
    assert alone(figures) == [0, 0, 1]


def test_somebody_with_one_contact_hides_behind_whoever_was_there_too(risk):
    figures, _ = risk(
        [*at("P1", "WEXH 2025-01-06"), *at("P2", "WEXH 2025-01-06", "WEXH 2025-02-06", "WEXH 2025-03-06")]
    )
    assert figures[ALONE, "week, agency, ward", 3, "everybody"] == (0.5, True, 2)
    assert figures[ALONE, "week, agency, ward", 3, "people with as many contacts"] == (1, True, 1)


def test_draws_are_averaged_over_a_persons_own_contacts(risk):
    # One of P1's four contacts is theirs alone, so a contact known of them singles them out one time in four.
    days = ["2025-01-06", "2025-01-13", "2025-01-20"]
    figures, _ = risk(
        [*at("P1", *(f"WEXH {day}" for day in [*days, "2025-01-27"])), *at("P2", *(f"WEXH {day}" for day in days))],
        risk_draws=1000,
    )
    # Half of the people, of 1,000 draws with three standard errors of 0.014 each.
    assert alone(figures)[0] == pytest.approx(0.25 / 2, abs=3 * 0.014 / 2)


def test_the_same_agency_week_and_ward_in_two_areas_is_one_point_by_ward_and_two_by_lsoa(risk):
    figures, _ = risk([*at("P1", "WEXH 2025-01-06"), *at("P2", "WEXH 2025-01-07", lsoa="E01990002")])
    assert alone(figures) == [0, 0, 0]
    assert alone(figures, "week, agency, LSOA") == [1, 1, 1]


def test_a_record_without_an_area_is_told_apart_from_one_with_an_area(risk):
    figures, _ = risk([*at("P1", "WEXH 2025-01-06"), *at("P2", "WEXH 2025-01-06", lsoa=None, ward=None)])
    assert alone(figures) == [1, 1, 1]


points = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["WEXH", "NPOL"])), min_size=1, max_size=3)


def share_alone(everybody: list[set]) -> float:
    """Share of people whose points nobody else has, by looking at every other person."""
    hidden = [any(mine <= other for j, other in enumerate(everybody) if j != i) for i, mine in enumerate(everybody)]
    return 1 - sum(hidden) / len(everybody)


@given(st.lists(points, min_size=1, max_size=8))
@hypothesis_settings(deadline=None, max_examples=30)
def test_with_all_their_points_known_as_many_are_alone_as_looking_at_everybody_finds(everybody):
    contacts = [
        (f"C{person} {number}", f"P{person}", agency, f"2025-01-{6 + 7 * week:02}", "E01990001", "E05990001")
        for person, known in enumerate(everybody)
        for number, (week, agency) in enumerate(known)
    ]
    with duckdb.connect() as connection:
        connection.execute(f"create table contacts ({CONTACTS})")
        rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(contacts))
        connection.execute(f"insert into contacts values {rows}", [value for contact in contacts for value in contact])
        draw_contacts(connection, "contacts", Settings())
        found = known_contacts(connection, "contacts", "week", "ward")
    assert [answer.people for answer in found] == [len(everybody)] * 3
    assert found[0].share <= found[1].share <= found[2].share
    assert found[2].share == pytest.approx(share_alone([set(known) for known in everybody]))


def test_no_more_people_than_the_settings_say_are_asked_about_and_all_are_compared(risk):
    pairs = [at(f"P{number}", f"WEXH 2025-01-{6 + number % 5:02}") for number in range(10)]
    figures, _ = risk([contact for contacts in pairs for contact in contacts], risk_people_asked=4)
    assert figures[ALONE, "day, agency, ward", 1, "everybody"] == (0, True, 4)


GROUPS = {
    "P1": ("F", "85+", "White", 1, None), "P2": ("F", "85+", "White", 1, None), "P3": ("F", "85+", "White", 1, None),
    "P4": ("F", "85+", "White", 1, None), "P5": ("F", "85+", "White", 1, "2025-01"),
    "P6": ("M", "85+", None, 1, None), "P7": ("M", "85+", None, 1, None),
}  # fmt: skip
SEEN = [
    *at("P1", "WEXH 2025-01-06", "NPOL 2025-01-06"), *at("P2", "NPOL 2025-01-06", "WEXH 2025-02-06"),
    *at("P3", "WEXH 2025-01-06"), *at("P4", "WEXH 2025-01-06", "WEXH 2025-02-06"), *at("P5", "WEXH 2025-01-06"),
    *at("P6", "LAWX 2025-01-06"), *at("P7", "LAWX 2025-03-06"),
]  # fmt: skip


def groups(figures, known) -> dict[str, float]:
    return {measure: value for (measure, known_here, points, _), (value, *_) in figures.items() if known_here == known}


def test_k_and_l_of_five_women_and_two_men(risk):
    figures, _ = risk(SEEN, GROUPS)
    attributes = "sex, age band, ethnic group, deprivation quintile"
    # The women were seen by two patterns of agencies, the men by one.
    assert groups(figures, attributes) == {
        "people in the smallest group": 2, "fewest patterns of agencies in a group": 1, "people in groups of one": 0,
        "people in groups of fewer than 5": round(2 / 7, 4),
        "people in groups with one pattern of agencies": round(2 / 7, 4),
    }  # fmt: skip
    # Whoever knows of a death knows one woman of the five, and four are fewer than five.
    assert groups(figures, "sex, age band, ethnic group, deprivation quintile, month of death, ward") == {
        "people in the smallest group": 1, "fewest patterns of agencies in a group": 1,
        "people in groups of one": round(1 / 7, 4), "people in groups of fewer than 5": 1,
        "people in groups with one pattern of agencies": round(3 / 7, 4),
    }  # fmt: skip


def test_the_area_of_a_person_is_the_one_of_most_of_their_contacts(risk):
    away = [("P1", "WEXH", f"2025-0{month}-06", "E01990006", "E05990002") for month in (3, 4)]
    home = at("P1", "WEXH 2025-05-06", "WEXH 2025-06-06", "WEXH 2025-07-06")
    figures, _ = risk([*away, *home, *at("P2", "WEXH 2025-01-06", lsoa="E01990002")])
    attributes = "sex, age band, ethnic group, deprivation quintile"
    assert groups(figures, f"{attributes}, ward")["people in the smallest group"] == 2
    assert groups(figures, f"{attributes}, LSOA")["people in the smallest group"] == 1


def test_a_coarse_release_states_its_own_number_and_what_finer_ones_would_have_been(risk):
    contacts = [
        *at("P1", "WEXH 2025-01-06", "NPOL 2025-01-13"), *at("P2", "WEXH 2025-01-13", "NPOL 2025-01-06"),
        *at("P3", "WEXH 2025-02-06", "NPOL 2025-02-13"),
    ]  # fmt: skip
    fine, of_fine = risk(contacts)
    coarse, of_coarse = risk(contacts, analyst_time="month", analyst_area="ward")
    assert of_fine.startswith("With 3 known points (week, agency, ward) 100.0 % of people are alone in these tables")
    assert of_coarse.startswith("With 3 known points (month, agency, ward) 33.3 % of people are alone in these tables")
    assert "named people under an agreement" in of_coarse
    assert {asked: value for asked, (value, *_) in fine.items()} == {
        asked: value for asked, (value, *_) in coarse.items()
    }
    shown = {known for (measure, known, *_), (_, is_shown, _) in coarse.items() if measure == ALONE and is_shown}
    assert shown == {"month, agency, ward"}
    assert all(is_shown for _, is_shown, _ in fine.values())


def test_figures_are_counted_in_the_tables_that_are_released(settings):
    """Not in the marts they came from: what the release shows is what somebody who has it can count."""
    made = publish(settings, {"state": "1"}, lambda board, out, facts: out.write_text("<h1>Pack</h1>"))
    with duckdb.connect(str(made.path / "analyst.duckdb"), read_only=True) as connection:
        people = connection.execute(
            "select list(distinct date_trunc('week', started_at)) from marts.contacts group by person_id"
        ).fetchall()
        value, low, high, unit, in_words = connection.execute(
            "select value, low, high, unit, in_words from marts.release_risk where known = 'week, agency, ward' "
            "and known_points = 3 and among = 'everybody'"
        ).fetchall()[0]
        ((comment,),) = connection.execute(
            "select comment from duckdb_tables() where table_name = 'release_risk'"
        ).fetchall()
    assert (value, unit) == (share_alone([set(weeks) for (weeks,) in people]), "share of people")
    assert low <= value <= high
    assert made.risk == made.manifest["risk"]
    assert made.risk.startswith(in_words) and made.risk in comment


def test_the_same_tables_give_the_same_figures_in_any_order(risk):
    contacts = [contact for number in range(30) for contact in at(f"P{number}", *(
        f"{agency} 2025-01-{1 + (number * step) % 28:02}" for step, agency in ((3, "WEXH"), (5, "NPOL"), (7, "LAWX"), (11, "WEXH"))
    ))]  # fmt: skip
    assert risk(contacts) == risk(contacts)


def test_a_release_without_people_says_nothing(risk, tmp_path):
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.contacts ({CONTACTS})")
        connection.execute(f"create table marts.people ({PEOPLE})")
    settings = Settings(data=tmp_path)
    write_analyst(tmp_path / "empty.duckdb", tmp_path / "out.duckdb", ["contacts", "people"], settings)
    assert write_release_risk(tmp_path / "empty.duckdb", tmp_path / "out.duckdb", settings) == ""


def test_the_interval_is_wilsons():
    # Newcombe, Statistics in Medicine 17 (1998): 81 of 263 and 0 of 20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
