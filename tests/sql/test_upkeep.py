"""A table is built if and only if something that it is made of has changed, and what was interrupted is built again."""

from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.warehouse import upkeep
from pipelines.warehouse.database import build_table, prepare
from pipelines.warehouse.sqlfile import SqlFile, load_file
from pipelines.warehouse.upkeep import content_digest, keep_up

NUMBERS = "-- Numbers.\nselect\n    number, -- Number\n    word -- Word\nfrom reference.words"
EVENS = "-- Even numbers.\nselect\n    number -- Number\nfrom staging.numbers where number % 2 = 0"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.fixture
def connection(settings):
    with duckdb.connect() as connection:
        prepare(connection, settings)
        words(connection, "(1, 'one'), (2, 'two')")
        yield connection


@pytest.fixture
def numbers(tmp_path) -> SqlFile:
    return sql(tmp_path, "staging/numbers", NUMBERS)


@pytest.fixture
def evens(tmp_path) -> SqlFile:
    return sql(tmp_path, "marts/evens", EVENS)


def sql(folder: Path, name: str, text: str) -> SqlFile:
    path = folder / "sql" / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load_file(path)


def words(connection: duckdb.DuckDBPyConnection, values: str) -> None:
    connection.execute(f"create or replace table reference.words as from (values {values}) as words (number, word)")


def why(connection, settings, *files: SqlFile) -> list[str | None]:
    return [keep_up(connection, settings, file).because for file in files]


def test_a_table_is_built_once_and_says_why(connection, settings, numbers, evens):
    assert why(connection, settings, numbers, evens) == ["there was no record of it"] * 2
    assert why(connection, settings, numbers, evens) == [None, None]


def test_a_change_goes_no_further_than_the_rows_that_it_changes(connection, settings, numbers, evens, tmp_path):
    most = sql(tmp_path, "board/most", "-- Most.\nselect\n    max(number) as most -- Highest\nfrom marts.evens")
    why(connection, settings, numbers, evens, most)
    words(connection, "(1, 'uno'), (2, 'two')")
    changed = ["changed: reference.words", "changed: staging.numbers", None]
    assert why(connection, settings, numbers, evens, most) == changed
    words(connection, "(1, 'uno'), (4, 'two')")
    changed[2] = "changed: marts.evens"
    assert why(connection, settings, numbers, evens, most) == changed
    assert connection.execute("from board.most").fetchall() == [(4,)]


def test_the_order_of_rows_is_no_change(connection, settings, numbers):
    why(connection, settings, numbers)
    words(connection, "(2, 'two'), (1, 'one')")
    assert why(connection, settings, numbers) == [None]


@pytest.mark.parametrize(
    "values",
    [
        "(1, 'one')",
        "(1, 'one'), (2, 'two'), (2, 'two')",
        "(1, 'one'), (2, null)",
        "(1, 'two'), (2, 'one')",
        "(1::bigint, 'one'), (2, 'two')",
    ],
    ids=["a row less", "a row twice", "an empty cell", "cells exchanged", "another type"],
)
def test_other_contents_have_another_digest(connection, values):
    before = content_digest(connection, ("reference", "words"))
    words(connection, values)
    assert content_digest(connection, ("reference", "words")) != before


def test_another_query_or_setting_builds_the_table_again(connection, settings, numbers, tmp_path):
    why(connection, settings, numbers)
    assert why(connection, Settings(data=settings.data, handoff_days=14), numbers) == ["changed: settings"]
    changed = sql(tmp_path, "staging/numbers", NUMBERS + " where number < 2")
    assert why(connection, settings, changed) == ["changed: its SQL, settings"]


def test_a_table_that_somebody_dropped_is_built_again(connection, settings, numbers):
    why(connection, settings, numbers)
    connection.execute("drop table staging.numbers")
    assert why(connection, settings, numbers) == ["there was no record of it"]


@pytest.mark.parametrize("is_built", [False, True], ids=["before the table", "after the table"])
def test_what_was_interrupted_is_built_again(connection, settings, numbers, monkeypatch, is_built):
    why(connection, settings, numbers)
    words(connection, "(3, 'three')")

    def killed(*arguments: object) -> int:
        if is_built:
            build_table(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(upkeep, "build_table", killed)
        keep_up(connection, settings, numbers)
    words(connection, "(1, 'one'), (2, 'two')")
    assert why(connection, settings, numbers) == ["there was no record of it"]
    assert connection.execute("select number from staging.numbers order by all").fetchall() == [(1,), (2,)]


def test_an_input_file_that_changed_builds_what_reads_it(connection, settings, tmp_path):
    accepted = settings.accepted / "ae_attendances" / "2024-01.deliveries.parquet"
    accepted.parent.mkdir(parents=True)
    reads = sql(tmp_path, "staging/agencies", "-- Agencies.\nselect\n    agency -- Agency\nfrom accepted.deliveries")
    others = sql(tmp_path, "staging/refs", "-- Refs.\nselect\n    person_ref -- Ref\nfrom accepted.attributes")
    why(connection, settings, reads, others)
    for agency in ("WEXH", "RAAA"):
        row = f"select '{agency}' as agency, 'ae_attendances' as feed, '2024-01' as period, 'D' as delivery_id"
        connection.execute(f"copy ({row}, 'accepted' as status, {NOTHING}) to '{accepted}.new' (format parquet)")
        Path(f"{accepted}.new").replace(accepted)
        assert why(connection, settings, reads, others) == ["changed: accepted.deliveries", None]
        assert connection.execute("from staging.agencies").fetchall() == [(agency,)]


NOTHING = ", ".join(
    [
        "null as reason",
        *(f"0 as {verb}_{file}" for verb in ("received", "accepted", "refused", "erased") for file in ("people", "attributes", "activity")),
        "null::date as partial_until",
        "'x' as digest",
    ]
)  # fmt: skip
