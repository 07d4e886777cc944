"""Linkage quality on the marts' side: what the feeds say of each other, groups of people, linked against unlinked."""

ARRIVED = "\n".join(
    ["feed | agency | period | arrived"]
    + [
        f"{feed} | X | {period} | true"
        for feed in ("police_incidents", "ae_attendances", "social_care_events")
        for period in ("2024-01", "2024-02", "2024-03", "2024-04", "2024-05")
    ]
)
INDEX = """
agency | feed             | person_ref | person_id
WEXH   | ae_attendances   | a1         | P1
NPOL   | police_incidents | p1         | P1
WEXH   | ae_attendances   | a2         | P2
NPOL   | police_incidents | p2         | P3
"""
# P1 was brought in on 10 March, three hours after the police met them. P2 was brought in too, and the police have an
# incident of P3 then: two people by the index. The police also met P1 four weeks earlier at the very same hour.
BROUGHT = """
row_number | person_ref | contact_id | started_at       | raised_by | time_known | left_out
1          | a1         | C1         | 2024-03-10 13:00 | police    | true       |
2          | a2         | C2         | 2024-03-12 13:00 | police    | true       |
3          | a2         | C3         | 2024-03-20 13:00 | self      | true       |
4          | a1         | C1         | 2024-03-10 13:00 | police    | true       | duplicate event
"""
MET = """
contact_id | feed             | person_id | started_at
C1         | ae_attendances   | P1        | 2024-03-10 13:00
C2         | ae_attendances   | P2        | 2024-03-12 13:00
D1         | police_incidents | P1        | 2024-03-10 10:00
D2         | police_incidents | P3        | 2024-03-12 10:00
D3         | police_incidents | P1        | 2024-02-11 10:00
D4         | police_incidents | P3        | 2024-01-02 10:00
D5         | police_incidents | P3        | 2024-05-28 10:00
"""
EVENTS = {
    "linkage.person_index": INDEX,
    "staging.slots": ARRIVED,
    "staging.ae_attendances": BROUGHT.replace("row_number", "agency | feed | period | row_number").replace(
        "\n1  ", "\nWEXH | ae_attendances | 2024-03 | 1  "
    ).replace("\n2  ", "\nWEXH | ae_attendances | 2024-03 | 2  ").replace(
        "\n3  ", "\nWEXH | ae_attendances | 2024-03 | 3  "
    ).replace("\n4  ", "\nWEXH | ae_attendances | 2024-03 | 4  "),
    "staging.contact_rows": MET,
    "staging.police_incidents": "contact_id",
    "staging.social_care_events": "contact_id",
}  # fmt: skip


def test_whom_the_police_brought_in_must_have_an_incident_of_that_day(check):
    check(
        "staging.linkage_anchors",
        EVENTS,
        """
        row_number | anchor                            | person_id | found | moved_windows | found_by_chance
        1          | police brought the patient to A&E | P1        | true  | 2             | 1
        2          | police brought the patient to A&E | P2        | false | 2             | 0
        """,
    )


def test_an_event_beside_a_month_that_the_other_feed_missed_is_left_out(check):
    missed = ARRIVED.replace("police_incidents | X | 2024-03 | true", "police_incidents | X | 2024-03 | false")
    check("staging.linkage_anchors", EVENTS | {"staging.slots": missed}, "row_number\n")


