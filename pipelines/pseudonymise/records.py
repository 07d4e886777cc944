"""From an agency's rows to what may leave it: batch by batch, in the memory of the process alone.

People who opted out are taken away first. What remains of the others is tokens, coarse attributes and the contract's
columns of their events. Nothing is written here.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from . import contract, encode, normalise
from .errors import InputError
from .findings import Findings
from .known import KnownPeople
from .tables import Batch, CsvReader

PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
AGE_BANDS = ((0, "0-17"), (18, "18-24"), (25, "25-44"), (45, "45-64"), (65, "65-74"), (75, "75-84"), (85, "85+"))
OLDEST = 114  # years; a birth date that makes somebody older is a placeholder or a slip, as in national practice
UNREADABLE_BIRTHS = 0.01  # share of birth dates up to which an unreadable one counts as missing
FIRST_BIRTHS = 1_000  # birth dates after which a file is refused at once if none of them could be read
VERIFIED = pa.array(["01", "1", "verified"])  # NHS number status indicator: number present and verified
TEXT = pa.string()
PROGRESS_ROWS = 250_000  # rows between two words of progress
AREAS = [
    contract.Column("lsoa", "area", True, "", "LSOA"),
    contract.Column("imd_quintile", "integer", True, "", "Deprivation quintile: 1 is the most deprived fifth"),
]


class People(NamedTuple):
    """One batch of people: as the agency knows them, and as they may leave."""

    plain: Batch
    identity: pa.Table
    attributes: pa.Table


class Reading(NamedTuple):
    """How values of one column become what leaves: a function of a text that is not empty, its type, and an example."""

    read: Callable
    type: pa.DataType
    example: str

    def of(self, path: Path, batch: Batch, column: str) -> pa.Array:
        """A column as read, null for empty. Raises InputError that names the line and never the value."""
        values = pc.if_else(pc.equal(batch[column], ""), None, batch[column])
        if pa.types.is_temporal(self.type) and not pc.any(pc.starts_with(values, "0000")).as_py():
            with suppress(pa.ArrowInvalid):  # it reads the usual forms much faster than `read`, but year 0 too
                return values.cast(self.type)
        try:
            return by_distinct(values, self.read, self.type)
        except (ValueError, KeyError, AttributeError):
            row = next(row for row, value in enumerate(values.to_pylist()) if value and not self._reads(value))
            raise InputError(f"{path}, line {batch.lines[row]}, {column}: not {self.example}.") from None

    def _reads(self, value: str) -> bool:
        try:
            self.read(value)
        except (ValueError, KeyError, AttributeError):
            return False
        return True


class Extract:
    """One agency's files of one period. people() has to be read to its end before activity() is; each once.

    areas: CSV with lsoa and imd_quintile; without it the deprivation quintile is left empty.
    opt_outs: CSV with local_person_id of people who opted out; they and their activity go no further.
    progress: is told in a few words how many rows are done. last_day: the last one covered, of a part of the period.
    """

    def __init__(
        self,
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
        last_day: date | None = None,
    ):
        if not PERIOD.fullmatch(period):
            raise InputError(f"The period must be a month such as 2026-01, not {period!r}.")
        if not contract.AGENCY.fullmatch(agency):
            raise InputError("The agency's code must be 2 to 12 capital letters or digits.")
        if profile not in encode.PROFILES:
            raise InputError(f"There is no profile called {profile!r}. Profiles: {', '.join(encode.PROFILES)}.")
        self._activity_contract = contract.activity_columns(feed)
        self.schemas = {
            "people": pa.schema([("person_ref", pa.string()), *encode.identity_columns(profile).items()]),
            "attributes": contract.ATTRIBUTES_SCHEMA,
            "activity": contract.arrow_schema(feed),
        }
        self.findings = Findings()
        self._feed, self._period, self._progress, self._last_day = feed, period, progress, last_day
        self._people_file, self._activity_file = people, activity
        self._pseudonyms, self._encoder = encode.Pseudonyms(key, agency), encode.Encoder(key, profile)
        self._quintiles, self._opt_outs = _quintiles(areas), local_ids(opt_outs)
        self.findings.opt_outs = len(self._opt_outs) if opt_outs else None
        self._known = KnownPeople()

    def people(self) -> Iterator[People]:
        """Everyone in the people file but those who opted out. Raises InputError."""
        rows = 0
        with CsvReader(self._people_file, contract.people_columns(), "refuse") as reader:
            for batch in self._told(reader, "people"):
                rows += len(batch)
                kept = self._without_opt_outs(batch)
                self.findings.opted_out += len(batch) - len(kept)
                yield self._pseudonymised(kept)
        if not rows:
            raise InputError(
                f"{self._people_file} has no people. If nobody was dealt with in the period, there is nothing to deliver."
            )
        if self.findings.unreadable_births > UNREADABLE_BIRTHS * self.findings.births:
            self._refuse_birth_dates()
        if lines := self._known.close():
            raise InputError(
                f"{self._people_file}, lines {lines[0]} and {lines[1]}: the same local_person_id. "
                "Keep one row a person, as known at the end of the period."
            )

    def activity(self) -> Iterator[pa.Table]:
        """The events of those people, without columns that are not in the contract. Raises InputError."""
        if self._activity_file is not None:
            yield from self._events(self._activity_file)
        self._known = KnownPeople()  # nobody is asked for any more, and sorting needs the room

    def _events(self, path: Path) -> Iterator[pa.Table]:
        columns = [column for column in self._activity_contract if column.type != "person"]
        readings = {column.name: self._reading(column) for column in columns}
        with CsvReader(path, self._activity_contract, "leave out") as reader:
            self.findings.left_out_columns = reader.left_out
            for batch in self._told(reader, "events"):
                batch = self._without_opt_outs(batch)
                values = {name: read.of(path, batch, name) for name, read in readings.items()}
                refs = self._refs_of_known(batch)
                table = pa.table({"person_ref": refs, **values}, schema=self.schemas["activity"])
                self.findings.events += len(table)
                self._count_days(table)
                yield table

    def _told(self, reader: CsvReader, what: str) -> Iterator[Batch]:
        rows = 0
        for batch in reader:
            yield batch
            before, rows = rows, rows + len(batch)
            if rows // PROGRESS_ROWS > before // PROGRESS_ROWS:
                self._progress(f"{rows:,} {what} pseudonymised")

    def _without_opt_outs(self, batch: Batch) -> Batch:
        return batch.filter(pc.invert(pc.is_in(batch["local_person_id"], self._opt_outs)))

    def _pseudonymised(self, batch: Batch) -> People:
        ids = batch["local_person_id"].to_pylist()
        if "" in ids:
            raise InputError(f"{self._people_file}, line {batch.lines[ids.index('')]}: local_person_id is empty.")
        refs = self._pseudonyms.person_refs(ids)
        self._known.add(refs, batch.lines)
        births = self._birth_dates(batch)
        return People(
            batch,
            pa.table({"person_ref": refs, **self._identity(batch, births)}, schema=self.schemas["people"]),
            pa.table({"person_ref": refs, **self._attributes(batch, births)}, schema=self.schemas["attributes"]),
        )

    def _birth_dates(self, batch: Batch) -> pa.StringArray:
        """Normalised birth dates. One that cannot be read, or is yet to come, counts as missing.

        A slip here and there is life; a file whose first dates are all unreadable is refused without reading on.
        """
        written, found = batch["date_of_birth"], self.findings
        births = by_distinct(written, _birth_date)
        if births.null_count:
            found.unreadable_births += births.null_count
            first = batch.lines[pc.index(births.is_null(), True).as_py()]
            found.first_unreadable_birth = found.first_unreadable_birth or int(first)
        found.births += pc.not_equal(written, "").true_count
        if found.unreadable_births == found.births >= FIRST_BIRTHS:
            self._refuse_birth_dates()
        births = births.fill_null("")
        future = pc.greater(pc.utf8_slice_codeunits(births, 0, 6), self._period.replace("-", ""))
        found.future_births += future.true_count
        return pc.if_else(future, "", births)

    def _refuse_birth_dates(self) -> NoReturn:
        raise InputError(
            f"{self._people_file}, line {self.findings.first_unreadable_birth}, date_of_birth: not a date such as "
            f"1950-12-31 or 1950-12 ({self.findings.unreadable_births:,} of the {self.findings.births:,} dates read). "
            "Export dates in ISO form."
        )

    def _identity(self, batch: Batch, births: pa.StringArray) -> dict[str, pa.Array]:
        written, statuses = batch["nhs_number"], batch["nhs_number_status"]
        numbers = normalise.nhs_numbers(written)
        numbered = pc.not_equal(numbers, "")
        self.findings.spoilt_nhs_numbers += pc.not_equal(written, "").true_count - numbered.true_count
        columns = self._encoder.identity(
            forename=by_distinct(batch["forename"], normalise.name),
            surname=by_distinct(batch["surname"], normalise.name),
            dob=births,
            postcode=by_distinct(batch["postcode"], normalise.postcode),
            nhs_number=numbers,
        )
        verified = pc.is_in(pc.utf8_lower(statuses), VERIFIED)
        return {**columns, "nhs_number_verified": pc.if_else(numbered, verified, None)}

    def _attributes(self, batch: Batch, births: pa.StringArray) -> dict[str, pa.Array]:
        people, kinds = self._people_file, {field.name: field.type for field in contract.ATTRIBUTES_SCHEMA}
        month = Reading(_month, kinds["death_month"], contract.TYPES["date"][2])
        return {
            "sex": by_distinct(batch["sex"], lambda value: normalise.sex(value) or None),
            "age_band": by_distinct(births, lambda birth: age_band(birth, self._period)),
            "ethnic_group": by_distinct(batch["ethnic_group"], lambda value: normalise.ethnic_group(value) or None),
            "imd_quintile": by_distinct(batch["lsoa"], self._quintiles.get, kinds["imd_quintile"]),
            "death_month": month.of(people, batch, "date_of_death"),
            "moved_away_month": month.of(people, batch, "date_moved_away"),
        }

    def _refs_of_known(self, batch: Batch) -> list[str]:
        refs = self._pseudonyms.person_refs(batch["local_person_id"].to_pylist())
        stranger = self._known.first_stranger(refs)
        if stranger is not None:
            raise InputError(
                f"{self._activity_file}, line {batch.lines[stranger]}: local_person_id is not in the people file. "
                "Deliver both from one extract."
            )
        return refs

    def _reading(self, column: contract.Column) -> Reading:
        read, kind, example = contract.TYPES[column.type]
        if column.type == "reference":
            return Reading(partial(self._pseudonyms.reference, self._feed), kind, example)
        if column.type in ("code", "codes") and not column.code_list:
            return Reading(lambda value: contract.short_name(column, read(value)), kind, example)
        return Reading(read, kind, example)

    def _count_days(self, events: pa.Table) -> None:
        """Counts events that start, by the contract's first required date, in another month or after the last day."""
        start = events[contract.event_column(self._activity_contract).name].combine_chunks()
        month = pc.strftime(start, "%Y-%m")
        self.findings.events_of_other_months += pc.not_equal(month, self._period).true_count
        if self._last_day:
            late = pc.greater(start.cast(pa.date32(), safe=False), pa.scalar(self._last_day))
            self.findings.events_after_last_day += pc.and_(late, pc.equal(month, self._period)).true_count


