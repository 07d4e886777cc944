"""Which tables are published, and the role that each board column declares: both are read from sql/.

A table that is in the warehouse and has no SQL file any more is not published.
"""

from pipelines.publish.generalise import hides_area
from pipelines.settings import Settings
from pipelines.warehouse.sqlfile import SqlFile, load_file

PUBLISHED_SCHEMAS = ("marts", "board")
RELEASE_RISK = "release_risk"
DICTIONARY, COLUMN_LINEAGE = "dictionary", "column_lineage"
ABOUT_THE_TABLES = (RELEASE_RISK, DICTIONARY, COLUMN_LINEAGE)
"""Made of the released tables themselves (mart_risk.py, dictionary.py), hence without an SQL file."""

Roles = dict[str, dict[str, str]]  # board table to column, in order, to role


def published_files(settings: Settings) -> list[SqlFile]:
    """The SQL files whose tables go into a release, sorted by schema and table.

    A mart with one row for each area of a kind that the release does not have stays out: nameless, its rows would
    still be those areas.
    """
    files = [load_file(path) for schema in PUBLISHED_SCHEMAS for path in sorted((settings.sql / schema).glob("*.sql"))]
    return [
        file for file in files if file.schema == "board" or not any(hides_area(name, settings) for name in file.key)
    ]


def published_tables(settings: Settings) -> dict[str, list[str]]:
    """Schema to names of its tables."""
    files = published_files(settings)
    return {schema: [file.table for file in files if file.schema == schema] for schema in PUBLISHED_SCHEMAS}


def released_tables(settings: Settings) -> dict[str, list[str]]:
    """Schema to names of the tables that a release holds: the published ones, and what it says about itself."""
    published = published_tables(settings)
    return published | {"marts": [*published["marts"], *ABOUT_THE_TABLES]}


def board_roles(settings: Settings) -> Roles:
    """The role of every board column; a column that declares none has the role ''."""
    return {
        file.table: {column.name: column.role or "" for column in file.columns}
        for file in published_files(settings)
        if file.schema == "board"
    }
