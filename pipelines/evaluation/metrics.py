"""How well a clustering fits the truth: pairs of records, and records (B-cubed)."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Fit:
    """Precision, recall and F1, each from 0 to 1, over pairs of records and over records (B-cubed)."""

    records: int
    people_true: int
    people_found: int
    pair_precision: float
    pair_recall: float
    pair_f1: float
    b3_precision: float
    b3_recall: float
    b3_f1: float


def fit(found: pd.Series, truth: pd.Series) -> Fit:
    """Compare two labellings of the same records, aligned by position; labels are any hashable values."""
    both = pd.DataFrame({"found": found.to_numpy(), "truth": truth.to_numpy()})
    cells = both.groupby(["found", "truth"], sort=False).size().rename("n").reset_index()
    of_found, of_truth = both.groupby("found").size(), both.groupby("truth").size()
    precision, recall = _ratio(_pairs(cells.n), _pairs(of_found)), _ratio(_pairs(cells.n), _pairs(of_truth))
    squares = cells.n.astype(float) ** 2
    b3_precision = float((squares / cells.found.map(of_found)).sum() / len(both))
    b3_recall = float((squares / cells.truth.map(of_truth)).sum() / len(both))
    return Fit(
        records=len(both),
        people_true=len(of_truth),
        people_found=len(of_found),
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=f1(precision, recall),
        b3_precision=b3_precision,
        b3_recall=b3_recall,
        b3_f1=f1(b3_precision, b3_recall),
    )


def f1(precision: float, recall: float) -> float:
    """Harmonic mean, 0 if both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _pairs(sizes: pd.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _ratio(part: int, whole: int) -> float:
    """part / whole; a clustering that makes no pairs makes no wrong ones."""
    return part / whole if whole else 1.0
