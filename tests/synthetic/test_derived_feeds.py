"""The ambulance trust and children's services fit what the other agencies saw, and change nothing of it."""

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.synthetic import make_region
from tests.synthetic.test_region import Region, arrived

OTHERS = ("WEXH/ae_attendances", "NPOL/police_incidents", "LAWX/social_care_events")
BY_AMBULANCE = "1048031000000100"


@pytest.fixture(scope="module")
def region(tmp_path_factory) -> Region:
    folder = tmp_path_factory.mktemp("derived")
    make_region(folder, people=2500, seed=4)
    return Region(folder)


def digest(folder: Path) -> str:
    files = sorted(path for feed in OTHERS for path in (folder / "agencies" / feed).rglob("*.csv"))
    return hashlib.sha256(b"".join(str(f.relative_to(folder)).encode() + f.read_bytes() for f in files)).hexdigest()


def test_the_other_feeds_are_the_same_to_the_byte_with_and_without_them(tmp_path):
    make_region(tmp_path / "with", people=400, seed=5, months=4)
    make_region(tmp_path / "without", people=400, seed=5, months=4, derived=False)
    assert (tmp_path / "with" / "agencies" / "WAMB").is_dir()
    assert not (tmp_path / "without" / "agencies" / "WAMB").exists()
    assert digest(tmp_path / "with") == digest(tmp_path / "without")


def test_everybody_who_came_by_ambulance_was_conveyed_by_one_that_arrived_when_they_did(region):
    conveyed = {
        (row["person"], row["Time_Arrived_Destination"][:16], row["Destination_Site_Code"])
        for row in region.activity["ambulance_incidents"]
        if row["Treatment_Type"] == "See and Convey"
    }
    came = [
        (row["person"], arrived(row).isoformat(timespec="minutes"), row["Der_Provider_Site_Code"])
        for row in region.activity["ae_attendances"]
        if row["valid"] == "true" and row["EC_Arrival_Mode_SNOMED_CT"] == BY_AMBULANCE
    ]
    unmet = [each for each in came if each not in conveyed]
    assert len(came) > 500
    # Only who rang before the first month began has no incident, and who was keyed in wrongly by the trust has none.
    assert all(each[1] < "2024-01-02" for each in unmet)


def test_times_of_an_incident_follow_each_other(region):
    order = (
        "Time_Call_Connected",
        "Time_Arrived_Scene",
        "Time_Left_Scene",
        "Time_Arrived_Destination",
        "Time_Handover",
    )
    for row in region.activity["ambulance_incidents"]:
        if row["valid"] == "true":
            times = [row[name] for name in order if row[name]]
            assert times == sorted(times)
            assert (len(times) == 1) == (row["Treatment_Type"] == "Hear and Treat")


def test_some_are_seen_or_heard_alone_and_falls_teams_and_mental_health_cars_go_out(region):
    rows = region.activity["ambulance_incidents"]
    outcomes = Counter(row["Treatment_Type"] for row in rows)
    assert set(outcomes) - {""} == {"Hear and Treat", "See and Treat", "See and Convey"}
    assert outcomes["See and Convey"] > outcomes["See and Treat"] + outcomes["Hear and Treat"]
    assert {"19", "20"} <= {row["Response_Types"] for row in rows}
    assert {row["Stop_Code"] for row in rows if row["Treatment_Type"] == "See and Treat"} == {""}


def test_p3_is_helped_up_three_times_in_a_week_before_a_conveyance(region):
    story = region.story("P3")
    falls = [row for feed, row in story if feed == "ambulance_incidents" and row["Treatment_Type"] == "See and Treat"]
    assert len(falls) == 3
    assert {row["AMPDS_Card"] for row in falls} == {"17"}
    last = datetime.fromisoformat(falls[-1]["Time_Call_Connected"])
    assert last - datetime.fromisoformat(falls[0]["Time_Call_Connected"]) < timedelta(days=7)
    fetched = [
        datetime.fromisoformat(row["Time_Call_Connected"])
        for feed, row in story
        if feed == "ambulance_incidents" and row["Treatment_Type"] == "See and Convey"
    ]
    assert any(last < call < last + timedelta(days=2) for call in fetched)


def test_p11_is_closed_after_assessment_and_in_crisis_within_half_a_year(region):
    story = region.story("P11")
    modules = [row for feed, row in story if feed == "children_in_need"]
    assert [row["module"] for row in modules] == ["CINdetails", "Assessments"]
    assert modules[1]["ReasonForClosure"] == "RC8"
    referred = datetime.fromisoformat(modules[0]["start_date"])
    crises = [
        datetime.fromisoformat(row.get("created_ts") or arrived(row).isoformat())
        for feed, row in story
        if feed in ("ae_attendances", "police_incidents")
    ]
    assert any(timedelta(days=60) < crisis - referred < timedelta(days=183) for crisis in crises)


def test_only_children_are_referred_and_what_came_of_it_is_told_once_it_is_known(region):
    rows = [row for row in region.activity["children_in_need"] if row["valid"] == "true"]
    for row in rows:
        born = datetime.fromisoformat(region.people[row["person"]]["date_of_birth"])
        assert datetime.fromisoformat(row["start_date"]) - born < timedelta(days=18.5 * 365.25)
        if row["ReferralNFA"] == "true":
            assert (row["module"], row["ReasonForClosure"]) == ("CINdetails", "")
    closed = Counter(row["ReasonForClosure"] for row in rows if row["module"] == "Assessments")
    assert closed["RC8"] > closed["RC9"] > 0
    assert {"CINdetails", "Assessments", "Section47", "CINPlanDates", "ChildProtectionPlans"} == {
        row["module"] for row in rows
    }


def test_officers_and_a_and_e_refer_children_whom_they_have_met(region):
    met = {
        feed: {(row["person"], row["period"]) for row in region.activity[feed]}
        for feed in ("police_incidents", "ae_attendances")
    }
    from_a_and_e = [row for row in region.activity["children_in_need"] if row["ReferralSource"] == "3E"]
    people = {person for person, _ in met["ae_attendances"]}
    assert from_a_and_e
    assert {row["person"] for row in from_a_and_e} <= people
    assert any(row["ReferralSource"] == "6" for row in region.activity["children_in_need"])


def test_the_ambulance_trust_knows_its_patients_least_well(region):
    def missing(feed: str, column: str) -> float:
        values = [row[column] for people in region.registers[feed].values() for row in people]
        return values.count("") / len(values)

    for column in ("nhs_number", "date_of_birth", "forename"):
        assert missing("ambulance_incidents", column) > 2 * missing("ae_attendances", column)
    assert 0.25 < missing("ambulance_incidents", "nhs_number") < 0.5
