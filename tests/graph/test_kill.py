"""kill -9 at any moment loses nothing, doubles nothing, and leaves the last release open to readers.

A run is looked at in 20 random moments: it is stopped, all that is on disk is copied, which is what kill -9 at that moment
would leave, and it goes on. From one of the copies the next run is made to the end. Real kills come on top: one with
every test, UPSTREAM_KILLS of them by `make kill`, each with a run to the end.
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.operations.leftovers import leftovers
from pipelines.run_lock import holder
from pipelines.settings import Settings
from pipelines.synthetic.region import make_region

from .conftest import Region

MOMENTS, ENDED = 20, 1  # copies of a run that is under way, and those from which a run is made to the end
KILLS = int(os.environ.get("UPSTREAM_KILLS", "1"))
SEED = 20240105
# Imported once, before the runs are forked off: every run is a process of its own that begins where its imports end.
LOADED = ["pipelines.runner", "great_expectations", "splink", "scipy", "pandas", "pipelines.board.pack"]


def upstream_run(data: Path, said: Path) -> None:
    """`upstream run` over a data folder, as a process."""
    os.environ["UPSTREAM_DATA"] = str(data)
    with said.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os._exit(cli.main(["run"]))


@pytest.fixture(scope="module")
def processes():
    sys.path.insert(0, str(Settings().project))  # where the processes find this module
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context


@pytest.fixture(scope="module")
def before(tmp_path_factory, processes) -> Region:
    """A hub with a month released, and with a second month and a correction of the first just delivered."""
    folder = tmp_path_factory.mktemp("kill")
    make_region(folder / "demo", people=300, seed=3, months=2)
    assert cli.main(["keygen", str(folder / "key")]) == 0
    hub = Region(folder / "demo" / "agencies", folder / "key", Settings(data=folder / "before"))
    sources = sorted(source.parts[-3:] for source in hub.agencies.glob("*/*/*"))
    for source in sources:
        if source[2] == "2024-01":
            hub.deliver(*source)
    finish(processes, hub.settings.data)
    for source in sources:
        if source[2] == "2024-02":
            hub.deliver(*source)
    corrected = folder / "people.csv"
    people = (hub.agencies / "NPOL" / "police_incidents" / "2024-01" / "people.csv").read_text()
    corrected.write_text(people.replace('"F"', '"X"', 1))
    hub.deliver("NPOL", "police_incidents", "2024-01", people=corrected)
    return hub


@pytest.fixture(scope="module")
def moments(before, processes, tmp_path_factory) -> tuple[Path, list[Path], float]:
    """A run that went to its end, copies of its data folder in random moments, and about how long it takes."""
    folder = tmp_path_factory.mktemp("moments")
    # Once undisturbed, to know how long a run takes; then the same again, stopped on its way.
    duration = finish(processes, fresh(before, folder / "timed"))
    data, copies = fresh(before, folder / "stopped"), []
    dice = random.Random(SEED)
    process = start(processes, data)
    passed = 0.0
    for moment in sorted(dice.uniform(0, duration) for _ in range(MOMENTS)):
        process.join(moment - passed)
        passed = moment
        if process.exitcode is not None:
            break
        os.kill(process.pid, signal.SIGSTOP)
        copies.append(fresh_of(data, folder / f"copy{len(copies)}"))
        os.kill(process.pid, signal.SIGCONT)
    process.join()
    assert process.exitcode == 0
    assert release(data)["content"] == release(folder / "timed")["content"]
    return data, copies, duration


def start(processes, data: Path):
    process = processes.Process(target=upstream_run, args=(data, data.parent / "said.txt"))
    process.start()
    return process


def finish(processes, data: Path) -> float:
    """Run to the end; seconds it took."""
    began = time.monotonic()
    process = start(processes, data)
    process.join()
    assert process.exitcode == 0, (data.parent / "said.txt").read_text()[-2000:]
    return time.monotonic() - began


def fresh(before: Region, data: Path) -> Path:
    return fresh_of(before.settings.data, data)


def fresh_of(data: Path, copy: Path) -> Path:
    shutil.copytree(data, copy, symlinks=True)
    return copy


def release(data: Path) -> dict:
    return json.loads((data / "releases" / "current" / "manifest.json").read_text())


def assert_readable(data: Path) -> None:
    """The current release opens, is as its manifest says, and no month that stands is half a month."""
    manifest = release(data)
    for name, schema in (("analyst", "marts"), ("board", "board")):
        with duckdb.connect(str(data / "releases" / "current" / f"{name}.duckdb"), read_only=True) as connection:
            for table, rows in manifest["rows"].items():
                if table.startswith(f"{schema}."):
                    assert connection.execute(f"select count(*) from {table}").fetchall() == [(rows,)]
    for path in (data / "warehouse").rglob("*.parquet"):
        if not path.name.startswith("."):
            pq.read_metadata(path)
    for path in (data / "state").rglob("*.parquet"):
        if not path.name.startswith("."):
            pq.read_metadata(path)


def assert_as_if_undisturbed(data: Path, undisturbed: Path) -> None:
    """The same content, of the same deliveries, and nothing left lying about."""
    assert release(data)["content"] == release(undisturbed)["content"]
    assert release(data)["deliveries"] == release(undisturbed)["deliveries"]
    assert list(leftovers(Settings(data=data))) == []
    assert [path.name for path in (data / "releases").glob(".building-*")] == []


def test_in_every_moment_the_release_opens_and_no_half_file_stands(moments) -> None:
    undisturbed, copies, _ = moments
    assert len(copies) > MOMENTS / 2  # more moments than that come after the end only if the machine is busy by turns
    for data in copies:
        assert_readable(data)
    assert release(copies[0])["release_id"] != release(undisturbed)["release_id"]


def test_from_a_moment_the_next_run_ends_as_if_nothing_had_been(moments, processes) -> None:
    undisturbed, copies, _ = moments
    for data in random.Random(SEED).sample(copies, ENDED):
        finish(processes, data)
        assert_as_if_undisturbed(data, undisturbed)


def test_killed_again_and_again_a_run_ends_as_if_nothing_had_been(before, moments, processes, tmp_path) -> None:
    undisturbed, _, duration = moments
    dice, killed = random.Random(SEED), 0
    while killed < KILLS:
        data = fresh(before, tmp_path / f"hub{killed}")
        for _ in range(2):  # what is killed goes on, and is killed again
            process = start(processes, data)
            process.join(dice.uniform(0, duration))
            process.kill()
            process.join()
            killed += process.exitcode == -signal.SIGKILL
            assert holder(Settings(data=data)) is None
            assert_readable(data)
        finish(processes, data)
        assert_as_if_undisturbed(data, undisturbed)
        shutil.rmtree(data)
