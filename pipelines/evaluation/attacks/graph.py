"""Graph matching: records are named by how they stand to each other, against a register of people known by name.

After Vidanage, Christen, Ranbaduge and Schnell 2020. Encoding keeps who resembles whom, so that the attacker makes the
same graph of a plaintext register by its own copy of the encoder under a key of its own: records are linked where a
column is equal or nearly so. Each record is described by its clear attributes, how common its values are, how many
bits they set, how many resemble them, and then, round by round, by the same of those that it is linked with; it is
given the name of the register's person who is most like it. A register that holds everyone in the file and nobody else
is the insider's case, and a real register is near it in coverage, if larger.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from .columns import Columns, codes, filter_bytes, is_filter, joint, weights
from .outcome import outcome

CLEAR = ("sex", "age_band", "ethnic_group", "imd_quintile")
ALIKE = (0.67, 0.33, 0.0)  # levels of resemblance, from where it begins (0) to equality (1)
BEGINS, ABOVE_CHANCE = 0.5, 5.5  # Dice coefficient at least, and standard deviations above that of random vectors
ROUNDS, MIXED, KEPT = 2, 24, 6  # rounds of looking on; numbers that describe a record in a round, and its neighbours
MATCHED_WHOLE = 1_500  # records of a stratum up to which all are matched at once, one to one


@dataclass(frozen=True)
class Links:
    """One column as a graph: the value of each record (-1: none), and which values resemble each other."""

    value: np.ndarray
    alike: list[csr_array]
    set_bits: np.ndarray | None


def attack(
    columns: Columns, people: pd.DataFrame, register_columns: Columns, register: pd.DataFrame, share: float, times: int,
    clear: bool = True,
) -> dict:  # fmt: skip
    """The object of one register.

    people, register: forename, surname and CLEAR of the rows of either's columns. share: of the people that are in the
    register; times: how many times as large it is. clear: whether both sides' clear attributes are used.
    """
    strata, known_strata = _strata(people, register, clear)
    mine, known = _described(columns, people, clear), _described(register_columns, register, clear)
    rng = np.random.default_rng(0)
    found = _match(*_on_one_scale(mine, known), strata, known_strata, rng)
    blind = _match(np.zeros((len(people), 1)), np.zeros((len(register), 1)), strata, known_strata, rng)
    named, either = _right(found, people, register)
    by_chance = [hits.mean() for hits in _right(blind, people, register)]
    with_clear = " and clear attributes" if clear else ""
    return outcome(
        "graph",
        "all columns" + with_clear,
        f"a register of {len(register):,} people holding {share:.0%} of those encoded, and the graph of all columns{with_clear},",
        people=len(people), named=named.sum(), either=either.sum(),
        chance=by_chance[0], chance_values=by_chance[1],
        by_chance="taking anybody of the register with the same attributes" if clear else "taking anybody of the register",
        register_share=share, overlap=share, register_times=times, register=len(register),
        strata=", ".join(CLEAR) if clear else "none",
    )  # fmt: skip


def _strata(people: pd.DataFrame, register: pd.DataFrame, clear: bool) -> tuple[np.ndarray, np.ndarray]:
    both = pd.concat([people, register], ignore_index=True)
    parts = [pd.factorize(both[column].fillna("").astype(str))[0] for column in CLEAR] if clear else []
    strata = joint(np.zeros(len(both), np.int64), *parts)
    return strata[: len(people)], strata[len(people) :]


def _right(found: np.ndarray, people: pd.DataFrame, register: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Whether person and either name are right, given the register's row for each record (-1: none)."""
    same = [
        (found >= 0) & (register[name].to_numpy()[found] == people[name].to_numpy()) & (people[name] != "").to_numpy()
        for name in ("forename", "surname")
    ]
    return same[0] & same[1], same[0] | same[1]


def _described(columns: Columns, people: pd.DataFrame, clear: bool) -> np.ndarray:
    """(records, numbers): each record by itself and by what it is linked with. The same numbers on both sides."""
    links = [_links(column) for column in columns.values()]
    own = [_alone(link, len(people)) for link in links]
    if clear:
        own.append(_attributes(people))
    described = np.hstack(own)
    mixing = np.random.default_rng(1)  # the same on both sides
    latest = described
    for _ in range(ROUNDS):
        mixed = _scaled(latest) @ mixing.normal(size=(latest.shape[1], MIXED)) / np.sqrt(latest.shape[1])
        latest = np.hstack(
            [around @ mixing.normal(size=(MIXED, KEPT)) for link in links for around in _around(link, mixed)]
        )
        described = np.hstack([described, latest])
    return described


def _links(column: pa.Array) -> Links:
    value = codes(column)
    if not is_filter(column):
        return Links(value, [], None)
    packed, _ = filter_bytes(column)
    _, first = np.unique(value[value >= 0], return_index=True)
    vectors = np.unpackbits(packed[np.flatnonzero(value >= 0)[first]], axis=1).astype(np.float32)
    return Links(value, _alike(vectors), weights(column))


