"""How often two strangers agree by chance (u), learnt without a column that stands for a single name.

Random pairs of records share no anchor, so their names cannot be compared. Pairs born on one day can, and so can pairs
at one postcode: what neither depends on agrees there as it does between any two strangers. Pairs whose names sound alike
teach how often strangers' birth dates come close. Who is a stranger is settled by expectation maximisation over a few
classes of pairs (one person, kin, strangers) within which fields agree independently: with three fields or more such
classes can be told apart (Goodman 1974), with two they cannot. Equality of a whole birth date or postcode is counted
over all pairs. Levels that the data cannot teach keep their starting values: they enter as a few imagined pairs.
"""

import duckdb
import numpy as np

from . import relations, score
from .comparisons import Representation, top_gamma

MOST_PAIRS = 2_000_000  # compared for one estimate; more teach nothing new
PRIOR_PAIRS = 20.0  # imagined pairs that hold the starting values of a distribution
CHANCE_PRIOR_PAIRS = 1000.0  # the same for strangers' levels: one pair in a thousand or fewer has the same surname
ITERATIONS = 500

Levels = dict[str, np.ndarray]  # field -> probability by gamma

# Pool of pairs -> class -> field -> whose distribution of levels the field has there: one person's (m), strangers' (u)
# or another that is this class's own. The pools are fitted together.
POOLS = {
    "born on one day": {
        "one person": {"forename": "m", "surname": "m", "postcode": "m"},
        "twins": {"forename": "twins", "surname": "m", "postcode": "m"},
        "strangers": {"forename": "u", "surname": "u", "postcode": "u"},
    },
    "at one postcode": {
        "one person": {"forename": "m", "surname": "m", "dob": "m"},
        "household": {"forename": "household", "surname": "m", "dob": "household"},
        # Kin who live apart stay near: surnames and ages of neighbours are not those of any two strangers.
        "strangers": {"forename": "u", "surname": "neighbours", "dob": "neighbours"},
    },
    # Names are chosen alike here, so that strangers' agree much as one person's do.
    "names that sound alike": {
        "one person": {"dob": "m", "postcode": "m", "forename": "m", "surname": "m"},
        "parent and child": {"dob": "u", "postcode": "m", "forename": "alike", "surname": "alike"},
        "strangers": {"dob": "u", "postcode": "u", "forename": "alike", "surname": "alike"},
    },
}
FIRST_SHARES = {"one person": 0.4, "twins": 0.02, "household": 0.3, "parent and child": 0.02, "strangers": 0.58}
STARTS_AS_M = ("m", "alike")  # distributions whose starting values are one person's; the others' are strangers'


def chance_levels(con: duckdb.DuckDBPyConnection, representation: Representation, partners: float) -> Levels:
    """u by field and gamma, from table `training`. partners: other records of one person that a record has, about."""
    counts = {}
    for pool, classes in POOLS.items():
        _compare_pairs(con, representation.pools[pool], representation)
        counts[pool] = _counts(con, tuple(classes["strangers"]))
    con.execute("drop table chance")
    u = relations.starting_levels("u") | _estimate(counts, representation.unseen, (1 + partners) ** 2)
    for field, columns in representation.counted.items():
        u[field] = _with_counted_levels(u[field], [_share_of_equal_pairs(con, column) for column in columns])
    return u


def _compare_pairs(con: duckdb.DuckDBPyConnection, rule: str, representation: Representation) -> None:
    """Fill table `chance` with the levels of pairs that pass a rule; an even sample where there are too many."""
    from_pairs = f"from training as l inner join training as r on {rule} and l.record_id < r.record_id"
    pairs = con.execute(f"select count(*) {from_pairs}").fetchall()[0][0]
    every = 1 + pairs // MOST_PAIRS
    con.execute(
        f"""
        create or replace table near as
        select l.record_id as record_id_l, r.record_id as record_id_r, cast(0 as tinyint) as rule
        {from_pairs} where (l.record_id + r.record_id) % {every} = 0
        """
    )
    score.compare(con, "near", "chance", "training", representation)
    con.execute("drop table near")


