"""Whom the hub must not hold: one line for each client of an agency that was erased, as a keyed hash under the hub's salt.

The file only grows. Without the salt a line says nothing; with it one can ask whether a reference is meant, and no
more. Each line carries a check of the salt, because with another salt every tombstone would silently miss.
"""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipelines.hub_salt import hub_salt
from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings

FILE = "tombstones.jsonl"
PERSON_REF = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Tombstone:
    """One client of one agency."""

    hash: str  # 64 hex characters
    agency: str
    key_check: str  # of the agencies' key that the reference was made with
    erased_at: str  # UTC
    by: str
    reason: str
    salt_check: str


class Tombstones:
    """All tombstones of a hub, and whether a reference is one of them."""

    def __init__(self, salt: str, stones: Sequence[Tombstone]):
        self._salt, self.stones = bytes.fromhex(salt), tuple(stones)
        self._hashes = {stone.hash for stone in stones}
        self._known: dict[tuple[str, str], bool] = {}
        self.agencies = sorted({stone.agency for stone in stones})

    @classmethod
    def read(cls, settings: Settings) -> "Tombstones":
        """Raises InputError if the file was damaged, or made with another salt."""
        path, stones = settings.state / FILE, []
        if not path.exists():
            return cls("", [])
        salt = hub_salt(settings.state)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                stones.append(Tombstone(**json.loads(line)))
            except (ValueError, TypeError):
                raise InputError(f"{path}, line {number}: not a tombstone. Restore the file from the backup.") from None
            if stones[-1].salt_check != salt_check(salt):
                raise InputError(
                    f"{path}, line {number}: made with another hub_salt than the one beside it, so that nobody who was "
                    "erased would be known again. Restore both from the backup of the state folder."
                )
        return cls(salt, stones)

    def with_these(self, stones: Sequence[Tombstone], salt: str) -> "Tombstones":
        return Tombstones(salt, [*self.stones, *stones])

    def match(self, agency: str, refs: Iterable[str | None]) -> np.ndarray:
        """For each person_ref of an agency whether it has a tombstone."""
        if agency not in self.agencies:
            return np.zeros(len(list(refs)), dtype=bool)
        return np.fromiter((self._is_one(agency, ref) for ref in refs), dtype=bool)

    def match_any(self, refs: Iterable[str | None]) -> np.ndarray:
        """The same where it is not said whose reference it is: those of two agencies never match."""
        refs = list(refs)
        found = np.zeros(len(refs), dtype=bool)
        for agency in self.agencies:
            found |= self.match(agency, refs)
        return found

    def _is_one(self, agency: str, ref: str | None) -> bool:
        if ref is None:
            return False
        known = self._known.get((agency, ref))
        if known is None:
            known = self._known[agency, ref] = keyed_hash(self._salt, agency, ref) in self._hashes
        return known

    def __bool__(self) -> bool:
        return bool(self.stones)


def tombstoned(settings: Settings, agency: str, refs: Iterable[str]) -> np.ndarray:
    """For each person_ref of an agency whether that client was erased and must not come in again."""
    return Tombstones.read(settings).match(agency, refs)


def keyed_hash(salt: bytes, agency: str, ref: str) -> str:
    return hmac.digest(salt, f"erased\0{agency}\0{ref}".encode(), "sha256").hex()


def salt_check(salt: str) -> str:
    """16 hex characters that tell one salt from another and give neither away."""
    return hmac.digest(bytes.fromhex(salt), b"tombstones", "sha256").hex()[:16]


def append(settings: Settings, stones: Sequence[Tombstone]) -> None:
    """Add lines at the end, all of them or none, and have them on the disk before anything is removed."""
    path = settings.state / FILE
    before = path.read_bytes() if path.exists() else b""
    lines = b"".join(json.dumps(asdict(stone), ensure_ascii=False).encode() + b"\n" for stone in stones)
    beside = path.with_name(f".{FILE}.new")
    with beside.open("wb") as file:
        file.write(before + lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    _sync(path.parent)


def digest(settings: Settings) -> str | None:
    """SHA-256 (hex) of all tombstones; None if there are none."""
    path = settings.state / FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
