"""The region's geography from the files that the Office for National Statistics and MHCLG publish, as they are.

`upstream geography` makes of them the three tables that a real installation has in place of the fictional region's:

    areas               one row for each LSOA (2021) of the region: ward, district, deprivation quintiles
    lsoa_changes        what became of each LSOA of 2011, for the whole country
    areas_for_agencies  lsoa and imd_quintile, old and new codes: the list that agencies give to --areas

Where files of ward boundaries are given (GeoJSON), a fourth is ward_shapes, for the board's map (ward_shapes.py).

They lie in data/state/reference, where a CSV stands in for the one of its name in data/reference, so that the project
itself is never touched. A file is known by its columns, whatever it is called; plain or gzipped.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines import ward_shapes
from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings
from pipelines.warehouse.names import identifier, literal

FOR_AGENCIES = "areas_for_agencies"
BOUNDARIES = (".geojson", ".json")
# What a column holds: how publishers and their mirrors name it.
COLUMNS = {
    "lsoa_2011": r"lsoa_?11_?(code|cd)|lsoa code \(2011\)",
    "lsoa_2021": r"lsoa_?21_?(code|cd)|lsoa code \(2021\)",
    "change": r"change_code|chn?g_?ind",
    "ward": r"(ward|wd)_?\d\d_?(code|cd)",
    "ward_name": r"(ward|wd)_?\d\d_?(name|nm)",
    "district": r"(ltla|lad)_?\d\d_?(code|cd)",
    "district_name": r"(ltla|lad)_?\d\d_?(name|nm)",
    "decile": r"imd_decile|index of multiple deprivation \(imd\) decile.*",
    "police_area": r"pfa_?\d\d_?(name|nm)",
    "residents": r"residents|total population.*",
}
# What a file is, by the columns that it must have; the first that fits. A file of no kind is passed by.
KINDS = {
    "changes of LSOAs from 2011 to 2021": ("lsoa_2011", "lsoa_2021", "change"),
    "wards and districts": ("lsoa_2021", "ward", "ward_name", "district", "district_name"),
    "deprivation 2025": ("lsoa_2021", "decile"),
    "deprivation 2019": ("lsoa_2011", "decile"),
    "police areas": ("district", "police_area"),
    "residents": ("lsoa_2021", "residents"),
}
CHANGES, WARDS, IMD_2025, IMD_2019, POLICE_AREAS, RESIDENTS = KINDS
CODE = r"^[EW]01[0-9]{6}$"


@dataclass(frozen=True)
class Geography:
    """What was written: LSOAs of the region, wards, districts, and LSOAs of 2011 that changed, by how."""

    areas: int
    wards: int
    districts: int
    without_quintile: int
    split: int
    merged: int
    irregular: int
    drawn: int  # wards with a boundary
    passed_by: list[Path]


def take_in(
    settings: Settings, sources: list[Path], districts: Iterable[str] = (), police_area: str | None = None
) -> Geography:
    """Write the tables from published files, or from folders of them. Raises InputError; then nothing is written.

    districts: names or codes; police_area: name of a police force area. The region is these districts, or all.
    """
    if settings.fictional.exists():
        raise InputError(
            f"{settings.data} holds the demo's fictional region. Set UPSTREAM_DATA to a folder of your own."
        )
    with duckdb.connect() as connection:
        passed_by = _read(connection, _tables(sources))
        _check(connection)
        connection.execute(f"create table tables as {_best_fit()}")
        _choose(connection, list(districts), police_area)
        wards_of = {ward for (ward,) in connection.execute("select distinct ward from region").fetchall()}
        shapes = ward_shapes.outlines(_files(sources, BOUNDARIES), wards_of)
        folder = settings.state / "reference"
        folder.mkdir(parents=True, exist_ok=True)
        for name, query in (
            (FOR_AGENCIES, FOR_AGENCIES_QUERY),
            ("lsoa_changes", "select * from tables order by all"),
            ("areas", AREAS_QUERY),
        ):
            beside = folder / f".{name}.new"
            connection.execute(f"copy ({query}) to {literal(str(beside))} (header, delimiter ',')").fetchall()
            beside.replace(folder / f"{name}.csv")
        if shapes:
            ward_shapes.write(shapes, folder / "ward_shapes.csv")
        areas, wards, found, bare = connection.execute(
            f"select count(*), count(distinct ward), count(distinct district), count(*) - count(imd_quintile) "
            f"from ({AREAS_QUERY})"
        ).fetchall()[0]
        changed = dict(
            connection.execute(
                "select change, count(distinct lsoa_2011) from tables where lsoa_2021 in (select lsoa_2021 from region) "
                "group by change"
            ).fetchall()
        )
    return Geography(
        areas, wards, found, bare, changed.get("S", 0), changed.get("M", 0), changed.get("X", 0), len(shapes), passed_by
    )


AREAS_QUERY = """
    select
        region.lsoa_2021 as lsoa, 2021 as lsoa_vintage, region.ward, region.ward_name, region.district,
        region.district_name, coalesce(new.quintile, old.quintile) as imd_quintile,
        old.quintile as imd_2019_quintile, residents.residents
    from region
    left join imd_2025 as new on new.lsoa = region.lsoa_2021
    left join imd_2019_on_2021 as old on old.lsoa = region.lsoa_2021
    left join residents on residents.lsoa = region.lsoa_2021
    order by lsoa
