"""Clusterings a person can count by hand."""

import pandas as pd
import pytest

from pipelines.evaluation.metrics import score


def scored(found: str, truth: str, feeds: str = "ffff") -> dict:
    """Score of clusters and true people given as one letter a record."""
    records = {"feed": list(feeds), "local_person_id": [str(number) for number in range(len(found))]}
    return score(pd.DataFrame(records | {"person_id": list(found)}), pd.DataFrame(records | {"truth": list(truth)}))


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
    result = scored(found, truth)
    assert (result["pair_P"], result["pair_R"]) == pytest.approx((precision, recall), abs=1e-4)


def test_b_cubed_counts_records_and_not_pairs():
    # Three of person x together with one of y: each x is right about 3 of 4, the y about 1 of 4.
    result = scored("aaaa", "xxxy")
    assert result["b3_P"] == pytest.approx((3 * 3 / 4 + 1 / 4) / 4)
    assert result["b3_R"] == 1.0


def test_cross_feed_leaves_out_pairs_within_a_feed():
    # The pair inside feed f is found, the one true pair across feeds is not.
    result = scored("aab", "xxx", feeds="ffg")
    assert result["cross_feed_R"] == 0.0
    assert result["pair_R"] == pytest.approx(1 / 3, abs=1e-4)
