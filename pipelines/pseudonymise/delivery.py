"""Writes one delivery: people, attributes and activity in three files that are never joined again, and a note.

`people` has tokens and no attributes, `attributes` has coarse attributes and no tokens, `activity` has events; a row
is known by its person_ref alone. Everything is written apart, in a hidden folder beside the place where it will stand,
and moved into place at the end, so that a delivery is there whole or not at all. Only columns that are fit to leave are
ever written there: what an interrupted run leaves behind names nobody, and the next run takes it away.
"""

import csv
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from . import contract, encode
from .csv_file import write_csv
from .errors import InputError
from .records import Extract, People
from .spill import Spill, in_order, write_parquet

SPEC_VERSION = "1"
FILES = ("people", "attributes", "activity")
FORMATS = ("parquet", "csv")  # the first unless another is asked for
DELIVERY_ID = re.compile(r"[0-9]{3,}-[0-9a-f]{12}")
SHOWN = 5  # characters of a value that a check shows


@dataclass(frozen=True)
class Delivered:
    """A delivery as it was written, or as it was there already."""

    folder: Path
    rows: dict[str, int]
    notices: list[str]


@dataclass(frozen=True)
class Contents:
    """A small delivery in memory, and who is behind each person_ref."""

    people: pa.Table
    attributes: pa.Table
    activity: pa.Table
    lookup: list[tuple[str, str]]


def pseudonymise(
    feed: str,
    agency: str,
    people: Path,
    activity: Path | None,
    key: bytes,
    period: str,
    areas: Path | None = None,
    opt_outs: Path | None = None,
    profile: str = encode.DEFAULT_PROFILE,
) -> Contents:
    """The tables that a delivery would have, for files that fit into memory. Raises InputError; writes nothing.

    Arguments are those of records.Extract.
    """
    extract = Extract(feed, agency, people, activity, key, period, areas, opt_outs, profile)
    batches: dict[str, list[pa.Table]] = {name: [] for name in FILES}
    lookup: list[tuple[str, str]] = []
    for known in extract.people():
        batches["people"].append(known.identity)
        batches["attributes"].append(known.attributes)
        lookup += _lookup_rows(known)
    batches["activity"] = list(extract.activity())
    tables = {
        name: in_order(pa.concat_tables([schema.empty_table(), *batches[name]]), _order(name, schema))
        for name, schema in extract.schemas.items()
    }
    return Contents(**tables, lookup=lookup)


def deliver(
    feed: str,
    agency: str,
    people: Path,
    activity: Path | None,
    key: bytes,
    period: str,
    out: Path,
    areas: Path | None = None,
    opt_outs: Path | None = None,
    lookup: Path | None = None,
    profile: str = encode.DEFAULT_PROFILE,
    progress: Callable[[str], None] = lambda text: None,
    file_format: str = FORMATS[0],
    partial_until: str | None = None,
) -> Delivered:
    """Write `out`/<agency>/<feed>/<period>/<delivery id>/ without holding the files' rows in memory.

    The same contents again are not written twice: the delivery that is there already is returned. Raises InputError.
    lookup: where to write local_person_id and person_ref, for the agency's eyes only. file_format: one of FORMATS.
    partial_until: last day (YYYY-MM-DD) that the extract covers if it is not the whole month. Other arguments are those
    of records.Extract.
    """
    last_day = None if partial_until is None else _last_day_covered(partial_until, period)
    extract = Extract(feed, agency, people, activity, key, period, areas, opt_outs, profile, progress, last_day)
    special = {} if file_format == FORMATS[0] else {"format": file_format}
    if last_day is not None:
        special["partial_until"] = last_day.isoformat()
    if opt_outs is not None:
        special["opt_outs_applied"] = True  # the fact and no count: a small one, month by month, points at somebody
    slot = out / agency / feed / period
    with _building(slot) as building:
        spills, names = _spilled(extract, building, lookup is not None)
        progress("everybody is pseudonymised: sorting and writing the delivery")
        for name, spill in spills.items():
            write = write_csv if file_format == "csv" else write_parquet
            write(spill.tables(), spill.schema, building / f"{name}.{file_format}")
            spill.path.unlink()
        note = {
            "feed": feed,
            "agency": agency,
            "period": period,
            "spec_version": SPEC_VERSION,
            "encoder": {**encode.settings(profile), "checksum": encode.checksum(profile)},
            "key_check": encode.key_check(key),
            "rows": {name: spill.rows for name, spill in spills.items()},
            "sha256": {file: _sha256(building / file) for file in (f"{name}.{file_format}" for name in FILES)},
            **special,
        }
        earlier = max(
            (path.name for path in slot.iterdir() if DELIVERY_ID.fullmatch(path.name)), key=_number, default=""
        )
        is_there = bool(earlier) and _is_there(slot / earlier, note)
        delivery_id = earlier if is_there else _id_after(earlier, note["sha256"])
        made = {"delivery_id": delivery_id, "created_at": datetime.now(UTC).isoformat(timespec="microseconds")}
        (building / "delivery.json").write_text(json.dumps(made | note, indent=2) + "\n")
        with _written_apart(lookup, names):
            if not is_there:
                os.chmod(building, 0o755)
                os.rename(building, slot / delivery_id)
    return Delivered(slot / delivery_id, note["rows"], extract.findings.notices())


