"""Encoded columns as numbers: equality classes, bits, words and weights. Whatever is null is -1 everywhere."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

Columns = Mapping[str, pa.Array]
WORD_BYTES = 8


def is_filter(column: pa.Array) -> bool:
    """Whether a column holds bit vectors (Bloom filters, signatures) rather than tokens."""
    return pa.types.is_binary(column.type) or pa.types.is_fixed_size_binary(column.type)


def codes(values: pa.Array | np.ndarray) -> np.ndarray:
    """The equality class of each row, counted from 0 (-1 for null): int64."""
    if isinstance(values, np.ndarray):
        return pd.factorize(values)[0].astype(np.int64)
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return array.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def joint(*parts: np.ndarray) -> np.ndarray:
    """Equality classes of several columns together; -1 where any of them is missing."""
    together = parts[0]
    for part in parts[1:]:
        missing = (together < 0) | (part < 0)
        together = np.where(missing, -1, together * (part.max(initial=0) + 1) + part)
        together = np.where(missing, -1, pd.factorize(together)[0])
    return together


def filter_bytes(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(rows, bytes) uint8 of a filter column, zeros where it is null, and which rows are there."""
    values = column.to_pylist()
    there = np.array([value is not None for value in values], dtype=bool)
    width = max((len(value) for value in values if value is not None), default=WORD_BYTES)
    text = b"".join(value if value is not None else bytes(width) for value in values)
    return np.frombuffer(text, dtype=np.uint8).reshape(len(values), width), there


def bits(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(rows, bits) uint8 of 0 and 1, and which rows are there."""
    packed, there = filter_bytes(column)
    return np.unpackbits(packed, axis=1), there


def words(column: pa.Array) -> list[np.ndarray]:
    """Equality classes of each 64-bit word of a filter column."""
    packed, there = filter_bytes(column)
    starts = range(0, packed.shape[1] - packed.shape[1] % WORD_BYTES, WORD_BYTES)
    parts = [np.ascontiguousarray(packed[:, start : start + WORD_BYTES]).view(np.int64)[:, 0] for start in starts]
    return [np.where(there, pd.factorize(part)[0], -1) for part in parts]


def weights(column: pa.Array) -> np.ndarray:
    """Number of set bits of each row, -1 for null."""
    packed, there = filter_bytes(column)
    return np.where(there, np.bitwise_count(packed).sum(axis=1, dtype=np.int64), -1)


NEAR = 0.13  # share of bits: two copies of a filter with 5 % flips differ in 10 %, filters of two names in more


def looks_noisy(column: pa.Array, sample: int = 300, share: float = 0.3) -> bool:
    """Whether hardly any filters are equal but many have a near-equal one: random flips, which clustering undoes."""
    vectors, there = bits(column)
    vectors = vectors[there].astype(np.float32)
    if len(np.unique(np.packbits(vectors.astype(np.uint8), axis=1), axis=0)) < 0.9 * len(vectors):
        return False
    some = np.linspace(0, len(vectors) - 1, min(sample, len(vectors))).astype(int)
    away = vectors[some].sum(axis=1)[:, None] + vectors.sum(axis=1) - 2 * (vectors[some] @ vectors.T)
    return bool(((away < NEAR * vectors.shape[1]).sum(axis=1) > 1).mean() > share)


def near_equal(column: pa.Array, limit: float = NEAR) -> np.ndarray:
    """Clusters of filters that differ in fewer than `limit` of their bits, the densest first: -1 for null."""
    vectors, there = bits(column)
    rows = np.flatnonzero(there)
    neighbours = [np.flatnonzero(near) for near in _near(vectors[rows].astype(np.float32), limit * vectors.shape[1])]
    result = np.full(len(vectors), -1)
    for row in np.argsort([-len(near) for near in neighbours], kind="stable"):
        if result[rows[row]] < 0:
            near = rows[neighbours[row]]
            result[near[result[near] < 0]] = row
    return result


def _near(vectors: np.ndarray, limit: float, block: int = 1024) -> Iterator[np.ndarray]:
    """For each vector of 0 and 1 in turn, which of all are fewer than `limit` bits away."""
    weight = vectors.sum(axis=1)
    for start in range(0, len(vectors), block):
        part = vectors[start : start + block]
        yield from weight[start : start + block, None] + weight - 2 * (part @ vectors.T) < limit
