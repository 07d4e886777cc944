"""Spells, hand-offs, first doors and cycling."""

import pytest

SPELLS = {
    "A contact 27 days after the last one belongs to the same spell": (
        """
        contact_id | person_id | started_at
        C1         | P1        | 2024-01-01 23:50
        C2         | P1        | 2024-01-28 00:10
        """,
        """
        spell_id | person_key | contacts | days
        S1       | P1        | 2        | 28
        """,
    ),
    "A contact 28 days after the last one starts a new spell": (
        """
        contact_id | person_id | started_at
        C1         | P1        | 2024-01-01 23:50
        C2         | P1        | 2024-01-29 00:10
        """,
        """
        spell_id | person_key | contacts | days
        S1       | P1        | 1        | 1
        S2       | P1        | 1        | 1
        """,
    ),
    "A spell goes on as long as each gap is short, and never runs into another person's": (
        """
        contact_id | person_id | started_at
        C1         | P1        | 2024-01-01
        C2         | P1        | 2024-01-21
        C3         | P1        | 2024-02-10
        C4         | P2        | 2024-01-05
        """,
        """
        spell_id | person_key | contacts | days
        S1       | P1        | 3        | 41
        S4       | P2        | 1        | 1
        """,
    ),
}


@pytest.mark.parametrize(("contacts", "expected"), SPELLS.values(), ids=SPELLS)
def test_spells(check, contacts, expected):
    check("journeys.spells", {"staging.contacts": contacts}, expected)


ONE_OR_TWO = {
    "staging.contacts": """
    contact_id | agency | outcome_group     | crisis | started_at
    C1         | LAWX   | no_further_action | false  | 2024-01-01
    C2         | NPOL   | met               | true   | 2024-01-05
    C3         | WEXH   | admitted          | true   | 2024-02-20
    """,
    # The person is one in the central scenario; the alternatives are one without the police, and the police on its own.
    "staging.person_scenarios": """
    contact_id | scenario    | person_key
    C1         | central     | P1
    C2         | central     | P1
    C3         | central     | P1
    C1         | alternative | D1
    C3         | alternative | D1
    C2         | alternative | D2
    """,
}


def test_each_alternative_person_has_a_sequence_and_spells_of_their_own(check):
    check(
        "journeys.spells",
        ONE_OR_TWO,
        """
        scenario    | person_key | spell_id | contacts | crisis_contacts
        central     | P1         | S1       | 2        | 1
        central     | P1         | S3       | 1        | 1
        alternative | D1         | S1       | 1        | 0
        alternative | D1         | S3       | 1        | 1
        alternative | D2         | S2       | 1        | 1
        """,
    )


def test_each_alternative_person_has_hand_offs_of_their_own(check):
    check(
        "journeys.handoffs",
        ONE_OR_TWO,
        """
        scenario | person_key | contact_id | next_contact_id
        central  | P1         | C1         | C2
        """,
    )


def test_each_alternative_person_has_doors_of_their_own(check):
    check(
        "journeys.first_doors",
        ONE_OR_TWO,
        """
        scenario    | person_key | spell_id | first_door_contact_id | first_missed_door_contact_id | crisis_contact_id
        central     | P1         | S1       | C1                    | C1                           | C2
        central     | P1         | S3       | C3                    |                              |
        alternative | D1         | S1       | C1                    |                              |
        alternative | D1         | S3       | C3                    |                              |
        alternative | D2         | S2       | C2                    |                              |
        """,
    )


def test_a_spell_has_the_need_of_highest_priority_and_counts_its_crises_and_agencies(check):
    check(
        "journeys.spells",
        {
            "staging.contacts": """
            contact_id | person_id | agency | need          | need_group    | crisis | started_at
            C1         | P1        | WEXH    | injury        | physical_health | false | 2024-01-01
            C2         | P1        | NPOL   | mental_health | mental_health | true   | 2024-01-02
            C3         | P1        | NPOL   | crime         | crime         | true   | 2024-01-03
            """
        },
        """
        spell_id | need          | need_group    | crisis_contacts | agencies
        S1       | mental_health | mental_health | 2               | 2
        """,
    )


def test_within_a_day_a_contact_without_a_time_comes_last(check):
    check(
        "journeys.sequence",
        {
            "staging.contacts": """
            contact_id | person_id | started_at       | time_known
            C1         | P1        | 2024-01-01 00:00 | false
            C2         | P1        | 2024-01-01 22:00 | true
            C3         | P1        | 2024-01-02 08:00 | true
            """
        },
        """
        started_at       | position | days_since_previous | days_to_next
        2024-01-01 22:00 | 1        |                     | 0
        2024-01-01 00:00 | 2        | 0                   | 1
        2024-01-02 08:00 | 3        | 1                   |
        """,
    )