def test_a_request_of_the_police_must_have_an_incident_in_the_four_weeks_before(check):
    """The incident of 1 March is 27 days before one request, and 30 before the other."""
    check(
        "staging.linkage_anchors",
        {
            "linkage.person_index": """
            agency | feed               | person_ref | person_id
            LAWX   | social_care_events | s1         | P1
            LAWX   | social_care_events | s2         | P2
            """,
            "staging.slots": ARRIVED,
            "staging.social_care_events": """
            agency | feed | period | row_number | person_ref | contact_id | started_at | raised_by | kind | left_out
            LAWX | social_care_events | 2024-03 | 1 | s1 | S1 | 2024-03-28 00:00 | police | request    |
            LAWX | social_care_events | 2024-03 | 2 | s2 | S2 | 2024-03-31 00:00 | police | request    |
            LAWX | social_care_events | 2024-03 | 3 | s2 | S3 | 2024-03-10 00:00 | police | assessment |
            """,
            "staging.ae_attendances": "contact_id",
            "staging.police_incidents": "contact_id",
            "staging.contact_rows": """
            contact_id | feed             | person_id | started_at
            D1         | police_incidents | P1        | 2024-03-01 10:00
            D2         | police_incidents | P2        | 2024-03-01 10:00
            """,
        },
        """
        row_number | anchor                   | found
        1          | police asked social care | true
        2          | police asked social care | false
        """,
    )


def anchors(found: int, missed: int, by_chance: int) -> str:
    """Events of as many people, each with two moved windows, of which `by_chance` in all have an incident too."""
    rows = [
        f"WEXH | ae_attendances | {n} | x | police_incidents | a{n} | P{n} | {str(n < found).lower()} | 2 | "
        f"{int(n < by_chance)}"
        for n in range(found + missed)
    ]
    header = "agency | feed | row_number | anchor | other_feed | person_ref | person_id | found | moved_windows | found_by_chance"
    return "\n".join([header, *rows])


def test_what_chance_would_find_is_taken_off(check):
    """Of 10 events 9 are found; of 20 moved windows 4 are, a share of 0.2: beyond chance 0.7 of 0.8."""
    check(
        "marts.linkage_anchors",
        {"staging.linkage_anchors": anchors(9, 1, 4), "staging.linkage_clients": "person_id"},
        """
        anchor | measure     | trials | people | found | found_share | chance_share | value | how
        x      | pair recall | 10     | 10     | 9     | 0.9         | 0.2          | 0.875 | cross-feed anchor
        """,
    )


def test_linked_records_of_two_sexes_speak_against_the_link(check):
    """Three of four linked pairs agree; one of their sides is F in half, the other in half: chance alone gives 0.5."""
    check(
        "marts.linkage_anchors",
        {
            "staging.linkage_anchors": "anchor",
            "staging.linkage_clients": """
            agency | feed             | person_ref | person_id | linked | sex
            A      | ae_attendances   | 1          | P1        | true   | F
            B      | police_incidents | 1          | P1        | true   | F
            A      | ae_attendances   | 2          | P2        | true   | F
            B      | police_incidents | 2          | P2        | true   | M
            A      | ae_attendances   | 3          | P3        | true   | M
            B      | police_incidents | 3          | P3        | true   | M
            A      | ae_attendances   | 4          | P4        | true   | M
            B      | police_incidents | 4          | P4        | true   | F
            A      | ae_attendances   | 5          | P5        | true   | F
            B      | police_incidents | 5          | P5        | true   |
            A      | ae_attendances   | 6          | P6        | false  | M
            """,
        },
        """
        anchor                       | measure        | trials | people | found_share | chance_share | value
        the same sex in both records | pair precision | 4      | 4      | 0.5         | 0.5          | 0
        """,
    )


PAIRS = {
    "linkage.person_index": """
    agency | feed             | person_ref | person_id
    A      | ae_attendances   | 1          | P1
    B      | police_incidents | 1          | P1
    A      | ae_attendances   | 2          | P2
    B      | police_incidents | 2          | P3
    """,
    "accepted.attributes": """
    agency | feed             | period  | person_ref | sex | age_band
    A      | ae_attendances   | 2024-01 | 1          | F   | 18-24
    A      | ae_attendances   | 2024-02 | 1          |     | 25-44
    B      | police_incidents | 2024-01 | 1          | M   |
    A      | ae_attendances   | 2024-01 | 2          | F   | 18-24
    """,
    "linkage.client_pairs": """
    agency_l | feed_l         | person_ref_l | agency_r | feed_r           | person_ref_r | match_probability
    A        | ae_attendances | 1            | B        | police_incidents | 1            | 0.9
    A        | ae_attendances | 2            | B        | police_incidents | 2            | 0.3
    """,
    "staging.linkage_anchors": "anchor",
}


