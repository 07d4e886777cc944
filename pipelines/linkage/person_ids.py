"""Surrogate person ids that last: a person keeps the id while most of its records stay together.

A new cluster takes the id with which it shares most clients in the last index, one to one, ties to the oldest id; a
cluster without one gets a keyed hash of its smallest client key. An id is never used again for somebody else. A client
that a run does not see stays in the state index, so that it comes back under its old id: that of its person, living or
retired, or of the one that its person was merged into. The result depends on the last index and on nothing else: no
clock, no chance.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

KEY = ["agency", "feed", "person_ref"]
INDEX_COLUMNS = [*KEY, "person_id", "issued", "present"]
HISTORY_COLUMNS = ["run", "period", "event", "person_id", "other_person_id", "records"]
EVENTS = ("merge", "split", "retired", "returned")
NOBODY = -1  # in place of a person's number


@dataclass(frozen=True)
class PersonIds:
    """What the hub remembers of people.

    index: agency, feed, person_ref, person_id, issued (run that first gave the id), present (whether the last run saw
    the client). history: one row an event: run, period (last accepted month), event (one of EVENTS), person_id,
    other_person_id (whom the records are with now), records.
    """

    index: pd.DataFrame
    history: pd.DataFrame

    @property
    def seen(self) -> pd.DataFrame:
        """The index without clients that the last run did not see."""
        return self.index[self.index.present.astype(bool)].drop(columns="present")


def read_state(state: Path) -> PersonIds:
    """The last index and its history; empty before the first run."""
    tables = []
    for name, columns in (("person_index", INDEX_COLUMNS), ("person_history", HISTORY_COLUMNS)):
        path = state / f"{name}.parquet"
        tables.append(pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=columns))
    return PersonIds(*tables)


def assign(clients: pd.DataFrame, cluster: pd.Series, last: PersonIds, salt: str, period: str = "") -> PersonIds:
    """Person id of each client, and what happened to ids since the last index.

    clients: agency, feed, person_ref, one row a client. cluster: its cluster's number, same order. period: last
    accepted month, YYYY-MM, for the history.
    """
    run = _latest_run(last) + 1
    now = clients[KEY].assign(cluster=cluster.to_numpy())
    # An outer join comes in the order of its keys.
    known = now.merge(last.index, on=KEY, how="outer", indicator=True, validate="one_to_one")
    here = (known["_merge"] != "right_only").to_numpy()
    # Ids by number, in the order of their names; NOBODY for a client that was not known.
    person, names = pd.factorize(known.person_id, sort=True)
    issued = np.zeros(len(names), dtype=np.int64)
    issued[person[person != NOBODY]] = known.issued.to_numpy()[person != NOBODY].astype(np.int64)
    labels = np.unique(known.cluster.to_numpy()[here].astype(np.int64), return_inverse=True)[1]
    heirs = _inherit(labels, person[here], issued)
    newborn = np.flatnonzero(heirs == NOBODY)
    new_names = _new_ids(salt, known[here], labels, newborn, last, names)
    heirs[newborn] = len(names) + np.arange(len(newborn))
    names, issued = np.append(names.astype(object), new_names), np.append(issued, np.full(len(newborn), run))
    after = person.copy()
    after[here] = heirs[labels]
    before_here = (known.present.fillna(False).astype(bool)).to_numpy()
    events = _events(person, after, here, before_here, names, issued)
    after[~here] = _followed(person, after, here, issued)[person[~here]]
    index = known[KEY].assign(person_id=names[after], issued=issued[after], present=here)
    events = _not_yet_written(events.assign(run=run, period=period)[HISTORY_COLUMNS], last.history)
    history = pd.concat([last.history, events], ignore_index=True) if len(events) else last.history
    return PersonIds(index, history)


def _latest_run(last: PersonIds) -> int:
    return max((int(run) for run in (last.index.issued.max(), last.history.run.max()) if pd.notna(run)), default=0)


def _inherit(cluster: np.ndarray, person: np.ndarray, issued: np.ndarray) -> np.ndarray:
    """Number of the id of the last index that each cluster takes, or NOBODY: greatest overlaps first, one to one."""
    clusters = cluster.max(initial=-1) + 1
    known = person != NOBODY
    pairs, records = np.unique(cluster[known] * (len(issued) + 1) + person[known], return_counts=True)
    one, other = np.divmod(pairs, len(issued) + 1)
    heirs = np.full(clusters, NOBODY, dtype=np.int64)
    # Nearly all have one candidate, who has no other: only the rest have to be settled in turn.
    alone = (np.bincount(one, minlength=clusters)[one] == 1) & (np.bincount(other, minlength=len(issued))[other] == 1)
    heirs[one[alone]] = other[alone]
    one, other, records = one[~alone], other[~alone], records[~alone]
    taken: set[int] = set()
    for place in np.lexsort((one, other, issued[other], -records)):
        if heirs[one[place]] == NOBODY and other[place] not in taken:
            heirs[one[place]] = other[place]
            taken.add(other[place])
    return heirs


def _new_ids(
    salt: str, known: pd.DataFrame, cluster: np.ndarray, newborn: np.ndarray, last: PersonIds, names: pd.Index
) -> list[str]:
    """An id for each new cluster, from the smallest key in it. known: clients in the order of their keys."""
    if not len(newborn):
        return []
    _, first = np.unique(cluster, return_index=True)
    smallest = known.iloc[first[newborn]]
    used = {*names, *last.history.person_id, *last.history.other_person_id.dropna()}
    keys = (smallest.agency + "|" + smallest.feed + "|" + smallest.person_ref).to_numpy()
    made = dict.fromkeys(range(len(keys)), "")
    for place in np.argsort(first[newborn], kind="stable"):
        made[place] = new_id(salt, keys[place], used)
    return list(made.values())


def new_id(salt: str, key: str, used: set[str]) -> str:
    attempt = 0
    while True:
        person_id = "P" + hmac.digest(bytes.fromhex(salt), f"{key}|{attempt}".encode(), "sha256").hex()[:12]
        if person_id not in used:
            used.add(person_id)
            return person_id
        attempt += 1


def _not_yet_written(events: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """Events without those of a run that was killed after it wrote its history and before it wrote its index."""
    what = ["event", "person_id", "other_person_id"]
    written = set(history.loc[history.run == history.run.max(), what].itertuples(index=False, name=None))
    return events[[event not in written for event in events[what].itertuples(index=False, name=None)]]


def _moves(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(old id, new id, clients) of clients that were known and now have another id."""
    moved = (before != NOBODY) & (before != after)
    pairs, records = np.unique(np.stack([before[moved], after[moved]]), axis=1, return_counts=True)
    return pairs[0], pairs[1], records


