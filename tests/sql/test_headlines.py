"""Headlines of the unheard, of where demand ends, of the two measures kept apart, of opportunities and of the few who
come most."""

from pipelines.settings import Settings

NOBODY_ELSE = {
    "staging.contacts": "contact_id",
    "staging.person_scenarios": "contact_id",
    "staging.person_variants": "variant",
    "linkage.person_index": "person_id",
    "journeys.cycling": "scenario",
    "journeys.spells": "scenario",
    "journeys.first_doors": "scenario",
    "journeys.ordered_pairs": "scenario",
    "journeys.handoffs": "scenario",
    "journeys.bounces": "scenario",
    "journeys.agency_mix": "scenario",
    "journeys.unheard": "scenario",
    "journeys.policification": "scenario",
    "marts.waits": "contact_id",
    "marts.low_acuity_attendances": "contact_id",
    "marts.preventable_crises": "contact_id",
    "opportunities.candidates": "scenario",
}


def test_a_notice_counts_at_each_step_it_came_to_if_its_time_is_in_the_records(check):
    check(
        "journeys.headline_people",
        NOBODY_ELSE
        | {
            "journeys.unheard": """
            scenario | person_key | contact_id | shared_with_social_care | heard | unheard_before_crisis | window_complete
            central  | P1         | N1         | true                    | false | true                  | true
            central  | P1         | N2         | true                    | false | false                 | true
            central  | P2         | N3         | true                    | true  | false                 | true
            central  | P2         | N4         | false                   | false | false                 | true
            central  | P3         | N5         | true                    | false | true                  | false
            alternative | D1      | N1         | true                    | true  | false                 | true
            """
        },
        """
        headline_id                     | scenario    | person_key | contacts
        notices_raised                  | central     | P1         | 2
        notices_raised                  | central     | P2         | 2
        notices_raised                  | alternative | D1         | 1
        notices_shared                  | central     | P1         | 2
        notices_shared                  | central     | P2         | 1
        notices_shared                  | alternative | D1         | 1
        notices_not_heard               | central     | P1         | 2
        notices_not_heard_before_crisis | central     | P1         | 1
        """,
    )


def test_demand_that_is_not_crime_ends_with_the_police_or_moves_and_is_met_or_not(check):
    check(
        "journeys.headline_people",
        NOBODY_ELSE
        | {
            "journeys.policification": """
            scenario | person_key | contact_id | ended_with         | moved | met   | window_complete
            central  | P1         | C1         | police             | false | false | true
            central  | P1         | C2         | another_service    | true  | true  | true
            central  | P1         | C3         | passed_on_not_seen | true  | false | true
            central  | P2         | C4         | police             | true  | false | false
            """
        },
        """
        headline_id               | scenario | person_key | contacts
        police_contacts_not_crime | central  | P1         | 3
        ended_with_police         | central  | P1         | 1
        demand_moved              | central  | P1         | 2
        demand_moved_and_met      | central  | P1         | 1
        """,
    )


def test_low_acuity_and_preventable_crises_are_counted_apart(check):
    check(
        "journeys.headline_people",
        NOBODY_ELSE
        | {
            "staging.contacts": "contact_id | person_id\nC1 | P1\nC2 | P1",
            "staging.person_scenarios": "contact_id | scenario | person_key\nC1 | central | P1\nC2 | central | P1",
            "marts.low_acuity_attendances": "contact_id | low_acuity_avoidable\nC1 | true\nC2 | false",
            "marts.preventable_crises": "contact_id | preventable_crisis\nC2 | true",
        },
        """
        headline_id            | scenario | person_key | contacts
        people_seen            | central  | P1         | 2
        contacts               | central  | P1         | 2
        ae_attendances         | central  | P1         | 2
        low_acuity_attendances | central  | P1         | 1
        ae_and_police_crises   | central  | P1         | 1
        preventable_crises     | central  | P1         | 1
        """,
    )


def test_a_crisis_that_several_opportunities_came_before_is_one_crisis(check):
    check(
        "journeys.headline_people",
        NOBODY_ELSE
        | {
            "opportunities.candidates": """
            scenario | person_key | rule_id | contact_id | role   | offer_id | followed_by_crisis | crisis_contact_id | window_complete
            central  | P1         | MO1     | C1         | signal | respite  | true               | C9                | true
            central  | P1         | MO3     | C2         | signal | respite  | true               | C9                | true
            central  | P1         | MO3     | C3         | signal |          | true               | C9                | true
            central  | P1         | MO3     | C4         | signal | respite  | false              |                   | true
            """
        },
        """
        headline_id                          | scenario | person_key | contacts
        earlier_opportunities                | central  | P1         | 3
        earlier_opportunities_before_crisis  | central  | P1         | 2
        complete_opportunities               | central  | P1         | 3
        complete_opportunities_before_crisis | central  | P1         | 2
        rule_mo1_signals                     | central  | P1         | 1
        rule_mo1_before_crisis               | central  | P1         | 1
        rule_mo1_opportunities               | central  | P1         | 1
        rule_mo1_opportunities_before_crisis | central  | P1         | 1
        rule_mo3_signals                     | central  | P1         | 3
        rule_mo3_before_crisis               | central  | P1         | 2
        rule_mo3_opportunities               | central  | P1         | 2
        rule_mo3_opportunities_before_crisis | central  | P1         | 1
        crises_after_opportunity             | central  | P1         | 1
        """,
    )


