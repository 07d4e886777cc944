"""Bounces, the order of services, and how contacts spread over agencies and time."""

import pytest

from pipelines.settings import Settings

BOUNCES = {
    "72 hours after the first start is still a bounce": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01 10:00
        C2         | P1        | WEXH   | 2024-01-04 10:00
        """,
        """
        contact_id | next_contact_id | from_agency | to_agency | hours_between | days_between
        C1         | C2              | NPOL        | WEXH      | 72            | 3
        """,
    ),
    "A minute more is none": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01 10:00
        C2         | P1        | WEXH   | 2024-01-04 10:01
        """,
        "contact_id",
    ),
    "Without a time of day three days count": (
        """
        contact_id | person_id | agency | started_at       | time_known
        C1         | P1        | NPOL   | 2024-01-01 10:00 | true
        C2         | P1        | LAWX   | 2024-01-04 00:00 | false
        """,
        """
        contact_id | next_contact_id | hours_between | days_between
        C1         | C2              |               | 3
        """,
    ),
    "Without a time of day four days do not": (
        """
        contact_id | person_id | agency | started_at       | time_known
        C1         | P1        | LAWX   | 2024-01-01 00:00 | false
        C2         | P1        | NPOL   | 2024-01-05 00:01 | true
        """,
        "contact_id",
    ),
    "The same agency again is none": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | WEXH   | 2024-01-01 10:00
        C2         | P1        | WEXH   | 2024-01-02 10:00
        """,
        "contact_id",
    ),
    "Another need is none, another need of the same group is one": (
        """
        contact_id | person_id | agency | need     | need_group    | started_at
        C1         | P1        | NPOL   | crime    | crime         | 2024-01-01 10:00
        C2         | P1        | WEXH   | frailty  | later_life    | 2024-01-01 12:00
        C3         | P1        | LAWX   | dementia | later_life    | 2024-01-02 12:00
        """,
        """
        contact_id | next_contact_id | need_group
        C2         | C3              | later_life
        """,
    ),
    "A contact for another need in between does not end it": (
        """
        contact_id | person_id | agency | need    | need_group | started_at
        C1         | P1        | NPOL   | frailty | later_life | 2024-01-01 10:00
        C2         | P1        | NPOL   | crime   | crime      | 2024-01-01 11:00
        C3         | P1        | WEXH   | frailty | later_life | 2024-01-01 12:00
        """,
        """
        contact_id | next_contact_id | hours_between
        C1         | C3              | 2
        """,
    ),
    "Needs that are not recorded are nobody knows whether the same": (
        """
        contact_id | person_id | agency | need    | need_group | started_at
        C1         | P1        | NPOL   | unknown | other      | 2024-01-01 10:00
        C2         | P1        | WEXH   | unknown | other      | 2024-01-01 12:00
        """,
        "contact_id",
    ),
    "Round through three agencies and back is three": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01 10:00
        C2         | P1        | WEXH   | 2024-01-02 10:00
        C3         | P1        | WAMB   | 2024-01-03 10:00
        C4         | P1        | NPOL   | 2024-01-04 10:00
        """,
        """
        contact_id | next_contact_id
        C1         | C2
        C2         | C3
        C3         | C4
        """,
    ),
    "Two people's contacts are none": (
        """
        contact_id | person_id | agency | started_at
        C1         | P1        | NPOL   | 2024-01-01 10:00
        C2         | P2        | WEXH   | 2024-01-02 10:00
        """,
        "contact_id",
    ),
    "Whom the first service passed on is told apart": (
        """
        contact_id | person_id | agency | outcome_group     | crisis | started_at
        C1         | P1        | WAMB   | passed_on         | false  | 2024-01-01 10:00
        C2         | P1        | WEXH   | no_further_action | true   | 2024-01-01 11:00
        C3         | P1        | NPOL   | met               | false  | 2024-01-02 11:00
        """,
        """
        contact_id | passed_on | to_crisis
        C1         | true      | true
        C2         | false     | false
        """,
    ),
}


