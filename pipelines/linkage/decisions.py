"""What people decided about pairs of records: kept for good, read again by every run, and outranking the model.

One file in the state folder, one JSON line a decision, each line sealed with the digest of the line before it: nothing
is ever rewritten, and a line that somebody changed is noticed. A change of mind is a new line; `withdrawn` takes one's
decision back. A pair binds if somebody decided it and nobody who still holds another view is left: two reviewers who
disagree bind nobody. A decision names clients by their key, so that it also outlasts a client that is gone for a while.

No clock in what binds: a decision holds up to the last period that it names, compared with the last accepted period.
"""

import fcntl
import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.pseudonymise.errors import InputError

from .cluster import ALONE, Constraints

FILE = "decisions.jsonl"
MUST_LINK, CANNOT_LINK, UNSURE, WITHDRAWN = "must-link", "cannot-link", "unsure", "withdrawn"
VERDICTS = (MUST_LINK, CANNOT_LINK, UNSURE, WITHDRAWN)
BINDING = (MUST_LINK, CANNOT_LINK)
KEY = ["agency", "feed", "person_ref"]
PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
START = "0" * 64  # the digest that the first line is sealed with

Client = tuple[str, str, str]  # agency, feed, person_ref
Pair = tuple[Client, Client]


@dataclass(frozen=True)
class Decision:
    """One reviewer's word on one pair."""

    left: Client  # the smaller key of the two
    right: Client
    verdict: str  # one of VERDICTS
    actor: str
    reason: str
    expires: str | None  # last period in which it holds, YYYY-MM; None: until withdrawn
    recorded: str  # when it was taken in, UTC; told to people, never compared

    @property
    def pair(self) -> Pair:
        return self.left, self.right

    @property
    def item(self) -> str:
        return item_id(*self.pair)


@dataclass(frozen=True)
class Decisions:
    """What holds in one period: the latest word of each reviewer on each pair, the oldest first."""

    standing: tuple[Decision, ...]

    def of_pairs(self) -> dict[Pair, list[Decision]]:
        found: dict[Pair, list[Decision]] = defaultdict(list)
        for decision in self.standing:
            found[decision.pair].append(decision)
        return dict(found)

    @property
    def must(self) -> list[Pair]:
        return self._agreed(MUST_LINK)

    @property
    def cannot(self) -> list[Pair]:
        return self._agreed(CANNOT_LINK)

    @property
    def disputed(self) -> list[Pair]:
        """Pairs that one reviewer joins and another puts apart."""
        return [pair for pair, verdicts in self._verdicts().items() if len(verdicts) > 1]

    @property
    def contradicting(self) -> list[Pair]:
        """Pairs that cannot all be right: must-links that make one person of two who must not be, and that cannot-link."""
        must, cannot = self.must, self.cannot
        number = {client: i for i, client in enumerate({c: None for pair in (*must, *cannot) for c in pair})}
        drawn = Constraints(_numbered(must, number), _numbered(cannot, number), np.full(len(number), ALONE))
        return [
            pair
            for pairs, torn in zip((must, cannot), drawn.conflicts(), strict=True)
            for pair, is_torn in zip(pairs, torn, strict=True)
            if is_torn
        ]

    def _agreed(self, verdict: str) -> list[Pair]:
        return [pair for pair, verdicts in self._verdicts().items() if verdicts == {verdict}]

    def _verdicts(self) -> dict[Pair, set[str]]:
        return {pair: {d.verdict for d in found if d.verdict in BINDING} for pair, found in self.of_pairs().items()}

    def constraints(self, clients: pd.DataFrame, last: pd.DataFrame) -> Constraints:
        """The constraints for clients numbered by the rows of `clients` (agency, feed, person_ref).

        last: agency, feed, person_ref and person_id of the last index. Decisions about clients that are not there wait.
        """
        number = {key: i for i, key in self._rows_of(clients)}
        known = clients[KEY].merge(last[[*KEY, "person_id"]], on=KEY, how="left")["person_id"]
        together = pd.factorize(known, use_na_sentinel=True)[0]
        return Constraints(
            _numbered(self.must, number), _numbered(self.cannot, number), np.where(together < 0, ALONE, together)
        )

    def _rows_of(self, clients: pd.DataFrame) -> Iterable[tuple[int, Client]]:
        """Row and key of each client that a decision is about."""
        keys = clients[KEY].itertuples(index=False, name=None)
        decided = {client for decision in self.standing for client in decision.pair}
        return ((i, key) for i, key in enumerate(keys) if key in decided) if decided else ()


def _numbered(pairs: Sequence[Pair], number: dict[Client, int]) -> np.ndarray:
    found = [(number[left], number[right]) for left, right in pairs if left in number and right in number]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def in_order(one: Client, other: Client) -> Pair:
    return (one, other) if one <= other else (other, one)


def item_id(one: Client, other: Client) -> str:
    """The name of a pair, the same in every run and either way round: 12 characters."""
    return hashlib.sha256(json.dumps(in_order(one, other)).encode()).hexdigest()[:12]


def read_all(state: Path) -> list[Decision]:
    """Every decision ever taken in, the oldest first. Raises InputError if the file was tampered with."""
    return [
        Decision(**(entry | {"left": tuple(entry["left"]), "right": tuple(entry["right"])}))
        for entry in _entries(state)
    ]


def read(state: Path, period: str) -> Decisions:
    """What holds when `period` (YYYY-MM) is the last accepted one."""
    latest: dict[tuple[Pair, str], Decision] = {}
    for decision in read_all(state):
        latest.pop((decision.pair, decision.actor), None)
        latest[decision.pair, decision.actor] = decision
    holds = [d for d in latest.values() if d.verdict != WITHDRAWN and (d.expires is None or period <= d.expires)]
    return Decisions(tuple(holds))


def append(state: Path, decisions: Sequence[Decision]) -> None:
    """Add lines at the end of the file, all of them or none."""
    path = state / FILE
    state.mkdir(parents=True, exist_ok=True)
    with (state / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two people may import at once
        _append(path, decisions)


def _append(path: Path, decisions: Sequence[Decision]) -> None:
    _entries(path.parent)
    before = path.read_bytes() if path.exists() else b""
    seal = _seal(before.splitlines()[-1]) if before else START
    lines = []
    for decision in decisions:
        line = json.dumps(asdict(decision) | {"sealed": seal}, ensure_ascii=False).encode()
        lines.append(line)
        seal = _seal(line)
    building = path.with_name(f".{FILE}.{os.getpid()}")
    building.write_bytes(before + b"".join(line + b"\n" for line in lines))
    os.replace(building, path)


def _entries(state: Path) -> list[dict]:
    path = state / FILE
    if not path.exists():
        return []
    seal, found = START, []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            entry = json.loads(line)
            intact = entry.pop("sealed") == seal
        except (ValueError, KeyError, AttributeError):
            intact = False
        if not intact:
            raise InputError(
                f"{path}, line {number}: this line or the one before it is not what was taken in. Decisions are only ever "
                "added: put the file back from the last backup."
            )
        seal = _seal(line)
        found.append(entry)
    return found


def _seal(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
