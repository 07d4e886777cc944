"""The board's tables before disclosure control."""

HEADLINES = """
headline_id                          | position | unit     | part                                 | whole
people_seen                          | 1        | people   |                                      |
people_who_cycle                     | 4        | people   | people_who_cycle                     | people_seen
ae_stays                             |          | contacts |                                      |
ae_stays_12_hours                    | 6        | contacts | ae_stays_12_hours                    | ae_stays
police_hospital_waits                | 8        | minutes  |                                      |
earlier_opportunities_before_crisis  | 10       | contacts | complete_opportunities_before_crisis | complete_opportunities
complete_opportunities               |          | contacts |                                      |
complete_opportunities_before_crisis |          | contacts |                                      |
"""


def test_headlines_carry_the_middle_of_their_draws_rounded_outwards_and_may_lie_outside(check):
    # Of 101 draws the middle 95 % goes from between the third and fourth to between the third and fourth from the end.
    draws = [f"people_who_cycle | {i + 1} | {30 + i} | {300 + 10 * i} | | {30 + i}" for i in range(101)]
    check(
        "board.headlines",
        {
            "journeys.headlines": HEADLINES,
            "journeys.headline_variants": "\n".join(
                [
                    "headline_id           | variant | people | contacts | minutes | value",
                    "people_who_cycle      | central | 20     | 200      |         | 20",
                    "people_who_cycle      | low     | 25     | 230      |         | 25",
                    "police_hospital_waits | central | 9      | 30       | 900     | 900",
                    "police_hospital_waits | 1       | 9      | 30       | 900     | 900",
                    *draws,
                ]
            ),
        },
        """
        position | headline_id           | unit    | people | people_low | people_high | contacts | contacts_low | contacts_high | minutes
        4        | people_who_cycle      | people  | 20     | 32         | 128         | 200      | 325          | 1275          |
        8        | police_hospital_waits | minutes | 9      | 9          | 9           | 30       | 30           | 30            | 900
        """,
    )


def test_a_headline_has_the_counts_that_its_share_is_worked_out_from(check):
    figures = {
        "people_seen": (90, 500),
        "people_who_cycle": (20, 200),
        "ae_stays": (2, 3),
        "ae_stays_12_hours": (1, 1),
        "earlier_opportunities_before_crisis": (2, 3),
        "complete_opportunities": (2, 3),
        "complete_opportunities_before_crisis": (1, 2),
    }
    rows = [
        f"{headline_id} | {variant} | {people} | {contacts}"
        for headline_id, (people, contacts) in figures.items()
        for variant in ("central", "1")
    ]
    check(
        "board.headlines",
        {
            "journeys.headlines": HEADLINES,
            "journeys.headline_variants": "\n".join(["headline_id | variant | people | contacts", *rows]),
        },
        """
        headline_id                         | people_in_base | people_base | contacts_in_base | contacts_base
        people_seen                         |                |             |                  |
        people_who_cycle                    | 20             | 90          | 200              | 500
        ae_stays_12_hours                   | 1              | 2           | 1                | 3
        earlier_opportunities_before_crisis | 1              | 2           | 2                | 3
        """,
    )


def test_a_month_that_did_not_arrive_has_no_figures_rather_than_zero(check):
    check(
        "board.monthly_contacts",
        {
            "marts.data_quality": """
            period  | feed             | measure          | rows
            2024-01 | ae_attendances   | accepted         | 3
            2024-02 | ae_attendances   | missing_delivery | 1
            2024-01 | police_incidents | accepted         | 0
            """,
            "marts.contacts": """
            contact_id | person_id | feed           | started_at
            C1         | P1        | ae_attendances | 2024-01-01
            C2         | P1        | ae_attendances | 2024-01-31
            C3         | P2        | ae_attendances | 2024-01-05
            C4         | P2        | ae_attendances | 2024-02-01
            C5         | P2        | ae_attendances | 2023-12-31
            """,
            "marts.cycling_people": """
            person_id | definition_id
            P1        | cross_agency_cycle
            P2        | ae_5_in_year
            """,
        },
        """
        month   | feed_label | arrived | contacts | people | contacts_of_people_who_cycle | people_who_cycle
        2024-01 | A&E        | true    | 3        | 2      | 2                            | 1
        2024-02 | A&E        | false   |          |        |                              |
        2024-01 | Police     | true    | 0        | 0      | 0                            | 0
        """,
    )


