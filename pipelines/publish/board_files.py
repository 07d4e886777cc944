"""The board tables as CSV files, with one metadata file beside them, for whoever does not open DuckDB.

The metadata follow the W3C's "CSV on the Web" (https://www.w3.org/TR/tabular-metadata/): what a table and each column
mean, and its key. Their notes hold what the tables declare to add up (sums.py), by which anybody can audit the files.
What does not belong here: choosing what is published; the files are the tables of board.duckdb, to the letter.
"""

import json
from pathlib import Path

import duckdb

from pipelines.publish.audit import Table
from pipelines.publish.content import BOARD_SCHEMA, open_released, tables
from pipelines.publish.secondary import read_tables
from pipelines.publish.sums import Declared, from_notes
from pipelines.warehouse.database import identifier, literal

FOLDER = "board"
METADATA = "csv-metadata.json"
DATATYPES = {"BIGINT": "integer", "INTEGER": "integer", "BOOLEAN": "boolean", "DOUBLE": "number", "DATE": "date"}


def write_board_files(release: Path, declared: dict[str, Declared]) -> None:
    """Writes each table of `release`/board.duckdb as board/<table>.csv, and board/csv-metadata.json."""
    folder = release / FOLDER
    folder.mkdir()
    with open_released(release / "board.duckdb") as connection:
        described = [
            _write_table(connection, table, folder, declared.get(table)) for _, table in tables(connection)
        ]  # fmt: skip
    metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:description": "The tables behind the board pack, under disclosure control: an empty number is withheld, and "
        "withheld_reason says why, or does not exist; it is never 0.",
        "tables": described,
    }
    (folder / METADATA).write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_board_tables(release: Path) -> list[Table]:
    """The board tables of a release with what they declared when it was made."""
    metadata = json.loads((release / FOLDER / METADATA).read_text(encoding="utf-8"))
    declared = {
        table["url"].removesuffix(".csv"): from_notes(table["notes"][0]) for table in metadata["tables"] if table["notes"]
    }  # fmt: skip
    with open_released(release / "board.duckdb") as connection:
        return read_tables(connection, f"released.{BOARD_SCHEMA}", declared)


def _write_table(connection: duckdb.DuckDBPyConnection, table: str, folder: Path, declared: Declared | None) -> dict:
    """Writes one table and returns its metadata."""
    path = literal(str(folder / f"{table}.csv"))
    connection.execute(f"COPY (SELECT * FROM {BOARD_SCHEMA}.{identifier(table)} ORDER BY ALL) TO {path} (HEADER)")
    described = connection.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = 'released' AND table_name = ?", [table]
    ).fetchall()
    columns = connection.execute(
        "SELECT column_name, comment, data_type FROM duckdb_columns() "
        "WHERE database_name = 'released' AND table_name = ? ORDER BY column_index",
        [table],
    ).fetchall()
    schema = {
        "columns": [
            {"name": name, "titles": name, "dc:description": comment, "datatype": DATATYPES.get(data_type, "string")}
            for name, comment, data_type in columns
        ]
    }
    if declared and declared.key:
        schema["primaryKey"] = list(declared.key)
    return {
        "url": f"{table}.csv",
        "dc:description": described[0][0],
        "tableSchema": schema,
        "notes": [declared.as_notes()] if declared else [],
    }
