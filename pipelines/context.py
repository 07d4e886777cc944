"""Context about areas that is published by others and has no persons in it: police.uk street-level crime.

`upstream police-uk` takes the monthly CSV files as they are downloaded and keeps, for each force and month, how many
crimes there were by LSOA, type and last outcome. Map points are left behind: they are not where anything happened but
the nearest of a list of anonymous points. No pseudonym, no key and no agency is involved, so that this is no feed and
never becomes a contact; sql/marts/police_uk_crime.sql says how it may be read.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings
from pipelines.warehouse.names import literal

COLUMNS = {  # of police.uk: ours
    "Crime ID": "crime_id",
    "Month": "month",
    "Falls within": "force",
    "LSOA code": "lsoa",
    "Crime type": "crime_type",
    "Last outcome category": "last_outcome",
}
POLICE_UK_CRIME = {
    "month": "VARCHAR",
    "force": "VARCHAR",
    "lsoa": "VARCHAR",
    "crime_type": "VARCHAR",
    "last_outcome": "VARCHAR",
    "crimes": "BIGINT",
}
"""Columns of the Parquet files."""


@dataclass(frozen=True)
class Taken:
    """What became of one force's month: rows of the file, those that repeat a crime, and crimes without an LSOA."""

    month: str
    force: str
    rows: int
    repeated: int
    without_lsoa: int


def folder(settings: Settings) -> Path:
    """One Parquet file for each force and month; a month that comes again, with newer outcomes, replaces its file."""
    return settings.state / "context" / "police_uk_crime"


def take_in_police_uk(settings: Settings, sources: list[Path]) -> list[Taken]:
    """Keep what the files say, plain or gzipped, or folders of them. Raises InputError; that file is then left out.

    A Crime ID that stands there more than once is one crime, as its last row tells it. Anti-social behaviour has no id,
    and rows that look alike are incidents of their own, because many share one anonymous point.
    """
    taken = []
    for path in _files(sources):
        taken += _take_in(settings, path)
    return taken


def _files(sources: list[Path]) -> list[Path]:
    files = []
    for source in sources:
        if not source.exists():
            raise InputError(f"{source} is not there.")
        files += sorted(source.glob("**/*-street.csv*")) if source.is_dir() else [source]
    if not files:
        raise InputError(f"{', '.join(map(str, sources))}: there is no file such as 2025-01-kent-street.csv in it.")
    return files


def _take_in(settings: Settings, path: Path) -> list[Taken]:
    source = f"read_csv({literal(str(path))}, all_varchar = true, header = true, delim = ',', quote = '\"')"
    with duckdb.connect() as connection:
        try:
            header = [name for name, *_ in connection.execute(f"describe select * from {source}").fetchall()]
            if missing := [name for name in COLUMNS if name not in header]:
                raise InputError(f"{path}: no column {missing[0]!r}. Is this a street-level crime file of police.uk?")
            selected = ", ".join(f"nullif(trim(\"{name}\"), '') as {column}" for name, column in COLUMNS.items())
            connection.execute(
                f"create table rows as select row_number() over () as place, {selected} from {source}"
            ).fetchall()
        except duckdb.Error as error:
            raise InputError(f"{path} cannot be read as CSV ({type(error).__name__}). Download it again.") from None
        _check(connection, path)
        connection.execute("""
            create table crimes as
            select *, row_number() over (partition by crime_id order by place desc) > 1 and crime_id is not null as again
            from rows
        """)
        months = connection.execute("""
            select month, force, count(*), count(*) filter (again), count(*) filter (lsoa is null and not again)
            from crimes group by month, force order by month, force
        """).fetchall()
        folder(settings).mkdir(parents=True, exist_ok=True)
        for month, force, *_ in months:
            name = f"{month}-{re.sub('[^a-z0-9]+', '-', force.lower())}"
            beside = folder(settings) / f".{name}.new"
            connection.execute(
                f"""
                copy (
                    select month, force, lsoa, crime_type, last_outcome, count(*) as crimes
                    from crimes where month = {literal(month)} and force = {literal(force)} and not again
                    group by all order by all
                ) to {literal(str(beside))} (format parquet)
                """
            ).fetchall()
            beside.replace(folder(settings) / f"{name}.parquet")
    return [Taken(*month) for month in months]


def _check(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    for what, condition in (
        ("month such as 2025-01", "regexp_full_match(month, '[0-9]{4}-(0[1-9]|1[0-2])')"),
        ("force", "force is not null"),
        ("crime type", "crime_type is not null"),
        ("LSOA code such as E01000001, or none,", "lsoa is null or regexp_full_match(lsoa, '[EW]01[0-9]{6}')"),
    ):
        first, faulty = connection.execute(
            f"select min(place) + 1, count(*) from rows where not coalesce({condition}, false)"
        ).fetchall()[0]
        if faulty:
            raise InputError(f"{path}, line {first}: no {what} in {faulty:,} rows. Download it again.")
    if not connection.execute("select count(*) from rows").fetchall()[0][0]:
        raise InputError(f"{path} has no rows. Download it again.")
