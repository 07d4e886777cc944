"""XmR charts by the rules of NHS England's Making Data Count: the mean, the process limits, and what is special cause.

Numbers in, verdicts out; what the numbers mean, and which verdicts matter, is the business of who asks. SQL files ask
through the function run_chart(list), which pipelines/warehouse/functions.py gives to every connection.

Limits lie 2.66 mean moving ranges from the mean; moving ranges above 3.267 of their mean are left out of it, so that one
freak does not hide behind the limits that it widened (Wheeler 1993; the same in the R package NHSRplotthedots). Runs are
of seven points, as Making Data Count counts them. Fewer than FEWEST_POINTS tell nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

FEWEST_POINTS = 12
RUN = 7  # points of a shift or a trend
LIMIT = 2.66  # mean moving ranges from the mean to a limit
NEAR = 2 / 3  # of the way to a limit: beyond that a point is near it
FREAK = 3.267  # times the mean, above which a moving range is left out of it
EXACT = 1e-9  # of the largest value: what is closer than that is equal

TREND, SHIFT, TWO_OF_THREE, OUTSIDE = "trend", "shift", "two of three", "outside"
CAUSES = (TREND, SHIFT, TWO_OF_THREE, OUTSIDE)
"""From the most telling on: of a point to which several apply, the first is said."""


@dataclass(frozen=True)
class Point:
    """One value of a chart. Mean and limits are None, and so is the cause, where the points are too few."""

    value: float
    mean: float | None
    lower: float | None
    upper: float | None
    cause: str | None  # one of CAUSES; None for common cause


def run_chart(values: Sequence[float]) -> list[Point]:
    """A point for each value, in their order in time. Values that are not known are left out before.

    trend: one of seven that rise, or fall, each time. shift: one of seven in a row on one side of the mean. two of three:
    one of at least two, in three in a row on one side, that are near a limit and within it. outside: beyond a limit.
    """
    if len(values) < FEWEST_POINTS:
        return [Point(value, None, None, None, None) for value in values]
    mean, reach = fmean(values), LIMIT * _mean_moving_range(values)
    causes = {
        TREND: _in_runs([_side(after - before, values) for before, after in pairwise(values)], RUN - 1, tail=1),
        SHIFT: _in_runs([_side(value - mean, values) for value in values], RUN),
        TWO_OF_THREE: _two_of_three(values, mean, reach),
        OUTSIDE: {i for i, value in enumerate(values) if _outside(value, mean, reach, values)},
    }
    said = [next((cause for cause in CAUSES if i in causes[cause]), None) for i in range(len(values))]
    return [Point(value, mean, mean - reach, mean + reach, cause) for value, cause in zip(values, said, strict=True)]


def _mean_moving_range(values: Sequence[float]) -> float:
    ranges = [abs(after - before) for before, after in pairwise(values)]
    mean = fmean(ranges)
    # Where all but a few ranges are nothing, what is left says nothing about chance: then the freaks count as well.
    return fmean([size for size in ranges if size < FREAK * mean] or ranges) or mean


def _side(difference: float, values: Sequence[float]) -> int:
    """1, -1, or 0 where there is no difference that floating-point numbers can tell."""
    if abs(difference) <= EXACT * max(map(abs, values)):
        return 0
    return 1 if difference > 0 else -1


def _outside(value: float, mean: float, reach: float, values: Sequence[float]) -> bool:
    return _side(abs(value - mean) - reach, values) > 0


def _in_runs(sides: Sequence[int], length: int, tail: int = 0) -> set[int]:
    """Places in runs of at least that many equal sides other than 0; tail: places that a run has beyond its sides."""
    return {
        place
        for start in range(len(sides) - length + 1)
        if sides[start] and len(set(sides[start : start + length])) == 1
        for place in range(start, start + length + tail)
    }


def _two_of_three(values: Sequence[float], mean: float, reach: float) -> set[int]:
    sides = [_side(value - mean, values) for value in values]
    near = {
        i
        for i, value in enumerate(values)
        if _outside(value, mean, NEAR * reach, values) and not _outside(value, mean, reach, values)
    }
    return set(_pairs_near(sides, near))


def _pairs_near(sides: Sequence[int], near: set[int]) -> Iterator[int]:
    for start in range(len(sides) - 2):
        three = {start, start + 1, start + 2}
        if abs(sum(sides[place] for place in three)) == 3 and len(three & near) >= 2:
            yield from three & near
