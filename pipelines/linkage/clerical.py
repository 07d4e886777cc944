"""A clerical sample: pairs that people look at blind, so that precision and recall are known without an answer key.

`draw` takes pairs by uncertainty with known probabilities: strata are bands of match probability, linked pairs apart
from those that are not, and a stratum gets pairs in proportion to what is uncertain in it (Neyman allocation on the
model's own probabilities; a quarter of the sample is spread evenly, so that a bold model does not hide its errors).
`estimate` weighs the answers back: the points are Horvitz and Thompson's; the intervals are of the errors that may be
among the pairs of each stratum that nobody looked at, drawn from Beta distributions as in OASIS (Marchant and Rubinstein
2017, doi:10.14778/3137628.3137642), since in a stratum without a single error the usual variance is nought. Their good
end allows for no further error where none was seen, their bad end is Jeffreys', so that they rather cover too much.
Binette et al. 2022 (doi:10.1080/00031305.2022.2129470) do the same with clusters as units.

The sample measures and binds nobody: what a reviewer decides for a pair is elsewhere (decisions). Pairs that no rule
compared cannot be drawn, so recall is of the pairs that were. No attribute and no token leaves here.
"""

import csv
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.pseudonymise.errors import InputError

SIDES = [f"{column}_{side}" for side in "lr" for column in ("agency", "feed", "person_ref")]
FORM_COLUMNS = ["sample", "pair", *SIDES, "same_person"]
ANSWERS = {"yes": 1.0, "no": 0.0, "unsure": np.nan}
BANDS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.99)  # match probability at which one stratum ends and the next begins
EVENLY = 0.25  # share of the sample that every stratum gets the same part of
FEWEST = 50  # pairs of a sample
DRAWS = 4000  # from the posterior


@dataclass(frozen=True)
class Estimate:
    """A measure of linked pairs with its 95 % interval."""

    measure: str
    value: float
    low: float
    high: float


