"""Reading an agency's CSV files, some thousand rows at a time: every value as text, every fault as one clear error.

An error names the file and its line, counted as an editor counts them (quoted line breaks and blank lines included),
and never repeats a value. What a value means is not known here.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import NoReturn, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .contract import Column
from .errors import InputError

PIECE = 1 << 20  # bytes read at once; a line may not be longer
BATCH_ROWS = 50_000  # rows of a batch
BATCH_BYTES = 32 * PIECE  # bytes of the file after which a batch of long rows ends earlier
ROWS_AT_ONCE = 250  # rows that are Python objects at any time: few enough for a processor to have at hand
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Batch:
    """Some rows of a file, column by column, without blanks around values ('' for empty)."""

    columns: dict[str, pa.StringArray]
    lines: np.ndarray  # line on which each row starts, int32

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, column: str) -> pa.StringArray:
        return self.columns[column]

    def filter(self, wanted: pa.BooleanArray) -> "Batch":
        """The rows that are wanted."""
        kept = self.lines[wanted.to_numpy(zero_copy_only=False)]
        return Batch({name: values.filter(wanted) for name, values in self.columns.items()}, kept)


class CsvReader:
    """Batches of a CSV file's rows, with the contract's columns. To be used in a `with` block, once.

    Columns of the contract that the file lacks are empty, unless they are required. Raises InputError for a file that
    is missing, empty, not UTF-8, ragged, or without a required column.
    unknown_columns: 'refuse' raises for a column that the contract does not name, 'leave out' names it in left_out.
    """

    def __init__(self, path: Path, contract: list[Column], unknown_columns: str):
        self.path = path
        self.left_out: list[str] = []
        self._contract, self._unknown_columns = contract, unknown_columns
        self._names = [column.name for column in contract]
        self._bytes = 0  # of the file that were taken so far

    def __enter__(self) -> Self:
        try:
            self._file = open(self.path, "rb")
        except FileNotFoundError:
            raise InputError(f"{self.path} is not there.") from None
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}.") from None
        try:
            lines = chain.from_iterable(io.StringIO(text, newline="") for text in self._texts())
            self._reader = csv.reader(lines, strict=True)
            self._header = self._read_header()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Batch]:
        while parts := self._parts():
            lines = np.concatenate([lines for lines, _ in parts])
            empty = pa.repeat(pa.scalar(""), len(lines))
            columns = {
                name: pc.utf8_trim_whitespace(pa.concat_arrays([columns[name] for _, columns in parts]))
                if name in self._header
                else empty
                for name in self._names
            }
            yield Batch(columns, lines)

    def _parts(self) -> list[tuple[np.ndarray, dict[str, pa.StringArray]]]:
        """The next rows' lines and columns, ROWS_AT_ONCE at a time; none at the end of the file."""
        parts, rows, bytes_before = [], 0, self._bytes
        while rows < BATCH_ROWS and self._bytes - bytes_before < BATCH_BYTES:
            lines, values = self._rows(min(ROWS_AT_ONCE, BATCH_ROWS - rows))
            if values is None:
                break
            if values:
                rows += len(values)
                parts.append((lines, self._columns(values)))
        return parts

    def _columns(self, rows: list[list[str]]) -> dict[str, pa.StringArray]:
        values = zip(self._header, zip(*rows, strict=True), strict=True)
        return {name: pa.array(column, pa.string()) for name, column in values if name in self._names}

    def _rows(self, most: int) -> tuple[np.ndarray, list[list[str]] | None]:
        """The next rows and the lines that they start on, without blank lines; None for rows at the end of the file."""
        before = self._reader.line_num
        rows: list[list[str]] = []
        try:
            rows.extend(islice(self._reader, most))
        except csv.Error:  # the rows before the spoilt one have been added
            self._refuse_quotation(_starts(rows, before + 1)[-1])
        if not rows:
            return np.empty(0, np.int32), None
        if self._reader.line_num - before == len(rows):
            lines = np.arange(before + 1, before + 1 + len(rows), dtype=np.int32)
        else:
            lines = np.array(_starts(rows, before + 1)[:-1], np.int32)
        widths = np.fromiter(map(len, rows), np.int32, len(rows))
        filled = widths > 0
        ragged = np.flatnonzero(filled & (widths != len(self._header)))
        if len(ragged):
            raise InputError(
                f"{self.path}, line {lines[ragged[0]]}: {widths[ragged[0]]} values where the header has "
                f"{len(self._header)}. Export it again with quotation marks."
            )
        return (lines, rows) if filled.all() else (lines[filled], [row for row in rows if row])

    def _refuse_quotation(self, line: int) -> NoReturn:
        raise InputError(
            f"{self.path}, line {line}: a quotation mark that is not closed or stands inside a value, or a value of more "
            f"than {csv.field_size_limit():,} characters. Export it again as UTF-8 CSV."
        ) from None

    def _texts(self) -> Iterator[str]:
        """The file's text in pieces of whole lines."""
        rest, first = b"", True
        while read := self._read():
            if first:
                read, first = self._without_mark(read), False
            piece = rest + read
            # A carriage return at the very end may be the first half of a line's end.
            end = 1 + max(piece.rfind(b"\n"), piece.rfind(b"\r", 0, -1))
            if not end and len(piece) >= PIECE:
                raise InputError(
                    f"{self.path}, line {self._reader.line_num + 1}: longer than {PIECE:,} bytes. "
                    "Is this a CSV file with one row a line?"
                )
            rest = piece[end:]
            self._bytes += end
            yield self._decoded(piece[:end])
        yield self._decoded(rest)

    def _read(self) -> bytes:
        try:
            return self._file.read(PIECE)
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}.") from None

    def _without_mark(self, start: bytes) -> bytes:
        mark, encoding = next(((m, e) for m, e in BYTE_ORDER_MARKS.items() if start.startswith(m)), (b"", "utf-8"))
        if encoding != "utf-8":
            raise InputError(f"{self.path}, line 1: {encoding}, not UTF-8. Save the file as CSV UTF-8.")
        return start[len(mark) :]

    def _decoded(self, piece: bytes) -> str:
        try:
            text, place = piece.decode("utf-8"), piece.find(b"\0")
        except UnicodeDecodeError as error:
            text, place = "", error.start
        if place < 0:
            return text
        line = self._reader.line_num + len((piece[:place] + b".").splitlines())
        found = "a NUL byte" if piece[place] == 0 else "a byte of another encoding, often Windows-1252"
        raise InputError(f"{self.path}, line {line}: not UTF-8 text ({found}). Save the file as CSV UTF-8.")

    def _read_header(self) -> list[str]:
        try:
            header = [name.strip() for name in next(filter(None, self._reader), [])]
        except csv.Error:
            self._refuse_quotation(1)
        if not any(header):
            raise InputError(f"{self.path} is empty: not even a header. Export it again.")
        where, known = f"{self.path}, line {self._reader.line_num}", self._names
        if not set(header) & set(known):
            # What stands in line 1 may be a person, so that it is not repeated here.
            raise InputError(
                f"{where}: not a header with any of the columns {', '.join(known)}, separated by commas. "
                "Export the file again with a header."
            )
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise InputError(f"{where}: column {named(twice)} stands there more than once. Keep one.")
        self.left_out = [name for name in header if name not in known]
        if self.left_out and self._unknown_columns == "refuse":
            raise InputError(
                f"{where}: unknown column {named(self.left_out)}. Take it out: only these may be read: "
                f"{', '.join(known)}."
            )
        missing = [column.name for column in self._contract if column.required and column.name not in header]
        if missing:
            raise InputError(f"{where}: column {', '.join(missing)} is missing. Add it to the extract.")
        return header


def _height(row: list[str]) -> int:
    """Lines that a row takes in the file."""
    return 1 + sum(value.replace("\r\n", "\n").replace("\r", "\n").count("\n") for value in row)


def _starts(rows: list[list[str]], first: int) -> list[int]:
    """The line on which each row starts, where the first one starts on `first`, and the line after the last row."""
    return list(accumulate(map(_height, rows), initial=first))


def named(columns: list[str]) -> str:
    """Names of columns as they can be shown, whatever stands in a file's header."""
    return ", ".join(repr(name[:40]) for name in columns)
