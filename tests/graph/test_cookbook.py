"""Whoever has a release alone can ask it: the cookbook runs, keys join, and every way of reading gives the same."""

import shutil
import subprocess

import duckdb
import pytest

from pipelines.evaluation.cookbook import answer, questions
from pipelines.publish.content import open_released
from pipelines.settings import Settings

QUESTIONS = questions(Settings())
MAY_BE_EMPTY = {"handoffs_inside_an_agency", "who_goes_round", "unusual_wards", "average_costs"}  # in so small a region


@pytest.fixture(scope="module")
def release(region):
    return region.settings.releases / "current"


@pytest.fixture
def analyst(release):
    with open_released(release / "analyst.duckdb") as connection:
        yield connection


def test_there_are_twenty_questions_and_the_page_has_each_with_its_query():
    page = (Settings().project / "docs" / "cookbook.md").read_text(encoding="utf-8")
    assert len(QUESTIONS) == 20
    assert page.count("\n## ") == 20
    assert [asked.name for asked in QUESTIONS if asked.question not in page or asked.sql not in page] == []


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.name)
def test_each_question_is_answered(analyst, asked):
    names, rows = answer(analyst, asked)
    assert len(names) == len(set(names))
    assert rows or asked.name[3:] in MAY_BE_EMPTY


def test_no_two_rows_of_a_table_have_its_key(analyst):
    keys = analyst.execute(
        "select table_name, list(column_name order by key_position) from marts.dictionary "
        "where key_position is not null group by all"
    ).fetchall()
    assert len(keys) > 20
    repeated = {
        table: analyst.execute(
            f"select count(*) from (select 1 from marts.{table} group by {', '.join(key)} having count(*) > 1)"
        ).fetchall()[0][0]
        for table, key in keys
    }
    assert [table for table, found in repeated.items() if found] == []


def test_every_value_that_joins_another_table_is_there(analyst):
    joins = analyst.execute(
        "select table_name, column_name, joins_table, joins_column from marts.dictionary where joins_table is not null"
    ).fetchall()
    assert ("handoffs", "next_contact_id", "contacts", "contact_id") in joins
    assert ("contacts", "person_id", "people", "person_id") in joins
    lost = [
        f"{table}.{column}"
        for table, column, joined, key in joins
        if analyst.execute(
            f"select 1 from marts.{table} where {column} is not null "
            f"and {column} not in (select {key} from marts.{joined}) limit 1"
        ).fetchall()
    ]
    assert lost == []


def test_parquet_files_hold_the_rows_of_the_tables(analyst, release):
    tables = [name for (name,) in analyst.execute("select distinct table_name from marts.dictionary").fetchall()]
    for table in tables:
        file = f"read_parquet('{release / 'marts' / f'{table}.parquet'}')"
        differing = f"(from marts.{table} except all from {file}) union all (from {file} except all from marts.{table})"
        assert analyst.execute(f"select count(*) from ({differing})").fetchall() == [(0,)], table


@pytest.mark.skipif(not shutil.which("duckdb"), reason="DuckDB's command line is not installed")
def test_the_command_line_gives_what_python_gives(analyst, release):
    query = "select count(*) from marts.contacts"
    said = subprocess.run(
        ["duckdb", "-readonly", "-csv", "-noheader", str(release / "analyst.duckdb"), query],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(said.stdout) == analyst.execute(query).fetchall()[0][0]


def test_the_file_alone_opens_read_only_under_its_own_name(release):
    with duckdb.connect(str(release / "analyst.duckdb"), read_only=True) as connection:
        assert connection.execute("from marts.people limit 1").fetchall()
        with pytest.raises(duckdb.InvalidInputException):
            connection.execute("create table marts.mine as select 1 as one")
