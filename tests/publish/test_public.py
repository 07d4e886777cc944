"""Staged until a named person approves; then public, and what the next release is held against."""

import csv
import json
import threading

import duckdb
import pytest

from pipelines import cli
from pipelines.pseudonymise.errors import InputError
from pipelines.publish.approval import approve, retract
from pipelines.publish.board_files import read_board_tables
from pipelines.publish.checks import check_release
from pipelines.publish.public import (
    audit_release,
    current_public,
    describe,
    read_approval,
    read_earlier,
    what_is_public,
)
from pipelines.publish.release import publish, read_manifest, roll_back, withdraw
from pipelines.publish.tables import board_roles
from pipelines.run_lock import only_run

INPUTS = {"state": "1", "code": "2"}

BY_WARD = """-- One row per ward: people who came.
-- Counts: people who came
-- Adds up: ward_label to 'All wards', people once
-- Within: people in contacts
-- Key: ward_label
select
    ward_label, -- [label] Ward
    people, -- [people] People who came
    contacts, -- [count] Their contacts
    agencies -- [agencies] Agencies whose records these are
from (values ('Reed', 7, 20, 1), ('Hill', 12, 40, 3), ('All wards', 19, 60, 3)) as wards (ward_label, people, contacts, agencies)
"""


def pack(board, out, facts):
    out.write_text(f"{facts['release_id']}: {facts['approved'] or 'staged'}", encoding="utf-8")


@pytest.fixture
def by_ward(settings, rewrite):
    """by_ward(old text, new text): a board table by ward, of 7 people in Reed and 12 in Hill, in the warehouse."""
    (settings.sql / "board/by_ward.sql").write_text(BY_WARD, encoding="utf-8")

    def change(old=" Ward\n", new=" Ward\n"):
        rewrite("board/by_ward", old, new)

    change()
    return change


def approved(settings, made, by="A. Reeve"):
    return approve(settings, made.release_id, by, pack)


def wards(folder):
    with duckdb.connect(str(folder / "board.duckdb"), read_only=True) as connection:
        rows = connection.execute("select ward_label, people, contacts, agencies, withheld_reason from by_ward")
        return {row[0]: row[1:] for row in rows.fetchall()}


def test_what_would_show_a_withheld_number_is_withheld_too(settings, by_ward):
    made = publish(settings, INPUTS, pack)
    assert wards(made.path) == {
        "All wards": (20, 60, "several agencies", None),
        "Hill": (None, None, None, "would show a withheld number"),
        "Reed": (None, None, None, "fewer than 8 people"),
    }
    assert all(check.passed for check in made.checks)


def test_a_table_that_gives_a_withheld_number_away_fails_the_check(settings, by_ward):
    made = publish(settings, INPUTS, pack)
    path = made.path / "board.duckdb"
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update by_ward set people = 10, contacts = 40, withheld_reason = null where ward_label = 'Hill'"
        )
    checks = {check.name: check.problems for check in check_release(made.path, board_roles(settings), settings)}
    assert checks["audit"] == ["people of people who came (ward_label Reed) can only be 6 to 7"]
    assert checks["disclosure"] == []
    found = audit_release(settings, made.path, made.manifest, None)
    assert "NOT HIDDEN: people of people who came (ward_label Reed) can only be 6 to 7" in describe(
        found, made.release_id, None, settings
    )


@pytest.mark.parametrize(
    ("area", "problems"),
    [
        ("E05990004", []),
        ("E01990018", ["board.duckdb: board.by_ward.ward_label holds LSOAs: no area smaller than a ward is published"]),
        (
            "Reedham 013A",
            ["board.duckdb: board.by_ward.ward_label holds LSOAs: no area smaller than a ward is published"],
        ),
    ],
)
def test_no_area_smaller_than_a_ward_is_published(settings, by_ward, area, problems):
    made = publish(settings, INPUTS, pack)
    path = made.path / "board.duckdb"
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update by_ward set ward_label = ? where ward_label = 'Hill'", [area])
    checks = {check.name: check.problems for check in check_release(made.path, board_roles(settings), settings)}
    assert checks["disclosure"] == problems


