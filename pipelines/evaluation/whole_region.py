"""A small fictional region taken the whole way, from agencies' files to the warehouse, without Dagster.

The steps are the functions that the hub's own graph calls, in its order: pseudonymise, gate, train, link, build. No
release is made. What is found is compared with the answer key elsewhere (region.py, truth.py).
"""

from pathlib import Path

from pipelines.ingest.accept import ingest_months
from pipelines.linkage import run
from pipelines.pseudonymise.delivery import deliver
from pipelines.settings import Settings
from pipelines.synthetic.region import make_region
from pipelines.warehouse import database
from pipelines.warehouse.sqlfile import TableName


def whole_region(
    folder: Path, people: int, seed: int, months: int, target: TableName | None = None, threads: int = 1
) -> Settings:
    """Makes a region in `folder`, delivers all its months, links and builds; the settings of its hub.

    target: a table that is built with what it is made from, and no more; None for everything.
    """
    make_region(folder, people=people, seed=seed, months=months)
    settings = Settings(data=folder / "data", threads=threads)
    for month in sorted((folder / "agencies").glob("*/*/*")):
        agency, feed, period = month.parts[-3:]
        files = month / "people.csv", month / "activity.csv"
        key = seed.to_bytes(32, "big")
        deliver(feed, agency, *files, key, period, settings.landing, lookup=month / "lookup.csv")
    for feed in settings.feeds:
        ingest_months(settings, feed, sorted({path.name for path in settings.landing.glob(f"*/{feed}/*")}))
    run.train(settings)
    run.link(settings)
    database.build_all(settings, target=target)
    return settings
