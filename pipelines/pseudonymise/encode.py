"""Keyed tokens and anchored signatures of normalised identifiers: all of identity that ever leaves an agency.

Equal names must not be equal in a delivery, or its commonest value is the commonest name. So nothing here stands for a
single name. A *token* is 64 bits of a keyed hash of a whole value: of a birth date, a postcode, an NHS number, or of two
parts together (birth date and the sound of the surname). A *signature* is a 256-bit SimHash (Charikar 2002) of
a field's q-grams, every gram hashed together with another value of the same record, its *anchor*: forename_by_dob_sig
of two records can be compared where their birth dates are the same, and is noise where they are not. Half of a
signature's bits are set whatever the name, so that its weight says nothing of a name's length. Pairs that linkage looks
at share a birth date, a postcode or the sounds of both names, and each of the three is an anchor: what is lost is small.
What all of this leaks is measured and written down in docs/risks.md and docs/encodings.md.

Two profiles, named for whom they trust. `trusted-hub` is the default; `untrusted-hub` leaves out the columns that a hub
which attacks what it was given would learn most from.

Values are hashed by HMAC-SHA256 once for each distinct value; parts are put together by AES-256 as a keyed function of
one 16-byte block (64 bits of each of two parts), which numpy and AES do for a whole column at once. The settings, the
bytes of the reference lists and what comes of a few made-up records make the encoder's checksum: two agencies whose
checksums differ could not be linked, and the hub refuses the second.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from functools import cache

import jellyfish
import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import normalise
from .keys import subkey

ENCODER_VERSION = "2"
PROFILES = ("trusted-hub", "untrusted-hub")
DEFAULT_PROFILE = "trusted-hub"
SIGNATURE_BITS = 256
SIGNATURE_BYTES = SIGNATURE_BITS // 8
REMEMBERED = 100_000  # values of a field whose hashes are kept between batches: names repeat
BLOCK = 16  # bytes that AES takes and gives

Parts = tuple[str, ...]


def name_grams(value: str) -> list[str]:
    """Padded bigrams of each word: '_a', 'an', 'n_'."""
    return [f"_{word}_"[i : i + 2] for word in value.split() for i in range(len(word) + 1)]


def dob_grams(value: str) -> list[str]:
    """Each digit with its place: '1@0', '9@1'. The first of January often stands for a year alone, and is read so."""
    return [f"{digit}@{place}" for place, digit in enumerate(value.removesuffix("0101") if len(value) == 8 else value)]


def postcode_grams(value: str) -> list[str]:
    """Characters with their place from the left in the outward part and from the right in the inward part."""
    outward, inward = value[:-3], value[-3:]
    return [f"{character}@{place}" for place, character in enumerate(outward)] + [
        f"{character}@-{3 - place}" for place, character in enumerate(inward)
    ]


GRAMS: dict[str, Callable[[str], list[str]]] = {
    "forename": name_grams,
    "surname": name_grams,
    "dob": dob_grams,
    "postcode": postcode_grams,
}


def sound(word: str) -> str:
    """Soundex of the first word, or ''. Names without a Latin letter have no sound."""
    letters = "".join(character for character in word.split(" ")[0] if "a" <= character <= "z")
    return jellyfish.soundex(letters) if letters else ""


def _full(dob: str) -> str:
    return dob if len(dob) == 8 else ""


def unordered_day_month(dob: str) -> str:
    """A full date as year, then month and day in ascending order: the same for a date and for its swapped form."""
    return dob[:4] + "".join(sorted((dob[4:6], dob[6:8]))) if len(dob) == 8 else ""


# Part -> the field that it is made from, and how. A part is hashed once for each distinct value of its field.
PARTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "forename_root": ("forename", normalise.forename_root),
    "forename_sound": ("forename", lambda value: sound(normalise.forename_root(value))),
    "forename_initial": ("forename", lambda value: normalise.forename_root(value)[:1]),
    "forename_only_initial": ("forename", lambda value: value if len(value) == 1 else ""),
    "surname_sound": ("surname", sound),
    "dob": ("dob", _full),
    "dob_unordered": ("dob", unordered_day_month),
    "postcode": ("postcode", str),
    "nhs_number": ("nhs_number", str),
}
# Parts that are compared with each other are hashed alike: a forename written in the surname's place is found by it.
SHARED_KEYS = {
    "forename_sound": "sound",
    "surname_sound": "sound",
    "forename_initial": "initial",
    "forename_only_initial": "initial",
}
SHARED_GRAMS = {"forename": "name", "surname": "name"}

# Token -> its parts. Two sounds of one token stand in no order, so that swapped names have the same token.
TOKENS: dict[str, Parts] = {
    "nhs_number": ("nhs_number",),
    "dob": ("dob",),
    "dob_unordered": ("dob_unordered",),
    "postcode": ("postcode",),
    "dob_initial": ("dob_unordered", "forename_initial"),
    "dob_only_initial": ("dob_unordered", "forename_only_initial"),
    "dob_root_forename": ("dob_unordered", "forename_root"),
    "dob_sound_forename": ("dob_unordered", "forename_sound"),
    "dob_sound_surname": ("dob_unordered", "surname_sound"),
    "postcode_initial": ("postcode", "forename_initial"),
    "postcode_only_initial": ("postcode", "forename_only_initial"),
    "postcode_sound_surname": ("postcode", "surname_sound"),
    "sound_names": ("forename_sound", "surname_sound"),
}
# Tokens that share a key, so that one can be found in the other's place.
SHARED_TOKENS = {
    "dob_sound_forename": "dob_sound",
    "dob_sound_surname": "dob_sound",
    "dob_only_initial": "dob_initial",
    "postcode_only_initial": "postcode_initial",
}

# Anchor -> the token whose equality says that two records share it; field -> the anchors that it is signed by.
ANCHORS: dict[str, str] = {"dob": "dob_unordered", "postcode": "postcode", "names": "sound_names"}
SIGNED_BY: dict[str, tuple[str, ...]] = {
    "forename": ("dob", "postcode", "names"),
    "surname": ("dob", "postcode", "names"),
    "dob": ("postcode", "names"),
    "postcode": ("dob", "names"),
}
FIELDS = tuple(SIGNED_BY)

# What only a trusted hub is given: all that shows which records have names that sound alike.
TRUSTED_ONLY_ANCHOR = "names"


def signatures(profile: str = DEFAULT_PROFILE) -> tuple[tuple[str, str], ...]:
    """(field, anchor) of each signature of a profile."""
    return tuple(
        (field, anchor)
        for field, anchors in SIGNED_BY.items()
        for anchor in anchors
        if profile == DEFAULT_PROFILE or anchor != TRUSTED_ONLY_ANCHOR
    )


def tokens(profile: str = DEFAULT_PROFILE) -> tuple[str, ...]:
    """Names of the tokens of a profile."""
    return tuple(token for token in TOKENS if profile == DEFAULT_PROFILE or token != ANCHORS[TRUSTED_ONLY_ANCHOR])


def signature_column(field: str, anchor: str) -> str:
    return f"{field}_by_{anchor}_sig"


def identity_columns(profile: str = DEFAULT_PROFILE) -> dict[str, pa.DataType]:
    """Columns of people.parquet beside person_ref, with their types."""
    return {
        **{signature_column(*pair): pa.binary(SIGNATURE_BYTES) for pair in signatures(profile)},
        **{f"{token}_token": pa.int64() for token in tokens(profile)},
        "nhs_number_verified": pa.bool_(),
    }


def settings(profile: str = DEFAULT_PROFILE) -> dict:
    """The encoder's settings as they stand in the delivery note."""
    return {
        "version": ENCODER_VERSION,
        "profile": profile,
        "signature_bits": SIGNATURE_BITS,
        "hash": "HMAC-SHA256 of values, AES-256 of their parts together, HKDF subkeys",
        "signatures": sorted(signature_column(*pair) for pair in signatures(profile)),
        "tokens": sorted(tokens(profile)),
    }


