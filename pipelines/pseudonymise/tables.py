"""Reading an agency's CSV files: every column as text, every fault as one clear error with file and line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from .contract import Column
from .errors import InputError


def read_csv(path: Path, contract: list[Column], unknown_columns: str) -> tuple[pa.Table, list[str]]:
    """The contract's columns of a CSV file as text ('' for empty), and the names of columns left out.

    Columns of the contract that the file lacks are added empty, unless they are required.
    unknown_columns: 'refuse' raises for a column that the contract does not name, 'leave out' drops it.
    Raises InputError for a file that is missing, empty, not UTF-8, ragged, or without a required column.
    """
    header, rows = _header(path), []
    known = [column.name for column in contract]
    if not set(header) & set(known):
        # What stands in line 1 may be a person, so that it is not repeated here.
        raise InputError(
            f"{path}, line 1: not a header with any of the columns {', '.join(known)}, separated by commas. "
            "Export the file again with a header."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{path}, line 1: column {', '.join(twice)} stands there more than once. Keep one of them.")
    unknown = [name for name in header if name not in known]
    if unknown and unknown_columns == "refuse":
        raise InputError(
            f"{path}, line 1: unknown column {', '.join(map(repr, unknown))}. Take it out: only these may be read: {', '.join(known)}."
        )
    missing = [column.name for column in contract if column.required and column.name not in header]
    if missing:
        raise InputError(f"{path}, line 1: column {', '.join(missing)} is missing. Add it to the extract.")

    def ragged(row: pa_csv.InvalidRow) -> str:
        rows.append((row.number, row.expected_columns, row.actual_columns))
        return "skip"

    try:
        table = pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(use_threads=False),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=ragged),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in header}, strings_can_be_null=False, check_utf8=True
            ),
        )
    except pa.ArrowInvalid as error:
        # Arrow quotes the offending text in its message, so the message itself must not be passed on.
        _refuse_other_encodings(path)
        kind = (
            "a quotation mark that is not closed"
            if "quote" in str(error).lower()
            else "a line longer than 1 MB or cut off"
        )
        raise InputError(f"{path} cannot be read as CSV: {kind}. Export it again as UTF-8 CSV.") from None
    if rows:
        number, expected, actual = rows[0]
        where = f"line {number}" if number else "a line"
        raise InputError(
            f"{path}, {where}: {actual} values where the header has {expected}. Export it again with quotation marks."
        )
    for column in contract:
        if column.name not in header:
            table = table.append_column(column.name, pa.array([""] * len(table), pa.string()))
    return table.select(known), unknown


def _header(path: Path) -> list[str]:
    try:
        with open(path, "rb") as file:
            line = file.readline(1_000_000)
    except FileNotFoundError:
        raise InputError(f"{path} is not there.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if not line.strip():
        raise InputError(f"{path} is empty: not even a header. Export it again.")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse_other_encodings(path)
    return [name.strip().strip('"') for name in text.rstrip("\r\n").split(",")]


def _refuse_other_encodings(path: Path) -> None:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise InputError(f"{path}, line {number}: not UTF-8. Save the file as UTF-8.") from None


def texts(table: pa.Table, column: str) -> list[str]:
    """A column's values without surrounding blanks."""
    return [value.strip() for value in table.column(column).to_pylist()]
