"""Small deliveries made through the agencies' own entry point, and ways to spoil them."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.ingest.accept import ingest_month
from pipelines.pseudonymise.delivery import deliver
from pipelines.pseudonymise.encode import DEFAULT_PROFILE, Pseudonyms
from pipelines.settings import Settings

KEY = bytes(range(32))
PERIOD = "2024-03"
AGENCIES = {"ae_attendances": "WEXH", "social_care_events": "LAWX", "police_incidents": "NPOL"}

PEOPLE = [
    "local_person_id,forename,surname,date_of_birth,sex,postcode,ethnic_group",
    "1,Ada,Archer,1950-01-31,F,ZZ1 1AA,A",
    "2,Ben,Barker,1961-02-28,M,ZZ1 1AB,A",
    "3,Cara,Cooper,1972-03-31,F,ZZ1 1AD,A",
]


# One acceptable row of each feed; tests name only what differs from it.
ACTIVITY = {
    "ae_attendances": {
        "local_person_id": "1",
        "EC_Ident": "E1",
        "EC_Department_Type": "01",
        "EC_AttendanceCategory": "1",
        "Arrival_Date": "2024-03-05",
        "Arrival_Time": "10:00",
        "EC_Arrival_Mode_SNOMED_CT": "1048031000000100",
        "EC_Departure_Date": "2024-03-06",
        "EC_Departure_Time": "08:00",
        "EC_Departure_Time_Since_Arrival": "1320",
        "EC_Discharge_Status_SNOMED_CT": "182992009",
    },
    "social_care_events": {
        "local_person_id": "1",
        "Event_Reference_Number": "S1",
        "Client_Type": "Service User",
        "Event_Type": "Request",
        "Event_Start_Date": "2024-03-05",
        "Event_End_Date": "2024-03-06",
        "Event_Outcome": "NFA - Deceased",
    },
    "police_incidents": {
        "local_person_id": "1",
        "incident_ref": "P1",
        "role": "subject",
        "created_ts": "2024-03-05T10:00:00",
        "grade": "Prompt",
        "nsir_open": "Missing person",
        "deployed": "true",
        "officer_minutes": "60",
        "s136": "false",
        "ppn": "false",
    },
}


@dataclass
class Region:
    """A hub's data folder and the agencies that deliver to it."""

    settings: Settings
    scratch: Path
    period: str = PERIOD
    other_key: bytes = bytes(range(1, 33))

    def deliver(
        self,
        feed: str = "ae_attendances",
        rows: list[dict] | None = None,
        period: str = PERIOD,
        agency: str | None = None,
        people: list[str] | None = None,
        key: bytes = KEY,
        profile: str = DEFAULT_PROFILE,
        **options: str,
    ) -> Path:
        """The folder of a delivery. rows: what differs from the feed's acceptable row; each has its own reference."""
        reference = list(ACTIVITY[feed])[1]
        full = [{**ACTIVITY[feed], reference: f"R{n}", **row} for n, row in enumerate(rows or [{}, {}])]
        people_file, activity_file = self.scratch / "people.csv", self.scratch / "activity.csv"
        people_file.write_text("\n".join(people or PEOPLE) + "\n")
        with open(activity_file, "w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(column for row in full for column in row)))
            writer.writeheader()
            writer.writerows(full)
        agency = agency or AGENCIES[feed]
        out = self.settings.landing
        return deliver(feed, agency, people_file, activity_file, key, period, out, profile=profile, **options).folder

    def again_as(self, folder: Path, delivery_id: str, **entries: object) -> Path:
        """A copy of a delivery under another id, as an agency that counts anew would send it; entries: of its note."""
        copy = folder.with_name(delivery_id)
        shutil.copytree(folder, copy)
        note = json.loads((copy / "delivery.json").read_text())
        (copy / "delivery.json").write_text(json.dumps({**note, "delivery_id": delivery_id, **entries}))
        return copy

    def statuses(self, feed: str = "ae_attendances", period: str = PERIOD) -> list[tuple[str, str]]:
        """Number and status of each delivery of a feed's month once it is taken in, in the order in which they count."""
        month = ingest_month(self.settings, feed, period)
        return [(outcome.received.delivery_id[:3], outcome.status) for outcome in month.deliveries]

    @staticmethod
    def reference(feed: str, number: int) -> str:
        """How the hub sees the reference of the row with that number (from 0) of the agency's file."""
        return Pseudonyms(KEY, AGENCIES[feed]).reference(feed, f"R{number}")

    def double_a_person(self, folder: Path, local_person_id: str) -> None:
        """Give a person of a delivery a second row in people, with another token."""
        agency = folder.parts[-4]
        ref = Pseudonyms(KEY, agency).person_ref(local_person_id)

        def doubled(people: pa.Table) -> pa.Table:
            again = people.filter(pc.field("person_ref") == ref)
            place = people.column_names.index("dob_token")
            return pa.concat_tables([people, again.set_column(place, "dob_token", pa.array([1], pa.int64()))])

        self.rewrite(folder, "people", doubled)

    @staticmethod
    def rewrite(folder: Path, file: str, change: Callable[[pa.Table], pa.Table]) -> None:
        """Change a delivered file and make the note fit again, as a faulty agency's own software would."""
        path, note_path = folder / f"{file}.parquet", folder / "delivery.json"
        table = change(pq.read_table(path))
        pq.write_table(table, path)
        note = json.loads(note_path.read_text())
        note["rows"][file] = len(table)
        note["sha256"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        note_path.write_text(json.dumps(note))

    def table(self, name: str, feed: str = "ae_attendances", period: str = PERIOD) -> list[dict]:
        """Rows of one of the accepted side's files of a feed's month."""
        return pq.read_table(self.settings.accepted / feed / f"{period}.{name}.parquet").to_pylist()

    def everything_written(self) -> dict[str, bytes]:
        """Bytes of all files under data but for landing, by path."""
        files = [p for p in self.settings.data.rglob("*") if p.is_file() and self.settings.landing not in p.parents]
        return {str(path.relative_to(self.settings.data)): path.read_bytes() for path in sorted(files)}


@pytest.fixture(scope="module")
def shared_region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """One region for tests that only look at what became of it."""
    path = tmp_path_factory.mktemp("region")
    (path / "agencies").mkdir()
    return Region(Settings(data=path / "data"), path / "agencies")


@pytest.fixture
def region(tmp_path: Path) -> Region:
    (tmp_path / "agencies").mkdir()
    return Region(Settings(data=tmp_path / "data"), tmp_path / "agencies")
