"""Person-days observed: what a rate is per. The period covered is January to March 2024: 31, 29 and 31 days."""

import pytest

MONTHS = ["2024-01", "2024-02", "2024-03"]
QUARTER = 31 + 29 + 31
ONE_CONTACT = """
contact_id | person_id | started_at
C1         | P1        | 2024-01-10
"""


def delivered(*left_out: str, partial: str = "", until: str = "") -> str:
    """Deliveries of one trust, one force and one council for each month, but for those that are named 'agency month'."""
    senders = {"WEXH": "ae_attendances", "NPOL": "police_incidents", "LAWX": "social_care_events"}
    rows = [
        f"{agency} | {feed} | {month} | {until if f'{agency} {month}' == partial else ''}"
        for agency, feed in senders.items()
        for month in MONTHS
        if f"{agency} {month}" not in left_out
    ]
    return "\n".join(["agency | feed | period | partial_until", *rows])


@pytest.fixture
def check_days(check):
    """check_days(expected, ...): days and days_least by feed of one person known to the trust since January."""

    def check_person(expected, deliveries=None, contacts=ONE_CONTACT, **of_person):
        attributes = {"first_recorded_month": "2024-01", "first_age_band": "25-44"} | of_person
        check(
            "marts.exposure",
            {
                "staging.contacts": contacts,
                "staging.person_attributes": "scenario | person_key | "
                + " | ".join(attributes)
                + "\ncentral | P1 | "
                + " | ".join(attributes.values()),
                "accepted.deliveries": deliveries or delivered(),
                "reference.feeds": "feed | expected\nae_attendances | true",
            },
            expected,
        )

    return check_person


def everywhere(days: float, days_least: float | None = None) -> str:
    """The same days in each feed and in all."""
    feeds = ["ae_attendances", "police_incidents", "social_care_events", "all feeds"]
    least = days if days_least is None else days_least
    return "\n".join(["feed | days | days_least", *(f"{feed} | {days} | {least}" for feed in feeds)])


def test_somebody_who_stays_is_observed_on_every_day_of_the_period(check_days):
    check_days(everywhere(QUARTER))


def test_a_death_ends_what_is_observed_in_the_middle_of_its_month(check_days):
    check_days(everywhere(31 + 29 / 2), death_month="2024-02")


def test_a_death_before_the_period_leaves_nothing(check_days):
    check_days(everywhere(0), death_month="2023-12")


def test_a_move_away_ends_what_is_observed_too(check_days):
    check_days(everywhere(31 + 29 / 2), moved_away_month="2024-02")


def test_who_has_contacts_after_the_move_is_still_here(check_days):
    after = ONE_CONTACT.rstrip() + "\nC2 | P1 | 2024-03-01\n"
    check_days(everywhere(QUARTER), contacts=after, moved_away_month="2024-02")


def test_a_month_that_did_not_arrive_is_taken_out_of_its_feed_and_of_all_feeds(check_days):
    check_days(
        f"""
        feed               | days
        ae_attendances     | {31 + 31}
        police_incidents   | {31 + 29}
        social_care_events | {QUARTER}
        all feeds          | 31
        """,
        delivered("WEXH 2024-02", "NPOL 2024-03"),
    )


def test_a_month_in_part_counts_to_the_last_day_covered(check_days):
    check_days(
        f"""
        feed               | days
        ae_attendances     | {31 + 29 + 20}
        police_incidents   | {QUARTER}
        social_care_events | {QUARTER}
        all feeds          | {31 + 29 + 20}
        """,
        delivered(partial="WEXH 2024-03", until="2024-03-20"),
    )


def test_one_council_of_two_is_not_the_whole_feed(check_days):
    other = "".join(f"\nLAWY | social_care_events | {month} |" for month in ("2024-01", "2024-03"))
    check_days(
        f"""
        feed               | days
        ae_attendances     | {QUARTER}
        police_incidents   | {QUARTER}
        social_care_events | {31 + 31}
        all feeds          | {31 + 31}
        """,
        delivered() + other,
    )


@pytest.mark.parametrize(
    ("first_age_band", "first_recorded_month", "days_least"),
    [
        pytest.param("0-17", "2024-02", 29 + 31, id="A child first recorded in February may have been born then"),
        pytest.param("0-17", "2024-01", QUARTER, id="A child recorded from the start was there from the start"),
        pytest.param("18-24", "2024-02", QUARTER, id="A grown person was born before"),
        pytest.param("", "2024-02", QUARTER, id="An age that is not known says nothing of a birth"),
    ],
)
def test_births_are_not_known_and_the_least_days_allow_for_one(
    check_days, first_age_band, first_recorded_month, days_least
):
    check_days(
        everywhere(QUARTER, days_least), first_age_band=first_age_band, first_recorded_month=first_recorded_month
    )


def test_who_has_no_contact_of_their_own_is_not_counted(check_days):
    check_days("feed", contacts="contact_id | person_id")


def test_each_alternative_person_lives_as_long_as_their_own_records_say(check):
    check(
        "journeys.exposure",
        {
            "staging.contacts": "contact_id | person_id | started_at\nC1 | P1 | 2024-01-10\nC2 | P1 | 2024-01-20",
            "staging.person_scenarios": """
            contact_id | scenario    | person_key
            C1         | central     | P1
            C2         | central     | P1
            C1         | alternative | D1
            C2         | alternative | D2
            """,
            "linkage.person_index": """
            agency | feed             | person_ref | person_id
            WEXH   | ae_attendances   | a1         | P1
            NPOL   | police_incidents | b1         | P1
            """,
            "staging.person_variants": """
            variant | agency | feed             | person_ref | person_key
            high    | WEXH   | ae_attendances   | a1         | D1
            high    | NPOL   | police_incidents | b1         | D2
            """,
            "accepted.attributes": """
            agency | feed             | person_ref | period  | death_month | age_band
            WEXH   | ae_attendances   | a1         | 2024-01 | 2024-01     | 85+
            NPOL   | police_incidents | b1         | 2024-01 |             | 85+
            """,
            "accepted.deliveries": "agency | feed | period\nWEXH | ae_attendances | 2024-01",
            "reference.feeds": "feed | expected\nae_attendances | true",
        },
        """
        scenario    | person_key | feed           | days
        central     | P1         | ae_attendances | 15.5
        central     | P1         | all feeds      | 15.5
        alternative | D1         | ae_attendances | 15.5
        alternative | D1         | all feeds      | 15.5
        alternative | D2         | ae_attendances | 31
        alternative | D2         | all feeds      | 31
        """,
    )
