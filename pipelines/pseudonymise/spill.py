"""Sorting more rows by person_ref than memory holds, through one temporary Arrow file.

Only columns that are fit to leave the agency come here: what is written is on disk, and stays there if the machine
fails. The file lies where its maker says, inside the folder of the delivery that is being built, and nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BUCKETS = (
    128  # by the first two digits of person_ref, a keyed hash that falls evenly; one is sorted in memory at a time
)
HEX_DIGITS = np.zeros(256, np.int64)
HEX_DIGITS[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
ROW_GROUP = 61_440  # rows of a Parquet row group: the writer holds one in memory


class Spill:
    """Rows go in as they come and come out in order.

    order: the columns that rows are sorted by, person_ref first.
    """

    def __init__(self, path: Path, schema: pa.Schema, order: list[str]):
        self.path, self.schema, self.order, self.rows = path, schema, order, 0
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, schema)
        self._buckets: list[int] = []  # bucket of each record batch in the file

    def add(self, table: pa.Table) -> None:
        """Write the rows of a table to the file, bucket by bucket."""
        if not len(table):
            return
        self.rows += len(table)
        buckets = _buckets(table.column("person_ref").combine_chunks())
        order = np.argsort(buckets, kind="stable")
        ends = np.searchsorted(buckets[order], np.arange(BUCKETS), side="right").tolist()
        (ordered,) = table.take(pa.array(order)).combine_chunks().to_batches()
        for bucket, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if end > start:
                self._writer.write_batch(ordered.slice(start, end - start))
                self._buckets.append(bucket)

    def close(self) -> None:
        """To be called when all rows are in, and in any case."""
        self._writer.close()
        self._file.close()

    def tables(self) -> Iterator[pa.Table]:
        """All rows in order, a bucket at a time."""
        batches = np.array(self._buckets)
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_file(file) as reader:
            for bucket in range(BUCKETS):
                places = np.flatnonzero(batches == bucket).tolist()
                yield in_order(pa.Table.from_batches(map(reader.get_batch, places), self.schema), self.order)


def _buckets(refs: pa.StringArray) -> np.ndarray:
    """Bucket of each person_ref (32 hex digits)."""
    start = 32 * refs.offset
    text = np.frombuffer(refs.buffers()[2], np.uint8)[start : start + 32 * len(refs)].reshape(-1, 32)
    return (HEX_DIGITS[text[:, 0]] * 16 + HEX_DIGITS[text[:, 1]]) * BUCKETS // 256


def in_order(table: pa.Table, order: list[str]) -> pa.Table:
    """The rows of a table, sorted by the columns of `order`."""
    return table.sort_by([(name, "ascending") for name in order])


def write_parquet(tables: Iterator[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write tables as one file, whose bytes depend on the rows and not on how they were divided into tables."""
    repeating = [field.name for field in schema if pa.types.is_string(field.type) and field.name != "person_ref"]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=repeating) as writer:
        waiting = schema.empty_table()
        for table in tables:
            waiting = pa.concat_tables([waiting, table])
            while len(waiting) >= ROW_GROUP:
                writer.write_table(waiting.slice(0, ROW_GROUP).combine_chunks(), row_group_size=ROW_GROUP)
                waiting = waiting.slice(ROW_GROUP)
        writer.write_table(waiting.combine_chunks(), row_group_size=ROW_GROUP)
