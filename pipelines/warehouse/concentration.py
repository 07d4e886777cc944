"""How much of all contacts comes from the few people with the most of them, and how much would by chance.

People are given as groups who are alike: their contacts, the days that they were observed, how many they are. Only people
with a contact are known, so that both kinds of chance are about counts of one and more (zero-truncated):

    Poisson            everybody comes equally often; who has more contacts had more days or more luck
    negative binomial  people differ in how often they come, as a gamma distribution differs, and luck comes on top

Both are fitted to the data by maximum likelihood, with days as exposure. What the shares mean is the business of the SQL
files, which ask through the functions top_shares and chance_shares.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

TOPS = (0.01, 0.05, 0.1, 0.2)  # parts of the people: those with the most contacts
FEWEST_PEOPLE = 100  # of fewer the top 1 % is not even one
TAIL = 1e-9  # of people: what lies beyond that in a fitted distribution is left out
MOST = 200_000  # contacts of one person that a fitted distribution goes up to

Distribution = Callable[[np.ndarray, np.ndarray], np.ndarray]  # contacts and days to the log of their probability


def top_shares(contacts: Sequence[int], people: Sequence[float], seed: int | None = None) -> list[float | None]:
    """The share of all contacts that the people with the most have, for each of TOPS; None of fewer than FEWEST_PEOPLE.

    contacts, people: groups of people, each with so many contacts, in an order that does not change. seed: as many
    people are drawn from them anew, so that the spread over seeds is that of chance.
    """
    size, weight = np.asarray(contacts, dtype=float), np.asarray(people, dtype=float)
    total = weight.sum()
    if total < FEWEST_PEOPLE:
        return [None] * len(TOPS)
    if seed is not None:
        weight = np.random.default_rng(seed).multinomial(round(total), weight / total).astype(float)
    return _shares(size, weight)


def chance_shares(
    contacts: Sequence[int], days: Sequence[int], people: Sequence[int]
) -> tuple[list[float | None], list[float | None]]:
    """What top_shares would be expected to be under the Poisson and under the negative binomial distribution."""
    size, exposure, weight = (np.asarray(values, dtype=float) for values in (contacts, days, people))
    if weight.sum() < FEWEST_PEOPLE:
        return [None] * len(TOPS), [None] * len(TOPS)
    poisson = _poisson_fit(size, exposure, weight)
    binomial = _negative_binomial_fit(size, exposure, weight, poisson)
    return (
        _expected_shares(partial(_poisson, poisson), size, exposure, weight),
        _expected_shares(partial(_negative_binomial, *binomial), size, exposure, weight),
    )


def _shares(size: np.ndarray, weight: np.ndarray) -> list[float]:
    order = np.argsort(-size, kind="stable")
    people, contacts = np.cumsum(weight[order]), np.cumsum((size * weight)[order])
    # the group on the border counts in part
    tops = np.interp(np.array(TOPS) * people[-1], np.append(0, people), np.append(0, contacts))
    return (tops / contacts[-1]).tolist()


def _poisson(rate: float, contacts: np.ndarray, days: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    mean = rate * days
    return contacts * np.log(mean) - mean - gammaln(contacts + 1) - np.log(-np.expm1(-mean))


def _negative_binomial(rate: float, size: float, contacts: np.ndarray, days: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    mean = rate * days
    log_none = -size * np.log1p(mean / size)
    log_more = contacts * (np.log(mean) - np.log(size + mean))
    ways = gammaln(contacts + size) - gammaln(size) - gammaln(contacts + 1)
    return ways + log_none + log_more - np.log(-np.expm1(log_none))


def _poisson_fit(contacts: np.ndarray, days: np.ndarray, people: np.ndarray) -> float:
    """The rate a day at which the mean of the zero-truncated distribution is that of the data."""
    from scipy.optimize import brentq

    total = (contacts * people).sum()

    def surplus(log_rate: float) -> float:
        mean = np.exp(log_rate) * days
        return (people * mean / -np.expm1(-mean)).sum() - total

    # everybody has a contact, so that no rate is above that of the data; with one each it is as good as none
    highest = np.log(total / (days * people).sum())
    lowest = highest - 20
    return float(np.exp(brentq(surplus, lowest, highest) if surplus(lowest) < 0 < surplus(highest) else lowest))


def _negative_binomial_fit(
    contacts: np.ndarray, days: np.ndarray, people: np.ndarray, start: float
) -> tuple[float, float]:
    """The rate a day and the size, which is the smaller the more people differ, of the highest likelihood."""
    from scipy.optimize import minimize

    def unlikelihood(logs: np.ndarray) -> float:
        return -(people * _negative_binomial(*np.exp(logs), contacts, days)).sum() / people.sum()

    bounds = [(np.log(start) - 15, np.log(start) + 5), (-9, 9)]
    found = minimize(unlikelihood, [np.log(start), 0.0], method="L-BFGS-B", bounds=bounds)
    return tuple(np.exp(found.x).tolist())


def _expected_shares(
    distribution: Distribution, contacts: np.ndarray, days: np.ndarray, people: np.ndarray
) -> list[float]:
    exposures, place = np.unique(days, return_inverse=True)
    of_exposure = np.bincount(place, weights=people)
    counts, expected = np.arange(1.0, 2 * contacts.max() + 100), None
    while True:
        probability = np.exp(distribution(counts[None, :], exposures[:, None]))
        expected = of_exposure @ probability
        if expected.sum() > (1 - TAIL) * people.sum() or counts[-1] >= MOST:
            return _shares(counts, expected)
        counts = np.arange(1.0, 4 * counts[-1])
