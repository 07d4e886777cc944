"""The release in Dagster: one asset after every mart and board table, with the checks that decide whether it stands."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from pipelines.board.dictionary_page import render_dictionary_page
from pipelines.board.linkage_page import render_linkage_page
from pipelines.board.pack import render_pack
from pipelines.board.pdf import write_pdf
from pipelines.board.quality_page import render_quality_page
from pipelines.erasure.proof import is_swept
from pipelines.operations.assets import again_after_hiccup
from pipelines.publish.checks import QUESTIONS, Check
from pipelines.publish.made_of import inputs
from pipelines.publish.release import ReleaseRefused, publish
from pipelines.publish.tables import published_tables
from pipelines.settings import Settings

KEY = dg.AssetKey(["publish", "release"])
LINKAGE_PAGE = "linkage_quality.html"
QUALITY_PAGE = "data_quality.html"
DICTIONARY_PAGE = "data_dictionary.html"


def publish_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The asset `publish/release`. A check that does not pass keeps the release before it and fails the step."""

    @dg.asset(
        key=KEY,
        deps=[[schema, table] for schema, tables in published_tables(settings).items() for table in tables],
        group_name="publish",
        kinds={"duckdb", "html"},
        description="A release: analyst.duckdb, board.duckdb under disclosure control, a Parquet file per mart, the "
        "board pack as page and PDF, the pages on data quality and linkage quality, the data dictionary and a manifest; built apart, checked, and switched in with one rename.",
        check_specs=[dg.AssetCheckSpec(name, asset=KEY, description=question) for name, question in QUESTIONS.items()],
    )
    @again_after_hiccup
    def release() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        if not is_swept(settings):
            raise dg.Failure("An erasure was not finished. It is finished by: upstream run", allow_retries=False)
        try:
            made = publish(settings, inputs(settings), _render_pages)
        except ReleaseRefused as refused:
            yield from map(_check_result, refused.checks)
            raise dg.Failure(str(refused), allow_retries=False) from refused
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(made.rows.values()),
                "release": made.release_id,
                "changed": made.changed,
                "risk": made.risk,
                "content digest": made.manifest["content_digest"],
                "pack": dg.MetadataValue.path(str(made.path / "board_pack.html")),
                "data dictionary": dg.MetadataValue.path(str(made.path / DICTIONARY_PAGE)),
                "data quality": dg.MetadataValue.path(str(made.path / QUALITY_PAGE)),
                "linkage quality": dg.MetadataValue.path(str(made.path / LINKAGE_PAGE)),
                "rows": dg.MetadataValue.md(_table(made.rows)),
            },
            check_results=list(map(_check_result, made.checks)),
        )

    return [release]


def _render_pages(board: Path, out: Path, facts: dict) -> None:
    """The board pack, and beside it the pages for the hub and its analysts, which are made from the analyst tables."""
    render_pack(board, out, facts)
    if why_not := write_pdf(out, out.with_suffix(".pdf")):
        dg.get_dagster_logger().warning(why_not)
    render_linkage_page(board.with_name("analyst.duckdb"), out.with_name(LINKAGE_PAGE), facts)
    render_quality_page(board.with_name("analyst.duckdb"), out.with_name(QUALITY_PAGE), facts)
    render_dictionary_page(board.with_name("analyst.duckdb"), out.with_name(DICTIONARY_PAGE), facts)


def _check_result(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name, asset_key=KEY, passed=check.passed, metadata={"problems": list(check.problems)}
    )


def _table(rows: dict[str, int]) -> str:
    return "\n".join(["| table | rows |", "| --- | ---: |", *(f"| {name} | {n:,} |" for name, n in rows.items())])