def draw(pairs: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Rows of `pairs` (match_probability, linked and whatever else) in random order, with `stratum`, `population` (pairs
    of the stratum), `expected` (their mean match probability) and `inclusion` (probability of being drawn)."""
    rng = np.random.default_rng(seed)
    stratum = 2 * np.digitize(pairs.match_probability, BANDS) + pairs.linked.astype(int)
    framed = pairs.assign(stratum=stratum)
    sizes = framed.groupby("stratum").match_probability.agg(["size", "mean"])
    take = _allocation(sizes["size"].to_numpy(), sizes["mean"].to_numpy(), number)
    drawn = []
    for (name, (size, mean)), wanted in zip(sizes.iterrows(), take, strict=True):
        members = np.flatnonzero(stratum == name)
        rows = framed.iloc[rng.choice(members, wanted, replace=False)]
        drawn.append(rows.assign(population=int(size), expected=mean, inclusion=wanted / size))
    return pd.concat(drawn).sample(frac=1, random_state=seed).reset_index(drop=True)


def _allocation(sizes: np.ndarray, means: np.ndarray, number: int) -> np.ndarray:
    """Pairs to take from each stratum: never more than it has, and one at the least."""
    number = min(number, int(sizes.sum()))
    wish = sizes * np.sqrt(means * (1 - means)) + 1e-9
    wish = EVENLY * number / len(sizes) + (1 - EVENLY) * number * wish / wish.sum()
    take = np.minimum(np.maximum(np.floor(wish).astype(int), 1), sizes)
    while take.sum() < number:  # what small strata could not give goes where most is still wished for
        open_strata = take < sizes
        take[np.argmax(np.where(open_strata, wish / (take + 1), -1))] += 1
    return take


def estimate(answered: pd.DataFrame, seed: int = 1) -> list[Estimate]:
    """Precision, recall and F1 of linked pairs.

    answered: the drawn pairs with linked, stratum, population, expected, and same (1, 0, or missing where nobody could
    tell: such a pair is taken to be like the others of its stratum).
    """
    strata = answered.groupby("stratum").agg(
        linked=("linked", "first"), population=("population", "first"), expected=("expected", "first"),
        told=("same", "count"), same=("same", "sum"),
    )  # fmt: skip
    linked = strata.linked.to_numpy(bool)
    told, same, population, expected = (
        strata[name].to_numpy(float) for name in ("told", "same", "population", "expected")
    )
    wrong = np.where(linked, told - same, same)
    share = np.where(told > 0, wrong / np.maximum(told, 1), np.where(linked, 1 - expected, expected))
    rng = np.random.default_rng(seed)
    # What was looked at is known; of the rest the most that the answers allow, and the least.
    most = wrong + (population - told) * rng.beta(wrong + 0.5, told - wrong + 0.5, (DRAWS, len(strata)))
    least = wrong + (population - told) * rng.beta(wrong + 1e-9, told - wrong + 1, (DRAWS, len(strata)))
    low, high = (_rates(errors, population, linked) for errors in (most, least))
    return [
        Estimate(
            name,
            float(value),
            min(float(np.quantile(low[name], 0.025)), float(value)),
            max(float(np.quantile(high[name], 0.975)), float(value)),
        )
        for name, value in _rates(share * population, population, linked).items()
    ]


def _rates(errors: np.ndarray, population: np.ndarray, linked: np.ndarray) -> dict[str, np.ndarray]:
    """Rates from the errors of each stratum (last axis): wrong links among the linked, matches among the others."""
    joined, missed = population[linked].sum(), errors[..., ~linked].sum(axis=-1)
    right = joined - errors[..., linked].sum(axis=-1)
    return {
        "pair precision": right / max(joined, 1),
        "pair recall": right / np.maximum(right + missed, 1e-9),
        "pair F1": 2 * right / np.maximum(joined + right + missed, 1e-9),
    }


def write_sample(linkage: Path, state: Path, out: Path, number: int, seed: int) -> tuple[str, int]:
    """Draws from the last linkage, writes the reviewers' form to `out` and keeps the rest in the state folder.

    Returns the sample's name and its pairs. The form has no probability in it. The same linkage, number and seed make
    the same sample.
    """
    if number < FEWEST:
        raise InputError(f"a clerical sample needs at least {FEWEST} pairs to say anything.")
    frame = _frame(linkage)
    drawn = draw(frame, number, seed)
    digest = hashlib.sha256(drawn[[*SIDES, "linked"]].to_csv(index=False).encode()).hexdigest()[:8]
    folder = state / "clerical"
    folder.mkdir(parents=True, exist_ok=True)
    known = [path.stem for path in sorted(folder.glob("S*.parquet"))]
    name = next((stem for stem in known if stem.endswith(digest)), f"S{len(known) + 1:03d}-{digest}")
    drawn.insert(0, "pair", np.arange(1, len(drawn) + 1))
    _in_place(folder / f"{name}.parquet", lambda path: drawn.to_parquet(path, index=False))
    form = drawn.assign(sample=name, same_person="")[FORM_COLUMNS]
    _in_place(out, lambda path: form.to_csv(path, index=False, lineterminator="\n"))
    return name, len(drawn)


def _frame(linkage: Path) -> pd.DataFrame:
    """Every compared pair of clients: its sides, match_probability, and whether it is linked."""
    pairs, index = linkage / "client_pairs.parquet", linkage / "person_index.parquet"
    if not pairs.exists() or not index.exists():
        raise InputError("there is no linkage to draw from. Link first: upstream run")
    frame = pd.read_parquet(pairs, columns=[*SIDES, "match_probability"])
    person = pd.read_parquet(index, columns=["agency", "feed", "person_ref", "person_id"])
    for side in "lr":
        frame = frame.merge(person.add_suffix(f"_{side}"), on=[name for name in SIDES if name.endswith(f"_{side}")])
    frame["linked"] = frame.person_id_l == frame.person_id_r
    return frame.drop(columns=["person_id_l", "person_id_r"]).sort_values(SIDES, ignore_index=True)


def record_answers(state: Path, file: Path, reviewer: str) -> int:
    """Appends a filled form to the state folder and returns how many answers it gave. All of it is taken, or nothing."""
    if not reviewer.strip():
        raise InputError("--by needs the reviewer's name.")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = {"sample", "pair", "same_person"} - set(reader.fieldnames or [])
        if missing:
            raise InputError(f"{file}: column {', '.join(sorted(missing))} is missing. Send the form back as it came.")
        rows = list(reader)
    folder, pairs, answers = state / "clerical", {}, []
    for line, row in enumerate(rows, start=2):
        sample, pair, answer = (row[name].strip() for name in ("sample", "pair", "same_person"))
        if not answer:
            continue
        if answer.lower() not in ANSWERS:
            raise InputError(f"{file}, line {line}, same_person: write yes, no or unsure.")
        if sample not in pairs:
            pairs[sample] = _pairs_of(folder, sample, file, line)
        if pair not in pairs[sample]:
            raise InputError(
                f"{file}, line {line}, pair: sample {sample} has no such pair. Send the form back as it came."
            )
        answers.append([sample, pair, answer.lower(), reviewer.strip()])
    if not answers:
        raise InputError(f"{file}: no row has an answer in same_person. Write yes, no or unsure.")
    given = folder / "answers.csv"
    new = not given.exists()
    with given.open("a", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([["sample", "pair", "answer", "by"]] * new + answers)
    return len(answers)


def _pairs_of(folder: Path, sample: str, file: Path, line: int) -> set[str]:
    known = {path.stem: path for path in folder.glob("S*.parquet")}
    if sample not in known:
        raise InputError(f"{file}, line {line}, sample: this hub drew no sample of that name.")
    return set(pd.read_parquet(known[sample], columns=["pair"]).pair.astype(str))


def answered_sample(state: Path) -> tuple[str, pd.DataFrame] | None:
    """The newest sample that has answers, with column `same`; None where there is none.

    A reviewer's last answer stands. Where reviewers differ, or the answer is unsure, `same` is missing.
    """
    given = state / "clerical" / "answers.csv"
    if not given.exists():
        return None
    answers = pd.read_csv(given, dtype=str, keep_default_na=False)
    name = answers["sample"].max()
    answers = answers[answers["sample"] == name].drop_duplicates(["pair", "by"], keep="last")
    value = answers.answer.map(ANSWERS)
    agreed = value.groupby(answers.pair).agg(lambda of_pair: of_pair.mean(skipna=False))
    agreed = agreed.where(agreed.isin([0.0, 1.0]))
    sample = pd.read_parquet(state / "clerical" / f"{name}.parquet")
    looked_at = sample.pair.astype(str).isin(set(answers.pair))
    return name, sample.assign(same=sample.pair.astype(str).map(agreed), looked_at=looked_at)


def _in_place(path: Path, write: Callable[[Path], object]) -> None:
    """Writes apart and moves into place, readable by nobody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{os.getpid()}")
    building.touch(mode=0o600)
    write(building)
    os.replace(building, path)
