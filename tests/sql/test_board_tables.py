"""Board tables before disclosure control: each on a handful of rows that a person can count through."""

AREAS = """
lsoa | ward | ward_name | district | district_name | residents
L1   | W1   | Abbey     | D1       | Eastlow       | 1000
L2   | W2   | Bridge    | D1       | Eastlow       | 500
L3   | W3   | Canal     | D2       | Uplands       | 2000
"""
UNIT_COSTS = """
cost_code | label          | unit    | bearer | low | central | high | price_year
ae        | A&E attendance | contact | nhs    | 100 | 200     | 300  | 2023-24
police    | Police call    | contact | police |     | 50      |      | 2022-23
officer   | Officer time   | hour    | police |     | 40      |      | 2022-23
unknown   | Request        | contact | council |    |         |      | 2023-24
"""


def draws(*rows: str) -> str:
    """Changes of 100 draws, of which the first 50 have each row: scenario | person | sign."""
    return "\n".join(
        ["variant | scenario | person_key | sign", *(f"{draw} | {row}" for draw in range(1, 51) for row in rows)]
    )


def test_an_incident_of_two_people_is_a_contact_of_each_and_costs_once(check):
    check(
        "board.costs",
        {
            "staging.contacts": """
            contact_id | person_id | agency
            C1         | P1        | NPOL
            C2         | P2        | NPOL
            C3         | P1        | WEXH
            C4         | P1        | LAWX
            C5         | P1        | NPOL
            """,
            "journeys.contact_costs": """
            contact_id | cost_code | quantity | low | central | high
            C1         | police    | 0.5      |     | 25      |
            C2         | police    | 0.5      |     | 25      |
            C3         | ae        | 1        | 100 | 200     | 300
            C4         | unknown   | 1        |     |         |
            C5         | officer   | 2        |     | 80      |
            """,
            "marts.unit_costs": UNIT_COSTS,
            "marts.cycling_people": "person_id | definition_id\nP1 | cross_agency_cycle\nP2 | ae_5_in_year",
            "marts.costs": """
            cost_group       | cost_code | contacts | contacts_low | contacts_high
            everybody        | police    | 2        | 2            | 2
            everybody        | ae        | 1        | 1            | 1
            people_who_cycle | police    | 1        | 0            | 2
            people_who_cycle | ae        | 1        | 1            | 1
            """,
        },
        """
        group_label      | cost_label     | bearer_label | pounds_low | pounds | pounds_high | price_year | contacts | contacts_low | contacts_high | units | people | agencies
        Everybody        | Police call    | police       |            | 50     |             | 2022-23    | 2        | 2            | 2             | 1     | 2      | 1
        Everybody        | A&E attendance | nhs          | 100        | 200    | 300         | 2023-24    | 1        | 1            | 1             | 1     | 1      | 1
        People who cycle | Police call    | police       |            | 50     |             | 2022-23    | 1        | 0            | 2             | 1     | 1      | 1
        People who cycle | A&E attendance | nhs          | 100        | 200    | 300         | 2023-24    | 1        | 1            | 1             | 1     | 1      | 1
        """,
    )