def check(
    feed: str,
    agency: str,
    people: Path,
    activity: Path | None,
    key: bytes,
    period: str,
    areas: Path | None = None,
    opt_outs: Path | None = None,
    profile: str = encode.DEFAULT_PROFILE,
    progress: Callable[[str], None] = lambda text: None,
) -> str:
    """What would leave, column by column with a masked example, and what would not. Raises InputError; writes nothing.

    Arguments are those of records.Extract.
    """
    extract = Extract(feed, agency, people, activity, key, period, areas, opt_outs, profile, progress)
    leaving = {name: _Filled(schema.names) for name, schema in extract.schemas.items()}
    staying = _Filled([column.name for column in contract.people_columns()])
    for batch in extract.people():
        leaving["people"].add(batch.identity)
        leaving["attributes"].add(batch.attributes)
        staying.rows += len(batch.plain)
        staying.filled.update(
            {name: pc.not_equal(values, "").true_count for name, values in batch.plain.columns.items()}
        )
    for events in extract.activity():
        leaving["activity"].add(events)
    lines = [f"would leave, with profile {profile}:"]
    for name, counts in leaving.items():
        lines.append(f"{name}: {counts.rows:,} rows")
        lines += counts.lines(counts.examples)
    lines.append(f"would not leave as it is written, of {staying.rows:,} people:")
    lines += staying.lines({column.name: column.meaning for column in contract.people_columns()})
    return "\n".join([*lines, *extract.findings.notices()])


class _Filled:
    """How often each column is filled, and one masked example of it."""

    def __init__(self, columns: list[str]):
        self.columns, self.rows = columns, 0
        self.filled: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def lines(self, words: dict[str, str]) -> list[str]:
        """A line for each column, with some words on it."""
        return [f"  {c:34} {self.filled[c]:>10,} filled   {words.get(c, '')}".rstrip() for c in self.columns]

    def add(self, table: pa.Table) -> None:
        self.rows += len(table)
        for name in self.columns:
            values = table.column(name).drop_null()
            self.filled[name] += len(values)
            if len(values) and name not in self.examples:
                self.examples[name] = _masked(values[0].as_py())


