"""Carrying erasures out around a run, and the proof: per store what was searched, removed, and not found again.

A proof holds counts and digests and never a reference, so that it can be shown to the data officer. Tombstones that no
proof says are done are not done yet: the next run begins with them, whatever became of the process that wrote them.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.ingest.delivery import Received, content_digest
from pipelines.ingest.note import NOTE
from pipelines.publish.release import clear_unfinished, releases, withdraw
from pipelines.settings import Settings

from . import tombstones
from .search import Searched, search
from .sweep import sweep
from .tombstones import Tombstones

FOLDER = "erasures"  # in the state folder: proofs, and the mark of a sweep; no input of a release
SWEPT = "swept"
WITHDRAWN = "it was made with rows of people who were erased since; make another release: upstream run"
UNREADABLE = (
    "{} cannot be read and so could not be searched for people who were erased. Delete it, and ask whoever sent it to "
    "send it again."
)
STILL_THERE = "{} still has rows of people who were erased. Tell whoever looks after the program."


@dataclass(frozen=True)
class Store:
    """A folder of data/ in a proof. removed: rows that were found before; found_after: in the search at the end."""

    store: str
    files: int
    rows: int
    removed: int
    found_after: int


@dataclass(frozen=True)
class Proof:
    """What became of all tombstones up to the last one."""

    tombstones: int
    tombstones_sha256: str
    finished_at: str
    stores: list[Store]
    releases_withdrawn: list[str]
    problems: list[str]

    @property
    def is_clean(self) -> bool:
        return not self.problems


@contextmanager
def carried_out(settings: Settings, progress: Callable[[str], None]) -> Iterator[list[str]]:
    """Around a run, which must be the only one: erasures that are not done yet are done. Yields a list for problems.

    Before the run everything but the releases is swept; it then makes a release without the people, after which those
    with them are withdrawn. They are withdrawn also if the run fails.
    """
    problems: list[str] = []
    if not pending(settings):
        yield problems
        return
    stones = Tombstones.read(settings)
    progress(f"Removing people who were erased: {len(stones.stones):,} tombstones")
    before = sweep(settings, stones)
    _mark_swept(settings)
    try:
        yield problems
    finally:
        proof = _finish(settings, stones, before)
        problems += proof.problems


def pending(settings: Settings) -> bool:
    """Whether there are tombstones that no proof covers."""
    digest = tombstones.digest(settings)
    last = last_proof(settings)
    return digest is not None and not (last and last.is_clean and last.tombstones_sha256 == digest)


def is_swept(settings: Settings) -> bool:
    """Whether what there is can be released: no store but the releases still holds somebody who has a tombstone."""
    digest, mark = tombstones.digest(settings), settings.state / FOLDER / SWEPT
    return digest is None or not pending(settings) or (mark.exists() and mark.read_text() == digest)


def last_proof(settings: Settings) -> Proof | None:
    """The newest proof, or None before the first erasure."""
    path = last_proof_file(settings)
    if path is None:
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Proof(**(content | {"stores": [Store(**store) for store in content["stores"]]}))


def releases_with(settings: Settings, folders: set[Path] = frozenset()) -> list[str]:
    """Releases, not withdrawn yet, that may hold rows of erased people.

    A release lists its deliveries with their digests. It may hold such rows if one of them is among `folders`, was
    written again without people since, or is not there any more, so that nobody can tell.
    """
    kept = [manifest for manifest in releases(settings) if "withdrawn" not in manifest]
    return [m["release_id"] for m in kept if any(_may_hold(settings, made, folders) for made in m["deliveries"])]


def _may_hold(settings: Settings, made: dict[str, str], folders: set[Path]) -> bool:
    slot = (made["agency"], made["feed"], made["period"], made["delivery_id"])
    folder = settings.landing.joinpath(*slot)
    if folder in folders or not folder.is_dir():
        return True
    note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    return "redacted" in note and content_digest(Received(folder, *slot)) != made["digest"]


def last_proof_file(settings: Settings) -> Path | None:
    return max((settings.state / FOLDER).glob("*.json"), key=_place, default=None)


def describe(proof: Proof) -> str:
    """The proof as a table and sentences."""
    lines = [f"{'store':24}{'files':>8}{'rows searched':>15}{'removed':>10}{'found again':>13}"]
    for store in proof.stores:
        lines.append(f"{store.store:24}{store.files:>8,}{store.rows:>15,}{store.removed:>10,}{store.found_after:>13,}")
    if proof.releases_withdrawn:
        lines.append(
            f"Withdrawn: {', '.join(proof.releases_withdrawn)}. Their analyst files are deleted; the board's tables and "
            "pack, which show nobody, stay."
        )
    return "\n".join([*lines, *proof.problems])


def _finish(settings: Settings, stones: Tombstones, before: list[Searched]) -> Proof:
    clear_unfinished(settings)
    withdrawn = releases_with(settings)
    half_gone = [manifest["release_id"] for manifest in releases(settings) if "withdrawn" in manifest]
    for release_id in (*half_gone, *withdrawn):
        withdraw(settings, release_id, WITHDRAWN)
    after = search(settings, stones)
    problems = [UNREADABLE.format(searched.path) for searched in after if not searched.readable]
    problems += [STILL_THERE.format(searched.path) for searched in after if searched.found]
    proof = Proof(
        tombstones=len(stones.stones),
        tombstones_sha256=tombstones.digest(settings),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        stores=_stores(settings, before, after),
        releases_withdrawn=withdrawn,
        problems=problems,
    )
    _write(settings, proof)
    return proof


def _mark_swept(settings: Settings) -> None:
    folder = settings.state / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{SWEPT}.new"
    beside.write_text(tombstones.digest(settings))
    os.replace(beside, folder / SWEPT)


def _stores(settings: Settings, before: list[Searched], after: list[Searched]) -> list[Store]:
    found = {store: [s for s in before if _store(settings, s) == store] for store in _names(settings, before, after)}
    left = {store: [s for s in after if _store(settings, s) == store] for store in found}
    return [
        Store(
            store,
            files=len(left[store]),
            rows=sum(s.rows for s in left[store]),
            removed=sum(s.found for s in found[store]) - sum(s.found for s in left[store]),
            found_after=sum(s.found for s in left[store]),
        )
        for store in found
    ]


def _names(settings: Settings, *searches: list[Searched]) -> list[str]:
    return sorted({_store(settings, searched) for found in searches for searched in found})


def _store(settings: Settings, searched: Searched) -> str:
    """The folder of data/ that a file is in; of the warehouse, which has several stores, the next one too."""
    parts = searched.path.relative_to(settings.data).parts
    if len(parts) == 1:
        return "other files"
    return "/".join(parts[:2]) if parts[0] == settings.warehouse.name else parts[0]


def _write(settings: Settings, proof: Proof) -> Path:
    folder = settings.state / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    today = proof.finished_at[:10]
    number = max((_place(path)[1] for path in folder.glob(f"{today}-*.json")), default=0) + 1
    path = folder / f"{today}-{number}.json"
    beside = folder / f".{path.name}.new"
    beside.write_text(json.dumps(asdict(proof), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, path)
    return path


def _place(path: Path) -> tuple[str, int]:
    day, _, number = path.stem.rpartition("-")
    return day, int(number)
