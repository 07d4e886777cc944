"""All that Dagster sees: the assets and checks of every package, one job for a month and one for everything after it."""

import dagster as dg

from pipelines.ingest.assets import ingest_assets
from pipelines.linkage.assets import linkage_assets
from pipelines.publish.assets import publish_assets
from pipelines.settings import Settings
from pipelines.warehouse.assets import warehouse_assets

INGEST = dg.AssetSelection.groups("ingest")


def definitions(settings: Settings) -> dg.Definitions:
    """The graph over one data folder. In-process: one writer for the DuckDB file, one import of Great Expectations."""
    parts = [
        *ingest_assets(settings),
        *linkage_assets(settings),
        *warehouse_assets(settings),
        *publish_assets(settings),
    ]
    return dg.Definitions(
        assets=[part for part in parts if not isinstance(part, dg.AssetChecksDefinition)],
        asset_checks=[part for part in parts if isinstance(part, dg.AssetChecksDefinition)],
        jobs=[
            dg.define_asset_job("ingest_month", INGEST, description="Take in what was delivered for a month."),
            dg.define_asset_job(
                "link_and_release",
                dg.AssetSelection.all() - INGEST,
                description="Link people, build every table, check the release and switch to it.",
            ),
        ],
        executor=dg.in_process_executor,
    )


defs = definitions(Settings())
