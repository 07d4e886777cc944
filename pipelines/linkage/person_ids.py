"""Surrogate person ids that last: a person keeps the id while most of its records stay together.

A new cluster takes the id with which it shares most records in the last index, one to one, ties to the oldest id; a
cluster without one gets a keyed hash of its smallest record key. An id is never used again for somebody else. The
result depends on the last index and on nothing else: no clock, no chance.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

KEY = ["agency", "feed", "person_ref"]
INDEX_COLUMNS = [*KEY, "person_id", "issued"]
HISTORY_COLUMNS = ["run", "event", "person_id", "other_person_id", "records"]


@dataclass(frozen=True)
class PersonIds:
    """index: agency, feed, person_ref, person_id, issued (run that first gave the id). history: one row an event."""

    index: pd.DataFrame
    history: pd.DataFrame


def read_state(state: Path) -> PersonIds:
    """The last index and its history; empty before the first run."""
    tables = []
    for name, columns in (("person_index", INDEX_COLUMNS), ("person_history", HISTORY_COLUMNS)):
        path = state / f"{name}.parquet"
        tables.append(pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=columns))
    return PersonIds(*tables)


def assign(clients: pd.DataFrame, cluster: pd.Series, last: PersonIds, salt: str) -> PersonIds:
    """Person id of each client.

    clients: agency, feed, person_ref, one row a client. cluster: its cluster number, same order.
    """
    now = clients[KEY].assign(cluster=cluster.to_numpy())
    before = last.index.set_index(KEY)
    now = now.join(before, on=KEY)
    run = int(_latest_run(last)) + 1
    inherited = _inherit(now)
    used = set(last.index.person_id) | set(last.history.person_id) | set(last.history.other_person_id.dropna())
    ids, issued = dict(inherited), last.index.drop_duplicates("person_id").set_index("person_id").issued.to_dict()
    smallest = now.sort_values(KEY).drop_duplicates("cluster").sort_values(KEY)
    for row in smallest.itertuples(index=False):
        if row.cluster not in ids:
            ids[row.cluster] = _new_id(salt, f"{row.agency}|{row.feed}|{row.person_ref}", used)
            issued[ids[row.cluster]] = run
    now["person_id_now"] = now.cluster.map(ids)
    index = now[KEY].assign(person_id=now.person_id_now, issued=now.person_id_now.map(issued).astype("int64"))
    events = _not_yet_written(_events(now, last, run), last.history)
    history = pd.concat([last.history, events], ignore_index=True) if len(events) else last.history
    return PersonIds(index.sort_values(KEY, ignore_index=True), history)


def _latest_run(last: PersonIds) -> int:
    runs = [*last.index.issued.tail(0), last.index.issued.max(), last.history.run.max()]
    return max((int(run) for run in runs if pd.notna(run)), default=0)


def _inherit(now: pd.DataFrame) -> dict[int, str]:
    """Cluster -> id of the last index: the greatest overlaps first, one to one."""
    known = now[now.person_id.notna()]
    overlaps = known.groupby(["cluster", "person_id"], sort=False).agg(
        records=("issued", "size"), issued=("issued", "first")
    )
    overlaps = overlaps.reset_index().sort_values(
        ["records", "issued", "person_id", "cluster"], ascending=[False, True, True, True]
    )
    taken: set[str] = set()
    result: dict[int, str] = {}
    for row in overlaps.itertuples(index=False):
        if row.cluster not in result and row.person_id not in taken:
            result[row.cluster] = row.person_id
            taken.add(row.person_id)
    return result


def _new_id(salt: str, key: str, used: set[str]) -> str:
    attempt = 0
    while True:
        digest = hmac.new(bytes.fromhex(salt), f"{key}|{attempt}".encode(), "sha256").hexdigest()
        person_id = f"P{digest[:12]}"
        if person_id not in used:
            used.add(person_id)
            return person_id
        attempt += 1


def _not_yet_written(events: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """Events without those of a run that was killed after it wrote its history and before it wrote its index."""
    what = ["event", "person_id", "other_person_id"]
    written = set(history.loc[history.run == history.run.max(), what].itertuples(index=False, name=None))
    return events[[event not in written for event in events[what].itertuples(index=False, name=None)]]


def _events(now: pd.DataFrame, last: PersonIds, run: int) -> pd.DataFrame:
    """Merges (records of one id now under another), splits (the same while the old id lives on), retirements."""
    living = set(now.person_id_now)
    moved = now[now.person_id.notna() & (now.person_id != now.person_id_now)]
    moved = moved.groupby(["person_id", "person_id_now"]).size().reset_index(name="records")
    moved["event"] = ["split" if old in living else "merge" for old in moved.person_id]
    moved = moved.rename(columns={"person_id_now": "other_person_id"})
    gone = sorted(set(last.index.person_id) - living - set(moved.person_id))
    retired = pd.DataFrame({"person_id": gone, "other_person_id": None, "records": 0, "event": "retired"})
    events = pd.concat([frame for frame in (moved, retired) if len(frame)] or [moved], ignore_index=True)
    return events.assign(run=run)[HISTORY_COLUMNS]
