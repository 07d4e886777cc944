"""A feed's month as files: the same again changes nothing, what has changed is noticed, what is missing is said."""

import json

import pyarrow.parquet as pq
import pytest

from pipelines.ingest.accept import ingest_month
from pipelines.ingest.month import is_up_to_date, month_files
from pipelines.ingest.status import months_delivered, months_expected, status_rows

FEED = "ae_attendances"


def test_the_same_deliveries_again_change_nothing(region) -> None:
    region.deliver()
    ingest_month(region.settings, FEED, region.period)
    before = region.everything_written()
    region.deliver()
    assert is_up_to_date(region.settings, FEED, region.period)
    ingest_month(region.settings, FEED, region.period)
    assert region.everything_written() == before


def test_a_month_is_up_to_date_until_something_it_comes_from_changes(region) -> None:
    region.deliver()
    assert not is_up_to_date(region.settings, FEED, region.period)
    ingest_month(region.settings, FEED, region.period)
    assert is_up_to_date(region.settings, FEED, region.period)
    folder = region.deliver(rows=[{}])
    assert not is_up_to_date(region.settings, FEED, region.period)
    ingest_month(region.settings, FEED, region.period)
    (folder / "activity.parquet").write_bytes(b"changed after it was received")
    assert not is_up_to_date(region.settings, FEED, region.period)


def test_a_month_with_a_file_missing_is_not_up_to_date(region) -> None:
    region.deliver()
    ingest_month(region.settings, FEED, region.period)
    month_files(region.settings, FEED, region.period)["attributes"].unlink()
    assert not is_up_to_date(region.settings, FEED, region.period)


def test_another_key_for_the_region_asks_for_a_new_judgement(region) -> None:
    region.deliver()
    ingest_month(region.settings, FEED, region.period)
    path = region.settings.state / "region.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "key_check": "0"}))
    assert not is_up_to_date(region.settings, FEED, region.period)


@pytest.mark.parametrize("feed", ["ae_attendances", "social_care_events", "police_incidents"])
def test_a_month_without_a_delivery_has_empty_files_of_the_same_columns(region, feed: str) -> None:
    region.deliver(feed)
    for period in (region.period, "2024-04"):
        ingest_month(region.settings, feed, period)
    filled, empty = (month_files(region.settings, feed, period) for period in (region.period, "2024-04"))
    for name, path in empty.items():
        assert pq.read_table(path).num_rows == 0
        assert pq.read_schema(path) == pq.read_schema(filled[name])


def test_tokens_and_attributes_are_written_apart(region) -> None:
    region.deliver()
    ingest_month(region.settings, FEED, region.period)
    columns = {name: pq.read_schema(p).names for name, p in month_files(region.settings, FEED, region.period).items()}
    assert any(column.endswith("_token") for column in columns["people"])
    assert "age_band" in columns["attributes"]
    assert not any(c.endswith(("_token", "_bf")) for name in columns if name != "people" for c in columns[name])
    assert "age_band" not in columns["people"]


def test_status_names_what_is_waiting_refused_superseded_and_missing(region) -> None:
    region.deliver(rows=[{}])
    region.deliver(rows=[{}, {}])
    region.deliver("police_incidents", period="2024-03")
    may = [{"created_ts": "2024-05-05T10:00:00"}]
    (region.deliver("police_incidents", rows=may, period="2024-05") / "people.parquet").unlink()
    for feed, period in ((FEED, "2024-03"), ("police_incidents", "2024-05")):
        ingest_month(region.settings, feed, period)
    found = [
        (row["agency"], row["period"], (row["delivery_id"] or "-")[:3], row["status"], row["accepted"])
        for row in status_rows(region.settings)
    ]
    assert found == [
        ("RWX", "2024-03", "001", "superseded", None),
        ("RWX", "2024-03", "002", "accepted", 2),
        ("RWX", "2024-04", "-", "missing", None),
        ("RWX", "2024-05", "-", "missing", None),
        ("NPOL", "2024-03", "001", "waiting", None),
        ("NPOL", "2024-04", "-", "missing", None),
        ("NPOL", "2024-05", "001", "refused", 0),
    ]
    assert months_delivered(region.settings, "police_incidents") == ["2024-03", "2024-05"]
    assert months_expected(region.settings) == ["2024-03", "2024-04", "2024-05"]
