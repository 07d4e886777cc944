"""What starts a run by itself: the sensor on landing asks for exactly what is due, once for each state."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date

import dagster as dg
import pyarrow.parquet as pq
import pytest

from pipelines.definitions import definitions
from pipelines.erasure.request import clients_asked_for, write_tombstones
from pipelines.ingest.accept import ingest_month
from pipelines.operations import assets as operations
from pipelines.operations.late import due_date, late_deliveries
from pipelines.run_lock import only_run
from pipelines.settings import PROJECT

POLICE = ("NPOL", "police_incidents", "2024-02")
ALL = ("landing", "state", "warehouse", "releases")


@pytest.fixture
def hub(region, tmp_path):
    return region.copy(tmp_path / "data", *ALL)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Looks:
    """The sensor over one data folder, look after look."""

    def __init__(self, settings, instance):
        graph = definitions(settings).get_repository_def()
        self._sensor, self._instance = graph.get_sensor_def("landing"), instance
        self._graph, self.cursor = graph, None

    def look(self):
        """What the sensor asks for, as (months, feeds), or why it asks for nothing."""
        context = dg.build_sensor_context(instance=self._instance, cursor=self.cursor, repository_def=self._graph)
        found = self._sensor.evaluate_tick(context)
        self.cursor = found.cursor
        self.keys = [request.run_key for request in found.run_requests]
        if found.skip_message:
            return found.skip_message
        return [
            (request.tags.get("upstream/months", request.job_name), request.tags.get("upstream/feeds"))
            for request in found.run_requests
        ]


def test_what_starts_runs_is_off_until_somebody_turns_it_on(tmp_path, region) -> None:
    graph = definitions(region.copy(tmp_path / "data").settings).get_repository_def()
    on = {
        found.name
        for found in [*graph.sensor_defs, *graph.schedule_defs]
        if found.default_status in (dg.DefaultSensorStatus.RUNNING, dg.DefaultScheduleStatus.RUNNING)
    }
    assert on == {"dead_runs"}
    assert {found.name for found in graph.schedule_defs} == {"monthly_ingest", "monthly_release", "daily_look"}


def test_a_hub_that_is_up_to_date_is_left_alone(hub, instance) -> None:
    looks = Looks(hub.settings, instance)
    assert looks.look().startswith("Everything is up to date: release r")


def test_an_empty_landing_is_left_alone(region, tmp_path, instance) -> None:
    looks = Looks(region.copy(tmp_path / "data").settings, instance)
    assert looks.look().startswith("Nothing was delivered to")


def test_a_correction_starts_a_run_for_its_month_and_feed_once(hub, instance, tmp_path) -> None:
    looks = Looks(hub.settings, instance)
    deliver_again(hub, tmp_path)
    assert "If they stay as they are until the next look, a run starts." in looks.look()
    assert looks.look() == [("2024-02", "police_incidents")]
    assert "was started for this already" in looks.look()
    assert "2024-02 police_incidents" in looks.look()


def test_deliveries_that_still_change_are_waited_for(hub, instance, tmp_path) -> None:
    looks = Looks(hub.settings, instance)
    folder = deliver_again(hub, tmp_path)
    note = (folder / "delivery.json").read_text()
    (folder / "delivery.json").unlink()
    assert "If they stay" in looks.look()
    (folder / "delivery.json").write_text(note)
    assert "If they stay" in looks.look()
    assert looks.look() == [("2024-02", "police_incidents")]


def test_a_state_that_comes_back_starts_another_run(hub, instance, tmp_path) -> None:
    """Run keys are never used twice, or the second run would be swallowed."""
    looks, keys = Looks(hub.settings, instance), []
    folder = deliver_again(hub, tmp_path)
    for present in (True, False, True):
        if present:
            folder.exists() or shutil.move(tmp_path / "aside", folder)
        else:
            shutil.move(folder, tmp_path / "aside")
            (hub.settings.accepted / "police_incidents" / "2024-02.made_of.json").unlink()
        looks.look()
        assert looks.look() == [("2024-02", "police_incidents")]
        keys += looks.keys
    assert len(set(keys)) == 3


def test_a_withdrawal_starts_a_run(hub, instance) -> None:
    looks = Looks(hub.settings, instance)
    (folder,) = hub.settings.landing.joinpath(*POLICE).iterdir()
    (folder / "withdrawn.json").write_text(json.dumps({"by": "A. Officer", "reason": "wrong month"}))
    looks.look()
    assert looks.look() == [("2024-02", "police_incidents")]


def test_once_all_is_taken_in_a_release_is_made(hub, instance) -> None:
    (hub.settings.releases / "current").unlink()
    looks = Looks(hub.settings, instance)
    assert looks.look() == [("link_and_release", None)]
    assert "was started for this already" in looks.look()


def test_a_release_that_somebody_went_back_from_is_not_made_again(hub, instance) -> None:
    current = hub.settings.releases / "current"
    newer = os.readlink(current)
    older = shutil.copytree(current.resolve(), hub.settings.releases / "r000000000000")
    manifest = older / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"release_id": older.name, "inputs": {}}))
    current.unlink()
    current.symlink_to(older.name)
    assert f"Somebody went back from release {newer} to {older.name}" in Looks(hub.settings, instance).look()


def test_nothing_is_started_beside_another_run(hub, instance, tmp_path) -> None:
    looks = Looks(hub.settings, instance)
    deliver_again(hub, tmp_path)
    with only_run(hub.settings, "upstream run"):
        assert looks.look().startswith(f"upstream run (process {os.getpid()}")
    run = instance.create_run_for_job(
        definitions(hub.settings).resolve_job_def("watch"), status=dg.DagsterRunStatus.STARTED
    )
    assert looks.look() == f"The run {run.run_id[:8]} (watch) has not ended yet."


def test_an_erasure_that_is_not_done_comes_first(hub, instance, tmp_path) -> None:
    """It deletes months, which must be taken in again before anything is released."""
    folder = deliver_again(hub, tmp_path)
    ref = pq.read_table(folder / "people.parquet", columns=["person_ref"])["person_ref"][0].as_py()
    clients = clients_asked_for(hub.settings, "NPOL", ref, None)
    write_tombstones(hub.settings, clients, "A. Officer", "asked for it")
    assert Looks(hub.settings, instance).look() == operations.ERASURE_FIRST


def test_a_run_whose_process_is_gone_is_ended_and_one_that_lives_is_not(hub, instance) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "from pipelines.run_lock import process_mark; print(process_mark())"],
                            stdout=subprocess.PIPE, text=True, cwd=PROJECT)  # fmt: skip
    mark = gone.communicate()[0].strip()
    job = definitions(hub.settings).resolve_job_def("watch")
    dead, alive = (
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={operations.PROCESS: of}).run_id
        for of in (mark, operations.process_mark())
    )
    assert operations.end_dead_runs(instance) == 1
    assert instance.get_run_by_id(dead).status == dg.DagsterRunStatus.FAILURE
    assert instance.get_run_by_id(alive).status == dg.DagsterRunStatus.STARTED


def test_a_run_of_dagsters_waits_for_another_over_the_same_data(hub, tmp_path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"UPSTREAM_DATA": str(hub.settings.data), "DAGSTER_HOME": str(home)}
    environment["DAGSTER_DISABLE_TELEMETRY"] = "1"
    log = tmp_path / "log"
    with only_run(hub.settings, "a test"), log.open("w") as file:
        command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "pipelines.definitions", "-j", "watch"]
        waiting = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=file, stderr=file)
        while "Waiting until a test (process" not in log.read_text():
            assert waiting.poll() is None, log.read_text()[-2000:]
            time.sleep(0.2)
        assert "STEP_START" not in log.read_text()
    assert waiting.wait() == 0
    assert "RUN_SUCCESS" in log.read_text()


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OSError(5, "Input/output error"), True),
        (OSError(28, "No space left on device"), False),
        (ValueError("no"), False),
    ],
)
def test_a_file_system_that_did_not_answer_is_asked_again_and_nothing_else_is(error, again) -> None:
    def fails():
        raise error

    def fails_late():
        yield 1
        raise error

    with pytest.raises(dg.RetryRequested if again else type(error)):
        operations.again_after_hiccup(fails)()
    with pytest.raises(dg.RetryRequested if again else type(error)):
        list(operations.again_after_hiccup(fails_late)())


def test_a_month_is_late_from_the_day_after_it_was_due(hub) -> None:
    """Deliveries end with 2024-04; those of 2024-05 are due on 10 June."""
    assert due_date(hub.settings, "2024-12") == date(2025, 1, 10)
    assert late_deliveries(hub.settings, date(2024, 6, 10)) == []
    late = {(found.agency, found.feed): found for found in late_deliveries(hub.settings, date(2024, 6, 22))}
    police = late["NPOL", "police_incidents"]
    assert (police.months, police.days) == (("2024-05",), 12)
    assert str(police) == "NPOL has not delivered police_incidents of 2024-05: it was due 12 days ago."


def test_a_gap_between_deliveries_is_late_too(hub) -> None:
    shutil.rmtree(hub.settings.landing.joinpath(*POLICE))
    (late,) = late_deliveries(hub.settings, date(2024, 5, 20))
    assert (late.agency, late.feed, late.months) == ("NPOL", "police_incidents", ("2024-02",))


def deliver_again(hub, tmp_path):
    """A correction of POLICE; its folder."""
    changed = tmp_path / "people.csv"
    people = (hub.agencies.joinpath(*POLICE) / "people.csv").read_text()
    changed.write_text(people.replace('"F"', '"X"', 1))
    return hub.deliver(*POLICE, people=changed)


def test_a_delivery_is_not_refused_because_a_file_system_did_not_answer(hub, monkeypatch) -> None:
    def no_answer(*arguments, **options):
        raise OSError(5, "Input/output error")

    (hub.settings.accepted / "police_incidents" / "2024-02.made_of.json").unlink()
    monkeypatch.setattr("pipelines.ingest.delivery.pq.read_table", no_answer)
    with pytest.raises(OSError, match="Input/output"):
        ingest_month(hub.settings, "police_incidents", "2024-02")
    monkeypatch.undo()
    assert ingest_month(hub.settings, "police_incidents", "2024-02").refusals == []
