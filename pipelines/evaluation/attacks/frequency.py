"""Frequency alignment: the commonest encoded value is taken for the commonest plaintext value, and so on down.

Within strata of a delivery's clear columns, the distinct values of an encoded column are ranked by count, and beside
them what the same column holds for people whose names the attacker knows: he owns the encoder's code and makes that
copy with a key of his own, so that a compound column is set against its own compound plaintext. Values are aligned
rank by rank, ties in random order, and each record gets the commonest names behind the value aligned to its own
(Christen, Schnell, Vatsalan and Ranbaduge 2017; for compound keys Vidanage, Ranbaduge, Christen and Randall 2021).
Tried for each column alone, each 64-bit word, clusters of near-equal filters, and combinations; and, as an attack of
its own ('weight'), by how many bits a filter has set, which betrays how long a name is.

Three attackers. One knows *exact counts* of the very file, as a whole or by sex: how many bear each full name, were born
on each day, live at each postcode. One has *public frequencies* of other people, in any strata. The headline of the
attack is the best that either of these gets, people and single names apart. The third knows how often *every
combination* of values occurs, names with dates and places together: a register in counts, an attack of its own. In finer
strata exact counts are as good as a register of these people with their attributes, which names some of them without any
encoded column (what 'attributes only' measures): those are listed under `by_strata` and are no headline. What is best is
found with one random order of ties and counted with others, or the luckiest of many tries would be the result.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pyarrow as pa

from .columns import Columns, codes, is_filter, joint, looks_noisy, near_equal, weights, words
from .outcome import outcome

CLEAR = ("sex", "age_band", "ethnic_group", "imd_quintile")
STRATA = {
    "none": (),
    "sex": ("sex",),
    "sex, age band": ("sex", "age_band"),
    "sex, age band, ethnic group, deprivation": CLEAR,
}
EXACT, PUBLIC, REGISTER = "exact counts", "public frequencies", "exact counts of every combination"
HEADLINE = {EXACT: ("none", "sex"), PUBLIC: tuple(STRATA), REGISTER: ("none", "sex")}
PAIRED = "sex"  # the strata in which combinations are tried
OF_WORDS = ("none", PAIRED)  # and words: there are many of them
WORD = ", word "
MOST_COMBINED = 8  # columns that are tried in pairs: those whose values repeat most
REPEATING = 0.01  # share of records whose value another shares, from which a column's ranks say anything
DRAWS = 5  # random orders of ties over which a headline is averaged
FREQUENCY, WEIGHT = "frequency", "weight"
ATTRIBUTES = "attributes only"
PARTS = ("forename", "surname", "full")
SPAN = 1 << 31  # two numbers of less than this make one
MOST_RECORDS = float(1 << 24)
NOWHERE = -(1 << 62)


@dataclass(frozen=True)
class Knowledge:
    """What an attacker counts: people whose names it knows, and the columns its own copy of the encoder gives them."""

    kind: str  # EXACT, PUBLIC or REGISTER
    columns: Columns
    people: pd.DataFrame


@dataclass(frozen=True)
class Side:
    """Names and strata of records as numbers that mean the same on both sides."""

    forename: np.ndarray
    surname: np.ndarray
    full: np.ndarray
    strata: dict[str, np.ndarray]
    chances: dict[tuple[str, bytes], tuple[float, float]] = field(default_factory=dict)  # remembered, for speed

    def part(self, rows: slice) -> "Side":
        strata = {name: values[rows] for name, values in self.strata.items()}
        return Side(self.forename[rows], self.surname[rows], self.full[rows], strata)


@dataclass(frozen=True)
class View:
    """One way to look at a file: its equality classes and, beside them, those of the attacker's copy (-1: blank)."""

    name: str
    ours: np.ndarray
    theirs: np.ndarray
    aligned: bool = False  # equal numbers mean each other already: nothing is left to rank


@dataclass(frozen=True)
class Guess:
    """Which records could be tried, which names are right, and how likely the attacker thinks each right to be."""

    tried: np.ndarray
    right: dict[str, np.ndarray]  # forename, surname, full
    trust: dict[str, np.ndarray]

    @property
    def either(self) -> np.ndarray:
        return self.right["forename"] | self.right["surname"]


