"""The hub's DuckDB file: opening it, showing it its inputs, and building one table from one SQL file.

Input rows stay in Parquet files and are seen through views; a feed that has not sent anything is an empty view with
the right columns. Nothing here knows what the tables mean.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from csv import DictReader
from pathlib import Path

import duckdb

from pipelines import context
from pipelines.code_lists import read_codes
from pipelines.hub_salt import hub_salt
from pipelines.settings import Settings
from pipelines.warehouse import feeds, functions, rules
from pipelines.warehouse.definitions import check_definitions
from pipelines.warehouse.names import identifier, literal, qualified
from pipelines.warehouse.sqlfile import SqlFile, SqlFileError, TableName, load_folder

ACTIVITY_TYPES = {"date": "DATE", "timestamp": "TIMESTAMP", "integer": "BIGINT", "boolean": "BOOLEAN"}

DELIVERED = {"agency": "VARCHAR", "feed": "VARCHAR", "period": "VARCHAR", "delivery_id": "VARCHAR"}
ATTRIBUTES = DELIVERED | {
    "person_ref": "VARCHAR",
    "sex": "VARCHAR",
    "age_band": "VARCHAR",
    "ethnic_group": "VARCHAR",
    "imd_quintile": "INTEGER",
    "death_month": "VARCHAR",
    "moved_away_month": "VARCHAR",
}
REFUSED = DELIVERED | {
    "file": "VARCHAR",
    "row_number": "BIGINT",
    "rule": "VARCHAR",
    "column_name": "VARCHAR",
    "reason": "VARCHAR",
}
CHECKS = DELIVERED | {
    **{name: "VARCHAR" for name in ("file", "rule", "column_name", "severity", "refuses", "kahn", "reason")},
    "checked": "BIGINT",
    "failed": "BIGINT",
}
DELIVERIES = (
    DELIVERED
    | {"status": "VARCHAR", "reason": "VARCHAR"}
    | {
        f"{state}_{file}": "BIGINT"
        for state in ("received", "accepted", "refused", "erased")
        for file in ("people", "attributes", "activity")
    }
    | {"partial_until": "DATE", "digest": "VARCHAR"}
)
PERSON_INDEX = {
    "agency": "VARCHAR",
    "feed": "VARCHAR",
    "person_ref": "VARCHAR",
    "person_id": "VARCHAR",
    "person_id_low": "VARCHAR",
    "person_id_high": "VARCHAR",
    "match_weight": "DOUBLE",
    "match_probability": "DOUBLE",
    "records": "INTEGER",
    "in_review": "BOOLEAN",
}
PERSON_HISTORY = {
    "run": "BIGINT",
    "period": "VARCHAR",
    "event": "VARCHAR",
    "person_id": "VARCHAR",
    "other_person_id": "VARCHAR",
    "records": "BIGINT",
}
CLIENT_PAIRS = {
    **{f"{name}_{side}": "VARCHAR" for side in "lr" for name in ("agency", "feed", "person_ref")},
    "match_probability": "DOUBLE",
}
PERSON_DRAWS = {
    "draw": "INTEGER",
    "agency": "VARCHAR",
    "feed": "VARCHAR",
    "person_ref": "VARCHAR",
    "person_key": "VARCHAR",
}
REVIEW_QUEUE = {"item": "VARCHAR", "reason": "VARCHAR"}
LINKAGE_QUALITY = {
    "measure": "VARCHAR",
    "detail": "VARCHAR",
    "value": "DOUBLE",
    "low": "DOUBLE",
    "high": "DOUBLE",
    "unit": "VARCHAR",
    "how": "VARCHAR",
}

REFERENCE_TYPES = {
    "priority": "INTEGER",
    "position": "INTEGER",
    "residents": "INTEGER",
    "least_age": "INTEGER",
    "imd_quintile": "INTEGER",
    "imd_2019_quintile": "INTEGER",
    "best_fit": "BOOLEAN",
    "lsoa_vintage": "INTEGER",
    "capacity_per_month": "INTEGER",
    "min_contacts": "INTEGER",
    "min_crisis": "INTEGER",
    "min_agencies": "INTEGER",
    "window_days": "INTEGER",
    "top": "INTEGER",
    "at_least": "INTEGER",
    "only_part": "BOOLEAN",
    "homeless": "BOOLEAN",
    "ended_without_help": "BOOLEAN",
    "expected": "BOOLEAN",
    "required": "BOOLEAN",
    "low": "DOUBLE",
    "central": "DOUBLE",
    "high": "DOUBLE",
    "deflator": "DOUBLE",
}

COMBINED_KEYS = {
    "codes": ["code_list", "code_key", "valid_from"],
    "feed_columns": ["feed", "column"],
    "lsoa_changes": ["lsoa_2011", "lsoa_2021"],
    "published_columns": ["table", "column"],
    "preventable_conditions": ["code_list", "code"],
}

NAMES_OF_MANY = {"contact_id", "person_id", "person_key", "person_ref", "spell_id"}
"""Columns whose values name one of millions, or end in such a name (next_contact_id): random, so that compressing them
saves about half of their space and takes a third of the time of writing a wide table. They are stored as they are."""

UPKEEP = "upkeep"  # schema of what is recorded of the tables that are kept up to date (upkeep.py)
SCHEMAS = (
    "accepted",
    "linkage",
    "context",
    "reference",
    "feeds",
    "rules",
    "staging",
    "journeys",
    "opportunities",
    "marts",
    "board",
)

# National code lists spell one code in several ways, so that codes are compared on letters and digits only.
CODE_KEY = r"regexp_replace(replace(lower({}), '&', 'and'), '[^a-z0-9]', '', 'g')"
WILSON = (
    "{1}((share + 1.920729 / trials {0} 1.959964 * sqrt(share * (1 - share) / trials + 0.960365 / trials ^ 2)) "
    "/ (1 + 3.841459 / trials), {2})"
)
BYAR = "factor * {0} * (1 - 1 / (9 * ({0})) {1} 1.959964 / (3 * sqrt({0}))) ^ 3"
BYAR_LOW = f"if(events = 0, 0, greatest({BYAR.format('(events / factor)', '-')}, 0))"
BYAR_HIGH = BYAR.format("(events / factor + 1)", "+")
MACROS = {
    "code_key(code)": CODE_KEY.format("code"),
    # A cell that holds several codes separates them by commas or by semicolons, as its agency pleases.
    "code_items(codes)": r"string_split_regex(trim(codes), '\s*[,;]\s*')",
    # Ends of the 95 % interval of a share of trials: Wilson 1927.
    "wilson_low(share, trials)": WILSON.format("-", "greatest", 0),
    "wilson_high(share, trials)": WILSON.format("+", "least", 1),
    # Ends of the 95 % interval of a count by Byar's method (Breslow and Day 1987), whose events come in clumps that widen its
    # variance by a factor: as if there were as many times fewer of them, each of that size.
    "byar_low(events, factor)": BYAR_LOW,
    "byar_high(events, factor)": BYAR_HIGH,
    "contact_key(agency, feed, reference)": "'C' || substr(sha256(getvariable('hub_salt') || '|' || agency || '|' || feed || '|' || reference), 1, 16)",
}


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, open for writing, with the schemas, macros and session variables that the SQL files rely on."""
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    config = {"threads": settings.threads, "memory_limit": settings.warehouse_memory}
    with duckdb.connect(str(settings.warehouse_db), config=config) as connection:
        connection.execute("set preserve_insertion_order = false")
        with _transaction(connection):
            prepare(connection, settings)
        yield connection


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Gives a connection the schemas, macros, functions and session variables that the SQL files rely on."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    for signature, body in MACROS.items():
        connection.execute(f"create or replace macro {signature} as {body}")
    functions.register(connection)
    for name, value in variables(settings).items():
        connection.execute(f"set variable {name} = {literal(value)}")


