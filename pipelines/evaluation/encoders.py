"""Encoders to measure ours against: today's literature on field-level Bloom filters, plain and hardened.

An encoder takes normalised records (a frame with forename, surname, dob, postcode, nhs_number; '' for missing) and a
key, and gives columns of tokens (int64) and filters (fixed-length binary), row for row, null for missing. The one that
agencies run is in pipelines.pseudonymise and joins the registry by its profiles; nothing here is used in production.
"""

import hmac
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.pseudonymise import encode
from pipelines.pseudonymise.keys import subkey

Columns = Mapping[str, pa.Array]
Encode = Callable[[pd.DataFrame, bytes], Columns]
Harden = Callable[[np.ndarray, np.random.Generator], np.ndarray]

PLAIN, KEYED_NAMES, UNANCHORED = "field-filters", "keyed-names", "signatures-unanchored"
FILTER_BITS = 512
BITS_PER_GRAM = {"forename": 15, "surname": 15, "dob": 20, "postcode": 20}
FIELDS = tuple(BITS_PER_GRAM)
FLIP_PROBABILITY = 0.05  # BLIP: each bit of each record
DIFFUSED_POSITIONS = 10  # t of Armknecht, Heng and Schnell 2023
TWO_STEP_FUNCTIONS, TWO_STEP_LENGTH, TWO_STEP_INTEGERS = 10, 256, 1024


def positional_grams(value: str) -> list[str]:
    """Each character with its place: '1@0', '9@1'."""
    return [f"{character}@{place}" for place, character in enumerate(value)]


GRAMS = {
    "forename": encode.name_grams,
    "surname": encode.name_grams,
    "dob": positional_grams,
    "postcode": positional_grams,
}


def random_positions(key: bytes, gram: str, number: int, length: int) -> np.ndarray:
    """Random hashing: each position from a part of its own of one HMAC (Schnell and Borgs 2016). At most 32."""
    return np.frombuffer(hmac.digest(key, gram.encode(), "sha512"), dtype=">u2")[:number] % length


def double_hashing(key: bytes, gram: str, number: int, length: int) -> np.ndarray:
    """Double hashing, h1 + i h2: positions of a gram keep a regular distance (Schnell, Bachteler and Reiher 2009)."""
    first, step = np.frombuffer(hmac.digest(key, gram.encode(), "sha512"), dtype=">u8")[:2].astype(object)
    return np.array([(first + place * step) % length for place in range(number)], dtype=np.int64)


def field_filters(
    records: pd.DataFrame,
    key: bytes,
    positions: Callable[[bytes, str, int, int], np.ndarray] = random_positions,
    harden: Harden | None = None,
    noise: float = 0.0,
    salted: bool = False,
) -> Columns:
    """A Bloom filter of each field's q-grams, and a token of the NHS number.

    harden: turns (values, bits) of 0 and 1 into others, with the field's secret randomness. noise: probability with
    which each bit of each record flips. salted: the grams of all fields but the birth date are hashed with its year.
    """
    columns: dict[str, pa.Array] = {}
    for field in FIELDS:
        secret = subkey(key, f"filter/{field}")
        salts = records["dob"].str[:4] if salted and field != "dob" else pd.Series("", index=records.index)
        number, distinct = pd.factorize(pd.MultiIndex.from_arrays([records[field], salts]))
        bits_of: dict[str, np.ndarray] = {}
        vectors = np.zeros((len(distinct), FILTER_BITS), dtype=np.uint8)
        for row, (value, salt) in enumerate(distinct):
            for gram in GRAMS[field](value):
                text = f"{salt}\0{gram}"
                if text not in bits_of:
                    bits_of[text] = positions(secret, text, BITS_PER_GRAM[field], FILTER_BITS)
                vectors[row, bits_of[text]] = 1
        if harden:
            vectors = harden(vectors, _secret_randomness(key, field))
        columns[f"{field}_bf"] = _filters(vectors[number], (records[field] != "").to_numpy(), noise, key, field)
    columns["nhs_number_token"] = tokens(records["nhs_number"], subkey(key, "token/nhs_number"))
    return columns