@pytest.mark.parametrize(("contacts", "expected"), BOUNCES.values(), ids=BOUNCES)
def test_bounces(check, contacts, expected):
    check("journeys.bounces", {"staging.contacts": contacts}, expected)


def test_a_caller_is_never_part_of_the_journey(check):
    check(
        "journeys.spells",
        {
            "accepted.police_incidents": """
            row_number | incident_ref | person_ref | role
            1          | i1           | p1         | caller
            2          | i1           | p2         | subject
            3          | i2           | p1         | subject
            """,
            "linkage.person_index": """
            agency | feed             | person_ref | person_id
            NPOL   | police_incidents | p1         | P1
            NPOL   | police_incidents | p2         | P2
            """,
        },
        """
        person_key | contacts
        P1         | 1
        P2         | 1
        """,
    )


POLICE_THEN_AE = """
contact_id | person_id | feed             | agency | started_at
C1         | P1        | police_incidents | NPOL   | 2024-01-01 10:00
C2         | P1        | ae_attendances   | WEXH   | 2024-01-02 10:00
C3         | P1        | ae_attendances   | WEXH   | 2024-01-30 10:00
"""


def test_police_then_ae_is_not_ae_then_police(check):
    check(
        "journeys.ordered_pairs",
        {"staging.contacts": POLICE_THEN_AE},
        """
        person_key | from_feed        | to_feed        | steps | spells_in_order
        P1         | police_incidents | ae_attendances | 1     | 1
        P1         | ae_attendances   | ae_attendances | 1     | 0
        """,
    )


def test_a_step_is_no_longer_than_the_hand_off_window_and_a_spell_ends_before(check):
    check(
        "journeys.ordered_pairs",
        {
            "staging.contacts": """
            contact_id | person_id | feed             | started_at
            C1         | P1        | police_incidents | 2024-01-01
            C2         | P1        | ae_attendances   | 2024-01-29
            C3         | P2        | police_incidents | 2024-01-01
            C4         | P2        | ae_attendances   | 2024-01-30
            """
        },
        """
        person_key | from_feed        | to_feed        | steps | spells_in_order
        P1         | police_incidents | ae_attendances | 1     | 0
        """,
    )


def test_in_a_spell_the_first_contact_with_each_service_makes_the_order(check):
    check(
        "journeys.ordered_pairs",
        {
            "staging.contacts": """
            contact_id | person_id | feed               | started_at
            C1         | P1        | police_incidents   | 2024-01-01
            C2         | P1        | ae_attendances     | 2024-01-02
            C3         | P1        | police_incidents   | 2024-01-03
            C4         | P1        | social_care_events | 2024-01-04
            """
        },
        """
        from_feed        | to_feed            | steps | spells_in_order
        police_incidents | ae_attendances     | 1     | 1
        ae_attendances   | police_incidents   | 1     | 0
        police_incidents | social_care_events | 1     | 1
        ae_attendances   | social_care_events | 0     | 1
        """,
    )


def test_both_directions_of_a_pair_stand_side_by_side_with_the_band_of_the_draws(check):
    draws = Settings().linkage_draws
    everywhere = "\n".join(f"{draw} | P2 | D1" for draw in range(1, draws + 1))
    check(
        "marts.ordered_pairs",
        {
            "staging.contacts": POLICE_THEN_AE.replace("2024-01-30", "2024-01-03").rstrip()
            + """
            C4         | P2        | police_incidents | NPOL   | 2024-01-01 10:00
            C5         | P2        | ae_attendances   | WEXH   | 2024-01-04 10:00
            C6         | P3        | ae_attendances   | WEXH   | 2024-01-01 10:00
            C7         | P3        | police_incidents | NPOL   | 2024-01-08 10:00
            """,
            # Under every draw the contacts of P2 are two people's.
            "staging.person_scenarios": """
            contact_id | scenario    | person_key
            C1         | central     | P1
            C2         | central     | P1
            C3         | central     | P1
            C4         | central     | P2
            C5         | central     | P2
            C6         | central     | P3
            C7         | central     | P3
            C4         | alternative | D1
            """,
            "staging.person_alternatives": "variant | person_id | person_key\nlow | P1 | L1\n" + everywhere,
        },
        """
        from_feed        | to_feed          | steps | steps_low | steps_high | people | people_low | people_high | median_days | steps_back | spells_in_order | spells_in_reverse | share_in_order
        police_incidents | ae_attendances   | 2     | 1         | 1          | 2      | 1          | 1           | 2           | 1          | 2               | 1                 | 0.6667
        ae_attendances   | police_incidents | 1     | 1         | 1          | 1      | 1          | 1           | 7           | 2          | 1               | 2                 | 0.3333
        ae_attendances   | ae_attendances   | 1     | 1         | 1          | 1      | 1          | 1           | 1           | 1          | 0               | 0                 |
        """,
    )


