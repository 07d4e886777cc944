"""Concentration, rates, funnel limits and regression to the mean: what chance gives, and what lies beyond it."""

from calendar import monthrange

import numpy as np
import pytest
from scipy.stats import chi2, nbinom, poisson

from pipelines.settings import Settings
from pipelines.warehouse.concentration import FEWEST_PEOPLE, chance_shares, top_shares
from pipelines.warehouse.funnel import funnel

COUNTS = np.arange(1, 400)


def poisson_people(rate: float, people: int) -> np.ndarray:
    """How many of so many people have 1, 2, ... contacts, where chance alone decides."""
    return people * poisson.pmf(COUNTS, rate)


def gamma_people(rate: float, size: float, people: int) -> np.ndarray:
    """The same where people differ: gamma-distributed rates."""
    return people * nbinom.pmf(COUNTS, size, size / (size + rate))


def test_the_top_one_per_cent_of_200_people_are_the_two_with_the_most():
    shares = top_shares([1, 50], [198, 2])
    assert shares == pytest.approx([100 / 298, 108 / 298, 118 / 298, 138 / 298])


def test_a_person_on_the_border_counts_in_part():
    # 1 % of 150 people are one and a half: one with 10 contacts, and half of one with 1
    assert top_shares([1, 10], [149, 1])[0] == pytest.approx(10.5 / 159)


def test_of_fewer_than_100_people_there_is_no_top_one_per_cent():
    assert top_shares([2], [FEWEST_PEOPLE - 1]) == [None] * 4
    assert top_shares([2], [FEWEST_PEOPLE]) == pytest.approx([0.01, 0.05, 0.1, 0.2])
    assert chance_shares([2], [30], [FEWEST_PEOPLE - 1]) == ([None] * 4, [None] * 4)


def test_people_drawn_anew_differ_by_seed_and_are_the_same_for_one_seed():
    once, again, other = (top_shares([1, 50], [9900, 100], seed) for seed in (1, 1, 2))
    assert once == again != other


@pytest.mark.parametrize("rate", [0.05, 0.5, 3.0])
def test_chance_alone_gives_the_shares_of_chance(rate):
    people = poisson_people(rate, 1_000_000).round().astype(int)
    by_chance, if_different = chance_shares(COUNTS, np.full(len(COUNTS), 365), people)
    assert by_chance == pytest.approx(top_shares(COUNTS, people), abs=0.002)
    assert if_different == pytest.approx(by_chance, abs=0.002)


@pytest.mark.parametrize(("rate", "size"), [(2.0, 0.5), (1.0, 2.0)])
def test_people_who_differ_are_told_from_chance(rate, size):
    people = gamma_people(rate, size, 1_000_000).round().astype(int)
    by_chance, if_different = chance_shares(COUNTS, np.full(len(COUNTS), 365), people)
    observed = top_shares(COUNTS, people)
    assert if_different == pytest.approx(observed, abs=0.003)
    assert by_chance[0] < observed[0] * 0.9


def test_more_days_under_observation_are_no_concentration():
    rate = 0.01  # a day, for everybody; half of the people are seen for ten times as long
    days = np.repeat([50, 500], len(COUNTS))
    people = np.concatenate([poisson_people(rate * 50, 500_000), poisson_people(rate * 500, 500_000)])
    people = people.round().astype(int)
    observed = top_shares(np.tile(COUNTS, 2), people)
    by_chance, _ = chance_shares(np.tile(COUNTS, 2), days, people)
    as_if_alike, _ = chance_shares(np.tile(COUNTS, 2), np.full(len(days), 275), people)
    assert by_chance == pytest.approx(observed, abs=0.002)
    assert as_if_alike[0] < observed[0] - 0.002


def test_each_has_one_contact_so_that_nobody_stands_out():
    by_chance, if_different = chance_shares([1], [365], [500])
    assert by_chance == pytest.approx([0.01, 0.05, 0.1, 0.2], abs=1e-6)
    assert if_different == pytest.approx([0.01, 0.05, 0.1, 0.2], abs=1e-6)


