"""Tells a person what is wrong, through the hook that the user sets, once for each trouble.

`UPSTREAM_ALERT_COMMAND` gets JSON on its standard input, `UPSTREAM_ALERT_URL` gets the same by POST:
`{"text": one line, "troubles": [{"kind": …, "text": …, "facts": {…}}]}`. Sentences and facts name agencies, feeds,
months, checks and steps, never a value of a row and never an error's own text, which may quote one.

What was told is kept, so that a trouble that stands is not told again by each run; one that was over and comes back is.
An alert that does not get through fails nothing: it is said once, and tried again with the next run.
"""

import hashlib
import json
import os
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.ingest.status import status_rows
from pipelines.settings import Settings

from .late import late_deliveries

REFUSED, MISSING, CHECK, RUN = "refused delivery", "missing month", "failed check", "failed run"
STANDING = (REFUSED, MISSING)
SECONDS_TO_TELL = 30


@dataclass(frozen=True)
class Trouble:
    """Something that a person should know. `scope` says what must have been looked at for it to be over."""

    kind: str
    text: str
    facts: dict[str, str | int | list[str]] = field(default_factory=dict)
    scope: str = ""

    @property
    def key(self) -> str:
        """The same for the same trouble found again."""
        lasting = {name: value for name, value in self.facts.items() if name != "days_late"}
        return hashlib.sha256(json.dumps([self.kind, self.scope, lasting], sort_keys=True).encode()).hexdigest()


def standing_troubles(settings: Settings) -> list[Trouble]:
    """Refused deliveries and months that are late, as things stand."""
    troubles = []
    for row in status_rows(settings):
        if row["status"] == "refused":
            facts = {name: row[name] for name in ("agency", "feed", "period", "delivery_id") if row[name]}
            text = f"{row['agency']} {row['feed']} {row['period']} was refused: {row['reason']}"
            troubles.append(Trouble(REFUSED, text, facts))
    for late in late_deliveries(settings):
        facts = {"agency": late.agency, "feed": late.feed, "months": list(late.months), "days_late": late.days}
        troubles.append(Trouble(MISSING, str(late), facts))
    return troubles


def alert(
    settings: Settings, found: list[Trouble], scopes: Collection[str] | None, say: Callable[[str], None] = print
) -> list[Trouble]:
    """Tell those troubles that were not told yet, beside the standing ones; what was told.

    scopes: runs whose checks and steps were looked at, of which those that are not found any more are over; None for all.
    """
    if not (settings.alert_command or settings.alert_url):
        return []
    troubles = {trouble.key: trouble for trouble in [*standing_troubles(settings), *found]}
    known = {
        key: kept
        for key, kept in _told(settings).items()
        if key in troubles or (kept["kind"] not in STANDING and scopes is not None and kept["scope"] not in scopes)
    }
    new = [trouble for key, trouble in troubles.items() if key not in known]
    if new and (problem := _tell(settings, new)):
        say(f"The alert did not get through: {problem} It is tried again with the next run.")
        new = []
    known |= {trouble.key: {"kind": trouble.kind, "scope": trouble.scope} for trouble in new}
    _write(_file(settings), known)
    return new


def _tell(settings: Settings, troubles: list[Trouble]) -> str | None:
    """Why the troubles could not be told by every way that is set, or None."""
    first = troubles[0].text
    text = first if len(troubles) == 1 else f"{len(troubles)} troubles, the first: {first}"
    content = {"text": text, "troubles": [asdict(trouble) for trouble in troubles]}
    for trouble in content["troubles"]:
        del trouble["scope"]
    message = json.dumps(content, ensure_ascii=False).encode()
    problems = []
    if settings.alert_command:
        problems.append(_run_command(settings.alert_command, message))
    if settings.alert_url:
        problems.append(_post(settings.alert_url, message))
    return " ".join(filter(None, problems)) or None


def _run_command(command: str, message: bytes) -> str | None:
    try:
        ended = subprocess.run(
            shlex.split(command), input=message, capture_output=True, timeout=SECONDS_TO_TELL, check=False
        )
    except (OSError, ValueError) as error:
        return f"UPSTREAM_ALERT_COMMAND cannot be run ({getattr(error, 'strerror', None) or error})."
    except subprocess.TimeoutExpired:
        return f"UPSTREAM_ALERT_COMMAND did not end within {SECONDS_TO_TELL} seconds."
    return f"UPSTREAM_ALERT_COMMAND ended with code {ended.returncode}." if ended.returncode else None


def _post(url: str, message: bytes) -> str | None:
    where = urlsplit(url).hostname or "the address"  # the rest of it may be a secret
    if urlsplit(url).scheme not in ("http", "https"):
        return "UPSTREAM_ALERT_URL is no address that begins with https:// or http://."
    request = urllib.request.Request(url, message, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_TELL):
            return None
    except (OSError, ValueError) as error:
        return (
            f"{where} of UPSTREAM_ALERT_URL did not take it ({getattr(error, 'reason', None) or type(error).__name__})."
        )


def _told(settings: Settings) -> dict[str, dict[str, str]]:
    try:
        return json.loads(_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write(path: Path, known: dict[str, dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(path)


def _file(settings: Settings) -> Path:
    return settings.data / "alerts_told.json"
