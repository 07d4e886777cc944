"""What the engineer asks for: whom to erase, what it would take, and the lines that make it so.

Nothing here removes anything: a request is written to the tombstones, and a run carries it out (proof.carried_out).
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from pipelines.hub_salt import hub_salt
from pipelines.ingest.region import read_region
from pipelines.pseudonymise.contract import AGENCY
from pipelines.pseudonymise.errors import InputError
from pipelines.run_lock import only_run
from pipelines.settings import Settings

from . import tombstones
from .proof import releases_with
from .search import Searched, search
from .tombstones import PERSON_REF, Tombstone, Tombstones

REASON = "say why, in words that name nobody"


@dataclass(frozen=True)
class Client:
    """One client of one agency, under the key whose check is given."""

    agency: str
    person_ref: str
    key_check: str


@dataclass(frozen=True)
class Linked:
    """Other clients that linkage says are the same person, and how sure the least sure of their links is."""

    clients: list[Client]
    agencies: int
    least_probability: float | None
    in_review: bool

    def describe(self) -> str:
        if not self.clients:
            return "Linkage knows them under no other reference."
        doubt = " Linkage finds one of these people implausible: look at the review queue first." * self.in_review
        return (
            f"Linkage knows them under {len(self.clients):,} more references of {self.agencies:,} agencies. The least sure "
            f"of these links has a probability of {self.least_probability:.2f}.{doubt}"
        )


@dataclass(frozen=True)
class Takes:
    """What an erasure would take: files with rows of the people, and releases that may hold them."""

    new: int  # of the clients asked for, those without a tombstone yet
    files: list[Searched]
    releases: list[str]

    def describe(self, data: Path) -> str:
        lines = [f"{self.new:,} people would be erased who were not before."]
        lines += [f"  {searched.path.relative_to(data)}: {searched.found:,} rows" for searched in self.files]
        if not self.files:
            lines.append(
                "No file has a row of theirs. If that is a surprise: was the reference made with the key in use?"
            )
        lines += [f"  release {release_id} would be withdrawn" for release_id in self.releases]
        lines.append(
            "All that was made of these rows would be deleted with them, and made anew without. Nothing was done."
        )
        return "\n".join(lines)


def clients_asked_for(settings: Settings, agency: str, person_ref: str | None, file: Path | None) -> list[Client]:
    """Whom a request names. Raises InputError that repeats no reference."""
    region = read_region(settings)
    if region is None:
        raise InputError("nothing was accepted yet: there is nobody to erase.")
    if not AGENCY.fullmatch(agency):
        raise InputError("--agency takes an agency's code, 2 to 12 capital letters or digits.")
    if not settings.landing.joinpath(agency).is_dir():
        raise InputError(f"agency {agency} never delivered anything. Those that did: {', '.join(_agencies(settings))}.")
    if (person_ref is None) == (file is None):
        raise InputError("give either one reference (--person-ref) or a list of them (--file REFS.csv).")
    if person_ref is not None:
        if not PERSON_REF.fullmatch(person_ref):
            raise InputError("--person-ref takes 32 hexadecimal characters, as `upstream refs` prints at the agency.")
        return [Client(agency, person_ref, region.current.key_check)]
    keys = {encoding.key_check for encoding in (region.current, region.next, *region.retired) if encoding}
    return _read(file, agency, keys, region.current.key_check)


def _agencies(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.landing.glob("*") if AGENCY.fullmatch(path.name))


def _read(file: Path, agency: str, keys: set[str], current: str) -> list[Client]:
    """The clients of a list that `upstream refs` wrote, or that has person_ref alone: then of the key in use."""
    found = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if "person_ref" not in (reader.fieldnames or []):
                raise InputError(
                    f"{file}, row 1: column person_ref is missing. The agency makes the list: upstream refs"
                )
            for number, row in enumerate(reader, start=2):
                found.append(_client(f"{file}, row {number}", row, agency, keys, current))
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{file}: not a CSV file in UTF-8. Ask for the list as `upstream refs` wrote it.") from None
    if not found:
        raise InputError(f"{file}: the list is empty. Nothing was done.")
    return list(dict.fromkeys(found))


def _client(where: str, row: dict[str, str | None], agency: str, keys: set[str], current: str) -> Client:
    if not PERSON_REF.fullmatch(row["person_ref"] or ""):
        raise InputError(f"{where}, column person_ref: not 32 hexadecimal characters. Nothing was done.")
    if (row.get("agency") or agency) != agency:
        raise InputError(f"{where}, column agency: a list of another agency than {agency}. Nothing was done.")
    key_check = row.get("key_check") or current
    if key_check not in keys:
        raise InputError(
            f"{where}, column key_check: made with a key that was never in use here, so that nobody would be found. Ask "
            f"{agency} to make the list again with the partnership's key. Nothing was done."
        )
    return Client(agency, row["person_ref"], key_check)


def linked(settings: Settings, clients: list[Client]) -> Linked:
    """The other clients of the same people, by the last linkage. Raises InputError if there is none."""
    path = settings.linkage / "person_index.parquet"
    if not path.exists():
        raise InputError("--linked needs to know who is who. Link first: upstream run")
    index = pd.read_parquet(path)
    asked = {(client.agency, client.person_ref) for client in clients}
    is_asked = pd.MultiIndex.from_frame(index[["agency", "person_ref"]]).isin(list(asked))
    others = index[index.person_id.isin(set(index.person_id[is_asked])) & ~is_asked]
    refs = others[["agency", "person_ref"]].drop_duplicates()
    key_check = read_region(settings).current.key_check
    return Linked(
        [Client(agency, ref, key_check) for agency, ref in refs.itertuples(index=False, name=None)],
        agencies=refs.agency.nunique(),
        least_probability=float(others.match_probability.min()) if len(others) else None,
        in_review=bool(others.in_review.any()),
    )


def would_take(settings: Settings, clients: list[Client]) -> Takes:
    """What erasing these clients would remove; writes nothing but, before the first erasure, the hub's salt."""
    stones = _tombstones(settings, clients, by="", reason="")
    everybody = Tombstones.read(settings).with_these(stones, hub_salt(settings.state))
    files = [searched for searched in search(settings, everybody) if searched.found]
    folders = {searched.path.parent for searched in files if searched.path.is_relative_to(settings.landing)}
    return Takes(len(stones), files, releases_with(settings, folders))


