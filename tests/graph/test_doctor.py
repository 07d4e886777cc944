"""The doctor finds each thing that is broken, says it in words, and says what to do."""

import json
import os
import shutil
import sqlite3
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.erasure.request import clients_asked_for, write_tombstones
from pipelines.operations.doctor import describe, examine, is_wrong
from pipelines.run_lock import only_run
from pipelines.settings import PROJECT, Settings

HUB = ("landing", "state", "warehouse", "releases", "dagster")
POLICE = ("NPOL", "police_incidents", "2024-02")


@pytest.fixture
def hub(region, tmp_path):
    """A healthy hub, whose deliveries are fiction, so that nothing is late."""
    hub = region.copy(tmp_path / "data", *HUB)
    hub.settings.fictional.touch()
    for folder in (hub.settings.landing, hub.settings.state):
        folder.chmod(0o750)
    hub.settings = replace(hub.settings, alert_command="true")
    return hub


def found(settings: Settings) -> dict[str, tuple[str, str]]:
    """State and whole line of each check."""
    return {one.check: (one.state, f"{one.sentence} {one.action}") for one in examine(settings)}


def test_a_healthy_hub_is_well(hub) -> None:
    findings = examine(hub.settings)
    assert [(one.check, one.sentence) for one in findings if one.state != "ok"] == []
    assert not is_wrong(findings)
    assert all(one.sentence and not one.action for one in findings)


def test_an_old_python_is_wrong(hub, monkeypatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 10, 4, "final", 0))
    state, line = found(hub.settings)["python"]
    assert state == "wrong"
    assert "This is Python 3.10.4; Upstream needs 3.11 or newer." in line


def test_packages_that_differ_from_the_lock_are_named(hub, tmp_path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "pipelines", project / "pipelines", ignore=shutil.ignore_patterns("*.py"))
    shutil.copy(PROJECT / "dagster.yaml", project)
    lock = "duckdb==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0 \\\nonly-on-windows==1 ; sys_platform == 'win32' \\\n"
    (project / "requirements.lock").write_text(lock)
    state, line = found(replace(hub.settings, project=project))["packages"]
    assert state == "wrong"
    assert "not installed: no-such-package" in line
    assert "instead of 0.0.1" in line
    assert "only-on-windows" not in line
    assert "make .venv/.installed" in line


def test_too_little_room_is_said_before_the_run(hub) -> None:
    state, line = found(replace(hub.settings, disk_least=10**18))["disk"]
    assert state == "wrong"
    assert "a run may need 1,000,000,000,000 MB" in line
    assert "Make room" in line


@pytest.mark.parametrize(
    ("file", "mode", "says", "does"),
    [
        ("state/hub_salt", 0o644, "secret of the hub can be read by others", "chmod 600"),
        ("releases/current/analyst.duckdb", 0o644, "released files can be written", "chmod -R a-w"),
    ],
)
def test_files_that_are_too_open_are_wrong(hub, file, mode, says, does) -> None:
    (hub.settings.data / file).chmod(mode)
    state, line = found(hub.settings)["permissions"]
    assert state == "wrong"
    assert says in line
    assert does in line


def test_a_landing_that_every_user_can_read_is_worth_a_look(hub) -> None:
    hub.settings.landing.chmod(0o755)
    state, line = found(hub.settings)["permissions"]
    assert state == "look"
    assert f"chmod o-rwx {hub.settings.landing}" in line


def test_a_folder_that_cannot_be_written_is_wrong(hub, monkeypatch) -> None:
    """Root can write anywhere, so the answer of the system is stood in for."""
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != hub.settings.state and may(path, mode))
    state, line = found(hub.settings)["permissions"]
    assert state == "wrong"
    assert f"Not to be written by this user: {hub.settings.state}." in line


@pytest.mark.parametrize("lost", ["hub_salt", "person_index.parquet"])
def test_a_state_that_was_lost_is_wrong_before_a_run_begins_another(hub, lost) -> None:
    (hub.settings.state / lost).unlink()
    state, line = found(hub.settings)["state"]
    assert state == "wrong"
    assert f"The state folder lacks {lost}, without which all people get new ids." in line
    assert "back from its backup" in line


def test_another_key_is_wrong_and_a_change_of_key_is_worth_a_look(hub, tmp_path, monkeypatch) -> None:
    cli.main(["keygen", str(tmp_path / "other")])
    delivered = hub.deliver(*POLICE, key=tmp_path / "other")
    state, line = found(hub.settings)["key"]
    assert state == "wrong"
    assert "Deliveries of NPOL were made with another key." in line
    check = json.loads((delivered / "delivery.json").read_text())["key_check"]
    monkeypatch.setenv("UPSTREAM_DATA", str(hub.settings.data))
    assert cli.main(["rekey-plan", "--start", check]) == 0
    state, line = found(hub.settings)["key"]
    assert state == "look"
    assert "A change of key, encoder version or profile is open." in line
    assert "upstream rekey-plan" in line


def test_a_refused_delivery_is_wrong_and_one_that_waits_is_worth_a_look(hub) -> None:
    delivered = hub.deliver(*POLICE, people=_other_people(hub))
    assert found(hub.settings)["deliveries"] == ("look", "1 deliveries wait to be taken in. Start: upstream run")
    shutil.move(delivered.parent, hub.settings.landing / "NPOL" / "police_incidents" / "2031-01")
    state, line = found(hub.settings)["deliveries"]
    assert state == "wrong"
    assert "deliveries are refused: NPOL police_incidents 2031-01" in line
    assert "upstream status" in line


def test_a_month_that_is_missing_is_worth_a_look(hub) -> None:
    shutil.rmtree(hub.settings.landing.joinpath(*POLICE))
    state, line = found(hub.settings)["months"]
    assert state == "look"
    assert "NPOL has not delivered police_incidents of 2024-02" in line