def test_a_client_is_in_the_groups_that_its_own_agency_wrote_down_last(check):
    check(
        "staging.linkage_groups",
        PAIRS,
        """
        feed             | grouping             | group_name   | linked
        ae_attendances   | everybody            | everybody    | true
        ae_attendances   | sex                  | F            | true
        ae_attendances   | age band             | 25-44        | true
        ae_attendances   | ethnic group         | not recorded | true
        ae_attendances   | deprivation quintile | not recorded | true
        police_incidents | everybody            | everybody    | true
        police_incidents | sex                  | M            | true
        police_incidents | age band             | not recorded | true
        police_incidents | ethnic group         | not recorded | true
        police_incidents | deprivation quintile | not recorded | true
        ae_attendances   | everybody            | everybody    | false
        ae_attendances   | sex                  | F            | false
        ae_attendances   | age band             | 18-24        | false
        ae_attendances   | ethnic group         | not recorded | false
        ae_attendances   | deprivation quintile | not recorded | false
        police_incidents | everybody            | everybody    | false
        police_incidents | sex                  | not recorded | false
        police_incidents | age band             | not recorded | false
        police_incidents | ethnic group         | not recorded | false
        police_incidents | deprivation quintile | not recorded | false
        """,
    )


def test_the_model_expects_so_much_of_each_group_s_links(check, connection):
    """Of 1.2 expected links 0.9 are made. A pair counts for the groups of both of its records."""
    check(
        "marts.linkage_by_group",
        PAIRS,
        """
        measure        | grouping             | group_name                          | people | trials | value | how
        pair precision | everybody            | everybody                           | 1      | 2      | 0.9   | model
        pair recall    | everybody            | everybody                           | 3      | 4      | 0.75  | model
        pair precision | sex                  | F                                   | 1      | 1      | 0.9   | model
        pair recall    | sex                  | F                                   | 2      | 2      | 0.75  | model
        pair precision | sex                  | M                                   | 1      | 1      | 0.9   | model
        pair recall    | sex                  | M                                   | 1      | 1      | 1     | model
        pair recall    | sex                  | not recorded                        | 1      | 1      | 0     | model
        pair precision | age band             | 25-44                               | 1      | 1      | 0.9   | model
        pair recall    | age band             | 25-44                               | 1      | 1      | 1     | model
        pair recall    | age band             | 18-24                               | 1      | 1      | 0     | model
        pair precision | age band             | not recorded                        | 1      | 1      | 0.9   | model
        pair recall    | age band             | not recorded                        | 2      | 2      | 0.75  | model
        pair precision | ethnic group         | not recorded                        | 1      | 2      | 0.9   | model
        pair recall    | ethnic group         | not recorded                        | 3      | 4      | 0.75  | model
        pair precision | deprivation quintile | not recorded                        | 1      | 2      | 0.9   | model
        pair recall    | deprivation quintile | not recorded                        | 3      | 4      | 0.75  | model
        pair precision | feed pair            | ae_attendances and police_incidents | 1      | 1      | 0.9   | model
        pair recall    | feed pair            | ae_attendances and police_incidents | 2      | 2      | 0.75  | model
        linked records | everybody            | everybody                           | 3      | 4      | 0.5   | counted
        linked records | sex                  | F                                   | 2      | 2      | 0.5   | counted
        linked records | sex                  | M                                   | 1      | 1      | 1     | counted
        linked records | sex                  | not recorded                        | 1      | 1      | 0     | counted
        linked records | age band             | 25-44                               | 1      | 1      | 1     | counted
        linked records | age band             | 18-24                               | 1      | 1      | 0     | counted
        linked records | age band             | not recorded                        | 2      | 2      | 0.5   | counted
        linked records | ethnic group         | not recorded                        | 3      | 4      | 0.5   | counted
        linked records | deprivation quintile | not recorded                        | 3      | 4      | 0.5   | counted
        """,
    )
    outside = "select count(*) from marts.linkage_by_group where not (low <= value and value <= high)"
    assert connection.execute(outside).fetchall() == [(0,)]


