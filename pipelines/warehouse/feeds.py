"""What every feed has on the marts' side, so that no SQL file needs to name them all: a new feed is in it by its files.

feeds.contact_rows is what the tables staging.<feed> say of each row in the contact shape; feeds.coded_values is what
the contracts say is coded. Both are queries over the feeds that there are, which the loader puts before a file that
reads them. What a feed's columns mean is in its own SQL file.
"""

from collections.abc import Iterable

from pipelines.pseudonymise.contract import Column, event_column, read_contract
from pipelines.settings import Settings
from pipelines.warehouse.names import identifier, literal
from pipelines.warehouse.sqlfile import Gathered, SqlFile, SqlFileError

CONTACT_SHAPE = {
    "contact_id": "VARCHAR",
    "agency": "VARCHAR",
    "feed": "VARCHAR",
    "period": "VARCHAR",
    "row_number": "BIGINT",
    "person_ref": "VARCHAR",
    "team": "VARCHAR",
    "kind": "VARCHAR",
    "need": "VARCHAR",
    "started_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    "time_known": "BOOLEAN",
    "lsoa": "VARCHAR",
    "lsoa_vintage": "INTEGER",
    "crisis": "BOOLEAN",
    "outcome_group": "VARCHAR",
    "raised_by": "VARCHAR",
    "staff_minutes": "INTEGER",
    "left_out": "VARCHAR",
}
"""The columns that staging.<feed> must have, with their types; it may have others."""


def gathered(settings: Settings) -> list[Gathered]:
    """What can be read of all feeds as one table."""
    feeds = settings.feeds
    return [
        Gathered(
            ("feeds", "contact_rows"),
            frozenset(("staging", feed) for feed in feeds),
            " union all ".join(map(_contact_rows, feeds)),
        ),
        Gathered(
            ("feeds", "coded_values"),
            frozenset(("accepted", feed) for feed in feeds),
            " union all ".join(
                _coded_values(feed, read_contract(settings.feed_contracts / f"{feed}.csv")) for feed in feeds
            ),
        ),
    ]


def check_shapes(settings: Settings, files: Iterable[SqlFile]) -> None:
    """Raises SqlFileError for a feed whose table in staging is not there or lacks a column of a contact."""
    columns = {file.table: [column.name for column in file.columns] for file in files if file.schema == "staging"}
    for feed in settings.feeds:
        if missing := [name for name in CONTACT_SHAPE if name not in columns.get(feed, [])]:
            raise SqlFileError(
                f"staging/{feed}.sql: a feed's table must have the columns of a contact; there is no {', '.join(missing)}"
            )


def _contact_rows(feed: str) -> str:
    columns = ", ".join(f"{name}::{kind} as {name}" for name, kind in CONTACT_SHAPE.items())
    return f"select {columns} from staging.{identifier(feed)}"


def _coded_values(feed: str, columns: list[Column]) -> str:
    """One row for each cell of a coded column that is not empty, with the date by which its codes are judged.

    An event that goes on from an earlier month is told in the codes of the month it is delivered for.
    """
    coded = ", ".join(identifier(column.name) for column in columns if column.code_list)
    on = identifier(event_column(columns).name)
    every = (
        f"select agency, {literal(feed)} as feed, period, greatest({on}::date, (period || '-01')::date) as event_date"
    )
    if not coded:
        return f"{every}, null::varchar as column_name, null::varchar as value from accepted.{identifier(feed)} limit 0"
    return (
        f"select agency, feed, period, event_date, column_name, value from ({every}, {coded} "
        f"from accepted.{identifier(feed)}) unpivot (value for column_name in ({coded}))"
    )
