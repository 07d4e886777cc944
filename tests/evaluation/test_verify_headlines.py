"""What many regions say together of the bands of all headlines."""

import pytest

from pipelines.evaluation.region import Headline
from pipelines.evaluation.verify_headlines import summary


def headline(name: str, low: float, high: float, found: float = 100, true: float = 100) -> Headline:
    return Headline(name, name, "people", "people", False, found, low, high, true)


def regions(held: int, missed: int, width: float = 4) -> list[list[Headline]]:
    """One headline a region, whose band is so wide, around the truth or above it."""
    lows = [100 - width / 2] * held + [101] * missed
    return [[headline("people_seen", low, low + width)] for low in lows]


@pytest.mark.parametrize(
    ("held", "missed", "width", "met"),
    [(90, 10, 4, True), (89, 11, 4, False), (98, 2, 4, True), (99, 1, 4, False), (95, 5, 10, True), (95, 5, 11, False)],
    ids=["90 % do", "89 % are too few", "98 % do", "99 % say too little", "a tenth is narrow", "more is too wide"],
)
def test_bands_hold_the_truth_neither_too_seldom_nor_too_often_and_are_narrow(held, missed, width, met):
    text, result = summary(regions(held, missed, width))
    assert result is met
    assert f"| bands that hold the truth | {held} of {held + missed} (" in text


def test_a_headline_that_linkage_moves_nowhere_does_not_count():
    still = headline("ae_stays", 100, 100)
    text, _ = summary([[*of_region, still] for of_region in regions(9, 1)])
    assert "| headlines that linkage moves, and others | 1, 1 | |" in text
    assert "| bands that hold the truth | 9 of 10 (" in text


def test_a_headline_that_was_wrong_once_counts_although_its_band_is_one_number():
    wrong = headline("ae_stays", 100, 100, true=99)
    text, _ = summary([[headline("ae_stays", 100, 100)], [wrong]])
    assert "| bands that hold the truth | 1 of 2 (" in text
    assert "| the same where linkage moves the headline in that very region | 0 of 1 (0.0%) | |" in text


def test_who_waits_for_a_reviewer_has_no_true_number():
    waiting = headline("people_in_review", 3, 5, found=4, true=0)
    text, _ = summary([[*of_region, waiting] for of_region in regions(9, 1)])
    assert "people_in_review" not in text
    assert "| bands that hold the truth | 9 of 10 (" in text
