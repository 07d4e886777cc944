"""Keyed Bloom filters and keyed tokens of normalised identifiers: all of identity that ever leaves an agency.

A *Bloom filter* of a field is 512 bits, each q-gram setting BITS_PER_GRAM positions taken from its own HMAC-SHA512
(random hashing: positions of one gram are independent of each other). Two filters are compared by their Dice
coefficient. A *token* is the first 8 bytes of an HMAC-SHA256 as a signed 64-bit integer: equal or not, nothing between.
Every field and every blocking key has a subkey of its own. What each of these leaks is written down in docs/risks.

The settings, the bytes of the reference lists and what comes of a few made-up records make the encoder's checksum: two
agencies whose checksums differ could not be linked, and the hub refuses the second.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from functools import cache

import jellyfish
import numpy as np
import pyarrow as pa

from . import normalise
from .keys import subkey

ENCODER_VERSION = "1"
FILTER_BITS = 512
FILTER_BYTES = FILTER_BITS // 8
BITS_PER_GRAM = {"forename": 15, "surname": 15, "dob": 20, "postcode": 20}
FIELDS = ("forename", "surname", "dob", "postcode")


def name_grams(value: str) -> list[str]:
    """Padded bigrams of each word: '_a', 'an', 'n_'."""
    return [f"_{word}_"[i : i + 2] for word in value.split() for i in range(len(word) + 1)]


def positional_grams(value: str) -> list[str]:
    """Each character with its place: '1@0', '9@1'."""
    return [f"{character}@{place}" for place, character in enumerate(value)]


def postcode_grams(value: str) -> list[str]:
    """Characters with their place from the left in the outward part and from the right in the inward part."""
    return positional_grams(value[:-3]) + [f"{character}@-{3 - place}" for place, character in enumerate(value[-3:])]


GRAMS: dict[str, Callable[[str], list[str]]] = {
    "forename": name_grams,
    "surname": name_grams,
    "dob": positional_grams,
    "postcode": postcode_grams,
}


def sound(word: str) -> str:
    """Soundex of the first word, or ''. Names without a Latin letter have no sound."""
    letters = "".join(character for character in word.split(" ")[0] if "a" <= character <= "z")
    return jellyfish.soundex(letters) if letters else ""


def _joined(*parts: str) -> str:
    """The parts of a compound key, or '' if any part is missing."""
    return "|".join(parts) if all(parts) else ""


def _full(dob: str) -> str:
    return dob if len(dob) == 8 else ""


def unordered_day_month(dob: str) -> str:
    """Year, then month and day in ascending order: the same for a date and for its swapped form."""
    return dob[:4] + "".join(sorted((dob[4:6], dob[6:8]))) if dob else ""


# Token name -> the value that is hashed, from normalised forename (f), surname (s), birth date (d), postcode (p).
TOKENS: dict[str, Callable[[str, str, str, str], str]] = {
    "forename": lambda f, s, d, p: f,
    "surname": lambda f, s, d, p: s,
    "dob": lambda f, s, d, p: _full(d),
    "postcode": lambda f, s, d, p: p,
    "forename_root": lambda f, s, d, p: normalise.forename_root(f),
    "forename_swap": lambda f, s, d, p: f,
    "surname_swap": lambda f, s, d, p: s,
    "dob_unordered": lambda f, s, d, p: unordered_day_month(_full(d)),
    "dob_year": lambda f, s, d, p: d[:4],
    "dob_only_year": lambda f, s, d, p: d[:4] if d[4:] in ("", "0101") else "",
    "postcode_sector": lambda f, s, d, p: p[:-2] if len(p) >= 5 else "",
    "dob_sound_surname": lambda f, s, d, p: _joined(_full(d), sound(s)),
    "dob_sound_forename": lambda f, s, d, p: _joined(_full(d), sound(normalise.forename_root(f))),
    "dob_start_forename": lambda f, s, d, p: _joined(_full(d), f[:3]),
    "dob_start_surname": lambda f, s, d, p: _joined(_full(d), s[:3]),
    "dob_postcode": lambda f, s, d, p: _joined(_full(d), p),
    "postcode_sound_surname": lambda f, s, d, p: _joined(p, sound(s)),
    "postcode_initial": lambda f, s, d, p: _joined(p, normalise.forename_root(f)[:1]),
    "sound_surname_year_start": lambda f, s, d, p: _joined(sound(s), d[:4], f[:3]),
    "sound_forename_day_start": lambda f, s, d, p: _joined(sound(normalise.forename_root(f)), _full(d)[4:], s[:3]),
    "sound_names": lambda f, s, d, p: _joined(*sorted((sound(normalise.forename_root(f)), sound(s)))),
}
# Tokens that are compared with each other share a subkey: a forename written in the surname's place is found by it, and
# a first of January that stands for a year alone.
SHARED_KEYS = {
    "forename_swap": "name",
    "surname_swap": "name",
    "dob_year": "year",
    "dob_only_year": "year",
    "dob_sound_surname": "dob_sound",
    "dob_sound_forename": "dob_sound",
}


def settings() -> dict:
    """The encoder's settings as they stand in the delivery note."""
    return {
        "version": ENCODER_VERSION,
        "filter_bits": FILTER_BITS,
        "bits_per_gram": BITS_PER_GRAM,
        "hash": "HMAC-SHA512, random hashing, HKDF subkeys",
        "tokens": sorted([*TOKENS, "nhs_number"]),
    }


