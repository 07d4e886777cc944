"""How two records can come to agree: one person, kin, namesakes or strangers, learnt without labels.

Fellegi and Sunter know two classes, one person and strangers, whose fields agree independently. Relatives break that:
they share a surname and a postcode (twins a birth date too, father and son a forename) without being one person. So a
*relation* here is the set of fields in which two records hold the same true value. A shared field agrees as it does
for one person (m: the same value, written down twice); any other field agrees as it does by chance (u for strangers, an
own distribution for kin, whose forenames and ages differ more than strangers').

The shares of the relations and the levels are estimated by expectation maximisation over counts of agreement patterns.
Blocking does not distort them: only patterns that blocking is certain to find are looked at (two of four fields equal,
or the NHS number), and what lies outside is completed from the model at each step (a truncated sample). Within one feed
and across feeds one person has different shares, since an agency knows its own clients; the mix of kin is the same in
both, which is what tells twins from one person under two forenames. Levels that the data cannot teach fall back on the
starting values: they enter as a few imagined pairs.
"""

from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import combinations, product

import numpy as np

from .comparisons import FIELDS, LEVELS, top_gamma

SAME_PERSON = "same_person"
CHANGED = "same_person_changed"  # one person whose details changed, or were written down badly, in many fields at once
PERSON = (SAME_PERSON, CHANGED)
NAMESAKES = "namesakes"
STRANGERS = "strangers"
# Relation -> fields in which both records hold the same true value.
RELATIONS: dict[str, frozenset[str]] = {
    SAME_PERSON: frozenset(FIELDS),
    CHANGED: frozenset(FIELDS),
    "household": frozenset({"surname", "postcode"}),
    "twins": frozenset({"surname", "postcode", "dob"}),
    "parent_and_child_of_one_name": frozenset({"surname", "postcode", "forename"}),
    "twins_apart": frozenset({"surname", "dob"}),
    NAMESAKES: frozenset({"forename", "surname"}),
    STRANGERS: frozenset(),
}
KIN = ("household", "twins", "parent_and_child_of_one_name", "twins_apart")
# First guess of the mix of kin pairs, worth KIN_PRIOR_PAIRS imagined pairs.
KIN_MIX = {"household": 0.95, "twins": 0.015, "parent_and_child_of_one_name": 0.025, "twins_apart": 0.01}
KIN_PRIOR_PAIRS = 20.0
CHANGED_SHARE = 0.1  # first guess of the changed among pairs of one person, worth CHANGED_PRIOR_PAIRS imagined pairs
CHANGED_PRIOR_PAIRS = 20.0
LEVEL_PRIOR_PAIRS = 20.0  # imagined pairs that hold the starting values of a field's levels
KIN_LEVEL_PRIOR_PAIRS = 1000.0  # kin's forenames and ages differ much as strangers' do: only many pairs say otherwise
MAX_ITERATIONS = 2000
CONVERGED_AT = 1e-4  # largest change of a probability, or relative change of a share, in one step
REFITS, ROUGHLY = 4, 1.03  # times that strangers' names are held to pairs of the same names, and when they fit
SMALLEST = 1e-9
LEAST_CHANCE = 0.05  # part of the agreement between any two records that is chance at the least

LEVEL_SETS = ("m", "changed", "u", "kin")
Distribution = np.ndarray  # probability by gamma, from 0 (different) to the top (the same)


@dataclass(frozen=True)
class Relations:
    """m, changed, u and kin: field -> probability by gamma. shares: relation -> share of all pairs (within a feed, across)."""

    m: dict[str, Distribution]
    changed: dict[str, Distribution]
    u: dict[str, Distribution]
    kin: dict[str, Distribution]
    shares: dict[str, tuple[float, float]]
    partners: float  # other records of one person that a record has on average
    iterations: int = 0
    converged: bool = True

    def to_json(self) -> dict:
        fields = asdict(self)
        for name in LEVEL_SETS:
            fields[name] = {field: [float(p) for p in levels] for field, levels in fields[name].items()}
        return fields

    @classmethod
    def from_json(cls, fields: dict) -> "Relations":
        made = dict(fields)
        for name in LEVEL_SETS:
            made[name] = {field: np.array(levels) for field, levels in fields[name].items()}
        made["shares"] = {relation: tuple(shares) for relation, shares in fields["shares"].items()}
        return cls(**made)


