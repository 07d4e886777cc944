"""The references of an agency's clients, for a request about them: who opted out late, or asks to be erased.

The local ids stay at the agency. The list says which key it was made with, so that a hub does not look for people under
references that it never had.
"""

import csv
import io
import os
from pathlib import Path

from . import contract, encode
from .errors import InputError
from .records import local_ids

COLUMNS = ("agency", "key_check", "person_ref")


def refs_as_csv(agency: str, people: Path, key: bytes) -> str:
    """CSV text with COLUMNS, a row a person in the order of the references, which says nothing about the list's own.

    people: CSV with local_person_id, as for --opt-outs. Raises InputError, also where nobody is in it.
    """
    if not contract.AGENCY.fullmatch(agency):
        raise InputError("The agency's code must be 2 to 12 capital letters or digits.")
    ids = local_ids(people).to_pylist()
    if not ids:
        raise InputError(f"{people} has no local_person_id that is filled in.")
    refs = sorted(encode.Pseudonyms(key, agency).person_refs(ids))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *((agency, encode.key_check(key), ref) for ref in refs)])
    return text.getvalue()


def write_refs(text: str, path: Path) -> None:
    """Write the list apart, readable by its owner alone, and move it into place."""
    beside = path.with_name(f".{path.name}.building")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)
