"""Avoidable attendances, preventable crises, notices that went unheard, demand that moved, waits: rows in, rows out."""

import pytest

TREATED, LEFT_EARLY, LEFT_BEFORE_TREATED = "182992009", "1066301000000103", "1066321000000107"
OWN, POLICE_CAR, AMBULANCE = "1048071000000103", "1048001000000106", "1048031000000100"
URINE, NO_INVESTIGATION, BLOOD = "27171005", "1088291000000101", "26604007"
ADVICE, DENTAL, DRIP = "413334001", "81733005", "14152002"
INDEX = """
agency | feed             | person_ref | person_id
WEXH   | ae_attendances   | p1         | P1
NPOL   | police_incidents | p1         | P1
"""
PUBLISHED = {  # department, category, arrival, status, investigations, treatments: whether all six criteria hold
    "All criteria hold": ("01", "1", OWN, TREATED, URINE, ADVICE, "true"),
    "A blank is no investigation and no treatment": ("01", "1", OWN, TREATED, "", "", "true"),
    "Several of the rule's are as good as one": (
        "01", "1", OWN, TREATED, f"{URINE},{NO_INVESTIGATION}", f"{ADVICE},{DENTAL}", "true"),
    "One other investigation is enough": ("01", "1", OWN, TREATED, f"{URINE},{BLOOD}", ADVICE, "false"),
    "One other treatment is enough": ("01", "1", OWN, TREATED, URINE, f"{ADVICE},{DRIP}", "false"),
    "Police transport is no ambulance": ("01", "1", POLICE_CAR, TREATED, "", "", "true"),
    "An ambulance is": ("01", "1", AMBULANCE, TREATED, "", "", "false"),
    "A minor department is none": ("03", "1", OWN, TREATED, "", "", "false"),
    "A blank department is none": ("", "1", OWN, TREATED, "", "", "false"),
    "Both spellings of the codes are known": ("1", "01", OWN, TREATED, "", "", "true"),
    "A follow-up is none": ("01", "3", OWN, TREATED, "", "", "false"),
    "A blank category is none": ("01", "", OWN, TREATED, "", "", "false"),
    "Who left before treatment counts": ("01", "1", OWN, LEFT_BEFORE_TREATED, "", "", "true"),
    "Who left before assessment does not": ("01", "1", OWN, LEFT_EARLY, "", "", "false"),
}  # fmt: skip


@pytest.mark.parametrize("attendance", PUBLISHED.values(), ids=PUBLISHED)
def test_avoidable_attendances_are_those_of_the_published_measure(check, attendance):
    *codes, avoidable = attendance
    columns = (
        "row_number | EC_Ident | person_ref | EC_Department_Type | EC_AttendanceCategory | EC_Arrival_Mode_SNOMED_CT "
        "| EC_Discharge_Status_SNOMED_CT | Der_EC_Investigation_All | Der_EC_Treatment_All"
    )
    given = {
        "accepted.ae_attendances": f"{columns}\n1 | a | p1 | {' | '.join(codes)}",
        "linkage.person_index": INDEX,
    }
    check("marts.low_acuity_attendances", given, f"low_acuity_avoidable\n{avoidable}")


DEMENTIA, DELIRIUM, DEHYDRATION, FALL, SPRAIN = "52448006", "2776000", "34095006", "429482004", "384709000"
CONDITIONS = {
    "Dehydration and dementia are ambulatory care sensitive": (
        f"{DEHYDRATION},{DEMENTIA}", "75-84",
        "true | true | false | false | dehydration;dementia"),
    "An older person's fall counts": (FALL, "65-74", "true | false | true | false | fall"),
    "A younger person's does not": (FALL, "45-64", "false | false | false | false | "),
    "Nor does one of an age that is not known": (FALL, "", "false | false | false | false | "),
    "A sprain is none": (SPRAIN, "75-84", "false | false | false | false | "),
    "Delirium is frailty": (DELIRIUM, "85+", "true | false | false | true | delirium"),
}  # fmt: skip


