"""A backfill of several months, asked for as Dagster's web page asks, carried out by its daemon and its queue."""

import asyncio
import hashlib
import logging
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionStatus, PartitionBackfill
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster_graphql.schema import create_schema

from pipelines.operations.assets import FEEDS, MONTHS, STARTED_BY
from pipelines.operations.web import write_instance_config
from pipelines.settings import PROJECT

FEED = "police_incidents"
ASSET = dg.AssetKey(["accepted", FEED])
ASKED = ["2024-01", "2024-02", "2024-03"]
NOT_ASKED = "2024-04"
LAUNCH = """mutation($asked: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $asked) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
PATIENCE = 240  # seconds; a backfill that has not ended by then hangs


@pytest.fixture(scope="module")
def hub(region, tmp_path_factory):
    """A hub that was up to date and lost every month of FEED, those that will be asked for and one that will not."""
    hub = region.copy(tmp_path_factory.mktemp("backfill") / "data", "landing", "state", "warehouse", "releases")
    for month in (*ASKED, NOT_ASKED):
        for path in files_of_month(hub, month):
            path.unlink()
    return hub


@pytest.fixture(scope="module")
def carried_out(hub):
    """The instance after the backfill, the backfill, and the hub's files before and after it."""
    before = files_of(hub)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UPSTREAM_DATA", str(hub.settings.data))
        home = write_instance_config(hub.settings).parent
        environment.setenv("DAGSTER_HOME", str(home))
        target = WorkspaceFileTarget([str(PROJECT / "workspace.yaml")])
        with dg.DagsterInstance.from_config(str(home)) as instance, WorkspaceProcessContext(instance, target) as web:
            yield instance, until_it_ends(web, launch(web)), before, files_of(hub)


def launch(web: WorkspaceProcessContext) -> str:
    """The id of the backfill that the page's button *Launch backfill* asks for."""
    asked = {"partitionNames": ASKED, "assetSelection": [{"path": ASSET.path}]}
    request = create_schema().execute_async(
        LAUNCH, context_value=web.create_request_context(), variable_values={"asked": asked}
    )
    answer = asyncio.run(request)
    assert not answer.errors
    assert answer.data["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess", answer.data
    return answer.data["launchPartitionBackfill"]["backfillId"]


def until_it_ends(web: WorkspaceProcessContext, backfill_id: str) -> PartitionBackfill:
    """The backfill, ended: what `dagster dev` loops over, look after look."""
    started = time.monotonic()
    with QueuedRunCoordinatorDaemon(interval_seconds=1) as queue:
        while time.monotonic() - started < PATIENCE:
            errors = [*execute_backfill_iteration(web, logging.getLogger("dagster")), *queue.run_iteration(web)]
            assert not any(errors), errors
            backfill = web.instance.get_backfill(backfill_id)
            if backfill.status in BULK_ACTION_TERMINAL_STATUSES:
                return backfill
            time.sleep(0.5)
    pytest.fail(f"The backfill is still {backfill.status} after {PATIENCE} seconds.")


def files_of(hub) -> dict[Path, tuple[int, str]]:
    """When each file of the hub's was written, and its digest; but for Dagster's own and the lock."""
    data = hub.settings.data
    not_the_hubs = {hub.settings.dagster_home, data / ".run.lock"}
    found = (path for path in data.rglob("*") if path.is_file() and not not_the_hubs & {path, *path.parents})
    return {path.relative_to(data): (path.stat().st_mtime_ns, digest(path)) for path in found}


def files_of_month(hub, month: str) -> list[Path]:
    """What taking in FEED's month leaves behind."""
    settings = hub.settings
    folders = (settings.accepted / FEED, settings.linkage / "people" / FEED)
    return [path for folder in folders for path in folder.glob(f"{month}.*")]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_ends_well_in_one_run_that_says_who_started_it(carried_out) -> None:
    instance, backfill, _, _ = carried_out
    assert backfill.status == BulkActionStatus.COMPLETED_SUCCESS
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert run.tags[STARTED_BY] == f"backfill {backfill.backfill_id}"
    assert run.tags[MONTHS] == "2024-01 to 2024-03"
    assert run.tags[FEEDS] == FEED


def test_each_month_asked_for_is_materialised_and_no_other(carried_out) -> None:
    instance, _, _, _ = carried_out
    assert instance.get_materialized_partitions(ASSET) == set(ASKED)
    assert list(instance.all_asset_keys()) == [ASSET]


@pytest.mark.parametrize("month", ASKED)
def test_each_month_has_its_checks(carried_out, month) -> None:
    instance, _, _, _ = carried_out
    for check in ("conservation", "gate"):
        key = dg.AssetCheckKey(ASSET, check)
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key([key], PartitionKeyFilter(key=month))
        assert found[key].evaluation.passed


def test_the_accepted_files_are_back_as_they_were_and_nothing_else_was_touched(region, carried_out) -> None:
    _, _, before, after = carried_out
    made = [path for month in ASKED for path in files_of_month(region, month)]
    assert {path.name for path in made} >= {f"{month}.activity.parquet" for month in ASKED}
    as_they_were = {path.relative_to(region.settings.data): digest(path) for path in made}
    touched = {path: content for path, (written, content) in after.items() if before.get(path) != (written, content)}
    assert touched == as_they_were
    assert not before.keys() - after.keys()
