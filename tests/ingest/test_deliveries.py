"""A delivery that does not fit is refused whole, in words that say what, where and what to do, and nothing else moves."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.ingest.accept import ingest_month
from pipelines.ingest.delivery import (
    Delivery,
    DeliveryRefused,
    Received,
    read_delivery,
    received_deliveries,
)
from pipelines.ingest.month import is_up_to_date, month_files
from pipelines.ingest.status import status_rows
from pipelines.pseudonymise.contract import arrow_schema
from pipelines.pseudonymise.encode import ENCODER_VERSION, identity_columns, key_check
from pipelines.pseudonymise.errors import InputError

PERIOD = "2024-03"


def refusal(region) -> str:
    """Why the last delivery in landing is refused."""
    with pytest.raises(DeliveryRefused) as refused:
        read_delivery(received_deliveries(region.settings)[-1])
    return str(refused.value)


def change_note(folder: Path, **entries: object) -> None:
    note = json.loads((folder / "delivery.json").read_text())
    (folder / "delivery.json").write_text(json.dumps({**note, **entries}))


def cut_short(region, folder: Path) -> None:
    path = folder / "activity.parquet"
    path.write_bytes(path.read_bytes()[:-20])


SPOILT = {
    "a truncated file": (cut_short, ["activity.parquet", "cut short", "send the delivery again"]),
    "no note": (lambda r, f: (f / "delivery.json").unlink(), ["delivery.json", "note is missing", "send"]),
    "a note that is no JSON": (lambda r, f: (f / "delivery.json").write_text("{"), ["delivery.json", "JSON", "send"]),
    "a note of too many brackets": (
        lambda r, f: (f / "delivery.json").write_text("[" * 100_000),
        ["delivery.json", "JSON"],
    ),
    "a note that is a list": (lambda r, f: (f / "delivery.json").write_text("[]"), ["lacks an entry"]),
    "a note that lacks an entry": (lambda r, f: change_note(f, rows={}), ["delivery.json", "lacks an entry"]),
    "a missing file": (lambda r, f: (f / "attributes.parquet").unlink(), ["attributes.parquet", "missing", "send"]),
    "another agency in the note": (
        lambda r, f: change_note(f, agency="OTHER"),
        ["delivery.json", "agency differs", "Move"],
    ),
    "another period in the note": (lambda r, f: change_note(f, period="2024-04"), ["period differs"]),
    "an unknown spec version": (lambda r, f: change_note(f, spec_version="99"), ["spec version", "known: 1", "Update"]),
    "fewer rows than stated": (
        lambda r, f: change_note(f, rows={"people": 3, "attributes": 3, "activity": 7}),
        ["activity.parquet", "2 rows", "says 7", "send"],
    ),
    "a file that belongs to no delivery": (
        lambda r, f: (f / "names.csv").write_text("x"),
        ["belong to no delivery", "1 file or folder", "Delete"],
    ),
    "an empty activity file": (
        lambda r, f: r.rewrite(f, "activity", lambda table: table.slice(0, 0)),
        ["activity.parquet", "empty", "extract failed", "deliver the month"],
    ),
    "an unexpected column": (
        lambda r, f: r.rewrite(f, "people", lambda table: table.append_column("surname", table["person_ref"])),
        ["people.parquet", "surname", "may identify people", "delete the delivery"],
    ),
    "a missing column": (
        lambda r, f: r.rewrite(f, "activity", lambda table: table.drop_columns(["Arrival_Date"])),
        ["activity.parquet", "Arrival_Date", "missing", "pseudonymise again"],
    ),
    "a column of another type": (
        lambda r, f: r.rewrite(f, "attributes", lambda table: table.set_column(4, "imd_quintile", pa.array(["1"] * 3))),
        ["attributes.parquet", "imd_quintile is string", "int32"],
    ),
    "a signature of another length": (
        lambda r, f: r.rewrite(
            f,
            "people",
            lambda table: table.set_column(1, table.column_names[1], pa.array([b"x" * 31] * 3, pa.binary(31))),
        ),
        ["people.parquet", "the contract says fixed_size_binary[32]", "pseudonymise again"],
    ),
    "a file that is no Parquet": (
        lambda r, f: (
            (f / "people.parquet").write_bytes(b"x"),
            change_note(
                f, sha256={**json.loads((f / "delivery.json").read_text())["sha256"], "people.parquet": X_SHA256}
            ),
        ),
        ["people.parquet", "Parquet", "send"],
    ),
}
X_SHA256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_delivery_is_refused_in_words(region, spoil: Callable, words: list[str]) -> None:
    spoil(region, region.deliver())
    message = refusal(region)
    assert message.startswith("WEXH/ae_attendances/2024-03/001-")
    assert [word for word in words if word not in message] == []


PERSON = "Zyxwvut"  # stands where an extract without a header has a person's name
COLUMNS = len(arrow_schema("ae_attendances"))


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (
            "activity",
            lambda table: (
                table.append_column(PERSON, table["EC_Ident"])
                .append_column("surname", table["EC_Ident"])
                .append_column(PERSON + "2", table["EC_Ident"])
            ),
            f"contract does not have: surname, and 2 that no contract has, in places {COLUMNS + 1} and {COLUMNS + 3}.",
        ),
        (
            "activity",
            lambda table: table.append_column(PERSON, table["EC_Ident"]),
            f"columns that the contract does not have: 1 that no contract has, in place {COLUMNS + 1}.",
        ),
        (
            "attributes",
            lambda table: table.set_column(1, "sex", pa.array([{PERSON: 1}] * len(table))),
            "column sex is struct, the contract says string.",
        ),
    ],
    ids=["two strange columns and a known one", "one strange column", "a strange column in another's type"],
)
def test_a_refusal_names_columns_of_contracts_and_only_counts_others(
    region, file: str, change: Callable, words: str
) -> None:
    region.rewrite(region.deliver(), file, change)
    message = refusal(region)
    assert words in message
    assert PERSON not in message


def test_a_refusal_only_counts_files_and_folders_that_belong_to_no_delivery(region) -> None:
    folder = region.deliver()
    (folder / f"{PERSON}.csv").write_text("x")
    (folder / PERSON).mkdir()
    message = refusal(region)
    assert "holds 2 files or folders that belong to no delivery" in message
    assert PERSON not in message


def test_a_refused_delivery_counts_as_not_arrived(region) -> None:
    cut_short(region, region.deliver())
    month = ingest_month(region.settings, "ae_attendances", region.period)
    assert [delivery.status for delivery in month.deliveries] == ["refused"]
    assert region.table("activity") == region.table("attributes") == region.table("refused") == []
    (row,) = region.table("deliveries")
    assert (row["received_activity"], row["accepted_activity"], row["refused_activity"]) == (2, 0, 2)
    assert "cut short" in row["reason"]


def test_refused_deliveries_leave_the_one_accepted_before_and_each_says_its_own_why(region) -> None:
    region.deliver()
    ingest_month(region.settings, "ae_attendances", region.period)
    before = region.table("activity")
    cut_short(region, region.deliver(rows=[{}]))
    region.deliver(rows=[{}], key=region.other_key)
    region.rewrite(region.deliver(rows=[{}] * 3), "activity", lambda table: table.slice(0, 0))
    month = ingest_month(region.settings, "ae_attendances", region.period)
    assert [delivery.status for delivery in month.deliveries] == ["accepted", "refused", "refused", "refused"]
    for refusal, why in zip(month.refusals, ["cut short", "another key", "is empty"], strict=True):
        assert why in refusal
    assert region.table("activity") == before


def change_encoder(folder: Path, **entries: object) -> None:
    encoder = json.loads((folder / "delivery.json").read_text())["encoder"]
    change_note(folder, encoder={**encoder, **entries})


def delivered(folder: Path) -> Delivery:
    """The delivery in a folder."""
    return read_delivery(Received(folder, *folder.parts[-4:]))


def refusals(region, feed: str) -> list[str]:
    """Why deliveries of the feed's month are refused."""
    return ingest_month(region.settings, feed, region.period).refusals


