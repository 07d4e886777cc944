"""Ambulance and children's rows in the shape of a contact: rows in, rows out, by the code lists as they are."""

import pytest

AMBULANCE = {
    "How it was dealt with and what became of it follow from the treatment and the stop code": (
        """
        row_number | Call_Identifier | Treatment_Type  | Stop_Code
        1          | a               | See and Convey  |
        2          | b               | see & treat     |
        3          | c               | Hear and Treat  | Referred to community team
        4          | d               | Hear and Treat  |
        5          | e               | Hear and Treat  | Duplicate call
        """,
        """
        row_number | kind           | outcome_group     | crisis | left_out
        1          | see_and_convey | passed_on         | false  |
        2          | see_and_treat  | met               | false  |
        3          | hear_and_treat | passed_on         | false  |
        4          | hear_and_treat | no_further_action | false  |
        5          | hear_and_treat | no_further_action | false  | duplicate or hoax call
        """,
    ),
    "Who raised it is where the call came from": (
        """
        row_number | Call_Identifier | Call_Origin
        1          | a               | 04
        2          | b               | 15
        3          | c               | 02
        4          | d               | 05
        """,
        """
        row_number | raised_by
        1          | police
        2          | police
        3          | health
        4          | social_care
        """,
    ),
    "Of triage card and complaint the need of highest priority counts": (
        """
        row_number | Call_Identifier | AMPDS_Card | Chief_Complaint_SNOMED_CT
        1          | a               | 26         | 248062006
        2          | b               | 25         |
        3          | c               | 32         |
        """,
        """
        row_number | need
        1          | mental_health
        2          | mental_health
        3          | unknown
        """,
    ),
    "Times become minutes, of which those that are not known stay empty": (
        """
        row_number | Call_Identifier | Time_Dispatched  | Time_Arrived_Scene | Time_Arrived_Destination | Time_Handover    | Time_Clear
        1          | a               | 2024-01-10 10:30 | 2024-01-10 12:10   | 2024-01-10 13:10         | 2024-01-10 14:40 | 2024-01-10 14:55
        2          | b               |                  |                    |                          |                  |
        """,
        """
        row_number | response_minutes | handover_minutes | job_minutes | ended_at
        1          | 130              | 90               | 265         | 2024-01-10 14:55
        2          |                  |                  |             |
        """,
    ),
    "A falls team or a mental health car among those sent is told": (
        """
        row_number | Call_Identifier | Response_Types
        1          | a               | 02,19
        2          | b               | 20
        3          | c               | 01
        4          | d               |
        """,
        """
        row_number | community_team
        1          | true
        2          | true
        3          | false
        4          | false
        """,
    ),
    "Two patients of a call are two contacts, one that comes again is one": (
        """
        row_number | Call_Identifier | person_ref | period
        1          | a               | p1         | 2024-01
        2          | a               | p2         | 2024-01
        3          | a               | p1         | 2024-02
        """,
        """
        row_number | left_out
        1          | duplicate event
        2          |
        3          |
        """,
    ),
}


@pytest.mark.parametrize(("rows", "expected"), AMBULANCE.values(), ids=AMBULANCE)
def test_ambulance_incidents(check, rows, expected):
    check("staging.ambulance_incidents", {"accepted.ambulance_incidents": rows}, expected)


def test_only_an_older_person_who_falls_is_frail(check):
    check(
        "staging.ambulance_incidents",
        {
            "accepted.ambulance_incidents": """
            row_number | Call_Identifier | person_ref | AMPDS_Card
            1          | a               | p1         | 17
            2          | b               | p2         | 17
            3          | c               | p3         | 17
            """,
            "accepted.attributes": """
            agency | feed                | period  | person_ref | age_band
            WAMB   | ambulance_incidents | 2024-01 | p1         | 75-84
            WAMB   | ambulance_incidents | 2024-01 | p2         | 18-24
            """,
        },
        """
        row_number | need
        1          | frailty
        2          | injury
        3          | injury
        """,
    )


