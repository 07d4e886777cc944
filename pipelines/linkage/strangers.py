"""How often two strangers agree by chance (u), learnt without a column that stands for a single name.

Random pairs of records share no anchor, so their names cannot be compared. Pairs born on one day can: names do not
depend on the day, so the strangers among them agree as any two strangers do. Likewise pairs whose names sound alike
teach how often strangers' birth dates come close. Who is a stranger is settled by expectation maximisation with two
classes, one person and strangers. Equality of a whole birth date or postcode is counted over all pairs. Levels that
the data cannot teach keep their starting values: they enter as a few imagined pairs.
"""

import duckdb
import numpy as np

from . import relations, score
from .comparisons import Representation, top_gamma

MOST_PAIRS = 2_000_000  # compared for one estimate; more teach nothing new
PRIOR_PAIRS = 20.0  # imagined pairs that hold the starting values, for either class
ITERATIONS = 200
CLASS_PRIOR = 0.5  # first guess of the share of strangers

Levels = dict[str, np.ndarray]  # field -> probability by gamma


def chance_levels(con: duckdb.DuckDBPyConnection, representation: Representation) -> Levels:
    """u by field and gamma, from table `training`."""
    u = relations.starting_levels("u")
    # Twins share a birth date, a surname and a postcode: pairs far apart say more of strangers.
    _compare_pairs(con, representation.same_birth_date, representation)
    u |= _estimate(_counts(con, ("forename", "surname"), "gamma_postcode <= 0"), ("forename", "surname"))
    u["postcode"] = _estimate(
        _counts(con, ("forename", "surname", "postcode"), "true"), ("forename", "surname", "postcode")
    )["postcode"]
    _compare_pairs(con, representation.same_names, representation)
    u["dob"] = _estimate(_counts(con, ("dob", "postcode"), "true"), ("dob", "postcode"))["dob"]
    con.execute("drop table chance")
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


def _counts(con: duckdb.DuckDBPyConnection, fields: tuple[str, ...], where: str) -> np.ndarray:
    """Pairs of table `chance` by pattern: an array with one axis a field, gamma by gamma, missing ones last."""
    gammas = ", ".join(f"gamma_{field}" for field in fields)
    counts = np.zeros([top_gamma(field) + 2 for field in fields])
    for *pattern, pairs in con.execute(f"select {gammas}, count(*) from chance where {where} group by all").fetchall():
        counts[tuple(pattern)] = pairs  # gamma -1 falls on the last place of its axis
    return counts


def _estimate(counts: np.ndarray, fields: tuple[str, ...]) -> Levels:
    """Strangers' levels of each field, by expectation maximisation over two classes whose fields agree independently."""
    starts = {kind: relations.starting_levels(kind) for kind in ("m", "u")}
    classes = {kind: {field: starts[kind][field] for field in fields} for kind in starts}
    share = {"m": 1 - CLASS_PRIOR, "u": CLASS_PRIOR}
    for _ in range(ITERATIONS):
        likelihood = {
            kind: share[kind] * _outer([np.append(classes[kind][f], 1.0) for f in fields]) for kind in classes
        }
        explained = likelihood["m"] + likelihood["u"]
        for kind, levels in classes.items():
            expected = counts * likelihood[kind] / explained
            share[kind] = (expected.sum() + 1) / (counts.sum() + 2)
            for axis, field in enumerate(fields):
                seen = expected.sum(axis=tuple(i for i in range(len(fields)) if i != axis))[:-1]
                held = seen + PRIOR_PAIRS * starts[kind][field]
                levels[field] = held / held.sum()
    return classes["u"]


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
