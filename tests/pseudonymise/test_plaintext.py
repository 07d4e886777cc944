"""Nothing that names a person is left on disk: after a run, after a refusal, and after a kill at any moment."""

import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.pseudonymise import delivery, encode, spill, tables

PEOPLE_COUNT = 60
FORENAMES = ["Wilhelmina", "Bartholomew", "Oluwaseun", "Przemysława"]
HEADER = "local_person_id,nhs_number,forename,surname,date_of_birth,sex,postcode,lsoa,ethnic_group,date_of_death"
EVENTS = "local_person_id,incident_ref,role,created_ts,grade,nsir_open,deployed,s136,ppn,officer_notes"


def nhs_number(number: int) -> str:
    digits = f"{943476000 + number}"
    check = 11 - sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 11
    return digits + str(check % 11) if check != 10 else ""


def rows() -> list[dict[str, str]]:
    """Made-up people whose every value is long enough not to stand in a file by chance."""
    return [
        {
            "id": f"CLIENT-{n:05}",
            "nhs": nhs_number(n),
            "forename": FORENAMES[n % 4],
            "surname": f"Thistlewood{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}{'uvw'[n // 100]}",
            "birth": f"{1930 + n % 60}-0{1 + n % 9}-1{n % 10}",
            "postcode": f"WX{1 + n % 9}{n % 10} {n % 10}QZ",
            "lsoa": f"E0199{n:04}",
            "reference": f"INCIDENT/{n:05}",
        }
        for n in range(PEOPLE_COUNT)
    ]


@pytest.fixture
def extract(agency):
    """The agency with files of those people; what it writes goes to `out`, `temp` or the folder it works in."""
    people = [
        f"{r['id']},{r['nhs']},{r['forename']},{r['surname']},{r['birth']},F,{r['postcode']},{r['lsoa']},A,"
        for r in rows()
    ]
    events = [
        f"{r['id']},{r['reference']},subject,2024-01-05T14:30,Prompt,Concern,true,false,true,Lives alone"
        for r in rows()
    ]
    agency.people = "\n".join([HEADER, *people]) + "\n"
    agency.activity = "\n".join([EVENTS, *events]) + "\n"
    agency.temp = agency.folder / "temp"
    agency.work = agency.folder / "work"
    agency.temp.mkdir()
    agency.work.mkdir()
    return agency


@cache
def secrets() -> list[bytes]:
    """Everything that names one of those people, as it may have been written, whole or normalised."""
    texts = {value for row in rows() for value in row.values() if value} | {"Lives alone"}
    texts |= {text.lower() for text in texts} | {text.upper() for text in texts}
    texts |= {text.replace("-", "").replace(" ", "") for text in texts} | {"thistlewood", "przemyslawa"}
    numbers = [int(row["nhs"]).to_bytes(8, order) for row in rows() if row["nhs"] for order in ("little", "big")]
    return [text.encode(code) for text in texts for code in ("utf-8", "utf-16-le")] + numbers


def named_on_disk(*folders: Path) -> set[str]:
    """Files below the folders that hold any of the secrets."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    contents = {str(path): path.read_bytes() for path in files}
    return {path for path, content in contents.items() if any(secret in content for secret in secrets())}


def run(extract, *extra: str) -> int:
    """Exit code of the command as a process with a temporary folder and a working folder of its own."""
    arguments = [*extract.arguments(extract.people, extract.activity), *extra]
    environment = {**os.environ, "TMPDIR": str(extract.temp), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    return subprocess.run(command, cwd=extract.work, env=environment, capture_output=True, check=False).returncode


def killed(extract, owner: object, name: str, call: int) -> int:
    """Exit status of a process that runs the command and dies as `owner`.`name` is called for the call-th time."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    calls, real = count(1), getattr(owner, name)

    def dying(*arguments, **named):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)

    try:
        os.chdir(extract.work)
        os.environ["TMPDIR"], tempfile.tempdir = str(extract.temp), None
        tables.BATCH_ROWS = 20  # so that a run has a beginning, a middle and an end
        setattr(owner, name, dying)
        cli.main(extract.arguments(extract.people, extract.activity))
    finally:
        os._exit(0)


MOMENTS = {
    "when the building has begun": (delivery, "Spill", 1),
    "when some people are read": (spill.Spill, "add", 3),
    "when all people and some activity are read": (spill.Spill, "add", 8),
    "before anything is sorted": (delivery, "write_parquet", 1),
    "when people are written and attributes are not": (delivery, "write_parquet", 2),
    "before the files are looked at": (delivery, "_sha256", 1),
    "just before the delivery stands in its place": (os, "rename", 1),
}


