"""Scored pairs of identity versions as links between clients: what clustering works on."""

import duckdb
import numpy as np

from .cluster import Links


def client_links(con: duckdb.DuckDBPyConnection, pairs: str = "pairs", least: float = 0.0) -> Links:
    """Pairs of clients with the probability and evidence of their likeliest pair of versions.

    pairs: table of scored pairs. least: match probability of the pairs of versions that are looked at.
    """
    found = con.execute(
        f"""
        select least(client_id_l, client_id_r)::bigint as l, greatest(client_id_l, client_id_r)::bigint as r,
            max(match_probability)::double as p, max(evidence)::double as e
        from {pairs} where match_probability >= {least} group by 1, 2 order by 1, 2
        """
    ).fetchnumpy()
    return Links(*(np.asarray(found[column]) for column in "lrpe"))