"""
FOR_AGENCIES_QUERY = f"""
    with areas as ({AREAS_QUERY})
    select lsoa, imd_quintile from areas where imd_quintile is not null
    union
    select tables.lsoa_2011, areas.imd_quintile
    from tables inner join areas on areas.lsoa = tables.lsoa_2021
    where tables.best_fit and areas.imd_quintile is not null
        and tables.lsoa_2011 not in (select lsoa from areas)
    order by lsoa
"""


def _best_fit() -> str:
    """Each LSOA of 2011 beside those of 2021; one of these is where its records go.

    One that was split has no single successor: the published table has no weights, and the first one by code is taken,
    so that ward and district are right far more often than not, and the count of such records is told.
    """
    return """
        select
            lsoa_2011, lsoa_2021, change,
            row_number() over (
                partition by lsoa_2011 order by lsoa_2021 <> lsoa_2011, lsoa_2021
            ) = 1 as best_fit
        from changes
    """


def _files(sources: list[Path], endings: tuple[str, ...]) -> list[Path]:
    files = []
    for source in sources:
        if not source.exists():
            raise InputError(f"{source} is not there.")
        found = sorted(source.iterdir()) if source.is_dir() else [source]
        files += [path for path in found if path.name.lower().endswith(endings)]
    return files


def _tables(sources: list[Path]) -> list[Path]:
    files = _files(sources, (".csv", ".csv.gz"))
    if not files:
        raise InputError(f"{', '.join(map(str, sources))}: there is no CSV file in it.")
    return files


def _read(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> list[Path]:
    """Loads every file that is known by its columns; the others. Raises InputError for what is missing or doubled."""
    known: dict[str, Path] = {}
    passed_by = []
    for path in files:
        source = f"read_csv({literal(str(path))}, all_varchar = true, header = true, delim = ',', quote = '\"')"
        try:
            header = [name for name, *_ in connection.execute(f"describe select * from {source}").fetchall()]
        except duckdb.Error as error:
            raise InputError(f"{path} cannot be read as CSV ({type(error).__name__}). Download it again.") from None
        roles = {role: name for role, form in COLUMNS.items() for name in header if re.fullmatch(form, name.lower())}
        kind = next((kind for kind, needed in KINDS.items() if set(needed) <= roles.keys()), None)
        if kind is None:
            passed_by.append(path)
            continue
        if kind in known:
            raise InputError(f"{path} and {known[kind]} are both {kind}. Give one of them.")
        known[kind] = path
        selected = ", ".join(f"trim({identifier(roles[role])}) as {role}" for role in KINDS[kind])
        try:
            connection.execute(f"create table {identifier(kind)} as select {selected} from {source}")
        except duckdb.Error as error:
            raise InputError(f"{path} cannot be read as CSV ({type(error).__name__}). Download it again.") from None
        _check_codes(connection, kind, path)
    for kind in (CHANGES, WARDS):
        if kind not in known:
            raise InputError(f"No file has {kind} (columns such as {_example(kind)}).")
    if not {IMD_2025, IMD_2019} & known.keys():
        raise InputError(f"No file has {IMD_2025} or {IMD_2019} (columns such as {_example(IMD_2025)}).")
    _standardise(connection, known)
    return passed_by


def _example(kind: str) -> str:
    examples = {"lsoa_2011": "lsoa11cd", "lsoa_2021": "lsoa21cd", "change": "chgind", "ward": "wd24cd"} | {
        "ward_name": "wd24nm", "district": "lad24cd", "district_name": "lad24nm", "decile": "IMD_decile",
    }  # fmt: skip
    return ", ".join(examples[role] for role in KINDS[kind])


def _check_codes(connection: duckdb.DuckDBPyConnection, kind: str, path: Path) -> None:
    for role in (role for role in KINDS[kind] if role.startswith("lsoa")):
        faulty = connection.execute(
            f"select count(*) from {identifier(kind)} where not coalesce(regexp_matches({role}, {literal(CODE)}), false)"
        ).fetchall()[0][0]
        if faulty:
            raise InputError(
                f"{path}: {faulty:,} rows have no LSOA code such as E01000001 in {role}. Download it again."
            )
    if "decile" in KINDS[kind]:
        faulty = connection.execute(
            f"select count(*) from {identifier(kind)} where coalesce(try_cast(decile as double), 0) not between 1 and 10"
        ).fetchall()[0][0]
        if faulty:
            raise InputError(f"{path}: {faulty:,} rows have no decile from 1 to 10. Download it again.")


def _standardise(connection: duckdb.DuckDBPyConnection, known: dict[str, Path]) -> None:
    """Views by short names; an optional file that was not given is an empty one."""
    connection.execute(f"create view changes as select distinct * from {identifier(CHANGES)}")
    for view, kind, lsoa in (("imd_2025", IMD_2025, "lsoa_2021"), ("imd_2019", IMD_2019, "lsoa_2011")):
        quintile = "ceil(decile::double / 2)::integer"
        source = f"select {lsoa} as lsoa, {quintile} as quintile from {identifier(kind)}"
        empty = "select null::varchar as lsoa, null::integer as quintile limit 0"
        connection.execute(f"create view {view} as {source if kind in known else empty}")
    # LSOAs that were merged may have had different quintiles: the one of the most deprived stands for all.
    connection.execute("""
        create view imd_2019_on_2021 as
        select changes.lsoa_2021 as lsoa, min(imd_2019.quintile) as quintile
        from changes inner join imd_2019 on imd_2019.lsoa = changes.lsoa_2011
        group by changes.lsoa_2021
    """)
    residents = f"select lsoa_2021 as lsoa, residents::integer as residents from {identifier(RESIDENTS)}"
    empty = "select null::varchar as lsoa, null::integer as residents limit 0"
    connection.execute(f"create view residents as {residents if RESIDENTS in known else empty}")
    police = f"select district, police_area from {identifier(POLICE_AREAS)}"
    empty = "select null::varchar as district, null::varchar as police_area limit 0"
    connection.execute(f"create view police_areas as {police if POLICE_AREAS in known else empty}")


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    doubled, unknown = connection.execute(f"""
        select
            (select count(*) from (
                select lsoa_2021 from {identifier(WARDS)} group by lsoa_2021
                having count(distinct ward || district) > 1
            )),
            (select count(*) from (
                select lsoa_2021 from {identifier(WARDS)} except select lsoa_2021 from changes
            ))
    """).fetchall()[0]
    if doubled:
        raise InputError(f"{doubled:,} LSOAs are in more than one ward. Take the best-fit lookup, not the exact one.")
    if unknown:
        raise InputError(
            f"{unknown:,} LSOAs have a ward and are not in the lookup from 2011 to 2021. Do both files fit?"
        )


def _choose(connection: duckdb.DuckDBPyConnection, districts: list[str], police_area: str | None) -> None:
    """The LSOAs of the region, in the table `region`."""
    wards = identifier(WARDS)
    wanted = set()
    for name in districts:
        found = connection.execute(
            f"select distinct district from {wards} where lower($1) in (lower(district), lower(district_name))", [name]
        ).fetchall()
        if not found:
            raise InputError(f"There is no district {name!r}. Use its name or its code, as in the file of wards.")
        wanted |= {code for (code,) in found}
    if police_area:
        found = connection.execute(
            "select district from police_areas where lower(police_area) = lower($1)", [police_area]
        ).fetchall()
        if not found:
            raise InputError(
                f"There is no police area {police_area!r}. Name districts instead, or give the file of police areas."
            )
        wanted |= {code for (code,) in found}
    codes = ", ".join(map(literal, sorted(wanted)))
    chosen = f"where district in ({codes})" if wanted else ""
    connection.execute(f"create table region as select distinct * from {wards} {chosen}")