def test_a_delivery_made_with_another_key_names_the_agency_it_differs_from(region) -> None:
    region.deliver("ae_attendances")
    region.deliver("police_incidents", key=region.other_key)
    assert refusals(region, "ae_attendances") == []
    (message,) = refusals(region, "police_incidents")
    assert "key check differs from that of agency WEXH" in message
    assert f"(key check {key_check(region.other_key)})" in message
    assert "Ask NPOL to pseudonymise again with the partnership's key" in message
    assert "upstream rekey-plan" in message


def test_a_delivery_made_with_another_encoder_names_the_agency_it_differs_from(region) -> None:
    region.deliver("ae_attendances")
    change_encoder(region.deliver("police_incidents"), checksum="0" * 64)
    assert refusals(region, "ae_attendances") == []
    (message,) = refusals(region, "police_incidents")
    assert "encoder checksum differs from that of agency WEXH" in message
    assert "Ask NPOL to install the version" in message
    assert "upstream rekey-plan" in message


def test_a_delivery_made_for_another_profile_says_which_the_partnership_uses(region) -> None:
    region.deliver("ae_attendances")
    region.deliver("police_incidents", profile="untrusted-hub")
    assert refusals(region, "ae_attendances") == []
    (message,) = refusals(region, "police_incidents")
    assert "profile differs from that of agency WEXH" in message
    assert "Ask NPOL to pseudonymise again with --profile trusted-hub" in message
    assert "upstream rekey-plan" in message


