"""Ingest as Dagster sees it: one asset a feed, a partition a month, and checks of each month.

A refused delivery fails the check `gate` without blocking: other data go on, and the run's exit code says so. Lost rows
fail the check `conservation`, which blocks what is downstream. Rules that fail are told by the checks conformance,
completeness and plausibility, which only warn.
"""

import warnings
from collections.abc import Callable, Iterator

import dagster as dg
import pyarrow.parquet as pq

from pipelines.operations.assets import again_after_hiccup
from pipelines.pseudonymise.delivery import FILES
from pipelines.settings import Settings

from .accept import ingest_months
from .month import STATUSES, Month, month_files
from .rules import KAHN


def ingest_assets(settings: Settings) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The asset of each feed, with its checks."""
    months = dg.MonthlyPartitionsDefinition(start_date=settings.first_period, fmt="%Y-%m", end_offset=1)
    with warnings.catch_warnings():
        # Checks by partition and single-run backfills are new in Dagster; its version is pinned, and tests hold both.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_feed_asset(settings, feed, months) for feed in settings.feeds]


def _feed_asset(settings: Settings, feed: str, months: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    key = dg.AssetKey(["accepted", feed])

    @dg.asset(
        key=key,
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="ingest",
        kinds={"parquet", "great_expectations"},
        description=(
            f"Rows of {feed} that the gate accepted, a partition a month. With them, as files of the month: tokens of "
            "people for linkage, attributes, refused rows with their reasons, what became of each delivery, and the "
            "result of each rule."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "conservation",
                asset=key,
                blocking=True,
                partitions_def=months,
                description="Received = accepted + refused + erased, for each file of every accepted delivery, counted in the files.",
            ),
            dg.AssetCheckSpec(
                "gate", asset=key, partitions_def=months, description="No delivery of the month was refused."
            ),
            *(
                dg.AssetCheckSpec(
                    kahn,
                    asset=key,
                    partitions_def=months,
                    description=f"No critical rule and no warning about {kahn} fails. It tells and stops nothing.",
                )
                for kahn in KAHN
            ),
        ],
    )
    @again_after_hiccup
    def accepted(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult | dg.AssetCheckEvaluation]:
        if not context.has_partition_key and not context.has_partition_key_range:
            raise dg.Failure(f"{feed} is ingested by the month: choose a partition such as {settings.first_period}.")
        ingested = ingest_months(settings, feed, list(context.partition_keys))
        for month in ingested:
            context.add_asset_metadata(_metadata(month), asset_key=key, partition_key=month.period)
        yield dg.MaterializeResult(asset_key=key)
        for check in (_conservation, _gate, *map(_quality, KAHN)):
            if len(ingested) > 1:
                for month in ingested:  # Dagster itself records a check of many partitions as one of none
                    yield _of_partition(check(settings, key, [month]), month.period)
            yield check(settings, key, ingested)

    return accepted


def _of_partition(result: dg.AssetCheckResult, period: str) -> dg.AssetCheckEvaluation:
    """The result as recorded for one month."""
    return dg.AssetCheckEvaluation(
        asset_key=result.asset_key,
        check_name=result.check_name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        partition=period,
    )


def _metadata(month: Month) -> dict[str, object]:
    """Counts and reasons, never a value."""
    states = [delivery.status for delivery in month.deliveries]
    return {
        "dagster/partition_row_count": sum(len(table) for table in month.accepted["activity"]),
        "rows_received": month.count("received"),
        "rows_accepted": month.count("accepted"),
        "rows_refused": month.count("refused"),
        "rows_erased": month.count("erased"),
        **{f"deliveries_{status}": states.count(status) for status in STATUSES},
        "refused_because": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in month.refusals) or "none refused"),
    }


def _conservation(settings: Settings, key: dg.AssetKey, months: list[Month]) -> dg.AssetCheckResult:
    """Counted again in the files that were written, apart from the counts they were written with."""
    wrong = [month.period for month in months if _rows_to_keep(month) != _rows_written(settings, month)]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="conservation",
        passed=not wrong,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"months": len(months), "months_with_lost_or_made_rows": ", ".join(wrong) or "none"},
    )


def _rows_to_keep(month: Month) -> dict[str, int]:
    """Rows received but for those of people who were erased, by file."""
    counts = [delivery.rows for delivery in month.deliveries if delivery.status == "accepted"]
    return {file: sum(rows["received"][file] - rows["erased"][file] for rows in counts) for file in FILES}


def _rows_written(settings: Settings, month: Month) -> dict[str, int]:
    """Accepted and refused rows by file."""
    files = month_files(settings, month.feed, month.period)
    refused = pq.read_table(files["refused"], columns=["file"])["file"].to_pylist()
    return {file: pq.read_metadata(files[file]).num_rows + refused.count(file) for file in FILES}


def _gate(settings: Settings, key: dg.AssetKey, months: list[Month]) -> dg.AssetCheckResult:
    refusals = [reason for month in months for reason in month.refusals]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="gate",
        passed=not refusals,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "deliveries_refused": len(refusals),
            "refused_because": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in refusals) or "none refused"),
        },
    )


def _quality(kahn: str) -> Callable[[Settings, dg.AssetKey, list[Month]], dg.AssetCheckResult]:
    """The check of all rules about one kind of quality: rows that fail them, rule by rule, never a value."""

    def check(settings: Settings, key: dg.AssetKey, months: list[Month]) -> dg.AssetCheckResult:
        outcomes = [line for month in months for line in month.checks if line["kahn"] == kahn]
        failed: dict[tuple[str, str], list[int]] = {}
        for line in outcomes:
            if line["failed"]:
                counts = failed.setdefault((line["severity"], line["reason"]), [0, 0])
                counts[0] += line["failed"]
                counts[1] += line["checked"]
        lines = [
            f"| {severity} | {reason} | {rows:,} | {checked:,} |"
            for (severity, reason), (rows, checked) in sorted(failed.items())
        ]
        told = "\n".join(["| severity | what is wrong | rows | of |", "| --- | --- | ---: | ---: |", *lines])
        return dg.AssetCheckResult(
            asset_key=key,
            check_name=kahn,
            passed=all(severity == "info" for severity, _ in failed),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "rules": len({(line["file"], line["rule"], line["column_name"]) for line in outcomes}),
                "failed": dg.MetadataValue.md(told if lines else "none"),
            },
        )

    return check
