"""The marts, each from what stands before it."""

from pipelines.settings import Settings


def test_people_known_only_as_callers_are_left_out_of_the_marts(check):
    check(
        "marts.people",
        {
            "staging.people": """
            person_id | contacts | agencies | records
            P1        | 2        | 1        | 3
            P2        | 0        | 0        | 1
            """,
            "staging.contacts": """
            contact_id | person_id | need    | need_group
            C1         | P1        | crime   | crime
            C2         | P1        | frailty | later_life
            """,
            "linkage.person_index": """
            person_ref | person_id | match_probability
            a          | P1        | 0.99996
            b          | P1        | 0.93
            c          | P1        |
            d          | P2        |
            """,
        },
        """
        person_id | contacts | need    | records | weakest_link
        P1        | 2        | frailty | 3       | 0.93
        """,
    )


def test_each_contact_names_its_spell(check):
    check(
        "marts.contacts",
        {
            "staging.contacts": """
            contact_id | person_id | started_at
            C1         | P1        | 2024-01-01
            C2         | P1        | 2024-01-05
            C3         | P1        | 2024-06-01
            """
        },
        """
        contact_id | person_id | started_at | spell_id
        C1         | P1        | 2024-01-01 | S1
        C2         | P1        | 2024-01-05 | S1
        C3         | P1        | 2024-06-01 | S3
        """,
    )


def test_a_spell_has_its_first_door_and_its_first_missed_door(check):
    check(
        "marts.spells",
        {
            "staging.contacts": """
            contact_id | person_id | feed               | outcome_group     | crisis | started_at
            C1         | P1        | social_care_events | no_further_action | false  | 2024-01-01
            C2         | P1        | ae_attendances     | admitted          | true   | 2024-01-03
            """
        },
        """
        spell_id | contacts | first_door_feed    | first_missed_door_feed | days_to_crisis
        S1       | 2        | social_care_events | social_care_events     | 2
        """,
    )


def test_cycling_people_are_those_of_the_central_scenario(check):
    check(
        "marts.cycling_people",
        {
            "journeys.cycling": """
            scenario | person_key | definition_id | times_met
            central  | P1         | D             | 3
            alternative | D1      | D             | 3
            """
        },
        """
        person_id | definition_id | times_met
        P1        | D             | 3
        """,
    )


def test_handoffs_are_published_as_they_are(check):
    check(
        "marts.handoffs",
        {
            "staging.contacts": """
            contact_id | person_id | agency | feed             | started_at
            C1         | P1        | NPOL   | police_incidents | 2024-01-01
            C2         | P1        | WEXH    | ae_attendances   | 2024-01-02
            """
        },
        """
        contact_id | from_feed        | to_feed        | handed_off_at | days_between
        C1         | police_incidents | ae_attendances | 2024-01-01    | 1
        """,
    )


def test_every_stay_is_kept_however_long_and_its_flags_turn_at_4_12_and_24_hours(check):
    check(
        "marts.waits",
        {
            "staging.ae_attendances": """
            contact_id | stay_minutes | left_out
            C1         | 240          |
            C2         | 241          |
            C3         | 719          |
            C4         | 720          |
            C5         | 1439         |
            C6         | 1440         |
            C7         | 99999        |
            C8         | 60           | duplicate event
            """,
            "staging.police_incidents": """
            contact_id | hospital_wait_minutes | staff_minutes
            C9         | 360                   | 780
            C10        | 0                     | 50
            C11        |                       | 40
            """,
            "staging.contacts": "contact_id\n" + "\n".join(f"C{n}" for n in range(1, 12)),
        },
        """
        contact_id | wait_kind            | minutes | over_4_hours | over_12_hours | over_24_hours | officer_minutes
        C1         | ae_stay              | 240     | false        | false         | false         |
        C2         | ae_stay              | 241     | true         | false         | false         |
        C3         | ae_stay              | 719     | true         | false         | false         |
        C4         | ae_stay              | 720     | true         | true          | false         |
        C5         | ae_stay              | 1439    | true         | true          | false         |
        C6         | ae_stay              | 1440    | true         | true          | true          |
        C7         | ae_stay              | 99999   | true         | true          | true          |
        C9         | police_hospital_wait | 360     | true         | false         | false         | 780
        """,
    )