def test_a_region_may_use_the_other_profile(region) -> None:
    region.deliver(profile="untrusted-hub")
    assert refusals(region, "ae_attendances") == []
    people = pq.read_schema(month_files(region.settings, "ae_attendances", region.period)["people"])
    assert set(identity_columns("untrusted-hub")) < set(people.names)
    assert not set(people.names) & (set(identity_columns("trusted-hub")) - set(identity_columns("untrusted-hub")))


@pytest.mark.parametrize(
    "encoder", [{"version": "1"}, {"profile": "trusted-nobody"}, {"version": None}], ids=["older", "profile", "none"]
)
def test_a_delivery_of_an_encoder_that_the_hub_does_not_know_says_which_it_knows(region, encoder: dict) -> None:
    change_encoder(region.deliver(), **encoder)
    message = refusal(region)
    assert f"known: version {ENCODER_VERSION}, trusted-hub and untrusted-hub" in message
    assert "trusted-nobody" not in message
    assert "upstream rekey-plan" in message


@pytest.mark.parametrize("entry", ["key_check", "checksum"])
def test_a_check_that_is_no_check_is_not_repeated(region, entry: str) -> None:
    folder = region.deliver()
    if entry == "checksum":
        change_encoder(folder, checksum=PERSON)
    else:
        change_note(folder, key_check=PERSON)
    assert "lacks an entry, or has one of the wrong kind" in refusal(region)
    assert PERSON not in refusal(region)


def test_within_one_month_the_first_accepted_delivery_sets_the_key(region) -> None:
    region.deliver(agency="RAAA")
    region.deliver(agency="RBBB", key=region.other_key)
    month = ingest_month(region.settings, "ae_attendances", region.period)
    assert {d.received.agency: d.status for d in month.deliveries} == {"RAAA": "accepted", "RBBB": "refused"}


def test_a_delivery_that_is_refused_by_the_gate_does_not_set_the_key(region) -> None:
    region.deliver("ae_attendances", rows=[{"Arrival_Date": "2020-01-01"}], key=region.other_key)
    region.deliver("police_incidents")
    assert ingest_month(region.settings, "ae_attendances", region.period).refusals
    assert not ingest_month(region.settings, "police_incidents", region.period).refusals


def test_a_half_written_delivery_is_not_there_yet(region) -> None:
    folder = region.deliver()
    folder.rename(folder.with_name(".building-1"))
    assert received_deliveries(region.settings) == []


def test_a_later_delivery_supersedes_the_one_before(region) -> None:
    region.deliver(rows=[{}, {}])
    region.deliver(rows=[{}, {}, {}])
    month = ingest_month(region.settings, "ae_attendances", region.period)
    assert [(d.received.delivery_id[:3], d.status) for d in month.deliveries] == [
        ("001", "superseded"),
        ("002", "accepted"),
    ]
    assert {row["delivery_id"][:3] for row in region.table("activity")} == {"002"}
    first = region.table("deliveries")[0]
    assert (first["received_activity"], first["accepted_activity"]) == (2, None)


