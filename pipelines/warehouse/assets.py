"""The warehouse in Dagster: one asset for every SQL file and every reference table. What they do is elsewhere.

An asset whose table is up to date runs its checks and leaves the table as it is; its metadata say which it was.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines import context
from pipelines.operations.assets import again_after_hiccup
from pipelines.settings import Settings
from pipelines.warehouse import checks, database, upkeep
from pipelines.warehouse.sqlfile import SqlFile, TableName

KINDS = {"duckdb", "sql"}
DESCRIPTIONS_OF_REFERENCE = {
    "codes": "Every code of every code list, with what it stands for.",
    "feed_columns": "Every column of every feed, from the feeds' contracts.",
}


def warehouse_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Every reference table and every SQL file as an asset; the checks of a table run with its asset."""
    return [
        _context_asset(settings),
        *(_reference_asset(settings, table) for table in database.reference_tables(settings)),
        *(_sql_asset(settings, file) for file in database.load_sql(settings)),
    ]


def _reference_asset(settings: Settings, table: str) -> dg.AssetsDefinition:
    name, unique = ("reference", table), database.reference_key(settings, table)

    @dg.asset(
        key=name,
        group_name="reference",
        kinds={"duckdb", "csv"},
        description=DESCRIPTIONS_OF_REFERENCE.get(table, f"The table data/reference/{table}.csv."),
        check_specs=[
            dg.AssetCheckSpec(
                "key", asset=dg.AssetKey(name), description=f"One row for each {', '.join(unique)}", blocking=True
            )
        ],
    )
    @again_after_hiccup
    def reference_table() -> dg.MaterializeResult:
        with database.open_warehouse(settings) as connection:
            rows = database.load_reference(connection, settings, table)
            content = upkeep.note_content(connection, name)
            finding = checks.key_finding(connection, name, unique)
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows},
            data_version=dg.DataVersion(content),
            check_results=[_check_result(finding)],
        )

    return reference_table


def _context_asset(settings: Settings) -> dg.AssetsDefinition:
    name = ("context", "police_uk_crime")
    unique = [column for column in context.POLICE_UK_CRIME if column != "crimes"]

    @dg.asset(
        key=name,
        group_name="context",
        kinds={"duckdb", "parquet"},
        description="Street-level crime of police.uk by month and area, as `upstream police-uk` took it in; no persons.",
        check_specs=[
            dg.AssetCheckSpec(
                "key", asset=dg.AssetKey(name), description=f"One row for each {', '.join(unique)}", blocking=True
            )
        ],
    )
    @again_after_hiccup
    def context_table() -> dg.MaterializeResult:
        with database.open_warehouse(settings) as connection:
            database.show_inputs(connection, settings, [name])
            rows = database.count_rows(connection, name)
            finding = checks.key_finding(connection, name, unique)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows}, check_results=[_check_result(finding)])

    return context_table


def _sql_asset(settings: Settings, file: SqlFile) -> dg.AssetsDefinition:
    key = dg.AssetKey(file.name)

    @dg.asset(
        key=key,
        deps=_asset_keys(settings, file),
        group_name=file.schema,
        kinds=KINDS,
        description=file.description,
        code_version=file.digest[:16],
        metadata={"dagster/column_schema": _column_schema(file), "file": f"sql/{file.schema}/{file.table}.sql"},
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, description=promise, blocking=True)
            for name, promise in checks.check_names(settings, file).items()
        ],
    )
    @again_after_hiccup
    def sql_table() -> dg.MaterializeResult:
        with database.open_warehouse(settings) as connection:
            kept = upkeep.keep_up(connection, settings, file)
            findings = list(checks.run_checks(connection, settings, file))
            types = database.column_types(connection, file.name)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": kept.rows,
                "dagster/column_schema": _column_schema(file, types),
                "built": kept.because is not None,
                "because": kept.because or "all that it is made of has the same contents as when it was built",
            },
            data_version=dg.DataVersion(kept.content),
            check_results=list(map(_check_result, findings)),
        )

    return sql_table


def _check_result(finding: checks.Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=finding.check,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.WARN if finding.warns else dg.AssetCheckSeverity.ERROR,
        description=finding.description,
        metadata=finding.counts,
    )


def _column_schema(file: SqlFile, types: dict[str, str] | None = None) -> dg.TableSchema:
    """The columns as the file documents them; their types are known once the table is built."""
    return dg.TableSchema(
        [dg.TableColumn(column.name, (types or {}).get(column.name, ""), column.comment) for column in file.columns]
    )


def _asset_keys(settings: Settings, file: SqlFile) -> list[dg.AssetKey]:
    return sorted({dg.AssetKey(key) for name in file.dependencies for key in _made_by(settings, name)})


def _made_by(settings: Settings, name: TableName) -> Iterator[TableName]:
    """The assets whose output a table is: what is accepted besides activity comes from every feed, or from one."""
    attributes = {("accepted", database.attributes_of(feed)): ("accepted", feed) for feed in settings.feeds}
    if name in attributes:
        yield attributes[name]
    elif name[0] == "accepted" and name[1] not in settings.feeds:
        yield from (("accepted", feed) for feed in settings.feeds)
    else:
        yield name