def test_concentration_has_a_band_over_who_may_be_who(check, connection):
    draws = range(1, Settings().linkage_draws + 1)
    ones = [f"P{i}" for i in range(1, 199)]
    feeds = ("ae_attendances", "all feeds")
    check(
        "marts.concentration",
        {
            # two people with 51 contacts each and 198 with one; in all draws the two are one with 102
            "journeys.contact_counts": "\n".join(
                ["scenario | person_key | feed | contacts | contacts_together | crises_together"]
                + [f"central | {person} | ae_attendances | 1 | 1 | 0" for person in ones]
                + ["central | Q1 | ae_attendances | 51 | 51 | 1", "central | Q2 | ae_attendances | 51 | 51 | 0"]
                + ["alternative | Q3 | ae_attendances | 102 | 102 | 1"]
            ),
            "journeys.exposure": "\n".join(
                ["scenario | person_key | feed | days"]
                + [f"central | {person} | {feed} | 365" for person in [*ones, "Q1", "Q2"] for feed in feeds]
            ),
            "staging.person_alternatives": "\n".join(
                ["variant | person_id | person_key"]
                + [f"{draw} | {person} | Q3" for draw in draws for person in ("Q1", "Q2")]
            ),
        },
        """
        measure | top_percent | people | contacts | share
        all     | 1           | 200    | 300      | 0.34
        all     | 5           | 200    | 300      | 0.3667
        all     | 10          | 200    | 300      | 0.4
        all     | 20          | 200    | 300      | 0.4667
        crisis  | 1           | 1      | 1        |
        crisis  | 5           | 1      | 1        |
        crisis  | 10          | 1      | 1        |
        crisis  | 20          | 1      | 1        |
        ae_attendances | 1    | 200    | 300      | 0.34
        ae_attendances | 5    | 200    | 300      | 0.3667
        ae_attendances | 10   | 200    | 300      | 0.4
        ae_attendances | 20   | 200    | 300      | 0.4667
        """,
    )
    low, high = connection.execute(
        "select share_low, share_high from marts.concentration where measure = 'all' and top_percent = 1"
    ).fetchall()[0]
    assert low < 0.34 < high


def test_areas_that_differ_by_chance_alone_have_limits_of_chance():
    areas = funnel([100.0] * 12, [100.0] * 12)
    assert {area.spread for area in areas} == {0.0}
    # the square root of a count of 100 is 10 with a standard deviation of a half
    assert areas[0].upper == pytest.approx(((10 + 3.090232 / 2) / 10) ** 2)
    assert areas[0].lower_95 == pytest.approx(((10 - 1.959964 / 2) / 10) ** 2)


def test_the_usual_spread_of_areas_widens_the_limits_and_one_that_is_outside_does_not():
    usual = [8000.0, 12000.0] * 10
    areas = funnel([*usual, 30_000.0], [10_000.0] * 21)
    assert all(area.lower < area.ratio < area.upper for area in areas[:-1])
    assert areas[-1].ratio > areas[-1].upper
    alone = funnel(usual, [10_000.0] * 20)
    assert areas[0].upper == pytest.approx(alone[0].upper, rel=0.1)
    by_chance = ((100 + 3.090232 / 2) / 100) ** 2
    assert areas[0].upper > 1.3 > by_chance


def test_no_area_has_a_limit_below_nothing():
    areas = funnel([0.0, *[2.0] * 11], [0.5, *[2.0] * 11])
    assert areas[0].lower == 0 and areas[0].ratio == 0


def test_of_fewer_than_ten_areas_nothing_is_said():
    assert funnel([5.0] * 9, [5.0] * 9)[0].ratio is None
    ten = funnel([5.0] * 11, [5.0] * 10 + [0.0])
    assert ten[0].ratio == 1 and ten[10].ratio is None


SLOTS = "feed | agency | period | arrived | partial_until\n" + "\n".join(
    f"ae_attendances | WEXH | {year}-{month:02} | true |" for year in (2023, 2024) for month in range(1, 13)
)


