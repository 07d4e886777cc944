"""Linkage as Dagster sees it: the model, the person index and its quality, all over every month of every feed."""

import dagster as dg
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.settings import Settings

from . import load, run
from .train import current_model

MODEL = dg.AssetKey(["linkage", "model"])
PERSON_INDEX = dg.AssetKey(["linkage", "person_index"])
PERSON_HISTORY = dg.AssetKey(["linkage", "person_history"])
QUALITY = dg.AssetKey(["linkage", "quality"])
PERSON_DRAWS = dg.AssetKey(["linkage", "person_draws"])
CLIENT_PAIRS = dg.AssetKey(["linkage", "client_pairs"])
REVIEW_QUEUE = dg.AssetKey(["linkage", "review_queue"])
SIDES = [f"{name}_{side}" for side in "lr" for name in load.CLIENT_COLUMNS]
KEYS = {  # of the tables beside the index: the columns of which no two rows have the same values
    PERSON_HISTORY: ["run", "event", "person_id", "other_person_id"],
    PERSON_DRAWS: ["draw", *load.CLIENT_COLUMNS],
    CLIENT_PAIRS: SIDES,
    REVIEW_QUEUE: ["item", "reason"],
}
INDEX_COLUMNS = {
    "agency": "Agency that delivered the record",
    "feed": "Feed that the record came in",
    "person_ref": "The agency's keyed pseudonym of its client",
    "person_id": "The hub's surrogate of the linked person, at the central threshold",
    "person_id_low": "Key of the person at the low threshold: more links",
    "person_id_high": "Key of the person at the high threshold: fewer links",
    "match_weight": "Weight of the strongest link within the person, log2 of the Bayes factor; empty if alone",
    "match_probability": "Calibrated probability of that link; empty if alone",
    "records": "Records of the person",
    "in_review": "Whether the person is implausible as a whole and waits for a reviewer",
}
KINDS = {"duckdb", "splink"}


