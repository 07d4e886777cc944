"""Pattern mining: bit positions that occur together are taken for a frequent q-gram, and names are read from q-grams.

After Christen, Vidanage, Ranbaduge and Schnell 2018 (and Christen, Schnell, Vatsalan and Ranbaduge 2017, whose candidate
positions come from commonest names). Sets of positions that are set together in many filters are mined and matched with
the commonest q-grams of names by how often each occurs and which occur together. A filter is then given the name whose
q-grams it shows, and positions of rarer q-grams are learnt from the filters named with most certainty. Beyond the
literature, a regression learns what each q-gram adds to each bit, from the names read so far or, with exact counts, from
the commonest ones: it reads majority-vote signatures and folded filters, too. Noisy filters are first replaced by the
majority of their near-equal ones. A reading counts if its names foretell the bits of filters it has not learnt from.

A column is read as the name in its own name (forename or surname); columns that hold neither spell no name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.optimize import linear_sum_assignment

from .columns import Columns, bits, is_filter, looks_noisy, near_equal
from .frequency import EXACT, PUBLIC
from .outcome import outcome

NAMES = ("forename", "surname")
MOST_FILTERS = 1_500  # distinct filters that patterns are mined from, the commonest first
FEWEST_PATTERNS = 6
MOST_NAMES = 3_000  # distinct filters, and names, that are compared, the commonest first
PATTERNS, SEEDS = 24, 6  # sets of positions mined at most; pairs of positions that are tried for each
NEW = 0.5  # share of a pattern's positions that may be another's already
FEWEST_POSITIONS = 6  # fewer positions come together by accident
TOGETHER = (0.93, 0.85)  # share of a pattern's filters in which a further position must be set; both are tried
SET = 0.9  # share of a q-gram's positions that show it, and of its filters that must have a position
ROUNDS = 8
STARTS, LIKELY = 6, 6  # first guesses at which pattern is which q-gram; q-grams that are tried for a pattern
DOUBTFUL, CLEAR = 2.0, 0.2  # log units: a name is not sure if it fits worse, or another nearly as well
FIRST_NAMES, RARITY = (20, 40, 80), (0.2, 0.05)  # commonest names begun with; what a log unit of rarity weighs
VOTE_ROUNDS, RIDGE = 12, 1.0
FORETOLD, SURELY = 0.1, 0.5  # correlation of foretold bits below which a reading is none, and above which it will do
HOPELESS = 0.12  # and below which no other is tried
LEARNT_FROM = 2  # named filters from which the positions of a q-gram are learnt


def name_grams(value: str) -> set[str]:
    """Padded bigrams of each word, as filters of names are made of."""
    return {f"_{word}_"[place : place + 2] for word in value.split() for place in range(len(word) + 1)}


@dataclass(frozen=True)
class Filters:
    """Distinct filters of a column, and how many records have each."""

    bits: np.ndarray
    count: np.ndarray
    of_record: np.ndarray  # the filter of each record, -1 for none


@dataclass(frozen=True)
class Names:
    """Distinct names that the attacker knows, their number, and which of `grams` each has (names x grams)."""

    name: np.ndarray
    count: np.ndarray
    grams: list[str]
    has: np.ndarray

    @classmethod
    def of(cls, values: pd.Series) -> "Names":
        counts = values[values != ""].value_counts().head(MOST_NAMES)
        sets = [name_grams(name) for name in counts.index]
        grams = sorted(set().union(*sets))
        number = {gram: place for place, gram in enumerate(grams)}
        has = np.zeros((len(sets), len(grams)), dtype=np.float32)
        for row, each in enumerate(sets):
            has[row, [number[gram] for gram in each]] = 1
        return cls(counts.index.to_numpy(), counts.to_numpy(float), grams, has)


def attack(columns: Columns, people: pd.DataFrame, known: pd.DataFrame, exact: bool = True) -> list[dict]:
    """One object for each filter column of a name, and one for both names together.

    people: forename and surname of the columns' rows. known: those of people whose names the attacker counts; exact:
    whether they are the same people.
    """
    knowledge = EXACT if exact else PUBLIC
    both = ((people["forename"] != "") & (people["surname"] != "")).to_numpy()
    right: dict[str, dict[str, np.ndarray]] = {name: {} for name in NAMES}
    for column, values in columns.items():
        field = next((name for name in NAMES if column.startswith(name)), None)
        if field and is_filter(values):
            spelt = read(values, known[field], exact)
            right[field][column] = (spelt == people[field].to_numpy()) & both
    chance = {name: known[name].value_counts(normalize=True).drop("", errors="ignore") for name in NAMES}
    usual = {name: (people[name] == chance[name].idxmax()).to_numpy() & both for name in NAMES}
    full = pd.Series(list(zip(people["forename"], people["surname"], strict=True)))
    usual_full = (full == pd.Series(list(zip(known["forename"], known["surname"], strict=True))).mode()[0]).to_numpy()
    objects = []
    for field, of_field in right.items():
        for column, found in of_field.items():
            objects.append(
                outcome(
                    "patterns", column, f"{knowledge} of q-grams and the bit patterns of {column}",
                    people=both.sum(), named=0, either=found.sum(),
                    chance=usual_full[both].mean(), chance_values=usual[field][both].mean(), knowledge=knowledge,
                )
            )  # fmt: skip
    if all(right.values()):
        best = {field: max(found.values(), key=np.sum) for field, found in right.items()}
        objects.append(
            outcome(
                "patterns", "both names", f"{knowledge} of q-grams and the bit patterns of both names",
                people=both.sum(), named=(best["forename"] & best["surname"]).sum(),
                either=(best["forename"] | best["surname"]).sum(), chance=usual_full[both].mean(),
                chance_values=(usual["forename"] | usual["surname"])[both].mean(), knowledge=knowledge,
            )
        )  # fmt: skip
    return objects


def read(column: pa.Array, values: pd.Series, exact: bool = True) -> np.ndarray:
    """The name that each record's filter is taken for, '' for none. values: names as the attacker knows them.

    Of several readings the one whose names foretell best, from one half of the filters, the bits of the other half.
    exact: whether the names are counted in this very file, so that the commonest filter is the commonest name.
    """
    filters, names = _distinct(column), Names.of(values)
    signs = filters.bits * 2 - 1
    signs = _unit(signs - signs.mean(axis=0))
    best, most = None, FORETOLD
    for reading in _readings(filters, signs, names, exact):
        if (foretold := _foretold(signs, filters.count, names.has[reading])) > most:
            best, most = reading, foretold
        if most > SURELY or foretold < HOPELESS:
            break
    spelt = np.full(len(signs) + 1, "", dtype=object)
    if best is not None:
        spelt[:-1] = names.name[best]
    return spelt[filters.of_record]


def _readings(filters: Filters, signs: np.ndarray, names: Names, exact: bool) -> Iterator[np.ndarray]:
    """Ways to give each filter a name: by mined patterns, and by what each q-gram adds to each bit."""
    scale = filters.count.sum() / names.count.sum()
    rarity = np.abs(np.log(filters.count + 0.5)[:, None] - np.log(names.count * scale + 0.5)).astype(np.float32)
    common = np.argsort(-filters.count, kind="stable")[:MOST_FILTERS]
    has = names.has[:MOST_FILTERS]  # names stand from the commonest to the rarest

    def by_votes(begun: np.ndarray, weight: float) -> np.ndarray:
        dear = weight * rarity
        votes = _votes(signs[common], filters.count[common], has, dear[common, :MOST_FILTERS], begun)
        return (signs @ _unit(names.has @ votes).T - dear).argmax(axis=1)

    mined = [patterns for together in TOGETHER if len(patterns := _mine(filters, together)) >= FEWEST_PATTERNS]
    for patterns in mined:
        reading = _named(filters, names, _matched(filters, names, patterns))
        yield reading
        yield by_votes(np.where(reading[common] < len(has), reading[common], -1), RARITY[-1])
    if exact:
        for weight, first in product(RARITY, FIRST_NAMES):
            rank = np.arange(len(common))
            yield by_votes(np.where(rank < min(first, len(has)), rank, -1), weight)


def _foretold(signs: np.ndarray, count: np.ndarray, has: np.ndarray) -> float:
    """Correlation of filters' bits with those that the other half of the filters and their names let expect."""
    half = np.random.default_rng(0).random(len(signs)) < 0.5
    if not half.any() or half.all():
        return 0.0
    agree = np.zeros(len(signs))
    for part in (half, ~half):
        agree[~part] = (_unit(has[~part] @ _ridge(has[part], count[part], signs[part])) * signs[~part]).sum(axis=1)
    return float(np.average(agree, weights=count))