def _events(before, after, here, before_here, names: np.ndarray, issued: np.ndarray) -> pd.DataFrame:
    """Merges (records of one id now under another), splits (the same while the old id lives on), ends and returns."""
    lives, lived = np.zeros(len(names), dtype=bool), np.zeros(len(names), dtype=bool)
    lives[after[here]] = True
    lived[before[before_here]] = True
    old, new, records = _moves(before[here], after[here])
    moved = pd.DataFrame(
        {
            "event": np.where(lives[old], "split", "merge"),
            "person_id": names[old],
            "other_person_id": names[new],
            "records": records,
        }
    )
    went_elsewhere = np.zeros(len(names), dtype=bool)
    went_elsewhere[old] = True
    known = np.zeros(len(names), dtype=bool)
    known[before[before != NOBODY]] = True
    ends = [
        pd.DataFrame({"event": event, "person_id": sorted(names[ids]), "other_person_id": None, "records": 0})
        for event, ids in (("retired", lived & ~lives & ~went_elsewhere), ("returned", known & ~lived & lives))
    ]
    found = [table for table in (moved, *ends) if len(table)]
    return pd.concat(found, ignore_index=True) if found else moved


def _followed(before: np.ndarray, after: np.ndarray, here: np.ndarray, issued: np.ndarray) -> np.ndarray:
    """Old id -> the id of those of its clients that are not here: its own, or where a merge took most of its records."""
    follows = np.arange(len(issued))
    old, new, records = _moves(before[here], after[here])
    living = np.zeros(len(issued), dtype=bool)
    living[after[here]] = True
    order = np.lexsort((new, issued[new], -records))[::-1]  # the last assignment of an old id counts
    order = order[~living[old[order]]]
    follows[old[order]] = new[order]
    return follows
