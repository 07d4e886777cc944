"""What is public: the board part of the releases that a named person approved, under data/public.

A release is staged when it is made: analysts read it, boards and newspapers do not. Approved, its board part (database,
pack, tables as CSV) is copied to data/public/<release id>/ and data/public/current points there. What was public once
stays: it is what the next release is audited against. What does not belong here: making a release (release.py).
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipelines.pseudonymise.errors import InputError
from pipelines.publish.audit import Audit, Finding, in_words, system_of
from pipelines.publish.board_files import FOLDER, read_board_tables
from pipelines.publish.secondary import Earlier, attack
from pipelines.settings import Settings

APPROVAL = "approval.json"
CURRENT = "current"
HALF_DONE = ".approving-"

Pack = Callable[[Path, Path, dict], None]  # board database, page to write, what the page says about the release


def current_public(settings: Settings) -> Path | None:
    """Folder of what is public now, None before the first approval."""
    link = settings.public / CURRENT
    return settings.public / os.readlink(link) if link.is_symlink() and link.exists() else None


def approvals(settings: Settings) -> dict[str, str]:
    """Who approved each release that is or was public, by its id; the one approved last comes first."""
    said = [json.loads(path.read_text(encoding="utf-8")) for path in settings.public.glob(f"r*/{APPROVAL}")]
    said.sort(key=lambda each: each["approved_at"], reverse=True)
    return {each["release_id"]: each["approved_by"] for each in said}


def read_approval(public: Path) -> dict:
    """release_id, last_period, made_of (digest), approved_by, approved_at, compared_with."""
    return json.loads((public / APPROVAL).read_text(encoding="utf-8"))


def public_before(settings: Settings, made_of: str) -> str | None:
    """Id of the public release that a new one is compared with: the current one, or if that is made of the same, the one
    that it was compared with. So the same again is compared with the same again."""
    public = current_public(settings)
    approval = read_approval(public) if public else {}
    return approval.get("compared_with") if approval.get("made_of") == made_of else approval.get("release_id")


def read_earlier(settings: Settings, release_id: str | None, last_period: str) -> Earlier | None:
    """The board tables of a public release, for a new one whose last month is `last_period`."""
    if release_id is None:
        return None
    public = settings.public / release_id
    return Earlier(read_board_tables(public), read_approval(public)["last_period"] == last_period)


def audit_release(settings: Settings, folder: Path, manifest: dict, earlier_id: str | None) -> Audit:
    """Attacks the board tables of a release in `folder`, together with those of a public one."""
    earlier = read_earlier(settings, earlier_id, manifest["last_period"])
    return attack(system_of(read_board_tables(folder), settings), earlier, settings)


def describe(found: Audit, release_id: str, earlier_id: str | None, settings: Settings) -> str:
    """What was tried, and the narrowest interval that an attacker gets."""
    together = f"together with {earlier_id}, which is public" if earlier_id else "alone: nothing was public before it"
    lines = [
        f"Release {release_id}, {together}",
        f"{found.cells:,} counts, {found.withheld:,} of them withheld counts of persons",
        f"{found.relations:,} sums, margins and limits between them",
        f"{found.solved:,} times a solver was asked for the smallest or largest number that fits",
    ]
    if found.narrowest:
        narrow = found.narrowest
        lines.append(f"Narrowest: {in_words(narrow.cell)} can be {_interval(narrow)}")
    lines += [f"NOT HIDDEN: {in_words(each.cell)} can only be {_interval(each)}" for each in found.unsafe]
    verdict = f"{len(found.unsafe):,} have fewer" if found.unsafe else "all have them"
    lines.append(f"Each is to have at least {settings.least_candidates} whole numbers that it can be: {verdict}.")
    return "\n".join(lines)


def _interval(finding: Finding) -> str:
    return f"{finding.low:.0f} or more" if math.isinf(finding.high) else f"{finding.low:.0f} to {finding.high:.0f}"


def approve(settings: Settings, folder: Path, manifest: dict, facts: dict, by: str, pack: Pack) -> Path:
    """Makes the board part of the release in `folder` public, and returns where it is.

    facts: what its pack says about it; the page is written again, with who approved it. Raises InputError if a withheld
    number can be worked out from it and what is public already.
    """
    if not by.strip():
        raise InputError("a release is approved by a person: --by NAME")
    if why := manifest.get("withdrawn"):
        raise InputError(f"release {manifest['release_id']} cannot be approved: {why}")
    before = public_before(settings, manifest["made_of"])
    if audit_release(settings, folder, manifest, before).unsafe:
        raise InputError(
            f"release {manifest['release_id']} was made before {before} became public: together they give withheld "
            "numbers away. Make it again with: upstream run --force"
        )
    approved = {"by": by.strip(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    target = settings.public / manifest["release_id"]
    settings.public.mkdir(parents=True, exist_ok=True)
    half_done = Path(tempfile.mkdtemp(prefix=HALF_DONE, dir=settings.public))
    half_done.chmod(0o755)
    shutil.copy(folder / "board.duckdb", half_done)
    shutil.copytree(folder / FOLDER, half_done / FOLDER)
    pack(half_done / "board.duckdb", half_done / "board_pack.html", facts | {"approved": approved})
    said = {
        "release_id": manifest["release_id"],
        "last_period": manifest["last_period"],
        "made_of": manifest["made_of"],
        "approved_by": approved["by"],
        "approved_at": approved["at"],
        "compared_with": before,
    }
    (half_done / APPROVAL).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in half_done.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    if target.exists():
        target.rename(settings.public / f"{HALF_DONE}replaced-{manifest['release_id']}")
    half_done.rename(target)
    link = settings.public / f"{HALF_DONE}{CURRENT}"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    os.replace(link, settings.public / CURRENT)
    for left in settings.public.glob(f"{HALF_DONE}*"):
        shutil.rmtree(left)
    return target
