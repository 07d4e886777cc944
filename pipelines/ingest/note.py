"""The delivery note: what it states about a delivery, and whether it has every entry that is read here.

Whether the delivery is what its note states is for delivery.py to find out. Notes are received, so they may hold anything:
what stands in one is used here only if it is of the right kind.
"""

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path

from pipelines.pseudonymise.delivery import FILES, FORMATS

from .region import Encoding

NOTE = "delivery.json"
KEY_CHECK = re.compile(r"[0-9a-f]{16}")
CHECKSUM = re.compile(r"[0-9a-f]{64}")
MOST_ROWS = 2**31  # a file never has so many


def read_note(folder: Path) -> object:
    """Whatever JSON the note in a folder holds. Raises OSError or ValueError if there is none that can be read."""
    text = (folder / NOTE).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None


def stated(folder: Path) -> dict:
    """The note's entries; none if it cannot be read."""
    try:
        note = read_note(folder)
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def created_at(note: dict) -> datetime | None:
    """When the delivery was made, or None if the note does not say so with an offset from UTC."""
    try:
        moment = datetime.fromisoformat(note["created_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def partial_until(note: dict) -> date | None:
    """Last day covered by a delivery of a part of its month; None for the whole month, or where the note errs."""
    try:
        last = date.fromisoformat(note["partial_until"])
        tomorrow = last + timedelta(days=1)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return last if f"{last:%Y-%m}" == f"{tomorrow:%Y-%m}" == note.get("period") else None


def file_names(note: dict) -> dict[str, str]:
    """Names of the files people, attributes and activity in a delivery's folder."""
    ending = note.get("format", FORMATS[0])
    return {name: f"{name}.{ending if ending in FORMATS else FORMATS[0]}" for name in FILES}


def rows(note: dict) -> dict[str, int | None]:
    """Rows of each file; None where the note does not say."""
    counts = note.get("rows")
    counts = counts if isinstance(counts, dict) else {}
    return {name: counts.get(name) if _is_count(counts.get(name)) else None for name in FILES}


def erased_rows(note: dict) -> dict[str, int]:
    """Rows that the hub has taken out of each file since, because people were erased."""
    redacted = note.get("redacted")
    counts = redacted.get("rows") if isinstance(redacted, dict) else {}
    counts = counts if isinstance(counts, dict) else {}
    return {name: counts[name] if _is_count(counts.get(name)) else 0 for name in FILES}


def encoding(note: dict) -> Encoding:
    """Key and encoder, of a note that is complete."""
    encoder = note["encoder"]
    return Encoding(
        note["key_check"], encoder["checksum"], str(encoder.get("version", "")), str(encoder.get("profile", ""))
    )


def is_complete(note: dict) -> bool:
    """Whether the note has every entry that is read here, each of its kind."""
    texts = ("agency", "feed", "period", "delivery_id", "spec_version", "key_check")
    return (
        all(isinstance(note.get(entry), str) for entry in texts)
        and all(isinstance(note.get(entry), dict) for entry in ("encoder", "rows", "sha256"))
        and KEY_CHECK.fullmatch(note["key_check"]) is not None
        and isinstance(note["encoder"].get("checksum"), str)
        and CHECKSUM.fullmatch(note["encoder"]["checksum"]) is not None
        and created_at(note) is not None
        and ("partial_until" not in note or partial_until(note) is not None)
        and note.get("format", FORMATS[0]) in FORMATS
        and None not in rows(note).values()
        and all(isinstance(note["sha256"].get(file), str) for file in file_names(note).values())
    )


def _is_count(value: object) -> bool:
    """Whether it can be a number of rows."""
    return type(value) is int and 0 <= value < MOST_ROWS