CHILDREN = {
    "What came of the episode is what came of each of its events": (
        """
        row_number | event_ref | module      | ReferralNFA | ReasonForClosure
        1          | a         | CINdetails  | true        |
        2          | b         | CINdetails  | false       | RC8
        3          | c         | Assessments | false       | RC8
        4          | d         | Assessments | false       | RC9
        5          | e         | CINdetails  | false       |
        6          | f         | CINPlanDates | false      |
        7          | g         | CINPlanDates | false      | RC2
        """,
        """
        row_number | kind       | outcome_group
        1          | referral   | no_further_action
        2          | referral   | no_further_action
        3          | assessment | no_further_action
        4          | assessment | passed_on
        5          | referral   | passed_on
        6          | plan       | met
        7          | plan       | died
        """,
    ),
    "A factor says more than the primary need, and the need of highest priority counts": (
        """
        row_number | event_ref | PrimaryNeedCode | AssessmentFactors
        1          | a         | N1              |
        2          | b         | N1              | 16A,3B
        3          | c         | N4              | 21
        4          | d         | N9              |
        5          | e         | N5              | 4B,15A
        """,
        """
        row_number | need
        1          | child_harm
        2          | domestic_abuse
        3          | family_strain
        4          | unknown
        5          | mental_health
        """,
    ),
    "Who referred the child is told by the source, one of a later edition too": (
        """
        row_number | event_ref | ReferralSource
        1          | a         | 6
        2          | b         | 3E
        3          | c         | 2A
        4          | d         | 5D
        5          | e         | 10
        """,
        """
        row_number | raised_by
        1          | police
        2          | health
        3          | education
        4          | social_care
        5          | unknown
        """,
    ),
    "Being looked after begins once, and moves within it are no contacts": (
        """
        row_number | event_ref | module   | RNE
        1          | a         | Episodes | S
        2          | b         | Episodes | P
        3          | c         | Missing  |
        """,
        """
        row_number | kind              | left_out
        1          | looked_after      |
        2          | looked_after      | change within a time of care
        3          | missing_from_care |
        """,
    ),
    "An event that comes again with its end is one, as last told": (
        """
        row_number | event_ref | period  | end_date
        1          | a         | 2024-01 |
        2          | a         | 2024-03 | 2024-03-04
        """,
        """
        row_number | left_out        | ended_at
        1          | duplicate event |
        2          |                 | 2024-03-04
        """,
    ),
}


@pytest.mark.parametrize(("rows", "expected"), CHILDREN.values(), ids=CHILDREN)
def test_children_in_need(check, rows, expected):
    check("staging.children_in_need", {"accepted.children_in_need": rows}, expected)


AREAS = """
row_number | Call_Identifier | person_ref | Incident_LSOA_Code
1          | a               | p1         | E01990001
2          | b               | p1         | E01980001
3          | c               | p1         | E01980002
4          | d               | p1         | E01000001
5          | e               | p1         |
6          | f               | p1         | E01980003
"""


def test_who_falls_is_as_old_as_other_agencies_say_where_the_ambulance_trust_does_not_know(check):
    check(
        "staging.ambulance_incidents",
        {
            "accepted.ambulance_incidents": """
            row_number | Call_Identifier | person_ref | AMPDS_Card
            1          | c1              | p1         | 17
            2          | c2              | p2         | 17
            3          | c3              | p3         | 17
            """,
            "linkage.person_index": """
            agency | feed                | person_ref | person_id
            WAMB   | ambulance_incidents | p1         | P1
            WAMB   | ambulance_incidents | p2         | P2
            WAMB   | ambulance_incidents | p3         | P3
            WEXH   | ae_attendances      | a1         | P1
            WEXH   | ae_attendances      | a3         | P3
            """,
            "staging.person_variants": "variant",
            "accepted.attributes": """
            agency | feed                | period  | person_ref | age_band
            WEXH   | ae_attendances      | 2024-01 | a1         | 75-84
            WEXH   | ae_attendances      | 2024-01 | a3         | 75-84
            WAMB   | ambulance_incidents | 2024-01 | p3         | 18-24
            """,
        },
        """
        row_number | need
        1          | frailty
        2          | injury
        3          | injury
        """,
    )


INDEX = "agency | feed | person_ref | person_id\nWAMB | ambulance_incidents | p1 | P1"


def test_contacts_have_areas_of_2021_and_what_is_not_known_stays_as_it_was(check):
    check(
        "staging.contact_rows",
        {"accepted.ambulance_incidents": AREAS, "linkage.person_index": INDEX},
        """
        row_number | lsoa      | lsoa_vintage
        1          | E01990001 | 2021
        2          | E01990011 | 2021
        3          | E01990050 | 2021
        4          | E01000001 | 2021
        5          |           |
        6          | E01990050 | 2021
        """,
    )


def test_what_became_of_area_codes_is_counted(check):
    check(
        "marts.area_codes",
        {"accepted.ambulance_incidents": AREAS},
        """
        feed                | agency | period  | became                            | rows
        ambulance_incidents | WAMB   | 2024-01 | in the region                     | 1
        ambulance_incidents | WAMB   | 2024-01 | 2011 code, split: first part taken | 1
        ambulance_incidents | WAMB   | 2024-01 | 2011 code, merged                 | 2
        ambulance_incidents | WAMB   | 2024-01 | not a known code                  | 1
        ambulance_incidents | WAMB   | 2024-01 | no code                           | 1
        """,
    )
