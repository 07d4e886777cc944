"""The partnership's key: made once, read from a file that nobody else can read, never printed.

Every purpose gets its own subkey by HKDF-SHA256 (RFC 5869), so that a token of one field says nothing about another.
"""

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import InputError

KEY_BYTES = 32


def write_new_key(path: Path) -> None:
    """Write 256 bits of the system's randomness to `path` as 64 hex characters, file mode 0600.

    Raises InputError if the file exists: a key that is overwritten cannot be had back, and with it every link is lost.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{path} exists already. Choose another file name, or move the old key away first.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(os.urandom(KEY_BYTES).hex() + "\n")


def read_key(path: Path) -> bytes:
    """The 32 bytes of a key file. Raises InputError if it is missing, open to others, or not a key."""
    try:
        mode = path.stat().st_mode
        text = path.read_text().strip()
    except FileNotFoundError:
        raise InputError(f"{path} is not there. Make a key with: upstream keygen {path}") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read as a key file.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path} can be read by others. Close it with: chmod 600 {path}")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(f"{path} does not hold a key of 64 hexadecimal characters. Ask your partnership for the key.")
    return key


def subkey(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, derived from the partnership's key."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"upstream/{purpose}".encode()).derive(key)
