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


EVERY_MONTH = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]
AFTER_A_CRISIS = {
    "P1": ("2024-01-01", "2024-12-31"),  # 365 days later
    "P2": ("2024-01-01", "2025-01-01"),  # 366
    "P3": ("2024-01-01", "2024-01-28"),  # 27
    "P4": ("2024-01-01", "2024-01-29"),  # 28
    "P5": ("2024-12-31",),  # the 365th day after it is the last in the records
    "P6": ("2025-01-01",),
    "P7": ("2024-01-01",),  # dies in the year after it
}


def followed(missing: str = "") -> dict[str, str]:
    """What outcomes are made of; missing: a month for which a service sent nothing."""
    crises = [(person, day) for person, days in AFTER_A_CRISIS.items() for day in days]
    return {
        "staging.contacts": "\n".join(
            [
                "contact_id | person_id | started_at | crisis",
                *(f"C{number} | {person} | {day} 10:00 | true" for number, (person, day) in enumerate(crises)),
            ]
        ),
        "staging.person_attributes": "scenario | person_key | death_month\ncentral | P7 | 2024-06",
        "staging.months": "\n".join(["period", *EVERY_MONTH]),
        "staging.slots": "\n".join(
            ["feed | agency | period | arrived"]
            + [f"ae_attendances | WEXH | {month} | {str(month != missing).lower()}" for month in EVERY_MONTH]
        ),
    }


def everywhere(*outcomes: str) -> str:
    """Rows of outcome, people and days free of crises, for the need and the place and for the totals of both."""
    return "\n".join(
        ["need_label | district_label | outcome_label | people | crisis_free_days"]
        + [
            f"{need} | {place} | {outcome}"
            for need in ("Frailty and falls", "All needs")
            for place in ("Elsewhere or not known", "Whole partnership")
            for outcome in outcomes
        ]
    )


def test_the_next_crisis_counts_to_the_365th_day_and_is_a_new_spell_from_the_28th(check):
    check(
        "board.outcomes",
        followed(),
        everywhere(
            "No crisis for a year        | 2 | 365",
            "Again within 28 days        | 1 | 364",
            "Again after 28 days or more | 2 | 364",
            "Everybody followed          | 5 | 364.4",
        ),
    )


def test_nobody_is_followed_through_a_month_that_is_not_in_the_records(check):
    check(
        "board.outcomes",
        followed(missing="2024-06"),
        everywhere("No crisis for a year | 1 | 365", "Everybody followed | 1 | 365"),
    )


def test_ae_stays_are_counted_by_age_and_length_however_long_and_also_without_an_end(check):
    check(
        "board.ae_waits",
        {
            "marts.people": "person_id | age_band\nP1 | 85+\nP2 |",
            "marts.waits": """
            contact_id | person_id | agency | wait_kind            | minutes | over_4_hours | over_12_hours | over_24_hours
            C1         | P1        | WEXH   | ae_stay              | 240     | false        | false         | false
            C2         | P1        | WEXH   | ae_stay              | 241     | true         | false         | false
            C3         | P1        | WEXH   | ae_stay              | 4000    | true         | true          | true
            C4         | P2        | WEXH   | ae_stay              |         |              |               |
            C5         | P2        | NPOL   | police_hospital_wait | 600     | true         | false         | false
            """,
        },
        """
        age_label | wait_label       | stays | people | minutes | agencies
        85+       | Up to 4 hours    | 1     | 1      | 240     | 1
        85+       | 4 to 12 hours    | 1     | 1      | 241     | 1
        85+       | 24 hours or more | 1     | 1      | 4000    | 1
        85+       | All stays        | 3     | 1      | 4481    | 1
        Not known | Not known        | 1     | 1      | 0       | 1
        Not known | All stays        | 1     | 1      | 0       | 1
        All ages  | Up to 4 hours    | 1     | 1      | 240     | 1
        All ages  | 4 to 12 hours    | 1     | 1      | 241     | 1
        All ages  | 24 hours or more | 1     | 1      | 4000    | 1
        All ages  | Not known        | 1     | 1      | 0       | 1
        All ages  | All stays        | 4     | 2      | 4481    | 1
        """,
    )