def test_each_contact_names_the_ward_of_its_area(check):
    check(
        "marts.contacts",
        {
            "staging.contacts": """
            contact_id | person_id | lsoa
            C1         | P1        | E01990001
            C2         | P1        | E01990006
            C3         | P2        | E01000001
            C4         | P2        |
            """
        },
        """
        contact_id | lsoa      | ward
        C1         | E01990001 | E05990001
        C2         | E01990006 | E05990002
        C3         | E01000001 |
        C4         |           |
        """,
    )


def test_each_wait_names_the_ward_of_its_area(check):
    check(
        "marts.waits",
        {
            "staging.ae_attendances": """
            contact_id | stay_minutes
            C1         | 240
            C2         | 240
            """,
            "staging.police_incidents": "contact_id",
            "staging.contacts": """
            contact_id | lsoa
            C1         | E01990006
            C2         |
            """,
        },
        """
        contact_id | lsoa      | ward
        C1         | E01990006 | E05990002
        C2         |           |
        """,
    )


def test_demand_of_a_ward_counts_a_person_once_who_was_seen_in_two_of_its_areas(check):
    check(
        "marts.demand_by_ward_need_month",
        {
            "staging.contacts": """
            contact_id | person_id | lsoa      | need    | crisis | started_at
            C1         | P1        | E01990001 | frailty | true   | 2024-01-31 23:59
            C2         | P1        | E01990002 | frailty | false  | 2024-01-01
            C3         | P2        | E01990002 | frailty | false  | 2024-01-02
            C4         | P2        | E01990006 | frailty | false  | 2024-01-02
            C5         | P2        | E01000001 | frailty | false  | 2024-01-03
            C6         | P3        |           | frailty | false  | 2024-01-04
            """,
            "accepted.deliveries": """
            agency | feed           | period
            WEXH   | ae_attendances | 2024-01
            """,
        },
        """
        month   | ward      | district  | need    | contacts | people | crisis_contacts | feeds_arrived | residents
        2024-01 | E05990001 | E07990001 | frailty | 3        | 2      | 1               | 1             | 7220
        2024-01 | E05990002 | E07990001 | frailty | 1        | 1      | 0               | 1             | 7480
        2024-01 |           |           | frailty | 2        | 2      | 0               | 1             |
        """,
    )


def test_demand_counts_people_and_contacts_apart_and_says_how_many_deliveries_arrived(check):
    check(
        "marts.demand_by_area_need_month",
        {
            "staging.contacts": """
            contact_id | person_id | lsoa      | need    | crisis | started_at
            C1         | P1        | E01990001 | frailty | true   | 2024-01-31 23:59
            C2         | P1        | E01990001 | frailty | false  | 2024-01-01
            C3         | P2        | E01990001 | frailty | false  | 2024-01-02
            C4         | P2        | E01990001 | crime   | false  | 2024-01-02
            C5         | P2        |           | frailty | false  | 2024-02-01
            C6         | P2        |           | frailty | false  | 2024-03-01
            C7         | P2        | E01990001 | frailty | false  | 2019-02-01
            """,
            "accepted.deliveries": """
            agency | feed             | period  | status
            NPOL   | police_incidents | 2024-01 | accepted
            WEXH    | ae_attendances   | 2024-01 | accepted
            WEXH    | ae_attendances   | 2024-01 | superseded
            RWY    | ae_attendances   | 2024-01 | accepted
            NPOL   | police_incidents | 2024-02 | refused
            WEXH    | ae_attendances   | 2024-02 | accepted
            WEXH    | ae_attendances   | 2024-04 | accepted
            """,
        },
        """
        month   | lsoa      | need    | contacts | people | crisis_contacts | feeds_arrived | feeds_expected | residents
        2024-01 | E01990001 | frailty | 3        | 2      | 1               | 3             | 4              | 1930
        2024-01 | E01990001 | crime   | 1        | 1      | 0               | 3             | 4              | 1930
        2024-02 |           | frailty | 1        | 1      | 0               | 1             | 4              |
        2024-03 |           | frailty | 1        | 1      | 0               | 0             | 4              |
        """,
    )


