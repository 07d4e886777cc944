"""Files of any size: the same rows are the same delivery however they are cut up, and lines are counted as they stand."""

import csv
import errno
import fcntl
import hashlib
import io
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pseudonymise import delivery, records, spill, tables
from pipelines.pseudonymise.contract import Column
from pipelines.pseudonymise.errors import InputError
from pipelines.pseudonymise.known import KnownPeople

HEADER = "local_person_id,nhs_number,forename,surname,date_of_birth,sex,postcode,lsoa,ethnic_group\n"
EVENTS = "local_person_id,incident_ref,role,created_ts,grade,nsir_open,deployed,s136,ppn\n"
PEOPLE = [
    f"p{n},,Ann{'abcdefg'[n % 7]},Lee{'xyz'[n % 3]},19{20 + n % 80}-03-04,F,WX{n % 10} 2AB,,A\n" for n in range(300)
]
# Everybody has two events with one reference, so that all columns together decide their order.
ACTIVITY = [
    f"p{n % 300},INC-{n % 300},{role},2024-01-{1 + n % 28:02}T10:00,Prompt,Concern,true,false,{n % 2}\n"
    for n, role in enumerate(["subject", "caller"] * 300)
]


@pytest.mark.parametrize("batch_rows", [7, 100, 299])
def test_the_same_rows_are_the_same_bytes_whatever_the_size_of_a_batch(agency, monkeypatch, batch_rows):
    people, activity = HEADER + "".join(PEOPLE), EVENTS + "".join(ACTIVITY)
    assert agency.run(people=people, activity=activity) == 0
    whole = agency.delivery()
    monkeypatch.setattr(tables, "BATCH_ROWS", batch_rows)
    assert agency.run(people=people, activity=activity) == 0
    assert agency.delivery() == whole


def test_the_same_rows_in_another_order_are_the_same_delivery(agency):
    assert agency.run(people=HEADER + "".join(PEOPLE), activity=EVENTS + "".join(ACTIVITY)) == 0
    first = agency.delivery()
    assert agency.run(people=HEADER + "".join(PEOPLE[::-1]), activity=EVENTS + "".join(ACTIVITY[::-1])) == 0
    assert agency.delivery() == first


@pytest.mark.parametrize("row_group", [37, 299, 300, 301])
def test_a_file_has_all_rows_in_order_wherever_row_groups_end(agency, monkeypatch, row_group):
    monkeypatch.setattr(spill, "ROW_GROUP", row_group)
    monkeypatch.setattr(tables, "BATCH_ROWS", 60)
    assert agency.run(people=HEADER + "".join(PEOPLE), activity=EVENTS + "".join(ACTIVITY)) == 0
    for name, rows in (("people", 300), ("attributes", 300), ("activity", 600)):
        refs = [row["person_ref"] for row in agency.table(name)]
        assert refs == sorted(refs) and len(refs) == rows and len(set(refs)) == 300
        assert pq.read_metadata(agency.delivery() / f"{name}.parquet").row_group(0).num_rows == min(row_group, rows)


def test_in_memory_and_on_disk_are_the_same_tables(agency):
    files = [agency.write("p.csv", HEADER + "".join(PEOPLE)), agency.write("a.csv", EVENTS + "".join(ACTIVITY))]
    key = bytes(32)
    contents = delivery.pseudonymise("police_incidents", "NPOL", *files, key, "2024-01")
    made = delivery.deliver("police_incidents", "NPOL", *files, key, "2024-01", agency.out)
    assert made.rows == {"people": 300, "attributes": 300, "activity": 600}
    for name in delivery.FILES:
        assert pq.read_table(made.folder / f"{name}.parquet").equals(getattr(contents, name))
    assert dict(contents.lookup).keys() == {f"p{n}" for n in range(300)}
    assert set(dict(contents.lookup).values()) == set(contents.people["person_ref"].to_pylist())


@pytest.mark.parametrize("profile", ["trusted-hub", "untrusted-hub"])
def test_the_note_says_for_whom_the_delivery_was_made(agency, profile):
    assert agency.run("--profile", profile) == 0
    note = json.loads((agency.delivery() / "delivery.json").read_text())
    assert note["encoder"]["profile"] == profile
    for name, sha256 in note["sha256"].items():
        assert hashlib.sha256((agency.delivery() / name).read_bytes()).hexdigest() == sha256


def test_a_profile_that_is_none_is_refused(agency):
    with pytest.raises(InputError, match="no profile called 'nobody'.*trusted-hub, untrusted-hub"):
        delivery.check("police_incidents", "NPOL", agency.folder, None, bytes(32), "2024-01", profile="nobody")


def test_a_person_twice_in_two_batches_is_found_with_both_lines(agency, capsys, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 50)
    people = HEADER + "".join([*PEOPLE[:280], "\n", PEOPLE[260], PEOPLE[10]])
    assert agency.run(people=people, activity=None) == 2
    assert "lines 262 and 283: the same local_person_id" in capsys.readouterr().err
    assert not agency.out.exists()


def test_progress_is_told_and_names_nobody(agency, capsys, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 50)
    monkeypatch.setattr(records, "PROGRESS_ROWS", 100)
    agency.run(people=HEADER + "".join(PEOPLE), activity=EVENTS + "".join(ACTIVITY))
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "people pseud" in line] == [
        "100 people pseudonymised",
        "200 people pseudonymised",
        "300 people pseudonymised",
    ]
    assert "600 events pseudonymised" in told


