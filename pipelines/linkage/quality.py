"""What is known of a linkage without an answer key, one row a measure and detail, each saying how the truth was got.

`How` is the one vocabulary for that, here and in the marts. Two checks are free of labels. Records whose NHS number is
verified are linked once more as if nobody had seen the number, and the numbers then say who was right: of people with
a number in two records, which the police never have. And two groups of blocking rules that share little, with a birth
date and without, catch and recapture the pairs of one person: what both miss together is not seen. Attributes never
come here: quality by sex, age or ethnicity is the marts' side.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from . import clerical, doubts, relations
from .comparisons import FIELDS, LEVELS, TOKENS, Representation

if TYPE_CHECKING:
    from .people import Thresholds
    from .train import Model


class How(StrEnum):
    """How the truth behind a figure was got."""

    COUNTED = "counted"  # nothing to be right or wrong about: a count of what was delivered or done
    MODEL = "model"  # the model's own probabilities stand in for the truth
    SCENARIOS = "linkage scenarios"  # the same figure with records joined more or less readily
    DRAWS = "linkage draws"  # the same figure under many draws of who may be who
    NHS_NUMBERS = "NHS numbers"  # verified numbers, of records linked as if nobody had seen them
    RECAPTURE = "capture-recapture"  # two groups of blocking rules, each counting what the other finds
    ANCHORS = "cross-feed anchor"  # an event in one feed that must have its counterpart in another
    SAMPLE = "clerical sample"  # people looked at a sample of pairs, blind
    ANSWER_KEY = "answer key"  # fictional people alone: who they are is known


COLUMNS = ["measure", "detail", "value", "low", "high", "unit", "how"]
DIGITS = 9  # decimals: sums over threads differ in the last ones of a float
LARGEST_NAMED_SIZE = 10  # records; larger people are counted together
LIGHTEST, HEAVIEST, WEIGHT_STEP = -10, 60, 2  # bits of match weight: ends and width of the histogram's bars
LIKELY = 0.5  # match probability from which a pair counts as caught
Z = 1.959964  # of a 95 % interval


def report(
    con: duckdb.DuckDBPyConnection,
    model: "Model",
    index: pd.DataFrame,
    thresholds: "Thresholds",
    state: Path | None = None,
) -> pd.DataFrame:
    """Quality of one run. Reads tables `versions` and `pairs`.

    index: the person index. state: the state folder, where clerical samples are kept; None for a linkage
    without one.
    """
    rows = [*_counts(con, index), *_completeness(con), *_sizes(index), *_expected(con, model, index), *_levels(model)]
    rows += [*_weights(con), *_recaptured(con), *_by_number(con, model, thresholds.central)]
    if state is not None:
        rows += _sampled(state)
    ends = (thresholds.central, thresholds.low, thresholds.high)
    rows.append(("threshold", "match probability", *ends, "probability", How.MODEL))
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"value": float, "low": float, "high": float, "how": str})
    return table.round(DIGITS)


def _counts(con: duckdb.DuckDBPyConnection, index: pd.DataFrame) -> list[tuple]:
    rows = [
        (
            "identity versions",
            "all feeds",
            _one(con, "select count(*) from versions"),
            None,
            None,
            "versions",
            How.COUNTED,
        )
    ]
    clients = index.groupby("feed").size()
    rows += [("clients", feed, count, None, None, "clients", How.COUNTED) for feed, count in clients.items()]
    rows.append(("clients", "all feeds", len(index), None, None, "clients", How.COUNTED))
    keys = ("person_id", "person_id_high", "person_id_low")  # fewer links make more people
    central, most, fewest = (index[key].nunique() for key in keys)
    rows.append(("people", "all feeds", central, fewest, most, "people", How.MODEL))
    shared = [int((index.groupby(key).feed.nunique() >= 2).sum()) for key in keys]
    rows.append(("people", "known to two or more feeds", shared[0], min(shared), max(shared), "people", How.MODEL))
    links = [_pairs_within(index[key]) for key in keys]
    rows.append(("links", "pairs of clients that are one person", links[0], links[1], links[2], "pairs", How.MODEL))
    rows.append(
        ("pairs compared", "all feeds", _one(con, "select count(*) from pairs"), None, None, "pairs", How.COUNTED)
    )
    return rows


def _completeness(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    shares = ", ".join(f"avg(({TOKENS.presence[field]} is not null)::integer) as {field}" for field in FIELDS)
    found = con.execute(f"select feed, {shares} from versions where is_latest group by feed order by feed").fetchall()
    return [
        ("completeness", f"{feed}: {field}", share, None, None, "share", How.COUNTED)
        for feed, *values in found
        for field, share in zip(FIELDS, values, strict=True)
    ]


def _sizes(index: pd.DataFrame) -> list[tuple]:
    sizes = index.groupby("person_id").size()
    counts = sizes.clip(upper=LARGEST_NAMED_SIZE).value_counts().sort_index()
    rows = [
        (
            "people by records",
            f"{size}{' or more' if size == LARGEST_NAMED_SIZE else ''}",
            count,
            None,
            None,
            "people",
            How.COUNTED,
        )
        for size, count in counts.items()
    ]
    return [*rows, ("largest person", "records", sizes.max(), None, None, "records", How.COUNTED)]


def _expected(con: duckdb.DuckDBPyConnection, model: "Model", index: pd.DataFrame) -> list[tuple]:
    """Precision and recall as the probabilities themselves expect them, and how much blocking is sure to find."""
    con.register("indexed", index[["agency", "feed", "person_ref", "person_id"]])
    joined, joined_expected, expected = con.execute(
        """
        with client as (
            select distinct client_id, person_id from versions inner join indexed using (agency, feed, person_ref)
        ),
        client_pairs as (
            select client_id_l, client_id_r, max(match_probability) as p from pairs group by 1, 2
        )
        select count(*) filter (l.person_id = r.person_id), sum(p) filter (l.person_id = r.person_id), sum(p)
        from client_pairs
        inner join client as l on l.client_id = client_id_l
        inner join client as r on r.client_id = client_id_r
        """
    ).fetchall()[0]
    con.unregister("indexed")
    rows = [("blocking recall", "two details the same", _sure_to_be_blocked(model), None, None, "share", How.MODEL)]
    if joined:
        rows.append(
            ("pair precision", "expected by the model", joined_expected / joined, None, None, "share", How.MODEL)
        )
    if expected:
        found = (joined_expected or 0) / expected
        rows.append(("pair recall", "of compared pairs, expected by the model", found, None, None, "share", How.MODEL))
    return rows


def _sure_to_be_blocked(model: "Model") -> float:
    """Share of one person's pairs, all fields but the NHS number filled, with two equal fields: found for certain."""
    grid = relations.pattern_grid()
    without_number = (grid[:, :-1] >= 0).all(axis=1) & (grid[:, -1] == -1)
    chance = np.where(without_number, 2 ** relations.log2_person(model.relations, True, grid), 0)
    return float(
        chance[relations.certain_to_be_blocked(model.training["compared_by_names_alone"])].sum() / chance.sum()
    )


