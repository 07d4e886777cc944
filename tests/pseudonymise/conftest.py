"""A police force with a key and two small files, and a way to run the command that its data officer types."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines import cli

PEOPLE = """local_person_id,nhs_number,forename,surname,date_of_birth,sex,postcode,lsoa,ethnic_group
p1,9434765919,Margaret,Ashdown,1938-03-04,F,WX1 2AB,E01990001,A
p2,,Peggy,Ashdown,1938-03,F,WX12AB,E01990001,White
p3,,Unknown,Baby,1900-01-01,,ZZ99 3VZ,,
"""
ACTIVITY = """local_person_id,incident_ref,role,created_ts,call_source,grade,nsir_open,deployed,s136,ppn,officer_notes
p1,INC-77,subject,2024-01-05T14:30,999,Prompt,Concern for safety,true,false,true,Lives alone at number 4
p2,INC-78,subject,2024-01-06T09:00,101,Scheduled,Concern for safety,no,N,0,
"""


class Agency:
    """NPOL, which delivers police incidents of January 2024."""

    people, activity = PEOPLE, ACTIVITY

    def __init__(self, folder: Path):
        self.folder, self.out, self.key = folder, folder / "out", folder / "key"
        self.slot = self.out / "NPOL" / "police_incidents" / "2024-01"

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def arguments(self, people, activity, period="2024-01", feed="police_incidents") -> list[str]:
        """The command line for files given as their text, their bytes or where they are."""
        people = people if isinstance(people, Path) else self.write("people.csv", people)
        arguments = ["pseudonymise", feed, "--agency", "NPOL", "--people", str(people), "--period", period]
        arguments += ["--key-file", str(self.key), "--out", str(self.out)]
        if activity is not None:
            arguments += ["--activity", str(self.write("activity.csv", activity))]
        return arguments

    def run(self, *extra, people=PEOPLE, activity=ACTIVITY, **how) -> int:
        """The command's exit code."""
        return cli.main([*self.arguments(people, activity, **how), *map(str, extra)])

    def delivery(self) -> Path:
        (folder,) = self.slot.iterdir()
        return folder

    def table(self, name: str) -> list[dict]:
        return pq.read_table(self.delivery() / f"{name}.parquet").to_pylist()


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    assert cli.main(["keygen", str(tmp_path / "key")]) == 0
    return Agency(tmp_path)