def test_an_offer_answers_only_while_it_lasts_where_it_is_and_when_it_is_open(check):
    # The offer is in Abbey, from nine to five, and ends with January.
    check(
        "board.offers",
        {
            "reference.areas": AREAS,
            "staging.months": "period\n2024-01\n2024-02",
            "reference.offers": """
            offer_id | label          | rule_ids | priority | areas | weekdays                    | opens | closes | valid_from | valid_to   | capacity_per_month
            reable   | Help at home   | MO1      | 1        | W1    | Mon;Tue;Wed;Thu;Fri;Sat;Sun | 09:00 | 17:00  | 2024-01-01 | 2024-01-31 | 30
            """,
            "staging.contacts": """
            contact_id | person_id | agency | started_at       | lsoa
            C1         | P1        | WEXH   | 2024-01-31 16:59 | L1
            C2         | P1        | WEXH   | 2024-02-01 09:00 | L1
            C3         | P2        | WEXH   | 2024-01-31 17:00 | L1
            C4         | P2        | NPOL   | 2024-01-31 10:00 | L2
            C5         | P3        | NPOL   | 2024-01-31 10:00 |
            C6         | P3        | NPOL   | 2024-01-31 10:00 | L1
            """,
            "opportunities.mo1": """
            scenario | person_key | rule_id | contact_id | role       | at               | lsoa
            central  | P1         | MO1     | C1         | signal     | 2024-01-31 16:59 | L1
            central  | P1         | MO1     | C2         | signal     | 2024-02-01 09:00 | L1
            central  | P2         | MO1     | C3         | signal     | 2024-01-31 17:00 | L1
            central  | P2         | MO1     | C4         | signal     | 2024-01-31 10:00 | L2
            central  | P3         | MO1     | C5         | signal     | 2024-01-31 10:00 |
            central  | P3         | MO1     | C6         | comparison | 2024-01-31 10:00 | L1
            """,
        },
        """
        offer_label  | there_label       | places_a_month | months | signals | people | agencies
        Help at home | There and open    | 30             | 2      | 1       | 1      | 1
        Help at home | Not at that time  | 30             | 2      | 1       | 1      | 1
        Help at home | There and closed  | 30             | 2      | 1       | 1      | 1
        Help at home | Not in that place | 30             | 2      | 1       | 1      | 1
        Help at home | Place not known   | 30             | 2      | 1       | 1      | 1
        Help at home | All signals       | 30             | 2      | 5       | 3      | 2
        """,
    )


def test_a_contact_that_two_rules_see_is_one_that_the_offer_could_have_answered_also_in_its_band(check):
    # In half of the draws P1 is H1 together with somebody else, and one contact of the two is no signal of either rule.
    check(
        "board.offers",
        {
            "reference.offers": "offer_id | label | capacity_per_month\nreable | Help at home |",
            "staging.months": "period\n2024-01",
            "staging.contacts": "contact_id | person_id\nC1 | P1\nC2 | P1",
            "opportunities.offers": """
            rule_id | contact_id | offer_id | availability
            MO1     | C1         | reable   | there
            MO2     | C1         | reable   | there
            MO1     | C2         | reable   | there
            """,
            "opportunities.candidates": """
            scenario    | person_key | rule_id | contact_id | role
            central     | P1         | MO1     | C1         | signal
            central     | P1         | MO2     | C1         | signal
            central     | P1         | MO1     | C2         | signal
            alternative | H1         | MO1     | C1         | signal
            alternative | H1         | MO2     | C1         | signal
            """,
            "staging.person_changes": draws("central | P1 | -1", "alternative | H1 | 1"),
        },
        """
        offer_label  | there_label    | places_a_month | signals | signals_low | signals_high | people | people_low | people_high
        Help at home | There and open |                | 2       | 1           | 2            | 1      | 1          | 1
        Help at home | All signals    |                | 2       | 1           | 2            | 1      | 1          | 1
        """,
    )


def test_a_signal_counts_beside_contacts_like_it_and_only_if_its_whole_window_is_in_the_records(check):
    # In half of the draws P1 is another set of records, H1, whom no crisis followed.
    check(
        "board.opportunities",
        {
            "staging.contacts": """
            contact_id | person_id | agency
            C1         | P1        | LAWX
            C2         | P2        | LAWX
            C3         | P2        | LAWX
            C4         | P3        | NPOL
            """,
            "opportunities.candidates": """
            scenario    | person_key | rule_id | contact_id | role       | followed_by_crisis | window_complete
            central     | P1         | MO1     | C1         | signal     | true               | true
            central     | P2         | MO1     | C2         | signal     | false              | true
            central     | P2         | MO1     | C3         | signal     | true               | false
            central     | P3         | MO1     | C4         | comparison | false              | true
            alternative | H1         | MO1     | C1         | signal     | false              | true
            """,
            "staging.person_changes": draws("central | P1 | -1", "alternative | H1 | 1"),
        },
        """
        rule_label                                                      | sign_label                  | followed_label     | contacts | contacts_low | contacts_high | people | agencies
        MO1: A request to social care that ended with advice or nothing | With the sign               | A crisis followed  | 1        | 0            | 1             | 1      | 1
        MO1: A request to social care that ended with advice or nothing | With the sign               | No crisis followed | 1        | 1            | 2             | 1      | 1
        MO1: A request to social care that ended with advice or nothing | With the sign               | All contacts       | 2        | 2            | 2             | 2      | 1
        MO1: A request to social care that ended with advice or nothing | Like them, without the sign | No crisis followed | 1        | 1            | 1             | 1      | 1
        MO1: A request to social care that ended with advice or nothing | Like them, without the sign | All contacts       | 1        | 1            | 1             | 1      | 1
        """,
    )


