"""Needs that nobody met, the decoys beside them and the personas among ordinary people, as the answer key tells them."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.synthetic import make_region
from tests.synthetic.test_region import Region, rows_of

PROJECT = Path(__file__).resolve().parents[2]
RULES = {f"MO{number}" for number in range(1, 12)}
LONGEST = {"MO1": 28, "MO3": 30, "MO4": 14, "MO5": 90, "MO6": 90, "MO7": 60, "MO9": 184}  # days from signal to crisis
ONE_DAY_MORE = {"MO1": 29, "MO4": 15, "MO5": 91, "MO6": 91, "MO7": 61, "MO9": 185}


@pytest.fixture(scope="module")
def region(tmp_path_factory) -> Region:
    folder = tmp_path_factory.mktemp("unmet")
    make_region(folder, people=4000, seed=2)
    return Region(folder)


@pytest.fixture(scope="module")
def chances(region) -> list[dict[str, str]]:
    return region.key["opportunities"]


def days(row: dict[str, str]) -> int:
    return (date.fromisoformat(row["crisis_at"][:10]) - date.fromisoformat(row["signal_at"][:10])).days


def test_every_rule_has_missed_chances_and_decoys(chances):
    planted = Counter(row["rule_id"] for row in chances if row["planted"] == "true")
    decoys = Counter(row["rule_id"] for row in chances if row["planted"] == "false")
    assert set(planted) == set(decoys) == RULES
    assert all(row["decoy"] == "" for row in chances if row["planted"] == "true")
    assert all(row["decoy"] for row in chances if row["planted"] == "false")


def test_signal_and_crisis_are_contacts_of_the_same_person_one_after_the_other(region, chances):
    contacts = {(row["feed"], row["source_ref"]): row for row in region.key["contacts"] if row["valid"] == "true"}
    for row in chances:
        signal, crisis = contacts[row["feed"], row["signal_ref"]], contacts[row["crisis_feed"], row["crisis_ref"]]
        assert signal["true_person_id"] == crisis["true_person_id"] == row["true_person_id"]
        assert crisis["started_at"] == row["crisis_at"]
        assert signal["started_at"] == row["signal_at"] or row["rule_id"] == "MO9"
        assert row["signal_at"] < row["crisis_at"]


def test_a_crisis_of_a_missed_chance_is_within_the_days_and_of_some_decoys_one_day_more(chances):
    for row in chances:
        if row["planted"] == "true":
            assert days(row) <= LONGEST.get(row["rule_id"], 90)
    late = {row["rule_id"]: days(row) for row in chances if row["decoy"] == "a day too late"}
    assert {rule: gap for rule, gap in late.items() if rule in ONE_DAY_MORE} == ONE_DAY_MORE


def test_a_chance_was_missed_only_where_an_offer_was_there(region, chances):
    """Uplands has no offer at all for an older person who is sent home from A&E."""
    areas = {row["lsoa"]: row["district_name"] for row in rows_of(PROJECT / "data" / "reference" / "areas.csv")}
    lsoa = {(row["feed"], row["source_ref"]): row["lsoa"] for row in region.key["contacts"] if row["valid"] == "true"}
    where = {
        planted: {
            areas[lsoa[row["feed"], row["signal_ref"]]]
            for row in chances
            if row["rule_id"] == "MO3" and row["planted"] == planted and row["decoy"] in ("", "no offer there")
        }
        for planted in ("true", "false")
    }
    assert where["true"] == {"Harrowmere", "Eastlow"}
    assert "Uplands" in where["false"]


def test_nothing_else_befalls_the_person_of_a_decoy_at_that_time(region, chances):
    starts = {}
    for row in region.key["contacts"]:
        if row["valid"] == "true" and row["feed"] not in ("ambulance_incidents", "children_in_need"):
            starts.setdefault(row["true_person_id"], []).append(row["started_at"][:10])
    for row in chances:
        if row["decoy"] in ("a day too late", "another need") and row["rule_id"] in ("MO1", "MO7"):
            begins = str(date.fromisoformat(row["signal_at"][:10]) - timedelta(days=90))
            ends = str(date.fromisoformat(row["crisis_at"][:10]) + timedelta(days=40))
            assert sum(begins < day < ends for day in starts[row["true_person_id"]]) == 2


def test_a_small_region_has_its_personas_and_no_stories(tmp_path):
    make_region(tmp_path, people=400, seed=3, months=5)
    assert "another need" not in {
        row["decoy"] for row in Region(tmp_path).key["opportunities"] if row["rule_id"] != "MO3"
    }


def test_a_child_who_was_turned_away_has_no_other_referral(region, chances):
    referrals = Counter(
        row["person"]
        for row in region.activity["children_in_need"]
        if row["module"] == "CINdetails" and row["valid"] == "true"
    )
    children = {row["true_person_id"] for row in chances if row["rule_id"] == "MO9"}
    assert len(children) > 3
    assert {referrals[child] for child in children} == {1}


def test_a_child_is_turned_away_when_the_referral_ends_or_the_assessment(region, chances):
    told = {}
    for row in region.activity["children_in_need"]:
        if row["valid"] == "true":
            told.setdefault(row["person"], {})[row["module"]] = row
    for row in chances:
        if row["rule_id"] == "MO9" and row["planted"] == "true":
            modules = told[row["true_person_id"]]
            referral = modules["CINdetails"]
            ended = referral["start_date"] if referral["ReferralNFA"] == "true" else modules["Assessments"]["end_date"]
            assert row["signal_at"][:10] == ended


def test_the_key_says_area_need_month_and_role_of_every_contact(region):
    needs = {row["need"] for row in rows_of(PROJECT / "data" / "reference" / "needs.csv")}
    areas = {row["lsoa"] for row in rows_of(PROJECT / "data" / "reference" / "areas.csv")}
    contacts = region.key["contacts"]
    assert {row["need"] for row in contacts} <= needs
    assert {row["lsoa"] for row in contacts} <= areas | {""}
    assert {row["period"] for row in contacts} == {
        f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)
    }
    assert {row["role"] for row in contacts if row["feed"] == "police_incidents"} >= {"subject", "victim", "caller"}


def test_p4_has_another_home_and_another_name_later(region):
    (who,) = (person for person, row in region.people.items() if row["persona"] == "P4")
    records = {(row["feed"], row["local_person_id"]) for row in region.key["records"] if row["true_person_id"] == who}
    known = [
        (row["surname"].upper(), row["postcode"].replace(" ", "").upper())
        for feed, months in region.registers.items()
        for people in months.values()
        for row in people
        if (feed, row["local_person_id"]) in records
    ]
    assert len({surname for surname, _ in known}) > 1
    assert len({postcode for _, postcode in known}) > 1


def test_p5_has_no_home_and_the_first_of_january(region):
    (who,) = (person for person, row in region.people.items() if row["persona"] == "P5")
    assert region.people[who]["date_of_birth"].endswith("-01-01")
    assert {
        row["lsoa"]
        for row in region.key["contacts"]
        if row["true_person_id"] == who and row["feed"] == "ae_attendances"
    } == {""}


def test_p9_has_no_nhs_number_anywhere(region):
    (who,) = (person for person, row in region.people.items() if row["persona"] == "P9")
    records = {(row["feed"], row["local_person_id"]) for row in region.key["records"] if row["true_person_id"] == who}
    numbers = [
        row["nhs_number"]
        for feed, months in region.registers.items()
        for people in months.values()
        for row in people
        if (feed, row["local_person_id"]) in records
    ]
    assert len(numbers) > 2
    assert set(numbers) == {""}


def test_p10_is_in_the_lists_of_opt_outs_from_the_fourth_month(region):
    (who,) = (person for person, row in region.people.items() if row["persona"] == "P10")
    assert region.people[who]["opted_out_from"] == "2024-04"
    records = {(row["feed"], row["local_person_id"]) for row in region.key["records"] if row["true_person_id"] == who}
    lists = sorted((region.folder / "agencies").glob("*/*/*/opt_outs.csv"))
    assert {path.parent.name for path in lists} == {
        path.name for path in (region.folder / "agencies/WEXH/ae_attendances").iterdir() if path.name >= "2024-04"
    }
    assert {(path.parts[-3], row["local_person_id"]) for path in lists for row in rows_of(path)} == records
