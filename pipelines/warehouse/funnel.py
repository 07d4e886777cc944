"""Funnel limits: how far counts of areas lie from what is expected of them, and how far chance and the usual spread go.

Areas differ for more reasons than chance: limits of a Poisson distribution alone would call nearly every large area
unusual. So the spread that areas have beyond chance is measured first and the limits are widened by it (Spiegelhalter
2005, Statistics in Medicine 24: 1185-1202: additive random effects on square roots, with the outermost tenth of areas
on either side drawn in, so that an unusual area does not widen the limits that it is measured by). NHS England's
mortality indicator is charted in this way. SQL files ask through the function funnel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_AREAS = 10  # of fewer the spread beyond chance cannot be told
DRAWN_IN = 0.1  # of the areas on either side
WARNING, ACTION = 1.959964, 3.090232  # standard deviations that hold 95 % and 99.8 % of areas


@dataclass(frozen=True)
class Area:
    """Observed over expected, and its limits. All None where there are too few areas, or where nothing is expected."""

    ratio: float | None
    lower: float | None  # holds 99.8 % of areas, as does upper
    upper: float | None
    lower_95: float | None
    upper_95: float | None
    spread: float | None  # standard deviation of areas beyond chance, on the square root of the ratio


def funnel(observed: Sequence[float], expected: Sequence[float]) -> list[Area]:
    """An area for each pair of a count and what was expected of it."""
    counts, means = np.asarray(observed, dtype=float), np.asarray(expected, dtype=float)
    usable = means > 0
    if usable.sum() < FEWEST_AREAS:
        return [Area(None, None, None, None, None, None) for _ in observed]
    # the square root of a Poisson count has the same variance, a quarter, whatever its mean
    ratio = np.divide(counts, means, out=np.zeros_like(means), where=usable)
    by_chance = 1 / (4 * np.where(usable, means, 1))
    spread = _spread_beyond_chance(np.sqrt(ratio[usable]) - 1, by_chance[usable])
    reach = np.sqrt(by_chance + spread**2)
    return [
        Area(r, _limit(-ACTION * d), _limit(ACTION * d), _limit(-WARNING * d), _limit(WARNING * d), spread)
        if known
        else Area(None, None, None, None, None, None)
        for r, d, known in zip(ratio.tolist(), reach.tolist(), usable.tolist(), strict=True)
    ]


def limits_at(expected: float, spread: float, reach: float) -> tuple[float, float]:
    """Observed over expected at both limits, for any area of that expected count; reach: WARNING or ACTION."""
    distance = reach * (1 / (4 * expected) + spread**2) ** 0.5
    return _limit(-distance), _limit(distance)


def _spread_beyond_chance(difference: np.ndarray, variance: np.ndarray) -> float:
    """The standard deviation between areas, 0 where chance alone explains how far they lie from what is expected."""
    scores = difference / np.sqrt(variance)
    scores = np.clip(scores, *np.quantile(scores, [DRAWN_IN, 1 - DRAWN_IN]))
    weights, areas = 1 / variance, len(scores)
    surplus = (scores**2).sum() - (areas - 1)
    return float(np.sqrt(max(0.0, surplus / (weights.sum() - (weights**2).sum() / weights.sum()))))


def _limit(distance: float) -> float:
    """A distance on square roots from what is expected, as a ratio to it."""
    return max(0.0, 1 + distance) ** 2