@dataclass(frozen=True)
class Result:
    """One view, attacker and strata: who was named. `how` says which columns a combination is made of."""

    kind: str
    strata: str
    made: Guess
    again: Callable[[], Guess]
    ours: Side
    theirs: Side
    how: str = ""

    @property
    def people(self) -> int:
        """All records of the file that have names: one whose column is blank is not named by it."""
        return len(self.made.tried)

    @property
    def named(self) -> int:
        return int(self.made.right["full"].sum())

    @property
    def either(self) -> int:
        return int(self.made.either.sum())

    def counted_afresh(self) -> tuple[int, int]:
        """People named and records with either name, the mean over DRAWS other orders of ties."""
        draws = [self.again() for _ in range(DRAWS)]
        named = np.mean([made.right["full"].sum() for made in draws])
        return int(named + 0.5), int(np.mean([made.either.sum() for made in draws]) + 0.5)

    def chance(self) -> tuple[float, float]:
        """Shares that always guessing the commonest name of the stratum gives: the person, either name."""
        key = (self.strata, self.made.tried.tobytes())
        if key not in self.theirs.chances:
            same = View("", np.where(self.made.tried, 0, -1), np.zeros(len(self.theirs.full), np.int64))
            base = guess(same, self.ours, self.theirs, self.strata, np.random.default_rng(0))
            self.theirs.chances[key] = base.right["full"].sum() / self.people, base.either.sum() / self.people
        return self.theirs.chances[key]


def attack(
    columns: Columns, people: pd.DataFrame, knowledge: Sequence[Knowledge] | None = None, seed: int = 1
) -> list[dict]:
    """One object for each view of each column and for each kind of combination.

    people: forename, surname (normalised, '' for missing), sex, age_band, ethnic_group, imd_quintile, in the order of
    the columns' rows. Without `knowledge` the attacker has exact counts of this file, which is right for encoders that
    give equal values equal codes.
    """
    found: dict[tuple[str, str], list[Result]] = {}
    for known in knowledge or [Knowledge(EXACT, columns, people)]:
        rng = np.random.default_rng(seed)
        rows, known_rows = _named(people), _named(known.people)
        ours, theirs = _sides(people.iloc[rows], known.people.iloc[known_rows])
        nothing = View(ATTRIBUTES, np.zeros(len(rows), np.int64), np.zeros(len(known_rows), np.int64))
        views = list(_views(_take(columns, rows), _take(known.columns, known_rows), known.kind))
        for view in [nothing, *views]:
            for strata in OF_WORDS if WORD in view.name else STRATA:
                again = partial(guess, view, ours, theirs, strata, rng)
                result = Result(known.kind, strata, again(), again, ours, theirs)
                found.setdefault((WEIGHT if view.aligned else FREQUENCY, view.name), []).append(result)
        for name, how, again in _combined(views, ours, theirs, rng):
            result = Result(known.kind, PAIRED, again(), again, ours, theirs, how)
            found.setdefault((FREQUENCY, name), []).append(result)
    return [_object(attack, name, results) for (attack, name), results in found.items()]


def guess(view: View, ours: Side, theirs: Side, strata: str, rng: np.random.Generator) -> Guess:
    """Align the classes of a view within strata, and name each record after the class aligned to its own."""
    place, of_mine, counts, _ = _places(view.ours, ours.strata[strata], view.aligned, rng)
    known_place, of_known, known_counts, ties = _places(view.theirs, theirs.strata[strata], view.aligned, rng)
    order = np.argsort(known_place)
    sorted_places = np.append(known_place[order], NOWHERE)
    nearest = np.searchsorted(sorted_places[:-1], place)
    found = sorted_places[nearest] == place
    record = np.append(np.where(found, np.append(order, -1)[nearest], -1), -1)[of_mine]
    known = record >= 0
    # A rank is as sure as few others are as common, and as the two counts agree.
    sure = np.append(1 / ties, 0)[record] * _agreement(
        np.append(counts, 0)[of_mine], np.append(known_counts, 0)[record]
    )
    right, trust = {}, {}
    for part in PARTS:
        commonest, share = _commonest(of_known, getattr(theirs, part), len(known_place), rng)
        right[part] = known & (np.append(commonest, -1)[record] == getattr(ours, part))
        trust[part] = np.where(known, np.append(share, 0)[record] * sure, 0.0)
    return Guess(of_mine >= 0, right, trust)