def test_a_lock_that_is_held_says_by_whom(hub) -> None:
    with only_run(hub.settings, "upstream run"):
        state, line = found(hub.settings)["lock"]
    assert state == "look"
    assert f"upstream run (process {os.getpid()}, since 20" in line
    assert "Wait until it has ended." in line


@pytest.mark.parametrize("file", ["warehouse.duckdb.wal", "accepted/police_incidents/.2024-01.activity.parquet.new"])
def test_what_a_killed_run_left_is_worth_a_look(hub, file) -> None:
    (hub.settings.warehouse / file).touch()
    state, line = found(hub.settings)["warehouse"]
    assert state == "look"
    assert "A run was killed while it wrote" in line
    assert "upstream run" in line


def test_a_release_that_was_changed_or_does_not_open_is_wrong(hub) -> None:
    manifest = hub.settings.releases / "current" / "manifest.json"
    manifest.chmod(0o644)
    content = json.loads(manifest.read_text())
    content["content"]["marts.contacts"] = "0" * 64
    manifest.write_text(json.dumps(content))
    state, line = found(hub.settings)["release"]
    assert state == "wrong"
    assert "is not what was released; other content: marts.contacts." in line
    database = hub.settings.releases / "current" / "analyst.duckdb"
    database.chmod(0o644)
    database.write_bytes(b"not a database" * 1000)
    state, line = found(hub.settings)["release"]
    assert (state, "does not open" in line, "upstream run --force" in line) == ("wrong", True, True)


def test_no_release_is_worth_a_look_and_a_link_to_nothing_is_wrong(hub) -> None:
    current = hub.settings.releases / "current"
    current.unlink()
    assert found(hub.settings)["release"] == ("look", "There is no release yet. Start: upstream run")
    current.symlink_to("r000000000000")
    assert found(hub.settings)["release"][0] == "wrong"


def test_an_erasure_that_is_not_done_is_wrong(hub) -> None:
    clients = clients_asked_for(hub.settings, "NPOL", _a_client(hub), None)
    write_tombstones(hub.settings, clients, "A. Officer", "asked for it")
    state, line = found(hub.settings)["erasure"]
    assert state == "wrong"
    assert "People were to be erased and that is not done." in line
    assert "upstream run" in line


def test_dagsters_storage_and_its_telemetry_are_looked_at(hub, monkeypatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/somewhere/else")
    state, line = found(hub.settings)["dagster"]
    assert (state, "upstream web" in line) == ("wrong", True)
    monkeypatch.delenv("DAGSTER_HOME")
    own = hub.settings.dagster_home / "dagster.yaml"
    own.write_text("telemetry: {enabled: true}")
    state, line = found(hub.settings)["dagster"]
    assert (state, "telemetry" in line) == ("wrong", True)
    own.unlink()
    database = next(hub.settings.dagster_home.rglob("runs.db"))
    with sqlite3.connect(database) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    database.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    state, line = found(hub.settings)["dagster"]
    assert (state, "storage is damaged" in line) == ("wrong", True)


def test_a_clock_that_is_behind_and_an_unknown_time_zone_are_wrong(hub) -> None:
    state, line = found(replace(hub.settings, timezone="Europe/Upstream"))["clock"]
    assert (state, "Europe/Upstream is not known here" in line) == ("wrong", True)
    note = next(hub.settings.landing.rglob("delivery.json"))
    content = json.loads(note.read_text())
    note.chmod(0o644)
    note.write_text(json.dumps(content | {"created_at": "2099-01-01T00:00:00+00:00"}))
    state, line = found(hub.settings)["clock"]
    assert (state, "1 deliveries were made after the time of this machine's clock" in line) == ("wrong", True)


def test_nobody_to_tell_is_worth_a_look(hub) -> None:
    assert found(replace(hub.settings, alert_command=""))["alerts"][0] == "look"


def test_a_check_that_cannot_be_made_is_wrong_and_hides_no_other(hub) -> None:
    (hub.settings.state / "region.json").write_text("{")
    findings = found(hub.settings)
    assert findings["key"][0] == "wrong"
    assert "could not be looked at (JSONDecodeError)" in findings["key"][1]
    assert findings["release"][0] == "ok"


def test_the_command_prints_a_line_each_or_json_and_its_exit_code_tells(hub, monkeypatch, capsys) -> None:
    monkeypatch.setenv("UPSTREAM_DATA", str(hub.settings.data))
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok    python")
    assert lines[-1] == f"0 wrong, 1 to look at, {len(lines) - 2} ok"
    (hub.settings.state / "hub_salt").chmod(0o644)
    assert cli.main(["doctor", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    (wrong,) = [one for one in findings if one["state"] == "wrong"]
    assert wrong["check"] == "permissions"
    assert wrong["action"].startswith("chmod 600")


def test_nothing_is_written(hub) -> None:
    def files() -> dict:
        """When each file was written, but for the shared memory that SQLite keeps beside an open log."""
        found = (path for path in hub.settings.data.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
        return {path: path.stat().st_mtime_ns for path in found}

    before = files()
    describe(examine(hub.settings))
    assert files() == before


def _other_people(hub):
    """The month's people with one value changed, so that the delivery is another."""
    source = hub.agencies.joinpath(*POLICE) / "people.csv"
    changed = hub.settings.data / "people.csv"
    changed.write_text(source.read_text().replace('"F"', '"X"', 1))
    return changed


def _a_client(hub) -> str:
    path = next(hub.settings.landing.joinpath(*POLICE).rglob("people.parquet"))
    return pq.read_table(path, columns=["person_ref"])["person_ref"][0].as_py()