HANDOFFS = {
    "The next contact 28 days later with another agency is a hand-off": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01
        C2         | P1        | WEXH    | 2024-01-29
        """,
        """
        contact_id | next_contact_id | from_agency | to_agency | days_between | between_agencies
        C1         | C2              | NPOL        | WEXH       | 28           | true
        """,
    ),
    "The next contact 29 days later is none": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01
        C2         | P1        | WEXH    | 2024-01-30
        """,
        "contact_id",
    ),
    "Two contacts with one agency and then one elsewhere are one hand-off, from the later contact": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01
        C2         | P1        | NPOL   | 2024-01-03
        C3         | P1        | WEXH    | 2024-01-04
        """,
        """
        contact_id | next_contact_id
        C2         | C3
        """,
    ),
    "Another team of the same agency is a hand-off inside it": (
        """
        contact_id | person_id | agency | team        | started_at
        C1         | P1        | LAWX   | Front door  | 2024-01-01
        C2         | P1        | LAWX   | Reablement  | 2024-01-03
        """,
        """
        contact_id | from_team  | to_team    | between_agencies
        C1         | Front door | Reablement | false
        """,
    ),
    "A team that is not known is not another team": (
        """
        contact_id | person_id | agency | team       | started_at
        C1         | P1        | LAWX   | Front door | 2024-01-01
        C2         | P1        | LAWX   |            | 2024-01-03
        """,
        "contact_id",
    ),
    "Two people's contacts are no hand-off": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01
        C2         | P2        | WEXH    | 2024-01-02
        """,
        "contact_id",
    ),
}


@pytest.mark.parametrize(("contacts", "expected"), HANDOFFS.values(), ids=HANDOFFS)
def test_handoffs(check, contacts, expected):
    check("journeys.handoffs", {"staging.contacts": contacts}, expected)


def test_a_handoff_keeps_the_need_if_both_contacts_are_for_one_known_group_of_needs(check):
    check(
        "journeys.handoffs",
        {
            "staging.contacts": """
            contact_id | person_id | agency | need     | need_group    | started_at
            C1         | P1        | NPOL   | dementia | later_life    | 2024-01-01
            C2         | P1        | WEXH    | frailty  | later_life    | 2024-01-02
            C3         | P1        | NPOL   | unknown  | other         | 2024-01-03
            C4         | P1        | WEXH    | unknown  | other         | 2024-01-04
            """
        },
        """
        contact_id | need     | next_need | same_need
        C1         | dementia | frailty   | true
        C2         | frailty  | unknown   | false
        C3         | unknown  | unknown   | false
        """,
    )


FIRST_DOORS = {
    "The first contact that ended without help, with a crisis after it, is the first missed door": (
        """
        contact_id | person_id | feed               | outcome_group     | crisis | started_at
        C1         | P1        | social_care_events | met               | false  | 2024-01-01
        C2         | P1        | social_care_events | no_further_action | false  | 2024-01-02
        C3         | P1        | police_incidents   | no_further_action | false  | 2024-01-03
        C4         | P1        | ae_attendances     | admitted          | true   | 2024-01-08
        """,
        """
        spell_id | first_door_contact_id | first_missed_door_contact_id | first_missed_door_feed | crisis_contact_id | days_to_crisis
        S1       | C1                    | C2                           | social_care_events     | C4                | 6
        """,
    ),
    "A crisis before the missed door does not count": (
        """
        contact_id | person_id | outcome_group     | crisis | started_at
        C1         | P1        | admitted          | true   | 2024-01-01
        C2         | P1        | no_further_action | false  | 2024-01-02
        """,
        """
        spell_id | first_door_contact_id | first_missed_door_contact_id | crisis_contact_id
        S1       | C1                    |                              |
        """,
    ),
    "A crisis that itself ended without help is a missed door only for a later crisis": (
        """
        contact_id | person_id | outcome_group     | crisis | started_at
        C1         | P1        | left              | true   | 2024-01-01
        C2         | P2        | left              | true   | 2024-01-01
        C3         | P2        | admitted          | true   | 2024-01-04
        """,
        """
        spell_id | first_missed_door_contact_id | crisis_contact_id | days_to_crisis
        S1       |                              |                   |
        S2       | C2                           | C3                | 3
        """,
    ),
    "A crisis in the next spell does not make a missed door in this one": (
        """
        contact_id | person_id | outcome_group     | crisis | started_at
        C1         | P1        | no_further_action | false  | 2024-01-01
        C2         | P1        | admitted          | true   | 2024-01-29
        """,
        """
        spell_id | first_missed_door_contact_id
        S1       |
        S2       |
        """,
    ),
}


@pytest.mark.parametrize(("contacts", "expected"), FIRST_DOORS.values(), ids=FIRST_DOORS)
def test_first_doors(check, contacts, expected):
    check("journeys.first_doors", {"staging.contacts": contacts}, expected)


