"""A run takes everything in once, says what it could not take, and the same again changes nothing."""

import fcntl
import hashlib
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.ingest.status import status_rows

FILES = ("people", "attributes", "activity")
POLICE = ("NPOL", "police_incidents", "2024-02")


def digests(*folders: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest(region) -> dict:
    return json.loads((region.settings.releases / "current" / "manifest.json").read_text())


def content(region) -> dict[str, str]:
    """Digest of each released table, but for the one that reports what was refused."""
    return {table: digest for table, digest in manifest(region)["content"].items() if table != "marts.data_quality"}


def query(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_row_received_is_accepted_or_refused_with_a_reason(region):
    delivered = {
        name: sum(pq.read_metadata(path).num_rows for path in region.settings.landing.rglob(f"{name}.parquet"))
        for name in FILES
    }
    for name in FILES:
        assert query(
            region.settings.warehouse_db, f"select sum(accepted_{name}) + sum(refused_{name}) from accepted.deliveries"
        ) == [(delivered[name],)]
    refusals = query(region.settings.warehouse_db, "select rule, reason, row_number from accepted.refused")
    assert len(refusals) > 0
    assert all(all(values) for values in refusals)


def test_every_accepted_activity_row_is_a_contact_or_counted_as_left_out(region):
    accepted = sum(row["accepted"] for row in status_rows(region.settings))
    ((contacts,),) = query(
        region.settings.releases / "current" / "analyst.duckdb", "select count(*) from marts.contacts"
    )
    ((left_out,),) = query(
        region.settings.releases / "current" / "analyst.duckdb",
        "select sum(rows) from marts.data_quality where measure = 'left_out'",
    )
    assert contacts + left_out == accepted


def test_every_released_contact_has_a_person_who_is_released_too(region):
    assert query(
        region.settings.releases / "current" / "analyst.duckdb",
        "select count(*) from marts.contacts where person_id not in (select person_id from marts.people)",
    ) == [(0,)]


def test_the_same_run_again_changes_nothing(region):
    folders = [region.settings.data / name for name in ("landing", "state", "releases", "warehouse")]
    before = digests(*folders)
    outcome = region.run()
    assert (outcome.months, outcome.released, outcome.problems) == (0, False, [])
    assert digests(*folders) == before


def test_the_same_deliveries_and_state_give_the_same_content_in_another_place(region, tmp_path):
    hub = region.copy(tmp_path / "data", "landing", "state")
    assert hub.run().released
    assert manifest(hub)["content"] == manifest(region)["content"]
    assert manifest(hub)["content_digest"] == manifest(region)["content_digest"]


def test_a_truncated_a_wrongly_keyed_and_an_empty_delivery_count_as_not_arrived(region, tmp_path):
    hub = region.copy(tmp_path / "data", "landing", "state", "warehouse", "releases")
    before = content(hub)
    corrected = tmp_path / "people.csv"
    corrected.write_text((hub.agencies.joinpath(*POLICE) / "people.csv").read_text().replace('"F"', '"X"', 1))
    truncated = hub.deliver(*POLICE, people=corrected)
    assert truncated.name.startswith("002-")
    file = truncated / "people.parquet"
    file.write_bytes(file.read_bytes()[:-100])

    cli.main(["keygen", str(tmp_path / "other key")])
    wrongly_keyed = hub.deliver("WEXH", "ae_attendances", "2024-02", key=tmp_path / "other key")

    empty = hub.settings.landing / "LAWX" / "social_care_events" / "2024-02" / "009-000000000000"
    empty.mkdir()
    for name in ("people", "attributes", "activity"):
        good = max(path for path in empty.parent.iterdir() if path != empty) / f"{name}.parquet"
        pq.write_table(pq.read_table(good).slice(0, 0), empty / f"{name}.parquet")
    note = json.loads((max(path for path in empty.parent.iterdir() if path != empty) / "delivery.json").read_text())
    note["delivery_id"] = empty.name
    note["rows"] = dict.fromkeys(note["rows"], 0)
    note["sha256"] = {
        f"{name}.parquet": hashlib.sha256((empty / f"{name}.parquet").read_bytes()).hexdigest() for name in FILES
    }
    (empty / "delivery.json").write_text(json.dumps(note))

    outcome = hub.run()

    status = {row["delivery_id"]: row for row in status_rows(hub.settings) if row["status"] == "refused"}
    reasons = [status[folder.name]["reason"] for folder in (truncated, wrongly_keyed, empty)]
    assert "people.parquet" in reasons[0] and "again" in reasons[0]
    assert "key" in reasons[1]
    assert "empty" in reasons[2] or "no rows" in reasons[2]
    assert len(set(reasons)) == 3
    assert len(outcome.problems) == 3
    # What the marts of one run hand back for review is in the queue of the next, which linkage_quality counts.
    after = content(hub)
    for told in ("marts.linkage_quality", "marts.quality_results"):  # the second says what was refused
        del after[told], before[told]
    assert after == before


def test_a_second_run_at_the_same_time_says_so_and_does_nothing(region):
    with (region.settings.data / ".run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another run is under way" in region.run().problems[0]


def test_a_run_with_nothing_delivered_says_so(tmp_path, region):
    hub = region.copy(tmp_path / "data")
    assert "Nothing was delivered" in hub.run().problems[0]


@pytest.mark.parametrize(
    "table",
    [
        "people",
        "contacts",
        "spells",
        "cycling_people",
        "handoffs",
        "earlier_opportunities",
        "waits",
        "demand_by_area_need_month",
        "linkage_quality",
        "person_history",
        "data_quality",
        "definitions",
    ],
)
def test_every_published_table_and_column_is_described_in_the_database(region, table):
    database = region.settings.releases / "current" / "analyst.duckdb"
    assert query(
        database,
        f"select count(*) from duckdb_tables() where schema_name = 'marts' and table_name = '{table}' and comment is not null",
    ) == [(1,)]
    assert (
        query(database, f"select column_name from duckdb_columns() where table_name = '{table}' and comment is null")
        == []
    )
