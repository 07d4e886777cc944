"""Deliveries of as many rows as are asked for, for measuring how fast they are taken in: nothing in them is anybody's life.

Columns are filled by their type in the feed's contract, codes from the feed's lists, each column by itself but for the few
that a suite would refuse otherwise. Some rows fail, as in any extract. What does not belong here: people with a history
(life_courses.py), and names (people_only.py).
"""

import duckdb
import pyarrow as pa

from pipelines.code_lists import read_codes
from pipelines.pseudonymise import contract, encode
from pipelines.settings import Settings

PERIOD = "2024-01"
ROWS_A_PERSON = 3
EMPTY_OF_REQUIRED, EMPTY_OF_OTHERS = 600, 8  # one in so many is empty: about a row in a hundred is refused
NEEDED = {"EC_Discharge_Status_SNOMED_CT"}  # not required, but a row without it is refused as well
MINUTES = "(31 * 24 * 60)"
STAY = "(hash(i, 'stay') % 1500 + 10)::bigint"
ARRIVED = f"(timestamp '2024-01-01' + to_minutes((hash(i, 'at') % {MINUTES})::bigint))"

# Columns that must fit one another: SQL of a row number i.
FITTING = {
    "Arrival_Date": f"{ARRIVED}::date",
    "Arrival_Time": f"strftime({ARRIVED}, '%H:%M')",
    "EC_Departure_Date": f"({ARRIVED} + to_minutes({STAY}))::date",
    "EC_Departure_Time": f"strftime({ARRIVED} + to_minutes({STAY}), '%H:%M')",
    "EC_Departure_Time_Since_Arrival": STAY,
    "EC_Department_Type": "'01'",
    "EC_AttendanceCategory": "'1'",
    "EC_Injury_Date": f"{ARRIVED}::date",
    "Der_Dupe_Flag": "false",
    "Finished_Indicator": "true",
    "Client_Type": "'Service User'",
    "Event_End_Date": "date '2024-01-31'",
    "s136_place_of_safety": "if(hash(i, 's136') % 10 = 0, 'ED', null)",
}


def activity(settings: Settings, feed: str, rows: int, seed: int) -> pa.Table:
    """The activity file of one delivery, as it leaves an agency."""
    schema = contract.arrow_schema(feed)
    columns = [column for column in contract.activity_columns(feed) if column.type != "person"]
    event = contract.event_column(columns).name
    with duckdb.connect(config={"threads": settings.threads}) as con:
        lists = _code_lists(con, settings, columns)
        filled = ", ".join(
            f'{_filled(column, place, lists, event)} as "{column.name}"' for place, column in enumerate(columns)
        )
        table = con.sql(
            f"select {_person(rows)} as person_ref, {filled} from (select range + {seed} * {rows} as i from range({rows})) "
            "order by person_ref"
        ).to_arrow_table()
    return table.select(schema.names).cast(schema)


def people(feed: str, rows: int, seed: int, profile: str) -> tuple[pa.Table, pa.Table]:
    """The people and attributes files of the same delivery; tokens say nothing."""
    schema = pa.schema([("person_ref", pa.string()), *encode.identity_columns(profile).items()])
    tokens = {
        pa.int64(): "(hash(i, '{}') >> 1)::bigint",
        pa.bool_(): "hash(i, '{}') % 2 = 0",
        pa.binary(): "encode(repeat(md5(i::varchar || '{}'), 4))",
        pa.string(): "substr(md5(i::varchar || '{}'), 1, 4)",
    }
    columns = ", ".join(
        f'{tokens.get(f.type, "null").format(f.name)} as "{f.name}"' for f in schema if f.name != "person_ref"
    )
    attributes = contract.ATTRIBUTES_SCHEMA
    with duckdb.connect() as con:
        con.execute(f"create temp table known as select distinct {_person(rows)} as person_ref from "
                    f"(select range + {seed} * {rows} as i from range({rows}))")  # fmt: skip
        con.execute("create temp table numbered as select person_ref, row_number() over () as i from known")
        tokens_of = con.sql(f"select person_ref, {columns} from numbered order by person_ref").to_arrow_table()
        known = con.sql("""
            select person_ref, ['F', 'M'][1 + i % 2] as sex,
                ['0-17', '18-24', '25-44', '45-64', '65-74', '75-84', '85+'][1 + i % 7] as age_band,
                ['white', 'mixed', 'asian', 'black', 'other'][1 + i % 5] as ethnic_group,
                (1 + i % 5)::integer as imd_quintile, null as death_month, null as moved_away_month
            from numbered order by person_ref
        """).to_arrow_table()
    return tokens_of.select(schema.names).cast(schema), known.select(attributes.names).cast(attributes)


def _person(rows: int) -> str:
    return f"md5((hash(i, 'person') % {max(rows // ROWS_A_PERSON, 1)})::varchar)"


def _code_lists(
    con: duckdb.DuckDBPyConnection, settings: Settings, columns: list[contract.Column]
) -> dict[str, tuple[str, int]]:
    """For each code list SQL of its codes of the period, and how many they are."""
    con.register("versions", read_codes(settings.reference / "codes"))
    found = con.sql(
        f"select code_list, list(distinct code order by code) from versions "
        f"where valid_from <= date '{PERIOD}-01' and coalesce(valid_to, 'infinity') >= date '{PERIOD}-31' group by all"
    ).fetchall()
    for code_list, codes in found:
        con.execute(f"set variable codes_{code_list} = {[code.replace(chr(39), '') for code in codes]}")
    return {code_list: (f"getvariable('codes_{code_list}')", len(codes)) for code_list, codes in found}


def _filled(column: contract.Column, place: int, lists: dict[str, tuple[str, int]], event: str) -> str:
    """SQL of a column, empty here and there. place: its place in the contract; later times come after earlier ones."""
    if column.name in FITTING:
        return FITTING[column.name]
    draw, minute = f"hash(i, '{column.name}')", f"(hash(i, '{event}') % {MINUTES})::bigint"
    after = 0 if column.name == event else place
    codes, number = lists.get(column.code_list, ("['A1', 'B2', 'C3']", 3))
    value = {
        "reference": f"md5('{column.name}' || i)",
        "code": f"{codes}[1 + ({draw} % {number})::bigint]",
        "codes": f"{codes}[1 + ({draw} % {number})::bigint] || if({draw} % 3 = 0, ',' || {codes}[1], '')",
        "date": f"(timestamp '{PERIOD}-01' + to_minutes({minute}))::date + {after}",
        "timestamp": f"timestamp '{PERIOD}-01' + to_minutes({minute} + {10 * after})",
        "time": f"strftime(timestamp '{PERIOD}-01' + to_minutes({minute}), '%H:%M')",
        "integer": f"({draw} % 10)::bigint",
        "boolean": f"{draw} % 10 = 0",
        "area": f"'E0' || (1000000 + {draw} % 33000)",
    }[column.type]
    one_in = EMPTY_OF_REQUIRED if column.required or column.name in NEEDED else EMPTY_OF_OTHERS
    return f"if(hash(i, 'empty {column.name}') % {one_in} = 0, null, {value})"
