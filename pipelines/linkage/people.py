"""Blocked pairs in, people out: of everybody, or of those clients alone that something new touched.

`run` links everybody with this, `update` what a month brought. What a pair is worth is in score.py and guards.py, and
which clients are one person given their links in cluster.py.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.settings import Settings

from . import cluster, guards, score
from .cluster import Constraints, Links
from .comparisons import TOKENS, Representation
from .links import client_links
from .relations import Relations

STRONGEST = ("match_weight", "match_probability")  # of each client's links inside its person


@dataclass(frozen=True)
class Thresholds:
    """Calibrated probabilities at and above which two records are joined."""

    low: float
    central: float
    high: float

    @classmethod
    def of(cls, settings: Settings) -> "Thresholds":
        return cls(settings.join_probability_low, settings.join_probability, settings.join_probability_high)

    @property
    def ends(self) -> tuple[float, float, float]:
        return self.low, self.central, self.high


def score_pairs(
    con: duckdb.DuckDBPyConnection,
    relations: Relations,
    pairs: str,
    into: str,
    representation: Representation = TOKENS,
) -> None:
    """Fill table `into` with the scored pairs of versions of table `pairs`, after `score.count_term_frequencies`."""
    score.compare(con, pairs, "compared", "versions", representation)
    score.weigh(con, "compared", into, relations, representation)
    guards.doubt_numbers_alone(con, into, representation)
    con.execute("drop table compared")


def candidate_components(
    con: duckdb.DuckDBPyConnection, pairs: str, clients: np.ndarray, low: float, constraints: Constraints
) -> np.ndarray:
    """(len(clients),) component of each of these clients at the low threshold, by the scored pairs in table `pairs`.

    clients: client_ids in ascending order, all that these pairs are between. constraints: as of all clients.
    """
    place = places(clients, len(constraints.together))
    links = _at(client_links(con, pairs, cluster.least_probability(low)), place)
    return cluster.candidate_components(links, len(clients), low, _among(constraints, place, clients))


def people(
    con: duckdb.DuckDBPyConnection,
    relations: Relations,
    thresholds: Thresholds,
    clients: np.ndarray,
    component: np.ndarray,
    constraints: Constraints,
    pairs: str,
    representation: Representation = TOKENS,
) -> dict[str, np.ndarray]:
    """Of each of these clients its person, as a number from 0, at each threshold: low, central, high; and STRONGEST, of
    its links to other records of its central person (NaN if alone).

    clients: client_ids in ascending order, whole components of them. component: number of each, from 0. pairs: table
    of all scored pairs; those that blocking missed inside a component are scored and added.
    """
    sizes = np.bincount(component)[component] if len(clients) else component
    company = sizes > 1
    pairs_between(con, pairs, clients[company], "inside", component[company])
    _complete(con, relations, clients, component, (sizes > 2) & (sizes <= score.COMPLETED_UP_TO), pairs, representation)
    place = places(clients, len(constraints.together))
    links = _at(client_links(con, "inside"), place)
    verified = guards.verified_numbers(con)[clients]
    rules = _among(constraints, place, clients)
    central = cluster.people(links, len(clients), thresholds.central, verified, rules)
    rules = rules.without_last()
    low = cluster.people(links, len(clients), thresholds.low, verified, rules, joined=central)
    within = links.select(central[links.left] == central[links.right])
    high = cluster.people(within, len(clients), thresholds.high, verified, rules)
    strongest = _strongest(con, clients, central)
    con.execute("drop table inside")
    return {"low": low, "central": central, "high": high} | strongest


def places(clients: np.ndarray, of_all: int) -> np.ndarray:
    """(of_all,) the place of each client among these, -1 if it is not one of them."""
    place = np.full(of_all, -1)
    place[clients] = np.arange(len(clients))
    return place


def pairs_between(
    con: duckdb.DuckDBPyConnection, pairs: str, clients: np.ndarray, into: str, labels: np.ndarray | None = None
) -> None:
    """Fill table `into` with the pairs between these clients; with labels, of the same label only."""
    same = np.zeros(len(clients), np.int64) if labels is None else labels
    con.register("member", pa.table({"client_id": clients, "label": same}))
    con.execute(
        f"""
        create or replace temp table {into} as
        select p.* from {pairs} as p
        inner join member as l on l.client_id = p.client_id_l
        inner join member as r on r.client_id = p.client_id_r
        where l.label - r.label = 0  -- as an equality it would be joined on first, everybody with everybody
        """
    )
    con.unregister("member")


def _complete(
    con: duckdb.DuckDBPyConnection,
    relations: Relations,
    clients: np.ndarray,
    component: np.ndarray,
    wanted: np.ndarray,
    pairs: str,
    representation: Representation,
) -> None:
    """Score the pairs of wanted components that blocking missed, into tables `inside` and `pairs`."""
    con.register("member", pa.table({"client_id": clients[wanted], "component": component[wanted]}))
    con.execute(
        f"""
        create or replace table missing as
        with of_member as (select record_id, client_id, component from versions inner join member using (client_id))
        select a.record_id as record_id_l, b.record_id as record_id_r, {score.UNBLOCKED}::tinyint as rule
        from of_member as a
        inner join of_member as b
            on a.component = b.component and a.client_id <> b.client_id and a.record_id < b.record_id
        anti join inside as known on known.record_id_l = a.record_id and known.record_id_r = b.record_id
        """
    )
    con.unregister("member")
    score_pairs(con, relations, "missing", "completing", representation)
    for table in (pairs, "inside"):
        con.execute(f"insert into {table} by name from completing")
    con.execute("drop table missing; drop table completing")


def _at(links: Links, place: np.ndarray) -> Links:
    """The links by the places of their clients."""
    return Links(place[links.left], place[links.right], links.probability, links.evidence)


def _among(constraints: Constraints, place: np.ndarray, clients: np.ndarray) -> Constraints:
    """The constraints on some clients, by their places among them."""
    constraints = constraints.binding()
    pairs = [place[pairs][(place[pairs] >= 0).all(axis=1)] for pairs in (constraints.must, constraints.cannot)]
    return Constraints(*pairs, constraints.together[clients])


def _strongest(con: duckdb.DuckDBPyConnection, clients: np.ndarray, central: np.ndarray) -> dict[str, np.ndarray]:
    """The strongest link of each client inside its person; NaN if alone. By column of STRONGEST."""
    pairs_between(con, "inside", clients, "of_person", central)
    con.register("member", pa.table({"client_id": clients}))
    found = con.execute(
        """
        select member.client_id, max(match_weight) as match_weight, max(match_probability) as match_probability
        from member left join (
            select client_id_l as client_id, match_weight, match_probability from of_person
            union all select client_id_r, match_weight, match_probability from of_person
        ) as ends using (client_id)
        group by 1 order by 1
        """
    ).fetchnumpy()
    con.unregister("member")
    con.execute("drop table of_person")
    return {name: np.ma.filled(np.ma.asarray(found[name]).astype(float), np.nan) for name in STRONGEST}