def test_ward_crises_are_of_months_that_all_services_sent_and_a_ward_without_any_has_none(check):
    # Of January (31 days) one service sent nothing; February 2024 has 29 days.
    check(
        "board.ward_crises",
        {
            "reference.areas": AREAS,
            "staging.slots": """
            feed             | agency | period  | arrived
            ae_attendances   | WEXH   | 2024-01 | true
            police_incidents | NPOL   | 2024-01 | false
            ae_attendances   | WEXH   | 2024-02 | true
            police_incidents | NPOL   | 2024-02 | true
            """,
            "staging.contacts": """
            contact_id | person_id | agency | period  | crisis | lsoa
            C1         | P1        | WEXH   | 2024-02 | true   | L1
            C2         | P1        | NPOL   | 2024-02 | true   | L1
            C3         | P1        | WEXH   | 2024-02 | true   | L2
            C4         | P2        | WEXH   | 2024-01 | true   | L1
            C5         | P2        | WEXH   | 2024-02 | false  | L1
            C6         | P2        | WEXH   | 2024-02 | true   |
            """,
        },
        """
        ward | ward_label | district_label | resident_years | crisis_contacts | people | agencies
        W1   | Abbey      | Eastlow        | 79             | 2               | 1      | 2
        W2   | Bridge     | Eastlow        | 40             | 1               | 1      | 1
        W3   | Canal      | Uplands        | 159            | 0               | 0      | 0
        """,
    )


def test_concentration_is_in_people_and_contacts_and_a_part_too_small_to_tell_is_left_out(check):
    check(
        "board.concentration",
        {
            "staging.contacts": "contact_id | agency\nC1 | WEXH\nC2 | NPOL",
            "marts.concentration": """
            measure        | top_percent | people | contacts | share | share_low | share_high | share_by_chance
            all            | 1           | 200    | 1000     | 0.1   | 0.0951    | 0.1049     | 0.02
            all            | 5           | 200    | 1000     |       |           |            |
            ae_attendances | 1           | 80     | 300      | 0.2   | 0.2       | 0.2        | 0.1
            """,
        },
        """
        part_label | people | contacts | contacts_low | contacts_high | contacts_by_chance | agencies
        Top 1 %    | 2      | 100      | 95           | 105           | 20                 | 2
        Everybody  | 200    | 1000     | 1000         | 1000          | 1000               | 2
        """,
    )


def test_somebody_seen_in_two_districts_is_one_person_of_each_and_one_of_the_whole(check):
    check(
        "board.district_contacts",
        {
            "reference.areas": AREAS,
            "marts.data_quality": """
            period  | feed             | measure          | rows
            2024-01 | ae_attendances   | accepted         | 3
            2024-02 | ae_attendances   | accepted         | 1
            2024-02 | police_incidents | missing_delivery | 1
            """,
            "staging.contacts": """
            contact_id | person_id | agency | started_at       | lsoa
            C1         | P1        | WEXH   | 2024-01-31 23:59 | L1
            C2         | P1        | NPOL   | 2024-01-10 10:00 | L3
            C3         | P1        | WEXH   | 2024-01-10 10:00 |
            C4         | P2        | WEXH   | 2024-02-01 00:00 | L1
            """,
        },
        """
        month   | district_label         | arrived | contacts | people | agencies
        2024-01 | Eastlow                | true    | 1        | 1      | 1
        2024-01 | Uplands                | true    | 1        | 1      | 1
        2024-01 | Elsewhere or not known | true    | 1        | 1      | 1
        2024-01 | Whole partnership      | true    | 3        | 1      | 2
        2024-02 | Eastlow                | false   |          |        |
        2024-02 | Uplands                | false   |          |        |
        2024-02 | Elsewhere or not known | false   |          |        |
        2024-02 | Whole partnership      | false   |          |        |
        """,
    )