def variables(settings: Settings) -> dict[str, str | float]:
    """What the SQL files may ask for with getvariable()."""
    return {
        "hub_salt": hub_salt(settings.state),
        "spell_gap_days": settings.spell_gap_days,
        "handoff_days": settings.handoff_days,
        "bounce_hours": settings.bounce_hours,
        "agency_mix_days": settings.agency_mix_days,
        "unheard_days": settings.unheard_days,
        "unheard_crisis_days": settings.unheard_crisis_days,
        "met_hours": settings.met_hours,
        "persistence_months": ";".join(map(str, settings.persistence_months)),
        "linkage_draws": settings.linkage_draws,
        "cost_price_year": settings.cost_price_year,
        "drift_least_share": settings.drift_least_share,
        "drift_least_rows": settings.drift_least_rows,
    }


def show_inputs(connection: duckdb.DuckDBPyConnection, settings: Settings, names: Iterable[TableName]) -> None:
    """Points the input views among `names` at the Parquet files there are now."""
    files_and_types = input_files(settings)
    with _transaction(connection):
        for name in sorted(set(names) & files_and_types.keys()):
            connection.execute(f"create or replace view {qualified(name)} as {_select_files(*files_and_types[name])}")


def input_files(settings: Settings) -> dict[TableName, tuple[list[Path], dict[str, str]]]:
    """Every input view: the Parquet files there are for it, and its columns with their types."""
    accepted, linkage = settings.accepted, settings.linkage
    activity = {
        ("accepted", feed): (
            sorted(accepted.glob(f"{feed}/*.activity.parquet")),
            activity_types(settings.feed_contracts / f"{feed}.csv"),
        )
        for feed in settings.feeds
    }
    attributes = {
        ("accepted", attributes_of(feed)): (sorted(accepted.glob(f"{feed}/*.attributes.parquet")), ATTRIBUTES)
        for feed in settings.feeds
    }
    return (
        activity
        | attributes
        | {
            ("accepted", "attributes"): (sorted(accepted.glob("*/*.attributes.parquet")), ATTRIBUTES),
            ("accepted", "refused"): (sorted(accepted.glob("*/*.refused.parquet")), REFUSED),
            ("accepted", "checks"): (sorted(accepted.glob("*/*.checks.parquet")), CHECKS),
            ("accepted", "deliveries"): (sorted(accepted.glob("*/*.deliveries.parquet")), DELIVERIES),
            ("linkage", "person_index"): (sorted(linkage.glob("person_index.parquet")), PERSON_INDEX),
            ("linkage", "person_draws"): (sorted(linkage.glob("person_draws.parquet")), PERSON_DRAWS),
            ("linkage", "person_history"): (sorted(settings.state.glob("person_history.parquet")), PERSON_HISTORY),
            ("linkage", "client_pairs"): (sorted(linkage.glob("client_pairs.parquet")), CLIENT_PAIRS),
            ("linkage", "review_queue"): (sorted(linkage.glob("review_queue.parquet")), REVIEW_QUEUE),
            ("linkage", "quality"): (sorted(linkage.glob("quality.parquet")), LINKAGE_QUALITY),
            ("context", "police_uk_crime"): (
                sorted(context.folder(settings).glob("*.parquet")),
                context.POLICE_UK_CRIME,
            ),
        }
    )


