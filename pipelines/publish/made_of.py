"""Digests of all that a release is made of. What is up to date is decided by them, never by clocks."""

import hashlib
from pathlib import Path

from pipelines.linkage.run import LAST_INDEX
from pipelines.settings import Settings

CODE = (
    "pipelines/**/*.py", "pipelines/**/*.csv", "pipelines/**/*.html", "pipelines/**/*.css", "sql/**/*.sql",
    "expectations/**/*.json", "data/reference/**/*.csv",
)  # fmt: skip


def inputs(settings: Settings) -> dict[str, str]:
    """SHA-256 (hex) of what was accepted, of the state (linkage models among it), of the code and of the installation's own
    code lists; how fine it is.

    last_person_index: of the person index that the linkage went on from, on which the person ids depend.
    """
    return {
        "accepted": files_digest(settings.warehouse, "accepted/**/*.parquet", "linkage/people/**/*.parquet"),
        "state": files_digest(settings.state, "**/*", but="erasures/*"),
        "last_person_index": files_digest(settings.linkage, LAST_INDEX),
        "code": files_digest(settings.project, *CODE),
        "code_lists": files_digest(settings.state, "reference/**/*"),
        "analyst": f"{settings.analyst_time}, {settings.analyst_area}",
    }


def files_digest(folder: Path, *patterns: str, but: str | None = None) -> str:
    """SHA-256 (hex) of the names and contents of all files that match a pattern, `but` those that match another."""
    digest = hashlib.sha256()
    left_out = set(folder.glob(but)) if but else set()
    matching = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    for path in sorted(matching - left_out):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