def _ridge(has: np.ndarray, count: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """What each q-gram adds to each bit (q-grams x bits), commonest filters counting most."""
    weighted = has * count[:, None]
    return np.linalg.solve(has.T @ weighted + RIDGE * np.eye(has.shape[1], dtype=np.float32), weighted.T @ signs)


def _votes(signs: np.ndarray, count: np.ndarray, has: np.ndarray, dear: np.ndarray, begun: np.ndarray) -> np.ndarray:
    """What each q-gram adds to each bit, learnt from the filters named so far and then from those that fit best.

    Fits signatures, whose bits are majority votes of q-grams, and filters, whose bits are any of them. begun: the name
    (row of has) of each filter, -1 for none yet; dear: what a name of another commonness costs (filters x names).
    """
    sure = np.flatnonzero(begun >= 0)
    best = begun[sure]
    for _ in range(VOTE_ROUNDS):
        votes = _ridge(has[best], count[sure], signs[sure])
        alike = signs @ _unit(has @ votes).T - dear
        chosen = alike.argmax(axis=1)
        margin = alike.max(axis=1) - np.partition(alike, -2, axis=1)[:, -2]
        mutual = alike.argmax(axis=0)[chosen] == np.arange(len(chosen))
        sure = np.argsort(-np.where(mutual, margin, -1), kind="stable")[: min(int(len(sure) * 1.4), int(mutual.sum()))]
        best = chosen[sure]
    return votes


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6)