def test_contacts_count_only_where_the_feed_arrived_and_together_only_where_all_did(check):
    check(
        "journeys.contact_counts",
        {
            "staging.slots": """
            feed             | agency | period  | arrived | partial_until
            ae_attendances   | WEXH   | 2024-01 | true    |
            ae_attendances   | WEXH   | 2024-02 | true    |
            ae_attendances   | WEXH   | 2024-03 | false   |
            police_incidents | NPOL   | 2024-01 | true    |
            police_incidents | NPOL   | 2024-02 | false   |
            police_incidents | NPOL   | 2024-03 | true    |
            """,
            "staging.person_scenarios": """
            contact_id | scenario    | person_key
            C1         | alternative | A
            C3         | alternative | A
            """,
            "staging.contacts": """
            contact_id | person_id | feed             | agency | period  | crisis
            C1         | P1        | ae_attendances   | WEXH   | 2024-01 | true
            C2         | P1        | ae_attendances   | WEXH   | 2024-02 | true
            C3         | P1        | ae_attendances   | WEXH   | 2024-03 | true
            C4         | P1        | police_incidents | NPOL   | 2024-01 | false
            C5         | P2        | police_incidents | NPOL   | 2024-03 | false
            """,
        },
        """
        scenario    | person_key | feed             | contacts | contacts_together | crises_together
        central     | P1         | ae_attendances   | 2        | 1                 | 1
        central     | P1         | police_incidents | 1        | 1                 | 0
        central     | P2         | police_incidents | 1        | 0                 | 0
        alternative | A          | ae_attendances   | 1        | 1                 | 1
        """,
    )


def test_rates_have_the_years_behind_them_and_an_interval_as_wide_as_people_repeat(check, connection):
    check(
        "marts.rates",
        {
            # 2023 and 2024 have 731 days
            "staging.slots": SLOTS,
            "reference.areas": """
            lsoa | ward | district | residents
            L1   | W1   | D1       | 600
            L2   | W1   | D1       | 400
            L3   | W2   | D1       | 1000
            """,
            "staging.people": """
            person_id | age_band | sex | ethnic_group | imd_quintile
            P1        | 65-74    | F   | white        | 1
            P2        | 65-74    | F   | white        | 1
            P3        | 18-24    | F   | white        | 1
            """,
            "journeys.exposure": """
            scenario    | person_key | feed           | days
            central     | P1         | ae_attendances | 730.5
            central     | P2         | ae_attendances | 365.25
            central     | P3         | ae_attendances | 730.5
            alternative | X          | ae_attendances | 731
            """,
            "staging.contacts": """
            contact_id | person_id | lsoa | need_group | crisis | period
            C1         | P1        | L1   | later_life | true   | 2024-01
            C2         | P1        | L2   | later_life | false  | 2024-01
            C3         | P1        | L3   | crime      | false  | 2024-01
            C4         | P2        | L1   | later_life | true   | 2024-01
            """,
        },
        """
        grouped_by   | group_name | feed           | need_group | exposure_of | exposure_years | people | contacts | design_effect | contact_rate | crisis_contacts
        ward         | W1         | ae_attendances | later_life | residents   | 2001.37        | 2      | 3        | 1.667         | 1.499        | 2
        ward         | W1         | ae_attendances | all        | residents   | 2001.37        | 2      | 3        | 1.667         | 1.499        | 2
        ward         | W2         | ae_attendances | crime      | residents   | 2001.37        | 1      | 1        | 1             | 0.5          | 0
        ward         | W2         | ae_attendances | all        | residents   | 2001.37        | 1      | 1        | 1             | 0.5          | 0
        district     | D1         | ae_attendances | later_life | residents   | 4002.74        | 2      | 3        | 1.667         | 0.749        | 2
        district     | D1         | ae_attendances | crime      | residents   | 4002.74        | 1      | 1        | 1             | 0.25         | 0
        district     | D1         | ae_attendances | all        | residents   | 4002.74        | 2      | 4        | 2.5           | 0.999        | 2
        age_band     | 65-74      | ae_attendances | later_life | people seen | 3              | 2      | 3        | 1.667         | 1000         | 2
        age_band     | 65-74      | ae_attendances | crime      | people seen | 3              | 1      | 1        | 1             | 333.333      | 0
        age_band     | 65-74      | ae_attendances | all        | people seen | 3              | 2      | 4        | 2.5           | 1333.333     | 2
        sex          | F          | ae_attendances | later_life | people seen | 5              | 2      | 3        | 1.667         | 600          | 2
        sex          | F          | ae_attendances | crime      | people seen | 5              | 1      | 1        | 1             | 200          | 0
        sex          | F          | ae_attendances | all        | people seen | 5              | 2      | 4        | 2.5           | 800          | 2
        ethnic_group | white      | ae_attendances | later_life | people seen | 5              | 2      | 3        | 1.667         | 600          | 2
        ethnic_group | white      | ae_attendances | crime      | people seen | 5              | 1      | 1        | 1             | 200          | 0
        ethnic_group | white      | ae_attendances | all        | people seen | 5              | 2      | 4        | 2.5           | 800          | 2
        imd_quintile | 1          | ae_attendances | later_life | people seen | 5              | 2      | 3        | 1.667         | 600          | 2
        imd_quintile | 1          | ae_attendances | crime      | people seen | 5              | 1      | 1        | 1             | 200          | 0
        imd_quintile | 1          | ae_attendances | all        | people seen | 5              | 2      | 4        | 2.5           | 800          | 2
        """,
    )
    outside = "select count(*) from marts.rates where contact_rate not between contact_rate_low and contact_rate_high"
    assert connection.execute(outside).fetchall() == [(0,)]


