"""A person is erased: nothing of theirs is left in any file of the hub, nobody else loses a row, and they stay out."""

import csv
import io
import json
import os
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.erasure.proof import last_proof
from pipelines.erasure.tombstones import tombstoned
from pipelines.evaluation.region import true_clients
from pipelines.evaluation.traces import own_values, places_of
from pipelines.ingest.accept import ingest_month
from pipelines.ingest.status import status_rows
from pipelines.linkage import clerical, decisions
from pipelines.linkage.decisions import Decision
from pipelines.publish.release import releases


@dataclass
class Erased:
    """A copy of the region, and what it was before the mother was erased from it."""

    hub: object
    refs: dict[str, str]  # agency -> her person_ref
    hers: set  # values that are in her rows and in nobody else's
    before: set[str]  # files in which these stood
    contacts: set[str]  # contact ids of everybody else
    release: str
    status: list[dict] = field(default_factory=list)
    checked: str = ""  # what --check printed
    check_changed: bool = True
    printed: str = ""
    code: int = -1


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def query(database: Path, sql: str, *values) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def typed(hub, *arguments: object) -> tuple[int, str]:
    """Exit code and everything that a command prints."""
    text = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(text), redirect_stderr(text):
        patch.setenv("UPSTREAM_DATA", str(hub.settings.data))
        code = cli.main([str(argument) for argument in arguments])
    return code, text.getvalue()


def current(erased) -> str:
    return os.readlink(erased.hub.settings.releases / "current")


