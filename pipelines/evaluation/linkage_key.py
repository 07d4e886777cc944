"""Linkage of the fictional region beside its answer key, by group of people, for the linkage quality page.

Rows have the shape of marts.linkage_by_group, and of the calibration in marts.linkage_quality, so that the page shows
them beside what is known without a key. People are the units of every interval: records of one person are not
independent. Attributes are those of the answer key, not those that an agency wrote down.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.evaluation.region import true_clients
from pipelines.linkage.quality import How, ratio, wilson
from pipelines.settings import Settings

CLIENT = ["agency", "feed", "person_ref"]
AGE_BANDS = {"0-17": 0, "18-24": 18, "25-44": 25, "45-64": 45, "65-74": 65, "75-84": 75, "85+": 85}  # youngest age
FEWEST_OF_A_GAP = 100  # people with two records or more; smaller groups do not take part in the gap
RESAMPLES = 400
SEED = 1
DETAIL = "clusters"


def against_key(settings: Settings, folder: Path) -> list[dict]:
    """Rates of clusters by group, the recall gap between ethnic groups, and calibration.

    folder: a region made by pipelines.synthetic whose deliveries the hub of `settings` has linked.
    """
    index = pd.read_parquet(settings.linkage / "person_index.parquet", columns=[*CLIENT, "person_id"])
    clients = index.merge(true_clients(folder), on=CLIENT, validate="one_to_one")
    people = _attributes(folder, clients)
    counts = _counts(clients).reindex(people.index, fill_value=0)
    rows = _rates("everybody", "everybody", counts)
    for grouping in people.columns:
        for name, members in people.groupby(grouping, dropna=False).groups.items():
            rows += _rates(grouping, "not recorded" if pd.isna(name) else str(name), counts.loc[members])
    rows += [row for pair in _feed_pairs(clients) for row in pair]
    rows += _gap(counts, people["ethnic group"])
    return [*rows, *_calibration(settings.linkage / "client_pairs.parquet", clients)]


def _attributes(folder: Path, clients: pd.DataFrame) -> pd.DataFrame:
    """Groups of every true person that has a record; age at the end of the last month delivered."""
    people = pd.read_csv(folder / "answer_key" / "people.csv", dtype=str).set_index("true_person_id")
    people = people.loc[sorted(clients.true_person_id.unique())]
    last = max(path.name for path in (folder / "agencies").glob("*/*/*"))
    end = pd.Period(last).end_time
    age = (end - pd.to_datetime(people.date_of_birth)).dt.days / 365.25
    bands = pd.cut(age, [*AGE_BANDS.values(), np.inf], labels=list(AGE_BANDS), right=False).astype(object)
    return pd.DataFrame(
        {
            "sex": people.sex,
            "age band": bands,
            "ethnic group": people.ethnic_group,
            "deprivation quintile": people.imd_quintile,
        }
    )


def _counts(clients: pd.DataFrame) -> pd.DataFrame:
    """Of each true person: pairs of records that are one person (true), those that are joined (right), and half of the
    joins that its records have with anybody (joined), so that sums over people count every pair once."""
    cell = clients.groupby(["true_person_id", "person_id"]).size().rename("n").reset_index()
    cell["size"] = cell.person_id.map(clients.person_id.value_counts())
    cell["right"], cell["joined"] = cell.n * (cell.n - 1) / 2, cell.n * (cell["size"] - 1) / 2
    counts = cell.groupby("true_person_id")[["n", "right", "joined"]].sum()
    return counts.assign(true=counts.n * (counts.n - 1) / 2)


def _rates(grouping: str, name: str, counts: pd.DataFrame) -> list[dict]:
    right, joined, true = (counts[column].to_numpy() for column in ("right", "joined", "true"))
    parts = {
        "pair precision": (right, joined),
        "pair recall": (right, true),
        "pair F1": (2 * right, joined + true),
    }
    rows = []
    for measure, (part, whole) in parts.items():
        concerned = whole > 0
        if concerned.any():
            numbers = int(concerned.sum()), int(whole.sum())
            rows.append(_row(measure, DETAIL, grouping, name, *numbers, *ratio(part[concerned], whole[concerned])))
    return rows


def _row(
    measure: str, detail: str, grouping: str, name: str, people: int, trials: int, value: float, low: float, high: float
) -> dict:
    return {
        "measure": measure, "detail": detail, "grouping": grouping, "group_name": name, "people": people,
        "trials": trials, "value": value, "low": low, "high": high, "how": str(How.ANSWER_KEY),
    }  # fmt: skip


def _feed_pairs(clients: pd.DataFrame) -> list[list[dict]]:
    """Recall and precision of pairs of records by the feeds that they are of."""
    made = {}
    for measure, unit, other in (
        ("pair recall", "true_person_id", "person_id"),
        ("pair precision", "person_id", "true_person_id"),
    ):
        numbered = clients.assign(number=np.arange(len(clients)))[["number", "feed", unit, other]]
        pairs = numbered.merge(numbered, on=unit, suffixes=("_l", "_r"))
        pairs = pairs[pairs.number_l < pairs.number_r]
        first = np.where(pairs.feed_l < pairs.feed_r, pairs.feed_l, pairs.feed_r)
        second = np.where(pairs.feed_l < pairs.feed_r, pairs.feed_r, pairs.feed_l)
        pairs["name"] = np.where(first == second, "within " + first, first + " and " + second)
        pairs["right"] = pairs[f"{other}_l"] == pairs[f"{other}_r"]
        for name, of_pair in pairs.groupby("name"):
            sums = of_pair.groupby(unit).right.agg(["sum", "size"])
            found = ratio(sums["sum"].to_numpy(float), sums["size"].to_numpy(float))
            row = _row(measure, DETAIL, "feed pair", name, len(sums), len(of_pair), *found)
            made.setdefault(name, []).append(row)
    return list(made.values())


def _gap(counts: pd.DataFrame, groups: pd.Series) -> list[dict]:
    """Highest minus lowest recall over the groups that are large enough; interval by a bootstrap over people."""
    counts, groups = counts[counts.true > 0], groups[counts.true > 0]
    large = groups.value_counts()
    names = large.index[large >= FEWEST_OF_A_GAP]
    if len(names) < 2:
        return []
    by_group = [counts[groups == name][["right", "true"]].to_numpy() for name in names]
    rng = np.random.default_rng(SEED)
    recalls = [
        [(draw := rng.multinomial(len(of_group), [1 / len(of_group)] * len(of_group)) @ of_group)[0] / draw[1]
         for of_group in by_group]
        for _ in range(RESAMPLES)
    ]  # fmt: skip
    spread = np.ptp(np.array(recalls), axis=1)
    value = np.ptp([of_group[:, 0].sum() / of_group[:, 1].sum() for of_group in by_group])
    low, high = (float(np.quantile(spread, q)) for q in (0.025, 0.975))
    people = sum(len(of_group) for of_group in by_group)
    numbers = people, int(counts.true.sum()), float(value), min(low, float(value)), max(high, float(value))
    return [_row("pair recall gap", f"{len(names)} groups of {FEWEST_OF_A_GAP} people or more", "", "", *numbers)]


def _calibration(pairs: Path, clients: pd.DataFrame) -> list[dict]:
    """Expected and observed share of one person among scored pairs of clients, by tenth of match probability."""
    if not pairs.exists():
        return []
    sides = [f"{name}_{side}" for side in "lr" for name in CLIENT]
    scored = pd.read_parquet(pairs, columns=[*sides, "match_probability"])
    for side in "lr":
        of_side = [f"{name}_{side}" for name in CLIENT]
        scored = scored.merge(clients[[*CLIENT, "true_person_id"]].add_suffix(f"_{side}"), on=of_side)
    scored["same"] = scored.true_person_id_l == scored.true_person_id_r
    rows = []
    for place, tenth in scored.groupby((scored.match_probability * 10).clip(upper=9).astype(int)):
        share = float(tenth.same.mean())
        figures = {
            "expected": (float(tenth.match_probability.mean()), None, None, How.MODEL),
            "observed": (share, *wilson(share, len(tenth)), How.ANSWER_KEY),
            "pairs": (len(tenth), None, None, How.ANSWER_KEY),
        }
        for part, (value, low, high, how) in figures.items():
            detail = f"{place / 10:.1f} to {(place + 1) / 10:.1f}"
            row = {
                "measure": f"calibration: {part}",
                "detail": detail,
                "grouping": "",
                "group_name": "",
                "people": None,
            }
            rows.append(row | {"trials": len(tenth), "value": value, "low": low, "high": high, "how": str(how)})
    return rows
