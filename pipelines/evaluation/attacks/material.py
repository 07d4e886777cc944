"""What the attacks are run on: a fictional region's registers in plaintext, with the clear attributes of a delivery.

Names, dates and attributes are normalised and banded by the code that agencies run. No attack and no encoder is here.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipelines.pseudonymise import normalise
from pipelines.pseudonymise.records import age_band
from pipelines.settings import Settings
from pipelines.synthetic import make_region

FIRST_PERIOD, MONTHS = "2024-01", 3
LAST_PERIOD = "2024-03"
IDENTITY = ("forename", "surname", "dob", "postcode", "nhs_number")


@dataclass(frozen=True)
class Region:
    """records: feed, true_person_id, IDENTITY (normalised, '' for missing), sex, age_band, ethnic_group, imd_quintile
    (None for missing), one row per feed and local id as last known; events: feed, true_person_id, started_at.
    """

    records: pd.DataFrame
    events: pd.DataFrame

    def largest_file(self) -> pd.DataFrame:
        """The records of the feed that knows most people: what leaks when one agency's deliveries do."""
        return self.file(self.records["feed"].value_counts().idxmax())

    def file(self, feed: str) -> pd.DataFrame:
        return self.records[self.records["feed"] == feed].reset_index(drop=True)


def region(folder: Path, people: int, seed: int, progress: Callable[[str], None] = lambda text: None) -> Region:
    """Make a fictional region in `folder` and read it back beside its answer key."""
    progress(f"a fictional region of {people:,} people, seed {seed}")
    make_region(folder, people, seed, FIRST_PERIOD, MONTHS, derived=False)
    parts = []
    for path in sorted((folder / "agencies").glob("*/*/*/people.csv")):
        parts.append(_text(path).assign(feed=path.parts[-3], period=path.parts[-2]))
    raw = pd.concat(parts).sort_values(["feed", "period"], kind="stable")
    raw = raw.drop_duplicates(["feed", "local_person_id"], keep="last")
    key = _text(folder / "answer_key" / "records.csv")[["feed", "local_person_id", "true_person_id"]]
    raw = raw.merge(key, on=["feed", "local_person_id"], validate="one_to_one")
    events = _text(folder / "answer_key" / "contacts.csv")[["feed", "true_person_id", "started_at"]]
    return Region(_as_delivered(raw), events)


def _text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _as_delivered(raw: pd.DataFrame) -> pd.DataFrame:
    births = [normalise.birth_date(value) for value in raw["date_of_birth"]]
    with open(Settings().reference / "areas.csv", newline="", encoding="utf-8") as file:
        quintiles = {row["lsoa"]: row["imd_quintile"] for row in csv.DictReader(file)}
    return pd.DataFrame(
        {
            "feed": raw["feed"].to_numpy(),
            "local_person_id": raw["local_person_id"].to_numpy(),
            "true_person_id": raw["true_person_id"].to_numpy(),
            "forename": [normalise.name(value) for value in raw["forename"]],
            "surname": [normalise.name(value) for value in raw["surname"]],
            "dob": births,
            "postcode": [normalise.postcode(value) for value in raw["postcode"]],
            "nhs_number": [normalise.nhs_number(value) for value in raw["nhs_number"]],
            "sex": [normalise.sex(value) or None for value in raw["sex"]],
            "age_band": [age_band(birth, LAST_PERIOD) for birth in births],
            "ethnic_group": [normalise.ethnic_group(value) or None for value in raw["ethnic_group"]],
            "imd_quintile": [quintiles.get(value) for value in raw["lsoa"]],
        }
    )
