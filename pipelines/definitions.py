"""All that Dagster sees: the assets and checks of every package, the jobs, and what starts and watches them."""

import dagster as dg

from pipelines.ingest.assets import ingest_assets
from pipelines.linkage.assets import linkage_assets
from pipelines.operations import assets as operations
from pipelines.publish.assets import publish_assets
from pipelines.settings import Settings
from pipelines.warehouse.assets import warehouse_assets


def definitions(settings: Settings) -> dg.Definitions:
    """The graph over one data folder. In one process, by one writer: of the DuckDB file, and of everything else."""
    parts = [
        *ingest_assets(settings),
        *linkage_assets(settings),
        *warehouse_assets(settings),
        *publish_assets(settings),
        *operations.freshness_checks(settings),
    ]
    jobs = operations.jobs(settings)
    return dg.Definitions(
        assets=[part for part in parts if not isinstance(part, dg.AssetChecksDefinition)],
        asset_checks=[part for part in parts if isinstance(part, dg.AssetChecksDefinition)],
        jobs=jobs,
        sensors=operations.sensors(settings, jobs),
        schedules=operations.schedules(settings),
        executor=operations.one_writer(settings),
    )


defs = definitions(Settings())
