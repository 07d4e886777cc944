"""A release is whole or it is not there: built apart, checked, switched in one step, kept for going back."""

import json
import os
import stat

import duckdb
import pytest

from pipelines.publish import release
from pipelines.publish.checks import check_release
from pipelines.publish.content import content_digest
from pipelines.publish.disclosure import UncontrolledTable
from pipelines.publish.release import ReleaseRefused, publish, releases
from pipelines.publish.tables import board_roles

INPUTS = {"state": "1", "code": "2"}


def pack(board, out, facts):
    out.write_text(f"<h1>{facts['release_id']}</h1>", encoding="utf-8")


def names(settings):
    """What stands in the folder of releases, hidden files too, but for the lock."""
    return sorted(path.name for path in settings.releases.iterdir() if path.name != ".lock")


def query(path, sql):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_release_holds_both_databases_the_marts_the_pack_and_a_manifest(settings):
    made = publish(settings, INPUTS, pack)
    assert sorted(str(path.relative_to(made.path)) for path in made.path.rglob("*") if path.is_file()) == [
        "analyst.duckdb", "board.duckdb", "board/csv-metadata.json", "board/headline_changes.csv",
        "board/headlines.csv", "board_pack.html", "facts.json", "manifest.json",
        "marts/column_lineage.parquet", "marts/contacts.parquet", "marts/demand_by_area.parquet",
        "marts/dictionary.parquet", "marts/linkage_quality.parquet", "marts/people.parquet", "marts/release_risk.parquet",
    ]  # fmt: skip
    assert (settings.releases / "current").resolve() == made.path.resolve()
    assert made.changed and all(check.passed for check in made.checks)
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert manifest["rows"].pop("marts.release_risk") > 0
    assert manifest["rows"].pop("marts.dictionary") > 0
    assert manifest["rows"].pop("marts.column_lineage") == 0  # these tables are made of nothing
    assert manifest["rows"] == {
        "marts.contacts": 3, "marts.demand_by_area": 1, "marts.linkage_quality": 1, "marts.people": 3,
        "board.headlines": 3, "board.headline_changes": 0,
    }  # fmt: skip
    assert manifest["inputs"] == INPUTS
    assert manifest["deliveries"] == [
        {"agency": "WEXH", "feed": "ae_attendances", "period": "2025-01", "delivery_id": "d1", "digest": "abc"}
    ]
    assert (made.path / "board_pack.html").read_text() == f"<h1>{made.release_id}</h1>"


def test_nobody_can_write_to_a_released_file(settings):
    made = publish(settings, INPUTS, pack)
    for path in made.path.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o444, path.name


def test_board_is_published_under_disclosure_control(settings):
    made = publish(settings, INPUTS, pack)
    assert query(
        made.path / "board.duckdb", "select * exclude (minutes, headline_id, unit) from board.headlines order by label"
    ) == [
        ("going round", None, None, None, "fewer than 8 people"),
        ("nobody", 0, 0, None, None),
        ("seen", 1240, 3000, 30, None),
    ]


def test_descriptions_travel_with_the_tables(settings):
    made = publish(settings, INPUTS, pack)
    comments = "select column_name, comment from duckdb_columns() where table_name = '{}'"
    assert query(made.path / "analyst.duckdb", comments.format("people"))[:2] == [
        ("person_id", "Surrogate of the person"),
        ("sex", "F, M or X"),
    ]
    assert query(made.path / "board.duckdb", comments.format("headlines"))[1] == ("people", "People")


def test_databases_can_be_opened_by_duckdb_1_2(settings):
    made = publish(settings, INPUTS, pack)
    for name in ("analyst.duckdb", "board.duckdb"):
        versions = query(
            made.path / name, "select tags['storage_version'] from duckdb_databases() where path is not null"
        )
        assert versions == [("v1.2.0+",)]


def test_the_same_again_changes_nothing(settings):
    first = publish(settings, INPUTS, pack)
    before = {path: path.stat().st_mtime_ns for path in first.path.rglob("*")}
    second = publish(settings, INPUTS, pack)
    assert (second.release_id, second.changed) == (first.release_id, False)
    assert {path: path.stat().st_mtime_ns for path in first.path.rglob("*")} == before
    assert names(settings) == ["current", first.release_id]


def test_other_code_is_another_release_with_the_same_content(settings):
    first = publish(settings, INPUTS, pack)
    second = publish(settings, INPUTS | {"code": "3"}, pack)
    assert second.release_id != first.release_id
    assert second.manifest["content_digest"] == first.manifest["content_digest"]


def test_a_reader_of_the_old_release_keeps_reading_it(settings, rewrite):
    publish(settings, INPUTS, pack)
    with duckdb.connect(str(settings.releases / "current" / "analyst.duckdb"), read_only=True) as reader:
        rewrite("marts/people", "('P000000000003', 'F')", "('P000000000003', 'F'), ('P000000000004', 'M')")
        publish(settings, INPUTS, pack)
        assert reader.execute("select count(*) from marts.people").fetchall() == [(3,)]
    assert query(settings.releases / "current" / "analyst.duckdb", "select count(*) from marts.people") == [(4,)]


