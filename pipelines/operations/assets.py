"""Running it as Dagster sees it: who may write, what is started by what, what is late, and who is told.

Every run of Dagster's, however it was started, goes through one executor, which has the data folder to itself: it waits
for another run to end, then works in its own process. `upstream run` holds the same lock. Sensors that start work and
schedules are off until somebody turns them on.
"""

import functools
import inspect
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack

import dagster as dg
import duckdb
from dagster._core.executor.base import Executor
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from pipelines.erasure.proof import pending
from pipelines.hiccups import is_hiccup
from pipelines.ingest.status import months_expected
from pipelines.publish.made_of import CODE, files_digest
from pipelines.publish.release import current_release
from pipelines.run_lock import holder, is_gone, only_run, process_mark
from pipelines.settings import Settings

from . import due
from .alerts import CHECK, RUN, Trouble, alert
from .late import late_deliveries
from .leftovers import clear_leftovers

INGEST_JOB, RELEASE_JOB, WATCH_JOB = "ingest_month", "link_and_release", "watch"
STARTED_BY, MONTHS, FEEDS, CODE_TAG, PROCESS = (
    f"upstream/{name}" for name in ("started_by", "months", "feeds", "code", "process")
)
UPSTREAM_RUN = "upstream run"
TOLD_OTHERWISE = ("gate", "freshness")  # checks whose troubles are refused deliveries and missing months
# An erasure deletes months that must then be taken in again before anything is released: one process does all of it.
ERASURE_FIRST = "People were to be erased and that is not done. Do it first: upstream run"
TRIES_AGAIN, SECONDS_BETWEEN = 2, 10
UNFINISHED = [
    dg.DagsterRunStatus[name] for name in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
]  # fmt: skip


def again_after_hiccup(function: Callable) -> Callable:
    """Decorates what an asset does: a file system that did not answer is asked again, anything else fails at once."""

    def retried(error: OSError | duckdb.IOException) -> BaseException:
        if not (is_hiccup(error) or isinstance(error, duckdb.IOException)):
            return error
        return dg.RetryRequested(max_retries=TRIES_AGAIN, seconds_to_wait=SECONDS_BETWEEN)

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def made(*arguments, **named):
            try:
                yield from function(*arguments, **named)
            except (OSError, duckdb.IOException) as error:
                raise retried(error) from error
    else:

        @functools.wraps(function)
        def made(*arguments, **named):
            try:
                return function(*arguments, **named)
            except (OSError, duckdb.IOException) as error:
                raise retried(error) from error

    return made


class OneWriter(Executor):
    """Works in one process, once the data folder is free; what it writes is written by nobody else meanwhile."""

    def __init__(self, settings: Settings, inner: Executor):
        self._settings, self._inner = settings, inner

    @property
    def retries(self):
        return self._inner.retries

    def execute(self, plan_context, execution_plan) -> Iterator[dg.DagsterEvent]:
        run, instance = plan_context.dagster_run, plan_context.instance
        instance.add_run_tags(run.run_id, run_tags(self._settings, _started_by(run.tags), run))
        with self._data_folder(run.run_id, plan_context.log.info):
            end_dead_runs(instance)
            clear_leftovers(self._settings)
            if pending(self._settings) and run.job_name != WATCH_JOB:
                raise dg.Failure(ERASURE_FIRST)
            yield from self._inner.execute(plan_context, execution_plan)

    def _data_folder(self, run_id: str, say: Callable[[str], None]) -> ExitStack:
        """The data folder for this run alone, to be given back by closing; waits for it."""
        for waited in range(self._settings.wait_minutes * 60):
            with ExitStack() as attempt:
                if attempt.enter_context(only_run(self._settings, f"the run {run_id[:8]} of Dagster's")):
                    return attempt.pop_all()
            if waited == 0:
                say(f"Waiting until {holder(self._settings)} has ended.")
            time.sleep(1)
        raise dg.Failure(f"{holder(self._settings)} did not end in {self._settings.wait_minutes} minutes. Start again.")


