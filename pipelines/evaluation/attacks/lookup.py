"""Looking records up in others that were encoded apart: the dictionary attack, and links across a change of key.

A dictionary attack encodes a register of names and compares. With the key it must name nearly everyone, which says that
secrecy of the key is the control; with a guessed key it must not. The same comparison of one file under two keys says
whether a change of key breaks the thread; clear attributes and the times of events are not encoded and do not change.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_array

from .columns import Columns, bits, is_filter
from .outcome import outcome

COMMONEST = 50  # records of the register that may share a value and still be looked up by it
CLEAR = ("sex", "age_band", "ethnic_group", "imd_quintile")


def dictionary(
    columns: Columns, people: pd.DataFrame, register_columns: Columns, register: pd.DataFrame, with_key: bool
) -> dict:
    """The object of a dictionary attack. register: everybody in the file, encoded with the key or with a guessed one."""
    found = look_up(columns, register_columns)
    same = [
        (found >= 0) & (register[name].to_numpy()[found] == people[name].to_numpy()) & (people[name] != "").to_numpy()
        for name in ("forename", "surname")
    ]
    full = people["forename"] + "\0" + people["surname"]
    guesses = {name: (people[name] == register[name].mode()[0]) for name in ("forename", "surname")}
    key = "the key" if with_key else "a guessed key"
    return outcome(
        "dictionary",
        "with the key" if with_key else "without the key",
        f"a register of everybody and {key}",
        people=len(people), named=(same[0] & same[1]).sum(), either=(same[0] | same[1]).sum(),
        chance=(full == full.mode()[0]).mean(), chance_values=(guesses["forename"] | guesses["surname"]).mean(),
        register_share=1.0, register_times=round(len(register) / len(people), 2),
    )  # fmt: skip


def rotation(before: Columns, after: Columns, people: pd.DataFrame, events: pd.DataFrame) -> list[dict]:
    """Objects of records whose successor under another key is found, by what is encoded and by what is not.

    before, after: the same rows under two keys. people: CLEAR and true_person_id; events: true_person_id, started_at of
    the months that were delivered under both.
    """
    rows = np.arange(len(people))
    attributes = people[list(CLEAR)].fillna("").astype(str).agg("|".join, axis=1)
    times = events.groupby("true_person_id")["started_at"].agg(lambda each: "|".join(sorted(each)))
    activity = people["true_person_id"].map(times).fillna("")
    filters = {name: column for name, column in before.items() if is_filter(column)}
    ways = {
        "equal tokens and filters": look_up(before, after, similar=False) == rows,
        **({"similar filters": _nearest_filters(filters, after, rows) == rows} if filters else {}),
        "equal tokens and filters, key unchanged": look_up(before, before, similar=False) == rows,
        "clear attributes": ~attributes.duplicated(keep=False).to_numpy(),
        "times of events delivered under both keys": ~activity.duplicated(keep=False).to_numpy(),
    }
    return [
        outcome(
            "rotation", way, f"the same people's records under two keys, comparing {way},",
            people=len(people), named=found.sum(), either=found.sum(),
            chance=1 / len(people), chance_values=1 / len(people), by_chance="taking any record",
            meaning="people_reidentified counts records whose successor under the other key was found; nobody is named",
        )
        for way, found in ways.items()
    ]  # fmt: skip


def look_up(ours: Columns, theirs: Columns, similar: bool = True) -> np.ndarray:
    """For each record the row of the others with most equal values, rare ones first; -1 for none.

    similar: where nothing is equal, as in filters with noise, take the nearest filters.
    """
    equal = _equal_values(ours, theirs)
    best = np.full(equal.shape[0], -1)
    found = np.flatnonzero(np.diff(equal.indptr))
    for row in found:
        part = slice(equal.indptr[row], equal.indptr[row + 1])
        best[row] = equal.indices[part][equal.data[part].argmax()]
    rest = np.flatnonzero(best < 0)
    if similar and len(rest) and any(is_filter(column) for column in ours.values()):
        best[rest] = _nearest_filters(ours, theirs, rest)
    return best


def _equal_values(ours: Columns, theirs: Columns) -> csr_array:
    """(records, others): the sum over equal values of one over the number of others that have it."""
    left, right, size = [], [], 0
    for name, column in ours.items():
        both = pa.concat_arrays([_plain(column), _plain(theirs[name])]).dictionary_encode().indices
        number = both.fill_null(-1).to_numpy(zero_copy_only=False)
        mine, known = number[: len(column)], number[len(column) :]
        count = np.bincount(known[known >= 0], minlength=number.max(initial=-1) + 1)
        rare = (count > 0) & (count <= COMMONEST)
        for side, values in ((left, mine), (right, known)):
            rows = np.flatnonzero((values >= 0) & rare[values]) if len(count) else np.array([], np.int64)
            side.append((rows, values[rows] + size, 1 / count[values[rows]]))
        size += len(count)
    shape_left = (len(next(iter(ours.values()))), size)
    shape_right = (len(next(iter(theirs.values()))), size)
    weighted = _sparse(left, shape_left)
    there = _sparse([(rows, values, np.ones(len(rows))) for rows, values, _ in right], shape_right)
    return csr_array(weighted @ there.T)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.binary()) if is_filter(column) else column


def _sparse(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], shape: tuple[int, int]) -> csr_array:
    rows, columns, data = (np.concatenate(each) for each in zip(*parts, strict=True))
    return csr_array((data, (rows, columns)), shape=shape)


def _nearest_filters(ours: Columns, theirs: Columns, rows: np.ndarray, block: int = 500) -> np.ndarray:
    """The other record whose filters, all in one, differ in fewest bits."""
    names = [name for name, column in ours.items() if is_filter(column)]
    mine = np.hstack([bits(ours[name])[0][rows] for name in names]).astype(np.float32)
    known = np.hstack([bits(theirs[name])[0] for name in names]).astype(np.float32)
    weight = known.sum(axis=1)
    starts = range(0, len(mine), block)
    return np.concatenate([(weight - 2 * (mine[at : at + block] @ known.T)).argmin(axis=1) for at in starts])