def test_a_declaration_that_does_not_hold_refuses_the_release(settings, by_ward):
    by_ward("19, 60", "300, 900")
    with pytest.raises(Exception, match="people who came.*contradict"):
        publish(settings, INPUTS, pack)
    assert not (settings.releases / "current").exists()


def test_the_csv_files_hold_what_the_database_holds_and_say_what_it_means(settings, by_ward):
    made = publish(settings, INPUTS, pack)
    with (made.path / "board/by_ward.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "ward_label": "Hill", "people": "", "contacts": "", "agencies": "",
        "withheld_reason": "would show a withheld number",
    }  # fmt: skip
    assert rows[0]["people"] == "20"
    metadata = json.loads((made.path / "board/csv-metadata.json").read_text())
    assert metadata["@context"][0] == "http://www.w3.org/ns/csvw"
    (table,) = [table for table in metadata["tables"] if table["url"] == "by_ward.csv"]
    assert table["dc:description"] == "One row per ward: people who came."
    assert table["tableSchema"]["primaryKey"] == ["ward_label"]
    assert table["tableSchema"]["columns"][1] == {
        "name": "people", "titles": "people", "dc:description": "People who came", "datatype": "integer",
    }  # fmt: skip
    assert {table.name for table in read_board_tables(made.path)} == {"by_ward", "headlines"}


def test_a_release_is_staged_until_a_named_person_approves_it(settings):
    made = publish(settings, INPUTS, pack)
    assert current_public(settings) is None
    assert (made.path / "board_pack.html").read_text() == f"{made.release_id}: staged"
    with pytest.raises(InputError, match="--by"):
        approved(settings, made, by=" ")
    public = approved(settings, made)
    assert current_public(settings) == public == settings.public / made.release_id
    assert sorted(str(path.relative_to(public)) for path in public.rglob("*") if path.is_file()) == [
        "approval.json", "board.duckdb", "board/csv-metadata.json", "board/headline_changes.csv", "board/headlines.csv",
        "board_pack.html",
    ]  # fmt: skip
    assert "A. Reeve" in (public / "board_pack.html").read_text()
    assert read_approval(public)["approved_by"] == "A. Reeve"


def test_the_same_again_is_the_same_release_after_it_was_approved(settings, by_ward):
    first = publish(settings, INPUTS, pack)
    approved(settings, first)
    again = publish(settings, INPUTS, pack)
    assert (again.release_id, again.changed) == (first.release_id, False)
    approved(settings, again, by="B. Hythe")
    assert read_approval(current_public(settings))["approved_by"] == "B. Hythe"
    assert publish(settings, INPUTS, pack).release_id == first.release_id


def test_what_was_withheld_for_others_stays_withheld_in_the_next_release(settings, by_ward):
    approved(settings, publish(settings, INPUTS, pack))
    by_ward(", ('All wards', 19, 60, 3)", "")  # alone there is nothing any more to work Reed out from
    made = publish(settings, INPUTS | {"code": "3"}, pack)
    assert wards(made.path)["Hill"] == (None, None, None, "would show a withheld number")


def test_a_release_made_before_another_became_public_is_audited_again(settings, by_ward):
    by_ward(", ('All wards', 19, 60, 3)", "")
    staged = publish(settings, INPUTS, pack)
    assert wards(staged.path)["Hill"][0] == 10
    by_ward("('Hill', 12, 40, 3)", "('Hill', 12, 40, 3), ('All wards', 19, 60, 3)")
    approved(settings, publish(settings, INPUTS | {"code": "3"}, pack))
    with pytest.raises(InputError, match="upstream run --force"):
        approved(settings, staged)


