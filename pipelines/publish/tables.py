"""Which tables are published, and the role that each board column declares: both are read from sql/.

A table that is in the warehouse and has no SQL file any more is not published.
"""

from pipelines.settings import Settings
from pipelines.warehouse.sqlfile import SqlFile, load_file

PUBLISHED_SCHEMAS = ("marts", "board")

Roles = dict[str, dict[str, str]]  # board table to column, in order, to role


def published_files(settings: Settings) -> list[SqlFile]:
    """The SQL files whose tables go into a release, sorted by schema and table."""
    return [load_file(path) for schema in PUBLISHED_SCHEMAS for path in sorted((settings.sql / schema).glob("*.sql"))]


def published_tables(settings: Settings) -> dict[str, list[str]]:
    """Schema to names of its tables."""
    return {schema: sorted(path.stem for path in (settings.sql / schema).glob("*.sql")) for schema in PUBLISHED_SCHEMAS}


def board_roles(settings: Settings) -> Roles:
    """The role of every board column; a column that declares none has the role ''."""
    return {
        file.table: {column.name: column.role or "" for column in file.columns}
        for file in published_files(settings)
        if file.schema == "board"
    }
