"""The release as Dagster sees it."""

import dagster as dg
import duckdb
import pytest

from pipelines.publish import assets


@pytest.fixture
def materialise(settings, monkeypatch):
    monkeypatch.setattr(assets, "render_pack", lambda board, out, facts: out.write_text("<h1>Pack</h1>"))
    monkeypatch.setattr(assets, "render_linkage_page", lambda analyst, out, facts: out.write_text("<h1>Linkage</h1>"))
    monkeypatch.setattr(assets, "render_quality_page", lambda analyst, out, facts: out.write_text("<h1>Quality</h1>"))
    (asset,) = assets.publish_assets(settings)

    def run() -> dg.ExecuteInProcessResult:
        return dg.materialize([asset], raise_on_error=False, instance=dg.DagsterInstance.ephemeral())

    return run


def passed(**but: bool) -> dict[str, bool]:
    names = ("documentation", "separation", "disclosure", "audit", "generalisation", "completeness")
    return dict.fromkeys(names, True) | but


def checks(result) -> dict[str, bool]:
    return {event.check_name: event.passed for event in result.get_asset_check_evaluations()}


def test_the_release_waits_for_every_mart_and_board_table(settings):
    (asset,) = assets.publish_assets(settings)
    assert {key.to_user_string() for key in asset.dependency_keys} == {
        "marts/people", "marts/contacts", "marts/demand_by_area", "marts/linkage_quality", "board/headlines",
    }  # fmt: skip


def test_a_release_says_how_many_rows_it_has_and_passes_its_checks(materialise):
    result = materialise()
    (event,) = result.asset_materializations_for_node("publish__release")
    rows = event.metadata["rows"].value.splitlines()
    about = [int(row.split("|")[2]) for row in rows if "marts.release_risk" in row or "marts.dictionary" in row]
    assert event.metadata["dagster/row_count"].value == 3 + 3 + 1 + 1 + 3 + sum(about)
    assert checks(result) == passed()


def test_a_release_states_its_risk_where_the_engineer_reads(materialise):
    (event,) = materialise().asset_materializations_for_node("publish__release")
    assert event.metadata["risk"].value.startswith("With 3 known points (week, agency, ward) ")


def test_a_refused_release_fails_the_step_and_the_check_that_refused_it(settings, materialise):
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        connection.execute("delete from marts.contacts")
    result = materialise()
    assert not result.success
    assert checks(result) == passed(completeness=False)