def one_writer(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of every job over one data folder."""

    @dg.executor(name="one_writer", config_schema=dg.in_process_executor.config_schema)
    def executor(context: dg.InitExecutorContext) -> OneWriter:
        return OneWriter(settings, dg.in_process_executor.executor_creation_fn(context))

    return executor


def run_tags(settings: Settings, started_by: str, run: dg.DagsterRun | None = None) -> dict[str, str]:
    """What a run is known by afterwards: what started it, code digest, process, and what it takes in."""
    tags = {
        STARTED_BY: started_by,
        CODE_TAG: files_digest(settings.project, *CODE)[:12],
        PROCESS: process_mark(),
    }
    if run and (months := _months(run.tags)):
        feeds = [key.path[1] for key in run.asset_selection or () if key.path[0] == "accepted"]
        tags |= {MONTHS: months, FEEDS: ", ".join(sorted(feeds)) or "all"}
    return tags


def span_tags(span: due.Span) -> dict[str, str]:
    """What tells Dagster which months a run takes in, and people which months and feeds."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: span.months[0],
        ASSET_PARTITION_RANGE_END_TAG: span.months[-1],
        MONTHS: span.in_words,
        FEEDS: ", ".join(span.feeds),
    }


def end_dead_runs(instance: dg.DagsterInstance) -> int:
    """Runs whose process is gone are recorded as failed, or they would hold up the queue for ever; how many."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    dead = [run for run in unfinished if PROCESS in run.tags and is_gone(run.tags[PROCESS])]
    for run in dead:
        instance.report_run_failed(run, "The process of this run is gone: it was killed, or the machine went down.")
    return len(dead)


def troubles_of_run(job: str, tags: Mapping[str, str], events: Iterable[dg.DagsterEvent]) -> list[Trouble]:
    """Steps and checks of a run that failed, in words that quote nothing of an error."""
    scope = scope_of_run(job, tags)
    months = {"months": tags[MONTHS]} if MONTHS in tags else {}
    steps: dict[str, Trouble] = {}
    checks: dict[tuple[str, str], None] = {}
    failed = False
    for event in events:
        kind = event.event_type_value
        if kind == "STEP_FAILURE":
            error = event.event_specific_data.error
            name = (error.cause or error).cls_name or "error"
            text = f"{job} failed at {event.step_key} ({name}). Look at the run in Dagster, then: upstream run"
            steps[event.step_key] = Trouble(
                RUN, text, {"job": job, "step": event.step_key, "error": name, **months}, scope
            )
        elif kind == "ASSET_CHECK_EVALUATION":
            found = event.event_specific_data
            failing = not found.passed and found.severity == dg.AssetCheckSeverity.ERROR
            if failing and found.check_name not in TOLD_OTHERWISE:
                checks[".".join(found.asset_key.path), found.check_name] = None
        elif kind in ("PIPELINE_FAILURE", "RUN_FAILURE"):
            failed = True
    found = [
        Trouble(CHECK, f"The check {check} of {asset} did not pass.", {"asset": asset, "check": check, **months}, scope)
        for asset, check in checks
    ]
    if failed and not steps:
        text = f"{job} ended before it was done. Look at the run in Dagster, then: upstream run"
        steps[""] = Trouble(RUN, text, {"job": job, **months}, scope)
    return [*steps.values(), *found]


def scope_of_run(job: str, tags: Mapping[str, str]) -> str:
    """The same for a run of the same job over the same months and feeds."""
    return " ".join(filter(None, (job, tags.get(MONTHS), tags.get(FEEDS))))


def freshness_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """For each feed whether every agency has delivered every month that was due."""
    return [_freshness_check(settings, feed) for feed in settings.feeds]


def _freshness_check(settings: Settings, feed: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["accepted", feed],
        name="freshness",
        description=f"Every agency that delivers {feed} has delivered each month by day {settings.due_day} of the next.",
    )
    def freshness() -> dg.AssetCheckResult:
        late = [found for found in late_deliveries(settings) if found.feed == feed]
        return dg.AssetCheckResult(
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "months_missing": sum(len(found.months) for found in late),
                "days_late": max((found.days for found in late), default=0),
                "late": dg.MetadataValue.md("\n".join(f"- {found}" for found in late) or "nothing is late"),
            },
        )

    return freshness


def jobs(settings: Settings) -> list:
    """One job for a month, one for everything after it, one that only looks at what is late."""
    ingest = dg.AssetSelection.groups("ingest")
    fresh = dg.AssetSelection.checks(*freshness_checks(settings))
    return [
        dg.define_asset_job(INGEST_JOB, ingest, description="Take in what was delivered for a month."),
        dg.define_asset_job(
            RELEASE_JOB,
            dg.AssetSelection.all() - ingest,
            description="Link people, build every table, check the release and switch to it.",
        ),
        dg.define_asset_job(WATCH_JOB, fresh, description="Look which deliveries are late."),
    ]


def sensors(settings: Settings, jobs: list) -> list[dg.SensorDefinition]:
    """Landing, the end of dead runs, and alerts."""
    return [_landing(settings, jobs), _dead_runs(), *_alerts(settings)]


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The morning after deliveries are due what is due is taken in, then released; every morning a look for what is late."""

    @dg.schedule(
        name="monthly_ingest",
        job_name=INGEST_JOB,
        cron_schedule=f"0 6 {settings.due_day + 1} * *",
        execution_timezone=settings.timezone,
        description="The morning after deliveries are due: takes in every month and feed that is due.",
    )
    def monthly_ingest(context: dg.ScheduleEvaluationContext):
        end_dead_runs(context.instance)
        found = due.spans(due.feeds_due(settings))
        return _ingest_requests(found, None) or dg.SkipReason("Every month is taken in.")

    @dg.schedule(
        name="monthly_release",
        job_name=RELEASE_JOB,
        cron_schedule=f"30 6 {settings.due_day + 1} * *",
        execution_timezone=settings.timezone,
        description="After monthly_ingest, whose runs are before it in the queue: links and releases, if anything is new.",
    )
    def monthly_release(context: dg.ScheduleEvaluationContext):
        if _nothing_delivered(settings):
            return dg.SkipReason(f"Nothing was delivered to {settings.landing}.")
        if not (_unfinished(context.instance) or due.release_due(settings)):
            return dg.SkipReason(_up_to_date(settings))
        if newer := due.gone_back_from(settings):
            return dg.SkipReason(_gone_back(settings, newer))
        return dg.RunRequest()

    daily_look = dg.ScheduleDefinition(
        name="daily_look",
        job_name=WATCH_JOB,
        cron_schedule="0 7 * * *",
        execution_timezone=settings.timezone,
        description="Every morning: has every agency delivered what was due?",
    )
    return [monthly_ingest, monthly_release, daily_look]