@cache
def pattern_grid() -> np.ndarray:
    """Every pattern of gammas, one row each, one column a field in the order of FIELDS; -1 is missing."""
    return np.array(list(product(*(range(-1, top_gamma(field) + 1) for field in FIELDS))), dtype=np.int8)


@cache
def certain_to_be_blocked(by_names: bool) -> np.ndarray:
    """Rows of the grid that blocking finds whatever else is true of the pair.

    by_names: whether records have a token of both names' sounds, so that the same names alone are enough.
    """
    grid = pattern_grid()
    top = {field: grid[:, i] == top_gamma(field) for i, field in enumerate(FIELDS)}
    pairs = combinations(("forename", "surname", "dob", "postcode"), 2)
    found = [top[one] & top[other] for one, other in pairs if by_names or {one, other} != {"forename", "surname"}]
    return np.logical_or.reduce([top["nhs_number"], *found])


@cache
def presence_masks() -> np.ndarray:
    """For each row of the grid, which fields are present in both records, as a number of one bit a field."""
    return (pattern_grid() >= 0) @ (1 << np.arange(len(FIELDS)))


def levels_of(model: Relations, relation: str, field: str) -> Distribution:
    """Distribution of a field's gamma under a relation."""
    if relation == CHANGED:
        return model.changed[field]
    if field in RELATIONS[relation]:
        return model.m[field]
    away = relation == "twins_apart" and field == "postcode"
    return model.kin[field] if relation in KIN and not away else model.u[field]


def likelihood(model: Relations, relation: str, grid: np.ndarray) -> np.ndarray:
    """Probability of each pattern's present fields under a relation."""
    result = np.ones(len(grid))
    for i, field in enumerate(FIELDS):
        by_gamma = np.append(levels_of(model, relation, field), 1.0)  # index -1: missing says nothing
        result *= by_gamma[grid[:, i]]
    return result


def log2_share(model: Relations, relation: str, across: bool, grid: np.ndarray) -> np.ndarray:
    """log2 of share times likelihood of each pattern."""
    return np.log2(model.shares[relation][across]) + np.log2(likelihood(model, relation, grid))


def person_share(model: Relations, across: bool) -> float:
    """Share of all pairs that are one person, changed or not."""
    return sum(model.shares[name][across] for name in PERSON)


def log2_person(model: Relations, across: bool, grid: np.ndarray) -> np.ndarray:
    """log2 of share times likelihood of each pattern, for one person, changed or not."""
    return np.log2(sum(model.shares[name][across] * likelihood(model, name, grid) for name in PERSON))


def match_weight(model: Relations, across: bool, grid: np.ndarray) -> np.ndarray:
    """log2 Bayes factor of each pattern: one person against strangers, before the rarity of shared values."""
    person = log2_person(model, across, grid) - np.log2(person_share(model, across))
    return person - np.log2(likelihood(model, STRANGERS, grid))


def fit(
    observed: np.ndarray, pairs_by_mask: np.ndarray, clients: int, start: Relations, by_names: bool = True
) -> Relations:
    """As `estimate`, with strangers' names held to what pairs of the same two names show, where these were looked for."""
    for _ in range(REFITS):
        fitted = estimate(observed, pairs_by_mask, clients, start, by_names)
        too_often = names_met_too_often(observed, pairs_by_mask, fitted) if by_names else 1.0
        if too_often < ROUGHLY:
            break
        rarer = {field: _rarer_top(start.u[field], too_often**0.5) for field in ("forename", "surname")}
        start = replace(start, u=start.u | rarer)
    return fitted


def _rarer_top(levels: Distribution, times: float) -> Distribution:
    """The levels with the top one so many times rarer."""
    rarer = levels.copy()
    rarer[-1] /= times
    return rarer / rarer.sum()