def test_the_tenth_delivery_comes_after_the_ninth_and_the_thousandth_after_both(region) -> None:
    folder = region.deliver()
    digest = folder.name.split("-")[1]
    for sequence in ("009", "010", "1000"):
        (folder.parent / f"{sequence}-{digest}").mkdir()
    names = [received.delivery_id.split("-")[0] for received in received_deliveries(region.settings)]
    assert names == ["001", "009", "010", "1000"]


@pytest.mark.parametrize("digests", [("0" * 12, "f" * 12), ("f" * 12, "0" * 12)], ids=["rising", "falling"])
def test_of_deliveries_with_one_sequence_number_the_later_made_one_counts(region, digests: tuple[str, str]) -> None:
    """An agency that empties its outbox between a delivery and its correction numbers both 001."""
    made = ("2024-04-02T09:00:00+00:00", "2024-04-02T09:00:00.000001+00:00")
    for digest, created_at, rows in zip(digests, made, ([{}], [{}, {}]), strict=True):
        folder = region.deliver(rows=rows)
        named = folder.rename(folder.with_name(f"001-{digest}"))
        change_note(named, delivery_id=named.name, created_at=created_at)
        named.rename(region.scratch / digest)
    for digest in digests:
        shutil.move(region.scratch / digest, folder.with_name(f"001-{digest}"))
    month = ingest_month(region.settings, "ae_attendances", region.period)
    assert [(d.received.delivery_id, d.status) for d in month.deliveries] == [
        (f"001-{digests[0]}", "superseded"),
        (f"001-{digests[1]}", "accepted"),
    ]
    assert len(region.table("activity")) == 2


@pytest.mark.parametrize("created_at", [None, 7, "yesterday", "2024-04-02T09:00:00"])
def test_a_note_must_say_when_it_was_made(region, created_at: object) -> None:
    change_note(region.deliver(), created_at=created_at)
    assert "lacks an entry" in refusal(region)


@pytest.mark.parametrize("rows", [10**30, 2**31, -1, True, 2.0, "2", None])
def test_a_row_count_that_is_none_refuses_its_delivery_alone(region, rows: object) -> None:
    region.deliver(agency="OTHER")
    change_note(region.deliver(), rows={"people": rows, "attributes": 3, "activity": 2})
    month = ingest_month(region.settings, "ae_attendances", region.period)
    assert [d.status for d in month.deliveries] == ["accepted", "refused"]
    assert "lacks an entry, or has one of the wrong kind" in month.refusals[0]
    assert [row["received_people"] for row in region.table("deliveries")] == [3, None]


EARLIER, LATER = "2024-04-01T09:00:00+00:00", "2024-04-02T09:00:00+00:00"


def test_a_delivery_that_was_made_before_and_arrives_after_counts_no_more(region) -> None:
    change_note(region.deliver(rows=[{}, {}, {}]), created_at=LATER)
    assert region.statuses() == [("001", "accepted")]
    change_note(region.deliver(rows=[{}]), created_at=EARLIER)
    assert region.statuses() == [("002", "superseded"), ("001", "accepted")]
    assert len(region.table("activity")) == 3


def test_a_month_that_arrives_late_fills_its_own_slot_and_leaves_later_months_as_they_are(region) -> None:
    april = {"Arrival_Date": "2024-04-05", "EC_Departure_Date": "2024-04-06"}
    region.deliver(rows=[april], period="2024-04")
    region.statuses(period="2024-04")
    before = region.everything_written()
    region.deliver(rows=[{}])
    assert is_up_to_date(region.settings, "ae_attendances", "2024-04")
    assert not is_up_to_date(region.settings, "ae_attendances", PERIOD)
    assert region.statuses() == [("001", "accepted")]
    assert {path: content for path, content in region.everything_written().items() if path in before} == before