def test_a_stay_of_exactly_4_hours_is_in_time_and_one_of_exactly_12_or_24_hours_is_not_short_of_it(check):
    minutes = {"C1": 240, "C2": 241, "C3": 719, "C4": 720, "C5": 1439, "C6": 1440, "C7": ""}
    check(
        "board.ae_waits_by_month",
        {
            "marts.data_quality": """
            period  | feed             | measure          | rows
            2024-01 | ae_attendances   | accepted         | 7
            2024-02 | ae_attendances   | accepted         | 0
            2024-03 | ae_attendances   | partial_delivery | 1
            2024-03 | police_incidents | accepted         | 1
            """,
            "staging.contacts": "\n".join(["contact_id | person_id", *(f"{contact} | P1" for contact in minutes)]),
            "staging.ae_attendances": "\n".join(
                ["contact_id | stay_minutes", *(f"{contact} | {length}" for contact, length in minutes.items())]
            ),
        },
        "\n".join(
            [
                "month | wait_label | stays | people | agencies",
                "2024-01 | Up to 4 hours    | 1 | 1 | 1",
                "2024-01 | 4 to 12 hours    | 2 | 1 | 1",
                "2024-01 | 12 to 24 hours   | 2 | 1 | 1",
                "2024-01 | 24 hours or more | 1 | 1 | 1",
                "2024-01 | Not known        | 1 | 1 | 1",
                "2024-01 | All stays        | 7 | 1 | 1",
                *(
                    f"{month} | {wait} | {figure} | {figure} | {figure}"
                    for month, figure in (("2024-02", "0"), ("2024-03", ""))
                    for wait in (
                        "Up to 4 hours", "4 to 12 hours", "12 to 24 hours", "24 hours or more", "Not known", "All stays"
                    )
                ),
            ]
        ),
    )  # fmt: skip


def test_linkage_errors_come_from_the_surest_source_and_their_interval_is_turned_round(check):
    check(
        "board.linkage_errors",
        {
            "marts.linkage_quality": """
            measure        | detail               | value | low   | high  | how
            pair precision | expected             | 0.99  |       |       | model
            pair precision | verified NHS numbers | 0.984 | 0.982 | 0.986 | NHS numbers
            pair recall    | expected             | 0.96  |       |       | model
            pair F1        | verified NHS numbers | 0.97  |       |       | NHS numbers
            """
        },
        """
        error_label             | of_1000 | of_1000_low | of_1000_high | detail_label         | how_known
        Links that may be wrong | 16     | 14          | 18           | verified NHS numbers | NHS numbers
        Links that are missed   | 40     |             |              | expected             | model
        """,
    )


def test_hand_offs_are_between_agencies_and_those_for_another_need_stand_apart(check):
    check(
        "board.handoffs",
        {
            "marts.handoffs": """
            contact_id | person_id | between_agencies | from_feed        | to_feed        | days_between | same_need
            C1         | P1        | true             | police_incidents | ae_attendances | 1            | true
            C2         | P1        | true             | police_incidents | ae_attendances | 4            | true
            C3         | P2        | true             | police_incidents | ae_attendances | 28           | false
            C4         | P2        | false            | ae_attendances   | ae_attendances | 2            | true
            """
        },
        """
        from_label | to_label | need_kept    | handoffs | people | median_days
        Police     | A&E      | Same need    | 2        | 1      | 2.5
        Police     | A&E      | Another need | 1        | 1      | 28
        """,
    )