def test_people_of_three_agencies_are_those_who_meet_three_in_90_days(check):
    check(
        "journeys.headline_people",
        NOBODY_ELSE
        | {
            "journeys.agency_mix": """
            scenario | person_key | contacts | agencies_in_90_days
            central  | P1         | 7        | 3
            central  | P2         | 9        | 2
            """
        },
        """
        headline_id              | scenario | person_key | contacts
        people_of_three_agencies | central  | P1         | 7
        """,
    )


def test_who_comes_most_is_asked_anew_under_each_variant(check):
    # 198 people have one contact each and two have 51; at the low threshold the two are one person with 102
    ones = [f"central | P{i} | ae_attendances | 1" for i in range(198)]
    check(
        "marts.headline_scenarios",
        {
            "journeys.headlines": """
            headline_id               | unit     | part                      | whole
            contacts_to_share_out     | contacts |                           |
            contacts_of_top_1_percent | contacts | contacts_of_top_1_percent | contacts_to_share_out
            """,
            "journeys.headline_people": "headline_id",
            "journeys.contact_counts": "\n".join(
                [
                    "scenario | person_key | feed | contacts_together",
                    *ones,
                    "central | Q1 | ae_attendances | 51",
                    "central | Q2 | ae_attendances | 51",
                    "alternative | Q3 | ae_attendances | 102",
                ]
            ),
            "staging.person_alternatives": "variant | person_id | person_key\nlow | Q1 | Q3\nlow | Q2 | Q3",
        },
        """
        headline_id               | scenario | people | contacts | share
        contacts_to_share_out     | central  | 200    | 300      |
        contacts_to_share_out     | low      | 199    | 300      |
        contacts_to_share_out     | high     | 200    | 300      |
        contacts_of_top_1_percent | central  | 2      | 102      | 0.34
        contacts_of_top_1_percent | low      | 2      | 103      | 0.3433
        contacts_of_top_1_percent | high     | 2      | 102      | 0.34
        """,
    )


def test_strangers_joined_at_random_bring_the_hand_offs_of_a_person_and_not_of_strangers(check):
    # In draw 1 the strangers A and B are one person, whose contacts are far apart: 4 hand-offs as before. In draw 2
    # person P, who has 5 hand-offs, is taken apart into two people with 1 and 2: the link between them brings 2.
    check(
        "journeys.headline_variants",
        {
            "journeys.headlines": "headline_id | unit\nhandoffs_between_agencies | hand-offs\npeople_seen | people",
            "journeys.contact_counts": "scenario",
            "journeys.headline_people": """
            headline_id               | scenario    | person_key | contacts | amount
            handoffs_between_agencies | central     | A          | 3        | 3
            handoffs_between_agencies | central     | B          | 1        | 1
            handoffs_between_agencies | central     | P          | 5        | 5
            handoffs_between_agencies | alternative | AB         | 4        | 4
            handoffs_between_agencies | alternative | P1         | 1        | 1
            handoffs_between_agencies | alternative | P2         | 2        | 2
            people_seen               | central     | A          | 3        |
            people_seen               | central     | B          | 1        |
            people_seen               | central     | P          | 5        |
            people_seen               | alternative | AB         | 4        |
            people_seen               | alternative | P1         | 1        |
            people_seen               | alternative | P2         | 2        |
            """,
            "staging.person_alternatives": """
            variant | person_id | person_key
            1       | A         | AB
            1       | B         | AB
            low     | A         | AB
            low     | B         | AB
            2       | P         | P1
            2       | P         | P2
            """,
        },
        "\n".join(
            [
                "headline_id | variant | value",
                "handoffs_between_agencies | 1 | 11",
                "handoffs_between_agencies | 2 | 7",
                *(f"handoffs_between_agencies | {name} | 9" for name in ("central", "low", "high")),
                *(f"handoffs_between_agencies | {draw} | 9" for draw in range(3, Settings().linkage_draws + 1)),
                "people_seen | 1 | 2",
                "people_seen | low | 2",
                "people_seen | 2 | 4",
                *(f"people_seen | {name} | 3" for name in ("central", "high")),
                *(f"people_seen | {draw} | 3" for draw in range(3, Settings().linkage_draws + 1)),
            ]
        ),
    )


def test_a_figure_in_minutes_is_0_and_not_empty_where_nobody_waited(built):
    connection = built("journeys.headline_variants", NOBODY_ELSE)
    waits = "select minutes, value from journeys.headline_variants where headline_id = 'police_hospital_waits'"
    assert set(connection.execute(waits).fetchall()) == {(0, 0)}