def test_two_runs_never_write_one_slot_at_once(agency, capsys):
    agency.slot.mkdir(parents=True)
    folder = os.open(agency.slot, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    (agency.slot / ".building-other").mkdir()
    assert agency.run() == 2
    assert "is being written by another run" in capsys.readouterr().err
    assert (agency.slot / ".building-other").exists()  # the other run is alive
    os.close(folder)
    assert agency.run() == 0
    assert not (agency.slot / ".building-other").exists()  # it is dead now
    assert len(agency.table("people")) == 3


def test_on_a_drive_without_locks_a_delivery_is_written_and_nothing_else_is_touched(agency, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    (agency.slot / ".building-other").mkdir(parents=True)
    assert agency.run() == 0
    assert sorted(path.name[:4] for path in agency.slot.iterdir()) == [".bui", "001-"]


def test_what_else_lies_in_a_slot_does_no_harm(agency):
    agency.slot.mkdir(parents=True)
    for name in ("Thumbs.db", "old", "999-000000000000", "1000-000000000000"):
        (agency.slot / name).mkdir()
    assert agency.run() == 0
    assert len(list(agency.slot.glob("1001-*/delivery.json"))) == 1


def test_a_full_disk_is_named_and_leaves_nothing(agency, capsys, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spill.Spill, "add", full)
    assert agency.run() == 2
    assert f"{agency.slot} cannot be written: No space left on device" in capsys.readouterr().err
    assert not agency.out.exists()


def test_a_lookup_that_cannot_be_written_means_no_delivery(agency, capsys):
    assert agency.run("--lookup", agency.folder / "nowhere" / "lookup.csv") == 2
    assert "nowhere" in capsys.readouterr().err
    assert not agency.out.exists()


def test_the_lookup_is_closed_to_others_and_replaces_the_one_before(agency):
    lookup = agency.write("lookup.csv", "an older one\n")
    lookup.chmod(0o644)
    assert agency.run("--lookup", lookup) == 0
    assert lookup.stat().st_mode & 0o777 == 0o600
    assert len(lookup.read_text().splitlines()) == 4
    assert not [path for path in agency.folder.iterdir() if path.name.startswith(".")]


def test_people_may_come_through_a_pipe_so_that_they_are_on_no_disk(agency):
    reading, writing = os.pipe()
    with open(writing, "w") as file:
        file.write(agency.people)
    assert agency.run(people=Path(f"/dev/fd/{reading}"), activity=None) == 0
    os.close(reading)
    assert len(agency.table("people")) == 3


def test_a_check_counts_what_would_leave_and_what_would_not(agency, capsys):
    assert agency.run("--check") == 0
    shown = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert shown["nhs_number_token"][1] == "1" and shown["age_band"][1] == "2" and shown["ppn"][1] == "2"
    assert shown["forename"][1] == shown["surname"][1] == "3" and shown["ethnic_group"][1] == "2"
    assert {"local_person_id", "nhs_number", "postcode", "date_of_birth", "lsoa"} <= shown.keys()
    masked = {name: words for name, words in shown.items() if name.endswith(("_token", "_sig", "_ref"))}
    assert len(masked) > 10
    assert all("…" in " ".join(words) for words in masked.values() if words[1] != "0")


CELLS = st.text(st.sampled_from("ab,\"'\n\r \t;=é\u2028\x0b\x85"), max_size=4)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(64, 200),
)
def test_any_table_is_read_as_it_was_written_and_lines_are_where_it_stands(rows, end, piece):
    """Pieces of any size, against the line on which each row was written."""
    quoting = (
        csv.QUOTE_ALL if any(mark in cell for row in rows for cell in row for mark in "\r\n") else csv.QUOTE_MINIMAL
    )
    text, starts = io.StringIO(newline=""), []
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    for row in [("one", "two"), *rows]:
        starts.append(1 + text.getvalue().replace("\r\n", "\n").replace("\r", "\n").count("\n"))
        writer.writerow(row)
    contract = [Column(name, "code", True, "", "") for name in ("one", "two")]
    with tempfile.NamedTemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        file.write(text.getvalue().encode())
        file.flush()
        patch.setattr(tables, "PIECE", piece)
        patch.setattr(tables, "BATCH_ROWS", 3)
        with tables.CsvReader(Path(file.name), contract, "refuse") as reader:
            batches = list(reader)
    read = [pair for b in batches for pair in zip(b["one"].to_pylist(), b["two"].to_pylist(), strict=True)]
    assert read == [(one.strip(), two.strip()) for one, two in rows]
    assert [line for batch in batches for line in batch.lines.tolist()] == starts[1:]


def test_known_people_are_told_from_strangers_by_the_whole_reference():
    known = KnownPeople()
    known.add(["aa" * 16, "bb" * 16], np.array([2, 3]))
    known.add(["cc" * 15 + "00"], np.array([9]))
    assert known.close() is None
    assert known.first_stranger(["bb" * 16, "cc" * 15 + "00", "aa" * 16]) is None
    assert known.first_stranger(["bb" * 16, "cc" * 16, "dd" * 16]) == 1
    assert known.first_stranger(["00" * 16]) == 0
    assert KnownPeople().first_stranger([]) is None


def test_rows_in_a_part_of_a_table_are_spilled_as_they_are(tmp_path):
    refs = [f"{n * 97 % 256:02x}" + "0" * 30 for n in range(200)]
    table = pa.table({"person_ref": refs, "n": range(200)})
    spilled = spill.Spill(tmp_path / "spill", table.schema, ["person_ref", "n"])
    spilled.add(table.slice(50))
    spilled.add(table.slice(0, 50))
    spilled.close()
    found = pa.concat_tables(spilled.tables()).to_pylist()
    assert found == sorted(table.to_pylist(), key=lambda row: (row["person_ref"], row["n"]))
