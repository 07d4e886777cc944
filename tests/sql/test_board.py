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
        month   | feed_label   | group_label      | arrived | contacts | people
        2024-01 | A&E          | Everybody        | true    | 3        | 2
        2024-01 | A&E          | People who cycle | true    | 2        | 1
        2024-02 | A&E          | Everybody        | false   |          |
        2024-02 | A&E          | People who cycle | false   |          |
        2024-01 | Police       | Everybody        | true    | 0        | 0
        2024-01 | Police       | People who cycle | true    | 0        | 0
        2024-01 | All services | Everybody        | true    | 3        | 2
        2024-01 | All services | People who cycle | true    | 2        | 1
        2024-02 | All services | Everybody        | false   |          |
        2024-02 | All services | People who cycle | false   |          |
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
        month   | feed_label   | group_label      | arrived | contacts
        2024-01 | A&E          | Everybody        | true    | 1
        2024-01 | A&E          | People who cycle | true    | 0
        2024-02 | A&E          | Everybody        | false   |
        2024-02 | A&E          | People who cycle | false   |
        2024-01 | All services | Everybody        | true    | 1
        2024-01 | All services | People who cycle | true    | 0
        2024-02 | All services | Everybody        | false   |
        2024-02 | All services | People who cycle | false   |
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


MISSED = """
scenario    | person_key | spell_id | first_missed_door_contact_id | first_missed_door_feed | first_missed_door_agency
central     | P1         | S1       | C1                           | social_care_events     | LAWX
central     | P1         | S2       | C2                           | social_care_events     | LAWX
central     | P2         | S3       | C3                           | social_care_events     | LAWX
central     | P2         | S4       | C4                           | police_incidents       | NPOL
central     | P3         | S5       |                              |                        |
alternative | H1         | S3       | C3                           | social_care_events     | LAWX
"""
MISSED_SPELLS = """
scenario    | person_key | spell_id | need
central     | P1         | S1       | dementia
central     | P1         | S2       | dementia
central     | P2         | S3       | dementia
central     | P2         | S4       | dementia
central     | P3         | S5       | dementia
alternative | H1         | S3       | dementia
"""


def test_first_missed_doors_are_counted_by_need_service_and_district_with_all_totals(check):
    check(
        "board.first_missed_doors",
        {
            "reference.areas": "lsoa | ward | ward_name | district | district_name\nL1 | W1 | Abbey | D1 | Eastlow",
            "staging.contacts": """
            contact_id | person_id | lsoa
            C1         | P1        | L1
            C2         | P1        |
            C3         | P2        | L1
            C4         | P2        | L1
            """,
            "journeys.first_doors": MISSED,
            "journeys.spells": MISSED_SPELLS,
            "staging.person_changes": "variant | scenario | person_key | sign",
        },
        """
        need_label             | door_label        | district_label         | spells | people | agencies
        Dementia and confusion | Adult social care | Eastlow                | 2      | 2      | 1
        Dementia and confusion | Adult social care | Elsewhere or not known | 1      | 1      | 1
        Dementia and confusion | Adult social care | Whole partnership      | 3      | 2      | 1
        Dementia and confusion | Police            | Eastlow                | 1      | 1      | 1
        Dementia and confusion | Police            | Whole partnership      | 1      | 1      | 1
        Dementia and confusion | All services      | Eastlow                | 3      | 2      | 2
        Dementia and confusion | All services      | Elsewhere or not known | 1      | 1      | 1
        Dementia and confusion | All services      | Whole partnership      | 4      | 2      | 2
        All needs              | Adult social care | Eastlow                | 2      | 2      | 1
        All needs              | Adult social care | Elsewhere or not known | 1      | 1      | 1
        All needs              | Adult social care | Whole partnership      | 3      | 2      | 1
        All needs              | Police            | Eastlow                | 1      | 1      | 1
        All needs              | Police            | Whole partnership      | 1      | 1      | 1
        All needs              | All services      | Eastlow                | 3      | 2      | 2
        All needs              | All services      | Elsewhere or not known | 1      | 1      | 1
        All needs              | All services      | Whole partnership      | 4      | 2      | 2
        """,
    )


def test_the_band_of_a_missed_door_is_the_middle_of_the_draws_in_which_somebody_is_another(check):
    # In 50 of the 100 draws P2 is another set of records, H1, whose spell with the police does not come to a crisis.
    changes = [
        f"{draw} | {scenario} | {person} | {sign}"
        for draw in range(1, 51)
        for scenario, person, sign in (("central", "P2", -1), ("alternative", "H1", 1))
    ]
    check(
        "board.first_missed_doors",
        {
            "reference.areas": "lsoa | ward | ward_name | district | district_name\nL1 | W1 | Abbey | D1 | Eastlow",
            "staging.contacts": """
            contact_id | person_id | lsoa
            C1         | P1        | L1
            C2         | P1        | L1
            C3         | P2        | L1
            C4         | P2        | L1
            """,
            "journeys.first_doors": MISSED,
            "journeys.spells": MISSED_SPELLS,
            "staging.person_changes": "\n".join(["variant | scenario | person_key | sign", *changes]),
        },
        "\n".join(
            [
                "need_label | door_label | district_label | spells | spells_low | spells_high",
                *(
                    f"{need} | {door} | {district} | {spells} | {low} | {spells}"
                    for need in ("Dementia and confusion", "All needs")
                    for district in ("Eastlow", "Whole partnership")
                    for door, spells, low in (("Adult social care", 3, 3), ("Police", 1, 0), ("All services", 4, 3))
                ),
            ]
        ),
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
        month   | feed_label   | group_label      | arrived | contacts
        2024-01 | A&E          | Everybody        | true    | 0
        2024-01 | A&E          | People who cycle | true    | 0
        2024-02 | A&E          | Everybody        | false   |
        2024-02 | A&E          | People who cycle | false   |
        2024-01 | All services | Everybody        | true    | 0
        2024-01 | All services | People who cycle | true    | 0
        2024-02 | All services | Everybody        | false   |
        2024-02 | All services | People who cycle | false   |
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
