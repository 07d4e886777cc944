"""Pairs of identity versions: which are compared, how far each field agrees, and how likely they are one person.

Splink finds the pairs (blocking); the levels are the SQL of `comparisons`; the probability weighs one person against
every other explanation that `relations` knows. Each pair is scored once, over all feeds. Nothing here joins anybody.
"""

import logging
from collections.abc import Iterable

import duckdb
import numpy as np
import pyarrow as pa
from splink import DuckDBAPI, Linker

from . import relations
from .comparisons import FIELDS, TOKENS, Representation, splink_settings, top_gamma
from .relations import RELATIONS, SAME_PERSON, STRANGERS, Relations

UNBLOCKED = -1  # rule of a pair that no blocking rule found and that was scored because its component needed it


def block(con: duckdb.DuckDBPyConnection, versions: str = "versions", representation: Representation = TOKENS) -> None:
    """Fill table `blocked` (record_id_l, record_id_r, rule) with each pair that a blocking rule finds, once."""
    linker = Linker(DuckDBAPI(con).register(versions), splink_settings(representation), log_level=logging.ERROR)
    pairs = linker.inference.compute_blocked_pairs_for_predict()
    con.execute(
        f"""
        create or replace table blocked as
        select join_key_l as record_id_l, join_key_r as record_id_r, cast(match_key as tinyint) as rule
        from {pairs.physical_name}
        """
    )
    pairs.drop_table_from_database_and_remove_from_cache()


def count_term_frequencies(con: duckdb.DuckDBPyConnection, representation: Representation = TOKENS) -> None:
    """Fill tables `tf_<field>` (token, clients, present): clients who have each value, and any, by latest version."""
    for field, column in representation.rarities.items():
        con.execute(
            f"""
            create or replace table tf_{field} as
            select {column} as token, count(*) as clients, sum(count(*)) over () as present
            from versions where is_latest and {column} is not null group by 1
            """
        )


def compare(
    con: duckdb.DuckDBPyConnection,
    pairs: str,
    into: str,
    versions: str = "versions",
    representation: Representation = TOKENS,
) -> None:
    """Fill table `into` with the levels of table `pairs`.

    gamma_<field> (TINYINT, -1 missing), across (two feeds or one), and clients_<field> of present_<field>: how many
    of the clients with a value have the one that both records have (NULL where they differ).
    """
    rarities = representation.rarities
    gammas = ",\n".join(f"{_gamma_sql(field, representation)} as gamma_{field}" for field in FIELDS)
    shared = ",\n".join(
        f"case when l.{column} = r.{column} then l.{column} end as shared_{field}" for field, column in rarities.items()
    )
    columns = sorted(representation.columns())
    con.execute(
        f"""
        create or replace table {into} as
        with sides as (
            select p.record_id_l, p.record_id_r, p.rule, l.client_id as client_id_l, r.client_id as client_id_r,
                l.feed_id <> r.feed_id as across, {shared},
                {", ".join(f"l.{c} as {c}_l, r.{c} as {c}_r" for c in columns)}
            from {pairs} as p
            inner join {versions} as l on l.record_id = p.record_id_l
            inner join {versions} as r on r.record_id = p.record_id_r
        ),
        levels as (
            select record_id_l, record_id_r, rule, client_id_l, client_id_r, across,
                {", ".join(f"shared_{name}" for name in rarities)}, {gammas}
            from sides
        )
        select levels.* exclude ({", ".join(f"shared_{name}" for name in rarities)}),
            {", ".join(f"tf_{name}.clients as clients_{name}, tf_{name}.present as present_{name}" for name in rarities)}
        from levels
        {" ".join(f"left join tf_{name} on tf_{name}.token = shared_{name}" for name in rarities)}
        """
    )


def _gamma_sql(field: str, representation: Representation) -> str:
    cases = [f"when {representation.missing(field)} then -1"]
    for gamma, condition in zip(range(top_gamma(field), 0, -1), representation.levels[field], strict=True):
        cases.append(f"when {condition} then {gamma}")
    return f"cast(case {' '.join(cases)} else 0 end as tinyint)"


def weigh(
    con: duckdb.DuckDBPyConnection, compared: str, into: str, model: Relations, representation: Representation = TOKENS
) -> None:
    """Fill table `into` with the levels of table `compared` and three columns.

    match_weight: log2 of the Bayes factor, one person against strangers. match_probability: one person against every
    other relation, with their shares. evidence: bits for one person against every other relation, strangers taken to be
    no commoner than one person: what the details say once two records are known to be near each other.
    """
    con.register("pattern_weights", _pattern_weights(model))
    rarities = representation.rarities
    rarity = ", ".join(f"{_rarity_sql(field, model)} as rarity_{field}" for field in rarities)
    working = ", ".join(f"rarity_{name}, clients_{name}, present_{name}" for name in rarities)
    # Sharing a rare value speaks for a relation that shares the field, not for one that meets in it by chance.
    odds = {
        name: f"pow(2, least(60, odds_{name} - ({_rarity_of(field for field in rarities if field not in fields)})))"
        for name, fields in RELATIONS.items()
        if name != SAME_PERSON
    }
    kin_odds = " + ".join(odds[name] for name in odds if name != STRANGERS)
    con.execute(
        f"""
        create or replace table {into} as
        with rare as (select *, {rarity} from {compared})
        select rare.* exclude ({working}),
            w.match_weight + {_rarity_of(rarities)} as match_weight,
            1 / (1 + {kin_odds} + {odds[STRANGERS]}) as match_probability,
            -log2({kin_odds} + {odds[STRANGERS]} * stranger_prior) as evidence
        from rare
        inner join pattern_weights as w using (across, {", ".join(f"gamma_{field}" for field in FIELDS)})
        """
    )
    con.unregister("pattern_weights")


def _rarity_sql(field: str, model: Relations) -> str:
    """SQL: bits by which a rare shared value speaks louder than a common one. Only other people's records count."""
    own = 1 + model.partners * float(model.m[field][top_gamma(field)])
    others = f"greatest(clients_{field} - {own!r}, 1) / present_{field}"
    average = float(model.u[field][top_gamma(field)])
    return f"case when clients_{field} is null then 0 else log2({average!r} / ({others})) end"


def _rarity_of(fields: Iterable[str]) -> str:
    return " + ".join(f"rarity_{field}" for field in fields) or "0"


def _pattern_weights(model: Relations):
    """Every pattern of levels: its match weight and, for each other relation, log2 odds of it against one person."""
    grid = relations.pattern_grid()
    tables = []
    for across in (False, True):
        log_odds = {name: relations.log2_share(model, name, across, grid) for name in RELATIONS}
        columns = {f"gamma_{field}": pa.array(grid[:, i], pa.int8()) for i, field in enumerate(FIELDS)}
        columns["across"] = pa.array(np.full(len(grid), across))
        columns["stranger_prior"] = np.full(
            len(grid), model.shares[SAME_PERSON][across] / model.shares[STRANGERS][across]
        )
        columns["match_weight"] = relations.match_weight(model, grid)
        for name in RELATIONS:
            if name != SAME_PERSON:
                columns[f"odds_{name}"] = log_odds[name] - log_odds[SAME_PERSON]
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)
