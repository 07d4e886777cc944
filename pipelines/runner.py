"""`upstream run`: the whole graph in one process, without a server, only what is not up to date, with progress.

What is up to date is decided by digests of deliveries, suites, code and state, never by clocks. Every finished month
and the finished release are kept, so a run that was killed is simply started again.
"""

import itertools
import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import dagster as dg
from dagster._core.instance import InstanceRef

from pipelines.definitions import definitions
from pipelines.erasure.proof import carried_out
from pipelines.ingest.status import months_expected, status_rows
from pipelines.linkage.update import forget
from pipelines.operations.alerts import Trouble, alert
from pipelines.operations.assets import (
    INGEST_JOB,
    RELEASE_JOB,
    UPSTREAM_RUN,
    end_dead_runs,
    run_tags,
    span_tags,
    troubles_of_run,
)
from pipelines.operations.due import feeds_due, release_due, spans
from pipelines.operations.late import late_deliveries
from pipelines.operations.leftovers import clear_leftovers
from pipelines.publish.release import current_release
from pipelines.run_lock import holder, only_run
from pipelines.settings import Settings
from pipelines.warehouse.upkeep import forget_all

REFUSALS_TOLD = 3  # of each agency's feed
SLOW_STEPS = ("accepted__", "linkage", "publish__")  # steps of ten seconds and more on a whole region


@dataclass
class Outcome:
    """What a run did. `problems` are sentences; a run with problems exits non-zero."""

    months: int = 0
    released: bool = False
    problems: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)  # steps and checks that failed


class Progress(logging.Handler):
    """Prints what Dagster reports: a line when a slow step starts, one for each asset made, one for each check failed."""

    warned: ClassVar[dict[str, list[str]]] = {}  # asset -> its checks that warned, until its step is done
    months: ClassVar[dict[str, list[int]]] = {}  # asset -> rows of each month, until its step is done

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        kind = event.event_type_value if event else None
        if kind == "STEP_START" and event.step_key.startswith(SLOW_STEPS) and not event.step_key.endswith("_freshness"):
            self._say(f"{event.step_key.replace('__', '.')} …")
        elif kind == "ASSET_MATERIALIZATION":
            materialization = event.event_specific_data.materialization
            name, counts = ".".join(materialization.asset_key.path), materialization.metadata
            if materialization.partition:
                self.months.setdefault(name, []).append(counts["dagster/partition_row_count"].value)
            else:
                as_it_was = "" if counts.get("built", dg.BoolMetadataValue(True)).value else ", up to date already"
                self._say(f"{name:42}{counts['dagster/row_count'].value:>12,} rows{as_it_was}")
        elif kind == "STEP_SUCCESS":
            for name, rows in self.months.items():
                self._say(f"{name:42}{sum(rows):>12,} rows of {len(rows)} months")
            self.months.clear()
            for name, checks in self.warned.items():
                self._say(f"{name:42}to be looked at: {', '.join(sorted(checks))}")
            self.warned.clear()
        elif kind == "ASSET_CHECK_EVALUATION" and not event.event_specific_data.passed:
            check = event.event_specific_data
            if check.severity is dg.AssetCheckSeverity.WARN:
                if not check.partition:  # of the months of one run together
                    self.warned.setdefault(".".join(check.asset_key.path), []).append(check.check_name)
                return
            self._say(f"check {check.check_name} of {'.'.join(check.asset_key.path)} did not pass")

    @staticmethod
    def _say(line: str) -> None:
        print(f"  {line}", flush=True)


def run(settings: Settings, force: bool = False, progress: Callable[[str], None] = print) -> Outcome:
    """Take in what is new, link, build, check and release. `force`: also what is up to date."""
    with only_run(settings, UPSTREAM_RUN) as alone:
        if not alone:
            who = holder(settings) or "It has just ended"
            return Outcome(problems=[f"Another run is under way: {who}. Wait until it has ended, then run again."])
        with carried_out(settings, progress) as unfinished:
            outcome = _run(settings, force, progress)
        outcome.problems += unfinished
        for late in late_deliveries(settings):
            progress(f"Late: {late}")
        alert(settings, outcome.troubles, None, progress)
        return outcome