def _distinct(column: pa.Array) -> Filters:
    vectors, there = bits(column)
    if looks_noisy(column):
        cluster = near_equal(column)
        for each in np.unique(cluster[there]):
            members = cluster == each
            vectors[members] = vectors[members].mean(axis=0) > 0.5
    packed, of_record, count = np.unique(
        np.packbits(vectors[there], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    where = np.full(len(vectors), -1)
    where[there] = of_record
    if len(count) > MOST_NAMES:  # the rarest stay unread
        kept = np.argsort(-count, kind="stable")[:MOST_NAMES]
        place = np.full(len(count) + 1, -1)
        place[kept] = np.arange(MOST_NAMES)
        packed, count, where = packed[kept], count[kept], place[where]
    return Filters(_one_of_opposites(np.unpackbits(packed, axis=1)), count.astype(np.float32), where)


def _one_of_opposites(vectors: np.ndarray) -> np.ndarray:
    """Without positions that are always the opposite of another one that is set more rarely: undoes balancing."""
    signed = vectors.astype(np.float32) * 2 - 1
    opposite = (signed.T @ signed <= -0.99 * len(signed)).any(axis=1)
    return vectors[:, ~opposite | (vectors.mean(axis=0) < 0.5)].astype(np.float32)


def _mine(filters: Filters, together_share: float) -> list[np.ndarray]:
    """Sets of positions that are set together, those that explain most bits first."""
    chosen = np.argsort(-filters.count, kind="stable")[:MOST_FILTERS]
    vectors, count = filters.bits[chosen], filters.count[chosen]
    together = (vectors * count[:, None]).T @ vectors
    alone = together.diagonal()
    # Positions of one q-gram are set together and seldom apart; those of two frequent q-grams are often set apart.
    worth = together**2 / (alone[:, None] + alone - together + 1)
    np.fill_diagonal(worth, 0)
    found: list[np.ndarray] = []
    taken = np.zeros(len(alone), dtype=bool)
    tries = 0
    while True:
        first, second = np.unravel_index(worth.argmax(), worth.shape)
        positions = _grown(vectors, count, first, second, together_share)
        worth[np.ix_(positions, positions)] = 0
        if len(positions) >= FEWEST_POSITIONS and taken[positions].mean() < NEW:
            found.append(positions)
            taken[positions] = True
        tries += 1
        if len(found) == PATTERNS or tries > SEEDS * (len(found) + FEWEST_PATTERNS):
            return found


def _grown(vectors: np.ndarray, count: np.ndarray, first: int, second: int, together: float) -> np.ndarray:
    """Two positions and all that are set where they are, the likeliest first."""
    inside = np.zeros(vectors.shape[1], dtype=bool)
    inside[[first, second]] = True
    rows = (vectors[:, first] > 0) & (vectors[:, second] > 0)
    while True:
        share = count[rows] @ vectors[rows] / max(1.0, count[rows].sum())
        further = np.where(inside, 0, share).argmax()
        if inside[further] or share[further] < (0.8 if inside.sum() < FEWEST_POSITIONS else together):
            return np.flatnonzero(inside)
        inside[further] = True
        rows &= vectors[:, further] > 0


def _matched(filters: Filters, names: Names, patterns: list[np.ndarray]) -> dict[int, np.ndarray]:
    """The q-gram (its number in `names`) that each pattern is taken for: as frequent, and beside as frequent others."""
    shown = np.array([filters.bits[:, positions].mean(axis=1) > SET for positions in patterns], dtype=np.float32)
    scale = filters.count.sum() / names.count.sum()
    ours = (shown * filters.count) @ shown.T
    theirs = (names.has * names.count[:, None]).T @ names.has * scale
    likely = np.argsort(-theirs.diagonal())[: 4 * len(patterns)]
    theirs = theirs[np.ix_(likely, likely)]

    kept = np.arange(len(patterns))
    chosen, apart = _as_alike(ours, theirs)
    while len(kept) > FEWEST_PATTERNS and apart.max() > 3 * np.median(apart) + len(kept):
        # The one that fits worst is two q-grams in one, or half of one, and leads the others astray.
        kept = np.delete(kept, apart.argmax())
        chosen, apart = _as_alike(ours[np.ix_(kept, kept)], theirs)
    return {int(likely[gram]): patterns[place] for gram, place in zip(chosen, kept, strict=True)}


def _as_alike(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which row of `theirs` each row of `ours` is taken for, both counts of what occurs together, and how ill each fits.

    Starts from how often each occurs, then changes or swaps one at a time while counts together agree better.
    """

    def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return (one - other) ** 2 / (one + other + 1)

    rng = np.random.default_rng(0)
    often = apart(ours.diagonal()[:, None], theirs.diagonal())
    best, least = np.empty(0, np.int64), np.inf
    for start in range(STARTS):
        doubt = often if start == 0 else often * rng.uniform(0.2, 1.8, often.shape)
        chosen = linear_sum_assignment(doubt)[1]
        now, before = np.inf, None
        while before is None or now < before - 1e-9:
            before = now
            for place in range(len(chosen)):
                chosen, now = _best_change(ours, theirs, chosen, place, apart)
        if now < least:
            best, least = chosen, now
    return best, apart(ours, theirs[np.ix_(best, best)]).sum(axis=1)


def _best_change(
    ours: np.ndarray, theirs: np.ndarray, chosen: np.ndarray, place: int, apart: Callable
) -> tuple[np.ndarray, float]:
    """What is chosen if the row at `place` is taken for another, or as now, whichever agrees best, and how ill it fits.

    A row of `theirs` that is chosen for another place already goes there and back: the two swap.
    """
    others = np.delete(np.arange(len(chosen)), place)
    likely = apart(ours[place, others], theirs[:, chosen[others]]).sum(axis=1) * 2
    likely += apart(ours[place, place], theirs.diagonal())
    tries = [chosen]
    for candidate in np.argsort(likely)[:LIKELY]:
        other = chosen.copy()
        other[chosen == candidate] = chosen[place]
        other[place] = candidate
        tries.append(other)
    costs = [float(apart(ours, theirs[np.ix_(each, each)]).sum()) for each in tries]
    return tries[int(np.argmin(costs))], min(costs)


def _named(filters: Filters, names: Names, mined: dict[int, np.ndarray]) -> np.ndarray:
    """The name for each filter; other q-grams' positions are learnt on the way."""
    scale = filters.count.sum() / names.count.sum()
    rarity = np.abs(np.log(filters.count + 0.5)[:, None] - np.log(names.count * scale + 0.5)).astype(np.float32)
    per_gram = np.median([len(positions) for positions in mined.values()])
    known = mined
    for _ in range(ROUNDS):
        grams = list(known)
        shown = np.array([filters.bits[:, known[gram]].mean(axis=1) for gram in grams]).T > SET
        has = names.has[:, grams]
        wrong = shown.sum(axis=1, dtype=np.float32)[:, None] + has.sum(axis=1) - 2 * (shown.astype(np.float32) @ has.T)
        unexplained = filters.bits.copy()
        for place, gram in enumerate(grams):
            unexplained[np.ix_(shown[:, place], known[gram])] = 0
        unread = names.has.sum(axis=1) - has.sum(axis=1)
        fresh = per_gram * (1 - filters.bits.mean())  # bits of a q-gram that no other has set
        apart = np.abs((unexplained.sum(axis=1) / fresh).astype(np.float32)[:, None] - unread)
        fits = 3 * wrong + apart + rarity
        least = np.partition(fits, 1, axis=1)
        best, doubt = fits.argmin(axis=1), least[:, 0]
        # A name is sure if no other fits nearly as well and it fits no other filter better.
        sure = (doubt < DOUBTFUL) & (least[:, 1] - doubt > CLEAR)
        sure &= fits.argmin(axis=0)[best] == np.arange(len(best))
        known = mined | _learnt(unexplained[sure], names.has[best[sure]], mined, per_gram)
    return best


def _learnt(
    unexplained: np.ndarray, has: np.ndarray, mined: dict[int, np.ndarray], per_gram: float
) -> dict[int, np.ndarray]:
    """Positions of further q-grams: set in all filters named with the q-gram, and not often in the others."""
    result = {}
    for gram in np.flatnonzero(has.sum(axis=0) >= LEARNT_FROM):
        if gram not in mined:
            named = has[:, gram] > 0
            positions = np.flatnonzero(
                (unexplained[named].mean(axis=0) > SET) & (unexplained[~named].mean(axis=0) < 0.5)
            )
            if per_gram / 2 <= len(positions) <= per_gram * 1.5:
                result[int(gram)] = positions
    return result