def _weights(con: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    """Pairs of clients by the match weight of their likeliest pair of versions."""
    step = f"floor(max(match_weight) / {WEIGHT_STEP}) * {WEIGHT_STEP}"
    step = f"least(greatest({step}, {LIGHTEST - WEIGHT_STEP}), {HEAVIEST})"
    found = con.execute(
        f"""
        with client_pairs as (select {step}::integer as bits from pairs group by client_id_l, client_id_r)
        select bits, count(*) from client_pairs group by bits order by bits
        """
    ).fetchall()
    for bits, pairs in found:
        name = f"{bits} to {bits + WEIGHT_STEP}"
        name = f"under {LIGHTEST}" if bits < LIGHTEST else f"{HEAVIEST} or more" if bits == HEAVIEST else name
        yield "pairs by match weight", name, pairs, None, None, "pairs", How.COUNTED


def _recaptured(con: duckdb.DuckDBPyConnection, representation: Representation = TOKENS) -> list[tuple]:
    """Blocking recall by what the rules with a birth date and those without find of each other's likely pairs."""
    rules = [rule for rule in representation.prediction_rules if "nhs_number" not in rule]
    with_date = [rule for rule in rules if "dob" in rule]
    without = [rule for rule in rules if "dob" not in rule]
    if not with_date or not without:
        return []
    one, other, both = con.execute(
        f"""
        with likely as (
            select arg_max(record_id_l, match_probability) as left_id, arg_max(record_id_r, match_probability) as right_id
            from pairs group by least(client_id_l, client_id_r), greatest(client_id_l, client_id_r)
            having max(match_probability) >= {LIKELY}
        ),
        caught as (
            select {_any(with_date)} as one, {_any(without)} as other
            from likely
            inner join versions as l on l.record_id = left_id
            inner join versions as r on r.record_id = right_id
        )
        select count(*) filter (one), count(*) filter (other), count(*) filter (one and other) from caught
        """
    ).fetchall()[0]
    if not both:
        return []
    found = one + other - both
    total, low, high = recaptured(one, other, both)
    detail = "rules with a birth date against rules without"
    return [("blocking recall", detail, found / total, found / high, min(found / low, 1), "share", How.RECAPTURE)]


def _any(rules: list[str]) -> str:
    return "coalesce(" + " or ".join(f"({rule})" for rule in rules) + ", false)"


def recaptured(one: int, other: int, both: int) -> tuple[float, float, float]:
    """How many there are, with a 95 % interval, if two searches found `one` and `other` of them and `both` in both.

    Chapman 1951, variance of Seber 1970. Right where the searches are independent; where what is hard for one is hard
    for the other, there are more.
    """
    total = (one + 1) * (other + 1) / (both + 1) - 1
    variance = (one + 1) * (other + 1) * (one - both) * (other - both) / ((both + 1) ** 2 * (both + 2))
    found = one + other - both
    reach = Z * variance**0.5
    return total, max(total - reach, found), total + reach


def _by_number(con: duckdb.DuckDBPyConnection, model: "Model", threshold: float) -> list[tuple]:
    """Blocking recall, calibration, precision and recall of pairs across feeds, nobody having seen the NHS numbers."""
    held = "select client_id, feed_id, nhs_number_token as number from versions where is_latest and nhs_number_verified"
    true = con.execute(
        f"""
        with clients as (select number, feed_id, count(*) as n from ({held}) where number is not null group by all)
        select number, (sum(n) ^ 2 - sum(n ^ 2)) / 2 as pairs from clients group by number
        having count(*) > 1 order by number
        """
    ).df()
    if true.empty:
        return []
    log_odds, same, left, right = doubts.with_numbers_hidden(con, model)
    number = con.execute(held).df().set_index("client_id").number
    # Of two numbers the greater stands for the pair, so that pairs that stick together count as one trial.
    trial = np.maximum(number.loc[left].to_numpy(), number.loc[right].to_numpy())
    pairs = pd.DataFrame({"number": trial, "same": same, "p": 1 / (1 + np.exp(-log_odds))})
    return [*_calibration(pairs), *_rates_by_number(pairs, true.set_index("number").pairs, threshold)]


def _calibration(pairs: pd.DataFrame) -> Iterator[tuple]:
    """Expected and observed share of pairs with one number, by tenth of match probability."""
    tenth = (pairs.p * 10).clip(upper=9).astype(int)
    for place, of_tenth in pairs.groupby(tenth):
        detail = f"{place / 10:.1f} to {(place + 1) / 10:.1f}"
        yield "calibration: expected", detail, of_tenth.p.mean(), None, None, "share", How.MODEL
        yield "calibration: observed", detail, *_share_of_one_number(of_tenth), "share", How.NHS_NUMBERS
        yield "calibration: pairs", detail, len(of_tenth), None, None, "pairs", How.NHS_NUMBERS


def _rates_by_number(pairs: pd.DataFrame, true: pd.Series, threshold: float) -> Iterator[tuple]:
    """Blocking recall, and precision, recall and F1 of pairs at the threshold, before clustering.

    true: number -> pairs of clients of two feeds that have it.
    """
    detail = "verified NHS numbers, unseen; pairs at the threshold"
    joined = pairs[pairs.p >= threshold]
    recalls = []
    for of_measure, found in (("blocking recall", pairs), ("pair recall", joined)):
        counts = found[found.same].groupby("number").size().reindex(true.index, fill_value=0)
        recalls.append(ratio(counts.to_numpy(float), true.to_numpy(float)))
    yield "blocking recall", "verified NHS numbers, unseen", *recalls[0], "share", How.NHS_NUMBERS
    yield "pair recall", detail, *recalls[1], "share", How.NHS_NUMBERS
    if len(joined):
        precision, recall = _share_of_one_number(joined), recalls[1][0]
        yield "pair precision", detail, *precision, "share", How.NHS_NUMBERS
        f1 = 2 * precision[0] * recall / (precision[0] + recall) if precision[0] + recall else 0.0
        yield "pair F1", detail, f1, None, None, "share", How.NHS_NUMBERS


def _share_of_one_number(pairs: pd.DataFrame) -> tuple[float, float, float]:
    sums = pairs.groupby("number").same.agg(["sum", "size"])
    return ratio(sums["sum"].to_numpy(float), sums["size"].to_numpy(float))


def ratio(parts: np.ndarray, wholes: np.ndarray) -> tuple[float, float, float]:
    """Sum of parts over sum of wholes with a 95 % interval; each place is one independent unit, such as a person.

    Wilson's interval with as many trials as the linearised variance of the ratio is worth (Korn and Graubard 1998), at
    least where there is any variance; with none, as many as there are units.
    """
    units, share = len(wholes), float(parts.sum() / wholes.sum())
    spread = float(((parts - share * wholes) ** 2).sum() / wholes.sum() ** 2)
    trials = share * (1 - share) / spread if spread > 0 and 0 < share < 1 else units
    return share, *wilson(share, min(trials, wholes.sum()))


def wilson(share: float, trials: float) -> tuple[float, float]:
    """Ends of the 95 % interval of a share of trials (Wilson 1927)."""
    middle = share + Z * Z / (2 * trials)
    reach = Z * (share * (1 - share) / trials + Z * Z / (4 * trials * trials)) ** 0.5
    whole = 1 + Z * Z / trials
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def _sampled(state: Path) -> list[tuple]:
    """Precision, recall and F1 by the newest clerical sample that has answers."""
    answered = clerical.answered_sample(state)
    if answered is None:
        return []
    name, sample = answered
    detail = f"sample {name}: {sample.looked_at.sum()} of {len(sample)} pairs looked at"
    rows = [
        (row.measure, detail, row.value, row.low, row.high, "share", How.SAMPLE) for row in clerical.estimate(sample)
    ]
    unclear = int((sample.looked_at & sample.same.isna()).sum())
    return [*rows, ("pairs nobody could tell", detail, unclear, None, None, "pairs", How.SAMPLE)]


def _levels(model: "Model") -> list[tuple]:
    rows = []
    for field, levels in LEVELS.items():
        for gamma, level in enumerate(reversed(levels)):
            for name, by_field in (("m", model.relations.m), ("u", model.relations.u)):
                rows.append(
                    (name, f"{field}: {level.name}", by_field[field][gamma], None, None, "probability", How.MODEL)
                )
    for relation, (within, across) in model.relations.shares.items():
        rows.append(("share of pairs within a feed", relation, within, None, None, "share", How.MODEL))
        rows.append(("share of pairs across feeds", relation, across, None, None, "share", How.MODEL))
    return rows


def _pairs_within(keys: pd.Series) -> int:
    sizes = keys.value_counts()
    return int((sizes * (sizes - 1) // 2).sum())


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return con.execute(sql).fetchall()[0][0]
