"""Signatures as numbers: their words, and in how many bits two records' signatures differ, by numpy.

The levels of `comparisons` are SQL, and stay so. What they ask most, and what costs most to fetch, is a number for each
pair, field and shared anchor: rows of 32 bytes from anywhere in memory, of which SQL would carry both sides of every
column along. Here the words of an anchor's fields lie side by side, and only those of shared anchors are read. Under an
anchor that two records do not share their signatures are noise to each other.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from .load import ANCHORS, SIGNED_UNDER, WORDS

AT_ONCE = 2**16  # pairs that one thread works on: what they read and write stays in its cache
BATCH = 122_880  # rows of one batch of the result, so that DuckDB's threads share them
NAMES_SWAPPED = "names_swapped"
WORD = re.compile(r"(\w+)_by_(\w+)_w(\d)")
WORD_COLUMNS = tuple(
    f"{field}_by_{anchor}_w{i}" for anchor, fields in SIGNED_UNDER.items() for field in fields for i in range(WORDS)
)


def differing_column(field: str, anchor: str) -> str:
    """Column of `count_bits`: bits of 256 that differ; NULL where the anchor is not shared or a signature is missing."""
    return f"{field}_by_{anchor}_differing"


def shared_column(anchor: str) -> str:
    """Column of `count_bits`: whether both records have the anchor, and the same."""
    return f"shares_{anchor}"


@dataclass(frozen=True)
class _Signed:
    """Signatures under one anchor, a row a record."""

    anchor: np.ndarray  # (records,) the anchor's token
    anchored: np.ndarray  # (records,) whether there is one
    words: np.ndarray  # (records, fields * WORDS) of the fields in their order; zeros where there is no signature


def words(con: duckdb.DuckDBPyConnection, versions: str, columns: Iterable[str]) -> pa.Table:
    """record_id and those of `columns` that are words of signatures, <field>_by_<anchor>_w0..w3 (BIGINT, NULL where the
    signature is missing), of each row of table `versions`."""
    wanted = {name: found.groups() for name in columns if (found := WORD.fullmatch(name))}
    anchors = sorted({anchor for _, anchor, _ in wanted.values()})
    signed = "".join(f", signed_by_{anchor}" for anchor in anchors)
    found = con.sql(f"select record_id{signed} from {versions}").to_arrow_table()
    taken = {a: _words(found[f"signed_by_{a}"], len(SIGNED_UNDER[a]) * WORDS).view(np.int64) for a in anchors}
    made = {"record_id": found["record_id"]}
    for name, (field, anchor, number) in wanted.items():
        word = np.ascontiguousarray(taken[anchor][:, SIGNED_UNDER[anchor].index(field) * WORDS + int(number)])
        made[name] = pa.array(word, mask=word == 0)
    return pa.table(made)


def count_bits(con: duckdb.DuckDBPyConnection, pairs: str, versions: str) -> pa.Table:
    """The rows of table `pairs` in their order with a `differing_column` for each signature, a `shared_column` for each
    anchor, and `names_swapped`: whether each forename is the other's surname, told under an anchor that is shared.

    pairs: record_id_l, record_id_r and any others. versions: columns as `load` makes them, of these records or more.
    """
    of_pairs = con.sql(f"from {pairs}").to_arrow_table()
    left, right = (of_pairs[f"record_id_{side}"].to_numpy() for side in "lr")
    signed, places = _signed(con, versions, left, right)
    left, right = places[left], places[right]
    made: dict[str, np.ndarray] = {shared_column(anchor): np.zeros(len(left), bool) for anchor in ANCHORS}
    made |= {
        differing_column(field, anchor): np.full(len(left), -1, np.int16)
        for anchor, fields in SIGNED_UNDER.items()
        for field in fields
    }
    made[NAMES_SWAPPED] = np.zeros(len(left), bool)

    def work(start: int) -> None:
        part = slice(start, start + AT_ONCE)
        for anchor, of_anchor in signed.items():
            _count(left[part], right[part], anchor, of_anchor, {name: column[part] for name, column in made.items()})

    threads = con.execute("select current_setting('threads')").fetchall()[0][0]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(0, len(left), AT_ONCE)))
    for name, column in made.items():
        of_pairs = of_pairs.append_column(name, pa.array(column, mask=column < 0 if column.dtype != bool else None))
    return pa.Table.from_batches(of_pairs.combine_chunks().to_batches(BATCH), of_pairs.schema)


def _signed(
    con: duckdb.DuckDBPyConnection, versions: str, left: np.ndarray, right: np.ndarray
) -> tuple[dict[str, _Signed], np.ndarray]:
    """Signatures of the records in some pairs by anchor, and the row of each record_id there."""
    wanted = np.zeros(int(max(left.max(initial=-1), right.max(initial=-1))) + 1, bool)
    wanted[left] = wanted[right] = True
    con.register("wanted", pa.table({"record_id": np.flatnonzero(wanted)}))
    columns = ", ".join(f"{anchor}_anchor, signed_by_{anchor}" for anchor in ANCHORS)
    found = con.sql(f"select record_id, {columns} from {versions} semi join wanted using (record_id)").to_arrow_table()
    con.unregister("wanted")
    ids = found["record_id"].to_numpy()
    places = np.zeros(len(wanted), np.int32)
    places[ids] = np.arange(len(ids))
    signed = {}
    for anchor, fields in SIGNED_UNDER.items():
        token = found[f"{anchor}_anchor"]
        signed[anchor] = _Signed(
            token.fill_null(0).to_numpy(),
            token.is_valid().to_numpy(),
            _words(found[f"signed_by_{anchor}"], len(fields) * WORDS),
        )
    return signed, places


def _words(column: pa.ChunkedArray, words: int) -> np.ndarray:
    """(records, words) of a column of equally long bytes; zeros if the profile leaves it out."""
    if column.null_count:
        return np.zeros((len(column), words), np.uint64)
    parts = [
        np.frombuffer(chunk.buffers()[2], np.uint64)[chunk.offset * words :][: len(chunk) * words].reshape(-1, words)
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, words), np.uint64)


def _count(left: np.ndarray, right: np.ndarray, anchor: str, signed: _Signed, into: dict[str, np.ndarray]) -> None:
    """Fill the columns of one anchor for some pairs, given as places of records."""
    shared = (signed.anchor[left] == signed.anchor[right]) & signed.anchored[left] & signed.anchored[right]
    into[shared_column(anchor)][:] = shared
    rows = np.flatnonzero(shared)
    one, other = signed.words[left[rows]], signed.words[right[rows]]
    # Four counts of 64 bits at the most, in four bytes that are added up as parts of one number.
    quarters = np.bitwise_count(one ^ other).view(np.uint32)
    halves = (quarters & 0x00FF00FF) + ((quarters >> 8) & 0x00FF00FF)
    bits = (halves & 0xFFFF) + (halves >> 16)
    for place, field in enumerate(SIGNED_UNDER[anchor]):
        first = place * WORDS
        there = (one[:, first] != 0) & (other[:, first] != 0)  # no real signature begins with 64 zeros
        into[differing_column(field, anchor)][rows] = np.where(there, bits[:, place], -1)
    if {"forename", "surname"} <= set(SIGNED_UNDER[anchor]):
        into[NAMES_SWAPPED][rows[list(_swapped(one, other, SIGNED_UNDER[anchor]))]] = True


def _swapped(one: np.ndarray, other: np.ndarray, fields: tuple[str, ...]) -> Iterator[int]:
    """Rows whose forename is the other's surname and the other way round."""
    forename, surname = (fields.index(field) * WORDS for field in ("forename", "surname"))
    likely = (one[:, forename] == other[:, surname]) & (one[:, surname] == other[:, forename]) & (one[:, forename] != 0)
    for row in np.flatnonzero(likely & (one[:, surname] != 0)):
        words = [side[row, at : at + WORDS] for side in (one, other) for at in (forename, surname)]
        if (words[0] == words[3]).all() and (words[1] == words[2]).all():
            yield row