def test_data_quality_accounts_for_every_row_and_every_delivery(check):
    check(
        "marts.data_quality",
        {
            "accepted.deliveries": """
            agency | feed             | period  | delivery_id | status     | received_people | received_attributes | received_activity | accepted_people | accepted_attributes | accepted_activity
            NPOL   | police_incidents | 2024-01 | D1          | superseded | 9               | 9                   | 9                 | 9               | 9                   | 9
            NPOL   | police_incidents | 2024-01 | D2          | accepted   | 5               | 5                   | 7                 | 5               | 5                   | 6
            NPOL   | police_incidents | 2024-02 | D3          | refused    |                 |                     |                   |                 |                     |
            WEXH    | ae_attendances   | 2024-02 | D4          | accepted   | 1               | 1                   | 1                 | 1               | 1                   | 1
            """,
            "accepted.refused": """
            agency | feed             | period  | delivery_id | file     | row_number | rule
            NPOL   | police_incidents | 2024-01 | D2          | activity | 3          | known_grade
            NPOL   | police_incidents | 2024-01 | D1          | activity | 3          | known_grade
            """,
            "staging.codes_seen": """
            agency | feed             | period  | column_name | code_key | codes | listed | mapped
            NPOL   | police_incidents | 2024-01 | qualifiers  | alcohol  | 2     | true   | true
            NPOL   | police_incidents | 2024-01 | qualifiers  | youth    | 1     | true   | false
            NPOL   | police_incidents | 2024-01 | qualifiers  |          | 1     | false  | false
            NPOL   | police_incidents | 2024-01 | grade       | prompt   | 6     | true   | true
            """,
            "staging.left_out": """
            agency | feed             | period  | reason            | rows
            NPOL   | police_incidents | 2024-01 | caller or witness | 2
            """,
            "staging.contacts": """
            contact_id | agency | feed             | period
            C1         | NPOL   | police_incidents | 2024-01
            """,
        },
        """
        period  | feed               | agency | measure          | detail                | rows
        2024-01 | police_incidents   | NPOL   | received         | people                | 5
        2024-01 | police_incidents   | NPOL   | received         | attributes            | 5
        2024-01 | police_incidents   | NPOL   | received         | activity              | 7
        2024-01 | police_incidents   | NPOL   | accepted         | people                | 5
        2024-01 | police_incidents   | NPOL   | accepted         | attributes            | 5
        2024-01 | police_incidents   | NPOL   | accepted         | activity              | 6
        2024-01 | police_incidents   | NPOL   | refused          | activity: known_grade | 1
        2024-01 | police_incidents   | NPOL   | unmapped_code    | qualifiers            | 2
        2024-01 | police_incidents   | NPOL   | left_out         | caller or witness     | 2
        2024-01 | police_incidents   | NPOL   | contacts         |                       | 1
        2024-02 | police_incidents   | NPOL   | missing_delivery |                       | 1
        2024-02 | police_incidents   | NPOL   | refused_delivery |                       | 1
        2024-01 | ae_attendances     | WEXH    | missing_delivery |                       | 1
        2024-02 | ae_attendances     | WEXH    | received         | people                | 1
        2024-02 | ae_attendances     | WEXH    | received         | attributes            | 1
        2024-02 | ae_attendances     | WEXH    | received         | activity              | 1
        2024-02 | ae_attendances     | WEXH    | accepted         | people                | 1
        2024-02 | ae_attendances     | WEXH    | accepted         | attributes            | 1
        2024-02 | ae_attendances     | WEXH    | accepted         | activity              | 1
        2024-01 | social_care_events |        | missing_delivery |                       | 1
        2024-02 | social_care_events |        | missing_delivery |                       | 1
        """,
    )


def test_data_quality_says_which_month_came_in_part_and_how_many_rows_were_erased(check):
    check(
        "marts.data_quality",
        {
            "reference.feeds": "feed | expected\nae_attendances | true",
            "accepted.deliveries": """
            agency | feed           | period  | partial_until | accepted_activity | erased_activity
            WEXH   | ae_attendances | 2024-01 |               | 4                 | 2
            WEXH   | ae_attendances | 2024-02 | 2024-02-11    | 3                 | 0
            """,
        },
        """
        period  | measure          | detail           | rows
        2024-01 | accepted         | activity         | 4
        2024-01 | erased           | activity         | 2
        2024-02 | accepted         | activity         | 3
        2024-02 | partial_delivery | until 2024-02-11 | 1
        """,
    )


