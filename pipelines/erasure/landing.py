"""A kept delivery, written again without the rows of people who have a tombstone.

The delivery stays the same delivery: its id and the time it was made do not change, its note gets the new counts and
digests and says how many rows were taken out. A file that did not fit its note before does not fit it after, so that
nothing becomes acceptable by an erasure. The same rows and the same tombstones give the same bytes.
"""

import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ingest.note import NOTE
from pipelines.settings import Settings

from .tombstones import Tombstones

KINDS = (".parquet", ".csv")


def redact_slots(settings: Settings, feed: str = "*", period: str = "*") -> int:
    """`redact` for every delivery of a feed's month, whoever sent it and whether it counts; rows taken out.

    For what has just arrived: the next delivery cannot bring back who was erased.
    """
    stones = Tombstones.read(settings)
    folders = settings.landing.glob(f"*/{feed}/{period}/*") if stones else []
    return sum(redact(folder, stones) for folder in sorted(folders) if folder.is_dir())


def redact(folder: Path, stones: Tombstones) -> int:
    """Take the rows of erased people out of every file of a delivery's folder; how many there were.

    The note is moved into place first: killed between it and the last file, the next call has the same left to do and
    comes to the digests that stand in the note. Files that cannot be read stay as they are: the hub refuses them.
    """
    staged, removed = {}, {}
    for path in sorted(path for path in folder.iterdir() if path.suffix in KINDS and not path.name.startswith(".")):
        beside = path.with_name(f".{path.name}.redacted")
        if rows := _write_without(path, beside, stones):
            staged[path], removed[path] = beside, rows
    if staged:
        _restate(folder / NOTE, staged, removed)
    for path, beside in staged.items():
        beside.replace(path)
    return sum(removed.values())


def _write_without(path: Path, beside: Path, stones: Tombstones) -> int:
    """Write the file without erased people's rows to `beside`, if it has any; how many it has."""
    return (_parquet_without if path.suffix == ".parquet" else _csv_without)(path, beside, stones)


def _parquet_without(path: Path, beside: Path, stones: Tombstones) -> int:
    try:
        file = pq.ParquetFile(path)
        if "person_ref" not in file.schema_arrow.names:
            return 0
        erased = stones.match_any(file.read(columns=["person_ref"])["person_ref"].to_pylist())
        if erased.any():
            pq.write_table(file.read().filter(pa.array(~erased)), beside, compression="zstd")
        return int(erased.sum())
    except (pa.ArrowException, OSError):
        return 0


def _csv_without(path: Path, beside: Path, stones: Tombstones) -> int:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    except (ValueError, csv.Error):
        return 0
    if "person_ref" not in header:
        return 0
    place = header.index("person_ref")
    erased = stones.match_any([row[place] if len(row) > place else None for row in rows])
    if erased.any():
        kept = [row for row, is_erased in zip(rows, erased, strict=True) if not is_erased]
        with beside.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *kept])
    return int(erased.sum())


def _restate(path: Path, staged: dict[Path, Path], removed: dict[Path, int]) -> None:
    """Bring the note's counts and digests of the staged files to what they will be, where they were right before."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        for file, beside in staged.items():
            if note["sha256"].get(file.name) == _sha256(file):
                note["sha256"][file.name] = _sha256(beside)
                note["rows"][file.stem] -= removed[file]
                taken = note.setdefault("redacted", {"why": "people were erased", "rows": {}})["rows"]
                taken[file.stem] = taken.get(file.stem, 0) + removed[file]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # no note that the hub would accept
    beside = path.with_name(f".{path.name}.redacted")
    beside.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
