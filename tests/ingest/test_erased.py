"""People with a tombstone leave kept deliveries and cannot come in again, also through a change of key."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines import cli, rekey
from pipelines.erasure.proof import carried_out, last_proof, pending
from pipelines.erasure.request import Client, clients_asked_for, write_tombstones
from pipelines.erasure.tombstones import Tombstones
from pipelines.evaluation.traces import places_of
from pipelines.ingest.accept import ingest_month
from pipelines.ingest.status import status_rows
from pipelines.pseudonymise import delivery as agency_side
from pipelines.pseudonymise.encode import Pseudonyms, key_check
from pipelines.pseudonymise.errors import InputError

FEED, AGENCY, PERIOD = "ae_attendances", "WEXH", "2024-03"
KEY, NEW_KEY = bytes(range(32)), bytes(range(1, 33))
ROWS = [{"local_person_id": "1"}, {"local_person_id": "2"}, {"local_person_id": "2"}, {"local_person_id": "3"}]


def ref(local_id: str, key: bytes = KEY, agency: str = AGENCY) -> str:
    return Pseudonyms(key, agency).person_ref(local_id)


def clients(*local_ids: str, key: bytes = KEY) -> list[Client]:
    return [Client(AGENCY, ref(local_id, key), key_check(key)) for local_id in local_ids]


def erase(region, *local_ids: str) -> None:
    write_tombstones(region.settings, clients(*local_ids), "Data officer", "opted out")
    with carried_out(region.settings, lambda line: None) as problems:
        pass
    assert not problems


def values_of(folder: Path, local_id: str) -> set:
    """The reference and the tokens of a person in a delivery that nobody else in it has."""
    table = pq.read_table(folder / "people.parquet")
    (hers,) = [row for row in table.to_pylist() if row["person_ref"] == ref(local_id)]
    shared = {
        row[name] for row in table.to_pylist() for name in row if row is not hers and row["person_ref"] != ref(local_id)
    }
    return {value for value in hers.values() if isinstance(value, str | int | bytes) and value not in shared} - {
        True,
        False,
    }


def refs_in(folder: Path) -> set[str]:
    return set(pq.read_table(folder / "people.parquet")["person_ref"].to_pylist())


def outcome(region) -> dict:
    (row,) = [row for row in status_rows(region.settings) if row["status"] != "superseded"]
    return row


def test_a_kept_delivery_loses_the_rows_and_is_accepted_as_the_same_delivery(region):
    folder = region.deliver(FEED, rows=ROWS)
    hers = values_of(folder, "2")
    ingest_month(region.settings, FEED, PERIOD)
    before = json.loads((folder / "delivery.json").read_text())
    assert {path.split("/")[0] for path in places_of(hers, region.settings.data)} == {"landing", "warehouse"}

    erase(region, "2")

    assert places_of(hers, region.settings.data) == set()
    ingest_month(region.settings, FEED, PERIOD)
    assert outcome(region)["status"] == "accepted"
    assert outcome(region)["delivery_id"] == before["delivery_id"]
    assert {row["person_ref"] for row in region.table("activity")} == {ref("1"), ref("3")}
    after = json.loads((folder / "delivery.json").read_text())
    assert after["created_at"] == before["created_at"]
    assert after["rows"] == {"people": 2, "attributes": 2, "activity": 2}
    assert after["redacted"]["rows"] == {"people": 1, "attributes": 1, "activity": 2}


def test_a_delivery_in_csv_loses_them_as_well(region):
    parquet = region.deliver(FEED, rows=ROWS)
    hers = values_of(parquet, "2")
    files = {"people": region.scratch / "people.csv", "activity": region.scratch / "activity.csv"}
    given = {"feed": FEED, "agency": AGENCY, "key": KEY, "period": PERIOD, "out": region.settings.landing}
    folder = agency_side.deliver(**files, **given, file_format="csv").folder
    ingest_month(region.settings, FEED, PERIOD)
    assert places_of(hers, region.settings.data) > {f"landing/{AGENCY}/{FEED}/{PERIOD}/{folder.name}/people.csv"}

    erase(region, "2")

    assert places_of(hers, region.settings.data) == set()
    ingest_month(region.settings, FEED, PERIOD)
    assert outcome(region)["delivery_id"] == folder.name
    assert outcome(region)["status"] == "accepted"
    assert {row["person_ref"] for row in region.table("attributes")} == {ref("1"), ref("3")}


def test_a_file_that_did_not_fit_its_note_does_not_come_to_fit_it(region):
    folder = region.deliver(FEED, rows=ROWS)
    table = pq.read_table(folder / "activity.parquet")
    pq.write_table(table.slice(0, 3), folder / "activity.parquet")
    region.deliver("police_incidents")
    ingest_month(region.settings, "police_incidents", PERIOD)
    erase(region, "2")
    assert ref("2") not in pq.read_table(folder / "activity.parquet")["person_ref"].to_pylist()
    ingest_month(region.settings, FEED, PERIOD)
    (refused,) = [row for row in status_rows(region.settings) if row["feed"] == FEED]
    assert refused["status"] == "refused"
    assert "SHA-256" in refused["reason"]


def test_a_file_that_cannot_be_read_is_named_and_the_erasure_stays_open(region):
    region.deliver("police_incidents")
    ingest_month(region.settings, "police_incidents", PERIOD)
    folder = region.deliver(FEED, rows=ROWS)
    spoilt = folder / "people.parquet"
    spoilt.write_bytes(spoilt.read_bytes()[:-100])
    write_tombstones(region.settings, clients("2"), "Data officer", "opted out")
    with carried_out(region.settings, lambda line: None) as problems:
        pass
    assert len(problems) == 1
    assert f"{spoilt} cannot be read" in problems[0]
    assert pending(region.settings)
    spoilt.unlink()
    with carried_out(region.settings, lambda line: None) as problems:
        pass
    assert not problems
    assert not pending(region.settings)


def test_rows_that_come_in_later_are_taken_out_of_the_delivery_and_counted_as_erased(region):
    region.deliver(FEED, rows=ROWS[:1])
    ingest_month(region.settings, FEED, PERIOD)
    erase(region, "2")
    assert last_proof(region.settings).is_clean
    later = region.deliver(FEED, rows=ROWS)
    assert ref("2") in refs_in(later)
    ingest_month(region.settings, FEED, PERIOD)
    assert places_of({ref("2")}, region.settings.data) == set()
    assert outcome(region)["delivery_id"] == later.name
    row = {name: outcome(region)[name] for name in ("received", "accepted", "refused", "erased")}
    assert row == {"received": 4, "accepted": 2, "refused": 0, "erased": 2}


def test_one_agencys_tombstone_is_nobody_elses(region):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    write_tombstones(region.settings, [Client("NPOL", ref("2"), key_check(KEY))], "Data officer", "opted out")
    assert Tombstones.read(region.settings).match(AGENCY, [ref("2")]).tolist() == [False]


def test_tombstones_under_another_salt_stop_everything(region):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    erase(region, "2")
    (region.settings.state / "hub_salt").write_text("ab" * 32 + "\n")
    with pytest.raises(InputError, match="hub_salt"):
        ingest_month(region.settings, FEED, PERIOD)


@pytest.fixture
def refs_file(region):
    """The list that an agency makes for people it names by its own ids."""

    def made(*local_ids: str, key: bytes = KEY, agency: str = AGENCY) -> Path:
        key_file, people = region.scratch / "key", region.scratch / "opted_out.csv"
        key_file.unlink(missing_ok=True)
        key_file.touch(0o600)
        key_file.write_text(key.hex())
        people.write_text("\n".join(["local_person_id,name", *(f"{i},Somebody" for i in local_ids)]) + "\n")
        out = region.scratch / "refs.csv"
        arguments = ["refs", "--agency", agency, "--key-file", key_file, "--people", people, "--out", out]
        assert cli.main([str(argument) for argument in arguments]) == 0
        return out

    return made


def test_an_agency_learns_the_references_from_its_own_ids_alone(region, refs_file):
    out = refs_file("2", "3", "2")
    with out.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert {row["person_ref"] for row in found} == {ref("2"), ref("3")}
    assert {(row["agency"], row["key_check"]) for row in found} == {(AGENCY, key_check(KEY))}
    assert "Somebody" not in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600


def test_the_list_of_an_agency_is_who_is_asked_for(region, refs_file):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    assert set(clients_asked_for(region.settings, AGENCY, None, refs_file("2", "3"))) == set(clients("2", "3"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"key": NEW_KEY}, "row 2, column key_check"),
        ({"agency": "LAWX"}, "row 2, column agency"),
    ],
)
def test_a_list_under_another_key_or_of_another_agency_erases_nobody(region, refs_file, wrong, said):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    with pytest.raises(InputError, match=said) as refused:
        clients_asked_for(region.settings, AGENCY, None, refs_file("2", **wrong))
    assert ref("2", wrong.get("key", KEY), wrong.get("agency", AGENCY)) not in str(refused.value)


@pytest.mark.parametrize(
    ("agency", "person_ref", "said"),
    [
        ("LAWX", "0" * 32, "never delivered"),
        ("lawx", "0" * 32, "capital letters"),
        (AGENCY, "CLIENT-00005", "32 hexadecimal characters"),
        (AGENCY, None, "either one reference"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_without_repeating_it(region, agency, person_ref, said):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    with pytest.raises(InputError, match=said) as refused:
        clients_asked_for(region.settings, agency, person_ref, None)
    assert person_ref is None or person_ref not in str(refused.value)


@pytest.mark.parametrize(("by", "reason"), [("", "opted out"), ("Ann", " "), ("Ann", f"asked by {ref('2')}")])
def test_a_request_says_who_and_why_and_names_nobody(region, by, reason):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    with pytest.raises(InputError):
        write_tombstones(region.settings, clients("2"), by, reason)
    assert not Tombstones.read(region.settings)


def test_a_change_of_key_waits_until_the_erased_are_sent_again(region, refs_file):
    region.deliver(FEED, rows=ROWS)
    ingest_month(region.settings, FEED, PERIOD)
    erase(region, "2", "3")
    rekey.start(region.settings, key_check(NEW_KEY))
    region.deliver(FEED, rows=ROWS, key=NEW_KEY)
    for feed in region.settings.feeds:
        ingest_month(region.settings, feed, PERIOD)
    assert f"{AGENCY} 0 of 2" in rekey.describe(rekey.plan(region.settings))
    with pytest.raises(InputError, match=f"would come back .* {AGENCY} 0 of 2"):
        rekey.finish(region.settings)

    asked = clients_asked_for(region.settings, AGENCY, None, refs_file("2", key=NEW_KEY))
    write_tombstones(region.settings, asked, "Data officer", "opted out")
    with pytest.raises(InputError, match=f"{AGENCY} 1 of 2"):
        rekey.finish(region.settings)

    with carried_out(region.settings, lambda line: None):
        for feed in region.settings.feeds:
            ingest_month(region.settings, feed, PERIOD)
    rekey.finish(region.settings, no_more_erased=[AGENCY])
    ingest_month(region.settings, FEED, PERIOD)
    assert {row["person_ref"] for row in region.table("attributes")} == {ref("1", NEW_KEY), ref("3", NEW_KEY)}


KILLED_LATER_AND_LATER = """
import os, shutil, signal, sys
from pathlib import Path
from pipelines.erasure.proof import carried_out
from pipelines.settings import Settings

