"""Clusterings a person can count by hand."""

import pandas as pd
import pytest

from pipelines.evaluation.metrics import better_by, calibration, score


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


def people(found: str, truth: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    records = {"feed": ["f"] * len(found), "local_person_id": [str(number) for number in range(len(found))]}
    return pd.DataFrame(records | {"person_id": list(found)}), pd.DataFrame(records | {"truth": list(truth)})


def test_difference_of_two_linkages_is_that_of_their_pair_f1():
    ours, truth = people("aabb", "xxyy")
    theirs, _ = people("aabc", "xxyy")
    assert better_by(ours, theirs, truth)["difference"] == pytest.approx(1 - 2 / 3, abs=1e-4)
    mixed, _ = people("aaab", "xxyy")
    assert better_by(mixed, ours, truth)["difference"] == pytest.approx(2 * 1 / (2 + 3) - 1, abs=1e-4)


def test_a_linkage_is_no_better_than_itself_and_its_interval_says_so():
    ours, truth = people("aabbcc", "xxyyzz")
    assert better_by(ours, ours, truth) == {"difference": 0.0, "low": 0.0, "high": 0.0}


def test_one_person_more_is_no_evidence_but_a_hundred_are():
    truth = pd.DataFrame({"feed": "f", "local_person_id": map(str, range(400)), "truth": [i // 2 for i in range(400)]})
    all_found = truth.assign(person_id=truth.truth)
    one_missed = all_found.assign(person_id=[1000 + i if i == 1 else p for i, p in enumerate(all_found.person_id)])
    half_missed = all_found.assign(person_id=[1000 + i if i % 4 == 1 else p for i, p in enumerate(all_found.person_id)])
    assert better_by(all_found, one_missed, truth)["low"] == 0
    assert better_by(all_found, half_missed, truth)["low"] > 0.2


def test_calibration_sets_what_was_expected_beside_what_was_right(tmp_path):
    # Ten pairs of two records at 0.6, of which six are one person; ten at 0.95, all one person; five at 0.2, none.
    truth, pairs = [], []
    for number, (probability, right) in enumerate(
        [*[(0.6, i < 6) for i in range(10)], *[(0.95, True)] * 10, *[(0.2, False)] * 5]
    ):
        truth += [("f", f"{number}a", f"p{number}"), ("f", f"{number}b", f"p{number}" if right else f"q{number}")]
        pairs.append(("f", f"{number}a", "f", f"{number}b", probability))
    truth = pd.DataFrame(truth, columns=["feed", "local_person_id", "truth"])
    columns = ["feed_l", "local_person_id_l", "feed_r", "local_person_id_r", "match_probability"]
    pd.DataFrame(pairs, columns=columns).to_parquet(tmp_path / "pairs.parquet")
    found = calibration(tmp_path / "pairs.parquet", truth)
    assert found["by_tenth"] == [
        {"from": 0.2, "pairs": 5, "expected": 0.2, "observed": 0.0},
        {"from": 0.6, "pairs": 10, "expected": 0.6, "observed": 0.6},
        {"from": 0.9, "pairs": 10, "expected": 0.95, "observed": 1.0},
    ]
    assert [group["pairs"] for group in found["by_decile"]] == [2] * 10
    assert [group["observed"] for group in found["by_decile"]][5:] == [1.0] * 5
