"""Multiplied data are what they say: as many times as much, and nothing that two copies share."""

from pathlib import Path

import duckdb
import pytest

from pipelines.evaluation.bench_sql import copies_for, multiply, table
from pipelines.settings import Settings
from pipelines.warehouse.database import ATTRIBUTES, DELIVERIES, PERSON_INDEX, activity_types, build_all, literal


def write(path: Path, types: dict[str, str], *rows: dict[str, str | int]) -> None:
    """A Parquet file with these columns, of which a row that does not say more is empty."""
    values = (
        ", ".join(
            f'{literal(row[name]) if name in row else "null"}::{kind} as "{name}"' for name, kind in types.items()
        )
        for row in rows
    )
    with duckdb.connect() as connection:
        connection.execute(f"copy ({' union all '.join(f'select {of_row}' for of_row in values)}) to '{path}'")


@pytest.fixture
def source(tmp_path):
    """A hub with two A&E attendances of one person."""
    settings = Settings(data=tmp_path / "source")
    folder = settings.accepted / "ae_attendances"
    for path in (folder, settings.linkage, settings.state):
        path.mkdir(parents=True)
    (settings.state / "hub_salt").write_text("0" * 64)
    slot = {"agency": "WEXH", "feed": "ae_attendances", "period": "2024-01", "delivery_id": "D", "person_ref": "ref"}
    person = {name: "P1" for name in ("person_id", "person_id_low", "person_id_high")}
    activity = activity_types(settings.feed_contracts / "ae_attendances.csv")
    event = slot | {"Arrival_Date": "2024-01-10"}
    write(folder / "2024-01.activity.parquet", activity, event | {"row_number": 1, "EC_Ident": "first"},
          event | {"row_number": 2, "EC_Ident": "second"})  # fmt: skip
    write(folder / "2024-01.attributes.parquet", ATTRIBUTES, slot)
    write(folder / "2024-01.deliveries.parquet", DELIVERIES, slot | {"status": "accepted", "accepted_activity": 2})
    write(settings.linkage / "person_index.parquet", PERSON_INDEX, slot | person)
    build_all(settings, target=("staging", "contacts"))
    return settings


def test_every_copy_has_its_own_people_and_contacts(source, tmp_path):
    target = Settings(data=tmp_path / "target")
    multiply(source, target, copies=3)
    build_all(target, target=("staging", "contacts"))
    with duckdb.connect(str(target.warehouse_db), read_only=True) as connection:
        found = connection.execute(
            "select count(*), count(distinct contact_id), count(distinct person_id) from staging.contacts"
        ).fetchall()
        delivered = connection.execute(
            f"select accepted_activity from '{target.accepted}/ae_attendances/2024-01.deliveries.parquet'"
        ).fetchall()
    assert (found, delivered) == ([(6, 6, 3)], [(6,)])


def test_as_many_copies_as_are_needed(source):
    assert [copies_for(source, contacts) for contacts in (2, 3, 4, 5)] == [1, 2, 2, 3]


def test_what_is_over_its_bar_says_so():
    fast = table(
        6, {"marts.people": 1.0, "cpu": 1.0, "wall": 180.0, "peak_gb": 6.0}, {"01_people": 2.0, "peak_gb": 9.0}
    )
    slow = table(6, {"marts.people": 1.0, "cpu": 1.0, "wall": 181.0, "peak_gb": 6.0}, {"01_people": 2.1})
    assert "too" not in fast and "9.0" not in fast
    assert slow.count("too much") == 1 and slow.count("too slow") == 1