def _counts(con: duckdb.DuckDBPyConnection, fields: tuple[str, ...]) -> np.ndarray:
    """Pairs of table `chance` by pattern: an array with one axis a field, gamma by gamma, missing ones last."""
    gammas = ", ".join(f"gamma_{field}" for field in fields)
    counts = np.zeros([top_gamma(field) + 2 for field in fields])
    for *pattern, pairs in con.execute(f"select {gammas}, count(*) from chance group by all").fetchall():
        counts[tuple(pattern)] = pairs  # gamma -1 falls on the last place of its axis
    return counts


def _estimate(counts: dict[str, np.ndarray], unseen: dict[tuple[str, str], int], repeated: float) -> Levels:
    """Strangers' levels of each field, by expectation maximisation over all classes of all pools at once.

    counts: pool -> pairs by pattern, as `_counts` has them. unseen: (pool, field) -> gamma that cannot show there: its
    pairs are counted under a lower level, and each step puts as many back as the level's probability expects.
    repeated: pairs of records for each pair of strangers, whose chance agreement is so often counted and happened once.
    """
    starts = {
        (field, kind): relations.starting_levels("m" if kind in STARTS_AS_M else "u")[field]
        for pool in POOLS.values()
        for of_class in pool.values()
        for field, kind in of_class.items()
    }
    levels = dict(starts)
    shares = {pool: {name: FIRST_SHARES[name] for name in classes} for pool, classes in POOLS.items()}
    for _ in range(ITERATIONS):
        seen = {key: _prior_pairs(key) * start for key, start in starts.items()}
        for pool, classes in POOLS.items():
            likelihood = {
                name: shares[pool][name]
                * _outer([np.append(levels[field, kind], 1.0) for field, kind in of_class.items()])
                for name, of_class in classes.items()
            }
            explained = sum(likelihood.values())
            for name, of_class in classes.items():
                expected = counts[pool] * likelihood[name] / explained
                shares[pool][name] = (expected.sum() + 0.5) / (counts[pool].sum() + 0.5 * len(classes))
                for axis, key in enumerate(of_class.items()):
                    others = tuple(i for i in range(expected.ndim) if i != axis)
                    of_field = expected.sum(axis=others)[:-1]
                    if (hidden := unseen.get((pool, key[0]))) is not None:
                        of_field[hidden] = levels[key][hidden] * of_field.sum()
                        of_field[0] = max(of_field[0] - of_field[hidden], 0.0)
                    seen[key] = seen[key] + of_field / (repeated if key[1] == "u" else 1)
        levels = {key: held / held.sum() for key, held in seen.items()}
    return {field: probability for (field, kind), probability in levels.items() if kind == "u"}


def _prior_pairs(key: tuple[str, str]) -> float:
    return CHANCE_PRIOR_PAIRS if key[1] == "u" else PRIOR_PAIRS


def _outer(axes: list[np.ndarray]) -> np.ndarray:
    result = axes[0]
    for axis in axes[1:]:
        result = np.multiply.outer(result, axis)
    return result


def _with_counted_levels(levels: np.ndarray, shares: list[float | None]) -> np.ndarray:
    """The levels with the first ones, from the top, set to counted shares of pairs; each share holds the one before."""
    if None in shares:
        return levels
    tops = np.diff([0.0, *shares]).clip(min=relations.SMALLEST)[::-1]
    rest = levels[: len(levels) - len(tops)]
    return np.append(rest / rest.sum() * (1 - tops.sum()), tops)


def _share_of_equal_pairs(con: duckdb.DuckDBPyConnection, column: str) -> float | None:
    """Share of all pairs of clients that have the same value, or None where nobody has one."""
    agreeing, present = con.execute(
        f"""
        with counts as (select count(*) as n from training where {column} is not null group by {column})
        select sum(n * (n - 1)) / 2.0, sum(n) from counts
        """
    ).fetchall()[0]
    if not present or present < 2:
        return None
    # Half a pair more than were seen: what never happened in this sample is rare, not impossible.
    return (agreeing + 0.5) / (present * (present - 1) / 2 + 1)
