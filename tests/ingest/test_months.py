"""A feed's month as files: the same again changes nothing, what has changed is noticed, what is missing is said."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.ingest import accept
from pipelines.ingest.accept import ingest_month, ingest_months
from pipelines.ingest.month import is_up_to_date, month_files
from pipelines.ingest.status import months_expected, status_rows

FEED = "ae_attendances"
TWO_YEARS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]


def test_the_same_deliveries_again_change_nothing(region) -> None:
    region.deliver()
    ingest_month(region.settings, FEED, region.period)
    before = region.everything_written()
    region.deliver()
    assert is_up_to_date(region.settings, FEED, region.period)
    ingest_month(region.settings, FEED, region.period)
    assert region.everything_written() == before


def test_a_month_is_up_to_date_until_something_it_comes_from_changes(region) -> None:
    def up_to_date() -> bool:
        return is_up_to_date(region.settings, FEED, region.period)

    assert not up_to_date()
    folder = region.deliver()
    ingest_month(region.settings, FEED, region.period)
    for changed in (
        folder / "activity.parquet",  # after it was received
        region.settings.state / "region.json",  # another key for the region
        month_files(region.settings, FEED, region.period)["attributes"],
    ):
        assert up_to_date()
        was = changed.read_bytes()
        if changed.suffix == ".json":
            changed.write_text(json.dumps({**json.loads(was), "key_check": "0"}))
        elif changed.name.startswith(region.period):
            changed.unlink()
        else:
            changed.write_bytes(was + b"more")
        assert not up_to_date()
        changed.write_bytes(was)
    region.deliver(rows=[{}])
    assert not up_to_date()


def test_a_delivery_that_lands_while_others_are_judged_is_taken_in_by_the_next_run(
    region, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed = []

    def judge_while_another_lands(*arguments: object) -> list:
        landed.append(region.deliver(rows=[{}] * 3).name)
        return judge(*arguments)

    judge = accept.judge
    region.deliver(rows=[{}])
    with monkeypatch.context() as patched:
        patched.setattr(accept, "judge", judge_while_another_lands)
        ingest_month(region.settings, FEED, region.period)
    assert len(region.table("activity")) == 1
    assert not is_up_to_date(region.settings, FEED, region.period)
    ingest_month(region.settings, FEED, region.period)
    assert {row["delivery_id"] for row in region.table("activity")} == set(landed)
    assert is_up_to_date(region.settings, FEED, region.period)


def test_files_of_a_month_keep_tokens_and_attributes_apart_and_are_there_without_a_delivery(region) -> None:
    region.deliver()
    ingest_months(region.settings, FEED, [region.period, "2024-04"])
    filled, empty = (month_files(region.settings, FEED, period) for period in (region.period, "2024-04"))
    columns = {name: pq.read_schema(path).names for name, path in filled.items()}
    assert [name for name, found in columns.items() if any(c.endswith(("_token", "_sig")) for c in found)] == ["people"]
    assert [name for name, found in columns.items() if "age_band" in found] == ["attributes"]
    for name, path in empty.items():
        assert pq.read_metadata(path).num_rows == 0
        assert pq.read_schema(path) == pq.read_schema(filled[name])


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
        ("WEXH", "2024-03", "001", "superseded", None),
        ("WEXH", "2024-03", "002", "accepted", 2),
        ("WEXH", "2024-04", "-", "missing", None),
        ("WEXH", "2024-05", "-", "missing", None),
        ("NPOL", "2024-03", "001", "waiting", None),
        ("NPOL", "2024-04", "-", "missing", None),
        ("NPOL", "2024-05", "001", "refused", 0),
    ]
    assert months_expected(region.settings) == ["2024-03", "2024-04", "2024-05"]


def test_status_sums_up_months_by_feeds_within_a_terminal_s_width(region, monkeypatch, capsys) -> None:
    days = {period: {"Arrival_Date": f"{period}-05", "EC_Departure_Date": f"{period}-06"} for period in TWO_YEARS}
    for period, day in days.items():
        if period != "2024-06":
            region.deliver(
                rows=[day], period=period, **({"partial_until": "2025-12-20"} if period == "2025-12" else {})
            )
    region.deliver(rows=[days["2024-03"]] * 2, period="2024-03")
    refused = region.deliver(rows=[days["2024-04"]] * 2, period="2024-04")
    (refused / "people.parquet").unlink()
    ingest_months(region.settings, FEED, TWO_YEARS)
    region.deliver("police_incidents")
    monkeypatch.setenv("UPSTREAM_DATA", str(region.settings.data))
    assert cli.main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "                         2024         2025",
        "                         JFMAMJJASOND JFMAMJJASOND",
        "WEXH   ae_attendances    aacra.aaaaaa aaaaaaaaaaap",
        "NPOL   police_incidents  ..N......... ............",
    ]
    told = " ".join(" ".join(lines).split())
    assert "Rows of activity in 23 accepted deliveries: 24 received, 24 accepted, 0 refused, 0 erased" in told
    assert "NPOL police_incidents 2024-03: not taken in yet: upstream run" in told
    assert "NPOL police_incidents 2024-01 to 2024-02, 2024-04 to 2025-12: nothing arrived. Ask NPOL for it" in told
    assert "WEXH ae_attendances 2025-12 partial: covers the month until 2025-12-20 only" in told
    assert "people.parquet: the file is missing" in told
    assert cli.main(["status", "--all"]) == 0
    every = capsys.readouterr().out.splitlines()
    assert {row["digest"][:12] for row in status_rows(region.settings) if row["digest"]} <= set(" ".join(every).split())
    assert max(map(len, lines + every)) <= 100


def test_status_for_machines_has_every_row_and_every_month(region, monkeypatch, capsys) -> None:
    region.deliver(partial_until="2024-03-20")
    ingest_month(region.settings, FEED, region.period)
    monkeypatch.setenv("UPSTREAM_DATA", str(region.settings.data))
    assert cli.main(["status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"months": ["2024-03"], "deliveries": status_rows(region.settings)}
    (row,) = told["deliveries"]
    assert (row["status"], row["partial_until"], row["accepted"]) == ("accepted", "2024-03-20", 2)


def test_status_of_nothing_says_where_deliveries_belong(region, monkeypatch, capsys) -> None:
    monkeypatch.setenv("UPSTREAM_DATA", str(region.settings.data))
    assert cli.main(["status"]) == 0
    assert capsys.readouterr().out == f"Nothing was delivered to {region.settings.landing}.\n"


def test_a_folder_that_is_not_named_by_an_agency_code_is_refused_without_its_name(region) -> None:
    march = region.deliver()
    for name in ("Zyxwvut Archer", "Zyxwvut"):
        shutil.copytree(march.parents[2], region.settings.landing / name)
    (region.settings.landing / "Zyxwvut.csv").write_text("x")
    (region.settings.landing / ".Zyxwvut").mkdir()
    month = ingest_month(region.settings, FEED, region.period)
    assert [delivery.received.agency for delivery in month.deliveries] == ["WEXH"]
    (row,) = [row for row in status_rows(region.settings) if row["status"] == "refused"]
    assert "2 folders that are not named by an agency's code" in row["reason"]
    told = repr(status_rows(region.settings)) + repr(list(region.everything_written().values()))
    assert "Zyxwvut" not in told


def test_a_delivery_that_no_month_of_no_feed_would_take_in_is_refused_and_says_why(region) -> None:
    march = region.deliver(rows=[{}])
    for stray in ("WEXH/ae_attendances/2023-12", "WEXH/ae_attendances/2999-01", "WEXH/dentistry/2024-03"):
        shutil.copytree(march.parent, region.settings.landing / stray)
    reasons = [row["reason"] for row in status_rows(region.settings) if row["status"] == "refused"]
    for reason, why in zip(
        reasons, ["region starts with 2024-01", "month has not begun", "no feed dentistry"], strict=True
    ):
        assert why in reason
    assert months_expected(region.settings) == ["2024-03"]