def test_data_quality_shows_the_month_for_which_nobody_delivered_anything(check):
    check(
        "marts.data_quality",
        {
            "accepted.deliveries": """
            agency | feed               | period  | accepted_people
            WEXH    | ae_attendances     | 2024-01 | 4
            NPOL   | police_incidents   | 2024-01 | 5
            LAWX   | social_care_events | 2024-01 | 6
            WEXH    | ae_attendances     | 2024-03 | 4
            NPOL   | police_incidents   | 2024-03 | 5
            LAWX   | social_care_events | 2024-03 | 6
            """
        },
        """
        period  | feed               | agency | measure          | detail | rows
        2024-01 | ae_attendances     | WEXH    | accepted         | people | 4
        2024-01 | police_incidents   | NPOL   | accepted         | people | 5
        2024-01 | social_care_events | LAWX   | accepted         | people | 6
        2024-02 | ae_attendances     | WEXH    | missing_delivery |        | 1
        2024-02 | police_incidents   | NPOL   | missing_delivery |        | 1
        2024-02 | social_care_events | LAWX   | missing_delivery |        | 1
        2024-03 | ae_attendances     | WEXH    | accepted         | people | 4
        2024-03 | police_incidents   | NPOL   | accepted         | people | 5
        2024-03 | social_care_events | LAWX   | accepted         | people | 6
        """,
    )


def test_a_definition_that_nobody_meets_has_a_cohort_of_none(check):
    check(
        "marts.definitions",
        {
            "reference.definitions": """
            definition_id | label | min_contacts
            D             | Often | 4
            NOBODY        | Never | 99
            """,
            "journeys.counted_kinds": """
            definition_id | contacts
            D             | 20
            NOBODY        | 20
            """,
            "journeys.cycling": """
            scenario | person_key | definition_id
            central  | P1         | D
            central  | P2         | D
            alternative | D1      | D
            alternative | D2      | D
            alternative | D3      | D
            """,
            "staging.person_alternatives": in_draws(
                "variant | person_id | person_key",
                {range(1, 11): ["P1 | D0", "P2 | D1"], range(11, 21): ["P2 | D1", "P2 | D2", "P2 | D3"]},
            ),
        },
        """
        definition_id | label | people | people_low | people_high
        D             | Often | 2      | 1          | 4
        NOBODY        | Never | 0      | 0          | 0
        """,
    )


TWO_PEOPLE = {
    "staging.contacts": """
    contact_id | agency | feed             | person_id
    C1         | WEXH    | ae_attendances   | P1
    C2         | NPOL   | police_incidents | P1
    C3         | WEXH    | ae_attendances   | P2
    C4         | NPOL   | police_incidents | P2
    """,
    "staging.person_scenarios": """
    contact_id | scenario | person_key
    C1         | central  | P1
    C2         | central  | P1
    C3         | central  | P2
    C4         | central  | P2
    C1         | alternative | L1
    C2         | alternative | L1
    C3         | alternative | L1
    C4         | alternative | L1
    C1         | alternative | H1
    C2         | alternative | H2
    """,
    # Both people are one at the low threshold; at the high one P1 is two.
    "staging.person_alternatives": """
    variant | person_id | person_key
    low     | P1        | L1
    low     | P2        | L1
    high    | P1        | H1
    high    | P1        | H2
    """,
    "journeys.cycling": """
    scenario | person_key | definition_id
    central  | P1         | cross_agency_cycle
    central  | P2         | ae_5_in_year
    alternative | L1      | cross_agency_cycle
    """,
    "marts.waits": """
    contact_id | wait_kind            | minutes | over_12_hours | over_24_hours
    C1         | ae_stay              | 1320    | true          | false
    C3         | ae_stay              | 60      | false         | false
    C2         | police_hospital_wait | 300     | false         | false
    """,
    "opportunities.candidates": """
    scenario | person_key | rule_id | contact_id | role       | offer_id   | followed_by_crisis | window_complete
    central  | P1         | MO3     | C1         | signal     | early_help | true               | true
    central  | P1         | MO1     | C1         | signal     | early_help | false              | false
    central  | P1         | MO3     | C2         | comparison |            | true               | true
    central  | P2         | MO3     | C3         | signal     | early_help | false              | true
    central  | P2         | MO3     | C4         | signal     |            | true               | true
    alternative | L1      | MO3     | C1         | signal     | early_help | true               | true
    alternative | H1      | MO3     | C1         | signal     | early_help | true               | false
    """,
}


