"""A correction for a past month builds what depends on it, nothing else, and the same as everything built anew would be."""

import csv
import json
import shutil

import dagster as dg
import duckdb
import pytest

from pipelines import cli, runner
from pipelines.definitions import definitions
from pipelines.publish.release import current_release, read_manifest, what_moved

POLICE = ("NPOL", "police_incidents", "2024-02")
OF_OTHERS = {"staging/ae_attendances", "staging/social_care_events", "marts/person_history", "marts/person_draws"}
OF_POLICE = {
    "staging/police_incidents",
    "staging/contact_rows",
    "staging/contacts",
    "marts/contacts",
    "board/monthly_contacts",
}


@pytest.fixture(scope="module")
def corrected(region, tmp_path_factory):
    """A hub like the region's whose police corrected a past month: some officers were there for a day longer."""
    folder = tmp_path_factory.mktemp("corrected")
    hub = region.copy(folder / "data", "landing", "state", "warehouse", "releases")
    source = hub.agencies.joinpath(*POLICE) / "activity.csv"
    with source.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    place = header.index("officer_minutes")
    for row in rows[:20]:
        row[place] = str(int(row[place] or 0) + 24 * 60)
    with (folder / "activity.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    hub.deliver(*POLICE, activity=folder / "activity.csv")
    outcome = hub.run()
    assert not outcome.problems and outcome.released
    return hub


def manifest(hub) -> dict:
    return json.loads((hub.settings.releases / "current" / "manifest.json").read_text())


def content_but_of_deliveries(hub) -> dict[str, str]:
    """Digest of each released table but those that name deliveries, which have another id as CSV."""
    naming = "select 'marts.' || table_name from duckdb_columns() where column_name = 'delivery_id'"
    with duckdb.connect(str(hub.settings.releases / "current" / "analyst.duckdb"), read_only=True) as connection:
        named = {table for (table,) in connection.execute(naming).fetchall()}
    return {table: digest for table, digest in manifest(hub)["content"].items() if table not in named}


def built(hub) -> dict[str, bool]:
    """The tables of the last run, and whether each was built, as Dagster has it."""
    graph = definitions(hub.settings).resolve_asset_graph()
    with runner.dagster_instance(hub.settings) as instance:
        found = {key.to_user_string(): latest(instance, key) for key in graph.get_all_asset_keys()}
    return {name: metadata["built"].value for name, metadata in found.items() if "built" in metadata}


def latest(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict:
    """Metadata of the asset's last materialisation; none if it was never made."""
    event = instance.get_latest_materialization_event(key)
    return event.asset_materialization.metadata if event else {}


def test_of_all_months_only_the_corrected_one_is_taken_in(corrected):
    with runner.dagster_instance(corrected.settings) as instance:
        taken_in = {
            feed: sorted(instance.get_materialized_partitions(dg.AssetKey(["accepted", feed])))
            for feed in corrected.settings.feeds
        }
    assert {feed: months for feed, months in taken_in.items() if months} == {"police_incidents": ["2024-02"]}


def test_tables_of_other_feeds_are_not_built_and_those_of_the_corrected_one_are(corrected):
    tables = built(corrected)
    assert {name for name in OF_OTHERS if tables[name]} == set()
    assert {name for name in OF_POLICE if not tables[name]} == set()


def test_what_was_skipped_says_so_and_what_was_built_says_why(corrected):
    with runner.dagster_instance(corrected.settings) as instance:
        why = {
            table: latest(instance, dg.AssetKey(["staging", table]))["because"].value
            for table in ("police_incidents", "ae_attendances")
        }
    assert why["police_incidents"] == "changed: accepted.police_incidents"
    assert "same contents" in why["ae_attendances"]


def test_the_same_rows_as_csv_change_no_table_of_the_release(corrected):
    before = content_but_of_deliveries(corrected)
    activity = corrected.settings.data.parent / "activity.csv"
    assert corrected.deliver(*POLICE, activity=activity, options=("--format", "csv")).name.startswith("003-")
    assert corrected.run().problems == []
    assert len(before) > 20
    assert content_but_of_deliveries(corrected) == before


def test_the_same_delivery_under_another_id_makes_no_release(corrected):
    before = manifest(corrected)
    folder = max(corrected.settings.landing.joinpath(*POLICE).iterdir())
    copy = folder.with_name(f"004-{folder.name[4:]}")
    shutil.copytree(folder, copy)
    note = json.loads((copy / "delivery.json").read_text())
    (copy / "delivery.json").write_text(
        json.dumps(note | {"delivery_id": copy.name, "created_at": "2999-01-01T00:00Z"})
    )
    outcome = corrected.run()
    assert (outcome.months, outcome.released, outcome.problems) == (0, False, [])
    assert manifest(corrected) == before


def test_nothing_that_moved_since_the_release_before_is_put_down_to_more_than_the_delivery_that_changed(
    corrected, region, monkeypatch, capsys
):
    monkeypatch.setenv("UPSTREAM_DATA", str(corrected.settings.data))
    before, now = current_release(region.settings).name, current_release(corrected.settings)
    assert cli.main(["release", "diff", before]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{before} (before) and {now.name} (now)")
    assert "People seen by any of the agencies (people)" in out
    found = what_moved(corrected.settings, corrected.settings.releases / before, now, read_manifest(now))
    assert found
    assert {cause for each in found for cause in each.causes} <= {"feeds"}


def test_the_corrected_release_is_what_everything_built_anew_would_be(corrected, region):
    after = manifest(corrected)
    assert after["content_digest"] != manifest(region)["content_digest"]
    outcome = corrected.run(force=True)
    assert not outcome.problems
    assert all(built(corrected).values())
    assert manifest(corrected)["content"] == after["content"]