NINETY_DAYS = """
definition_id | min_contacts | min_crisis | min_agencies | window_days
D             | 3            | 1          | 2            | 90
"""

CYCLING = {
    "A window of 90 days holds its first and its last day": (
        """
        contact_id | agency | crisis | started_at
        C1         | NPOL   | true   | 2024-01-01 20:00
        C2         | WEXH    | false  | 2024-02-01 20:00
        C3         | WEXH    | false  | 2024-03-30 01:00
        """,
        """
        definition_id | first_met_on | times_met | most_contacts_in_window
        D             | 2024-03-30   | 1         | 3
        """,
    ),
    "One day more between the first and the last contact is too long": (
        """
        contact_id | agency | crisis | started_at
        C1         | NPOL   | true   | 2024-01-01 20:00
        C2         | WEXH    | false  | 2024-02-01 20:00
        C3         | WEXH    | false  | 2024-03-31 01:00
        """,
        "definition_id",
    ),
    "Enough contacts with one agency only do not meet a definition of two": (
        """
        contact_id | agency | crisis | started_at
        C1         | WEXH    | true   | 2024-01-01
        C2         | WEXH    | false  | 2024-01-02
        C3         | WEXH    | false  | 2024-01-03
        """,
        "definition_id",
    ),
    "Enough contacts without a crisis do not meet a definition with one": (
        """
        contact_id | agency | crisis | started_at
        C1         | WEXH    | false  | 2024-01-01
        C2         | NPOL   | false  | 2024-01-02
        C3         | WEXH    | false  | 2024-01-03
        """,
        "definition_id",
    ),
    "Each contact at which the window is full enough counts once": (
        """
        contact_id | agency | crisis | started_at
        C1         | WEXH    | true   | 2024-01-01
        C2         | NPOL   | false  | 2024-01-02
        C3         | WEXH    | false  | 2024-01-03
        C4         | WEXH    | false  | 2024-01-05
        """,
        """
        definition_id | first_met_on | last_met_on | times_met | most_contacts_in_window
        D             | 2024-01-03   | 2024-01-05  | 2         | 4
        """,
    ),
}


@pytest.mark.parametrize(("contacts", "expected"), CYCLING.values(), ids=CYCLING)
def test_cycling(check, contacts, expected):
    scenarios = """
    contact_id | scenario | person_key
    C1         | central  | P1
    C2         | central  | P1
    C3         | central  | P1
    C4         | central  | P1
    """
    given = {
        "staging.contacts": contacts,
        "staging.person_scenarios": scenarios,
        "reference.definitions": NINETY_DAYS,
    }
    check("journeys.cycling", given, expected)


def test_cycling_is_counted_apart_under_each_linkage_scenario(check):
    check(
        "journeys.cycling",
        {
            "staging.contacts": """
            contact_id | agency | crisis | started_at
            C1         | WEXH    | true   | 2024-01-01
            C2         | NPOL   | false  | 2024-01-02
            C3         | WEXH    | false  | 2024-01-03
            """,
            "staging.person_scenarios": """
            contact_id | scenario | person_key
            C1         | central  | P1
            C2         | central  | P1
            C3         | central  | P1
            C1         | alternative | D1
            C2         | alternative | D2
            C3         | alternative | D1
            C1         | alternative | D3
            C2         | alternative | D3
            C3         | alternative | D3
            """,
            "reference.definitions": NINETY_DAYS,
        },
        """
        scenario    | person_key | definition_id
        central     | P1         | D
        alternative | D3         | D
        """,
    )


def test_a_definition_of_one_feed_and_one_need_counts_no_other_contacts(check):
    check(
        "journeys.cycling",
        {
            "staging.contacts": """
            contact_id | feed             | need          | started_at
            C1         | ae_attendances   | mental_health | 2024-01-01
            C2         | ae_attendances   | mental_health | 2024-01-02
            C3         | ae_attendances   | injury        | 2024-01-03
            C4         | police_incidents | mental_health | 2024-01-04
            """,
            "staging.person_scenarios": """
            contact_id | scenario | person_key
            C1         | central  | P1
            C2         | central  | P1
            C3         | central  | P1
            C4         | central  | P1
            """,
            "reference.definitions": """
            definition_id | feeds                           | needs         | min_contacts | min_crisis | min_agencies | window_days
            TWO           | ae_attendances                  | mental_health | 2            | 0          | 1            | 30
            THREE         | ae_attendances                  | mental_health | 3            | 0          | 1            | 30
            BOTH_FEEDS    | ae_attendances;police_incidents | mental_health | 3            | 0          | 1            | 30
            """,
        },
        """
        definition_id | first_met_on
        TWO           | 2024-01-02
        BOTH_FEEDS    | 2024-01-04
        """,
    )
