"""The rules of the XmR chart: charts that a reader can follow, and what holds of any chart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.run_chart import CAUSES, FEWEST_POINTS, OUTSIDE, SHIFT, TREND, TWO_OF_THREE, run_chart

# Ten and twelve in turn: mean 11, every moving range 2, limits 11 +- 5.32, near a limit beyond 11 +- 3.55.
STEADY = [10.0, 12.0] * 8
CHARTS = st.lists(st.integers(-1000, 1000).map(float), min_size=FEWEST_POINTS, max_size=40)


def causes(values: list[float]) -> list[str | None]:
    return [point.cause for point in run_chart(values)]


def test_limits_lie_2_66_mean_moving_ranges_from_the_mean():
    point = run_chart(STEADY)[0]
    assert (point.mean, point.lower, point.upper) == (11, pytest.approx(11 - 5.32), pytest.approx(11 + 5.32))
    assert set(causes(STEADY)) == {None}


def test_eleven_points_tell_nothing_and_twelve_do():
    assert {(p.mean, p.upper, p.cause) for p in run_chart([*STEADY[:10], 99.0])} == {(None, None, None)}
    assert causes([*STEADY[:11], 99.0])[-1] == OUTSIDE


def test_a_freak_does_not_widen_the_limits_behind_which_it_hides():
    """With both of its moving ranges in the mean, the limits would lie beyond a value of 30."""
    points = run_chart([*STEADY, 40.0, *STEADY])
    assert points[16].cause == OUTSIDE
    assert points[0].upper - points[0].mean == pytest.approx(5.32)


def test_one_change_in_what_was_always_the_same_is_seen():
    assert causes([0.0] * 20 + [1.0])[-1] == OUTSIDE


def test_seven_in_a_row_on_one_side_are_a_shift_and_six_are_not():
    low, high = [10.0, 12.0] * 6, [13.0, 15.0]
    seven, six = [*low, *high * 3, 13.0], [*low, *high * 3]
    assert causes(seven)[-7:] == [SHIFT] * 7
    assert SHIFT not in causes(six)[-6:]


def test_a_point_on_the_mean_ends_a_run():
    values = [12.0, 8.0] * 6 + [11.0] * 4 + [10.0] + [11.0] * 3 + [9.0, 5.0, 9.0]
    assert sum(values) / len(values) == 10
    assert SHIFT not in causes(values)


def test_seven_that_rise_are_a_trend_and_six_are_not():
    assert causes([*STEADY, *range(8, 15)])[-7:] == [TREND] * 7
    assert TREND not in causes([*STEADY, 12.0, *range(8, 14)])


def test_two_of_three_near_a_limit_must_be_on_one_side():
    """16 and 6.6 are near the limits of about 11 +- 6.3; 11.5 is above the mean."""
    together = causes([*STEADY, 10.0, 16.0, 11.5, 16.0, *STEADY[:12]])
    assert [together[17], together[18], together[19]] == [TWO_OF_THREE, None, TWO_OF_THREE]
    assert TWO_OF_THREE not in causes([*STEADY, 10.0, 16.0, 11.5, 6.6, 10.0, *STEADY[:12]])


@given(CHARTS)
def test_upside_down_and_backwards_say_the_same(values):
    said = causes(values)
    assert causes([-value for value in values]) == said
    assert causes(values[::-1])[::-1] == said


@given(CHARTS, st.sampled_from([0.5, 2.0, 1024.0]), st.integers(-1000, 1000))
def test_another_unit_or_another_zero_changes_nothing(values, scale, zero):
    assert causes([value * scale + zero for value in values]) == causes(values)


@given(CHARTS)
def test_every_point_has_its_value_and_the_one_mean_between_the_limits(values):
    points = run_chart(values)
    assert [point.value for point in points] == values
    assert len({(p.mean, p.lower, p.upper) for p in points}) == 1
    assert points[0].lower <= points[0].mean <= points[0].upper
    assert {point.cause for point in points} <= {None, *CAUSES}


@given(CHARTS)
def test_a_point_beyond_a_limit_is_never_common_cause(values):
    for point in run_chart(values):
        if point.value > point.upper + 1e-6 or point.value < point.lower - 1e-6:
            assert point.cause is not None


@given(st.floats(-1e6, 1e6), st.integers(FEWEST_POINTS, 40))
def test_what_never_changes_is_common_cause(value, number):
    assert set(causes([value] * number)) == {None}