@pytest.mark.parametrize(("events", "factor"), [(0, 1), (1, 1), (10, 1), (250, 1), (240, 12)])
def test_intervals_of_counts_are_close_to_the_exact_ones(connection, events, factor):
    low, high = connection.execute("select byar_low(?, ?), byar_high(?, ?)", [events, factor] * 2).fetchall()[0]
    clumps = events / factor
    assert low / factor == pytest.approx(chi2.ppf(0.025, 2 * clumps) / 2 if clumps else 0, abs=0.03)
    assert high / factor == pytest.approx(chi2.ppf(0.975, 2 * clumps + 2) / 2, abs=0.03)


def test_a_ward_far_from_the_others_is_outside_and_one_without_any_is_a_row(check):
    wards = [f"W{number:02}" for number in range(1, 13)]
    contacts = [
        f"{ward}-{n} | {ward}-{n} | L{ward} | 2024-01 | false"
        for ward in wards
        for n in range(0 if ward == "W12" else 90 if ward == "W01" else 20)
    ]
    expected = [f"{ward} | 20 | 24.2 |" for ward in wards[1:11]]
    check(
        "marts.ward_funnel",
        {
            "staging.slots": SLOTS,
            "reference.areas": "lsoa | ward | district | residents\n"
            + "\n".join(f"L{ward} | {ward} | D1 | 1000" for ward in wards),
            "staging.contacts": "\n".join(
                ["contact_id | person_id | lsoa | period | crisis", *contacts]
                + ["X1 | X1 | LW01 | 2022-12 | false", "X2 | X2 | elsewhere | 2024-01 | false"]
            ),
        },
        # neither the month that did not arrive nor the place outside the region counts; nobody was in crisis
        "measure | ward | observed | expected | outside\n"
        + "\n".join(
            f"{measure} | {row}"
            for measure in ("contacts", "people")
            for row in ["W01 | 90 | 24.2 | above", *expected, "W12 | 0 | 24.2 | below"]
        ),
    )


def test_a_ward_is_charted_by_contacts_a_day_and_rare_contacts_are_not_judged(check):
    months = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)]
    busy = [f"B{m}-{n} | LB | {m}" for m in months for n in range(60 if m == "2024-12" else 6)]
    rare = [f"R{n} | LR | 2024-12" for n in range(9)]
    check(
        "marts.ward_run_charts",
        {
            "staging.slots": SLOTS.replace("2024-02 | true", "2024-02 | false"),
            "reference.areas": "lsoa | ward | residents\nLB | BUSY | 9\nLR | RARE | 9",
            "staging.contacts": "\n".join(["contact_id | lsoa | period", *busy, *rare]),
        },
        "ward | month | contacts | contacts_a_day | special_cause\n"
        + "\n".join(
            f"BUSY | {m} | {60 if m == '2024-12' else 6} | {(60 if m == '2024-12' else 6) / days(m):.4f} | {cause}\n"
            f"RARE | {m} | {9 if m == '2024-12' else 0} | {(9 if m == '2024-12' else 0) / days(m):.4f} |"
            for m in months
            if m != "2024-02"
            for cause in ["outside" if m == "2024-12" else "shift"]
        ),
    )


def days(month: str) -> int:
    year, number = map(int, month.split("-"))
    return monthrange(year, number)[1]


# the index month of 24 months to December 2024 is December 2023
TWO_YEARS = "period\n" + "\n".join(f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13))
PEOPLE = """
person_id | first_contact_at | death_month | moved_away_month
P1        | 2023-07-01       |             |
P2        | 2023-08-01       | 2024-03     |
P3        | 2023-07-01       |             |
P4        | 2023-12-31       |             |
DEAD      | 2023-08-01       | 2023-12     |
LATER     | 2024-01-01       |             |
"""


