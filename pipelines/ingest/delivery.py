"""What lies in landing, and whether a delivery is what its note and its contract say it must be.

Everything here is about a delivery as a whole; single rows are the gate's. A delivery that does not fit raises
DeliveryRefused, whose text says what is wrong, where, and what to do. It names files and columns of contracts, never a
value; what else stands where a name should be is counted, because it may be a value too.
"""

import hashlib
import itertools
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.hiccups import is_hiccup
from pipelines.pseudonymise import contract, encode
from pipelines.pseudonymise.contract import AGENCY
from pipelines.pseudonymise.delivery import SPEC_VERSION
from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings

from . import note as notes
from .csv_file import read_csv, read_header
from .note import NOTE
from .region import Encoding

WITHDRAWN = "withdrawn.json"  # the hub's own mark on a delivery (withdrawn.py): no part of what was received
KNOWN_SPECS = (SPEC_VERSION,)
NAMED = ("agency", "feed", "period", "delivery_id")  # in the note as in the folder's place
DELIVERY_ID = re.compile(r"([0-9]{3,})-[0-9a-f]{12}")  # sequence within the slot, then the digest of the contents
PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class DeliveryRefused(Exception):
    """The delivery counts as not arrived. Says what is wrong, where, and what to do next."""


@dataclass(frozen=True)
class Received:
    """A delivery folder in landing, not looked into yet."""

    folder: Path
    agency: str
    feed: str
    period: str
    delivery_id: str

    @cached_property
    def note(self) -> dict:
        """What the note states, as it was when first asked for; nothing if it cannot be read."""
        return notes.stated(self.folder)

    @property
    def sequence(self) -> tuple[bool, datetime, int, str]:
        """Deliveries of one slot in the order in which they count: as they were made, however they arrived.

        The note says when; the number in the id settles a tie only, since an agency counts in its own outbox and one
        that was emptied starts again at 001. One of a part of the month comes before every whole one, so that it never
        takes the place of the whole. One whose note does not say when comes last, where it is looked into and refused.
        """
        fits = DELIVERY_ID.fullmatch(self.delivery_id)
        made = notes.created_at(self.note) or datetime.max.replace(tzinfo=UTC)
        return (notes.partial_until(self.note) is None, made, int(fits[1]) if fits else 0, self.delivery_id)

    @property
    def name(self) -> str:
        """How messages call it: the folder below landing."""
        return f"{self.agency}/{self.feed}/{self.period}/{self.delivery_id}"

    @cached_property
    def withdrawal(self) -> str | None:
        """Who withdrew the delivery and why, in words; None if nobody did, or if it was made anew since."""
        try:
            mark = json.loads((self.folder / WITHDRAWN).read_text(encoding="utf-8"))
            if mark["made"] != self.note.get("created_at"):
                return None
            return f"Withdrawn by {mark['by']}: {mark['reason'].rstrip('.')}."
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return f"Withdrawn; {WITHDRAWN} cannot be read."

    @property
    def is_named_as_noted(self) -> bool:
        """Whether the note speaks of the slot and the id that the folder stands for."""
        return all(self.note.get(entry) == getattr(self, entry) for entry in NAMED)


@dataclass(frozen=True)
class Delivery:
    """A delivery that fits its note and its contract. Tables in the order of the files' rows."""

    received: Received
    encoding: Encoding
    tables: dict[str, pa.Table]  # people, attributes, activity


def received_deliveries(settings: Settings, feed: str = "*", period: str = "*") -> list[Received]:
    """Every delivery of an agency in landing, by agency, feed, period and sequence.

    Names that start with a dot are not yet there.
    """
    folders = [
        folder
        for folder in settings.landing.glob(f"*/{feed}/{period}/*")
        if folder.is_dir() and not any(part.startswith(".") for part in folder.relative_to(settings.landing).parts)
    ]
    found = [Received(folder, *folder.parts[-4:]) for folder in folders]
    found = [received for received in found if AGENCY.fullmatch(received.agency) and PERIOD.fullmatch(received.period)]
    return sorted(found, key=lambda r: (r.agency, r.feed, r.period, r.sequence))


def folders_of_no_agency(settings: Settings) -> int:
    """How many folders in landing are not named by an agency's code; no delivery in them is received."""
    folders = [folder for folder in settings.landing.glob("*") if folder.is_dir() and not folder.name.startswith(".")]
    return sum(not AGENCY.fullmatch(folder.name) for folder in folders)


def expected_schemas(feed: str, profile: str) -> dict[str, pa.Schema]:
    """Columns and types of the three files of a feed's delivery, made for one of encode.PROFILES."""
    people = pa.schema([("person_ref", pa.string()), *encode.identity_columns(profile).items()])
    return {"people": people, "attributes": contract.ATTRIBUTES_SCHEMA, "activity": contract.arrow_schema(feed)}


def content_digest(received: Received) -> str:
    """SHA-256 over the names and bytes of all that was received in the folder."""
    return _digest(received.folder, WITHDRAWN)