def test_anchors_count_for_the_group_of_their_client(check):
    check(
        "marts.linkage_by_group",
        {
            "staging.linkage_anchors": anchors(9, 1, 4),
            "staging.linkage_groups": "\n".join(
                ["client_number | person_number | feed | linked | grouping | group_name"]
                + [f"{n} | {n} | ae_attendances | true | sex | {'F' if n < 5 else 'M'}" for n in range(10)]
            ),
            "staging.linkage_clients": "\n".join(
                ["agency | feed | person_ref | client_number | person_number"]
                + [f"WEXH | ae_attendances | a{n} | {n} | {n}" for n in range(10)]
            ),
            "linkage.client_pairs": "agency_l",
        },
        """
        measure        | grouping  | group_name                          | people | trials | value    | how
        pair recall    | sex       | F                                   | 5      | 5      | 1        | cross-feed anchor
        pair recall    | sex       | M                                   | 5      | 5      | 0.8      | cross-feed anchor
        pair recall    | feed pair | ae_attendances and police_incidents | 10     | 10     | 0.875    | cross-feed anchor
        linked records | sex       | F                                   | 5      | 5      | 1        | counted
        linked records | sex       | M                                   | 5      | 5      | 1        | counted
        """,
    )


def test_linked_records_are_set_against_those_that_are_not(check):
    """Women are 8 of 10 linked and 5 of 10 other records: 0.3 over the root of the mean variance, 0.205 (Austin 2009)."""
    rows = [(True, "F")] * 8 + [(True, "M")] * 2 + [(False, "F")] * 5 + [(False, "M")] * 5
    check(
        "marts.linkage_unlinked",
        {
            "staging.linkage_groups": "\n".join(
                ["client_number | person_number | feed | linked | grouping | group_name"]
                + [
                    f"{n} | {n} | ae_attendances | {str(linked).lower()} | sex | {sex}"
                    for n, (linked, sex) in enumerate(rows)
                ]
            )
        },
        """
        feed           | attribute | level | linked_clients | unlinked_clients | linked_share | difference
        ae_attendances | sex       | F     | 8              | 5                | 0.8          | 0.662589
        ae_attendances | sex       | M     | 2              | 5                | 0.2          | -0.662589
        """,
    )


def test_the_review_queue_is_counted_by_reason(check):
    check(
        "marts.linkage_quality",
        {
            "linkage.quality": "measure",
            "marts.headline_scenarios": "headline_id",
            "marts.headline_draws": "headline_id",
            "linkage.review_queue": """
            item | reason
            I1   | near_threshold
            I2   | near_threshold
            I2   | weak_bridge_cut
            """,
        },
        """
        measure      | detail          | value | unit  | how
        review queue | near threshold  | 2     | pairs | counted
        review queue | weak bridge cut | 1     | pairs | counted
        """,
    )


def test_stability_is_of_the_last_run_that_changed_an_id(check):
    check(
        "marts.linkage_quality",
        {
            "linkage.quality": "measure",
            "marts.headline_scenarios": "headline_id",
            "marts.headline_draws": "headline_id",
            "linkage.person_history": """
            run | event   | person_id | other_person_id | records
            3   | merge   | P9        | P1              | 4
            7   | merge   | P2        | P1              | 1
            7   | split   | P3        | P4              | 2
            7   | split   | P3        | P5              | 1
            7   | retired | P6        |                 | 0
            """,
        },
        """
        measure   | detail                            | value | unit    | how
        stability | people who became part of another | 1     | people  | counted
        stability | people whom some records left     | 1     | people  | counted
        stability | people without records any more   | 1     | people  | counted
        stability | records with another person id    | 4     | records | counted
        """,
    )
