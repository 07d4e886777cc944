"""What an NHS number proves and what it does not, read from the versions and their scored pairs.

Two verified numbers keep two clients apart (`cluster` sees to that). A number alone does not bring two together: where
birth date and forename both contradict it, one of the two records has somebody else's number. Levels and keyed tokens
only; nothing here joins anybody.
"""

import duckdb
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .cluster import NO_NUMBER
from .comparisons import TOKENS, Representation, top_gamma

UNPROVEN = 0.2  # most that a pair with nothing but the number is believed: less than the central threshold
CONTRADICTING = ("dob", "forename")  # fields that must not both disagree where a number agrees


def verified_numbers(con: duckdb.DuckDBPyConnection) -> np.ndarray:
    """(clients,) a number for each client's verified NHS number in table `versions`, or NO_NUMBER.

    The latest version counts. Two numbers that one client has had one after the other are one: the earlier is
    superseded, and whoever still has it written down is not somebody else for it.
    """
    held = con.execute(
        """
        select client_id, nhs_number_token as number, bool_or(is_latest) as is_latest
        from versions where nhs_number_verified and nhs_number_token is not null
        group by all order by client_id, number
        """
    ).fetchnumpy()
    clients = con.execute("select max(client_id) + 1 from versions").fetchall()[0][0]
    numbers = np.unique(np.asarray(held["number"]), return_inverse=True)[1]
    client = np.asarray(held["client_id"]).astype(np.int64)
    nodes = clients + len(numbers)
    graph = coo_matrix((np.ones(len(client), dtype=np.int8), (client, clients + numbers)), shape=(nodes, nodes))
    same = connected_components(graph, directed=False)[1]
    latest = np.asarray(held["is_latest"]).astype(bool)
    result = np.full(clients, NO_NUMBER)
    result[client[latest]] = same[clients + numbers[latest]] + 1
    return result


def doubt_numbers_alone(con: duckdb.DuckDBPyConnection, pairs: str, representation: Representation = TOKENS) -> None:
    """Add column number_alone to table `pairs`, and lower the match_probability of these pairs to UNPROVEN.

    A pair has nothing but the number if both records have a birth date and a forename and neither agrees at any level:
    they differ, or share so little else that they cannot even be compared.
    """
    agree_nowhere = " and ".join(
        f"p.gamma_{field} <= 0 and l.{column} is not null and r.{column} is not null"
        for field, column in representation.presence.items()
        if field in CONTRADICTING
    )
    con.execute(f"alter table {pairs} add column number_alone boolean default false")
    con.execute(
        f"""
        update {pairs} as p
        set number_alone = true, match_probability = least(p.match_probability, {UNPROVEN})
        from versions as l, versions as r
        where l.record_id = p.record_id_l and r.record_id = p.record_id_r
            and p.gamma_nhs_number = {top_gamma("nhs_number")} and {agree_nowhere}
        """
    )