def test_the_search_finds_what_it_looks_for(extract):
    people, activity = extract.write("work/people", extract.people), extract.write("work/activity", extract.activity)
    assert named_on_disk(extract.work) == {str(people), str(activity)}


def test_after_a_run_nothing_names_anybody(extract):
    assert run(extract) == 0
    assert len(extract.table("people")) == len(extract.table("activity")) == PEOPLE_COUNT
    assert named_on_disk(extract.out, extract.temp, extract.work) == set()
    assert [path.suffix for path in sorted(extract.delivery().iterdir())] == [
        ".parquet",
        ".parquet",
        ".json",
        ".parquet",
    ]


def test_after_a_refusal_late_in_the_run_nothing_is_left(extract):
    extract.activity += "CLIENT-99999,X,subject,2024-01-05T14:30,Prompt,Concern,true,false,true,\n"
    assert run(extract) == 2
    assert not extract.out.exists()
    assert list(extract.temp.iterdir()) == list(extract.work.iterdir()) == []


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_kill_leaves_no_delivery_and_no_name_and_the_next_run_clears_up(extract, moment):
    assert killed(extract, *moment) == -signal.SIGKILL
    left = [path.name for path in extract.slot.iterdir()]
    assert [name.startswith(".building-") for name in left] == [True]
    assert named_on_disk(extract.out, extract.temp, extract.work) == set()
    assert extract.run(people=extract.people, activity=extract.activity) == 0
    assert [name.startswith(".") for name in os.listdir(extract.slot)] == [False]
    assert len(extract.table("people")) == PEOPLE_COUNT


def test_a_kill_leaves_the_delivery_of_before_as_it_was(extract):
    assert run(extract) == 0
    before = {path: path.read_bytes() for path in extract.out.rglob("*") if path.is_file()}
    extract.people = extract.people.replace("Wilhelmina", "Ermintrude")
    assert killed(extract, os, "rename", 1) == -signal.SIGKILL
    assert {path: path.read_bytes() for path in before} == before
    assert len([name for name in os.listdir(extract.slot) if not name.startswith(".")]) == 1


def test_a_check_writes_nothing_anywhere_and_shows_nobody(extract, capsys):
    assert extract.run("--check", people=extract.people, activity=extract.activity) == 0
    shown = capsys.readouterr().out.encode()
    assert not [secret for secret in secrets() if secret in shown]
    assert not extract.out.exists()
    assert run(extract, "--check") == 0
    assert list(extract.temp.iterdir()) == list(extract.work.iterdir()) == []


def test_opted_out_people_are_gone_before_anything_is_encoded(extract, monkeypatch):
    """The encoder and the pseudonyms see the others alone."""
    seen: set[str] = set()
    identity, person_refs = encode.Encoder.identity, encode.Pseudonyms.person_refs

    def seeing_identity(self, *fields, **named):
        seen.update(str(value) for column in [*fields, *named.values()] for value in column)
        return identity(self, *fields, **named)

    def seeing_refs(self, ids):
        seen.update(ids)
        return person_refs(self, ids)

    monkeypatch.setattr(encode.Encoder, "identity", seeing_identity)
    monkeypatch.setattr(encode.Pseudonyms, "person_refs", seeing_refs)
    encode.checksum.cache_clear()
    gone, stays = rows()[5], rows()[6]
    opted_out = extract.write("opt_outs.csv", f"name,local_person_id\nX, {gone['id']} \n\nY,\n")
    assert extract.run("--opt-outs", opted_out, people=extract.people, activity=extract.activity) == 0
    assert {stays["id"], stays["nhs"], stays["surname"].lower()} <= seen
    assert not {gone["id"], gone["nhs"], gone["surname"].lower()} & seen
    assert len(extract.table("people")) == len(extract.table("attributes")) == PEOPLE_COUNT - 1
    assert len(extract.table("activity")) == PEOPLE_COUNT - 1


def test_the_data_officer_hears_how_many_opt_outs_were_found(extract, capsys):
    opted_out = extract.write("opt_outs.csv", "local_person_id\nCLIENT-00005\nCLIENT-00007\nclient-00009\n")
    assert extract.run("--opt-outs", opted_out, people=extract.people, activity=extract.activity) == 0
    assert "opted out: 2; the list of opt-outs has 3" in capsys.readouterr().out
