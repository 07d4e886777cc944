"""Staged until a named person approves; then public, and what the next release is held against."""

import csv
import json

import duckdb
import pytest

from pipelines.pseudonymise.errors import InputError
from pipelines.publish.board_files import read_board_tables
from pipelines.publish.checks import check_release
from pipelines.publish.public import approve, audit_release, current_public, describe, read_approval
from pipelines.publish.release import publish, read_facts, read_manifest
from pipelines.publish.tables import board_roles

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
    return approve(settings, made.path, made.manifest, read_facts(made.path), by, pack)


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