def in_draws(columns: str, rows: dict[range, list[str] | set[str]]) -> str:
    """A table in text with the same rows in each of several draws."""
    return "\n".join([columns, *(f"{draw} | {row}" for draws, of in rows.items() for draw in draws for row in of)])


def named(figure: str) -> str:
    """The headline that a line of text begins with."""
    return figure.split(" ")[0]


def test_a_draw_counts_the_people_that_it_changes_anew_and_nobody_else(check):
    both_one = {
        "staging.person_scenarios": """
        contact_id | scenario | person_key
        C1         | central  | P1
        C2         | central  | P1
        C3         | central  | P2
        C4         | central  | P2
        C1         | alternative | D1
        C2         | alternative | D1
        C3         | alternative | D1
        C4         | alternative | D1
        C3         | alternative | D2
        C4         | alternative | D3
        """,
        "journeys.cycling": """
        scenario | person_key | definition_id
        alternative | D1      | cross_agency_cycle
        """,
        "opportunities.candidates": "scenario",
        # Both people are one in the second draw; in the third the second one is two.
        "staging.person_alternatives": """
        variant | person_id | person_key
        2    | P1        | D1
        2    | P2        | D1
        3    | P2        | D2
        3    | P2        | D3
        """,
    }
    as_it_is = {
        "people_seen | 2 | 4 |",
        "contacts | 2 | 4 |",
        "people_seen_by_two_agencies | 2 | 4 |",
        "people_who_cycle | 0 | 0 |",
        "contacts_of_people_who_cycle | 0 | 0 |",
        "ae_stays | 2 | 2 | 1380",
        "ae_stays_12_hours | 1 | 1 | 1320",
        "police_hospital_waits | 1 | 1 | 300",
    }
    one_person = {
        "people_seen | 1 | 4 |",
        "contacts | 1 | 4 |",
        "people_seen_by_two_agencies | 1 | 4 |",
        "people_who_cycle | 1 | 4 |",
        "contacts_of_people_who_cycle | 1 | 4 |",
        "ae_stays | 1 | 2 | 1380",
        "ae_stays_12_hours | 1 | 1 | 1320",
        "police_hospital_waits | 1 | 1 | 300",
    }
    three_people = (as_it_is - {"people_seen | 2 | 4 |", "contacts | 2 | 4 |"}) | {
        "people_seen | 3 | 4 |",
        "contacts | 3 | 4 |",
        "people_seen_by_two_agencies | 1 | 2 |",
    }
    three_people -= {"people_seen_by_two_agencies | 2 | 4 |"}
    check(
        "marts.headline_draws",
        TWO_PEOPLE | both_one | {"journeys.headlines": "\n".join(["headline_id", *map(named, as_it_is)])},
        in_draws(
            "draw | headline_id | people | contacts | minutes",
            {
                range(2, 3): one_person,
                range(3, 4): three_people,
                range(1, 2): as_it_is,
                range(4, Settings().linkage_draws + 1): as_it_is,
            },
        ),
    )


IN_PACK = """
headline_id                          | unit     | part                                 | whole
people_seen                          | people   |                                      |
contacts                             | contacts |                                      |
people_seen_by_two_agencies          | people   | people_seen_by_two_agencies          | people_seen
people_who_cycle                     | people   | people_who_cycle                     | people_seen
contacts_of_people_who_cycle         | contacts | contacts_of_people_who_cycle         | contacts
ae_stays                             | contacts |                                      |
ae_stays_12_hours                    | contacts | ae_stays_12_hours                    | ae_stays
ae_stays_24_hours                    | contacts | ae_stays_24_hours                    | ae_stays
people_in_review                     | people   |                                      |
police_hospital_waits                | minutes  |                                      |
earlier_opportunities                | contacts |                                      |
complete_opportunities               | contacts |                                      |
complete_opportunities_before_crisis | contacts |                                      |
earlier_opportunities_before_crisis  | contacts | complete_opportunities_before_crisis | complete_opportunities
"""


