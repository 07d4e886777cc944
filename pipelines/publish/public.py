"""What is public, what was, and what it gives away: the board part of the releases that a named person approved.

It lies in data/public/<release id>/, and data/public/current points to what is public now. Somebody may have kept what
was public once, so it stays, for the next release to be audited against: a retracted one out of sight, in
data/public/.retracted/. What does not belong here: approving and retracting (approval.py).
"""

import json
import math
import os
from pathlib import Path

from pipelines.publish.audit import Audit, Finding, in_words, system_of
from pipelines.publish.board_files import read_board_tables
from pipelines.publish.secondary import Earlier, attack
from pipelines.settings import Settings

APPROVAL = "approval.json"
CURRENT = "current"
RETRACTED = ".retracted"


def current_public(settings: Settings) -> Path | None:
    """Folder of what is public now, None before the first approval."""
    link = settings.public / CURRENT
    return settings.public / os.readlink(link) if link.is_symlink() and link.exists() else None


def folder_once_public(settings: Settings, release_id: str) -> Path:
    """Folder of a release that is or was public, retracted ones among them; it need not exist."""
    folder = settings.public / release_id
    return folder if folder.exists() else settings.public / RETRACTED / release_id


def approvals(settings: Settings) -> list[dict]:
    """What was said of each release that is or was public (as `read_approval`); the one approved last comes first."""
    paths = [*settings.public.glob(f"r*/{APPROVAL}"), *settings.public.glob(f"{RETRACTED}/r*/{APPROVAL}")]
    return sorted((read_approval(path.parent) for path in paths), key=lambda each: each["approved_at"], reverse=True)


def read_approval(public: Path) -> dict:
    """release_id, last_period, made_of (digest), approved_by, approved_at, compared_with; retracted (by, at, because) once
    it is."""
    return json.loads((public / APPROVAL).read_text(encoding="utf-8"))


def what_is_public(settings: Settings) -> str:
    """What is public now and how to change that, in a sentence or two."""
    public = current_public(settings)
    if public is None:
        return "Nothing is public; to publish a release: upstream release approve RELEASE_ID --by NAME"
    approval = read_approval(public)
    manifest = settings.releases / public.name / "manifest.json"
    kept = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else None
    stands = (
        "no longer kept for analysts"
        if kept is None
        else f"withdrawn: {kept['withdrawn']}"
        if "withdrawn" in kept
        else ""
    )
    return (
        f"Public is {public.name}, approved by {approval['approved_by']}{f' ({stands})' if stands else ''}. In its place: "
        "upstream release approve RELEASE_ID --by NAME; nothing: upstream release retract --by NAME --reason TEXT"
    )


def public_before(settings: Settings, made_of: str) -> str | None:
    """Id of the public release that a new one is compared with: the current one (the last one, if nothing is public now),
    or if that is made of the same, the one that it was compared with. So the same again is compared with the same again."""
    public = current_public(settings)
    approval = read_approval(public) if public else next(iter(approvals(settings)), {})
    return approval.get("compared_with") if approval.get("made_of") == made_of else approval.get("release_id")


def read_earlier(settings: Settings, release_id: str | None, last_period: str) -> Earlier | None:
    """The board tables of a public release, for a new one whose last month is `last_period`."""
    if release_id is None:
        return None
    public = folder_once_public(settings, release_id)
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