def attributes_of(feed: str) -> str:
    """The view of one feed's attributes, for a table that another feed's correction is not to rebuild."""
    return f"{feed}_attributes"


def activity_types(contract: Path) -> dict[str, str]:
    """Columns of a feed's accepted activity with their types, from the feed's contract."""
    with contract.open(encoding="utf-8", newline="") as lines:
        columns = {
            "person_ref" if row["type"] == "person" else row["column"]: ACTIVITY_TYPES.get(row["type"], "VARCHAR")
            for row in DictReader(lines)
        }
    return DELIVERED | {"row_number": "BIGINT"} | columns


def reference_tables(settings: Settings) -> list[str]:
    """Names of the tables of schema reference: one a CSV, all code lists in one, and the feeds' contracts in one."""
    return sorted([path.stem for path in settings.reference.glob("*.csv")] + ["codes", "feed_columns"])


def reference_key(settings: Settings, table: str) -> list[str]:
    """The columns of which no two rows of a reference table have the same values: a table of one CSV's first column."""
    if table in COMBINED_KEYS:
        return COMBINED_KEYS[table]
    with settings.reference_csv(table).open(encoding="utf-8", newline="") as lines:
        return [DictReader(lines).fieldnames[0]]


def load_reference(connection: duckdb.DuckDBPyConnection, settings: Settings, table: str) -> int:
    """Loads one table of schema reference and returns its number of rows. Codes stay text, 01 stays 01."""
    if table == "codes":
        connection.register("code_lists", read_codes(settings.reference / "codes"))
        connection.execute("create or replace table reference.codes as from code_lists")
        connection.unregister("code_lists")
        return count_rows(connection, ("reference", table))
    if table == "definitions":
        check_definitions(settings)
    if table == "feed_columns":
        source = _csv_source(settings.feed_contracts / "*.csv")
        columns = "parse_filename(filename, true) as feed, "
    else:
        source, columns = _csv_source(settings.reference_csv(table)), ""
    described = connection.execute(f"describe select * exclude (filename) from {source}").fetchall()
    names = [name for name, *_ in described]
    columns += ", ".join(
        f"{identifier(name)}::{REFERENCE_TYPES.get(name, 'VARCHAR')} as {identifier(name)}" for name in names
    )
    connection.execute(f"create or replace table reference.{identifier(table)} as select {columns} from {source}")
    return count_rows(connection, ("reference", table))


def load_sql(settings: Settings) -> list[SqlFile]:
    """All SQL files in an order in which each can be built; none of a feed is missing."""
    files = sql_files(settings)
    feeds.check_shapes(settings, files)
    return files