def test_every_headline_is_computed_anew_under_each_linkage_scenario(check):
    check(
        "marts.headline_scenarios",
        TWO_PEOPLE | {"journeys.headlines": IN_PACK},
        """
        headline_id                        | scenario | people | contacts | minutes | share
        people_seen                        | central  | 2      | 4        |         |
        people_seen                        | low      | 1      | 4        |         |
        people_seen                        | high     | 3      | 4        |         |
        contacts                           | central  | 2      | 4        |         |
        contacts                           | low      | 1      | 4        |         |
        contacts                           | high     | 3      | 4        |         |
        people_seen_by_two_agencies        | central  | 2      | 4        |         | 1
        people_seen_by_two_agencies        | low      | 1      | 4        |         | 1
        people_seen_by_two_agencies        | high     | 1      | 2        |         | 0.3333
        people_who_cycle                   | central  | 1      | 2        |         | 0.5
        people_who_cycle                   | low      | 1      | 4        |         | 1
        people_who_cycle                   | high     | 0      | 0        |         | 0
        contacts_of_people_who_cycle       | central  | 1      | 2        |         | 0.5
        contacts_of_people_who_cycle       | low      | 1      | 4        |         | 1
        contacts_of_people_who_cycle       | high     | 0      | 0        |         | 0
        ae_stays                           | central  | 2      | 2        | 1380    |
        ae_stays                           | low      | 1      | 2        | 1380    |
        ae_stays                           | high     | 2      | 2        | 1380    |
        complete_opportunities             | central  | 2      | 2        |         |
        complete_opportunities             | low      | 1      | 1        |         |
        complete_opportunities             | high     | 1      | 1        |         |
        complete_opportunities_before_crisis | central | 1     | 1        |         |
        complete_opportunities_before_crisis | low    | 1      | 1        |         |
        complete_opportunities_before_crisis | high   | 0      | 0        |         |
        ae_stays_12_hours                  | central  | 1      | 1        | 1320    | 0.5
        ae_stays_12_hours                  | low      | 1      | 1        | 1320    | 0.5
        ae_stays_12_hours                  | high     | 1      | 1        | 1320    | 0.5
        ae_stays_24_hours                  | central  | 0      | 0        |         | 0
        ae_stays_24_hours                  | low      | 0      | 0        |         | 0
        ae_stays_24_hours                  | high     | 0      | 0        |         | 0
        police_hospital_waits              | central  | 1      | 1        | 300     |
        police_hospital_waits              | low      | 1      | 1        | 300     |
        police_hospital_waits              | high     | 1      | 1        | 300     |
        earlier_opportunities              | central  | 2      | 2        |         |
        earlier_opportunities              | low      | 1      | 1        |         |
        earlier_opportunities              | high     | 2      | 2        |         |
        earlier_opportunities_before_crisis | central | 1      | 1        |         | 0.5
        earlier_opportunities_before_crisis | low     | 1      | 1        |         | 1
        earlier_opportunities_before_crisis | high    | 1      | 1        |         | 0
        people_in_review                   | central  | 0      | 0        |         |
        people_in_review                   | low      | 0      | 0        |         |
        people_in_review                   | high     | 0      | 0        |         |
        """,
    )