def contacts_in(rows: dict[str, list[str]]) -> str:
    """A table of contacts in text: person to the months of their contacts."""
    return "contact_id | person_id | period\n" + "\n".join(
        f"{person}{n} | {person} | {month}" for person, months in rows.items() for n, month in enumerate(months)
    )


def test_those_whom_a_rule_picked_are_followed_beside_everybody_else(check):
    check(
        "marts.regression_to_the_mean",
        {
            "staging.months": TWO_YEARS,
            "staging.slots": SLOTS,
            "staging.people": PEOPLE,
            "staging.contacts": contacts_in(
                {
                    # the month before the six, the first and the last of them, the first and the last after, and one beyond
                    "P1": ["2023-06", *["2023-07"] * 5, "2023-12", "2024-01", "2024-06", "2024-07"],
                    "P2": ["2023-08"] * 6 + ["2024-01"],
                    "P3": ["2023-07", "2024-06"],
                    "P4": ["2023-12"],
                    "DEAD": ["2023-08"] * 9,
                    "LATER": ["2024-01"] * 9,
                }
            ),
            "journeys.cycling": """
            scenario    | person_key | definition_id | first_met_on
            central     | P1         | OFTEN         | 2023-07-01
            central     | P2         | OFTEN         | 2023-12-31
            central     | P3         | OFTEN         | 2024-01-01
            central     | P4         | OFTEN         | 2023-06-30
            central     | DEAD       | OFTEN         | 2023-08-01
            alternative | P3         | OFTEN         | 2023-08-01
            """,
        },
        # 2 people, 6 months before; afterwards P2 lives two and a half months of the six: 3 contacts in 8.5 months
        """
        rule          | picked | index_month | people | contacts_before | contacts_after | rate_before | rate_after | change
        OFTEN         | true   | 2023-12     | 2      | 12              | 3              | 1           | 0.3529     | -0.6471
        OFTEN         | false  | 2023-12     | 2      | 2               | 1              | 0.1667      | 0.0833     | -0.5
        top_1_percent | true   | 2023-12     | 0      | 0               | 0              |             |            |
        top_1_percent | false  | 2023-12     | 4      | 14              | 4              | 0.5833      | 0.1951     | -0.6655
        top_5_percent | true   | 2023-12     | 0      | 0               | 0              |             |            |
        top_5_percent | false  | 2023-12     | 4      | 14              | 4              | 0.5833      | 0.1951     | -0.6655
        """,
    )


@pytest.mark.parametrize(("months", "says"), [(17, "needs 18 months of records; there are 17"), (18, "")])
def test_less_than_eighteen_months_are_too_few_to_follow_anybody(check, months, says):
    periods = TWO_YEARS.splitlines()[-months:]
    check(
        "marts.regression_to_the_mean",
        {
            "journeys.cycling": "definition_id",
            "staging.months": "period\n" + "\n".join(periods),
            "staging.slots": SLOTS,
            "staging.people": "person_id | first_contact_at\nP1 | 2023-08-01",
            "staging.contacts": contacts_in({"P1": ["2023-08", "2024-01"]}),
        },
        f"""
        rule          | picked | people         | not_given
        top_1_percent | true   | {"" if says else 0} | {says}
        top_1_percent | false  | {"" if says else 1} | {says}
        top_5_percent | true   | {"" if says else 0} | {says}
        top_5_percent | false  | {"" if says else 1} | {says}
        """,
    )


def test_a_feed_that_missed_a_month_of_the_twelve_is_not_compared(check):
    check(
        "marts.regression_to_the_mean",
        {
            "journeys.cycling": "definition_id",
            "staging.months": TWO_YEARS,
            "staging.slots": SLOTS.replace("2024-02 | true", "2024-02 | false"),
            "staging.people": "person_id | first_contact_at\nP1 | 2023-08-01",
            "staging.contacts": contacts_in({"P1": ["2023-08", "2024-01"]}),
        },
        """
        rule          | picked | contacts_before | contacts_after | change
        top_1_percent | true   | 0               | 0              |
        top_1_percent | false  | 0               | 0              |
        top_5_percent | true   | 0               | 0              |
        top_5_percent | false  | 0               | 0              |
        """,
    )