def _alike(vectors: np.ndarray, block: int = 1024) -> list[csr_array]:
    """For each of ALIKE, which of the distinct filters resemble each other that much but no more."""
    weight = vectors.sum(axis=1)
    levels = _levels(vectors)
    rows: list[list[np.ndarray]] = [[] for _ in ALIKE]
    columns: list[list[np.ndarray]] = [[] for _ in ALIKE]
    for start in range(0, len(vectors), block):
        part = vectors[start : start + block]
        common = part @ vectors.T
        enough = (levels[-1] / 2) * weight
        row, column = np.nonzero(common >= enough[start : start + block, None] + enough)
        other = row + start != column
        row, column = row[other], column[other]
        dice = 2 * common[row, column] / (weight[row + start] + weight[column])
        level = np.searchsorted(-levels, -dice, side="left").clip(max=len(ALIKE) - 1)
        for each in range(len(ALIKE)):
            rows[each].append(row[level == each] + start)
            columns[each].append(column[level == each])
    shape = (len(vectors), len(vectors))
    result = []
    for row_parts, column_parts in zip(rows, columns, strict=True):
        row, column = np.concatenate(row_parts), np.concatenate(column_parts)
        result.append(csr_array((np.ones(len(row), np.float32), (row, column)), shape=shape))
    return result


def _levels(vectors: np.ndarray) -> np.ndarray:
    """Dice coefficients of ALIKE. Random vectors with a share p of n bits set have p, give or take (1 - p) / sqrt(n)."""
    share, length = vectors.mean(), vectors.shape[1]
    begins = max(BEGINS, share + ABOVE_CHANCE * (1 - share) / np.sqrt(length))
    return begins + (1 - begins) * np.array(ALIKE, dtype=np.float32)


def _alone(link: Links, size: int) -> np.ndarray:
    """How common a record's value is in a thousand, how many bits it sets, how many records resemble it."""
    there = link.value >= 0
    if not there.any():
        return np.zeros((size, 2 + len(link.alike) + (link.set_bits is not None)))
    count = np.bincount(link.value[there], minlength=link.value.max(initial=-1) + 1).astype(np.float32)
    numbers = [np.log1p(np.where(there, count[link.value], 0) * 1000 / size), there.astype(np.float32)]
    numbers += [np.log1p(np.where(there, (alike @ count)[link.value], 0) * 1000 / size) for alike in link.alike]
    if link.set_bits is not None:
        numbers.append(np.where(there, link.set_bits, link.set_bits[there].mean()))
    return np.stack(numbers, axis=1)


def _attributes(people: pd.DataFrame) -> np.ndarray:
    known = {
        "sex": "FMX",
        "age_band": ("0-17", "18-24", "25-44", "45-64", "65-74", "75-84", "85+"),
        "ethnic_group": ("white", "mixed", "asian", "black", "other"),
        "imd_quintile": "12345",
    }
    return np.stack(
        [(people[column].astype(str) == value).to_numpy(float) for column, values in known.items() for value in values],
        axis=1,
    )


def _around(link: Links, mixed: np.ndarray) -> list[np.ndarray]:
    """Means of those that share a record's value and of those whose value resembles it, zeros where there is nobody."""
    there = link.value >= 0
    size = link.value.max(initial=-1) + 1
    if not size:
        return [np.zeros_like(mixed) for _ in range(1 + len(link.alike))]
    member = csr_array(
        (np.ones(there.sum(), np.float32), (link.value[there], np.flatnonzero(there))), shape=(size, len(mixed))
    )
    count, sums = np.asarray(member.sum(axis=1)).ravel(), member @ mixed
    others = np.where(there, count[link.value] - 1, 0)[:, None]
    result = [np.where(others > 0, (sums[link.value] - mixed) / np.maximum(1, others), 0)]
    for alike in link.alike:
        near = alike @ sums / np.maximum(1, alike @ count)[:, None]
        result.append(np.where(there[:, None], near[link.value], 0))
    return result


def _scaled(numbers: np.ndarray) -> np.ndarray:
    return (numbers - numbers.mean(axis=0)) / (numbers.std(axis=0) + 1e-6)


def _on_one_scale(mine: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each side in its own standard deviations: a larger register has other means."""
    return _scaled(mine).astype(np.float32), _scaled(known).astype(np.float32)


def _match(
    mine: np.ndarray, known: np.ndarray, strata: np.ndarray, known_strata: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The register's row that is nearest to each record in its stratum, one to one where the stratum is small."""
    found = np.full(len(mine), -1)
    by_stratum = pd.Series(np.arange(len(known_strata))).groupby(known_strata).indices
    for stratum, rows in pd.Series(np.arange(len(strata))).groupby(strata).indices.items():
        candidates = rng.permutation(by_stratum.get(stratum, np.array([], np.int64)))
        if not len(candidates):
            continue
        there = known[candidates]
        for part in [rows] if len(rows) <= MATCHED_WHOLE else np.array_split(rows, len(rows) // MATCHED_WHOLE + 1):
            away = (there**2).sum(axis=1) - 2 * (mine[part] @ there.T) + (mine[part] ** 2).sum(axis=1)[:, None]
            if max(len(rows), len(candidates)) <= MATCHED_WHOLE:
                row, place = linear_sum_assignment(away)
                found[part[row]] = candidates[place]
            else:
                found[part] = candidates[away.argmin(axis=1)]
    return found
