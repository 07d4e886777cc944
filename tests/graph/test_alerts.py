"""Somebody is told, once for each trouble, by a command and by a web hook; and what cannot be told fails nothing."""

import json
import shutil
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipelines import cli, runner
from pipelines.operations.alerts import CHECK, MISSING, REFUSED, RUN, Trouble, alert

POLICE = ("NPOL", "police_incidents", "2024-02")
FAILED = Trouble(
    RUN, "link_and_release failed at marts__contacts (SqlFileError).", {"step": "marts__contacts"}, "release"
)


@pytest.fixture
def hub(region, tmp_path):
    """A hub of which nothing is late."""
    hub = region.copy(tmp_path / "data", "landing", "state", "warehouse", "releases")
    hub.settings.fictional.touch()
    return hub


@pytest.fixture
def command(tmp_path) -> tuple[str, Path]:
    """A command that keeps what it is given, a line each, and the file it keeps it in."""
    kept, script = tmp_path / "told.jsonl", tmp_path / "tell me.py"
    script.write_text(f"import sys\nopen({str(kept)!r}, 'a').write(sys.stdin.read() + '\\n')\n")
    return f"{sys.executable} '{script}'", kept


@pytest.fixture
def server():
    """A server that keeps what is posted to it; `answer` is its status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.posted.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response(self.server.answer)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.posted, server.answer = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def told(kept: Path) -> list[dict]:
    return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


def test_a_refused_delivery_is_told_by_upstream_run_and_not_again(hub, command, monkeypatch) -> None:
    monkeypatch.setenv("UPSTREAM_DATA", str(hub.settings.data))
    monkeypatch.setenv("UPSTREAM_ALERT_COMMAND", command[0])
    delivered = refused(hub)
    assert cli.main(["run"]) == 1
    (message,) = told(command[1])
    (trouble,) = message["troubles"]
    assert trouble["kind"] == REFUSED
    assert trouble["facts"] == {
        "agency": "NPOL",
        "feed": "police_incidents",
        "period": "2031-01",
        "delivery_id": delivered.name,
    }
    assert message["text"] == trouble["text"]
    assert "\n" not in message["text"]
    assert message["text"].startswith("NPOL police_incidents 2031-01 was refused: ")
    assert cli.main(["run"]) == 1
    assert len(told(command[1])) == 1


def test_a_month_that_is_missing_is_told_by_url(hub, server) -> None:
    shutil.rmtree(hub.settings.landing.joinpath(*POLICE))
    settings = replace(hub.settings, alert_url=f"http://127.0.0.1:{server.server_port}/secret-path")
    assert [one.kind for one in alert(settings, [], None)] == [MISSING]
    ((kind, message),) = server.posted
    assert kind == "application/json"
    assert message["troubles"][0]["facts"]["months"] == ["2024-02"]
    assert message["text"].startswith("NPOL has not delivered police_incidents of 2024-02: it was due")


def test_many_troubles_are_one_message(hub, server) -> None:
    settings = replace(hub.settings, alert_url=f"http://127.0.0.1:{server.server_port}")
    check = Trouble(CHECK, "The check key of marts.contacts did not pass.", {"check": "key"}, "release")
    alert(settings, [FAILED, check], None)
    ((_, message),) = server.posted
    assert message["text"] == f"2 troubles, the first: {FAILED.text}"
    assert [one["kind"] for one in message["troubles"]] == [RUN, CHECK]


def test_the_same_trouble_is_told_again_only_after_it_was_over(hub, command) -> None:
    settings = replace(hub.settings, alert_command=command[0])
    for found in ([FAILED], [FAILED], [], [FAILED]):
        alert(settings, found, {"release"})
    assert len(told(command[1])) == 2


def test_a_run_that_looked_at_other_months_does_not_end_a_trouble(hub, command) -> None:
    settings = replace(hub.settings, alert_command=command[0])
    alert(settings, [FAILED], {"release"})
    alert(settings, [], {"ingest 2024-01"})
    alert(settings, [FAILED], {"release"})
    assert len(told(command[1])) == 1


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ({"alert_command": "false"}, "UPSTREAM_ALERT_COMMAND ended with code 1."),
        (
            {"alert_command": "no-such-command-here"},
            "UPSTREAM_ALERT_COMMAND cannot be run (No such file or directory).",
        ),
        ({"alert_command": "say 'unclosed"}, "UPSTREAM_ALERT_COMMAND cannot be run (No closing quotation)."),
        (
            {"alert_url": "ftp://example.org/x"},
            "UPSTREAM_ALERT_URL is no address that begins with https:// or http://.",
        ),
    ],
)
def test_an_alert_that_fails_is_said_once_and_tried_again(hub, command, hook, why) -> None:
    said = []
    settings = replace(hub.settings, **hook)
    assert alert(settings, [FAILED], None, said.append) == []
    assert said == [f"The alert did not get through: {why} It is tried again with the next run."]
    assert alert(replace(hub.settings, alert_command=command[0]), [FAILED], None) == [FAILED]


def test_a_server_that_refuses_is_named_without_what_may_be_secret(hub, server) -> None:
    said = []
    server.answer = 403
    alert(replace(hub.settings, alert_url=f"http://127.0.0.1:{server.server_port}/s3cret"), [FAILED], None, said.append)
    (line,) = said
    assert "127.0.0.1 of UPSTREAM_ALERT_URL did not take it" in line
    assert "s3cret" not in line


def test_a_run_whose_alert_fails_ends_as_it_would_have(hub, monkeypatch) -> None:
    refused(hub)
    said = []
    outcome = runner.run(replace(hub.settings, alert_command="false"), progress=said.append)
    assert len(outcome.problems) == 1
    assert "2031-01" in outcome.problems[0]
    assert sum("The alert did not get through" in line for line in said) == 1


def test_without_a_hook_nothing_is_kept(hub) -> None:
    assert alert(hub.settings, [FAILED], None) == []
    assert not (hub.settings.data / "alerts_told.json").exists()


def test_a_step_that_fails_is_told_by_its_name_and_kind_of_error_alone(hub, command) -> None:
    """An error's own text may quote a value."""
    broken = hub.settings.linkage / "people" / "police_incidents" / "2024-02.parquet"
    broken.write_bytes(b"Ada Archer")
    next((hub.settings.linkage / "memory").glob("manifest.json")).unlink()
    hub.deliver("WEXH", "ae_attendances", "2024-02", people=_other_people(hub))
    outcome = runner.run(replace(hub.settings, alert_command=command[0]), progress=lambda line: None)
    assert outcome.problems
    (message,) = told(command[1])
    (failed,) = [one for one in message["troubles"] if one["kind"] == RUN]
    assert failed["facts"]["job"] == "link_and_release"
    assert failed["facts"]["step"].startswith("linkage")
    assert "Archer" not in json.dumps(message)


def refused(hub) -> Path:
    """A delivery that is refused without anything to take in: of a month that has not begun."""
    (delivered,) = hub.settings.landing.joinpath(*POLICE).iterdir()
    return Path(
        shutil.copytree(delivered, hub.settings.landing / "NPOL" / "police_incidents" / "2031-01" / delivered.name)
    )


def _other_people(hub) -> Path:
    """The month's people with one value changed, so that the delivery is another."""
    changed = hub.settings.data / "people.csv"
    people = (hub.agencies / "WEXH" / "ae_attendances" / "2024-02" / "people.csv").read_text()
    changed.write_text(people.replace('"F"', '"X"', 1))
    return changed