def _landing(settings: Settings, jobs: list) -> dg.SensorDefinition:
    @dg.sensor(
        name="landing",
        jobs=jobs,
        minimum_interval_seconds=settings.landing_seconds,
        description=(
            "Takes in exactly the months and feeds whose deliveries are new, changed or withdrawn, once they have stopped "
            "changing; when all is taken in, links and releases."
        ),
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """The cursor holds digests: of what was seen at the last look, and of what runs were asked for already."""
        end_dead_runs(context.instance)
        cursor = {"seen": {}, "asked": {}, "runs": 0, **json.loads(context.cursor or "{}")}

        def skip(reason: str) -> dg.SensorResult:
            return dg.SensorResult(skip_reason=reason, cursor=json.dumps(cursor))

        if busy := _busy(settings, context.instance):
            return skip(busy)
        if _nothing_delivered(settings):
            return skip(f"Nothing was delivered to {settings.landing}.")
        if pending(settings):
            return skip(ERASURE_FIRST)
        months = due.feeds_due(settings)
        slots = {
            (month, feed): due.delivered_digest(settings, feed, month)
            for month, feeds in months.items()
            for feed in feeds
        }
        now = {f"{month} {feed}": digest for (month, feed), digest in slots.items()}
        if not now:
            if not due.release_due(settings):
                return skip(_up_to_date(settings))
            if newer := due.gone_back_from(settings):
                return skip(_gone_back(settings, newer))
            now = {RELEASE_JOB: due.release_digest(settings)}
        asked_before = {slot for slot, digest in now.items() if cursor["asked"].get(slot) == digest}
        if asked_before:
            return skip(
                f"A run was started for this already and did not get it done ({', '.join(sorted(asked_before)[:3])}). Look "
                "at why it failed, then start it by hand: upstream run"
            )
        if now != cursor["seen"] and slots:
            cursor["seen"] = now
            return skip("Deliveries are new or changed. If they stay as they are until the next look, a run starts.")
        cursor |= {"seen": now, "asked": cursor["asked"] | now, "runs": cursor["runs"] + 1}
        key = f"{cursor['runs']}-{due.digest(now)[:16]}"
        if slots:
            requests = _ingest_requests(due.spans(months), key)
        else:
            requests = [dg.RunRequest(run_key=key, job_name=RELEASE_JOB)]
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(cursor))

    return landing


