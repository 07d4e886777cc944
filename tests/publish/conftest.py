"""A warehouse of five small tables, with the SQL files that describe them, in a project of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.warehouse.database import build_table
from pipelines.warehouse.sqlfile import load_file

SQL = {
    "marts/people": """-- One row per person.
select
    person_id, -- Surrogate of the person
    sex, -- F, M or X
    null::varchar as age_band, -- Age band
    null::varchar as ethnic_group, -- Ethnic group
    null::integer as imd_quintile, -- Deprivation quintile
    null::varchar as death_month -- Month of death
from (values ('P000000000001', 'F'), ('P000000000002', 'M'), ('P000000000003', 'F')) as people (person_id, sex)
""",
    "marts/contacts": """-- One row per contact.
select
    contact_id, -- Surrogate of the contact
    person_id, -- Person it was with
    'WEXH' as agency, -- Agency
    started_at, -- When it started
    'E01990001' as lsoa, -- Area
    'E05990001' as ward, -- Ward of the area
    staff_minutes -- Minutes of staff time
from (
    values
    ('C1', 'P000000000001', timestamp '2025-01-01 10:00', 30.0),
    ('C2', 'P000000000001', timestamp '2025-01-02 11:30', 45.5),
    ('C3', 'P000000000002', timestamp '2025-01-03 23:59', null)
) as contacts (contact_id, person_id, started_at, staff_minutes)
""",
    "marts/demand_by_area": """-- One row per area.
-- Key: lsoa
select
    'E01990001' as lsoa, -- Area
    1930 as residents -- Residents
""",
    "marts/linkage_quality": """-- One row per measure.
select
    'precision' as measure, -- What is measured
    0.98 as value -- Its value
""",
    "board/headlines": """-- One row per headline.
select
    label, -- [label] What is counted
    people, -- [people] People
    contacts, -- [count] Contacts
    median_days, -- [rate] Median days between them
    null::double as minutes, -- [minutes] Minutes
    label as headline_id, -- [label] Name
    'people' as unit -- [label] What is counted
from (
    values ('seen', 1242, 3001, 30.4), ('going round', 7, 212, 6.5), ('nobody', 0, 0, null)
) as headlines (label, people, contacts, median_days)
""",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project with reference data, feed contracts and a built warehouse, and no release yet."""
    settings = Settings(project=tmp_path, data=tmp_path / "data", releases_kept=2)
    real = Settings()
    shutil.copytree(real.reference, settings.reference)
    shutil.copytree(real.feed_contracts.parent, settings.feed_contracts.parent, ignore=lambda folder, names: [
        name for name in names if name.endswith(".py") or name == "__pycache__"
    ])  # fmt: skip
    for name, text in SQL.items():
        path = settings.sql / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings.warehouse.mkdir(parents=True)
    build(settings)
    return settings


def build(settings: Settings) -> None:
    """The warehouse from the project's SQL files, and one accepted delivery."""
    with duckdb.connect(str(settings.warehouse_db)) as connection:
        for schema in ("accepted", "reference", "marts", "board"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            "create or replace table accepted.deliveries as select 'WEXH' as agency, 'ae_attendances' as feed, "
            "'2025-01' as period, 'd1' as delivery_id, 'accepted' as status, 'abc' as digest, "
            "4 as received_activity, 3 as accepted_activity, 1 as refused_activity"
        )
        connection.execute(
            f"create or replace table reference.feeds as from read_csv('{settings.reference / 'feeds.csv'}')"
        )
        for path in sorted(settings.sql.glob("*/*.sql")):
            build_table(connection, load_file(path))


@pytest.fixture
def rewrite(settings: Settings) -> Callable[[str, str, str], None]:
    """Changes a table's SQL file (table, old text, new text) and builds the warehouse again."""

    def change(table: str, old: str, new: str) -> None:
        path = settings.sql / f"{table}.sql"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        build(settings)

    return change
