"""A delivery's file as CSV, for hubs and transfers that take no Parquet: filters in base64, nothing for NULL."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import csv


def write_csv(tables: Iterator[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write tables of one schema under one header: UTF-8, dates and times ISO, true and false, text in quotes."""
    fields = [field.with_type(pa.string()) if _is_filter(field) else field for field in schema]
    with csv.CSVWriter(path, pa.schema(fields)) as writer:
        for table in tables:
            writer.write_table(_as_text(table))


def _as_text(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if _is_filter(field):
            filters = table.column(place).to_pylist()
            encoded = [value if value is None else base64.b64encode(value).decode() for value in filters]
            table = table.set_column(place, field.name, pa.array(encoded, pa.string()))
    return table


def _is_filter(field: pa.Field) -> bool:
    return pa.types.is_fixed_size_binary(field.type)