def estimate(
    observed: np.ndarray, pairs_by_mask: np.ndarray, clients: int, start: Relations, by_names: bool = True
) -> Relations:
    """Relations fitted to pattern counts.

    observed: pairs counted by (within a feed or across, row of the grid); rows not certain to be blocked are ignored.
    pairs_by_mask: all pairs of two clients, blocked or not, by (within or across, presence mask).
    by_names: as in certain_to_be_blocked.
    """
    grid, certain, masks = pattern_grid(), certain_to_be_blocked(by_names), presence_masks()
    observed = np.where(certain, observed, 0.0)
    total = np.where(pairs_by_mask.sum(axis=1) > 0, pairs_by_mask.sum(axis=1), np.inf)  # one feed has no pairs across
    model = start
    for step in range(1, MAX_ITERATIONS + 1):
        # Expected pairs of each pattern under each relation, by (relation, within or across, row).
        expected = {
            name: np.outer(model.shares[name], likelihood(model, name, grid)) * pairs_by_mask[:, masks]
            for name in RELATIONS
        }
        explained = np.maximum(sum(expected.values()), SMALLEST)
        # Seen patterns are shared out among relations; unseen ones are completed as the model has them.
        complete = {
            name: np.where(certain, observed * expected[name] / explained, expected[name]) for name in RELATIONS
        }
        after = _maximise(complete, total, clients, model, start)
        change = _largest_change(model, after)
        model = after
        if change < CONVERGED_AT:
            break
    return replace(model, iterations=step, converged=change < CONVERGED_AT)


def names_met_too_often(observed: np.ndarray, pairs_by_mask: np.ndarray, fitted: Relations) -> float:
    """Strangers of the same two names that the model expects, over those that there can be: 1 where it fits, at least.

    Forenames and surnames of strangers are learnt apart, each with its error; together they are seen in every pair whose
    names alone are the same. What is too few there is kin and namesakes.
    """
    grid, masks = pattern_grid(), presence_masks()
    places = {field: grid[:, i] for i, field in enumerate(FIELDS)}
    named = (places["nhs_number"] != top_gamma("nhs_number")) & np.logical_and.reduce(
        [places[field] == top_gamma(field) for field in ("forename", "surname")]
    )
    expected = {
        name: (np.outer(fitted.shares[name], likelihood(fitted, name, grid)) * pairs_by_mask[:, masks])[:, named].sum()
        for name in RELATIONS
    }
    others = sum(pairs for name, pairs in expected.items() if name != STRANGERS)
    return max(1.0, expected[STRANGERS] / max(observed[:, named].sum() - others, 1.0))


def _maximise(complete: dict, total: np.ndarray, clients: int, model: Relations, start: Relations) -> Relations:
    counts = {name: complete[name].sum(axis=1) for name in RELATIONS}
    person = sum(counts[name] for name in PERSON)
    changed = (counts[CHANGED].sum() + CHANGED_PRIOR_PAIRS * CHANGED_SHARE) / (person.sum() + CHANGED_PRIOR_PAIRS)
    shares = {
        name: np.maximum(part * (person + 0.5) / total, SMALLEST * part)
        for name, part in ((SAME_PERSON, 1 - changed), (CHANGED, changed))
    }
    kin_total = sum(counts[name] for name in KIN)
    for name in KIN:
        mix = (counts[name].sum() + KIN_PRIOR_PAIRS * KIN_MIX[name]) / (kin_total.sum() + KIN_PRIOR_PAIRS)
        shares[name] = np.maximum(mix * (kin_total + 0.5) / total, SMALLEST * mix)
    # Namesakes meet by chance, in one feed as often as across two.
    shares[NAMESAKES] = np.full(2, (counts[NAMESAKES].sum() + 0.5) / max(total[np.isfinite(total)].sum(), 1))
    shares[STRANGERS] = np.maximum(1 - sum(shares.values()), 0.5)
    m, changed, kin, usual = {}, {}, {}, starting_levels("m")
    for i, field in enumerate(FIELDS):
        changed[field] = _levels(complete[CHANGED].sum(axis=0), i, field, start.changed[field], LEVEL_PRIOR_PAIRS)
        m[field] = _levels(complete[SAME_PERSON].sum(axis=0), i, field, usual[field], LEVEL_PRIOR_PAIRS)
        chance = sum(complete[name].sum(axis=0) for name in KIN if levels_of(model, name, field) is model.kin[field])
        kin[field] = _levels(chance, i, field, start.kin[field], KIN_LEVEL_PRIOR_PAIRS)
    u = {field: _chance(field, start.u[field], m[field], shares, total) for field in FIELDS}
    partners = 2 * float(person.sum()) / clients
    shares = {name: tuple(map(float, share)) for name, share in shares.items()}
    return Relations(m, changed, u, kin, shares, partners)