def test_people_who_wait_for_a_reviewer_are_left_apart_in_every_scenario(check):
    check(
        "journeys.headline_people",
        TWO_PEOPLE
        | {
            "staging.person_scenarios": TWO_PEOPLE["staging.person_scenarios"].rstrip()
            + """
            C4 | alternative | D1
            C1 | alternative | D2
            C2 | alternative | D2
            C3 | alternative | D2
            """,
            "journeys.cycling": """
            scenario | person_key | definition_id
            central  | P1         | cross_agency_cycle
            central  | P2         | cross_agency_cycle
            alternative | L1      | cross_agency_cycle
            alternative | H1      | cross_agency_cycle
            alternative | D1      | cross_agency_cycle
            alternative | D2      | cross_agency_cycle
            """,
            "marts.waits": "contact_id | wait_kind",
            "opportunities.candidates": "scenario",
            "journeys.spells": "scenario",
            "journeys.handoffs": "scenario",
            "journeys.bounces": "scenario",
            "journeys.ordered_pairs": "scenario",
            # P2 is implausible: so is whoever has a record of P2, and H1 is free of them.
            "linkage.person_index": """
            agency | feed             | person_ref | person_id | in_review
            WEXH   | ae_attendances   | a1         | P1        | false
            NPOL   | police_incidents | b1         | P1        | false
            WEXH   | ae_attendances   | a2         | P2        | true
            NPOL   | police_incidents | b2         | P2        | true
            """,
            "staging.person_variants": """
            variant | agency | feed             | person_ref | person_key
            low     | WEXH   | ae_attendances   | a1         | L1
            low     | NPOL   | police_incidents | b1         | L1
            low     | WEXH   | ae_attendances   | a2         | L1
            low     | NPOL   | police_incidents | b2         | L1
            high    | WEXH   | ae_attendances   | a1         | H1
            high    | NPOL   | police_incidents | b1         | H2
            1       | NPOL   | police_incidents | b2         | D1
            1       | WEXH   | ae_attendances   | a1         | D2
            1       | NPOL   | police_incidents | b1         | D2
            1       | WEXH   | ae_attendances   | a2         | D2
            """,
        },
        """
        headline_id                  | scenario    | person_key | contacts
        people_seen                  | central     | P1         | 2
        people_seen                  | central     | P2         | 2
        people_seen                  | alternative | L1         | 4
        people_seen                  | alternative | H1         | 1
        people_seen                  | alternative | H2         | 1
        people_seen                  | alternative | D1         | 1
        people_seen                  | alternative | D2         | 3
        contacts                     | central     | P1         | 2
        contacts                     | central     | P2         | 2
        contacts                     | alternative | L1         | 4
        contacts                     | alternative | H1         | 1
        contacts                     | alternative | H2         | 1
        contacts                     | alternative | D1         | 1
        contacts                     | alternative | D2         | 3
        people_seen_by_two_agencies  | central     | P1         | 2
        people_who_cycle             | central     | P1         | 2
        people_who_cycle             | alternative | H1         | 1
        contacts_of_people_who_cycle | central     | P1         | 2
        contacts_of_people_who_cycle | alternative | H1         | 1
        definition_cross_agency_cycle | central | P1 | 2
        definition_cross_agency_cycle | central | P2 | 2
        definition_cross_agency_cycle | alternative | L1 | 4
        definition_cross_agency_cycle | alternative | D1 | 1
        definition_cross_agency_cycle | alternative | D2 | 3
        definition_cross_agency_cycle | alternative | H1 | 1
        people_in_review             | central     | P2         | 2
        people_in_review             | alternative | L1         | 4
        people_in_review             | alternative | D1         | 1
        people_in_review             | alternative | D2         | 3
        """,
    )


def test_every_headline_has_its_words_on_the_board(check):
    check("board.headlines", TWO_PEOPLE, "position\n" + "\n".join(map(str, range(1, 12))))


def test_linkage_quality_gives_each_headline_with_its_interval(check):
    check(
        "marts.linkage_quality",
        {
            "linkage.quality": """
            measure   | detail | value | low  | high | unit  | how
            precision | all    | 0.98  | 0.97 | 0.99 | share | answer key
            """,
            "marts.headline_scenarios": """
            headline_id | scenario | people
            people_seen | central  | 2
            people_seen | low      | 1
            people_seen | high     | 3
            """,
            "marts.headline_draws": "headline_id | draw",
        },
        """
        measure   | detail      | value | low  | high | unit   | how
        precision | all         | 0.98  | 0.97 | 0.99 | share  | answer key
        headline  | people_seen | 2     | 1    | 3    | people | linkage scenarios
        """,
    )


def test_the_history_of_person_ids_is_handed_on_event_by_event(check):
    history = """
    run | period  | event   | person_id | other_person_id | records
    2   | 2025-02 | merge   | P1        | P2              | 3
    2   | 2025-02 | split   | P3        | P4              | 1
    3   | 2025-03 | retired | P2        |                 | 0
    """
    check("marts.person_history", {"linkage.person_history": history}, history)
