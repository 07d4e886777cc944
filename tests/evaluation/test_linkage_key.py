"""Linkage beside an answer key, by group: a region of a few people whose clusters a reader can count."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.evaluation.linkage_key import against_key
from pipelines.settings import Settings

AE, POLICE = "ae_attendances", "police_incidents"
AGENCY = {AE: "WEXH", POLICE: "NPOL"}
# Every true person has a record at A&E and one with the police, of the same number.
PEOPLE = """
true_person_id,sex,ethnic_group,imd_quintile,date_of_birth
T1,F,white,1,1950-06-01
T2,F,white,2,1990-06-01
T3,M,black,1,2010-06-01
T4,M,,3,1960-06-01
"""
# T1 and T2 are found; T3's records are two people; T4's police record is in T2.
CLUSTERS = {(AE, 1): "P1", (POLICE, 1): "P1", (AE, 2): "P2", (POLICE, 2): "P2", (AE, 3): "P3", (POLICE, 3): "P4",
            (AE, 4): "P5", (POLICE, 4): "P2"}  # fmt: skip
PROBABILITIES = {((AE, 1), (POLICE, 1)): 0.95, ((AE, 2), (POLICE, 2)): 0.95, ((AE, 2), (POLICE, 4)): 0.93,
                 ((AE, 3), (POLICE, 3)): 0.31}  # fmt: skip


def compared(root: Path, people: str, clusters: dict, probabilities: dict) -> pd.DataFrame:
    """What is said of a region with these true people, clusters of (feed, number) and scored pairs."""
    folder, settings = root / "demo", Settings(data=root / "data")
    (folder / "answer_key").mkdir(parents=True)
    (folder / "answer_key" / "people.csv").write_text(people.strip() + "\n")
    records = pd.DataFrame([(AGENCY[feed], feed, f"L{n}", f"T{n}") for feed, n in clusters],
                           columns=["agency", "feed", "local_person_id", "true_person_id"])  # fmt: skip
    records.to_csv(folder / "answer_key" / "records.csv", index=False)
    for feed, agency in AGENCY.items():
        month = folder / "agencies" / agency / feed / "2025-12"
        month.mkdir(parents=True)
        known = records[records.feed == feed].local_person_id
        pd.DataFrame({"local_person_id": known, "person_ref": "r" + known}).to_csv(month / "lookup.csv", index=False)
    settings.linkage.mkdir(parents=True)
    index = [(AGENCY[feed], feed, f"rL{n}", person) for (feed, n), person in clusters.items()]
    columns = ["agency", "feed", "person_ref", "person_id"]
    pd.DataFrame(index, columns=columns).to_parquet(settings.linkage / "person_index.parquet")
    pairs = [
        {f"{name}_{side}": value for side, (feed, n) in zip("lr", pair, strict=True)
         for name, value in (("agency", AGENCY[feed]), ("feed", feed), ("person_ref", f"rL{n}"))}
        | {"match_probability": probability}
        for pair, probability in probabilities.items()
    ]  # fmt: skip
    if pairs:
        pd.DataFrame(pairs).to_parquet(settings.linkage / "client_pairs.parquet")
    return pd.DataFrame(against_key(settings, folder))


@pytest.fixture
def rows(tmp_path) -> pd.DataFrame:
    return compared(tmp_path, PEOPLE, CLUSTERS, PROBABILITIES)


def figure(rows: pd.DataFrame, measure: str, grouping: str, name: str) -> pd.Series:
    (found,) = rows[(rows.measure == measure) & (rows.grouping == grouping) & (rows.group_name == name)].itertuples()
    return found


def test_everybody_of_four_pairs_two_are_found_and_of_four_joins_two_are_right(rows):
    assert figure(rows, "pair recall", "everybody", "everybody").value == 2 / 4
    assert figure(rows, "pair precision", "everybody", "everybody").value == 2 / 4
    assert figure(rows, "pair F1", "everybody", "everybody").value == 2 / 4


@pytest.mark.parametrize(
    ("grouping", "name", "recall"),
    [("sex", "F", 1), ("sex", "M", 0), ("ethnic group", "black", 0), ("ethnic group", "not recorded", 0),
     ("age band", "75-84", 1), ("age band", "0-17", 0), ("deprivation quintile", "1", 0.5)],
)  # fmt: skip
def test_recall_by_group_is_of_the_group_s_own_pairs(rows, grouping, name, recall):
    found = figure(rows, "pair recall", grouping, name)
    assert found.value == recall
    assert found.low <= found.value <= found.high


def test_a_wrong_join_counts_against_the_groups_of_both(rows):
    """P2 holds both of T2's records and one of T4's: of F's joins 1 + 1 + half of 2 wrong ones, 2 are right."""
    assert figure(rows, "pair precision", "sex", "F").value == pytest.approx(2 / 3)
    assert figure(rows, "pair precision", "sex", "M").value == 0


def test_pairs_of_feeds_are_told_apart(rows):
    assert figure(rows, "pair recall", "feed pair", f"{AE} and {POLICE}").value == 2 / 4
    assert figure(rows, "pair precision", "feed pair", f"{AE} and {POLICE}").value == 2 / 3
    assert figure(rows, "pair precision", "feed pair", f"within {POLICE}").value == 0


def test_observed_stands_beside_expected_by_tenth_of_probability(rows):
    calibration = rows[rows.measure.str.startswith("calibration")].set_index(["measure", "detail"]).value
    assert calibration["calibration: expected", "0.9 to 1.0"] == pytest.approx((0.95 + 0.95 + 0.93) / 3)
    assert calibration["calibration: observed", "0.9 to 1.0"] == pytest.approx(2 / 3)
    assert calibration["calibration: observed", "0.3 to 0.4"] == 1


def test_groups_too_small_for_a_gap_have_none(rows):
    assert "pair recall gap" not in set(rows.measure)


def test_the_gap_is_the_highest_recall_of_an_ethnic_group_minus_the_lowest(tmp_path):
    """Of 120 people each: all of one group are found and 30 of the other are missed, a quarter."""
    groups = ["white"] * 120 + ["black"] * 120
    people = "\n".join(
        ["true_person_id,sex,ethnic_group,imd_quintile,date_of_birth"]
        + [f"T{n},F,{group},1,1980-01-01" for n, group in enumerate(groups)]
    )
    missed = range(120, 150)
    clusters = {(feed, n): f"P{n}{feed if n in missed else ''}" for n in range(240) for feed in AGENCY}
    rows = compared(tmp_path, people, clusters, {})
    (gap,) = rows[rows.measure == "pair recall gap"].itertuples()
    assert gap.value == pytest.approx(0.25)
    assert 0.1 < gap.low < 0.25 < gap.high < 0.4