def test_what_is_public_and_cannot_be_kept_apart_refuses_the_release(settings, by_ward):
    public = approved(settings, publish(settings, INPUTS, pack))
    (public / "board.duckdb").chmod(0o644)
    with duckdb.connect(str(public / "board.duckdb")) as connection:  # as if it had been published without control
        connection.execute("update by_ward set people = 10, withheld_reason = null where ward_label = 'Hill'")
    with pytest.raises(Exception, match="6 to 7"):
        publish(settings, INPUTS | {"code": "3"}, pack)
    assert read_manifest(settings.releases / "current")["inputs"] == INPUTS


def test_nobody_approves_or_retracts_while_somebody_else_has_the_data_folder(settings):
    made = publish(settings, INPUTS, pack)
    with only_run(settings, "upstream run"), pytest.raises(InputError, match="under way: upstream run"):
        approved(settings, made)
    assert current_public(settings) is None
    approved(settings, made)
    with only_run(settings, "upstream run"), pytest.raises(InputError, match="under way: upstream run"):
        retract(settings, "A. Reeve", "wrong month")
    assert current_public(settings).name == made.release_id


def test_of_two_approvals_at_once_one_is_told_to_wait_and_what_is_public_is_whole(settings):
    made = publish(settings, INPUTS, pack)
    writing, told = threading.Event(), threading.Event()

    def slow(board, out, facts):
        writing.set()
        assert told.wait(20)
        pack(board, out, facts)

    first = threading.Thread(target=approve, args=(settings, made.release_id, "A. Reeve", slow))
    first.start()
    assert writing.wait(20)
    with pytest.raises(InputError, match="under way: an approval"):
        approved(settings, made, by="B. Hythe")
    told.set()
    first.join()
    assert read_approval(current_public(settings))["approved_by"] == "A. Reeve"
    assert [path.name for path in settings.public.iterdir() if path.name.startswith(".")] == []


def test_an_approval_that_breaks_off_leaves_what_was_public_and_nothing_half_done(settings, by_ward):
    first = approved(settings, publish(settings, INPUTS, pack))
    by_ward("'Hill', 12, 40", "'Hill', 30, 90")
    by_ward("19, 60", "37, 110")
    second = publish(settings, INPUTS | {"state": "2"}, pack)

    def broken(board, out, facts):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        approve(settings, second.release_id, "A. Reeve", broken)
    assert current_public(settings) == first
    assert sorted(path.name for path in settings.public.iterdir()) == sorted(["current", first.name])


def test_what_is_retracted_is_public_no_more_and_the_next_release_is_still_held_against_it(settings, by_ward):
    first = approved(settings, publish(settings, INPUTS, pack))
    with pytest.raises(InputError, match="--reason"):
        retract(settings, "A. Reeve", " ")
    assert retract(settings, "A. Reeve", "wrong month") == first.name
    assert current_public(settings) is None
    assert [path.name for path in settings.public.iterdir()] == [".retracted"]
    assert what_is_public(settings).startswith("Nothing is public")
    kept = read_approval(settings.public / ".retracted" / first.name)
    assert (kept["retracted"]["by"], kept["retracted"]["because"]) == ("A. Reeve", "wrong month")
    by_ward(", ('All wards', 19, 60, 3)", "")  # alone there is nothing any more to work Reed out from
    made = publish(settings, INPUTS | {"code": "3"}, pack)
    assert made.manifest["compared_with"] == first.name
    assert wards(made.path)["Hill"] == (None, None, None, "would show a withheld number")
    with pytest.raises(InputError, match="nothing is public"):
        retract(settings, "A. Reeve", "again")


def test_a_retracted_release_can_be_approved_again(settings):
    made = publish(settings, INPUTS, pack)
    approved(settings, made)
    retract(settings, "A. Reeve", "a mistake")
    public = approved(settings, made, by="B. Hythe")
    assert current_public(settings) == public
    assert "retracted" not in read_approval(public)
    assert list((settings.public / ".retracted").iterdir()) == []
    assert {table.name for table in read_earlier(settings, made.release_id, "2025-01").tables} >= {"headlines"}


