"""`upstream doctor`: what is wrong with an installation, in words, and what to do.

It only looks: nothing is written, mended or started. Each check is one line: ok, look (somebody should see to it, work
goes on) or wrong (something does not work, or will not). A check that cannot be made is wrong by itself, and keeps no
other from being made; so each imports what it needs.
"""

import importlib.metadata
import json
import os
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.settings import Settings

OK, LOOK, WRONG = "ok", "look", "wrong"
LEAST_PYTHON = (3, 11)
PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)\s*(?:;\s*([^\\]+))?")
SALTS = ("*salt*",)  # of the state folder: secrets of the hub
TOLD = 3  # examples in a sentence
CLOCK_SECONDS = 120  # by which the file system's clock may differ


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    check: str
    state: str  # ok, look or wrong
    sentence: str
    action: str = ""  # empty if ok


def examine(settings: Settings) -> list[Finding]:
    """Every check's finding, in the order in which to read them."""
    return [_finding(name, check, settings) for name, check in CHECKS.items()]


def is_wrong(findings: list[Finding]) -> bool:
    return any(finding.state == WRONG for finding in findings)


def describe(findings: list[Finding]) -> str:
    """One line a finding, with what to do behind it."""
    lines = [
        " ".join(filter(None, (f"{found.state:6}{found.check:13}{found.sentence}", found.action))) for found in findings
    ]
    wrong, look = (sum(found.state == state for found in findings) for state in (WRONG, LOOK))
    return "\n".join([*lines, f"{wrong} wrong, {look} to look at, {len(findings) - wrong - look} ok"])