def _masked(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _spilled(extract: Extract, building: Path, with_lookup: bool) -> tuple[dict[str, Spill], list[str]]:
    """Everything that leaves, not in order yet, and the lookup in pieces of CSV if it is asked for."""
    lookup: list[str] = []
    with ExitStack() as stack:
        spills = {
            name: stack.enter_context(closing(Spill(building / f"{name}.spill", schema, _order(name, schema))))
            for name, schema in extract.schemas.items()
        }
        for batch in extract.people():
            spills["people"].add(batch.identity)
            spills["attributes"].add(batch.attributes)
            if with_lookup:
                lookup.append(_as_csv(_lookup_rows(batch)))
        for events in extract.activity():
            spills["activity"].add(events)
    return spills, lookup


def _order(name: str, schema: pa.Schema) -> list[str]:
    """Columns that a file is sorted by: a person may have many events."""
    return schema.names if name == "activity" else ["person_ref"]


@contextmanager
def _building(slot: Path) -> Iterator[Path]:
    """A new hidden folder in a delivery's slot, for this run alone; what the run leaves there is deleted.

    What another run left there when it was killed is deleted first.
    """
    made = [folder for folder in (slot, *slot.parents) if not folder.exists()]
    try:
        slot.mkdir(parents=True, exist_ok=True)
        with _locked(slot) as alone:
            for dead in slot.glob(".building-*") if alone else ():
                shutil.rmtree(dead)
            building = Path(tempfile.mkdtemp(prefix=".building-", dir=slot))
            try:
                yield building
            finally:
                shutil.rmtree(building, ignore_errors=True)
    except BaseException as error:
        for folder in made:
            with suppress(OSError):  # not empty: somebody else has put something there
                folder.rmdir()
        if isinstance(error, OSError):
            raise InputError(f"{error.filename or slot} cannot be written: {error.strerror or error}.") from None
        raise


@contextmanager
def _locked(slot: Path) -> Iterator[bool]:
    """Hold the lock on a slot, which ends with the process that holds it; says whether nobody else can be in there.

    Some network drives have no locks: there a run cannot know, and leaves everything that it did not make.
    """
    folder = os.open(slot, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except BlockingIOError:
            raise InputError(f"{slot} is being written by another run of this command. Wait for its end.") from None
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(folder)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _number(delivery_id: str) -> int:
    return int(delivery_id.split("-")[0])


def _id_after(earlier: str, sha256: dict[str, str]) -> str:
    """The number after that of an earlier delivery's id, if there is one, and a digest of the files."""
    digest = hashlib.sha256(json.dumps(sha256, sort_keys=True).encode()).hexdigest()[:12]
    return f"{_number(earlier) + 1 if earlier else 1:03d}-{digest}"


def _is_there(delivery: Path, note: dict) -> bool:
    """Whether a delivery that was written before says what `note` says, and has its files as written and no others."""
    try:
        written = json.loads((delivery / "delivery.json").read_text())
        files = {path.name for path in delivery.iterdir()} - {"delivery.json"}
        return (
            {name: entry for name, entry in written.items() if name not in ("delivery_id", "created_at")} == note
            and files == set(note["sha256"])
            and all(_sha256(delivery / name) == sha256 for name, sha256 in note["sha256"].items())
        )
    except (OSError, ValueError):
        return False


def _last_day_covered(day: str, period: str) -> date:
    """Raises InputError unless the day is one of the period's, and not its last."""
    try:
        last = date.fromisoformat(day)
        tomorrow = last + timedelta(days=1)
    except (ValueError, OverflowError):
        raise InputError(f"The last day that is covered must be a date such as 2026-01-20, not {day!r}.") from None
    if not f"{last:%Y-%m}" == f"{tomorrow:%Y-%m}" == period:
        raise InputError(
            f"A part of {period} ends on one of its days but the last: {last} is none. The whole month is delivered "
            "without --partial-until."
        )
    return last


def _lookup_rows(batch: People) -> list[tuple[str, str]]:
    return list(zip(batch.plain["local_person_id"].to_pylist(), batch.identity["person_ref"].to_pylist(), strict=True))


def _as_csv(rows: list[tuple[str, str]]) -> str:
    """CSV for people who open it in a spreadsheet: an id that would be a formula there gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((f"'{i}" if contract.FORMULA.match(i) else i, ref) for i, ref in rows)
    return text.getvalue()


@contextmanager
def _written_apart(path: Path | None, pieces: list[str]) -> Iterator[None]:
    """Write the agency's own list of who is behind a person_ref; it stands in its place if the block succeeds."""
    if path is None:
        yield
        return
    apart = path.with_name(f".{path.name}.building")
    try:
        apart.unlink(missing_ok=True)
        with open(
            os.open(apart, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            file.write("local_person_id,person_ref\n")
            file.writelines(pieces)
        yield
        os.replace(apart, path)
    finally:
        apart.unlink(missing_ok=True)
