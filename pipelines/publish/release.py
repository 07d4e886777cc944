"""Builds a release apart, checks it, and switches it in with one atomic rename.

`data/releases/<release_id>/` is built in a hidden folder beside it, so that no reader ever sees a half-built one; a
reader who has the old files open keeps them. Killed at any moment, the last release still opens, and the next build
clears what was left. The release's id follows from what went in and what came out, so that the same again is the
same release and changes nothing.

What does not belong here: what a release holds (export.py), what it must satisfy (checks.py), its pages
(pipelines/board).
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.ingest import note
from pipelines.pseudonymise.errors import InputError
from pipelines.publish import about, board_files, export
from pipelines.publish.checks import Check, check_release, row_counts
from pipelines.publish.content import combined, open_released, table_digests
from pipelines.publish.dictionary import write_dictionary
from pipelines.publish.mart_risk import write_release_risk
from pipelines.publish.moved import Moved, can_be_compared, headlines_moved, write_changes
from pipelines.publish.public import approvals, folder_once_public, public_before, read_earlier
from pipelines.publish.sums import Declared, board_tables
from pipelines.publish.tables import Roles, board_roles, published_tables
from pipelines.settings import Settings

CURRENT = "current"
BUILDING = ".building-"
MANIFEST = "manifest.json"
FACTS = "facts.json"  # what the pack says beside its figures
PUBLISHED = ("board.duckdb", "board_pack.html", "board_pack.pdf", board_files.FOLDER, MANIFEST)
"""What a withdrawn release keeps."""

Pack = Callable[[Path, Path, dict], None]  # board database, page to write, what the page says about the release


class ReleaseRefused(Exception):
    """A built release failed its checks and was thrown away; the one before it stands. `checks` has all of them."""

    def __init__(self, checks: list[Check]):
        self.checks = checks
        problems = [f"- {check.question} {problem}" for check in checks for problem in check.problems]
        super().__init__("The release was not switched in; the one before it stands.\n" + "\n".join(problems))


@dataclass(frozen=True)
class Release:
    """A release that stands. `changed` is false if it was current before and nothing had to be built."""

    path: Path
    manifest: dict
    checks: list[Check]
    changed: bool

    @property
    def release_id(self) -> str:
        return self.manifest["release_id"]

    @property
    def risk(self) -> str:
        """How far people can be singled out in the analyst tables, in plain words."""
        return self.manifest["risk"]

    @property
    def rows(self) -> dict[str, int]:
        """Rows of every table by `schema.table`."""
        return self.manifest["rows"]


def publish(settings: Settings, inputs: dict[str, str], pack: Pack) -> Release:
    """Builds a release from the warehouse, checks it and makes it the current one.

    `inputs` maps what else the release depends on (state, model, code) to its digest. `pack` writes the page. Raises
    ReleaseRefused if a check fails, UncontrolledTable if a board table cannot be treated, and UngeneralisedColumn if
    an analyst table cannot; in each case nothing is switched.
    """
    declared = board_tables(settings)
    roles = board_roles(settings)
    settings.releases.mkdir(parents=True, exist_ok=True)
    with _building_folder(settings.releases) as building:
        manifest = _write_databases(building, declared, inputs, settings)
        path = settings.releases / manifest["release_id"]
        if checks := _checks_if_sound(path, roles, settings):
            changed = current_release(settings) != path
            _switch(settings, path)
            return Release(path, read_manifest(path), checks, changed)

        board_files.write_board_files(building, declared)
        facts = about.pack_facts(manifest, settings)
        (building / FACTS).write_text(json.dumps(facts, indent=2, default=float) + "\n", encoding="utf-8")
        pack(building / "board.duckdb", building / "board_pack.html", facts)
        (building / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        checks = check_release(building, roles, settings)
        if not all(check.passed for check in checks):
            raise ReleaseRefused(checks)
        _make_read_only(building)
        if path.exists():
            path.rename(settings.releases / f"{BUILDING}damaged")
        building.rename(path)
        _switch(settings, path)
    _prune(settings)
    return Release(path, manifest, checks, changed=True)


def current_release(settings: Settings) -> Path | None:
    """Folder of the current release, None before the first."""
    link = settings.releases / CURRENT
    return settings.releases / os.readlink(link) if link.is_symlink() and link.exists() else None


def releases(settings: Settings) -> list[dict]:
    """Manifests of the releases that are kept, newest first."""
    folders = [path.parent for path in settings.releases.glob(f"r*/{MANIFEST}")]
    return sorted((read_manifest(folder) for folder in folders), key=lambda m: m["built_at"], reverse=True)


def read_manifest(folder: Path) -> dict:
    return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))


def read_facts(folder: Path) -> dict:
    """What the pack of a release says beside its figures."""
    return json.loads((folder / FACTS).read_text(encoding="utf-8"))


def withdraw(settings: Settings, release_id: str, because: str) -> None:
    """Deletes all of a release that has a row for a person; what was published under disclosure control stays.

    The manifest says first that it is withdrawn, and why, so that nobody goes back to a release that is half gone.
    """
    folder = settings.releases / release_id
    manifest = read_manifest(folder) | {"withdrawn": because}
    beside = folder / f".{MANIFEST}.new"
    beside.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.chmod(0o444)
    beside.replace(folder / MANIFEST)
    for path in folder.iterdir():
        if path.name not in PUBLISHED:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def clear_unfinished(settings: Settings) -> None:
    """Deletes what builds that were killed have left; waits for one that is under way."""
    if settings.releases.exists():
        with _building_folder(settings.releases):
            pass


def roll_back(settings: Settings, release_id: str) -> dict:
    """Makes an earlier release the current one and returns its manifest. Raises InputError if it cannot be."""
    folder = folder_of(settings, release_id)
    manifest = read_manifest(folder)
    if why := manifest.get("withdrawn"):
        raise InputError(f"release {release_id} cannot come back: {why}")
    with _building_folder(settings.releases):
        _switch(settings, folder)
    return manifest


def folder_of(settings: Settings, release_id: str) -> Path:
    """Folder of a release that is kept; `current` names the one that stands. Raises InputError if there is none."""
    folder = current_release(settings) if release_id == CURRENT else settings.releases / release_id
    kept = {manifest["release_id"] for manifest in releases(settings)}
    if folder is None or folder.name not in kept:
        raise InputError(f"there is no release {release_id}. Those that are kept: {', '.join(sorted(kept)) or 'none'}.")
    return folder


def _checks_if_sound(path: Path, roles: Roles, settings: Settings) -> list[Check] | None:
    """The checks of a release that is there already; None if it is not, is damaged or does not pass."""
    try:
        checks = check_release(path, roles, settings)
    except duckdb.Error:
        return None
    return checks if all(check.passed for check in checks) else None


def _write_databases(building: Path, declared: dict[str, Declared], inputs: dict[str, str], settings: Settings) -> dict:
    """Writes the databases and Parquet files into `building` and returns the manifest."""
    analyst, board = building / "analyst.duckdb", building / "board.duckdb"
    export.write_analyst(settings.warehouse_db, analyst, published_tables(settings)["marts"], settings)
    risk = write_release_risk(settings.warehouse_db, analyst, settings)
    write_dictionary(settings.warehouse_db, analyst, settings)
    export.write_parquet(analyst, building / "marts")
    deliveries = about.deliveries(settings.warehouse_db)
    last_period = max((delivery["period"] for delivery in deliveries), default="")
    made_of = {"inputs": inputs, "deliveries": deliveries}
    compared_with = public_before(settings, combined(made_of))
    board_of = _board_that_stays(settings, inputs, deliveries)
    if board_of:
        shutil.copy(current_release(settings) / board.name, board)
    else:
        earlier = read_earlier(settings, compared_with, last_period)
        export.write_board(settings.warehouse_db, board, declared, earlier, settings)
        _write_what_moved(building, settings, compared_with, made_of | {"last_period": last_period})
    content, rows = {}, {}
    for database in (analyst, board):
        with open_released(database) as connection:
            content |= table_digests(connection)
            rows |= row_counts(connection)
    return {
        "release_id": "r" + combined(made_of | {"content": content})[:12],
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "content_digest": combined(content),
        "rows": rows,
        "risk": risk,
        "board_of": board_of or deliveries,
        "last_period": last_period,
        "made_of": combined(made_of),
        "compared_with": compared_with,
        "content": content,
        **made_of,
    }


def what_moved(settings: Settings, before: Path, now: Path, manifest_now: dict) -> list[Moved] | None:
    """Every headline in two releases, with what moved it; None if the earlier one cannot be read any more."""
    if not can_be_compared(before / "analyst.duckdb"):
        return None
    return headlines_moved(before / "analyst.duckdb", now / "analyst.duckdb", read_manifest(before), manifest_now)


def _write_what_moved(building: Path, settings: Settings, compared_with: str | None, manifest: dict) -> None:
    """Tells the board which headlines moved since the public release that this one is compared with."""
    if compared_with is None:
        write_changes(building / "board.duckdb", None, None)
        return
    moved = what_moved(settings, settings.releases / compared_with, building, manifest)
    write_changes(building / "board.duckdb", folder_once_public(settings, compared_with) / "board.duckdb", moved)


def _board_that_stays(settings: Settings, inputs: dict[str, str], deliveries: list[dict]) -> list[dict] | None:
    """What the current release's board was made of, if nothing has come in since and people were only erased.

    Two boards between which nothing but an erasure lies would show what one person was part of. So the board
    stays as it was published until another delivery comes in, or the code changes.
    """
    current = current_release(settings)
    manifest = read_manifest(current) if current else {}
    board_of = manifest.get("board_of")
    if board_of is None or manifest["inputs"].get("code") != inputs.get("code"):
        return None
    before, now = ({tuple(d.values())[:-1]: d["digest"] for d in made} for made in (board_of, deliveries))
    changed = [slot for slot in now if before.get(slot) != now[slot]]
    only_erased = all("redacted" in note.stated(settings.landing.joinpath(*slot)) for slot in changed)
    return board_of if changed and before.keys() == now.keys() and only_erased else None


@contextmanager
def _building_folder(releases_folder: Path) -> Iterator[Path]:
    """A new hidden folder, gone at the end; one builder at a time, and what a killed one left is cleared first."""
    with (releases_folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _clear_leftovers(releases_folder)
        try:
            building = Path(tempfile.mkdtemp(prefix=BUILDING, dir=releases_folder))
            building.chmod(0o755)
            yield building
        finally:
            _clear_leftovers(releases_folder)


def _clear_leftovers(releases_folder: Path) -> None:
    for leftover in releases_folder.glob(f"{BUILDING}*"):
        leftover.unlink() if leftover.is_symlink() else shutil.rmtree(leftover)


def _make_read_only(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def _switch(settings: Settings, path: Path) -> None:
    """Points `current` at the release: readers see the old one or the new one, never neither."""
    link = settings.releases / f"{BUILDING}{CURRENT}"
    link.symlink_to(path.name)
    os.replace(link, settings.releases / CURRENT)


def _prune(settings: Settings) -> None:
    """Removes all but the newest releases; the current one always stays, and the last two that became public: what moved
    since then is told by their people."""
    standing = current_release(settings)
    public = [approval["release_id"] for approval in approvals(settings)[:2]]
    for manifest in releases(settings)[settings.releases_kept :]:
        path = settings.releases / manifest["release_id"]
        if path != standing and manifest["release_id"] not in public:
            shutil.rmtree(path)