def as_json(findings: list[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def _finding(name: str, check: Callable[[Settings], tuple[str, ...]], settings: Settings) -> Finding:
    try:
        return Finding(name, *check(settings))
    except ModuleNotFoundError as error:
        return Finding(name, WRONG, f"{error.name} is not installed, so this could not be looked at.", INSTALL)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        why = f"This could not be looked at: {error.strerror or 'it cannot be read'}{where}."
        return Finding(name, WRONG, why, "See that the user who runs the hub can read it.")
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
        return Finding(name, WRONG, f"This could not be looked at ({type(error).__name__}).", RUN)


INSTALL = "Install again from the project's folder: rm .venv/.installed; make .venv/.installed"
RUN = "Start: upstream run. If that does not help, tell whoever looks after the program."


def _python(settings: Settings) -> tuple[str, ...]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return WRONG, f"This is Python {version}; Upstream needs 3.11 or newer.", "Install it, then: make demo PYTHON=…"
    return OK, f"Python {version}."


def _packages(settings: Settings) -> tuple[str, ...]:
    pinned = dict(_pinned(settings.project / "requirements.lock"))
    installed = {name: _installed(name) for name in pinned}
    absent = sorted(name for name, version in installed.items() if version is None)
    other = sorted(name for name, version in installed.items() if version not in (None, pinned[name]))
    if not absent and not other:
        return OK, f"All {len(pinned)} packages are those of requirements.lock."
    parts = []
    if absent:
        parts.append(f"not installed: {_few(absent)}")
    if other:
        parts.append("of another version: " + _few([f"{n} {installed[n]} instead of {pinned[n]}" for n in other]))
    return WRONG, f"Packages differ from requirements.lock; {'; '.join(parts)}.", INSTALL


def _pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each package that this Python on this system needs."""
    from packaging.markers import Marker

    for line in lock.read_text(encoding="utf-8").splitlines():
        if (found := PINNED.match(line)) and (not found[3] or Marker(found[3].strip()).evaluate()):
            yield found[1], found[2]


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _disk(settings: Settings) -> tuple[str, ...]:
    landing = sum(path.stat().st_size for path in settings.landing.rglob("*") if path.is_file())
    needed = max(int(landing * settings.disk_per_landing), settings.disk_least)
    free = shutil.disk_usage(_nearest(settings.data)).free
    told = (
        f"{_megabytes(free)} free where data are; a run may need {_megabytes(needed)} (landing: {_megabytes(landing)})."
    )
    if free < needed:
        return WRONG, told, "Make room, or keep fewer releases (releases_kept), before the next run."
    return OK, told


def _permissions(settings: Settings) -> tuple[str, ...]:
    folders = [settings.data, settings.landing, settings.warehouse, settings.state, settings.releases]
    folders = [folder for folder in folders if folder.exists()] or [_nearest(settings.data)]
    if closed := [folder for folder in folders if not os.access(folder, os.R_OK | os.W_OK | os.X_OK)]:
        return WRONG, f"Not to be written by this user: {_few(closed)}.", "Run as the user who owns the data folder."
    salts = [path for pattern in SALTS for path in settings.state.glob(pattern) if path.is_file()]
    if wide := [path for path in salts if stat.S_IMODE(path.stat().st_mode) & 0o077]:
        return WRONG, f"A secret of the hub can be read by others: {_few(wide)}.", f"chmod 600 {wide[0]}"
    released = [path for path in settings.releases.glob("r*/**/*") if path.is_file()]
    if changeable := [path for path in released if path.stat().st_mode & 0o222]:
        what = f"{len(changeable):,} released files can be written, first {changeable[0]}."
        return WRONG, what, f"chmod -R a-w {settings.releases}/r*/*"
    open_to_all = [folder for folder in (settings.landing, settings.state) if _mode(folder) & 0o007]
    if open_to_all:
        closing = " ".join(str(folder) for folder in open_to_all)
        return LOOK, f"Every user of this machine can look into {_few(open_to_all)}.", f"chmod o-rwx {closing}"
    return OK, "Data folders can be written, secrets are their owner's, releases read-only."


def _state(settings: Settings) -> tuple[str, ...]:
    from pipelines.publish.release import releases

    needed = [settings.state / name for name in ("hub_salt", "region.json", "person_index.parquet")]
    absent = [path.name for path in needed if not path.exists()]
    if absent and releases(settings):
        what = f"The state folder lacks {_few(absent)}, without which all people get new ids."
        return WRONG, what, f"Before any run, put {settings.state} back from its backup: docs/operations.md"
    return OK, "Nothing is absent that cannot be made again."


def _key(settings: Settings) -> tuple[str, ...]:
    from pipelines.ingest.delivery import received_deliveries, stated_encoding
    from pipelines.ingest.region import read_region

    region = read_region(settings)
    checks: dict[str, set[str]] = {}
    for received in received_deliveries(settings):
        if encoding := stated_encoding(received):
            checks.setdefault(encoding.key_check, set()).add(received.agency)
    if region is None:
        if len(checks) > 1:
            return (
                WRONG,
                f"Deliveries were made with {len(checks)} different keys.",
                "Agree on one key before: upstream run",
            )
        return OK, "No delivery has been accepted yet; the first one sets the key."
    if region.next:
        return (
            LOOK,
            "A change of key, encoder version or profile is open.",
            "See what is still to come: upstream rekey-plan",
        )
    retired = {encoding.key_check for encoding in region.retired}
    strange = {
        check: agencies for check, agencies in checks.items() if check not in retired | {region.current.key_check}
    }
    if strange:
        agencies = ", ".join(sorted(set().union(*strange.values())))
        return WRONG, f"Deliveries of {agencies} were made with another key.", "They are refused; see: upstream status"
    return OK, f"All deliveries share one key (key check {region.current.key_check})."


def _deliveries(settings: Settings) -> tuple[str, ...]:
    from pipelines.ingest.status import status_rows

    rows = status_rows(settings)
    refused = [f"{row['agency']} {row['feed']} {row['period']}" for row in rows if row["status"] == "refused"]
    waiting = sum(row["status"] == "waiting" for row in rows)
    if refused:
        return (
            WRONG,
            f"{len(refused):,} deliveries are refused: {_few(refused)}.",
            "Why, and what to ask: upstream status",
        )
    if waiting:
        return LOOK, f"{waiting:,} deliveries wait to be taken in.", "Start: upstream run"
    if not any(row["delivery_id"] for row in rows):
        return LOOK, f"Nothing was delivered to {settings.landing}.", "Copy the agencies' deliveries there."
    return OK, f"{sum(row['status'] == 'accepted' for row in rows):,} deliveries are accepted, none is refused."


def _months(settings: Settings) -> tuple[str, ...]:
    from .late import late_deliveries

    late = late_deliveries(settings)
    if late:
        more = f" And {len(late) - TOLD} more." if len(late) > TOLD else ""
        ask = "Ask the agency; a month without it is a gap that the release counts."
        return LOOK, " ".join(map(str, late[:TOLD])) + more, ask
    return OK, f"No month is missing that was due by day {settings.due_day} of the next."


def _lock(settings: Settings) -> tuple[str, ...]:
    from pipelines.run_lock import holder

    held = holder(settings)
    if held:
        return LOOK, f"{held} has the data folder to itself.", "Wait until it has ended."
    return OK, "Nobody holds the data folder."


def _warehouse(settings: Settings) -> tuple[str, ...]:
    from pipelines.run_lock import holder

    from .leftovers import leftovers

    if holder(settings):
        return OK, "Being written."
    left = list(leftovers(settings))
    if Path(f"{settings.warehouse_db}.wal").exists() or left:
        what = "A run was killed while it wrote; what was finished stands."
        return LOOK, what, "The next run clears what is left and goes on: upstream run"
    return OK, "No half-written files."


def _release(settings: Settings) -> tuple[str, ...]:
    import duckdb

    from pipelines.publish.content import open_released, table_digests
    from pipelines.publish.release import current_release, read_manifest

    current = current_release(settings)
    if current is None:
        link = settings.releases / "current"
        if link.is_symlink():
            return WRONG, f"{link} points to a release that is not there.", "Go back or make one: upstream run"
        return LOOK, "There is no release yet.", "Start: upstream run"
    manifest = read_manifest(current)
    if "withdrawn" in manifest:
        return WRONG, f"Release {current.name} is withdrawn: {manifest['withdrawn']}.", "Readers wait for another one."
    content = {}
    for name in ("analyst", "board"):
        try:
            with open_released(current / f"{name}.duckdb") as connection:
                content |= table_digests(connection)
        except duckdb.Error:
            return WRONG, f"{current / name}.duckdb does not open.", "Make the release again: upstream run --force"
    if differing := sorted(name for name in manifest["content"] if content.get(name) != manifest["content"][name]):
        what = f"Release {current.name} is not what was released; other content: {_few(differing)}."
        return WRONG, what, "Make the release again: upstream run --force"
    return OK, f"Release {current.name} opens and is as it was released."


def _erasure(settings: Settings) -> tuple[str, ...]:
    from pipelines.erasure.proof import last_proof, pending

    if pending(settings):
        return WRONG, "People were to be erased and that is not done.", "The next run begins with it: upstream run"
    return OK, "No erasure is unfinished." if last_proof(settings) else "Nobody was erased."


def _dagster(settings: Settings) -> tuple[str, ...]:
    import yaml

    config = settings.project / "dagster.yaml"
    own = settings.dagster_home / "dagster.yaml"
    for file in (config, own):
        if file.exists() and yaml.safe_load(file.read_text())["telemetry"]["enabled"] is not False:
            return WRONG, f"{file} lets Dagster send telemetry.", "Set telemetry: enabled: false"
    home = os.environ.get("DAGSTER_HOME")
    if home and Path(home).resolve() != settings.dagster_home:
        what = f"DAGSTER_HOME is {home}, but runs are recorded in {settings.dagster_home}."
        return WRONG, what, "Unset DAGSTER_HOME, and start the interface with: upstream web"
    for database in sorted(settings.dagster_home.rglob("*.db")):
        # Without a log to read beside it a database is opened as one that cannot change, so that none is made by looking.
        how = "mode=ro" if Path(f"{database}-wal").exists() else "immutable=1"
        with closing(sqlite3.connect(f"file:{database}?{how}", uri=True)) as connection:
            try:
                sound = connection.execute("pragma quick_check").fetchone() == ("ok",)
            except sqlite3.DatabaseError:
                sound = False
        if not sound:
            away = f"mv {settings.dagster_home} {settings.dagster_home}.damaged"
            return (
                WRONG,
                f"Dagster's storage is damaged: {database}.",
                f"Only history is lost: {away}; upstream run",
            )
    return OK, "Dagster's storage can be read, telemetry is off."


def _clock(settings: Settings) -> tuple[str, ...]:
    from pipelines.ingest.delivery import received_deliveries
    from pipelines.ingest.note import created_at

    try:
        zone = ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return WRONG, f"The time zone {settings.timezone} is not known here.", "Set timezone in pipelines/settings.py."
    now = datetime.now(UTC)
    made = [when for when in (created_at(received.note) for received in received_deliveries(settings)) if when]
    ahead = [when for when in made if (when - now).total_seconds() > CLOCK_SECONDS]
    if ahead:
        what = f"{len(ahead):,} deliveries were made after the time of this machine's clock, {now:%Y-%m-%d %H:%M} UTC."
        return WRONG, what, "Set this clock, or ask the agency to set theirs: the order of deliveries hangs on it."
    return OK, f"It is {now.astimezone(zone):%Y-%m-%d %H:%M} in {settings.timezone}, by which schedules go."


def _alerts(settings: Settings) -> tuple[str, ...]:
    if settings.alert_command or settings.alert_url:
        ways = ("UPSTREAM_ALERT_COMMAND", settings.alert_command), ("UPSTREAM_ALERT_URL", settings.alert_url)
        return OK, f"Told through {' and '.join(name for name, value in ways if value)}."
    return LOOK, "Nobody is told when something goes wrong.", "Set UPSTREAM_ALERT_COMMAND or UPSTREAM_ALERT_URL."


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0


def _few(names: list) -> str:
    more = f" and {len(names) - TOLD:,} more" if len(names) > TOLD else ""
    return ", ".join(map(str, names[:TOLD])) + more


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


CHECKS: dict[str, Callable[[Settings], tuple[str, ...]]] = {
    "python": _python,
    "packages": _packages,
    "disk": _disk,
    "permissions": _permissions,
    "state": _state,
    "key": _key,
    "deliveries": _deliveries,
    "months": _months,
    "lock": _lock,
    "warehouse": _warehouse,
    "release": _release,
    "erasure": _erasure,
    "dagster": _dagster,
    "clock": _clock,
    "alerts": _alerts,
}