# Made-up records whose columns under a key of zeros are part of the checksum: it changes with what the encoder does, not
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
def checksum(profile: str = DEFAULT_PROFILE) -> str:
    """SHA-256 over the settings, the reference lists and the columns of SAMPLES, 64 hex characters."""
    digest = hashlib.sha256(json.dumps(settings(profile), sort_keys=True).encode())
    for path in sorted(normalise.REFERENCE.glob("*.csv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    readers = (normalise.name, normalise.name, normalise.birth_date, normalise.postcode, normalise.nhs_number)
    fields = [list(map(read, values)) for read, values in zip(readers, zip(*SAMPLES, strict=True), strict=True)]
    for name, column in sorted(Encoder(bytes(32), profile).identity(*fields).items()):
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

    def person_refs(self, local_person_ids: Sequence[str]) -> list[str]:
        """person_ref of each of many clients."""
        start, key, digest = f"{self._agency}\0", self._person, hmac.digest
        return [digest(key, (start + local_id).encode(), "sha256")[:16].hex() for local_id in local_person_ids]

    def reference(self, feed: str, value: str) -> str:
        """32 hex characters for an agency's row reference."""
        return hmac.digest(self._row, f"{self._agency}\0{feed}\0{value}".encode(), "sha256")[:16].hex()


class Encoder:
    """Tokens and signatures under one key, for one profile."""

    def __init__(self, key: bytes, profile: str = DEFAULT_PROFILE):
        if profile not in PROFILES:
            raise ValueError(f"There is no profile called {profile}. Profiles: {', '.join(PROFILES)}.")
        self.profile = profile
        self._part_keys = {part: subkey(key, f"part/{SHARED_KEYS.get(part, part)}") for part in PARTS}
        self._gram_keys = {field: subkey(key, f"gram/{SHARED_GRAMS.get(field, field)}") for field in FIELDS}
        self._gram_hashes: dict[str, dict[str, bytes]] = {field: {} for field in FIELDS}  # a few thousand at most
        self._packed_grams: dict[str, dict[str, bytes]] = {field: {} for field in FIELDS}
        self._part_hashes: dict[str, dict[str, int]] = {part: {} for part in PARTS}
        self._token_ciphers = {token: _cipher(key, f"token/{SHARED_TOKENS.get(token, token)}") for token in TOKENS}
        self._anchor_ciphers = {anchor: _cipher(key, f"anchor/{anchor}") for anchor in ANCHORS}
        self._signature_ciphers = [_cipher(key, f"signature/{half}") for half in range(SIGNATURE_BYTES // BLOCK)]
        self._tie = hmac.digest(subkey(key, "gram/tie"), b"tie", "sha256")[7::-1]

    def identity(self, forename, surname, dob, postcode, nhs_number) -> dict[str, pa.Array]:
        """Columns, by name, of records given as equally long lists or Arrow arrays of normalised values ('' missing).

        A row's columns depend on that row alone.
        """
        given = {"forename": forename, "surname": surname, "dob": dob, "postcode": postcode, "nhs_number": nhs_number}
        fields = {field: _by_distinct(values) for field, values in given.items()}
        parts = {part: self._part(part, *fields[field]) for part, (field, _) in PARTS.items()}
        columns: dict[str, pa.Array] = {}
        anchors = {
            name: self._together(TOKENS[token], parts, self._anchor_ciphers[name]) for name, token in ANCHORS.items()
        }
        grams = {field: self._grams(field, fields[field][0]) for field in FIELDS}
        for field, anchor in signatures(self.profile):
            columns[signature_column(field, anchor)] = self._signatures(
                grams[field], fields[field][1], *anchors[anchor]
            )
        for token in tokens(self.profile):
            hashed, present = self._together(TOKENS[token], parts, self._token_ciphers[token])
            columns[f"{token}_token"] = pa.array(hashed.view(np.int64), mask=~present)
        return columns

    def _part(self, part: str, values: list[str], places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keyed hash (uint64) of a part of each record, and whether it is there."""
        key, make = self._part_keys[part], PARTS[part][1]

        def hashed(value: str) -> int:
            made = make(value)
            return _hash(key, made) if made else 0

        hashes = np.array(_remembered(self._part_hashes[part], values, hashed), np.uint64)[places]
        return hashes, hashes != 0

    @staticmethod
    def _together(of: Parts, parts: dict, cipher: Cipher) -> tuple[np.ndarray, np.ndarray]:
        """Keyed hash (uint64) of some parts of each record together, and whether all of them are there."""
        hashes, present = [parts[part][0] for part in of], np.logical_and.reduce([parts[part][1] for part in of])
        if len(of) == 2 and SHARED_KEYS.get(of[0]) and SHARED_KEYS.get(of[0]) == SHARED_KEYS.get(of[1]):
            hashes = [np.minimum(*hashes), np.maximum(*hashes)]
        one, other = hashes if len(of) == 2 else (hashes[0], np.zeros_like(hashes[0]))
        return np.ascontiguousarray(_encrypt(cipher, np.stack([one, other], axis=1))[:, 0]), present

    def _grams(self, field: str, values: list[str]) -> list[bytes]:
        """Keyed hashes (8 bytes each, an odd number) of the q-grams of each value."""
        key, known, grams_of = self._gram_keys[field], self._gram_hashes[field], GRAMS[field]

        def hashed(value: str) -> bytes:
            grams = set(grams_of(value))
            for gram in grams - known.keys():
                known[gram] = hmac.digest(key, gram.encode(), "sha256")[7::-1]  # big end first, so that they sort
            hashes = sorted(known[gram] for gram in grams)
            if hashes and len(hashes) % 2 == 0:  # an even number of votes can tie: one more, the same for everybody
                hashes.append(self._tie)
            return b"".join(hashes)

        return _remembered(self._packed_grams[field], values, hashed)

    def _signatures(
        self, grams: list[bytes], places: np.ndarray, anchors: np.ndarray, anchored: np.ndarray
    ) -> pa.Array:
        """256-bit signatures of a field, given as the grams of its distinct values; null where it or its anchor is not."""
        counts = np.fromiter(map(len, grams), np.int64, len(grams)) // 8
        result = np.zeros((len(places), SIGNATURE_BYTES // 8), np.uint64)
        count_of = np.where(anchored, counts[places], 0)
        for count in np.unique(count_of[count_of > 0]):
            rows, of_count = np.flatnonzero(count_of == count), np.flatnonzero(counts == count)
            matrix = (
                np.frombuffer(b"".join([grams[i] for i in of_count.tolist()]), ">u8").astype("<u8").reshape(-1, count)
            )
            votes = matrix[np.searchsorted(of_count, places[rows])]
            result[rows] = self._majority(votes, anchors[rows])
        buffers = [_validity(count_of > 0), pa.py_buffer(np.ascontiguousarray(result))]
        return pa.Array.from_buffers(pa.binary(SIGNATURE_BYTES), len(result), buffers)

    def _majority(self, grams: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        """For each record and bit whether most of its grams set it. grams: (records, odd number); result: words.

        Votes of 64 bits at once: counters are held as bit planes, and each gram is added with carry.
        """
        records, votes = grams.shape
        planes = [np.zeros((records, SIGNATURE_BYTES // 8), np.uint64) for _ in range(votes.bit_length())]
        for place in range(votes):
            blocks = np.stack([grams[:, place], anchors], axis=1)
            carry = np.concatenate([_encrypt(cipher, blocks) for cipher in self._signature_ciphers], axis=1)
            for i, plane in enumerate(planes):
                planes[i], carry = plane ^ carry, plane & carry
        more, equal = np.zeros_like(planes[0]), ~np.zeros_like(planes[0])
        for i in reversed(range(len(planes))):
            if votes // 2 >> i & 1:
                equal &= planes[i]
            else:
                more |= equal & planes[i]
                equal &= ~planes[i]
        return more


def _cipher(key: bytes, purpose: str) -> Cipher:
    # ECB is right here: each block stands alone, as an input of a keyed function and not as a text to be hidden.
    return Cipher(algorithms.AES(subkey(key, purpose)), modes.ECB())


def _encrypt(cipher: Cipher, blocks: np.ndarray) -> np.ndarray:
    """AES of each row of two uint64, as two uint64."""
    made = cipher.encryptor().update(np.ascontiguousarray(blocks, "<u8").tobytes())
    return np.frombuffer(made, "<u8").reshape(-1, 2)


def _hash(key: bytes, value: str) -> int:
    return int.from_bytes(hmac.digest(key, value.encode(), "sha256")[:8], "little")


def _remembered(known: dict, values: list[str], function: Callable) -> list:
    """function(value) of each value. What it gave is kept for the next batch, as long as that takes little memory."""
    if len(known) > REMEMBERED:
        known.clear()
    for value in values:
        if value not in known:
            known[value] = function(value)
    return [known[value] for value in values]


def _by_distinct(values: Sequence[str] | pa.Array | pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Distinct values and, for each record, the place of its own among them."""
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    encoded = array.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)


def _validity(present: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))
