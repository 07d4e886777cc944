"""People whom the marts hand back to linkage, because no one person can have been all that their records say."""

INDEX = """
    agency | feed               | person_ref | person_id | records | in_review
    WEXH   | ae_attendances     | a1         | P1        | 2       | false
    NPOL   | police_incidents   | b1         | P1        | 2       | false
    WEXH   | ae_attendances     | a2         | P2        | 2       | false
    EAST   | ae_attendances     | e2         | P2        | 2       | false
"""


def test_a_contact_after_the_month_of_death_is_handed_back_if_another_client_had_it(check):
    check(
        "marts.people_to_review",
        {
            "linkage.person_index": INDEX,
            "accepted.attributes": """
                agency | feed             | person_ref | death_month
                NPOL   | police_incidents | b1         | 2024-03
                WEXH   | ae_attendances   | a2         | 2024-03
            """,
            "staging.contact_rows": """
                contact_id | person_id | agency | feed           | person_ref | kind          | started_at       | time_known
                C1         | P1        | WEXH   | ae_attendances | a1         | ae_attendance | 2024-04-01 10:00 | true
                C2         | P2        | WEXH   | ae_attendances | a2         | ae_attendance | 2024-04-01 10:00 | true
            """,
        },
        """
        person_id | reason
        P1        | contact_after_death
        """,
    )


def test_a_contact_in_the_month_of_death_is_not_handed_back(check):
    check(
        "marts.people_to_review",
        {
            "linkage.person_index": INDEX,
            "accepted.attributes": """
                agency | feed             | person_ref | death_month
                NPOL   | police_incidents | b1         | 2024-04
            """,
            "staging.contact_rows": """
                contact_id | person_id | agency | feed           | person_ref | kind          | started_at       | time_known
                C1         | P1        | WEXH   | ae_attendances | a1         | ae_attendance | 2024-04-30 10:00 | true
            """,
        },
        "person_id | reason",
    )


def test_an_hour_in_two_departments_at_once_is_handed_back(check):
    check(
        "marts.people_to_review",
        {
            "linkage.person_index": INDEX,
            "accepted.attributes": "agency | feed | person_ref",
            "staging.contact_rows": """
                contact_id | person_id | agency | feed           | person_ref | team | kind          | started_at       | ended_at         | time_known
                C1         | P2        | WEXH   | ae_attendances | a2         | A    | ae_attendance | 2024-04-01 10:00 | 2024-04-01 14:00 | true
                C2         | P2        | EAST   | ae_attendances | e2         | E    | ae_attendance | 2024-04-01 13:00 | 2024-04-01 18:00 | true
            """,
        },
        """
        person_id | reason
        P2        | two_stays_at_once
        """,
    )


def test_a_transfer_between_departments_is_not_handed_back(check):
    check(
        "marts.people_to_review",
        {
            "linkage.person_index": INDEX,
            "accepted.attributes": "agency | feed | person_ref",
            "staging.contact_rows": """
                contact_id | person_id | agency | feed           | person_ref | team | kind          | started_at       | ended_at         | time_known
                C1         | P2        | WEXH   | ae_attendances | a2         | A    | ae_attendance | 2024-04-01 10:00 | 2024-04-01 14:00 | true
                C2         | P2        | EAST   | ae_attendances | e2         | E    | ae_attendance | 2024-04-01 13:30 | 2024-04-01 18:00 | true
            """,
        },
        "person_id | reason",
    )


def test_age_bands_that_do_not_touch_in_one_month_are_handed_back(check):
    check(
        "marts.people_to_review",
        {
            "linkage.person_index": INDEX,
            "accepted.attributes": """
                agency | feed             | person_ref | period  | age_band
                WEXH   | ae_attendances   | a1         | 2024-01 | 18-24
                NPOL   | police_incidents | b1         | 2024-01 | 45-64
                WEXH   | ae_attendances   | a2         | 2024-01 | 18-24
                EAST   | ae_attendances   | e2         | 2024-01 | 25-44
            """,
            "staging.contact_rows": "contact_id | person_id",
        },
        """
        person_id | reason
        P1        | ages_apart
        """,
    )