def test_the_mix_of_agencies_is_counted_switched_and_measured_in_bits(check):
    check(
        "marts.agency_mix",
        {
            "staging.contacts": """
            contact_id | person_id | agency | started_at
            C1         | P1        | NPOL   | 2024-01-01
            C2         | P1        | WEXH   | 2024-01-03
            C3         | P1        | NPOL   | 2024-01-07
            C4         | P1        | WEXH   | 2024-01-13
            C5         | P2        | WEXH   | 2024-01-01
            C6         | P2        | WEXH   | 2024-01-11
            C7         | P3        | WEXH   | 2024-01-01
            """
        },
        """
        person_id | contacts | agencies | agencies_in_90_days | switches | entropy | median_days_between
        P1        | 4        | 2        | 2                   | 3        | 1       | 4
        P2        | 2        | 1        | 1                   | 0        | 0       | 10
        """,
    )


@pytest.mark.parametrize(
    ("last_day", "agencies"),
    [
        pytest.param("2024-03-30 01:00", 3, id="The ninetieth day is in the window"),
        pytest.param("2024-03-31 01:00", 2, id="The day after it is not"),
    ],
)
def test_agencies_are_counted_together_in_90_days(check, last_day, agencies):
    check(
        "marts.agency_mix",
        {
            "staging.contacts": f"""
            contact_id | person_id | agency | started_at
            C1         | P1        | NPOL   | 2024-01-01 23:00
            C2         | P1        | WEXH   | 2024-02-01
            C3         | P1        | LAWX   | {last_day}
            """
        },
        f"agencies | agencies_in_90_days\n3 | {agencies}",
    )


@pytest.mark.parametrize(
    ("days", "burstiness"),
    [
        pytest.param(["2024-01-01", "2024-01-11", "2024-01-21"], "-1", id="Every ten days is regular"),
        # days between 0, 0, 0 and 12: mean 3, standard deviation 3 sqrt(3), so (sqrt(3) - 1) / (sqrt(3) + 1)
        pytest.param(
            ["2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01", "2024-01-13"],
            "0.2679",
            id="All at once is a burst",
        ),
        pytest.param(["2024-01-01", "2024-01-11"], "", id="Two contacts have no rhythm"),
        pytest.param(["2024-01-01", "2024-01-01", "2024-01-01"], "", id="One day has none"),
    ],
)
def test_burstiness(check, days, burstiness):
    contacts = "\n".join(f"C{number} | P1 | {day}" for number, day in enumerate(days))
    check(
        "marts.agency_mix",
        {"staging.contacts": "contact_id | person_id | started_at\n" + contacts},
        f"contacts | burstiness\n{len(days)} | {burstiness}",
    )


def test_who_is_put_in_and_who_is_taken_out_under_a_variant(check):
    check(
        "staging.person_changes",
        {
            "staging.person_alternatives": """
            variant | person_id | person_key
            low     | P1        | L1
            low     | P2        | L1
            7       | P1        | D1
            7       | P1        | D2
            """
        },
        """
        variant | scenario    | person_key | sign
        low     | central     | P1         | -1
        low     | central     | P2         | -1
        low     | alternative | L1         | 1
        7       | central     | P1         | -1
        7       | alternative | D1         | 1
        7       | alternative | D2         | 1
        """,
    )