def test_the_same_contents_under_another_id_change_nothing(region) -> None:
    folder = region.deliver()
    region.statuses()
    before = region.everything_written()
    copy = region.again_as(folder, f"002-{folder.name[4:]}", created_at="2999-01-01T00:00:00+00:00")
    assert is_up_to_date(region.settings, "ae_attendances", PERIOD)
    assert region.statuses() == [("001", "accepted")]
    assert region.everything_written() == before
    (row,) = [row for row in status_rows(region.settings) if row["status"] == "duplicate"]
    assert row["delivery_id"] == copy.name
    assert folder.name in row["reason"]


def test_what_was_cut_short_on_the_way_is_not_repeated_by_the_whole(region) -> None:
    folder = region.deliver()
    region.again_as(folder, f"002-{folder.name[4:]}")
    cut_short(region, folder)
    assert region.statuses() == [("001", "superseded"), ("002", "accepted")]


def test_an_agency_can_go_back_to_what_it_sent_before_a_correction(region) -> None:
    first = region.deliver(rows=[{}])
    region.deliver(rows=[{}, {}])
    region.again_as(first, f"003-{first.name[4:]}", created_at="2999-01-01T00:00:00+00:00")
    assert region.statuses() == [("001", "superseded"), ("002", "superseded"), ("003", "accepted")]
    assert len(region.table("activity")) == 1


def test_a_part_of_a_month_counts_until_the_whole_one_comes_and_never_in_its_place(region) -> None:
    region.deliver(rows=[{}], partial_until="2024-03-20")
    assert region.statuses() == [("001", "accepted")]
    assert [row["partial_until"] for row in region.table("deliveries")] == [date(2024, 3, 20)]
    region.deliver(rows=[{}, {}])
    region.deliver(rows=[{}, {}, {}], partial_until="2024-03-25")
    assert region.statuses() == [("001", "superseded"), ("003", "superseded"), ("002", "accepted")]
    assert [row["partial_until"] for row in region.table("deliveries")] == [date(2024, 3, 20), date(2024, 3, 25), None]


def test_what_came_after_the_last_day_of_a_part_is_refused_until_the_whole_month_comes(region) -> None:
    an_hour = {"EC_Departure_Time": "11:00", "EC_Departure_Time_Since_Arrival": "60"}
    dates = ("2024-03-01", "2024-03-20", "2024-03-21")
    days = [{**an_hour, "Arrival_Date": day, "EC_Departure_Date": day} for day in dates]
    region.deliver(rows=days, partial_until="2024-03-20")
    region.statuses()
    assert sorted(row["Arrival_Date"] for row in region.table("activity")) == [date(2024, 3, 1), date(2024, 3, 20)]
    assert [row["rule"] for row in region.table("refused")] == ["arrival_in_period"]
    region.deliver(rows=days)
    assert region.statuses() == [("001", "superseded"), ("002", "accepted")]
    assert len(region.table("activity")) == 3


def test_the_whole_month_with_the_rows_of_its_part_is_another_delivery(region) -> None:
    region.deliver(partial_until="2024-03-20")
    region.deliver()
    assert region.statuses() == [("001", "superseded"), ("002", "accepted")]


@pytest.mark.parametrize("day", ["2024-03-31", "2024-04-01", "2024-02-29", "20 March", "9999-12-31", ""])
def test_a_part_of_a_month_ends_on_a_day_of_it_but_the_last(region, day: str) -> None:
    with pytest.raises(InputError, match=r"(last day that is covered|ends on one of its days)"):
        region.deliver(partial_until=day)
    assert received_deliveries(region.settings) == []
    change_note(region.deliver(), partial_until=day)
    assert "lacks an entry, or has one of the wrong kind" in refusal(region)


def test_a_stranger_in_a_folder_name_is_not_a_period(region) -> None:
    folder = region.deliver()
    folder.rename(folder.parent.parent / "notes")
    assert received_deliveries(region.settings) == []


def test_text_with_64_bit_offsets_is_the_same_text(region) -> None:
    folder = region.deliver()
    before = delivered(folder).tables["activity"]
    wide = before["person_ref"].cast(pa.large_string())
    region.rewrite(folder, "activity", lambda table: table.set_column(0, "person_ref", wide))
    assert pq.read_schema(folder / "activity.parquet").field("person_ref").type == pa.large_string()
    assert delivered(folder).tables["activity"] == before