def test_police_demand_says_who_attended_and_who_saw_the_person_and_whose_records_tell(check):
    check(
        "board.police_demand",
        {
            "staging.contacts": "contact_id | person_id | agency\nC9 | P1 | WEXH",
            "marts.policification": """
            contact_id | person_id | agency | need          | deployed | moved | ended_with      | staff_minutes | seen_contact_id | window_complete
            C1         | P1        | NPOL   | mental_health | true     | false | another_service | 60            | C9              | true
            C2         | P2        | NPOL   | mental_health | false    | true  | police          |               |                 | true
            C3         | P2        | NPOL   | mental_health | false    | true  | police          |               |                 | false
            """,
        },
        "\n".join(
            [
                "need_label | attended_label | seen_label | contacts | people | minutes | agencies",
                *(
                    f"{need} | {attended}"
                    for need in ("Mental health", "All needs")
                    for attended in (
                        "Attended           | Seen by another service | 1 | 1 | 60 | 2",
                        "Attended           | Seen or not             | 1 | 1 | 60 | 2",
                        "No longer attended | Ended with the police   | 1 | 1 | 0  | 1",
                        "No longer attended | Seen or not             | 1 | 1 | 0  | 1",
                        "All contacts       | Seen by another service | 1 | 1 | 60 | 2",
                        "All contacts       | Ended with the police   | 1 | 1 | 0  | 1",
                        "All contacts       | Seen or not             | 2 | 2 | 60 | 2",
                    )
                ),
            ]
        ),
    )


def test_ways_on_are_the_first_three_services_of_spells_that_met_two(check):
    check(
        "board.ways_on",
        {
            "staging.contacts": """
            contact_id | person_id | agency | feed                | started_at
            C1         | P1        | NPOL   | police_incidents    | 2024-01-01 10:00
            C2         | P1        | NPOL   | police_incidents    | 2024-01-02 10:00
            C3         | P1        | WEXH   | ae_attendances      | 2024-01-03 10:00
            C4         | P1        | LAWX   | social_care_events  | 2024-01-04 10:00
            C5         | P1        | NPOL   | police_incidents    | 2024-01-05 10:00
            C6         | P2        | WEXH   | ae_attendances      | 2024-01-01 10:00
            C7         | P2        | NPOL   | police_incidents    | 2024-01-28 10:00
            C8         | P3        | WEXH   | ae_attendances      | 2024-01-01 10:00
            C9         | P3        | NPOL   | police_incidents    | 2024-01-29 10:00
            """,
        },
        """
        first_label | second_label | third_label       | spells | people | agencies
        Police      | A&E          | Adult social care | 1      | 1      | 3
        A&E         | Police       | Nobody else       | 1      | 1      | 2
        """,
    )


def test_ward_needs_has_every_ward_district_and_total_and_contacts_without_an_area(check):
    check(
        "board.ward_needs",
        {
            "reference.areas": "lsoa | ward | ward_name | district | district_name\nL1 | W1 | Abbey | D1 | Eastlow",
            "staging.contacts": """
            contact_id | person_id | need     | lsoa
            C1         | P1        | dementia | L1
            C2         | P1        | dementia |
            """,
        },
        "\n".join(
            [
                "need_label | district_label | ward_label | contacts | people",
                *(
                    f"{need} | {place}"
                    for need in ("Dementia and confusion", "All needs")
                    for place in (
                        "Eastlow                | Abbey                  | 1 | 1",
                        "Eastlow                | All wards              | 1 | 1",
                        "Elsewhere or not known | Elsewhere or not known | 1 | 1",
                        "Elsewhere or not known | All wards              | 1 | 1",
                        "Whole partnership      | All wards              | 2 | 1",
                    )
                ),
            ]
        ),
    )