def test_going_back_changes_what_analysts_read_and_not_what_is_public(settings, rewrite):
    first = publish(settings, INPUTS, pack)
    rewrite("board/headlines", "1242", "1342")
    second = publish(settings, INPUTS | {"state": "2"}, pack)
    approved(settings, second)
    roll_back(settings, first.release_id)
    assert current_public(settings).name == second.release_id
    assert f"Public is {second.release_id}, approved by A. Reeve." in what_is_public(settings)


def test_a_withdrawn_release_is_not_public_silently_and_not_approved_again(settings):
    made = publish(settings, INPUTS, pack)
    approved(settings, made)
    withdraw(settings, made.release_id, "people of it were erased")
    assert "(withdrawn: people of it were erased)" in what_is_public(settings)
    assert "upstream release retract" in what_is_public(settings)
    with pytest.raises(InputError, match="cannot be approved: people of it were erased"):
        approved(settings, made)


def upstream(settings, monkeypatch, capsys, *arguments):
    """What the command printed, what it said is wrong, and its exit code."""
    monkeypatch.setattr(cli, "Settings", lambda: settings)
    code = cli.main(list(arguments))
    said = capsys.readouterr()
    return said.out, said.err, code


def test_the_audit_says_what_was_tried_and_the_narrowest_interval(settings, by_ward, monkeypatch, capsys):
    made = publish(settings, INPUTS, pack)
    out, err, code = upstream(settings, monkeypatch, capsys, "disclosure-audit", "current")
    assert (err, code) == ("", 0)
    first, *rest = out.splitlines()
    assert first == f"Release {made.release_id}, alone: nothing was public before it"
    assert (
        "12 counts, 2 of them withheld" in rest[0]
        and "sums, margins and limits" in rest[1]
        and "a solver was asked" in rest[2]
    )
    assert rest[3].startswith("Narrowest: people of") and rest[3].endswith("can be 1 to 7")
    assert rest[4] == "Each is to have at least 4 whole numbers that it can be: all have them."


def test_the_audit_of_an_unsafe_release_says_which_count_is_not_hidden_and_fails(
    settings, by_ward, monkeypatch, capsys
):
    path = publish(settings, INPUTS, pack).path / "board.duckdb"
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update by_ward set people = 10, withheld_reason = null where ward_label = 'Hill'")
    out, _, code = upstream(settings, monkeypatch, capsys, "disclosure-audit", "current")
    assert code == 1
    assert "NOT HIDDEN: people of people who came (ward_label Reed) can only be 6 to 7" in out
    assert out.endswith("1 have fewer.\n")


@pytest.mark.parametrize(
    "arguments",
    [["disclosure-audit", "r0"], ["release", "diff", "r0"], ["release", "approve", "r0", "--by", "A. Reeve"]],
)
def test_a_release_that_is_not_there_is_one_clear_error(settings, arguments, monkeypatch, capsys):
    made = publish(settings, INPUTS, pack)
    out, err, code = upstream(settings, monkeypatch, capsys, *arguments)
    assert (out, code) == ("", 2)
    assert err == f"upstream {arguments[0]}: there is no release r0. Those that are kept: {made.release_id}.\n"


def test_going_back_and_the_list_say_what_is_public_and_how_to_change_it(settings, monkeypatch, capsys):
    made = publish(settings, INPUTS, pack)
    out, _, _ = upstream(settings, monkeypatch, capsys, "release", "rollback", made.release_id)
    assert "Nothing is public; to publish a release: upstream release approve RELEASE_ID --by NAME" in out
    approved(settings, made)
    out, _, _ = upstream(settings, monkeypatch, capsys, "release", "list")
    assert "current, approved by A. Reeve\n" in out and f"Public is {made.release_id}, approved by A. Reeve." in out
    out, _, code = upstream(
        settings, monkeypatch, capsys, "release", "retract", "--by", "A. Reeve", "--reason", "wrong month"
    )
    assert code == 0 and "is taken back. Nothing is public" in out
    out, _, _ = upstream(settings, monkeypatch, capsys, "release", "list")
    assert "current, approved by A. Reeve, retracted: wrong month\n" in out