def balanced(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The filter and its complement, permuted: every filter has equally many bits set (Schnell and Borgs 2016)."""
    both = np.hstack([vectors, 1 - vectors])
    return both[:, rng.permutation(both.shape[1])]


def xor_fold(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first half XOR the second (Schnell and Borgs 2016)."""
    half = vectors.shape[1] // 2
    return vectors[:, :half] ^ vectors[:, half:]


def rule_90(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each bit becomes the XOR of its two neighbours (Schnell and Borgs 2018)."""
    return np.roll(vectors, 1, axis=1) ^ np.roll(vectors, -1, axis=1)


def diffuse(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each bit becomes the XOR of DIFFUSED_POSITIONS secret positions (Armknecht, Heng and Schnell 2023)."""
    length = vectors.shape[1]
    result = np.zeros_like(vectors)
    for place in range(length):
        chosen = rng.choice(length, DIFFUSED_POSITIONS, replace=False)
        result[:, place] = np.bitwise_xor.reduce(vectors[:, chosen], axis=1)
    return result


def two_step(records: pd.DataFrame, key: bytes) -> Columns:
    """Two-step hashing (Ranbaduge, Christen and Schnell 2020), the set of integers kept as a bit vector.

    Each of TWO_STEP_FUNCTIONS hash functions sets one bit per gram in a vector of its own; then each place where any
    vector has a bit gives one integer, hashed from the place and the pattern of bits there.
    """
    columns: dict[str, pa.Array] = {}
    for field in FIELDS:
        secret = subkey(key, f"two-step/{field}")
        number, distinct = pd.factorize(records[field])
        vectors = np.zeros((len(distinct), TWO_STEP_INTEGERS), dtype=np.uint8)
        for row, value in enumerate(distinct):
            patterns: dict[int, int] = {}
            for gram in GRAMS[field](value):
                places = random_positions(secret, gram, TWO_STEP_FUNCTIONS, TWO_STEP_LENGTH)
                for function, place in enumerate(places.tolist()):
                    patterns[place] = patterns.get(place, 0) | 1 << function
            for place, pattern in patterns.items():
                digest = hmac.digest(secret, f"{place}\0{pattern}".encode(), "sha256")
                vectors[row, int.from_bytes(digest[:4], "big") % TWO_STEP_INTEGERS] = 1
        columns[f"{field}_bf"] = _filters(vectors[number], (records[field] != "").to_numpy(), 0.0, key, field)
    columns["nhs_number_token"] = tokens(records["nhs_number"], subkey(key, "token/nhs_number"))
    return columns


def keyed_names(records: pd.DataFrame, key: bytes) -> Columns:
    """A keyed hash of each field: what many call pseudonymised."""
    return {
        f"{field}_token": tokens(records[field], subkey(key, f"token/{field}")) for field in (*FIELDS, "nhs_number")
    }


def tokens(values: pd.Series, key: bytes) -> pa.Array:
    """The first 8 bytes of each value's HMAC-SHA256, null for ''."""
    number, distinct = pd.factorize(values)
    hashed = pa.array(
        [
            int.from_bytes(hmac.digest(key, value.encode(), "sha256")[:8], "big", signed=True) if value else None
            for value in distinct
        ],
        pa.int64(),
    )
    return hashed.take(pa.array(number))


def profile(name: str) -> Encode:
    """The encoder that agencies run, in one of its profiles."""
    fields = ("forename", "surname", "dob", "postcode", "nhs_number")
    return lambda records, key: encode.Encoder(key, name).identity(**{field: list(records[field]) for field in fields})


def unanchored(records: pd.DataFrame, key: bytes) -> Columns:
    """The encoder that agencies run with its hardening off: every record has the same anchors, so equal names show."""
    encoder, same = encode.Encoder(key), {"dob": "19700512", "postcode": "WX12AB"}

    def signed(field: str, anchor: str) -> pa.Array:
        given = {name: [same.get(name, "")] * len(records) for name in ("forename", "surname", "postcode", "dob")}
        given |= {field: list(records[field]), "nhs_number": [""] * len(records)}
        return encoder.identity(**given)[encode.signature_column(field, anchor)]

    anchors = {"forename": "dob", "surname": "dob", "dob": "postcode", "postcode": "dob"}
    return {f"{field}_bf": signed(field, anchor) for field, anchor in anchors.items()} | {
        "nhs_number_token": tokens(records["nhs_number"], subkey(key, "token/nhs_number"))
    }


def _secret_randomness(key: bytes, purpose: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(subkey(key, f"randomness/{purpose}"), "big"))


def _filters(vectors: np.ndarray, there: np.ndarray, noise: float, key: bytes, field: str) -> pa.Array:
    """Vectors of 0 and 1 as fixed-length binary, null where there is no value."""
    if noise:
        rng = _secret_randomness(key, f"noise/{field}")
        vectors = vectors ^ (rng.random(vectors.shape, dtype=np.float32) < noise)
    packed = np.packbits(vectors, axis=1)
    return pa.array(
        [row.tobytes() if filled else None for row, filled in zip(packed, there, strict=True)],
        pa.binary(packed.shape[1]),
    )


ENCODERS: dict[str, Encode] = {
    PLAIN: partial(field_filters, positions=double_hashing),
    KEYED_NAMES: keyed_names,
    UNANCHORED: unanchored,
    "field-filters+random": field_filters,
    "field-filters+balanced": partial(field_filters, harden=balanced),
    "field-filters+xor-fold": partial(field_filters, harden=xor_fold),
    "field-filters+rule-90": partial(field_filters, harden=rule_90),
    "field-filters+blip": partial(field_filters, noise=FLIP_PROBABILITY),
    "field-filters+diffusion": partial(field_filters, harden=diffuse),
    "field-filters+year-salt": partial(field_filters, salted=True),
    "two-step": two_step,
    **{name: profile(name) for name in getattr(encode, "PROFILES", ())},
}
"""Name -> encoder: the plain peers, the hardened ones, and last ours. All hardened ones hash at random positions."""
