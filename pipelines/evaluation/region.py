"""The fictional region beside its answer key: who was linked rightly, and what every headline would be if all were.

The same SQL is built a second time over the true people in place of the linked ones, so that a difference between a
headline and its truth is linkage and nothing else.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from pipelines.evaluation.metrics import score
from pipelines.settings import Settings
from pipelines.warehouse import database
from pipelines.warehouse.sqlfile import TableName

WITHOUT_TRUTH = ("people_in_review",)  # says what linkage leaves to a reviewer: nothing of it is true or untrue


@dataclass(frozen=True)
class Headline:
    """A headline figure, its 95 % band, and the same figure over the true people."""

    headline_id: str
    label: str
    unit: str  # people, contacts, spells, hand-offs or minutes
    mart: str
    in_pack: bool
    found: float
    low: float
    high: float
    true: float

    @property
    def covered(self) -> bool:
        return self.low <= self.true <= self.high


@dataclass(frozen=True)
class Comparison:
    """Clients are (agency, feed, local id); people are clusters of clients."""

    clients: int
    people: int
    true_people: int
    precision: float
    recall: float
    f1: float
    headlines: list[Headline]


def compare(settings: Settings, folder: Path) -> Comparison:
    """Set what the pipeline found beside the answer key in `folder` (a region made by pipelines.synthetic)."""
    linked = _linked(settings, folder)
    clients = score(linked, linked.rename(columns={"true_person_id": "truth"}).drop(columns="person_id"))
    return Comparison(
        clients=clients["records"],
        people=clients["people_found"],
        true_people=clients["people_true"],
        precision=clients["pair_P"],
        recall=clients["pair_R"],
        f1=clients["pair_F1"],
        headlines=headlines(settings, true_warehouse(settings, folder, ("marts", "headlines"))),
    )


def true_clients(folder: Path) -> pd.DataFrame:
    """agency, feed, local_person_id, true_person_id, person_ref of every client that was delivered."""
    records = pd.read_csv(folder / "answer_key" / "records.csv", dtype=str)
    lookups = []
    for path in sorted((folder / "agencies").glob("*/*/*/lookup.csv")):
        agency, feed = path.parts[-4], path.parts[-3]
        lookups.append(pd.read_csv(path, dtype=str).assign(agency=agency, feed=feed))
    refs = pd.concat(lookups).drop_duplicates(["agency", "feed", "local_person_id"])
    return records.merge(refs, on=["agency", "feed", "local_person_id"], validate="one_to_one")


def _linked(settings: Settings, folder: Path) -> pd.DataFrame:
    """The person index with true_person_id."""
    index = pd.read_parquet(settings.linkage / "person_index.parquet")
    return index.merge(true_clients(folder), on=["agency", "feed", "person_ref"], validate="one_to_one")


def true_warehouse(settings: Settings, folder: Path, target: TableName | None = None) -> Settings:
    """Settings of a warehouse built over the true people: the same accepted rows, the answer key as person index.

    target: a table that is built with what it is made from, and no more; None for everything.
    """
    linked = _linked(settings, folder)
    true = Settings(project=settings.project, data=folder / "truth")
    shutil.rmtree(true.data, ignore_errors=True)
    true.linkage.mkdir(parents=True)
    true.accepted.symlink_to(settings.accepted.resolve())
    # the same salt names contacts, and contacts of one day without a time stand in the order of their names
    true.state.mkdir()
    shutil.copy(settings.state / "hub_salt", true.state)
    ids = "T" + linked.true_person_id.astype(str)
    index = linked.drop(columns=["true_person_id", "local_person_id"])
    # what is true waits for no reviewer
    index = index.assign(person_id=ids, person_id_low=ids, person_id_high=ids, in_review=False)
    index.to_parquet(true.linkage / "person_index.parquet")
    database.build_all(true, target=target)
    return true


def headlines(settings: Settings, true: Settings) -> list[Headline]:
    """Every headline as found and over the true people, those of the pack first and in its order."""
    query = """
        select headline_id, label, unit, mart, position is not null, value, value_low, value_high
        from marts.headlines order by position nulls last, mart, headline_id
    """
    truth = {headline_id: value for headline_id, *_, value, _, _ in _rows(true, query)}
    return [Headline(*row, truth[row[0]]) for row in _rows(settings, query)]


def _rows(settings: Settings, query: str) -> list[tuple]:
    with duckdb.connect(str(settings.warehouse_db), read_only=True) as connection:
        return connection.execute(query).fetchall()