def linkage_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Model, then person index and quality in one step."""
    every_month = dg.AllPartitionMapping()
    feeds = [dg.AssetDep(dg.AssetKey(["accepted", feed]), partition_mapping=every_month) for feed in settings.feeds]

    @dg.asset(
        key=MODEL,
        deps=feeds,
        group_name="linkage",
        kinds=KINDS,
        description=(
            "The linkage model in use: how far the fields of one person, of kin, of namesakes and of strangers agree, "
            "learnt from this region's own people without labels. Trained here only if there is none; "
            "`upstream train` makes a new one."
        ),
        check_specs=[
            dg.AssetCheckSpec("converged", asset=MODEL, blocking=True, description="Training of the model converged.")
        ],
    )
    def model() -> dg.MaterializeResult:
        used = current_model(settings.state / "models") or run.train(settings)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": used.training["clients"],
                "version": used.version,
                "pairs_compared_in_training": used.training["pairs_compared"],
                "starting_values_kept": ", ".join(used.training["starting_values_kept"]) or "none",
            },
            check_results=[dg.AssetCheckResult(check_name="converged", passed=used.training["converged"])],
        )

    @dg.multi_asset(
        name="linkage",
        specs=[
            dg.AssetSpec(
                PERSON_INDEX,
                deps=[MODEL, *feeds],
                group_name="linkage",
                kinds=KINDS,
                description=(
                    "Who is who: one row a client of an agency's feed, with the person it was linked to. Linked from "
                    "identity tokens alone; person ids last from run to run."
                ),
                metadata={
                    "dagster/column_schema": dg.TableSchema(
                        [dg.TableColumn(name, description=meaning) for name, meaning in INDEX_COLUMNS.items()]
                    )
                },
            ),
            dg.AssetSpec(
                PERSON_HISTORY,
                deps=[MODEL, *feeds],
                group_name="linkage",
                kinds={"duckdb"},
                description="What became of person ids from run to run: merges, splits, ends and returns.",
            ),
            dg.AssetSpec(
                PERSON_DRAWS,
                deps=[MODEL, *feeds],
                group_name="linkage",
                kinds={"duckdb"},
                description="Draws of who may be who: the clients whose person differs from the index, draw by draw.",
            ),
            dg.AssetSpec(
                CLIENT_PAIRS,
                deps=[MODEL, *feeds],
                group_name="linkage",
                kinds=KINDS,
                description="Pairs of clients that may be one person, with how far they agree and how likely it is.",
            ),
            dg.AssetSpec(
                REVIEW_QUEUE,
                deps=[MODEL, *feeds],
                group_name="linkage",
                kinds=KINDS,
                description="Pairs of clients that somebody should look at, with the reason.",
            ),
            dg.AssetSpec(
                QUALITY,
                deps=[MODEL, *feeds],
                group_name="linkage",
                kinds=KINDS,
                description="What is known of this linkage without an answer key: counts, completeness, expectations.",
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "one_person_each",
                asset=PERSON_INDEX,
                blocking=True,
                description="Every accepted client has exactly one person.",
            ),
            dg.AssetCheckSpec(
                "index_columns",
                asset=PERSON_INDEX,
                blocking=True,
                description="The index has its columns and no token.",
            ),
            dg.AssetCheckSpec("measured_once", asset=QUALITY, description="One row for each measure and detail."),
            *(
                dg.AssetCheckSpec("key", asset=asset, description=f"One row for each {', '.join(key)}.")
                for asset, key in KEYS.items()
            ),
        ],
    )
    def person_index():
        result = run.link(settings)
        index = pq.read_table(result.index)
        counts = {"people": result.people, "links": result.links, "model_version": result.model_version}
        yield dg.MaterializeResult(asset_key=PERSON_INDEX, metadata={"dagster/row_count": len(index), **counts})
        for asset, key in KEYS.items():
            file = result.history if asset == PERSON_HISTORY else settings.linkage / f"{asset.path[-1]}.parquet"
            table = pq.read_table(file, columns=key)
            repeated = len(table) - table.group_by(key).aggregate([]).num_rows
            yield dg.MaterializeResult(
                asset_key=asset,
                metadata={"dagster/row_count": len(table)},
                check_results=[
                    dg.AssetCheckResult(
                        asset_key=asset, check_name="key", passed=not repeated, metadata={"repeated": repeated}
                    )
                ],
            )
        quality = pq.read_table(result.quality, columns=["measure", "detail"])
        yield dg.MaterializeResult(asset_key=QUALITY, metadata={"dagster/row_count": len(quality)})
        accepted = _clients_accepted(settings)
        without = pc.sum(pc.is_null(index["person_id"])).as_py() or 0
        once = index.select(load.CLIENT_COLUMNS).group_by(list(load.CLIENT_COLUMNS)).aggregate([]).num_rows
        yield dg.AssetCheckResult(
            asset_key=PERSON_INDEX,
            check_name="one_person_each",
            passed=accepted == once == len(index) and not without,
            metadata={
                "clients_accepted": accepted,
                "clients_in_index": once,
                "rows": len(index),
                "without_person": without,
            },
        )
        yield dg.AssetCheckResult(
            asset_key=PERSON_INDEX,
            check_name="index_columns",
            passed=index.column_names == list(INDEX_COLUMNS),
            metadata={"columns": ", ".join(index.column_names)},
        )
        measured = quality.group_by(["measure", "detail"]).aggregate([]).num_rows
        yield dg.AssetCheckResult(
            asset_key=QUALITY,
            check_name="measured_once",
            passed=measured == len(quality),
            metadata={"rows": len(quality), "measures": measured},
        )

    return [model, person_index]


def _clients_accepted(settings: Settings) -> int:
    """Clients counted in the accepted files, apart from what linkage made of them."""
    con = load.connect(settings.threads, settings.memory_limit)
    files = [str(file) for file in load.people_files(settings.linkage)]
    sql = "select count(distinct (agency, feed, person_ref)) from read_parquet(?, hive_partitioning = false)"
    return con.execute(sql, [files]).fetchall()[0][0]
