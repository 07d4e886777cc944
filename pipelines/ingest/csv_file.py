"""A delivery's file as CSV, read to the same rows as its Parquet file: filters in base64, nothing for NULL.

A fault is one InputError that names file, line and column and never a value: text that is not UTF-8, a row that is cut
short, a line break inside a value, a value that is not of its column's type. Which columns a file must have is for
delivery.py to say.
"""

import base64
import csv
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.pseudonymise.contract import Column
from pipelines.pseudonymise.errors import InputError
from pipelines.pseudonymise.tables import PIECE, Batch, CsvReader

IN_WORDS = {
    pa.bool_(): "true or false",
    pa.int32(): "a whole number",
    pa.int64(): "a whole number of 64 bits",
    pa.date32(): "a date such as 2026-01-31",
    pa.timestamp("us"): "a date and time such as 2026-01-31T23:59",
}


def read_header(path: Path) -> list[str]:
    """Names of the columns, by a first line that can be read; none otherwise, which read_csv then refuses in words."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader([file.readline(PIECE)], strict=True), [])]
    except (UnicodeDecodeError, csv.Error):
        return []


def read_csv(path: Path, schema: pa.Schema, optional: Collection[str] = ()) -> pa.Table:
    """The file's rows with the columns and types of the schema. Raises InputError, which begins with the path.

    optional: columns that the file may lack; they are then empty.
    """
    columns = [Column(field.name, str(field.type), field.name not in optional, "", "") for field in schema]
    with CsvReader(path, columns, "refuse") as reader:
        batches = [_typed(path, batch, schema) for batch in reader]
    return pa.concat_tables([schema.empty_table(), *batches])


def _typed(path: Path, batch: Batch, schema: pa.Schema) -> pa.Table:
    return pa.table({field.name: _values(path, batch, field) for field in schema}, schema=schema)


def _values(path: Path, batch: Batch, field: pa.Field) -> pa.Array:
    """One column as its type. Raises InputError at the first value that is none."""
    texts = batch[field.name]
    broken = pc.match_substring_regex(texts, "[\r\n]")
    if pc.any(broken).as_py():
        line = batch.lines[np.flatnonzero(broken.to_numpy(zero_copy_only=False))[0]]
        raise InputError(f"{path}, line {line}, {field.name}: a line break inside quotation marks; no value has one.")
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    try:
        return _read(texts, field.type)
    except ValueError:
        _refuse(path, batch, field, texts)


def _read(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Raises ValueError, of which pyarrow's errors are a kind."""
    if pa.types.is_fixed_size_binary(kind):
        decoded = [text if text is None else base64.b64decode(text, validate=True) for text in texts.to_pylist()]
        return pa.array(decoded, kind)
    return texts.cast(kind)


def _refuse(path: Path, batch: Batch, field: pa.Field, texts: pa.Array) -> NoReturn:
    """At the first value that cannot be read alone."""
    for row in range(len(texts)):
        try:
            _read(texts.slice(row, 1), field.type)
        except ValueError:
            break
    what = IN_WORDS.get(field.type) or f"base64 of {field.type.byte_width} bytes"
    raise InputError(f"{path}, line {batch.lines[row]}, {field.name}: not {what}.") from None
