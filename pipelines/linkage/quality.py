"""What is known of a linkage without an answer key: counts, completeness, and what the model itself expects.

One row a measure and detail. `how` says how the truth was got: 'counted', or 'model' where the model's own
probabilities stand in for it. Attributes never come here: quality by sex, age or ethnicity is the marts' side.
"""

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from . import relations
from .comparisons import FIELDS, LEVELS, TOKENS
from .relations import SAME_PERSON

if TYPE_CHECKING:
    from .run import Thresholds
    from .train import Model

COLUMNS = ["measure", "detail", "value", "low", "high", "unit", "how"]
DIGITS = 9  # decimals: sums over threads differ in the last ones of a float
LARGEST_NAMED_SIZE = 10  # records; larger people are counted together


def report(
    con: duckdb.DuckDBPyConnection, model: "Model", index: pd.DataFrame, thresholds: "Thresholds"
) -> pd.DataFrame:
    """Quality of one run. Reads tables `versions` and `pairs`; index is the person index."""
    rows = [*_counts(con, index), *_completeness(con), *_sizes(index), *_expected(con, model, index), *_levels(model)]
    rows.append(
        ("threshold", "match probability", thresholds.central, thresholds.low, thresholds.high, "probability", "model")
    )
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"value": float, "low": float, "high": float})
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
            "counted",
        )
    ]
    clients = index.groupby("feed").size()
    rows += [("clients", feed, count, None, None, "clients", "counted") for feed, count in clients.items()]
    rows.append(("clients", "all feeds", len(index), None, None, "clients", "counted"))
    keys = ("person_id", "person_id_high", "person_id_low")  # fewer links make more people
    central, most, fewest = (index[key].nunique() for key in keys)
    rows.append(("people", "all feeds", central, fewest, most, "people", "model"))
    shared = [int((index.groupby(key).feed.nunique() >= 2).sum()) for key in keys]
    rows.append(("people", "known to two or more feeds", shared[0], min(shared), max(shared), "people", "model"))
    links = [_pairs_within(index[key]) for key in keys]
    rows.append(("links", "pairs of clients that are one person", links[0], links[1], links[2], "pairs", "model"))
    rows.append(
        ("pairs compared", "all feeds", _one(con, "select count(*) from pairs"), None, None, "pairs", "counted")
    )
    return rows


def _completeness(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    shares = ", ".join(f"avg(({TOKENS.presence[field]} is not null)::integer) as {field}" for field in FIELDS)
    found = con.execute(f"select feed, {shares} from versions where is_latest group by feed order by feed").fetchall()
    return [
        ("completeness", f"{feed}: {field}", share, None, None, "share", "counted")
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
            "counted",
        )
        for size, count in counts.items()
    ]
    return [*rows, ("largest person", "records", sizes.max(), None, None, "records", "counted")]


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
    rows = [("blocking recall", "sure to be found", _sure_to_be_blocked(model), None, None, "share", "model")]
    if joined:
        rows.append(("pair precision", "expected by the model", joined_expected / joined, None, None, "share", "model"))
    if expected:
        found = (joined_expected or 0) / expected
        rows.append(("pair recall", "of compared pairs, expected by the model", found, None, None, "share", "model"))
    return rows


def _sure_to_be_blocked(model: "Model") -> float:
    """Share of one person's pairs, all fields but the NHS number filled, with two equal fields: found for certain."""
    grid = relations.pattern_grid()
    without_number = (grid[:, :-1] >= 0).all(axis=1) & (grid[:, -1] == -1)
    chance = np.where(without_number, relations.likelihood(model.relations, SAME_PERSON, grid), 0)
    return float(
        chance[relations.certain_to_be_blocked(model.training["compared_by_names_alone"])].sum() / chance.sum()
    )


def _levels(model: "Model") -> list[tuple]:
    rows = []
    for field, levels in LEVELS.items():
        for gamma, level in enumerate(reversed(levels)):
            for name, by_field in (("m", model.relations.m), ("u", model.relations.u)):
                rows.append(
                    (name, f"{field}: {level.name}", by_field[field][gamma], None, None, "probability", "model")
                )
    for relation, (within, across) in model.relations.shares.items():
        rows.append(("share of pairs within a feed", relation, within, None, None, "share", "model"))
        rows.append(("share of pairs across feeds", relation, across, None, None, "share", "model"))
    return rows


def _pairs_within(keys: pd.Series) -> int:
    sizes = keys.value_counts()
    return int((sizes * (sizes - 1) // 2).sum())


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return con.execute(sql).fetchall()[0][0]