def test_a_month_without_one_agency_of_a_feed_has_no_figures_for_the_feed(check):
    check(
        "board.monthly_contacts",
        {
            "marts.data_quality": """
            period  | feed           | agency | measure          | rows
            2024-01 | ae_attendances | WEXH    | accepted         | 3
            2024-01 | ae_attendances | RWY    | accepted         | 2
            2024-02 | ae_attendances | WEXH    | accepted         | 3
            2024-02 | ae_attendances | RWY    | missing_delivery | 1
            """,
            "marts.contacts": """
            contact_id | person_id | feed           | started_at
            C1         | P1        | ae_attendances | 2024-01-01
            C2         | P1        | ae_attendances | 2024-02-01
            """,
        },
        """
        month   | feed_label | arrived | contacts
        2024-01 | A&E        | true    | 1
        2024-02 | A&E        | false   |
        """,
    )


def test_handoffs_between_agencies_are_counted_by_pair_and_by_whether_the_need_was_kept(check):
    check(
        "board.handoffs",
        {
            "marts.handoffs": """
            contact_id | person_id | from_feed        | to_feed        | between_agencies | same_need | days_between
            C1         | P1        | police_incidents | ae_attendances | true             | true      | 1
            C2         | P1        | police_incidents | ae_attendances | true             | true      | 4
            C3         | P2        | police_incidents | ae_attendances | true             | true      | 5
            C4         | P2        | police_incidents | ae_attendances | true             | false     | 2
            C5         | P2        | ae_attendances   | ae_attendances | false            | true      | 2
            """
        },
        """
        from_label | to_label | need_kept    | handoffs | people | median_days
        Police     | A&E      | Same need    | 3        | 2      | 4
        Police     | A&E      | Another need | 1        | 1      | 2
        """,
    )


def test_first_missed_doors_are_counted_by_need_and_service(check):
    check(
        "board.first_missed_doors",
        {
            "marts.spells": """
            spell_id | person_id | need     | first_missed_door_feed | first_missed_door_contact_id
            S1       | P1        | dementia | social_care_events     | C1
            S2       | P1        | dementia | social_care_events     | C2
            S3       | P2        | dementia | social_care_events     | C3
            S4       | P2        | dementia | police_incidents       | C4
            S5       | P3        | dementia |                        |
            S6       | P3        | crime    | police_incidents       | C6
            """
        },
        """
        need_label             | door_label        | spells | people
        Dementia and confusion | Adult social care | 3      | 2
        Dementia and confusion | Police            | 1      | 1
        Crime and disorder     | Police            | 1      | 1
        """,
    )


def test_a_month_that_came_in_part_is_not_missing_and_has_no_figures(check):
    check(
        "board.monthly_contacts",
        {
            "marts.data_quality": """
            period  | feed           | measure          | rows
            2024-01 | ae_attendances | accepted         | 3
            2024-02 | ae_attendances | accepted         | 1
            2024-02 | ae_attendances | partial_delivery | 1
            """,
            "marts.contacts": """
            contact_id | person_id | feed           | started_at
            C1         | P1        | ae_attendances | 2024-02-01
            """,
        },
        """
        month   | arrived | contacts
        2024-01 | true    | 0
        2024-02 | false   |
        """,
    )


def test_feed_health_names_months_that_came_in_part(check):
    check(
        "board.feed_health",
        {
            "reference.feeds": "feed | label | expected\nae_attendances | A&E | true",
            "accepted.deliveries": """
            agency | feed           | period  | partial_until
            WEXH   | ae_attendances | 2024-01 |
            WEXH   | ae_attendances | 2024-03 | 2024-03-09
            """,
        },
        """
        first_month | last_month | missing_months | partial_months
        2024-01     | 2024-03    | 2024-02        | 2024-03
        """,
    )


def test_a_month_is_missing_though_no_other_feed_sent_it_either_and_though_it_came_and_was_refused(check):
    check(
        "board.feed_health",
        {
            "accepted.deliveries": """
            agency | feed             | period  | status   | received_people | received_activity | refused_activity
            WEXH    | ae_attendances   | 2024-01 | accepted | 40              | 60                | 2
            WEXH    | ae_attendances   | 2024-02 | accepted | 50              | 70                | 0
            WEXH    | ae_attendances   | 2024-04 | refused  | 50              | 70                | 0
            NPOL   | police_incidents | 2024-04 | refused  | 9               | 9                 | 9
            """
        },
        """
        feed_label        | agency | first_month | last_month | missing_months                     | people | received | refused
        A&E               | WEXH    | 2024-01     | 2024-02    | 2024-03, 2024-04                   | 50     | 130      | 2
        Police            | NPOL   |             |            | 2024-01, 2024-02, 2024-03, 2024-04 | 0      | 0        | 0
        Adult social care |        |             |            | 2024-01, 2024-02, 2024-03, 2024-04 | 0      | 0        | 0
        """,
    )
