"""The draws of a run as they are kept: for each draw the clients whose person differs from the central partition.

`draws` makes the partitions and `doubts` says what they vary; here both meet the run's own tables. What a figure is under
each draw is the marts' side.
"""

import duckdb
import numpy as np
import pandas as pd

from . import doubts, draws, guards
from .cluster import Constraints, Links
from .comparisons import TOKENS, Representation
from .person_ids import KEY
from .train import Model

COLUMNS = ["draw", *KEY, "person_key"]


def person_draws(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    clients: pd.DataFrame,
    links: Links,
    constraints: Constraints,
    number: int,
    seed: int,
    representation: Representation = TOKENS,
) -> pd.DataFrame:
    """One row a draw (from 1) and client whose person is another set of clients than its central one: draw, agency,
    feed, person_ref, person_key (the same for the same set of clients in every draw).

    Reads tables `versions` and `pairs`. clients: in the order of client_id, with their central person; links: every
    scored pair of clients.
    """
    feeds = clients.groupby(["agency", "feed"]).ngroup().to_numpy()
    central = clients.central.to_numpy()
    about = doubts.learn(con, model, feeds, central, representation)
    made = draws.partitions(links, feeds, guards.verified_numbers(con), constraints, central, about, number, seed)
    changed = draws.changes(central, made, seed)
    keys = [f"D{variant:08}" for variant in range(1, changed.variant.max(initial=0) + 1)]
    columns = {column: clients[column].astype("category").iloc[changed.client].reset_index(drop=True) for column in KEY}
    person_key = pd.Categorical.from_codes(changed.variant - 1, keys)
    return pd.DataFrame({"draw": changed.draw.astype(np.int32), **columns, "person_key": person_key})[COLUMNS]