def _run(settings: Settings, force: bool, progress: Callable[[str], None]) -> Outcome:
    outcome = Outcome()
    for folder in (settings.landing, settings.state, settings.warehouse, settings.releases, settings.dagster_home):
        folder.mkdir(parents=True, exist_ok=True)
    clear_leftovers(settings)
    graph = definitions(settings)
    with warnings.catch_warnings(), dagster_instance(settings) as instance:
        warnings.simplefilter("ignore", dg.BetaWarning)
        end_dead_runs(instance)
        if force:
            forget(settings.linkage)
            forget_all(settings)
        _ingest(graph, instance, settings, force, progress, outcome)
        if not months_expected(settings):
            outcome.problems.append(f"Nothing was delivered to {settings.landing}.")
            return outcome
        if not force and not release_due(settings):
            progress(f"Everything is up to date: release {current_release(settings).name} stands")
        else:
            progress("Linking, building and checking a release")
            outcome.released = _execute(graph, RELEASE_JOB, instance, settings, outcome)
            if outcome.released:
                progress(f"What is wrong with what arrived: {settings.releases / 'current' / 'data_quality.html'}")
                progress(f"How well records were linked: {settings.releases / 'current' / 'linkage_quality.html'}")
    outcome.problems += _refusals(settings)
    return outcome


def _refusals(settings: Settings) -> list[str]:
    """Why deliveries were refused: of each agency's feed the first few, since a cause often repeats every month."""
    refused = [row for row in status_rows(settings) if row["status"] == "refused"]
    sentences = []
    for (agency, feed), group in itertools.groupby(refused, key=lambda row: (row["agency"], row["feed"])):
        rows = list(group)
        sentences += [f"{agency} {feed} {row['period']}: {row['reason']}" for row in rows[:REFUSALS_TOLD]]
        if len(rows) > REFUSALS_TOLD:
            sentences.append(
                f"{agency} {feed}: {len(rows) - REFUSALS_TOLD} more deliveries refused; see upstream status."
            )
    return sentences


def dagster_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that the web interface uses too, with progress lines in place of Dagster's own log."""
    home = {"base_dir": str(settings.dagster_home)}
    overrides = {
        "storage": {"sqlite": home},
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": home,
        },
        "python_logs": {
            "dagster_handler_config": {
                "handlers": {"progress": {"class": "pipelines.runner.Progress", "level": "DEBUG"}}
            }
        },
    }
    ref = InstanceRef.from_dir(str(settings.dagster_home), config_dir=str(settings.project), overrides=overrides)
    return dg.DagsterInstance.from_ref(ref)


def _ingest(
    graph, instance, settings: Settings, force: bool, progress: Callable[[str], None], outcome: Outcome
) -> None:
    months = months_expected(settings)
    due = feeds_due(settings, force)
    progress(
        f"Taking in {len(due)} of {len(months)} months" if due else f"All {len(months)} months are taken in already"
    )
    for span in spans(due):
        keys = [dg.AssetKey(["accepted", feed]) for feed in span.feeds]
        taken_in = _execute(graph, INGEST_JOB, instance, settings, outcome, keys, span_tags(span))
        outcome.months += len(span.months) * taken_in


def _execute(
    graph,
    job: str,
    instance,
    settings: Settings,
    outcome: Outcome,
    keys: list[dg.AssetKey] | None = None,
    tags: Mapping[str, str] | None = None,
) -> bool:
    tags = tags or {}
    result = graph.resolve_job_def(job).execute_in_process(
        instance=instance,
        asset_selection=keys,
        tags={**tags, **run_tags(settings, UPSTREAM_RUN)},
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE":
            error = event.event_specific_data.error
            cause = error.cause or error
            outcome.problems.append(f"{event.step_key}: {cause.message.strip()}")
    outcome.troubles += troubles_of_run(job, tags, result.all_events)
    return result.success