def _chance(field: str, any_pair: Distribution, m: Distribution, shares: dict, total: np.ndarray) -> Distribution:
    """Levels of strangers: those of any two records without the pairs that share the field's true value.

    In a small file one person's pairs are a good part of all agreement. An NHS number is given once: nothing to learn.
    """
    if field == "nhs_number":
        return any_pair
    pairs = np.where(np.isfinite(total), total, 0)
    sharing = sum((shares[name] * pairs).sum() for name, fields in RELATIONS.items() if field in fields) / max(
        pairs.sum(), 1
    )
    chance = np.maximum(any_pair - sharing * m, LEAST_CHANCE * any_pair)
    return chance / chance.sum()


def _levels(by_row: np.ndarray | int, place: int, field: str, prior: Distribution, prior_pairs: float) -> Distribution:
    counts = prior_pairs * prior
    if not np.isscalar(by_row):
        gammas = pattern_grid()[:, place]
        present = gammas >= 0
        counts = counts + np.bincount(gammas[present], by_row[present], minlength=top_gamma(field) + 1)
    return np.maximum(counts / counts.sum(), SMALLEST)


def _largest_change(before: Relations, after: Relations) -> float:
    levels = [np.abs(before.m[f] - after.m[f]).max() for f in FIELDS]
    levels += [np.abs(before.changed[f] - after.changed[f]).max() for f in FIELDS]
    levels += [np.abs(before.kin[f] - after.kin[f]).max() for f in FIELDS]
    levels += [np.abs(before.u[f] - after.u[f]).max() for f in FIELDS]
    shares = [
        abs(after.shares[name][i] - before.shares[name][i]) / max(after.shares[name][i], SMALLEST)
        for name in (SAME_PERSON, "household")
        for i in (0, 1)
    ]
    return float(max([*levels, *(0.01 * share for share in shares)]))


def first_guess(m: dict[str, Distribution], u: dict[str, Distribution], prior: float) -> Relations:
    """Where estimation starts: m and u as Splink learnt them; kin differ as strangers do."""
    shares = {name: (prior * KIN_MIX[name],) * 2 for name in KIN}
    shares |= {
        SAME_PERSON: (prior * (1 - CHANGED_SHARE),) * 2,
        CHANGED: (prior * CHANGED_SHARE,) * 2,
        NAMESAKES: (prior / 10,) * 2,
    }
    shares[STRANGERS] = (1 - sum(share[0] for share in shares.values()),) * 2
    u = u | {"nhs_number": starting_levels("u")["nhs_number"]}
    kin = u | {"nhs_number": np.array([0.999, 0.001])}  # a relative's number is written down now and then
    flatter = {field: np.sqrt(levels) / np.sqrt(levels).sum() for field, levels in m.items()}
    return Relations(m, flatter, u, kin, shares, partners=0.0)


def starting_levels(kind: str) -> dict[str, Distribution]:
    """The starting values of m or u that stand in `comparisons`."""
    made = {}
    for field, levels in LEVELS.items():
        values = np.array([getattr(level, kind) for level in reversed(levels)])
        made[field] = values / values.sum()
    return made
