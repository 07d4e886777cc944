"""The life of every published column, so that a query that works today works tomorrow.

data/reference/published_columns.csv has a row for each column that was ever in an analyst or board table: its type, the
month from which it is there, the month in which it was said that it will go, and the month in which it went. A column
stays for `deprecation_months` after the word is given; its row stays for ever, with what to use instead and why. A test
compares the file with the tables. `python -m pipelines.publish.changes` (make columns) writes down what is new.
"""

import csv
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.database import build_all

PUBLISHED = ("marts", "board")
Name = tuple[str, str]  # schema.table, column


@dataclass(frozen=True)
class Life:
    """Type and months (YYYY-MM) of a column; '' where it has no such month."""

    data_type: str = ""
    since: str = ""
    deprecated_in: str = ""
    gone_in: str = ""
    use_instead: str = ""
    why: str = ""


def read_lives(path: Path) -> dict[Name, Life]:
    """Every column that was ever published, by table and name; none where there is no such file."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["table"], row["column"]): Life(**{field.name: row[field.name] for field in fields(Life)})
            for row in csv.DictReader(file)
        }


def write_lives(path: Path, lives: Mapping[Name, Life]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["table", "column", *(field.name for field in fields(Life))], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"table": table, "column": column, **asdict(life)} for (table, column), life in lives.items())


def with_new(lives: Mapping[Name, Life], published: Mapping[Name, str], month: str) -> dict[Name, Life]:
    """With the columns that are published from this month on, sorted by table; those of a table in their order."""
    new = {name: Life(data_type, since=month) for name, data_type in published.items() if name not in lives}
    return dict(sorted((dict(lives) | new).items(), key=lambda item: item[0][0]))


def problems(lives: Mapping[Name, Life], published: Mapping[Name, str], months_of_notice: int) -> list[str]:
    """What breaks the promise, in sentences; none if all is well. published: type by column."""
    said = []
    for name, data_type in published.items():
        life = lives.get(name)
        if life is None:
            said.append(f"{'.'.join(name)} is new: write it down with 'make columns'.")
        elif life.gone_in:
            said.append(f"{'.'.join(name)} is there, and its row says that it went in {life.gone_in}: empty gone_in.")
        elif life.data_type != data_type:
            said.append(
                f"{'.'.join(name)} was {life.data_type} and is {data_type}: queries may break. Keep the type, or publish it "
                "under a new name and deprecate this one."
            )
    for name, life in lives.items():
        if name not in published and not life.gone_in:
            said.append(
                f"{'.'.join(name)} has vanished. Bring it back, fill deprecated_in, use_instead and why in its row, "
                f"and take it away after {months_of_notice} months, with gone_in filled."
            )
        if life.gone_in and (not life.deprecated_in or _months_between(life) < months_of_notice):
            said.append(f"{'.'.join(name)} went without {months_of_notice} months of notice.")
        if life.deprecated_in and not (life.use_instead and life.why):
            said.append(f"{'.'.join(name)} is deprecated: say in its row what to use instead, and why.")
    return said


def published_columns(warehouse: Path) -> dict[Name, str]:
    """Type of every column of the published tables of a warehouse, in order."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
            f"WHERE schema_name IN {PUBLISHED} AND database_name = current_database() "
            "ORDER BY schema_name, table_name, column_index"
        ).fetchall()
    return {(table, column): data_type for table, column, data_type in rows}


def _months_between(life: Life) -> int:
    deprecated, gone = (date.fromisoformat(f"{month}-01") for month in (life.deprecated_in, life.gone_in))
    return 12 * (gone.year - deprecated.year) + gone.month - deprecated.month


def main() -> int:
    """Write down what is new in a warehouse without a single row, and say what breaks the promise."""
    settings = Settings()
    path = settings.reference / "published_columns.csv"
    with tempfile.TemporaryDirectory() as folder:
        empty = Settings(data=Path(folder))
        build_all(empty)
        published = published_columns(empty.warehouse_db)
    lives = with_new(read_lives(path), published, datetime.now(UTC).strftime("%Y-%m"))
    write_lives(path, lives)
    said = problems(lives, published, settings.deprecation_months)
    print("\n".join(said) or f"{len(published)} published columns, all of them in {path.name}")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