def same_contents(one: Received, other: Received) -> bool:
    """Whether two deliveries of a slot differ in nothing but their ids and when they were made."""
    own = ("delivery_id", "created_at")
    first, second = ({k: v for k, v in received.note.items() if k not in own} for received in (one, other))
    if not (notes.is_complete(one.note) and first == second and one.is_named_as_noted and other.is_named_as_noted):
        return False
    return _digest(one.folder, NOTE, WITHDRAWN) == _digest(other.folder, NOTE, WITHDRAWN)


def distinct(deliveries: list[Received]) -> list[Received]:
    """The deliveries, in their order, but for duplicates: the same contents as the one made before it in its slot."""
    return [received for received, of in duplicates(deliveries).items() if of is None]


def duplicates(deliveries: list[Received]) -> dict[Received, Received | None]:
    """Each delivery, in order, with the one of its slot that it repeats; None if it is no duplicate.

    Only the delivery made just before counts, so that an agency can go back to what it sent before a correction. Those
    that are withdrawn repeat nothing and are not repeated.
    """
    found: dict[Received, Received | None] = {}
    for _, slot in itertools.groupby(deliveries, key=lambda r: (r.agency, r.feed, r.period)):
        before = None
        for received in slot:
            found[received] = None
            if not received.withdrawal:
                if before and same_contents(before, received):
                    found[received] = before
                else:
                    before = received
    return found


def stated_encoding(received: Received) -> Encoding | None:
    """The encoding that the note states; None where it does not say. The version need not be known here."""
    return notes.encoding(received.note) if notes.is_complete(received.note) else None


def read_delivery(received: Received) -> Delivery:
    """The delivery, after every check that needs no other delivery. Raises DeliveryRefused."""
    note = _note(received)
    encoding, tables = notes.encoding(note), {}
    for name, schema in expected_schemas(received.feed, encoding.profile).items():
        tables[name] = _table(received, note, name, schema)
    return Delivery(received, encoding, tables)


def data_files(received: Received) -> dict[str, Path]:
    """Where the files people, attributes and activity lie, by the note's format."""
    return {name: received.folder / file for name, file in notes.file_names(received.note).items()}


def _note(received: Received) -> dict:
    """The note, after the checks that need no file beside it."""
    where = f"{received.name}/{NOTE}"
    again = f"Ask {received.agency} to send the delivery again, as `upstream pseudonymise` wrote it."
    try:
        note = notes.read_note(received.folder)
    except FileNotFoundError:
        raise DeliveryRefused(f"{where}: the delivery note is missing. {again}") from None
    except (OSError, ValueError) as error:
        if is_hiccup(error):
            raise
        raise DeliveryRefused(f"{where}: the delivery note cannot be read as JSON. {again}") from None
    if not isinstance(note, dict) or not notes.is_complete(note):
        raise DeliveryRefused(f"{where}: the delivery note lacks an entry, or has one of the wrong kind. {again}")
    if note["spec_version"] not in KNOWN_SPECS:
        raise DeliveryRefused(
            f"{where}: this spec version is not known here; known: {', '.join(KNOWN_SPECS)}. Update the hub, or ask "
            f"{received.agency} to pseudonymise again with the version that the partnership uses."
        )
    if not notes.encoding(note).is_known:
        raise DeliveryRefused(
            f"{where}: this version or profile of the encoder is not known here; known: version {encode.ENCODER_VERSION}, "
            f"{' and '.join(encode.PROFILES)}. Ask {received.agency} to pseudonymise again with the version that the "
            "partnership uses. How the version is changed: upstream rekey-plan"
        )
    for entry in NAMED:
        if note[entry] != getattr(received, entry):
            raise DeliveryRefused(
                f"{where}: {entry} differs from the folder that the delivery lies in. Move it to the folder that the "
                f"note names, or ask {received.agency} to pseudonymise again for the right {entry}."
            )
    if not DELIVERY_ID.fullmatch(received.delivery_id):
        raise DeliveryRefused(
            f"{where}: the delivery id is not a sequence and a digest such as 001-0a1b2c3d4e5f. {again}"
        )
    if received.feed not in contract.feeds():
        raise DeliveryRefused(f"{where}: there is no feed {received.feed}. Feeds: {', '.join(contract.feeds())}.")
    _only_named_files(received, note, again)
    return note


def _only_named_files(received: Received, note: dict, again: str) -> None:
    """A file that nobody asked for may hold anything: it must not lie at the hub unnoticed."""
    named = {NOTE, WITHDRAWN, *notes.file_names(note).values()}
    names = [path.name for path in received.folder.iterdir()]
    strangers = sum(name not in named and not name.startswith(".") for name in names)
    if strangers:
        what = "1 file or folder" if strangers == 1 else f"{strangers:,} files or folders"
        raise DeliveryRefused(
            f"{received.name}: the folder holds {what} that belong to no delivery. "
            f"Delete what is not named in the note after asking {received.agency} what it is. {again}"
        )