@pytest.mark.parametrize(("diagnoses", "age_band", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_crisis_is_preventable_by_the_conditions_it_shows(check, diagnoses, age_band, expected):
    check(
        "marts.preventable_crises",
        {
            "accepted.ae_attendances": "row_number | EC_Ident | person_ref | EC_Arrival_Mode_SNOMED_CT "
            f"| Der_EC_Diagnosis_All\n1 | a | p1 | {AMBULANCE} | {diagnoses}\n2 | b | p1 | {OWN} | {DEMENTIA}",
            "accepted.attributes": f"person_ref | age_band\np1 | {age_band}",
            "linkage.person_index": INDEX,
        },
        f"preventable_crisis | ambulatory_care_sensitive | fall | frailty | conditions\n{expected}",
    )


def test_a_detention_by_the_police_is_a_preventable_crisis_of_mental_health(check):
    check(
        "marts.preventable_crises",
        {
            "accepted.police_incidents": "row_number | incident_ref | person_ref | s136 | grade | nsir_open\n"
            "1 | a | p1 | true | Prompt | Concern for safety\n2 | b | p1 | false | Immediate | Crime - Theft",
            "linkage.person_index": INDEX,
        },
        "preventable_crisis | mental_health | conditions\n true | true | detained\n false | false |",
    )


MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05", "2024-06", "2024-07"]
POLICE = """
contact_id | left_out | notice | notice_for_child | shared_with_social_care | deployed | rcrp_category | rcrp_threshold_met
"""


def notice(shared: str = "true", child: str = "false") -> str:
    return POLICE + f"n | | true | {child} | {shared} | true | |"


def covered(through: dict[str, str]) -> str:
    rows = [f"{feed} | {month} | {last}" for feed, last in through.items() for month in MONTHS if month <= last]
    return "\n".join(["feed | period | through", *rows])


ALL_FEEDS = dict.fromkeys(("ae_attendances", "police_incidents", "social_care_events", "children_in_need"), MONTHS[-1])
CONTACTS = "contact_id | person_id | feed | started_at | crisis | need | need_group | time_known | outcome_group"
NOTICE = "n | P1 | police_incidents | 2024-03-01 10:00 | false | welfare | welfare | true | no_further_action"


def social_care(day: str, feed: str = "social_care_events") -> str:
    return f"s | P1 | {feed} | {day} | false | welfare | welfare | false | met"


def crisis(day: str) -> str:
    return f"c | P1 | ae_attendances | {day} 12:00 | true | welfare | welfare | true | admitted"


UNHEARD = {
    "Nobody heard, and a crisis came": ([crisis("2024-03-20")], "false | c | 19 | true"),
    "A crisis 90 days later counts": ([crisis("2024-05-30")], "false | c | 90 | true"),
    "A crisis 91 days later does not": ([crisis("2024-05-31")], "false | | | false"),
    "Social care 28 days later heard": ([social_care("2024-03-29"), crisis("2024-04-20")], "true | c | 50 | false"),
    "Social care 29 days later did not": ([social_care("2024-03-30"), crisis("2024-04-20")], "false | c | 50 | true"),
    "Social care on the day heard": ([social_care("2024-03-01")], "true | | | false"),
    "Social care on the day before did not": ([social_care("2024-02-29")], "false | | | false"),
    "Children's services hear too": ([social_care("2024-03-05", "children_in_need")], "true | | | false"),
    "A crisis at an earlier hour of the day came before": (
        ["c | P1 | ae_attendances | 2024-03-01 09:00 | true | welfare | welfare | true | admitted"],
        "false | | | false"),
}  # fmt: skip


@pytest.fixture
def check_unheard(check):
    def check_notice(others, expected, police=None, through=ALL_FEEDS, people="person_id\nP1", table="marts.unheard"):
        given = {
            "staging.contacts": "\n".join([CONTACTS, NOTICE, *others]),
            "staging.police_incidents": police or notice(),
            "staging.people": people,
            "staging.unbroken_months": covered(through),
        }
        check(table, given, expected)

    return check_notice


@pytest.mark.parametrize(("others", "expected"), UNHEARD.values(), ids=UNHEARD)
def test_who_went_unheard(check_unheard, others, expected):
    columns = "heard | crisis_contact_id | days_to_crisis | unheard_before_crisis"
    check_unheard(others, f"{columns}\n{expected}")


@pytest.mark.parametrize(
    ("through", "people", "child", "complete"),
    [
        pytest.param({}, "", "false", "true", id="All months arrived"),
        pytest.param({"ae_attendances": "2024-05"}, "", "false", "true", id="The last month of the 90 days is May"),
        pytest.param({"ae_attendances": "2024-04"}, "", "false", "false", id="A&E did not send May"),
        pytest.param(
            {"social_care_events": "2024-03"}, "", "false", "true", id="The last month of the 28 days is March"
        ),
        pytest.param({"social_care_events": "2024-02"}, "", "false", "false", id="Social care did not send March"),
        pytest.param(
            {"children_in_need": "2024-02"}, "", "false", "true", id="An adult is not for children's services"
        ),
        pytest.param({"children_in_need": "2024-02"}, "", "true", "false", id="A notice about a child is"),
        pytest.param({}, "2024-05", "false", "false", id="The person died in the 90 days"),
        pytest.param({}, "2024-06", "false", "true", id="The person died after them"),
    ],
)
def test_notices_whose_time_the_records_do_not_cover_are_marked(check_unheard, through, people, child, complete):
    check_unheard(
        [], f"window_complete\n{complete}", police=notice(child=child), through=ALL_FEEDS | through,
        people=f"person_id | death_month\nP1 | {people}",
    )  # fmt: skip


def test_the_funnel_counts_notices_and_people_at_each_step(check):
    columns = "contact_id | person_id | agency | shared_with_social_care | heard | crisis_contact_id "
    check(
        "marts.unheard_funnel",
        {
            "marts.unheard": f"""{columns} | unheard_before_crisis | window_complete
            a | P1 | NPOL | false | false |   | false | true
            b | P1 | NPOL | true  | true  | x | false | true
            c | P1 | NPOL | true  | false | x | true  | true
            d | P2 | NPOL | true  | false |   | false | true
            e | P3 | NPOL | true  | false |   | false | true
            f | P4 | NPOL | true  | false | x | true  | false
            """
        },
        """
        position | step                    | notices | people | share
        1        | raised                  | 5       | 3      |
        2        | shared                  | 4       | 3      | 0.8
        3        | shared_not_heard        | 3       | 3      | 0.75
        4        | shared_not_heard_crisis | 1       | 1      | 0.3333
        5        | shared_heard            | 1       | 1      | 0.25
        6        | shared_heard_crisis     | 1       | 1      | 1
        """,
    )


def attended(deployed: str, rcrp: str = "", threshold: str = "") -> str:
    return POLICE + f"n | | false | false | false | {deployed} | {rcrp} | {threshold}"


SEEN = {
    "Nobody else saw the person": ([], attended("true"), "police | false | false"),
    "A&E did, 72 hours later": (
        ["c | P1 | ae_attendances | 2024-03-04 10:00 | false | welfare | welfare | true | met"],
        attended("true"), "another_service | false | false"),
    "A minute later is too late": (
        ["c | P1 | ae_attendances | 2024-03-04 10:01 | false | welfare | welfare | true | met"],
        attended("true"), "police | false | false"),
    "An hour before is too early": (
        ["c | P1 | ae_attendances | 2024-03-01 09:00 | false | welfare | welfare | true | met"],
        attended("true"), "police | false | false"),
    "Social care on the day did, whose hour is not known": (
        [social_care("2024-03-01")], attended("true"), "another_service | false | false"),
    "Social care on the fourth day did not": ([social_care("2024-03-05")], attended("true"), "police | false | false"),
    "Demand that moved and was met": (
        [crisis("2024-03-02")], attended("false", "concern for welfare", "false"), "another_service | true | true"),
    "Demand that moved and was not met": (
        [], attended("false", "concern for welfare", "false"), "police | true | false"),
    "Above the threshold it has not moved": (
        [], attended("false", "concern for welfare", "true"), "police | false | false"),
    "Nor has what was resolved without Right Care Right Person": ([], attended("false"), "police | false | false"),
}  # fmt: skip
SLOTS = "feed | agency | period | arrived\n" + "\n".join(f"{feed} | A | 2024-03 | true" for feed in ALL_FEEDS)


@pytest.mark.parametrize(("others", "police", "expected"), SEEN.values(), ids=SEEN)
def test_where_demand_that_is_not_crime_ends(check, others, police, expected):
    given = {
        "staging.contacts": "\n".join([CONTACTS, NOTICE, *others]),
        "staging.police_incidents": police,
        "staging.unbroken_months": covered(ALL_FEEDS),
        "staging.slots": SLOTS,
    }
    check("marts.policification", given, f"ended_with | moved | met | window_complete\n{expected} | true")


def test_crime_and_what_has_no_recorded_need_are_not_policification(check):
    given = {
        "staging.contacts": f"{CONTACTS}\n"
        + NOTICE.replace("welfare | welfare", "crime | crime")
        + "\n"
        + NOTICE.replace("n | P1", "m | P1").replace("welfare | welfare", "unknown | other"),
        "staging.police_incidents": attended("true"),
        "staging.unbroken_months": covered(ALL_FEEDS),
        "staging.slots": SLOTS,
    }
    check("marts.policification", given, "contact_id")


def test_moved_demand_stands_beside_what_the_police_attended(check):
    columns = "contact_id | person_id | agency | need_group | started_at | staff_minutes | deployed | ended_with_police"
    check(
        "marts.demand_moved",
        {
            "marts.policification": f"""{columns} | moved | met | seen_contact_id | window_complete
            a | P1 | NPOL | mental_health | 2024-03-01 | 90 | true  | true  | false | false |   | true
            b | P1 | NPOL | mental_health | 2024-03-02 | 30 | true  | false | false | false | x | true
            c | P2 | NPOL | mental_health | 2024-03-03 | 0  | false | false | true  | true  | y | true
            d | P2 | NPOL | mental_health | 2024-03-04 | 0  | false | true  | true  | false |   | true
            e | P2 | NPOL | mental_health | 2024-03-31 | 0  | false | true  | true  | false |   | false
            """
        },
        """
        month   | contacts | people | ended_with_police | ended_with_police_officer_hours | moved | met | met_share | attended | attended_and_seen
        2024-03 | 4        | 2      | 2                 | 1.5                             | 2     | 1   | 0.5       | 2        | 1
        """,
    )


OFFICERS = {
    "The units that were sent waited": ("400", "120", "2", "240"),
    "Without units, officer minutes over the minutes at the incident tell them": ("400", "120", "", "240"),
    "One officer at least": ("100", "60", "", "60"),
    "Never more than the whole incident took": ("100", "60", "4", "100"),
}


@pytest.mark.parametrize(("officer_minutes", "wait", "units", "expected"), OFFICERS.values(), ids=OFFICERS)
def test_officers_time_in_hospital_is_the_wait_times_who_waited(check, officer_minutes, wait, units, expected):
    check(
        "staging.police_incidents",
        {
            "accepted.police_incidents": "row_number | incident_ref | person_ref | first_unit_arrive_ts | cleared_ts "
            "| officer_minutes | hospital_wait_minutes | units\n"
            f"1 | a | p1 | 2024-01-10 10:20 | 2024-01-10 13:40 | {officer_minutes} | {wait} | {units}"
        },
        f"officer_hospital_minutes\n{expected}",
    )


def test_waits_of_a_month_are_counted_whatever_their_length(check):
    columns = "contact_id | person_id | agency | wait_kind | started_at | minutes | over_4_hours | over_12_hours"
    check(
        "marts.waits_by_month",
        {
            "marts.waits": f"""{columns} | over_24_hours | officer_hospital_minutes
            a | P1 | WEXH | ae_stay              | 2024-03-01 | 100  | false | false | false |
            b | P1 | WEXH | ae_stay              | 2024-03-09 | 720  | true  | true  | false |
            c | P2 | WEXH | ae_stay              | 2024-03-31 | 1500 | true  | true  | true  |
            d | P3 | WEXH | ae_stay              | 2024-03-31 |      |       |       |       |
            e | P1 | NPOL | police_hospital_wait | 2024-03-05 | 300  | true  | false | false | 600
            """
        },
        """
        agency | waits | length_not_known | people | median_minutes | over_12_hours | over_24_hours | over_12_hours_share | officer_hours
        WEXH   | 3     | 1                | 3      | 720            | 2             | 1             | 0.6667              |
        NPOL   | 1     | 0                | 1      | 300            | 0             | 0             | 0                   | 10
        """,
    )
