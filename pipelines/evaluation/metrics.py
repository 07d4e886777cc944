"""How well records were linked: clusters and scored pairs against an answer key.

Clusters are judged by pairs of records and by records (B-cubed); a pair that blocking never compared counts as missed.
"""

from pathlib import Path

import numpy as np
import pandas as pd

RECORD = ["feed", "local_person_id"]
BOOTSTRAPS = 2000
ALONE = "alone-"  # begins the made-up id of a record without a cluster


def score(clusters: pd.DataFrame, truth: pd.DataFrame) -> dict:
    """Pair and B-cubed precision, recall and F1 of clusters, and pair F1 of pairs across feeds alone.

    clusters: feed, local_person_id, person_id. A record of the answer key without a cluster counts as alone.
    """
    both = _joined(truth, clusters)
    pairs = _pair_counts(both)
    within = pd.DataFrame([_pair_counts(of_feed) for _, of_feed in both.groupby("feed")]).sum()
    cell = both.groupby(["person_id", "truth"]).size().reset_index(name="n")
    found = cell.person_id.map(both.groupby("person_id").size())
    true = cell.truth.map(both.groupby("truth").size())
    return {
        "records": len(both),
        "unlinked_rows": int(both.person_id.astype(str).str.startswith(ALONE).sum()),
        "people_true": int(both.truth.nunique()),
        "people_found": int(both.person_id.nunique()),
        **_rates("pair", _ratio(pairs["both"], pairs["found"]), _ratio(pairs["both"], pairs["true"])),
        **_rates("b3", float((cell.n**2 / found).sum() / len(both)), float((cell.n**2 / true).sum() / len(both))),
        **_rates(
            "cross_feed",
            _ratio(pairs["both"] - within["both"], pairs["found"] - within["found"]),
            _ratio(pairs["both"] - within["both"], pairs["true"] - within["true"]),
        ),
    }


def better_by(ours: pd.DataFrame, theirs: pd.DataFrame, truth: pd.DataFrame, seed: int = 1) -> dict[str, float]:
    """Pair F1 of ours less theirs, with the 95 % interval of a paired bootstrap over true persons (percentiles).

    ours, theirs: feed, local_person_id, person_id. A false pair belongs half to each of the two persons it mixes.
    """
    counts = np.stack([_counts_by_person(clusters, truth) for clusters in (ours, theirs)])
    persons = counts.shape[1]
    rng = np.random.default_rng(seed)
    drawn = [np.diff(_f1(counts[:, rng.integers(0, persons, persons)].sum(axis=1))[::-1])[0] for _ in range(BOOTSTRAPS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    difference = np.diff(_f1(counts.sum(axis=1))[::-1])[0]
    return {"difference": round(float(difference), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _counts_by_person(clusters: pd.DataFrame, truth: pd.DataFrame) -> np.ndarray:
    """One row a true person: its pairs that were found, its pairs, and all that were found of it."""
    both = _joined(truth, clusters)
    cell = both.groupby(["truth", "person_id"]).size().reset_index(name="n")
    cell["mixed"] = cell.n * (cell.person_id.map(both.groupby("person_id").size()) - cell.n) / 2
    cell["found"] = cell.n * (cell.n - 1) / 2
    person = cell.groupby("truth").agg(found=("found", "sum"), records=("n", "sum"), mixed=("mixed", "sum"))
    return np.column_stack([person.found, person.records * (person.records - 1) / 2, person.found + person.mixed])


def _f1(counts: np.ndarray) -> np.ndarray:
    """Pair F1 of each row (pairs rightly found, true pairs, pairs found)."""
    return 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1)


def blocking_recall(pairs: Path, truth: pd.DataFrame) -> float:
    """Share of true pairs that were compared at all."""
    compared = _with_truth(pairs, truth)
    return round(_ratio(int((compared.truth_l == compared.truth_r).sum()), _pairs(truth.groupby("truth").size())), 4)


def calibration(pairs: Path, truth: pd.DataFrame) -> dict[str, list[dict]]:
    """Expected and observed precision of compared pairs.

    by_tenth: pairs by tenth of match probability. by_decile: pairs above 0.5 in ten groups of equal size, in the order
    of their probability.
    """
    compared = _with_truth(pairs, truth)
    compared["right"] = compared.truth_l == compared.truth_r
    tenth = (compared.match_probability * 10).clip(upper=9).astype(int) / 10
    likely = compared[compared.match_probability > 0.5].sort_values("match_probability", kind="stable")
    decile = np.arange(len(likely)) * 10 // max(len(likely), 1)
    return {
        "by_tenth": [{"from": start, **_expected_and_observed(rows)} for start, rows in compared.groupby(tenth)],
        "by_decile": [_expected_and_observed(rows) for _, rows in likely.groupby(decile)],
    }


def _expected_and_observed(pairs: pd.DataFrame) -> dict[str, float]:
    expected, observed = float(pairs.match_probability.mean()), float(pairs.right.mean())
    return {"pairs": len(pairs), "expected": round(expected, 4), "observed": round(observed, 4)}


def _with_truth(pairs: Path, truth: pd.DataFrame) -> pd.DataFrame:
    columns = ["feed_l", "local_person_id_l", "feed_r", "local_person_id_r", "match_probability"]
    compared = pd.read_parquet(pairs, columns=columns)
    for side in ("l", "r"):
        named = truth.rename(columns={column: f"{column}_{side}" for column in (*RECORD, "truth")})
        compared = compared.merge(named, on=[f"{column}_{side}" for column in RECORD])
    return compared


def _joined(truth: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """The answer key with the person that each record was given; a record without one is alone."""
    both = truth.merge(clusters[[*RECORD, "person_id"]], on=RECORD, how="left", validate="one_to_one")
    alone = [f"{ALONE}{i}" for i in range(len(both))]
    return both.assign(person_id=both.person_id.astype(object).where(both.person_id.notna(), alone))


def _pair_counts(both: pd.DataFrame) -> dict[str, int]:
    groups = {"found": "person_id", "true": "truth", "both": ["person_id", "truth"]}
    return {name: _pairs(both.groupby(keys).size()) for name, keys in groups.items()}


def _pairs(sizes: pd.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _rates(name: str, precision: float, recall: float) -> dict[str, float]:
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {f"{name}_P": round(precision, 4), f"{name}_R": round(recall, 4), f"{name}_F1": round(f1, 4)}