def _agreement(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How well two counts agree: 1 if equal, falling with their distance in standard deviations of a count."""
    return np.exp(-np.abs(one - other) / np.sqrt(np.maximum(1, one)))


def _places(
    classes: np.ndarray, strata: np.ndarray, aligned: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stratum and rank in one number for each class in each stratum; the class of each record (-1: none); the records
    of each class; how many classes of the stratum have as many.
    """
    there = (classes >= 0) & (strata >= 0)
    key = strata[there] * SPAN + classes[there]
    distinct, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    of_record = np.full(len(classes), -1)
    of_record[there] = inverse
    if aligned:
        return distinct, of_record, counts, np.ones(len(distinct))
    stratum = distinct // SPAN
    order = np.argsort(stratum * MOST_RECORDS - counts + rng.random(len(distinct)))
    place = np.empty(len(distinct), np.int64)
    place[order] = stratum[order] * SPAN + np.arange(len(distinct)) - np.searchsorted(stratum[order], stratum[order])
    _, same, tied = np.unique(stratum * SPAN + counts, return_inverse=True, return_counts=True)
    return place, of_record, counts, tied[same]


def _commonest(
    classes: np.ndarray, names: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The commonest name behind each class, and the share of the class's records that bear it."""
    there = classes >= 0
    distinct, counts = np.unique(classes[there] * SPAN + names[there], return_counts=True)
    order = np.argsort(counts + rng.random(len(distinct)))
    name, most = np.full(size, -1), np.zeros(size)
    name[distinct[order] // SPAN] = distinct[order] % SPAN
    most[distinct[order] // SPAN] = counts[order]
    return name, most / np.bincount(classes[there], minlength=size).clip(min=1)


def _named(people: pd.DataFrame) -> np.ndarray:
    """Rows with both names: nobody can be named by a name that the file does not have."""
    return np.flatnonzero((people["forename"] != "").to_numpy() & (people["surname"] != "").to_numpy())


def _take(columns: Columns, rows: np.ndarray) -> Columns:
    return {name: column.take(pa.array(rows)) for name, column in columns.items()}


def _sides(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[Side, Side]:
    both = pd.concat([ours, theirs], ignore_index=True)
    number = {column: pd.factorize(both[column].fillna("").astype(str))[0] for column in [*PARTS[:2], *CLEAR]}
    everybody = np.zeros(len(both), np.int64)
    strata = {name: joint(everybody, *(number[column] for column in clear)) for name, clear in STRATA.items()}
    side = Side(number["forename"], number["surname"], joint(number["forename"], number["surname"]), strata)
    return side.part(slice(None, len(ours))), side.part(slice(len(ours), None))


def _views(ours: Columns, theirs: Columns, kind: str) -> Iterator[View]:
    """Each column alone; of a filter also its words, its weight and, where all differ, its near-equal clusters."""
    for name, column in ours.items():
        mine, known = codes(column), codes(theirs[name])
        yield View(name, mine, known)
        if not is_filter(column):
            continue
        for number, word in enumerate(words(column), 1):
            yield View(f"{name}{WORD}{number}", word, known)
        yield View(f"{name}, bits set", *_same_quantile(weights(column), weights(theirs[name])), aligned=True)
        if kind != PUBLIC and looks_noisy(column):
            yield View(f"{name}, near-equal", near_equal(column), near_equal(theirs[name]))


def _same_quantile(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of our records in the attacker's units: the weight of his record that stands as far up as ours."""
    known = np.sort(theirs[theirs >= 0])
    mine = np.sort(ours[ours >= 0])
    if not len(known) or not len(mine):
        return np.full(len(ours), -1), theirs
    middle = (np.searchsorted(mine, ours, "left") + np.searchsorted(mine, ours, "right")) / 2
    place = (middle * len(known) / len(mine)).astype(np.int64).clip(max=len(known) - 1)
    return np.where(ours >= 0, known[place], -1), theirs


def _combined(
    views: list[View], ours: Side, theirs: Side, rng: np.random.Generator
) -> Iterator[tuple[str, str, Callable[[], Guess]]]:
    """Two columns as one, one within another, and all of a person's: (kind of combination, its columns, the guess)."""
    whole = [view for view in views if not view.aligned and WORD not in view.name]
    repeating = [view for view in sorted(whole, key=lambda view: -_repeating(view.ours)) if _repeating(view.ours)]
    for one, other in combinations(repeating[:MOST_COMBINED], 2):
        pair = View("", joint(one.ours, other.ours), joint(one.theirs, other.theirs))
        if _repeating(pair.ours):
            how = f"{one.name} and {other.name}"
            yield "two columns as one", how, partial(guess, pair, ours, theirs, PAIRED, rng)
    for outer, inner in permutations(repeating[:MOST_COMBINED], 2):
        how = f"{inner.name} within {outer.name}"
        yield "one column within another", how, partial(_within, outer, inner, ours, theirs, rng)
    if len(whole) > 1:
        every = View("", joint(*(view.ours for view in whole)), joint(*(view.theirs for view in whole)))
        yield "all columns", "as one value", partial(guess, every, ours, theirs, PAIRED, rng)
        how = "each name from the value that betrays it best"
        yield "all columns", how, partial(_most_trusted, whole, ours, theirs, rng)


def _repeating(classes: np.ndarray) -> float:
    """The share of records whose value another record has, 0 if that is too small for ranks to say anything."""
    there = classes[classes >= 0]
    share = float((np.bincount(there)[there] > 1).mean()) if len(there) else 0.0
    return share if share > REPEATING else 0.0


def _within(outer: View, inner: View, ours: Side, theirs: Side, rng: np.random.Generator) -> Guess:
    """Align the outer column, then the inner one within each pair of aligned values."""
    sides = []
    for side, classes in ((ours, outer.ours), (theirs, outer.theirs)):
        place, of_record, *_ = _places(classes, side.strata[PAIRED], outer.aligned, rng)
        sides.append(np.append(place, -1)[of_record])
    numbers = pd.factorize(np.concatenate(sides))
    strata = np.append(np.where(numbers[1] < 0, -1, np.arange(len(numbers[1]))), -1)[numbers[0]]
    narrow = [
        replace(side, strata={PAIRED: part})
        for side, part in zip((ours, theirs), np.split(strata, [len(sides[0])]), strict=True)
    ]
    return guess(inner, *narrow, PAIRED, rng)


def _most_trusted(views: list[View], ours: Side, theirs: Side, rng: np.random.Generator) -> Guess:
    """Each name of each record from the view of which the attacker may expect most, and the person from both."""
    alone = [guess(view, ours, theirs, PAIRED, rng) for view in views]
    trust = {part: np.array([made.trust[part] for made in alone]) for part in PARTS}
    right = {part: np.array([made.right[part] for made in alone]) for part in PARTS}
    rows = np.arange(len(alone[0].tried))
    chosen = {part: trust[part].argmax(axis=0) for part in PARTS}
    best_trust = {part: trust[part][chosen[part], rows] for part in PARTS}
    best = {part: right[part][chosen[part], rows] for part in PARTS}
    apart = best_trust["forename"] * best_trust["surname"] > best_trust["full"]
    best["full"] = np.where(apart, best["forename"] & best["surname"], best["full"])
    return Guess(np.any([made.tried for made in alone], axis=0), best, best_trust)


def _object(attack: str, name: str, results: list[Result]) -> dict:
    """The best for the attacker by people named and, apart, by single names."""
    able = [result for result in results if result.strata in HEADLINE[result.kind]]
    person = max(able, key=lambda result: (result.named, result.either))
    value = max(able, key=lambda result: (result.either, result.named))
    how = f" ({person.how})" if person.how else ""
    named, either = person.counted_afresh()
    if value is not person:
        either = value.counted_afresh()[1]
    return outcome(
        attack,
        name,
        f"{person.kind} by {'no attribute' if person.strata == 'none' else person.strata} and the column {name}{how}",
        people=person.people,
        named=named,
        either=either,
        chance=person.chance()[0],
        chance_values=value.chance()[1],
        tried=int(person.made.tried.sum()),
        knowledge=person.kind,
        strata=person.strata,
        how=person.how,
        knowledge_values=value.kind,
        strata_values=value.strata,
        how_values=value.how,
        by_strata=[_line(result) for result in (_best_of_each(results) if person.how else results)],
    )


def _best_of_each(results: list[Result]) -> list[Result]:
    """Of many combinations the best for each attacker."""
    kinds = dict.fromkeys(result.kind for result in results)
    return [max((each for each in results if each.kind == kind), key=lambda each: each.named) for kind in kinds]


def _line(result: Result) -> dict:
    chance, chance_values = result.chance()
    return {
        "knowledge": result.kind,
        "strata": result.strata,
        "how": result.how,
        "people": result.people,
        "tried": int(result.made.tried.sum()),
        "people_reidentified": result.named,
        "values_recovered": result.either,
        "forenames": int(result.made.right["forename"].sum()),
        "surnames": int(result.made.right["surname"].sum()),
        "chance": round(chance, 6),
        "chance_values": round(chance_values, 6),
    }
