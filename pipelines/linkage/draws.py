"""Who may be who: many whole partitions of the clients into people, each drawn as often as it is likely.

One partition gives one number and no idea of how sure it is. Draws give every figure a band: compute it under each and
look at the spread (Tancredi and Liseo 2011; Steorts, Hall and Fienberg 2016; Sadinle 2017). Those authors draw from a
full Bayesian model; here draws start from the calibrated probabilities of pairs, which makes them cheap:

- Pairs that are certain are joined once and for all. What is left are small components of groups of clients.
- Log odds plus logistic noise are above 0 exactly as often as their probability says. Two groups have those of the mean
  of their pairs, since pairs of the same records say much the same; and what groups say of each other adds up as they
  join, in the order of these noisy log odds, so that each draw is a partition and keeps every rule.
- An agency hardly ever holds one person twice in a feed (Sadinle's bipartite prior, softened). So two records of two
  feeds, neither of which has another partner there, are likelier one person than their pair alone says, by as much as
  partners are common. Where two groups hold records of one feed, what these say counts in full and pairs of other
  feeds by half.
- The probabilities themselves may be off: each draw shifts and stretches log odds across feeds (`Doubts`).
- Pairs that no blocking rule compares: each draw joins some people at random across feeds, as many as the model of how
  details change says that blocking misses. Two of one feed each, where their person has no third feed; one of one feed
  and one of several, where it has: a record that one partner misses is missed by the others.

Draws are centred on the truth. The central partition, which must decide about every pair, need not lie in the middle.
Integers and arrays alone; nothing here knows what a figure is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import cluster
from .cluster import NO_NUMBER, Constraints, Links

SURE = 0.999  # probability at and above which pairs are joined in every draw,
AGREE = 0.9  # if all pairs of their group have at least this
LEAST = 0.001  # probability below which a pair alone joins nobody in any draw
# Natural log odds of a pair that was never compared, across feeds and within one, beside pairs that were.
UNSCORED, UNSCORED_WITHIN = -3.0, -6.0
FURTHEST = 15.0  # natural log odds at which a pair is as sure as it gets
# and at which it is as unlikely: what the model finds impossible is now and then a record wrong in everything
UNLIKELIEST = -8.0
MOST_NODES = 150  # groups of one component that are sorted out together; its weakest pairs go first
MORE = 10  # times as many pairs are tried as are wanted, where pairs are joined at random
FEWEST_FREE = 0.05  # of clients without a partner in another feed, at the least


@dataclass(frozen=True)
class Doubts:
    """What is uncertain for all pairs together."""

    calibration: np.ndarray  # (2,) shift and slope of natural log odds across feeds; (0, 1) where they are right
    covariance: np.ndarray  # (2, 2) of the two
    own_shift: np.ndarray  # (feeds,) spread of the shift that pairs with a record of the feed have beside
    # By pair of feeds, (feeds, feeds) above the diagonal: one person's pairs that blocking missed, and how many could
    # have been. The share that it misses has a gamma distribution with these two as shape and rate.
    missed: np.ndarray
    chances: np.ndarray

    @classmethod
    def none(cls, feeds: int) -> "Doubts":
        nothing = np.zeros((feeds, feeds))
        return cls(np.array([0.0, 1.0]), np.zeros((2, 2)), np.zeros(feeds), nothing, nothing)


def partitions(
    links: Links,
    feeds: np.ndarray,
    verified: np.ndarray,
    constraints: Constraints,
    central: np.ndarray,
    doubts: Doubts,
    number: int,
    seed: int,
) -> Iterator[np.ndarray]:
    """`number` draws, each the person number of every client, (clients,).

    links: every scored pair. feeds: feed number of each client, from 0. verified, constraints: as in `cluster.people`.
    central: person number of each client in the central partition, from which it is learnt how common partners are.
    """
    rng = np.random.default_rng(seed)
    constraints = constraints.binding()
    rules = _Rules(_one_number_a_group(verified, constraints.groups()), constraints.cannot)
    links = links.select(~rules.apart(links.left, links.right))
    nodes = _certain_groups(links, rules, constraints.groups())
    graph = _Graph.of(links, nodes, feeds, rules, free_bonus(feeds, central))
    lost = _links_to_lose(feeds, central)
    for _ in range(number):
        shift, slope = rng.multivariate_normal(doubts.calibration, doubts.covariance)
        own = rng.normal(size=len(doubts.own_shift)) * doubts.own_shift
        shifts = np.where(np.eye(len(own)), np.diag(own), shift + own[:, None] + own)
        labels = graph.draw(shifts, max(slope, 0.0), rng)[nodes]
        share = rng.gamma(doubts.missed) / np.maximum(doubts.chances, 1)
        for several, links_across in enumerate(lost):
            labels = _join_missed(labels, feeds, rules, rng.poisson(share * links_across), bool(several), rng)
        yield labels


@dataclass(frozen=True)
class _Rules:
    """Who cannot be one person: a number of each client's verified NHS number, and pairs that a human put apart."""

    verified: np.ndarray
    cannot: np.ndarray

    def apart(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        one, other = self.verified[left], self.verified[right]
        torn = (one != NO_NUMBER) & (other != NO_NUMBER) & (one != other)
        size = np.array([len(self.verified), 1])
        pair = np.column_stack([np.minimum(left, right), np.maximum(left, right)]) @ size
        return torn | np.isin(pair, np.sort(self.cannot, axis=1) @ size)

    def torn(self, groups: np.ndarray) -> np.ndarray:
        """Which groups hold clients that cannot be one person, by number of the group."""
        held = self.verified != NO_NUMBER
        numbers = pd.Series(self.verified[held]).groupby(groups[held]).nunique()
        result = np.zeros(groups.max(initial=-1) + 1, dtype=bool)
        result[numbers.index[numbers > 1]] = True
        together = groups[self.cannot[:, 0]] == groups[self.cannot[:, 1]]
        result[groups[self.cannot[together, 0]]] = True
        return result


def _one_number_a_group(verified: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Verified numbers such that those which a human joined are one."""
    held = np.flatnonzero(verified != NO_NUMBER)
    numbers = np.unique(verified[held], return_inverse=True)[1]
    nodes = groups.max(initial=-1) + 1
    same = cluster.components(_pairs(groups[held], nodes + numbers), nodes + len(held))
    result = np.full(len(verified), NO_NUMBER)
    result[held] = same[nodes + numbers] + 1
    return result


def _pairs(left: np.ndarray, right: np.ndarray) -> Links:
    return Links(left, right, np.ones(len(left)), np.ones(len(left)))


def _certain_groups(links: Links, rules: _Rules, must: np.ndarray) -> np.ndarray:
    """(clients,) number of the group in which each client is in every draw. must: group by human decisions."""
    clients = len(must)
    alone = np.arange(clients)
    found = cluster.components(links.select(links.probability >= SURE), clients)
    sizes = np.bincount(found)
    agree = (found[links.left] == found[links.right]) & (links.probability >= AGREE)
    whole = np.bincount(found[links.left], agree, minlength=len(sizes)) >= sizes * (sizes - 1) / 2
    certain = np.where(whole[found], found, clients + alone)
    nodes = _united(certain, must)
    # What is certain for the model and not for a human is left to the draws.
    certain = np.where(rules.torn(nodes)[nodes], clients + alone, certain)
    return _united(certain, must)


def _united(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The finest partition that keeps together whoever is together in either."""
    one = np.unique(one, return_inverse=True)[1]
    offset = one.max(initial=-1) + 1
    nodes = offset + other.max(initial=-1) + 1
    return cluster.in_order(cluster.components(_pairs(one, other + offset), nodes)[one])


def free_bonus(feeds: np.ndarray, central: np.ndarray) -> np.ndarray:
    """(feeds, feeds) natural log odds by which a pair of free records is likelier than its probability says.

    By Bayes: of one person's pairs nearly all are free of other partners in the two feeds, of other pairs only those
    whose records happen to have none.
    """
    has = presence(feeds, central)
    number = has.shape[1]
    partnered = np.array([has[central[feeds == feed]].mean(axis=0) for feed in range(number)])
    return -np.log(np.maximum((1 - partnered) * (1 - partnered.T), FEWEST_FREE))


def presence(feeds: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(groups, feeds) whether a group holds a client of a feed."""
    has = np.zeros((groups.max(initial=-1) + 1, feeds.max(initial=-1) + 1), dtype=bool)
    has[groups, feeds] = True
    return has


# Sums over the pairs of two groups: log odds and number of those across feeds, the same within a feed.
ACROSS, PAIRS_ACROSS, WITHIN, PAIRS_WITHIN = range(4)


@dataclass(frozen=True)
class _Graph:
    """Pairs of groups that some draw may join, and those groups, numbered among themselves: the uncertain ones."""

    nodes: int  # of all groups
    uncertain: np.ndarray  # (groups,) number of each uncertain group among all
    left: np.ndarray
    right: np.ndarray
    sums: np.ndarray  # (4, pairs)
    bonus: np.ndarray  # (pairs,) sum of what free pairs are likelier by
    counts: np.ndarray  # (groups, feeds) clients
    verified: np.ndarray  # (groups,)
    cannot: np.ndarray  # (n, 2) groups

    @classmethod
    def of(cls, links: Links, nodes: np.ndarray, feeds: np.ndarray, rules: _Rules, bonus: np.ndarray) -> "_Graph":
        size = nodes.max(initial=-1) + 1
        counts = np.zeros((size, feeds.max(initial=-1) + 1))
        np.add.at(counts, (nodes, feeds), 1)
        verified = np.zeros(size, dtype=np.int64)
        np.maximum.at(verified, nodes, rules.verified)
        cannot = np.sort(nodes[rules.cannot], axis=1)
        links = links.select(nodes[links.left] != nodes[links.right])
        ends = np.sort(np.column_stack([nodes[links.left], nodes[links.right]]), axis=1)
        key, of = np.unique(ends @ np.array([size, 1]), return_inverse=True)
        left, right = key // max(size, 1), key % max(size, 1)
        across = feeds[links.left] != feeds[links.right]
        odds = _log_odds(links.probability)
        scored = [
            np.bincount(of, weight, minlength=len(key)) for weight in (across * odds, across, ~across * odds, ~across)
        ]
        free = np.bincount(of, np.where(across, bonus[feeds[links.left], feeds[links.right]], 0), minlength=len(key))
        within = (counts[left] * counts[right]).sum(axis=1)
        between = counts[left].sum(axis=1) * counts[right].sum(axis=1) - within
        sums = np.array(
            [
                scored[ACROSS] + UNSCORED * (between - scored[PAIRS_ACROSS]),
                between,
                scored[WITHIN] + UNSCORED_WITHIN * (within - scored[PAIRS_WITHIN]),
                within,
            ]
        )
        likely = np.zeros(len(key))
        np.maximum.at(likely, of, links.probability)
        torn = (verified[left] != verified[right]) & (verified[left] != NO_NUMBER) & (verified[right] != NO_NUMBER)
        torn |= np.isin(key, cannot @ np.array([size, 1]))
        kept = (likely >= LEAST) & ~torn
        uncertain, ends = np.unique(np.r_[left[kept], right[kept]], return_inverse=True)
        inside = np.isin(cannot, uncertain).all(axis=1)
        return cls(
            size,
            uncertain,
            *np.split(ends, 2),
            sums[:, kept],
            free[kept],
            counts[uncertain],
            verified[uncertain],
            np.searchsorted(uncertain, cannot[inside]),
        )

    def draw(self, shifts: np.ndarray, slope: float, rng: np.random.Generator) -> np.ndarray:
        """(nodes,) person number of each group in one draw, certain or not. shifts: (feeds, feeds)."""
        ends = self.counts[self.left], self.counts[self.right]
        sums = self.sums.copy()
        shared = (ends[0] * np.diag(shifts) * ends[1]).sum(axis=1)
        sums[ACROSS] = slope * (sums[ACROSS] + self.bonus) + ((ends[0] @ shifts) * ends[1]).sum(axis=1) - shared
        sums[WITHIN] += shared
        noisy = _joining(sums) + rng.logistic(size=len(self.left))
        heads = noisy > 0
        labels = self._components(heads)
        sizes = np.bincount(labels)
        cut = 0.0
        while sizes.max(initial=0) > MOST_NODES and cut < 2 * FURTHEST:
            cut += 1
            heads &= (sizes[labels[self.left]] <= MOST_NODES) | (noisy > cut)
            labels = self._components(heads)
            sizes = np.bincount(labels)
        pairs = np.flatnonzero((labels[self.left] == labels[self.right]) & (sizes[labels[self.left]] > 2))
        pairs = pairs[np.argsort(labels[self.left[pairs]], kind="stable")]
        result, fresh = labels.copy(), len(sizes)
        starts = np.flatnonzero(np.diff(labels[self.left[pairs]], prepend=-1))
        for rows in np.split(pairs, starts[1:]) if len(pairs) else []:
            members = np.unique([self.left[rows], self.right[rows]])
            result[members] = fresh + self._sort_out(members, rows, noisy[rows])
            fresh += len(members)
        people = np.arange(self.nodes)
        people[self.uncertain] = self.nodes + result
        return people

    def _components(self, kept: np.ndarray) -> np.ndarray:
        return cluster.components(_pairs(self.left[kept], self.right[kept]), len(self.verified))

    def _sort_out(self, members: np.ndarray, rows: np.ndarray, noisy: np.ndarray) -> np.ndarray:
        """Group of each member: the two with the highest noisy log odds join, until none are above 0.

        rows: pairs of groups among the members, and their noisy log odds.
        """
        count = len(members)
        counts = self.counts[members]
        odds = np.where(counts @ counts.T > 0, UNSCORED_WITHIN, UNSCORED)
        left, right = np.searchsorted(members, self.left[rows]), np.searchsorted(members, self.right[rows])
        odds[left, right] = odds[right, left] = noisy
        numbers = self.verified[members]
        torn = (numbers[:, None] != numbers) & (numbers[:, None] != NO_NUMBER) & (numbers != NO_NUMBER)
        inside = np.isin(self.cannot, members).all(axis=1)
        if inside.any():
            one, other = np.searchsorted(members, self.cannot[inside].T)
            torn[one, other] = torn[other, one] = True
        odds[torn | np.eye(count, dtype=bool)] = -np.inf
        result = np.arange(count)
        while True:
            one, other = np.unravel_index(odds.argmax(), odds.shape)
            if not odds[one, other] > 0:
                return result
            odds[one] += odds[other]
            odds[:, one] = odds[one]
            odds[other] = odds[:, other] = -np.inf
            result[result == other] = one


def _joining(sums: np.ndarray) -> np.ndarray:
    """Natural log odds that two groups are one person, as far as their own pairs tell."""
    across = sums[ACROSS] / np.maximum(sums[PAIRS_ACROSS], 1)
    within = sums[WITHIN] / np.maximum(sums[PAIRS_WITHIN], 1)
    return np.where(sums[PAIRS_WITHIN] > 0, within + across / 2, across)


def _log_odds(probability: np.ndarray) -> np.ndarray:
    least, most = 1 / (1 + np.exp([-UNLIKELIEST, -FURTHEST]))
    sure = np.clip(probability, least, most)
    return np.log(sure / (1 - sure))


def _links_to_lose(feeds: np.ndarray, central: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(feeds, feeds), above the diagonal: people of exactly these two feeds; and links of people of more feeds, each
    record having one that holds it to the others."""
    has = presence(feeds, central)
    number = has.sum(axis=1)
    two = has[number == 2].astype(float)
    more, weight = has[number > 2].astype(float), 2 / np.maximum(number[number > 2] - 1, 1)
    return np.triu(two.T @ two, 1), np.triu((more * weight[:, None]).T @ more, 1) / 2


def _join_missed(
    labels: np.ndarray,
    feeds: np.ndarray,
    rules: _Rules,
    wanted: np.ndarray,
    several: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """The partition with people joined at random: `wanted` (feeds, feeds) pairs of people without a feed in common,
    each person joined once at most. several: one of the two is of more feeds than one; otherwise both are of one."""
    used = np.zeros(labels.max(initial=-1) + 1, dtype=bool)
    has = presence(feeds, labels)
    number = has.sum(axis=1)
    for one, other in zip(*np.nonzero(wanted), strict=True):
        ends = [
            np.flatnonzero((feeds == feed) & ~has[labels, partner] & ~used[labels])
            for feed, partner in ((one, other), (other, one))
        ]
        if not min(map(len, ends)):
            continue
        # More than are wanted, since some fall out: two who cannot be one, or one person twice.
        left, right = (rng.choice(clients, MORE * wanted[one, other]) for clients in ends)
        fits = ~rules.apart(left, right) & ~(has[labels[left]] & has[labels[right]]).any(axis=1)
        fits &= (number[labels[left]] + number[labels[right]] > 2) == several
        left, right = left[fits], right[fits]
        first = np.zeros(len(left), dtype=bool)
        first[np.intersect1d(*(np.unique(labels[end], return_index=True)[1] for end in (left, right)))] = True
        left, right = (end[first][: wanted[one, other]] for end in (left, right))
        used[labels[left]] = used[labels[right]] = True
        moved = np.arange(len(used))
        moved[labels[right]] = labels[left]
        labels = moved[labels]
    return labels


@dataclass(frozen=True)
class Changes:
    """How draws differ from the central partition: the same set of clients is one variant in every draw."""

    draw: np.ndarray  # (rows,) from 1
    client: np.ndarray  # (rows,)
    variant: np.ndarray  # (rows,) number of the set of clients that is the client's person in that draw, from 1


def changes(central: np.ndarray, draws: Iterator[np.ndarray], seed: int) -> Changes:
    """Every client whose person is another set of clients than in the central partition, draw by draw."""
    # A set of clients is known by the sum of random 64-bit numbers, one a client (Zobrist 1970).
    marks = np.random.default_rng(seed).integers(0, 2**64, len(central), dtype=np.uint64)
    usual = _marks_of(central, marks)[central]
    known: dict[int, int] = {}
    parts = []
    for number, labels in enumerate(draws, start=1):
        found = _marks_of(labels, marks)[labels]
        client = np.flatnonzero(found != usual)
        variant = [known.setdefault(mark, len(known) + 1) for mark in found[client].tolist()]
        parts.append((np.full(len(client), number), client, np.array(variant, dtype=np.int64)))
    if not parts:
        return Changes(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    return Changes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _marks_of(labels: np.ndarray, marks: np.ndarray) -> np.ndarray:
    total = np.zeros(labels.max(initial=-1) + 1, dtype=np.uint64)
    np.add.at(total, labels, marks)
    return total