# Made-up records whose tokens under a key of zeros are part of the checksum: it changes with what the encoder does, not
# with how its code is written. Forename, surname, birth date, postcode, NHS number.
SAMPLES = (
    ("Mrs. Peggy", "O'Neil-Łukasz", "1938-03-04", "WX1 2AB", "943 476 5919"),
    ("Bob James", "van der Berg", "1960-15-01", "W1A OAX", "9434765918"),
    ("Baby", "Smith", "1970-01", "ZZ99 3VZ", ""),
    ("José", "de la Cruz Jnr", "1985", "wx22", ""),
    ("Smith", "Margaret", "1961-01-01", "EC1A1BB", "0000000000"),
    ("Unknown", "", "1900-01-01", "", ""),
)


@cache
def checksum() -> str:
    """SHA-256 over the settings, the reference lists and the tokens of SAMPLES, 64 hex characters."""
    digest = hashlib.sha256(json.dumps(settings(), sort_keys=True).encode())
    for path in sorted(normalise.REFERENCE.glob("*.csv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    readers = (normalise.name, normalise.name, normalise.birth_date, normalise.postcode, normalise.nhs_number)
    fields = [list(map(read, values)) for read, values in zip(readers, zip(*SAMPLES, strict=True), strict=True)]
    for name, column in sorted(Encoder(bytes(32)).identity(*fields).items()):
        digest.update(f"{name}\0{column.to_pylist()}\0".encode())
    return digest.hexdigest()


def key_check(key: bytes) -> str:
    """16 hex characters that are equal if and only if two agencies used the same key."""
    return hmac.digest(subkey(key, "key check"), b"upstream key check", "sha256")[:8].hex()


class Pseudonyms:
    """Keyed references: one way, and different for every agency."""

    def __init__(self, key: bytes, agency: str):
        self._person, self._row, self._agency = subkey(key, "person_ref"), subkey(key, "reference"), agency

    def person_ref(self, local_person_id: str) -> str:
        """32 hex characters for an agency's client; the agency's code is part of what is hashed."""
        return hmac.digest(self._person, f"{self._agency}\0{local_person_id}".encode(), "sha256")[:16].hex()

    def reference(self, feed: str, value: str) -> str:
        """32 hex characters for an agency's row reference."""
        return hmac.digest(self._row, f"{self._agency}\0{feed}\0{value}".encode(), "sha256")[:16].hex()


class Encoder:
    """Filters and tokens under one key. Remembers what it has hashed, since names and dates repeat."""

    def __init__(self, key: bytes):
        self._filter_keys = {field: subkey(key, f"filter/{field}") for field in FIELDS}
        self._token_keys = {
            token: subkey(key, f"token/{SHARED_KEYS.get(token, token)}") for token in [*TOKENS, "nhs_number"]
        }
        self._gram_bits: dict[tuple[str, str], int] = {}

    def _bits_of_gram(self, field: str, gram: str) -> int:
        bits = self._gram_bits.get((field, gram))
        if bits is None:
            digest = hmac.digest(self._filter_keys[field], gram.encode(), "sha512")
            places = np.frombuffer(digest, dtype=">u2")[: BITS_PER_GRAM[field]] % FILTER_BITS
            bits = 0
            for place in places:
                bits |= 1 << int(place)
            self._gram_bits[field, gram] = bits
        return bits

    def filter(self, field: str, value: str) -> bytes | None:
        """64 bytes, or None for a missing value."""
        if not value:
            return None
        bits = 0
        for gram in GRAMS[field](value):
            bits |= self._bits_of_gram(field, gram)
        return bits.to_bytes(FILTER_BYTES, "big")

    def token(self, name: str, value: str) -> int | None:
        """A signed 64-bit integer, or None for a missing value."""
        if not value:
            return None
        return int.from_bytes(hmac.digest(self._token_keys[name], value.encode(), "sha256")[:8], "big", signed=True)

    def identity(self, forename, surname, dob, postcode, nhs_number) -> dict[str, pa.Array]:
        """Token columns, by name, of records given as equally long lists of normalised values ('' for missing)."""
        values = {"forename": forename, "surname": surname, "dob": dob, "postcode": postcode}
        columns = {
            f"{field}_bf": pa.array(
                _by_distinct(values[field], lambda v, field=field: self.filter(field, v)), pa.binary()
            )
            for field in FIELDS
        }
        records = list(zip(forename, surname, dob, postcode, strict=True))
        for name, value_of in TOKENS.items():
            keys = [value_of(*record) for record in records]
            columns[f"{name}_token"] = pa.array(
                _by_distinct(keys, lambda v, name=name: self.token(name, v)), pa.int64()
            )
        numbers = _by_distinct(nhs_number, lambda v: self.token("nhs_number", v))
        columns["nhs_number_token"] = pa.array(numbers, pa.int64())
        return columns


def _by_distinct(values: Iterable[str], function: Callable) -> list:
    """function(value) for each value, computed once for each distinct one."""
    found: dict[str, object] = {}
    result = []
    for value in values:
        if value not in found:
            found[value] = function(value)
        result.append(found[value])
    return result


IDENTITY_COLUMNS: dict[str, pa.DataType] = {
    **{f"{field}_bf": pa.binary() for field in FIELDS},
    **{f"{name}_token": pa.int64() for name in TOKENS},
    "nhs_number_token": pa.int64(),
    "nhs_number_verified": pa.bool_(),
}
"""Columns of people.parquet beside person_ref, with their types."""