def by_distinct(values: pa.StringArray, function: Callable, kind: pa.DataType = TEXT) -> pa.Array:
    """function(value) for each value, computed once for each distinct one; null for null."""
    encoded = values.dictionary_encode()
    return pa.array(map(function, encoded.dictionary.to_pylist()), kind).take(encoded.indices)


def _birth_date(value: str) -> str | None:
    try:
        return normalise.birth_date(value)
    except ValueError:
        return None


def _month(value: str) -> str:
    return date.fromisoformat(value).isoformat()[:7]


@lru_cache(normalise.REMEMBERED)
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


def local_ids(path: Path | None) -> pa.StringArray:
    """The distinct ids of a list of people, such as those who opted out: CSV with local_person_id."""
    if path is None:
        return pa.array([], pa.string())
    only_id = [column for column in contract.people_columns() if column.name == "local_person_id"]
    with CsvReader(path, only_id, "leave out") as reader:
        ids = pa.chunked_array([batch["local_person_id"] for batch in reader], pa.string()).unique()
    return ids.filter(pc.not_equal(ids, ""))


def _quintiles(path: Path | None) -> dict[str, int]:
    if path is None:
        return {}
    quintile = Reading({str(n): n for n in range(1, 6)}.__getitem__, pa.int32(), "a whole number from 1 to 5")
    found: dict[str, int] = {}
    with CsvReader(path, AREAS, "leave out") as reader:
        for batch in reader:
            found.update(
                zip(batch["lsoa"].to_pylist(), quintile.of(path, batch, "imd_quintile").to_pylist(), strict=True)
            )
    return found
