"""Makes a release public, or takes it back: each by a named person, alone over the data folder, and in one step for readers.

A release is staged when it is made: analysts read it, boards and newspapers do not. Approved, its board part (database,
pack, tables as CSV) is copied to data/public/<release id>/ and data/public/current points there. Retracted, nothing is
public until somebody approves again. What does not belong here: what follows from what is or was public (public.py).
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipelines.pseudonymise.errors import InputError
from pipelines.publish import board_files
from pipelines.publish.public import (
    APPROVAL,
    CURRENT,
    RETRACTED,
    audit_release,
    current_public,
    public_before,
    read_approval,
)
from pipelines.publish.release import folder_of, read_facts, read_manifest
from pipelines.run_lock import holder, only_run
from pipelines.settings import Settings

HALF_DONE = ".approving-"

Pack = Callable[[Path, Path, dict], None]  # board database, page to write, what the page says about the release


def approve(settings: Settings, release_id: str, by: str, pack: Pack) -> Path:
    """Makes the board part of a release public, and returns where it is; its page is written again, with who approved it.

    Raises InputError if the release was withdrawn, if a withheld number can be worked out from it and what is public
    already, or while a run is under way.
    """
    by = _person(by)
    with _alone(settings, "an approval"):
        folder = folder_of(settings, release_id)
        manifest = read_manifest(folder)
        if why := manifest.get("withdrawn"):
            raise InputError(f"release {manifest['release_id']} cannot be approved: {why}")
        before = public_before(settings, manifest["made_of"])
        if audit_release(settings, folder, manifest, before).unsafe:
            raise InputError(
                f"release {manifest['release_id']} was made before {before} became public: together they give withheld "
                "numbers away. Make it again with: upstream run --force"
            )
        approval = {
            "release_id": manifest["release_id"],
            "last_period": manifest["last_period"],
            "made_of": manifest["made_of"],
            "approved_by": by,
            "approved_at": _now(),
            "compared_with": before,
        }
        half_done = _copied(settings, folder, approval, pack)
        _put_in_place(half_done, settings.public / manifest["release_id"])
        shutil.rmtree(settings.public / RETRACTED / manifest["release_id"], ignore_errors=True)
        link = settings.public / f"{HALF_DONE}{CURRENT}"
        link.symlink_to(manifest["release_id"])
        os.replace(link, settings.public / CURRENT)
    return settings.public / manifest["release_id"]


def retract(settings: Settings, by: str, because: str) -> str:
    """Takes back what is public, and returns the id of its release. Nothing is public until somebody approves again.

    Its folder goes to data/public/.retracted with who took it back and why: whoever has a copy still has its numbers, so
    the next release is audited against them. Raises InputError if nothing is public, or while a run is under way.
    """
    by = _person(by)
    if not because.strip():
        raise InputError("say why it is taken back: --reason TEXT")
    with _alone(settings, "a retraction"):
        public = current_public(settings)
        if public is None:
            raise InputError("nothing is public.")
        said = read_approval(public) | {"retracted": {"by": by, "at": _now(), "because": because.strip()}}
        beside = public / f".{APPROVAL}.new"
        _write(beside, said)
        beside.replace(public / APPROVAL)
        (settings.public / CURRENT).unlink()
        (settings.public / RETRACTED).mkdir(exist_ok=True)
        public.rename(settings.public / RETRACTED / public.name)
    return public.name


def _person(by: str) -> str:
    if not by.strip():
        raise InputError("a release is approved, or taken back, by a person: --by NAME")
    return by.strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _alone(settings: Settings, what: str) -> Iterator[None]:
    """The data folder for itself, without what a killed approval left. Raises InputError while anybody else has it."""
    with only_run(settings, what) as alone:
        if not alone:
            raise InputError(f"under way: {holder(settings) or 'a run that has just ended'}. Wait until it has ended.")
        settings.public.mkdir(parents=True, exist_ok=True)
        try:
            _clear(settings)
            yield
        finally:
            _clear(settings)


def _clear(settings: Settings) -> None:
    for left in settings.public.glob(f"{HALF_DONE}*"):
        left.unlink() if left.is_symlink() else shutil.rmtree(left)


def _copied(settings: Settings, folder: Path, approval: dict, pack: Pack) -> Path:
    """The board part of a release with its new page and its approval, read-only, in a hidden folder."""
    half_done = Path(tempfile.mkdtemp(prefix=HALF_DONE, dir=settings.public))
    half_done.chmod(0o755)
    shutil.copy(folder / "board.duckdb", half_done)
    shutil.copytree(folder / board_files.FOLDER, half_done / board_files.FOLDER)
    approved = {"by": approval["approved_by"], "at": approval["approved_at"]}
    pack(half_done / "board.duckdb", half_done / "board_pack.html", read_facts(folder) | {"approved": approved})
    _write(half_done / APPROVAL, approval)
    for path in half_done.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    return half_done


def _put_in_place(half_done: Path, target: Path) -> None:
    """Moves the folder, or, of a release that was public before, file by file: a reader never finds one missing."""
    if not target.exists():
        half_done.rename(target)
        return
    for path in half_done.rglob("*"):
        if path.is_file():
            path.replace(target / path.relative_to(half_done))


def _write(path: Path, said: dict) -> None:
    path.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    path.chmod(0o444)