def _table(received: Received, note: dict, name: str, schema: pa.Schema) -> pa.Table:
    """One file's rows, if file, columns and row count are what the note and the contract say."""
    path = received.folder / notes.file_names(note)[name]
    where = f"{received.name}/{path.name}"
    again = f"Ask {received.agency} to send the delivery again."
    if not path.is_file():
        raise DeliveryRefused(f"{where}: the file is missing. {again}")
    if _sha256(path) != note["sha256"][path.name]:
        raise DeliveryRefused(
            f"{where}: the file does not fit its SHA-256 in the delivery note: it was cut short or changed on the way. "
            f"{again}"
        )
    read = _read_parquet if path.suffix == ".parquet" else _read_csv
    optional = contract.optional_columns(received.feed) if name == "activity" else set()
    table = read(received.agency, path, where, schema, optional)
    if len(table) != note["rows"][name]:
        raise DeliveryRefused(
            f"{where}: the file has {len(table):,} rows, the delivery note says {note['rows'][name]:,}. {again}"
        )
    if len(table) == 0 and not notes.erased_rows(note)[name]:
        raise DeliveryRefused(
            f"{where}: the file is empty. Ask {received.agency} whether the extract failed or was made without this "
            "file, and to deliver the month with its rows; a month in which truly nothing happened is not delivered."
        )
    return table.select(schema.names).cast(schema)


def _read_parquet(agency: str, path: Path, where: str, schema: pa.Schema, optional: set[str]) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        if is_hiccup(error):
            raise
        raise DeliveryRefused(
            f"{where}: the file cannot be read as Parquet. Ask {agency} to send the delivery again."
        ) from None
    _only_contract_columns(agency, where, table.schema, schema, optional)
    for name in optional - set(table.column_names):
        table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
    return table


def _read_csv(agency: str, path: Path, where: str, schema: pa.Schema, optional: set[str]) -> pa.Table:
    if names := read_header(path):
        types = [schema.field(name).type if name in schema.names else pa.string() for name in names]
        _only_contract_columns(agency, where, pa.schema(list(zip(names, types, strict=True))), schema, optional)
    try:
        return read_csv(path, schema, optional)
    except InputError as fault:
        what = str(fault).removeprefix(str(path))
        raise DeliveryRefused(f"{where}{what} Ask {agency} to send the delivery again.") from None


def _only_contract_columns(agency: str, where: str, found: pa.Schema, wanted: pa.Schema, optional: set[str]) -> None:
    """optional: columns that may be missing, since a delivery of before they came into the contract is still good."""
    if unexpected := _unexpected(found, wanted):
        raise DeliveryRefused(
            f"{where}: columns that the contract does not have: {unexpected}. They may identify people: "
            f"delete the delivery, and ask {agency} to pseudonymise again with the contract's columns only."
        )
    missing = sorted(set(wanted.names) - set(found.names) - optional)
    repeated = sorted(name for name in wanted.names if found.names.count(name) > 1)
    if missing or repeated:
        raise DeliveryRefused(
            f"{where}: columns of the contract that are missing or doubled: {', '.join(missing + repeated)}. "
            f"Ask {agency} to pseudonymise again."
        )
    for field in (field for field in wanted if field.name in found.names):
        kind = found.field(field.name).type
        if kind not in (field.type, _large(field.type)):
            raise DeliveryRefused(
                f"{where}: column {field.name} is {_kind_in_words(kind)}, the contract says {field.type}. "
                f"Ask {agency} to pseudonymise again."
            )


def _unexpected(found: pa.Schema, wanted: pa.Schema) -> str:
    """Columns that are not wanted: the names that stand in a contract, the places (from 1) of all others."""
    strangers = {place: name for place, name in enumerate(found.names, 1) if name not in wanted.names}
    known = _names_of_contracts()
    parts = sorted({name for name in strangers.values() if name in known})
    if places := [str(place) for place, name in strangers.items() if name not in known]:
        where = f"in places {', '.join(places[:-1])} and {places[-1]}" if len(places) > 1 else f"in place {places[0]}"
        parts.append(f"{'and ' if parts else ''}{len(places):,} that no contract has, {where}")
    return ", ".join(parts)


def _names_of_contracts() -> set[str]:
    """Every column that an agency's file or a delivery of any feed may have."""
    columns = [*contract.people_columns(), *(c for feed in contract.feeds() for c in contract.activity_columns(feed))]
    schemas = [expected_schemas(feed, profile) for feed in contract.feeds() for profile in encode.PROFILES]
    delivered = [name for files in schemas for schema in files.values() for name in schema.names]
    return {*delivered, *(column.name for column in columns)}


def _kind_in_words(kind: pa.DataType) -> str:
    """The type without the names of fields, zones or extensions, which are the sender's own text."""
    return re.match(r"\w+(?:\[(?:s|ms|us|ns)\b)?", str(kind))[0].replace("[", " ")


def _large(kind: pa.DataType) -> pa.DataType:
    """Some writers store text and bytes with 64-bit offsets: the same values."""
    return {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}.get(kind, kind)


def _digest(folder: Path, *but: str) -> str:
    """SHA-256 over the names and bytes of a folder's files but those named."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in but):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + _sha256(path).encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
