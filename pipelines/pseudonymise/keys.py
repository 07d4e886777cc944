"""The partnership's key: made once, read from a file that nobody else can read, never printed.

Every purpose gets its own subkey by HKDF-SHA256 (RFC 5869), so that a token of one field says nothing about another.
"""

import os
import re
import stat
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import InputError

KEY_BYTES = 32
KEY_FORM = re.compile(r"[0-9A-Fa-f]{64}")
LONGEST_KEY_TEXT = 200  # bytes of a key file, with some blanks


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
    """The 32 bytes of a key file. Raises InputError if it is missing, open to others, of somebody else, or not a key.

    A link is followed, and what is judged is the very file that is read.
    """
    if KEY_FORM.fullmatch(path.name):
        # Whatever is on a command line can be read by everybody on the machine, and is not repeated here.
        raise InputError(
            "--key-file takes the name of a file, and was given what looks like a key. Others may have seen it on the "
            "command line: if it is the partnership's key, tell the partnership that it needs a new one."
        )
    try:
        with open(path, "rb") as file:
            status, text = os.fstat(file.fileno()), file.read(2 * LONGEST_KEY_TEXT)
    except FileNotFoundError:
        raise InputError(f"{path} is not there. Make a key with: upstream keygen {path}") from None
    except OSError:
        raise InputError(f"{path} cannot be read as a key file.") from None
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path} can be read by others. Close it with: chmod 600 {path}")
    if status.st_uid != os.geteuid():
        raise InputError(f"{path} belongs to another user, who can read it. Make a copy of your own, mode 0600.")
    if len(text) > LONGEST_KEY_TEXT or not KEY_FORM.fullmatch(text.decode("ascii", "replace").strip()):
        raise InputError(f"{path} does not hold a key of 64 hexadecimal characters. Ask your partnership for the key.")
    return bytes.fromhex(text.decode("ascii").strip())


def subkey(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, derived from the partnership's key."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"upstream/{purpose}".encode()).derive(key)