def contents(data: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def mother(region) -> dict[str, str]:
    """The person_ref that each agency knows the elderly mother by."""
    folder = region.agencies.parent
    people = pd.read_csv(folder / "answer_key" / "people.csv", dtype=str)
    clients = true_clients(folder).merge(people[people.persona == "P1"], on="true_person_id")
    return dict(clients[["agency", "person_ref"]].itertuples(index=False, name=None))


def people_look_at_pairs(hub, refs: dict[str, str], folder: Path) -> None:
    """Reviewers decide on two pairs, one of them hers, and answer a clerical sample of all pairs."""
    client = ("NPOL", "police_incidents", refs["NPOL"])
    known = pd.read_parquet(hub.settings.linkage / "person_index.parquet")[["agency", "feed", "person_ref"]]
    others = [key for key in known.itertuples(index=False, name=None) if key[2] not in refs.values()]
    pairs = [
        decisions.in_order(*pair) for pair in ((client, others[0]), (others[1], others[2]), (others[0], others[1]))
    ]
    decisions.append(
        hub.settings.state,
        [Decision(*pair, "cannot-link", "Ann", "other people", None, "2024-05-01T09:00:00+00:00") for pair in pairs],
    )
    form = folder / "form.csv"
    clerical.write_sample(hub.settings.linkage, hub.settings.state, form, number=10_000, seed=1)
    answered = [row | {"same_person": "no"} for row in rows(form)]
    with form.open("w", newline="") as file:
        writer = csv.DictWriter(file, answered[0])
        writer.writeheader()
        writer.writerows(answered)
    clerical.record_answers(hub.settings.state, form, "Ann")


@pytest.fixture(scope="module")
def hub(region, mother, tmp_path_factory):
    """A copy of the region in which reviewers have worked."""
    folder = tmp_path_factory.mktemp("erasure")
    hub = region.copy(folder / "data", "landing", "state", "warehouse", "releases", "dagster")
    people_look_at_pairs(hub, mother, folder)
    return hub


@pytest.fixture(scope="module")
def erased(hub, mother) -> Erased:
    data, released = hub.settings.data, hub.settings.releases / "current"
    hers = own_values(data, set(mother.values()))
    contacts = {i for (i,) in query(released / "analyst.duckdb", "select contact_id from marts.contacts")}
    found = Erased(hub, mother, hers, places_of(hers, data), contacts - hers, os.readlink(released))
    found.status = status_rows(hub.settings)
    arguments = ["erase", "--agency", "NPOL", "--person-ref", mother["NPOL"], "--linked"]
    as_it_was = contents(data)
    found.checked = typed(hub, *arguments, "--check")[1]
    found.check_changed = contents(data) != as_it_was
    found.code, found.printed = typed(hub, *arguments, "--by", "Data officer", "--reason", "opted out")
    return found


def test_she_was_in_every_kind_of_store_before(erased):
    stores = {path.split("/")[0] for path in erased.before}
    assert stores == {"landing", "state", "warehouse", "releases"}
    names = {Path(path).name for path in erased.before}
    assert {"people.parquet", "attributes.parquet", "activity.parquet", "warehouse.duckdb", "analyst.duckdb"} <= names
    assert {"decisions.jsonl", "person_index.parquet", "client_pairs.parquet", "contacts.parquet"} <= names
    assert any(path.startswith("state/clerical/") for path in erased.before)
    kinds = {type(value) for value in erased.hers}
    assert kinds == {str, int, bytes}


def test_no_file_of_the_hub_holds_a_value_of_hers_afterwards(erased):
    assert erased.code == 0
    assert places_of(erased.hers, erased.hub.settings.data) == set()


def test_nobody_elses_contact_went_with_hers(erased):
    database = erased.hub.settings.releases / "current" / "analyst.duckdb"
    assert {i for (i,) in query(database, "select contact_id from marts.contacts")} == erased.contacts


def test_the_proof_counts_what_was_removed_finds_nothing_again_and_names_nobody(erased):
    proof = last_proof(erased.hub.settings)
    removed = {store.store: store.removed for store in proof.stores}
    assert proof.is_clean
    assert {store.found_after for store in proof.stores} == {0}
    assert all(removed[store] > 0 for store in ("landing", "state", "warehouse/accepted", "warehouse/warehouse.duckdb"))
    assert "found again" in erased.printed
    assert not any(str(value) in erased.printed for value in erased.hers)


def test_what_would_go_is_said_without_doing_it_and_without_saying_whom(erased):
    assert not erased.check_changed
    others = len(erased.refs) - 1
    assert f"{others} more references of {others} agencies" in erased.checked
    assert f"release {erased.release} would be withdrawn" in erased.checked
    assert "decisions.jsonl" in erased.checked
    assert not any(ref in erased.checked for ref in erased.refs.values())


def test_every_delivery_is_accepted_as_the_same_delivery_and_says_how_many_rows_are_gone(erased):
    after = status_rows(erased.hub.settings)
    slot = ("agency", "feed", "period", "delivery_id")
    assert [[row[name] for name in slot] for row in after] == [[row[name] for name in slot] for row in erased.status]
    assert {row["status"] for row in after} == {"accepted"}
    notes = [json.loads(path.read_text()) for path in erased.hub.settings.landing.rglob("delivery.json")]
    redacted = [note["redacted"]["rows"] for note in notes if "redacted" in note]
    assert len(redacted) >= 3
    assert all(count["people"] == 1 for count in redacted)


def test_what_reviewers_decided_about_others_still_stands(erased):
    state = erased.hub.settings.state
    assert len(decisions.read_all(state)) == 2
    _, sample = clerical.answered_sample(state)
    assert sample.looked_at.all()
    assert len(rows(state / "clerical" / "answers.csv")) == len(sample)


def test_the_release_that_held_her_keeps_its_board_and_nobody_goes_back_to_it(erased):
    folder = erased.hub.settings.releases / erased.release
    kept = {path.name for path in folder.iterdir()} - {"board_pack.pdf"}  # which is there where a browser made it
    assert kept == {"board", "board.duckdb", "board_pack.html", "manifest.json"}
    assert os.readlink(erased.hub.settings.releases / "current") != erased.release
    code, printed = typed(erased.hub, "release", "rollback", erased.release)
    assert code != 0
    assert "cannot come back" in printed and "erased" in printed
    _, printed = typed(erased.hub, "release", "list")
    now, before, public = printed.splitlines()
    assert now.endswith("  current, staged")
    assert "  withdrawn: " in before
    assert public.startswith("Nothing is public")


def test_the_board_stays_as_it_was_published_since_nothing_but_an_erasure_lies_between(erased):
    before, after = (
        {m["release_id"]: m for m in releases(erased.hub.settings)}[i] for i in (erased.release, current(erased))
    )
    board = [name for name in before["content"] if name.startswith("board.")]
    assert {name: after["content"][name] for name in board} == {name: before["content"][name] for name in board}
    assert after["content"]["marts.contacts"] != before["content"]["marts.contacts"]
    assert after["board_of"] == before["deliveries"] != after["deliveries"]


def test_a_run_after_it_has_nothing_to_do(erased):
    outcome = erased.hub.run()
    assert (outcome.months, outcome.released, outcome.problems) == (0, False, [])


def test_erasing_her_again_has_nothing_to_do(erased):
    arguments = ["erase", "--agency", "WEXH", "--person-ref", erased.refs["WEXH"], "--by", "Ann", "--reason", "again"]
    code, printed = typed(erased.hub, *arguments)
    assert code == 0
    assert "nothing is left to do" in printed


def test_the_next_delivery_cannot_bring_her_back(erased, tmp_path):
    hub = erased.hub.copy(tmp_path / "data", "landing", "state")
    folder = next(path.parent for path in hub.settings.landing.rglob("delivery.json") if "redacted" in path.read_text())
    agency, feed, period = folder.relative_to(hub.settings.landing).parts[:3]
    again = hub.deliver(agency, feed, period)
    assert erased.refs[agency] in pq.read_table(again / "people.parquet")["person_ref"].to_pylist()
    month = ingest_month(hub.settings, feed, period)
    (counted,) = [d for d in month.deliveries if d.received.agency == agency and d.status == "accepted"]
    assert counted.rows["erased"]["people"] == 1
    assert counted.rows["received"]["activity"] == len(rows(hub.agencies / agency / feed / period / "activity.csv"))
    assert places_of(erased.hers, hub.settings.data) == set()


def test_her_tombstones_say_nothing_and_know_her(erased):
    text = (erased.hub.settings.state / "tombstones.jsonl").read_text()
    assert len(text.splitlines()) == len(erased.refs)
    assert not any(ref in text for ref in erased.refs.values())
    assert tombstoned(erased.hub.settings, "NPOL", [erased.refs["NPOL"], "0" * 32]).tolist() == [True, False]
    assert not tombstoned(erased.hub.settings, "WEXH", [erased.refs["NPOL"]]).any()


def plant(kind: str, value: str | int | bytes, folder: Path) -> None:
    """A file of some kind that holds a value, the way a program may have put it there."""
    word = value.hex() if isinstance(value, bytes) else str(value)
    sort = pa.uint64() if isinstance(value, int) and value >= 2**63 else pa.scalar(value).type
    if kind == "parquet":
        pq.write_table(pa.table({"harmless": pa.array([value], sort)}), folder / "x.parquet")
    elif kind == "nested parquet":
        deep = pa.array([[{"deep": [value]}]], pa.list_(pa.struct({"deep": pa.list_(sort)})))
        pq.write_table(pa.table({"harmless": deep}), folder / "x.parquet")
    elif kind == "warehouse":
        with duckdb.connect(str(folder / "x.duckdb")) as connection:
            connection.execute("create schema s; create table s.t (a text, b blob[], c hugeint)")
            place = {str: "a", bytes: "b", int: "c"}[type(value)]
            connection.execute(f"insert into s.t ({place}) values (?)", [[value] if place == "b" else value])
    elif kind == "table dropped from a warehouse":
        with duckdb.connect(str(folder / "x.duckdb")) as connection:
            connection.execute("create table t as select ? as a, range as b from range(1000)", [value])
            connection.execute("create table u as select hash(range) as a from range(100000); checkpoint")
            connection.execute("drop table t; checkpoint")
    elif kind == "log of runs":
        with sqlite3.connect(folder / "x.db") as connection:
            connection.execute("create table event_logs (event)")
            connection.execute("insert into event_logs values (?)", [json.dumps({"message": f"lost {word}"})])
    else:
        line = {
            "note": json.dumps({"why": f"seen {word}."}),
            "sheet": f"a;{word};b\n",
            "log": f"row of ({word}) spoilt",
        }
        (folder / {"note": "x.json", "sheet": "x.csv", "log": "run.log"}[kind]).write_text(line[kind])


KINDS = [
    "parquet",
    "nested parquet",
    "warehouse",
    "table dropped from a warehouse",
    "log of runs",
    "note",
    "sheet",
    "log",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_hers_that_is_planted_is_found(erased, tmp_path, kind):
    for place, sort in enumerate((str, int, bytes)):
        value = next(value for value in erased.hers if type(value) is sort)
        folder = tmp_path / str(place)
        folder.mkdir()
        plant(kind, value, folder)
        found = places_of({value}, tmp_path)
        if kind in ("note", "sheet", "log", "log of runs") and sort is bytes:
            continue  # text holds no bytes
        if kind == "table dropped from a warehouse" and sort is int:
            continue  # numbers are packed in bits, so that only a table that is there can be decoded
        assert {path.split("/")[0] for path in found} == {str(place)}, sort
