"""Linkage on the literature's field-level filters: what each hardening costs in accuracy, beside what it resists.

Every encoder is linked by our own linkage with the same blocking keys as ours, so that nothing differs but how names,
dates and postcodes are compared. A level is a Hamming distance, set where it best tells pairs of made-up slips that
plaintext q-grams call that alike from pairs that they do not: each encoder has the thresholds that suit it.
"""

import random
import secrets
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.linkage import Thresholds, blocking
from pipelines.linkage.comparisons import TOKENS, Representation

from . import plaintext_twin
from .encoders import ENCODERS, FIELDS, GRAMS, Encode

# Field -> Dice coefficient of the q-grams at which each fuzzy level but "swapped" and "an initial" begins.
DICE = {"forename": (0.8, 0.55), "surname": (0.8, 0.55), "dob": (0.87, 0.5, 0.74), "postcode": (0.8, 0.6)}
SAMPLE = 1_000  # values whose slips set the thresholds
SLIPS = 3  # edits in one value at most
LETTERS = {"dob": "0123456789", "postcode": "ABDEFGHJLNPQRSTUWXYZ0123456789"}


def link(people: dict[str, Path], encoder: str, thresholds: Thresholds) -> pd.DataFrame:
    """feed, local_person_id, person_id, linked on filters under a throw-away key. people: feed -> people.csv."""
    records = plaintext_twin.read(people)
    key = secrets.token_bytes(32)
    given = records[[*FIELDS, "nhs_number"]].fillna("")
    columns = ENCODERS[encoder](given, key)
    made = records.drop(columns=list(FIELDS))
    words = {}
    for field in FIELDS:
        made[f"{field}_present"] = (given[field] != "").map({True: 1, False: None}).astype("Int64")
        for i, word in enumerate(_words(columns[f"{field}_bf"]).T):
            made[f"{field}_w{i}"] = word
        words[field] = i + 1
    return plaintext_twin.linked(made, _representation(given, ENCODERS[encoder], key, words), thresholds)


def _words(column: pa.Array) -> np.ndarray:
    """(rows, words) int64 of a filter column, zeros where it is null."""
    width = column.type.byte_width
    text = b"".join(value if value is not None else bytes(width) for value in column.to_pylist())
    return np.frombuffer(text, dtype=">i8").reshape(len(column), -1).astype(np.int64)


def _representation(given: pd.DataFrame, encoder: Encode, key: bytes, words: dict[str, int]) -> Representation:
    most = {field: _distances(given, encoder, key, field) for field in FIELDS}

    def near(field: str, level: int) -> str:
        differing = " + ".join(
            f"cast(bit_count(xor({field}_w{i}_l, {field}_w{i}_r)) as int)" for i in range(words[field])
        )
        return f"{differing} <= {most[field][level]}"

    levels = TOKENS.levels
    return replace(
        TOKENS,
        levels={
            "forename": (
                near("forename", 0),
                levels["forename"][1],
                near("forename", 1),
                "false",
                levels["forename"][4],
                near("forename", 2),
            ),
            "surname": (near("surname", 0), near("surname", 1), near("surname", 2)),
            "dob": (
                *levels["dob"][:2],
                near("dob", 1),
                f"(dob_token_l is null or dob_token_r is null) and {near('dob', 2)}",
                near("dob", 3),
            ),
            "postcode": (levels["postcode"][0], near("postcode", 1), near("postcode", 2)),
            "nhs_number": levels["nhs_number"],
        },
        comparable=dict.fromkeys(levels, "true"),
        training_rules=plaintext_twin.PLAINTEXT.training_rules
        | {
            "names": blocking.rule("forename_w0", "surname_w0"),
            "postcode and forename": blocking.rule("postcode_token", "forename_w0"),
        },
        deterministic_rules=(
            blocking.rule("dob_token", "forename_w0", "surname_w0"),
            blocking.rule("dob_token", "postcode_token", "forename_w0"),
        ),
    )


def _distances(given: pd.DataFrame, encoder: Encode, key: bytes, field: str) -> list[int]:
    """Most bits that may differ at each level: equality, then those of DICE."""
    rng = random.Random(1)
    values = sorted(set(given[field]) - {""})
    sample = [value for value in rng.sample(values, min(SAMPLE, len(values))) for _ in range(SLIPS + 2)]
    others = [_slipped(v, i % (SLIPS + 2), field, values, rng) for i, v in enumerate(sample)]
    frame = pd.DataFrame("", index=range(2 * len(sample)), columns=[*FIELDS, "nhs_number"])
    frame[field] = sample + others
    bits = np.unpackbits(_words(encoder(frame, key)[f"{field}_bf"]).view(np.uint8), axis=1)
    apart = (bits[: len(sample)] != bits[len(sample) :]).sum(axis=1)
    alike = np.array([_dice(GRAMS[field](one), GRAMS[field](two)) for one, two in zip(sample, others, strict=True)])
    return [_best_limit(apart, alike >= least) for least in (1.0, *DICE[field])]


def _slipped(value: str, slips: int, field: str, values: list[str], rng: random.Random) -> str:
    """The value with so many letters replaced; more than SLIPS of them is another value."""
    if slips > SLIPS:
        return rng.choice(values)
    letters = list(value)
    for place in rng.sample(range(len(letters)), min(slips, len(letters))):
        letters[place] = rng.choice(LETTERS.get(field, "aeilnorst"))
    return "".join(letters)


def _dice(one: list[str], two: list[str]) -> float:
    return 2 * len(set(one) & set(two)) / (len(set(one)) + len(set(two)))


def _best_limit(apart: np.ndarray, alike: np.ndarray) -> int:
    """The distance that puts the fewest pairs on the wrong side."""
    limits = np.unique(apart)
    wrong = [(apart[alike] > limit).sum() + (apart[~alike] <= limit).sum() for limit in limits]
    return int(limits[int(np.argmin(wrong))])
