"""A delivery as CSV is the same rows as one in Parquet, and what is wrong with a file is said without a value."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.ingest.delivery import DeliveryRefused, Received, read_delivery
from pipelines.ingest.month import month_files

FEEDS = ("ae_attendances", "social_care_events", "police_incidents")
PERSON = "Zyxwvut"  # stands where a value would be


def accepted_rows(region, feed: str) -> dict[str, list[dict]]:
    """Rows of the month's accepted files but for the delivery that they came in."""
    files = month_files(region.settings, feed, region.period)
    tables = {name: pq.read_table(files[name]) for name in ("people", "attributes", "activity")}
    apart = {
        name: [column for column in table.column_names if column != "delivery_id"] for name, table in tables.items()
    }
    return {name: table.select(apart[name]).to_pylist() for name, table in tables.items()}


@pytest.mark.parametrize("feed", FEEDS)
def test_the_same_rows_are_accepted_from_csv_as_from_parquet(region, feed: str) -> None:
    region.deliver(feed)
    assert region.statuses(feed) == [("001", "accepted")]
    from_parquet = accepted_rows(region, feed)
    folder = region.deliver(feed, file_format="csv")
    assert {path.name for path in folder.iterdir()} == {"people.csv", "attributes.csv", "activity.csv", "delivery.json"}
    assert region.statuses(feed) == [("001", "superseded"), ("002", "accepted")]
    assert accepted_rows(region, feed) == from_parquet
    assert all(from_parquet.values())


def test_the_other_profile_can_come_as_csv_too(region) -> None:
    region.deliver(profile="untrusted-hub", file_format="csv")
    assert region.statuses() == [("001", "accepted")]


def change_line(line: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A change of one line of a file, counted from 1."""

    def changed(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        lines[line - 1] = change(lines[line - 1])
        return b"".join(lines)

    return changed


def in_quotes(number: int, value: bytes) -> Callable[[bytes], bytes]:
    """A change of one text of a line, counted from 1."""

    def changed(text: bytes) -> bytes:
        pieces = text.split(b'"')
        pieces[2 * number - 1] = value
        return b'"'.join(pieces)

    return changed


NAME = PERSON.encode()
SPOILT = {
    "cut short in the last row": (
        "activity.csv",
        lambda content: content[: content.rindex(b",")],
        ["line 3", "values where the header has"],
    ),
    "cut short inside quotation marks": (
        "attributes.csv",
        lambda content: content[: content.rindex(b'"')],
        ["line 4", "a quotation mark that is not closed"],
    ),
    "a row less than stated": (
        "activity.csv",
        lambda content: content[: content.rindex(b"\n", 0, -1) + 1],
        ["1 rows", "says 2"],
    ),
    "another encoding": (
        "activity.csv",
        change_line(3, lambda text: text.rstrip(b"\n") + NAME + b"\xe9\n"),
        ["line 3", "not UTF-8 text", "CSV UTF-8"],
    ),
    "UTF-16": (
        "activity.csv",
        lambda content: content.decode().encode("utf-16"),
        ["line 1", "UTF-16, not UTF-8"],
    ),
    "a line break inside a value": (
        "activity.csv",
        change_line(2, in_quotes(2, NAME + b"\nx")),
        ["line 2", "EC_Ident", "a line break inside quotation marks"],
    ),
    "a date that is none": (
        "activity.csv",
        change_line(3, lambda text: text.replace(b"2024-03-05", NAME)),
        ["line 3", "Arrival_Date: not a date such as"],
    ),
    "a number that is none": (
        "attributes.csv",
        change_line(4, lambda text: text.rstrip(b"\n").rsplit(b",", 3)[0] + b"," + NAME + b",,\n"),
        ["line 4", "imd_quintile: not a whole number"],
    ),
    "a filter that is no base64": (
        "people.csv",
        change_line(2, in_quotes(2, NAME)),
        ["line 2", "_sig: not base64 of 32 bytes"],
    ),
    "a filter of another length": ("people.csv", change_line(3, in_quotes(2, b"AAAA")), ["line 3", "base64 of 32 bytes"]),
    "no header": (
        "people.csv",
        lambda content: content[content.index(b"\n") + 1 :],
        ["columns that the contract does not have"],
    ),
    "a column too many": (
        "activity.csv",
        lambda content: content.replace(b"\n", b"," + NAME + b"\n"),
        ["columns that the contract does not have: 1 that no contract has"],
    ),
    "a column twice": (
        "activity.csv",
        lambda content: content.replace(b"\n", b",EC_Ident\n", 1),
        ["missing or doubled: EC_Ident"],
    ),
    "nothing at all": ("people.csv", lambda content: b"", ["empty: not even a header"]),
    "a header and no row": ("people.csv", lambda content: content.splitlines(keepends=True)[0], ["0 rows", "says 3"]),
}  # fmt: skip


@pytest.mark.parametrize(("file", "spoil", "words"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_file_is_refused_with_its_line_and_without_a_value(
    region, file: str, spoil: Callable, words: list[str]
) -> None:
    folder = region.deliver(file_format="csv")
    path = folder / file
    path.write_bytes(spoil(path.read_bytes()))
    fit_the_note(folder, file)
    with pytest.raises(DeliveryRefused) as refused:
        read_delivery(Received(folder, *folder.parts[-4:]))
    message = str(refused.value)
    assert message.startswith(f"WEXH/ae_attendances/2024-03/{folder.name}/{file}")
    assert [word for word in words if word not in message] == []
    assert "Ask WEXH to" in message or "ask WEXH to" in message
    assert PERSON not in message
    assert str(region.settings.data) not in message


def test_a_file_that_was_cut_short_on_the_way_is_told_by_its_digest(region) -> None:
    folder = region.deliver(file_format="csv")
    (folder / "activity.csv").write_bytes((folder / "activity.csv").read_bytes()[:-9])
    with pytest.raises(DeliveryRefused, match=r"activity\.csv: .* cut short or changed on the way"):
        read_delivery(Received(folder, *folder.parts[-4:]))


def fit_the_note(folder: Path, file: str) -> None:
    """Make the note fit a changed file again, as a faulty agency's own software would."""
    note = json.loads((folder / "delivery.json").read_text())
    note["sha256"][file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    (folder / "delivery.json").write_text(json.dumps(note))