def dying(function, left):
    def counted(*arguments, **named):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return counted

for step in range(1, 100):
    hub = shutil.copytree(sys.argv[1], f"{sys.argv[2]}/{step}")
    for attempt in ("killed", "again"):
        if not os.fork():
            left = [step if attempt == "killed" else 0]
            for owner, name in ((os, "replace"), (Path, "replace"), (Path, "unlink"), (shutil, "rmtree")):
                setattr(owner, name, dying(getattr(owner, name), left))
            with carried_out(Settings(data=Path(hub)), lambda line: None):
                pass
            os._exit(0)
        survived = not os.wait()[1]
        if attempt == "killed" and survived:
            print(step - 1)
            sys.exit()
        assert survived or attempt == "killed"
"""


def test_killed_at_any_step_it_is_finished_by_the_next(region, tmp_path):
    folder = region.deliver(FEED, rows=ROWS)
    hers = values_of(folder, "2")
    ingest_month(region.settings, FEED, PERIOD)
    (region.settings.linkage / "memory").mkdir()
    (region.settings.linkage / "memory" / "pairs.parquet").write_bytes((folder / "people.parquet").read_bytes())
    digests = {row["digest"] for row in status_rows(region.settings)}
    manifest = {"release_id": "r0", "built_at": "2024-05-01T09:00:00+00:00"}
    slot = {"agency": AGENCY, "feed": FEED, "period": PERIOD, "delivery_id": folder.name, "digest": digests.pop()}
    (region.settings.releases / "r0").mkdir(parents=True)
    (region.settings.releases / "r0" / "manifest.json").write_text(json.dumps(manifest | {"deliveries": [slot]}))
    (region.settings.releases / "r0" / "analyst.duckdb").write_bytes((folder / "people.parquet").read_bytes())
    write_tombstones(region.settings, clients("2"), "Data officer", "opted out")

    hubs = tmp_path / "hubs"
    hubs.mkdir()
    script = [sys.executable, "-c", KILLED_LATER_AND_LATER, region.settings.data, hubs]
    done = subprocess.run(script, capture_output=True, text=True, check=True, cwd=region.settings.project)

    kills = int(done.stdout)
    assert kills > 10
    for step in range(1, kills + 1):
        hub = hubs / str(step)
        assert places_of(hers, hub) == set(), step
        delivery = next(hub.glob("landing/*/*/*/*"))
        note = json.loads((delivery / "delivery.json").read_text())
        assert note["redacted"]["rows"] == {"people": 1, "attributes": 1, "activity": 2}, step
        for name, digest in note["sha256"].items():
            assert hashlib.sha256((delivery / name).read_bytes()).hexdigest() == digest, step
        assert "withdrawn" in json.loads((hub / "releases" / "r0" / "manifest.json").read_text()), step
