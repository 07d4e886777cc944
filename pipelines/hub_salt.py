"""The hub's own secret, behind person and contact ids: it never leaves the hub and says nothing about the agencies' key."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def hub_salt(state: Path) -> str:
    """64 hex characters from `state`/hub_salt (mode 0600), made there if there are none. ValueError if it is damaged."""
    path = state / "hub_salt"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        # Written apart, readable by its owner alone, and linked into place: a kill leaves the whole salt or none.
        descriptor, building = tempfile.mkstemp(prefix=".hub_salt-", dir=state)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):  # another first run was quicker: its salt stands
            os.link(building, path)
        os.unlink(building)
    salt = path.read_text(encoding="ascii").strip()
    if len(salt) != 64:
        raise ValueError(f"{path} does not hold 32 bytes in hex; restore it from the backup of the state folder")
    return salt
