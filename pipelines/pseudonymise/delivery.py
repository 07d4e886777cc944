"""Writes one delivery: people, attributes and activity in three files that are never joined again, and a note.

`people` has tokens and no attributes, `attributes` has coarse attributes and no tokens, `activity` has events; a row
is known by its person_ref alone. Everything is written apart and moved into place at the end, so a delivery is there
whole or not at all.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from . import contract, encode, normalise
from .errors import InputError
from .tables import read_csv, texts

SPEC_VERSION = "1"
AGE_BANDS = ((0, "0-17"), (18, "18-24"), (25, "25-44"), (45, "45-64"), (65, "65-74"), (75, "75-84"), (85, "85+"))
OLDEST = 120  # years; a birth date that makes somebody older is a placeholder or a slip
AGENCY = re.compile(r"[A-Z0-9]{2,12}")
FILES = ("people", "attributes", "activity")
UNREADABLE_BIRTHS = 0.01  # share of birth dates up to which an unreadable one counts as missing
VERIFIED = {"01", "1", "verified"}  # NHS number status indicator: number present and verified


@dataclass
class Contents:
    """What would leave the agency, and what stays."""

    people: pa.Table
    attributes: pa.Table
    activity: pa.Table
    lookup: list[tuple[str, str]]
    left_out_columns: list[str] = field(default_factory=list)
    opted_out: int = 0
    unreadable_births: list[int] = field(default_factory=list)  # lines of the people file
    unusable_nhs_numbers: int = 0
    events_of_other_months: int = 0


def pseudonymise(
    feed: str,
    agency: str,
    people: Path,
    activity: Path | None,
    key: bytes,
    period: str,
    areas: Path | None = None,
    opt_outs: Path | None = None,
) -> Contents:
    """Turn identifiable files into the three tables of a delivery. Raises InputError; writes nothing.

    areas: CSV with lsoa and imd_quintile; without it the deprivation quintile is left empty.
    opt_outs: CSV with local_person_id of people who opted out; they and their activity go no further.
    """
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", period):
        raise InputError(f"The period must be a month such as 2026-01, not {period!r}.")
    if not AGENCY.fullmatch(agency):
        raise InputError("The agency's code must be 2 to 12 capital letters or digits.")
    activity_contract = contract.activity_columns(feed)
    source, _ = read_csv(people, contract.people_columns(), "refuse")
    excluded = _opted_out(opt_outs)
    ids = texts(source, "local_person_id")
    _refuse_missing_or_repeated(people, ids)
    lines = [line for line, local_id in enumerate(ids, 2) if local_id not in excluded]
    kept_ids = [local_id for local_id in ids if local_id not in excluded]
    source = source.take(pa.array([line - 2 for line in lines], pa.int64()))

    pseudonyms = encode.Pseudonyms(key, agency)
    refs = {local_id: pseudonyms.person_ref(local_id) for local_id in kept_ids}
    births, unreadable = _birth_dates(people, source, lines)
    ref_column = pa.array([refs[local_id] for local_id in kept_ids], pa.string())
    events, left_out = _activity(activity, activity_contract, feed, pseudonyms, refs, excluded)
    return Contents(
        people=_people(source, ref_column, births, key),
        attributes=_attributes(people, source, lines, ref_column, births, period, areas),
        activity=events,
        lookup=[(local_id, refs[local_id]) for local_id in kept_ids],
        left_out_columns=left_out,
        opted_out=len(ids) - len(kept_ids),
        unreadable_births=unreadable,
        unusable_nhs_numbers=sum(bool(n) and not normalise.nhs_number(n) for n in texts(source, "nhs_number")),
        events_of_other_months=_events_of_other_months(events, activity_contract, period),
    )


def write_delivery(
    contents: Contents, feed: str, agency: str, period: str, key: bytes, out: Path, lookup: Path | None = None
) -> Path:
    """Write `out`/<agency>/<feed>/<period>/<delivery id>/ and return it.

    The same contents again are not written twice: the delivery that is there already is returned.
    """
    slot = out / agency / feed / period
    slot.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=slot))
    try:
        tables = {"people": contents.people, "attributes": contents.attributes, "activity": contents.activity}
        for name, table in tables.items():
            pq.write_table(table, building / f"{name}.parquet", compression="zstd")
        sha256 = {
            f"{name}.parquet": hashlib.sha256((building / f"{name}.parquet").read_bytes()).hexdigest() for name in FILES
        }
        digest = hashlib.sha256(json.dumps(sha256, sort_keys=True).encode()).hexdigest()[:12]
        earlier = sorted(path.name for path in slot.iterdir() if not path.name.startswith("."))
        if earlier and earlier[-1].endswith(digest) and _is_whole(slot / earlier[-1], sha256):
            _write_lookup(lookup, contents.lookup)
            return slot / earlier[-1]
        delivery_id = f"{1 + max((int(name.split('-')[0]) for name in earlier), default=0):03d}-{digest}"
        note = {
            "feed": feed,
            "agency": agency,
            "period": period,
            "delivery_id": delivery_id,
            "created_at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "spec_version": SPEC_VERSION,
            "encoder": {**encode.settings(), "checksum": encode.checksum()},
            "key_check": encode.key_check(key),
            "rows": {name: len(table) for name, table in tables.items()},
            "sha256": sha256,
        }
        (building / "delivery.json").write_text(json.dumps(note, indent=2) + "\n")
        _write_lookup(lookup, contents.lookup)
        os.chmod(building, 0o755)
        os.rename(building, slot / delivery_id)
        return slot / delivery_id
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _is_whole(delivery: Path, sha256: dict[str, str]) -> bool:
    """Whether a delivery that was written before still has its note and its files as they were written."""
    files = {name: delivery / name for name in sha256}
    return (delivery / "delivery.json").is_file() and all(
        path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256[name] for name, path in files.items()
    )


def describe(contents: Contents) -> str:
    """What would leave, column by column with a masked example, and what would not."""
    lines = []
    for name in FILES:
        table: pa.Table = getattr(contents, name)
        lines.append(f"{name}: {len(table):,} rows")
        for column in table.column_names:
            values = table.column(column).drop_null()
            filled = f"{len(values):,} filled"
            lines.append(f"  {column:34} {filled:>16}   {_masked(column, values)}")
    lines.append(
        "would not leave: names, dates of birth, postcodes, NHS numbers, LSOA of the home in people.csv, local ids"
    )
    lines += notices(contents)
    lines.append(f"people left out because they opted out: {contents.opted_out:,}")
    return "\n".join(lines)


def notices(contents: Contents) -> list[str]:
    """What a data officer should know about and need not act on."""
    found = []
    if not len(contents.activity):
        found.append("no activity: enough to try the linkage, but the hub takes a month in only with its activity")
    if contents.left_out_columns:
        found.append(
            f"columns of the activity file that are not in the contract and stay here: {', '.join(contents.left_out_columns)}"
        )
    if contents.unreadable_births:
        found.append(
            f"birth dates that could not be read and count as missing: {len(contents.unreadable_births):,}, "
            f"the first in line {contents.unreadable_births[0]}"
        )
    if contents.unusable_nhs_numbers:
        found.append(f"NHS numbers with a wrong check digit that count as missing: {contents.unusable_nhs_numbers:,}")
    if contents.events_of_other_months:
        found.append(
            f"events that start in another month, which the hub may refuse: {contents.events_of_other_months:,}; "
            "is this the right extract for --period?"
        )
    return found


def _masked(column: str, values: pa.ChunkedArray) -> str:
    if not len(values):
        return ""
    value = values[0].as_py()
    if isinstance(value, bytes):
        return f"{value[:3].hex()}… ({len(value)} bytes)"
    if column.endswith(("_token", "_ref")) or isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value):
        return f"{str(value)[:4]}…"
    return str(value)


def _opted_out(path: Path | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    only_id = [column for column in contract.people_columns() if column.name == "local_person_id"]
    table, _ = read_csv(path, only_id, "leave out")
    return frozenset(texts(table, "local_person_id"))


def _refuse_missing_or_repeated(path: Path, ids: list[str]) -> None:
    seen: dict[str, int] = {}
    for line, local_id in enumerate(ids, 2):
        if not local_id:
            raise InputError(f"{path}, line {line}: local_person_id is empty. Every person needs one.")
        if local_id in seen:
            raise InputError(
                f"{path}, lines {seen[local_id]} and {line}: the same local_person_id. Keep one row a person, as known at the end of the period."
            )
        seen[local_id] = line
    if not ids:
        raise InputError(f"{path} has no people. If nobody was dealt with in the period, there is nothing to deliver.")


def _birth_dates(path: Path, source: pa.Table, first_lines: list[int]) -> tuple[list[str], list[int]]:
    """Normalised birth dates, and the lines of those that could not be read and count as missing.

    A slip here and there is life; more than UNREADABLE_BIRTHS of them is an extract in another date form.
    """
    births, unreadable, filled = [], [], 0
    for line, value in zip(first_lines, texts(source, "date_of_birth"), strict=True):
        filled += bool(value)
        try:
            births.append(normalise.birth_date(value))
        except ValueError:
            births.append("")
            unreadable.append(line)
    if len(unreadable) > UNREADABLE_BIRTHS * filled:
        raise InputError(
            f"{path}, line {unreadable[0]}, date_of_birth: not a date such as 1950-12-31 or 1950-12 "
            f"({len(unreadable):,} of {filled:,} dates). Export dates in ISO form."
        )
    return births, unreadable


def _people(source: pa.Table, refs: pa.Array, births: list[str], key: bytes) -> pa.Table:
    numbers = [normalise.nhs_number(value) for value in texts(source, "nhs_number")]
    statuses = texts(source, "nhs_number_status")
    columns = encode.Encoder(key).identity(
        forename=[normalise.name(value) for value in texts(source, "forename")],
        surname=[normalise.name(value) for value in texts(source, "surname")],
        dob=births,
        postcode=[normalise.postcode(value) for value in texts(source, "postcode")],
        nhs_number=numbers,
    )
    verified = [
        status.lower() in VERIFIED if number else None for number, status in zip(numbers, statuses, strict=True)
    ]
    columns["nhs_number_verified"] = pa.array(verified, pa.bool_())
    return pa.table({"person_ref": refs, **columns}).sort_by("person_ref")


def age_band(birth: str, period: str) -> str | None:
    """Age band at the end of a period (YYYY-MM) of somebody born in YYYYMMDD, YYYYMM or YYYY; None if not known."""
    if not birth:
        return None
    years = int(period[:4]) - int(birth[:4])
    if len(birth) >= 6 and int(birth[4:6]) > int(period[5:7]):
        years -= 1
    if not 0 <= years <= OLDEST:
        return None
    return [band for youngest, band in AGE_BANDS if years >= youngest][-1]


def _attributes(
    path: Path, source: pa.Table, lines: list[int], refs: pa.Array, births: list[str], period: str, areas: Path | None
) -> pa.Table:
    quintiles = _quintiles(areas)
    columns = {
        "person_ref": refs,
        "sex": [normalise.sex(value) or None for value in texts(source, "sex")],
        "age_band": [age_band(birth, period) for birth in births],
        "ethnic_group": [normalise.ethnic_group(value) or None for value in texts(source, "ethnic_group")],
        "imd_quintile": [quintiles.get(value) for value in texts(source, "lsoa")],
        "death_month": _months(path, source, lines, "date_of_death"),
        "moved_away_month": _months(path, source, lines, "date_moved_away"),
    }
    return pa.table(columns, schema=contract.ATTRIBUTES_SCHEMA).sort_by("person_ref")


def _months(path: Path, source: pa.Table, lines: list[int], column: str) -> list[str | None]:
    months: list[str | None] = []
    for line, value in zip(lines, texts(source, column), strict=True):
        try:
            months.append(date.fromisoformat(value).isoformat()[:7] if value else None)
        except ValueError:
            raise InputError(f"{path}, line {line}, {column}: not a date such as 2026-01-31.") from None
    return months


def _quintiles(areas: Path | None) -> dict[str, int]:
    if areas is None:
        return {}
    with open(areas, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if not {"lsoa", "imd_quintile"} <= set(rows.fieldnames or ()):
            raise InputError(f"{areas}, line 1: columns lsoa and imd_quintile are needed.")
        return {row["lsoa"]: int(row["imd_quintile"]) for row in rows}


def _activity(
    path: Path | None,
    columns: list[contract.Column],
    feed: str,
    pseudonyms: encode.Pseudonyms,
    refs: dict[str, str],
    excluded: frozenset[str],
) -> tuple[pa.Table, list[str]]:
    schema = contract.arrow_schema(feed)
    if path is None:
        return schema.empty_table(), []
    source, left_out = read_csv(path, columns, "leave out")
    ids = texts(source, "local_person_id")
    for line, local_id in enumerate(ids, 2):
        if local_id not in refs and local_id not in excluded:
            raise InputError(
                f"{path}, line {line}: local_person_id is not in the people file. Deliver both from one extract."
            )
    lines = [line for line, local_id in enumerate(ids, 2) if local_id not in excluded]
    kept = source.take(pa.array([line - 2 for line in lines], pa.int64()))
    result: dict[str, list] = {"person_ref": [refs[local_id] for local_id in ids if local_id not in excluded]}
    for column in columns:
        if column.type == "person":
            continue
        read, _, expected = contract.TYPES[column.type]
        if column.type == "reference":
            read = lambda value: pseudonyms.reference(feed, value)
        unlisted = column.type in ("code", "codes") and not column.code_list
        values = result[column.name] = []
        for line, value in zip(lines, texts(kept, column.name), strict=True):
            try:
                if value and unlisted and not contract.is_short_name(column, value):
                    raise ValueError("no short name")
                values.append(read(value) if value else None)
            except (ValueError, KeyError, AttributeError):
                raise InputError(f"{path}, line {line}, {column.name}: not {expected}.") from None
    order = [("person_ref", "ascending")] + [
        (c.name, "ascending") for c in columns if c.type in ("date", "time", "timestamp", "reference")
    ]
    return pa.table(result, schema=schema).sort_by(order), left_out


def _events_of_other_months(events: pa.Table, columns: list[contract.Column], period: str) -> int:
    """Events that start, by the contract's first required date, in another month than the delivery's."""
    start = next(column.name for column in columns if column.required and column.type in ("date", "timestamp"))
    return sum(f"{day:%Y-%m}" != period for day in events[start].drop_null().to_pylist())


def _write_lookup(path: Path | None, lookup: list[tuple[str, str]]) -> None:
    """The agency's own list of who is behind a person_ref: made for its eyes only."""
    if path is None:
        return
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("local_person_id", "person_ref"))
        writer.writerows(sorted(lookup))