def sql_files(settings: Settings) -> list[SqlFile]:
    """The SQL files that there are, in an order in which each can be built."""
    inputs = set(input_files(settings)) | {("reference", table) for table in reference_tables(settings)}
    return load_folder(settings.sql, inputs, [*feeds.gathered(settings), *rules.gathered(settings)])


def build_table(connection: duckdb.DuckDBPyConnection, file: SqlFile) -> int:
    """Builds a table from its file's own text, documents it in the database, and returns its number of rows.

    Raises SqlFileError where the query does not run, or where the columns that the database finds are not the ones that
    the file documents.
    """
    name = qualified(file.name)
    for view in file.gathered:
        _run(connection, file, f"create or replace view {qualified(view.name)} as {view.query}")
    types = {column: kind for column, kind, *_ in _run(connection, file, f"describe {file.text}")}
    found = list(types)
    documented = [column.name for column in file.columns]
    if found != documented:
        raise SqlFileError(
            f"{file.schema}/{file.table}.sql: the database finds the columns {', '.join(found)}, "
            f"the comments describe {', '.join(documented)}; give each column its own line and comment"
        )
    with _transaction(connection):
        columns = ", ".join(f"{identifier(column)} {_stored_as(column, kind)}" for column, kind in types.items())
        connection.execute(f"create or replace table {name} ({columns})")
        _run(connection, file, f"insert into {name} {file.text}")
        connection.execute(f"comment on table {name} is {literal(file.description)}")
        for column in file.columns:
            connection.execute(f"comment on column {name}.{identifier(column.name)} is {literal(column.comment)}")
    return count_rows(connection, file.name)


def _stored_as(column: str, kind: str) -> str:
    names_one = kind == "VARCHAR" and any(column == name or column.endswith(f"_{name}") for name in NAMES_OF_MANY)
    return f"{kind} using compression 'uncompressed'" if names_one else kind


def build_all(
    settings: Settings, progress: Callable[[str], None] = lambda line: None, target: TableName | None = None
) -> dict[TableName, int]:
    """Builds the warehouse from the files there are, in dependency order; rows of each table.

    target: a table that is built with what it is made from, and no more; None for everything.
    """
    rows: dict[TableName, int] = {}
    with open_warehouse(settings) as connection:
        connection.execute(f"drop schema if exists {UPKEEP} cascade")
        for table in reference_tables(settings):
            rows["reference", table] = load_reference(connection, settings, table)
        files = load_sql(settings)
        if target:
            files = _leading_to(files, target)
        show_inputs(connection, settings, {name for file in files for name in file.dependencies})
        for file in files:
            rows[file.name] = build_table(connection, file)
            progress(f"{file.schema}.{file.table}: {rows[file.name]:,} rows")
    return rows


def _leading_to(files: list[SqlFile], target: TableName) -> list[SqlFile]:
    """Those of the files, in their order of building, that `target` is made from, itself the last."""
    needed = {target}
    for file in reversed(files):
        if file.name in needed:
            needed |= file.dependencies
    return [file for file in files if file.name in needed]


def count_rows(connection: duckdb.DuckDBPyConnection, name: TableName) -> int:
    return connection.execute(f"select count(*) from {qualified(name)}").fetchall()[0][0]


def column_types(connection: duckdb.DuckDBPyConnection, name: TableName) -> dict[str, str]:
    return {column: kind for column, kind, *_ in connection.execute(f"describe {qualified(name)}").fetchall()}


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _run(connection: duckdb.DuckDBPyConnection, file: SqlFile, statement: str) -> list[tuple]:
    try:
        return connection.execute(statement).fetchall()
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        reason = str(error).splitlines()[0]
    except duckdb.DataError as error:
        # The database would quote the value that it stumbled on, which may be a person's.
        reason = f"{type(error).__name__} at a value that is not shown here; cast it with try_cast or refuse it earlier"
    except duckdb.Error as error:
        reason = f"{type(error).__name__}, of which no more is shown here because it may quote a value"
    raise SqlFileError(f"{file.schema}/{file.table}.sql does not run: {reason}")


def _select_files(files: list[Path], types: dict[str, str]) -> str:
    if not files:
        return "select " + ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in types.items()) + " limit 0"
    columns = ", ".join(f"{identifier(name)}::{kind} as {identifier(name)}" for name, kind in types.items())
    paths = ", ".join(literal(str(path)) for path in files)
    # A column that is empty all through a month may be written with another type: unite by name, then cast.
    return f"select {columns} from read_parquet([{paths}], union_by_name = true)"


def _csv_source(path: Path) -> str:
    return f"read_csv({literal(str(path))}, all_varchar = true, header = true, union_by_name = true, filename = true)"
