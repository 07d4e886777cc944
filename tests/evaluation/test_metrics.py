"""Clusterings a person can count by hand."""

import pandas as pd
import pytest

from pipelines.evaluation.metrics import fit


@pytest.mark.parametrize(
    ("found", "truth", "precision", "recall"),
    [
        ("aabb", "xxyy", 1.0, 1.0),
        ("abcd", "xxyy", 1.0, 0.0),
        ("aaaa", "xxyy", 2 / 6, 1.0),
        ("aaab", "xxyy", 1 / 3, 1 / 2),
    ],
    ids=["the truth itself", "everybody alone", "all in one", "one of four in the wrong place"],
)
def test_pairs(found, truth, precision, recall):
    result = fit(pd.Series(list(found)), pd.Series(list(truth)))
    assert (result.pair_precision, result.pair_recall) == pytest.approx((precision, recall))


def test_b_cubed_counts_records_and_not_pairs():
    # Three of person x together with one of y: each x is right about 3 of 4, the y about 1 of 4.
    result = fit(pd.Series(list("aaaa")), pd.Series(list("xxxy")))
    assert result.b3_precision == pytest.approx((3 * 3 / 4 + 1 / 4) / 4)
    assert result.b3_recall == 1.0