def write_tombstones(settings: Settings, clients: list[Client], by: str, reason: str) -> int:
    """Have clients erased from now on; how many were not before."""
    if not by.strip():
        raise InputError("--by needs your name.")
    if not reason.strip():
        raise InputError(f"--reason: {REASON}.")
    if any(client.person_ref in by + reason for client in clients):
        raise InputError(f"--reason: {REASON}; it holds a reference.")
    with only_run(settings) as alone:
        if not alone:
            raise InputError("a run is under way. Wait until it has ended, then try again.")
        new = _tombstones(settings, clients, by.strip(), reason.strip())
        if new:
            tombstones.append(settings, new)
    return len(new)


def _tombstones(settings: Settings, clients: list[Client], by: str, reason: str) -> list[Tombstone]:
    """A tombstone for each client that has none."""
    salt, known = hub_salt(settings.state), Tombstones.read(settings)
    erased_at = datetime.now(UTC).isoformat(timespec="seconds")
    return [
        Tombstone(
            hash=tombstones.keyed_hash(bytes.fromhex(salt), client.agency, client.person_ref),
            agency=client.agency,
            key_check=client.key_check,
            erased_at=erased_at,
            by=by,
            reason=reason,
            salt_check=tombstones.salt_check(salt),
        )
        for client in clients
        if not known.match(client.agency, [client.person_ref]).any()
    ]
