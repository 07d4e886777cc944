"""Concentration, rates, funnel limits and regression to the mean: what chance gives, and what lies beyond it."""

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

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
    people = [f"central | P{i} | all | 1 | 365" for i in range(1, 199)]
    check(
        "marts.concentration",
        {
            # two people with 51 contacts each and 198 with one; in all draws the two are one with 102
            "journeys.contact_counts": "\n".join(
                ["scenario | person_key | measure | contacts | days", *people]
                + ["central | Q1 | all | 51 | 365", "central | Q2 | all | 51 | 365"]
                + ["alternative | Q3 | all | 102 | 365", "central | R | crisis | 1 | 365"]
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