REFUSALS = {
    "a column without a description": (
        "alter table marts.people add column note varchar", "documentation", "marts.people.note has no description",
    ),
    "a reference of an agency": (
        "create or replace table marts.contacts as select *, 'x' as incident_ref from marts.contacts", "separation",
        "marts.contacts.incident_ref is named like",
    ),
    "a person_ref under a harmless name": (
        "update marts.people set sex = 'd41d8cd98f00b204e9800998ecf8427e' where sex = 'M'", "separation",
        "marts.people.sex holds values of the form of an agency's keyed reference",
    ),
    "a Bloom filter": (
        "create or replace table marts.people as select *, 'ab'::blob as word from marts.people", "separation",
        "marts.people.word holds binary values",
    ),
    "no contacts": ("delete from marts.contacts", "completeness", "marts.contacts has no rows"),
    "a mart that was not built": ("drop table marts.people", "completeness", "marts.people is missing"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_failed_check_keeps_the_old_release_and_says_why(settings, fault):
    damage, check, words = REFUSALS[fault]
    standing = publish(settings, INPUTS, pack)
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        connection.execute(damage)
    with pytest.raises(ReleaseRefused) as refused:
        publish(settings, INPUTS, pack)
    assert check in [failed.name for failed in refused.value.checks if not failed.passed]
    assert words in str(refused.value)
    assert names(settings) == ["current", standing.release_id]
    assert (settings.releases / "current").resolve() == standing.path.resolve()


def test_a_board_column_without_a_role_is_never_published(settings, rewrite):
    rewrite("board/headlines", "-- [count] Contacts", "-- Contacts")
    with pytest.raises(UncontrolledTable, match="contacts"):
        publish(settings, INPUTS, pack)
    assert names(settings) == []


def test_disclosure_check_finds_what_control_left(settings):
    made = publish(settings, INPUTS, pack)
    path = made.path / "board.duckdb"
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update headlines set people = 3 where label = 'seen'")
        connection.execute("update headlines set contacts = 212 where label = 'going round'")
    checks = check_release(made.path, board_roles(settings), settings)
    problems = {check.name: check.problems for check in checks}
    assert problems["disclosure"] == [
        "board.duckdb: board.headlines.people is 1 to 7 in 1 rows",
        "board.duckdb: board.headlines.people is not a multiple of 5 in 1 rows",
        "board.duckdb: board.headlines.contacts is not a multiple of 5 in 1 rows",
        "board.duckdb: board.headlines.contacts stands in a withheld row in 1 rows",
    ]


@pytest.mark.parametrize("moment", ["while the page is written", "at the switch"])
def test_stopped_half_way_the_last_release_still_opens(settings, monkeypatch, moment):
    standing = publish(settings, INPUTS, pack)

    def stopped(*_):
        raise KeyboardInterrupt

    if moment == "at the switch":
        monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish(settings, INPUTS | {"code": "3"}, pack if moment == "at the switch" else stopped)
    monkeypatch.undo()
    current = settings.releases / "current"
    assert current.resolve() == standing.path.resolve()
    assert query(current / "analyst.duckdb", "select count(*) from marts.people") == [(3,)]
    assert not [name for name in names(settings) if name.startswith(".building")]
    assert publish(settings, INPUTS | {"code": "3"}, pack).path.resolve() == current.resolve()


def test_what_a_killed_build_left_is_cleared(settings):
    leftover = settings.releases / ".building-abc" / "marts"
    leftover.mkdir(parents=True)
    (leftover / "people.parquet").write_text("half")
    (settings.releases / ".building-current").symlink_to("r000000000000")
    made = publish(settings, INPUTS, pack)
    assert names(settings) == ["current", made.release_id]


def test_the_last_releases_are_kept_for_going_back(settings):
    made = [publish(settings, INPUTS | {"code": str(number)}, pack) for number in range(4)]
    kept = {manifest["release_id"] for manifest in releases(settings)}
    assert len(kept) == settings.releases_kept == 2
    assert made[-1].release_id in kept
    for release_id in kept:
        assert content_digest(settings.releases / release_id / "analyst.duckdb")


def test_going_back_to_earlier_inputs_switches_to_the_release_that_is_there(settings):
    first = publish(settings, INPUTS, pack)
    publish(settings, INPUTS | {"code": "3"}, pack)
    again = publish(settings, INPUTS, pack)
    assert again.changed
    assert (settings.releases / "current").resolve() == first.path.resolve()


@pytest.mark.parametrize("name", ["board_pack.html", "analyst.duckdb"])
def test_a_damaged_release_is_built_again(settings, name):
    made = publish(settings, INPUTS, pack)
    (made.path / name).unlink()
    again = publish(settings, INPUTS, pack)
    assert again.changed and again.release_id == made.release_id
    assert (again.path / name).is_file()
    assert names(settings) == ["current", made.release_id]


def test_current_is_none_before_the_first_release(settings):
    assert release.current_release(settings) is None
    made = publish(settings, INPUTS, pack)
    assert release.current_release(settings) == made.path
