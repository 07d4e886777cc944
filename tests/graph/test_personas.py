"""The people whose stories the product exists for are found, through tokens alone."""

import duckdb
import pandas as pd
import pytest

from pipelines.evaluation.region import true_clients


@pytest.fixture(scope="module")
def clients(region) -> pd.DataFrame:
    """persona, true_person_id, person_id of each client that belongs to a persona."""
    folder = region.agencies.parent
    key = pd.read_csv(folder / "answer_key" / "people.csv", dtype=str).dropna(subset="persona")
    clients = true_clients(folder).merge(key, on="true_person_id")
    index = pd.read_parquet(region.settings.linkage / "person_index.parquet")
    return clients.merge(index, on=["agency", "feed", "person_ref"])


@pytest.fixture(scope="module")
def people(clients) -> dict[str, set[str]]:
    """Persona -> the person ids that its clients were given."""
    return clients.groupby("persona").person_id.agg(set).to_dict()


def released(region, sql: str, person_ids: set[str]) -> list[tuple]:
    with duckdb.connect(str(region.settings.releases / "current" / "analyst.duckdb"), read_only=True) as connection:
        return connection.execute(sql, [list(person_ids)]).fetchall()


def test_the_mother_is_one_person_to_all_agencies_that_met_her(region, people):
    (mother,) = people["P1"]
    agencies = released(
        region, "select distinct agency from marts.contacts where person_id = any(?) order by 1", {mother}
    )
    assert agencies == [("LAWX",), ("NPOL",), ("WAMB",), ("WEXH",)]


def test_the_mothers_22_hours_are_in_the_waits(region, people):
    sql = "select minutes, over_12_hours, over_24_hours from marts.waits where person_id = any(?) and minutes >= 720"
    assert (1320, True, False) in released(region, sql, people["P1"])


def test_the_mother_had_an_earlier_opportunity_that_a_crisis_followed(region, people):
    sql = """select followed_by_crisis, offer_id from marts.earlier_opportunities
             where person_id = any(?) and rule_id = 'MO3' and followed_by_crisis"""
    assert (True, "urgent_community_response") in released(region, sql, people["P1"])


def test_the_mothers_crisis_is_preventable_and_none_of_her_attendances_is_of_low_acuity(region, people):
    crises = """select conditions from marts.preventable_crises
                where person_id = any(?) and feed = 'ae_attendances' and preventable_crisis and outcome_group = 'admitted'"""
    assert ("dehydration;delirium;dementia",) in released(region, crises, people["P1"])
    low_acuity = "select bool_or(low_acuity_avoidable) from marts.low_acuity_attendances where person_id = any(?)"
    assert released(region, low_acuity, people["P1"]) == [(False,)]


def test_the_low_need_controls_sprain_is_of_low_acuity_and_no_crisis(region, people):
    low_acuity = "select low_acuity_avoidable from marts.low_acuity_attendances where person_id = any(?)"
    assert released(region, low_acuity, people["P12"]) == [(True,)]
    crises = "select count(*) from marts.preventable_crises where person_id = any(?)"
    assert released(region, crises, people["P12"]) == [(0,)]


def test_nobody_heard_the_notices_about_the_man_detained_again_and_again_before_his_crises(region, people):
    sql = """select count(*) > 0, bool_or(heard), bool_and(crisis_contact_id is not null) from marts.unheard
             where person_id = any(?) and started_at < '2024-01-20'"""
    assert released(region, sql, people["P2"]) == [(True, False, True)]


def test_the_man_detained_again_and_again_cycles(region, people):
    sql = "select count(*) from marts.cycling_people where person_id = any(?) and definition_id = 'cross_agency_cycle'"
    assert released(region, sql, people["P2"]) == [(1,)]


def test_falls_that_ambulance_crews_dealt_with_at_home_are_contacts_and_no_crisis(region, people):
    sql = """select kind, crisis, count(*) from marts.contacts
             where person_id = any(?) and kind = 'see_and_treat' group by all"""
    assert released(region, sql, people["P3"]) == [("see_and_treat", False, 3)]


def test_a_child_who_was_closed_after_assessment_ended_without_help_and_was_in_crisis_later(region, people):
    sql = """select kind, outcome_group, started_at < (
                 select max(started_at) from marts.contacts where person_id = any($1) and feed <> 'children_in_need'
             ) as before_crisis
             from marts.contacts where person_id = any($1) and feed = 'children_in_need' order by started_at"""
    assert released(region, sql, people["P11"]) == [
        ("referral", "no_further_action", True),
        ("assessment", "no_further_action", True),
    ]


def test_the_low_need_control_does_not_cycle(region, people):
    assert released(region, "select count(*) from marts.cycling_people where person_id = any(?)", people["P12"]) == [
        (0,)
    ]


@pytest.mark.parametrize(
    "persona", ["P6", "P7"], ids=["twins are two people", "father and son of one name are two people"]
)
def test_kin_stay_apart(clients, persona):
    one, other = clients[clients.persona == persona].groupby("true_person_id").person_id.agg(set)
    assert one.isdisjoint(other)