def _dead_runs() -> dg.SensorDefinition:
    @dg.sensor(
        name="dead_runs",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records runs whose process is gone as failed; they would hold up the queue for ever.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(f"{end_dead_runs(context.instance)} runs were dead.")

    return dead_runs


def _alerts(settings: Settings) -> list[dg.SensorDefinition]:
    """After every run of Dagster's, well ended or not, what is wrong is told; once each."""

    def tell(context: dg.RunStatusSensorContext) -> None:
        run = context.dagster_run
        logged = context.instance.all_logs(run.run_id)
        events = [entry.dagster_event for entry in logged if entry.dagster_event]
        troubles = troubles_of_run(run.job_name, run.tags, events)
        alert(settings, troubles, {scope_of_run(run.job_name, run.tags)}, context.log.warning)

    how = "Tells through UPSTREAM_ALERT_COMMAND or UPSTREAM_ALERT_URL"

    @dg.run_failure_sensor(name="alert_failed_run", description=f"{how} why a run failed.")
    def alert_failed_run(context: dg.RunFailureSensorContext) -> None:
        tell(context)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="alert_after_run",
        description=f"{how} what a run found: refused deliveries, failed checks, missing months.",
    )
    def alert_after_run(context: dg.RunStatusSensorContext) -> None:
        tell(context)

    return [alert_failed_run, alert_after_run]


def _ingest_requests(spans: list[due.Span], key: str | None) -> list[dg.RunRequest]:
    """One run for each span."""
    return [
        dg.RunRequest(
            run_key=key and f"{key}-{number}",
            job_name=INGEST_JOB,
            asset_selection=[dg.AssetKey(["accepted", feed]) for feed in span.feeds],
            tags=span_tags(span),
        )
        for number, span in enumerate(spans)
    ]


def _busy(settings: Settings, instance: dg.DagsterInstance) -> str | None:
    """Who works over the data folder, or is about to, in words."""
    if run := _unfinished(instance):
        return f"The run {run.run_id[:8]} ({run.job_name}) has not ended yet."
    held = holder(settings)
    return f"{held} has not ended yet." if held else None


def _unfinished(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    return next(iter(instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=1)), None)


def _nothing_delivered(settings: Settings) -> bool:
    return not months_expected(settings)


def _up_to_date(settings: Settings) -> str:
    current = current_release(settings)
    return f"Everything is up to date: release {current.name} stands." if current else "Nothing is due."


def _gone_back(settings: Settings, newer: str) -> str:
    stands = current_release(settings).name
    return (
        f"Somebody went back from release {newer} to {stands}, which stands until there is more. Forward: upstream run"
    )


def _started_by(tags: Mapping[str, str]) -> str:
    for name, what in (("backfill", "backfill"), ("sensor_name", "sensor"), ("schedule_name", "schedule")):
        if found := tags.get(f"dagster/{name}"):
            return f"{what} {found}"
    return "by hand in Dagster"


def _months(tags: Mapping[str, str]) -> str | None:
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first and last:
        return first if first == last else f"{first} to {last}"
    return tags.get("dagster/partition")
