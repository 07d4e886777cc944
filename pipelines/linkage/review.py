"""What people should look at: pairs of records that the details leave open or that make an implausible person.

An item is a pair of records, named by their keys, so that it keeps its name from run to run. A person that is implausible
as a whole (too many records, two birth dates, an impossible fact) comes as the links that hold it together: whoever
judges those has judged the person. Why an item is there is carried as a Reason. This module finds items, writes the
reviewer's sheet and reads it back; what binds is `decisions`. Levels only: no value, no token.
"""

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pipelines.pseudonymise.errors import InputError

from . import cluster, decisions
from .cluster import Links
from .comparisons import FIELDS, LEVELS
from .decisions import KEY, PERIOD, UNSURE, VERDICTS, WITHDRAWN, Decision, Decisions, Pair
from .load import people_files

MOST_RECORDS = 12  # records of one person above which it is implausible: four in each of three feeds
SEVERAL = 2  # records that must hold each of two birth dates before the person is implausible
WEAK = 2.0  # bits: two parts of a person whose pairs say less than this on average hang together weakly
NEAR = 0.3  # probability: pairs no further than this from the threshold are near it
MOST_NEAR = 200  # pairs near the threshold that are asked about in one run, the most consequential first


class Reason(StrEnum):
    """Why an item is in the queue."""

    TOO_MANY_RECORDS = "too_many_records"
    TWO_BIRTH_DATES = "two_birth_dates"
    NHS_NUMBER_CLASH = "nhs_number_clash"
    WEAK_BRIDGE_KEPT = "weak_bridge_kept"
    WEAK_BRIDGE_CUT = "weak_bridge_cut"
    NEAR_THRESHOLD = "near_threshold"
    REVIEWERS_DISAGREE = "reviewers_disagree"
    DECISIONS_CONTRADICT = "decisions_contradict"
    CONTACT_AFTER_DEATH = "contact_after_death"
    TWO_STAYS_AT_ONCE = "two_stays_at_once"
    AGES_APART = "ages_apart"


IMPLAUSIBLE = (Reason.TOO_MANY_RECORDS, Reason.TWO_BIRTH_DATES)  # the person is kept out of headlines until decided
CONFLICTS = (Reason.REVIEWERS_DISAGREE, Reason.DECISIONS_CONTRADICT)
# What a reviewer reads: what to look at, and nothing of what the model made of it.
QUESTIONS = {
    Reason.TOO_MANY_RECORDS: "one of many records that resemble each other",
    Reason.TWO_BIRTH_DATES: "among records like these two birth dates occur several times each",
    Reason.NHS_NUMBER_CLASH: "the same NHS number, but neither birth date nor forename agree",
    Reason.WEAK_BRIDGE_KEPT: "two groups of records meet in few places, here is one",
    Reason.WEAK_BRIDGE_CUT: "two groups of records meet in few places, here is one",
    Reason.NEAR_THRESHOLD: "the details leave it open",
    Reason.REVIEWERS_DISAGREE: "reviewers came to different conclusions",
    Reason.DECISIONS_CONTRADICT: "decisions on this and other pairs cannot all be right",
    Reason.CONTACT_AFTER_DEATH: "if one person: a contact after the month of death",
    Reason.TWO_STAYS_AT_ONCE: "if one person: in two A&E departments at once",
    Reason.AGES_APART: "if one person: two ages far apart",
}
SIDE_COLUMNS = [f"{name}_{side}" for side in "lr" for name in KEY]
GAMMAS = [f"gamma_{field}" for field in FIELDS]
SCORES = ["match_probability", "match_weight", "evidence"]
COLUMNS = ["item", "reason", "person_id", "other_person_id", *SIDE_COLUMNS, *GAMMAS, *SCORES]
ASKED = [f"{name}_{side}" for side in "ab" for name in KEY]
ANSWERS = ["decision", "reason", "expires"]


def queue(
    pairs: Path, index: pd.DataFrame, decided: Decisions, impossible: pd.DataFrame, central: float
) -> pd.DataFrame:
    """The queue: one row an item and reason, the gravest reasons first.

    pairs: the client pairs' Parquet file. index: agency, feed, person_ref, person_id. impossible: person_id and reason
    as the marts hand them back. central: threshold. Pairs with a decision that binds are not asked about again.
    """
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = true")
    con.register("given_index", index[[*KEY, "person_id"]])
    con.read_parquet(str(pairs)).create_view("given_pairs")
    con.execute(
        f"""
        create table records as
        select row_number() over (order by {", ".join(KEY)}) - 1 as record, {", ".join(KEY)}, person_id,
            count(*) over (partition by person_id) as records
        from given_index order by record
        """
    )
    con.execute(
        f"""
        create table scored as
        select l.record as record_l, r.record as record_r, l.person_id as person_id, r.person_id as other_person_id,
            l.records as records, r.records as other_records, {", ".join(f"p.{c}" for c in (*GAMMAS, *SCORES, "number_alone"))}
        from given_pairs as p
        inner join records as l on {_same("l")}
        inner join records as r on {_same("r")}
        order by record_l, record_r
        """
    )
    found = [
        *_of_people(con, impossible, central),
        _rows(con, Reason.NHS_NUMBER_CLASH, "number_alone"),
        _cut(con, central),
        _near(con, central),
        _of_decisions(con, decided),
    ]
    items = pd.concat([frame for frame in found if len(frame)] or [found[0]], ignore_index=True)
    records = con.execute(f"select {', '.join(KEY)} from records order by record").df()
    con.close()
    for side in "lr":
        for name in KEY:
            items[f"{name}_{side}"] = records[name].to_numpy(dtype=object)[items[f"record_{side}"].astype(int)]
    items["item"] = [decisions.item_id(*pair) for pair in _pairs_of(items)]
    settled = {decisions.item_id(*pair) for pair in (*decided.must, *decided.cannot)}
    asked = items.reason.isin(CONFLICTS) | ~items["item"].isin(settled)
    position = items.reason.map({reason: place for place, reason in enumerate(Reason)})
    items = items.assign(position=position)[asked].sort_values(["position", "person_id", "item"], ignore_index=True)
    return items.drop_duplicates(["item", "reason"])[COLUMNS].reset_index(drop=True)


def implausible_people(found: pd.DataFrame) -> set[str]:
    """Persons of the queue that are implausible as a whole."""
    return set(found.person_id[found.reason.isin(IMPLAUSIBLE)])


def _same(side: str) -> str:
    return " and ".join(f"{side}.{name} = p.{name}_{side}" for name in KEY)


def _pairs_of(items: pd.DataFrame) -> list[Pair]:
    return [(tuple(row[:3]), tuple(row[3:])) for row in items[SIDE_COLUMNS].itertuples(index=False, name=None)]


def _rows(con: duckdb.DuckDBPyConnection, reason: Reason, condition: str) -> pd.DataFrame:
    return con.execute(f"select '{reason}' as reason, * from scored where {condition}").df()


def _of_people(con: duckdb.DuckDBPyConnection, impossible: pd.DataFrame, central: float) -> list[pd.DataFrame]:
    """Links that hold implausible people together, and weak bridges inside people."""
    con.register("impossible", impossible)
    inside = con.execute(
        f"""
        select * from scored
        where person_id = other_person_id and person_id in (
            select person_id from scored where person_id = other_person_id
            group by person_id, records
            having records > {MOST_RECORDS}
                or records >= {2 * SEVERAL} and (bool_or(gamma_dob = 0) or min(match_probability) < {central})
            union select person_id from impossible
        )
        order by record_l, record_r
        """
    ).df()
    con.unregister("impossible")
    if inside.empty:
        return [inside.assign(reason=[])]
    records, numbered = np.unique(inside[["record_l", "record_r"]].to_numpy(), return_inverse=True)
    ends = numbered.reshape(-1, 2)
    links = Links(ends[:, 0], ends[:, 1], inside.match_probability.to_numpy(), inside.evidence.to_numpy())
    held = cluster.spanning_links(links, len(records))
    tree = inside.iloc[held]
    many = tree[tree.records > MOST_RECORDS].assign(reason=Reason.TOO_MANY_RECORDS)
    births = tree[tree.person_id.isin(_with_two_birth_dates(inside, links, len(records)))]
    handed_back = tree.merge(impossible[["person_id", "reason"]].drop_duplicates(), on="person_id")
    bridges = inside.iloc[_weak_bridges(inside, links, held, len(records))]
    return [
        many,
        births.assign(reason=Reason.TWO_BIRTH_DATES),
        handed_back,
        bridges.assign(reason=Reason.WEAK_BRIDGE_KEPT),
    ]


def _with_two_birth_dates(inside: pd.DataFrame, links: Links, records: int) -> set[str]:
    """Persons with two groups of several records, each of one birth date, that differ from each other."""
    same = cluster.components(links.select((inside.gamma_dob == len(LEVELS["dob"]) - 1).to_numpy()), records)
    held_by = np.bincount(same)
    left, right = same[links.left], same[links.right]
    clash = (inside.gamma_dob == 0).to_numpy() & (held_by[left] >= SEVERAL) & (held_by[right] >= SEVERAL)
    return set(inside.person_id[clash & (left != right)])


def _weak_bridges(inside: pd.DataFrame, links: Links, held: np.ndarray, records: int) -> np.ndarray:
    """Rows of the weakest link of each person whose two sides, of two records or more, say little for each other."""
    forest = links.select(held)
    person = pd.factorize(inside.person_id)[0]
    order = np.lexsort((forest.probability, person[held]))
    weakest = order[np.unique(person[held][order], return_index=True)[1]]
    side = cluster.sides(forest, records, weakest)
    across = side[links.left] != side[links.right]
    bits = np.clip(cluster.log_odds(links.probability), -cluster.FOR, cluster.FOR)
    people = person.max() + 1
    said = np.bincount(person[across], bits[across], minlength=people)
    number = np.bincount(person[across], minlength=people)
    size = np.bincount(side)
    smaller = np.minimum(size[side[forest.left[weakest]]], size[side[forest.right[weakest]]])
    whose = person[held][weakest]
    return held[weakest[(smaller >= SEVERAL) & (said[whose] < WEAK * number[whose])]]


def _cut(con: duckdb.DuckDBPyConnection, central: float) -> pd.DataFrame:
    """The best pair between two people who are kept apart although that pair alone would join them."""
    return con.execute(
        f"""
        select '{Reason.WEAK_BRIDGE_CUT}' as reason, * from scored
        where person_id <> other_person_id and match_probability >= {central}
        qualify row_number() over (
            partition by least(person_id, other_person_id), greatest(person_id, other_person_id)
            order by match_probability desc, record_l, record_r
        ) = 1
        """
    ).df()


def _near(con: duckdb.DuckDBPyConnection, central: float) -> pd.DataFrame:
    """Pairs near the threshold that decide whether two people are one, those that move most records first."""
    return con.execute(
        f"""
        with best as (
            select * from scored
            where person_id <> other_person_id or records = 2
            qualify row_number() over (
                partition by least(person_id, other_person_id), greatest(person_id, other_person_id)
                order by match_probability desc, record_l, record_r
            ) = 1
        )
        select '{Reason.NEAR_THRESHOLD}' as reason, * from best
        where abs(match_probability - {central}) <= {NEAR}
            and (person_id = other_person_id or match_probability < {central})
        order by match_probability * (1 - match_probability)
            * (if(person_id = other_person_id, 0, least(records, other_records)) + 1) desc, record_l, record_r
        limit {MOST_NEAR}
        """
    ).df()


def _of_decisions(con: duckdb.DuckDBPyConnection, decided: Decisions) -> pd.DataFrame:
    """Pairs on which people contradict each other or themselves; without levels where nobody scored the pair."""
    pairs = [(Reason.REVIEWERS_DISAGREE, pair) for pair in decided.disputed]
    pairs += [(Reason.DECISIONS_CONTRADICT, pair) for pair in decided.contradicting]
    rows = [(reason, *left, *right) for reason, (left, right) in pairs]
    con.register("conflicts", pd.DataFrame(rows, columns=["reason", *SIDE_COLUMNS], dtype="str"))
    result = con.execute(
        f"""
        select p.reason, l.record as record_l, r.record as record_r, l.person_id, r.person_id as other_person_id,
            scored.* exclude (record_l, record_r, person_id, other_person_id)
        from conflicts as p
        inner join records as l on {_same("l")}
        inner join records as r on {_same("r")}
        left join scored
            on least(l.record, r.record) = least(scored.record_l, scored.record_r)
            and greatest(l.record, r.record) = greatest(scored.record_l, scored.record_r)
        order by all
        """
    ).df()
    con.unregister("conflicts")
    return result


def impossible_people(warehouse: Path, state: Path) -> pd.DataFrame:
    """person_id and reason that the marts of the last run hand back; empty before there are any.

    All that linkage ever reads of the marts' side: which person, and which kind of fact, without the fact. The state
    folder keeps what was read, so that a warehouse built anew from it makes the same queue.
    """
    kept = state / "people_to_review.parquet"
    handed_back = _handed_back(warehouse)
    if handed_back is None:
        return pd.read_parquet(kept) if kept.exists() else pd.DataFrame(columns=["person_id", "reason"], dtype="str")
    handed_back = handed_back[handed_back.reason.isin(list(Reason))].reset_index(drop=True)
    state.mkdir(parents=True, exist_ok=True)
    building = kept.with_name(f".{kept.name}.{os.getpid()}")
    handed_back.to_parquet(building, index=False)
    os.replace(building, kept)
    return handed_back


def _handed_back(warehouse: Path) -> pd.DataFrame | None:
    if not warehouse.exists():
        return None
    with duckdb.connect(str(warehouse), read_only=True) as con:
        there = "select count(*) from information_schema.tables where table_schema = 'marts' and table_name = ?"
        if not con.execute(there, ["people_to_review"]).fetchall()[0][0]:
            return None
        return con.execute("select person_id, reason from marts.people_to_review order by all").df()


def words(field: str, gamma: float) -> str:
    """How far two records agree in a field, in words."""
    if pd.isna(gamma):
        return "not compared"
    if gamma < 0:
        return "cannot be told"
    return LEVELS[field][len(LEVELS[field]) - 1 - int(gamma)].name


def last_period(linkage: Path) -> str:
    """The last accepted month, YYYY-MM."""
    periods = [file.stem for file in people_files(linkage)]
    if not periods:
        raise InputError("there are no accepted people to decide about. Take deliveries in first: upstream run")
    return max(periods)


def read_queue(linkage: Path) -> pd.DataFrame:
    path = linkage / "review_queue.parquet"
    if not path.exists():
        raise InputError("there is no review queue yet. Link first: upstream run")
    return pd.read_parquet(path)


def export(linkage: Path, out: Path, scores: bool = False) -> int:
    """Write the reviewer's sheet and return its number of items. Blind: neither scores nor what the model made of it.

    Rows of one case concern the same people; their order says nothing.
    """
    found = read_queue(linkage)
    rows = [_sheet_row(item, of_item, scores) for item, of_item in found.groupby("item", sort=True)]
    rows.sort(key=lambda row: (row["case"], row["item"]))
    columns = ["item", "case", "question", *ASKED, *FIELDS, *ANSWERS]
    columns += ["match_probability", "match_weight", "why", "joined"] if scores else []
    building = out.with_name(f".{out.name}.{os.getpid()}")
    with building.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(building, out)
    return len(rows)


def _sheet_row(item: str, of_item: pd.DataFrame, scores: bool) -> dict[str, object]:
    first = of_item.iloc[0]
    left, right = decisions.in_order(*_pairs_of(of_item)[0])
    people = "|".join(sorted({first.person_id, first.other_person_id}))
    row: dict[str, object] = {
        "item": item,
        "case": hashlib.sha256(people.encode()).hexdigest()[:8],
        "question": "; ".join(dict.fromkeys(QUESTIONS[Reason(reason)] for reason in of_item.reason)),
    }
    row |= dict(zip(ASKED, (*left, *right), strict=True))
    row |= {field: words(field, first[f"gamma_{field}"]) for field in FIELDS}
    row |= dict.fromkeys(ANSWERS, "")
    if scores:
        row |= {"match_probability": _rounded(first.match_probability), "match_weight": _rounded(first.match_weight)}
        row |= {"why": "; ".join(of_item.reason), "joined": "yes" if first.person_id == first.other_person_id else "no"}
    return row


def _rounded(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.4f}"


@dataclass(frozen=True)
class Imported:
    """What an import did: decisions taken in, and rows that said what the reviewer's standing word says already."""

    taken: int
    known: int
    decided: Decisions


def take_in(state: Path, file: Path, by: str, period: str) -> Imported:
    """Read a filled sheet and add its decisions, all of them or none. period: last accepted one.

    Raises InputError that names row and column.
    """
    by = by.strip()
    if not by:
        raise InputError("--by needs the reviewer's name.")
    standing = {(d.pair, d.actor): d for d in decisions.read(state, period).standing}
    recorded = datetime.now(UTC).isoformat(timespec="seconds")
    read: dict[Pair, Decision] = {}
    for row, answers in _answered(file):
        decision = _decision(f"{file}, row {row}", answers, by, period, recorded)
        if decision.pair in read:
            raise InputError(f"{file}, row {row}, column item: this pair has an answer further up. Keep one of them.")
        if decision.verdict == WITHDRAWN and (decision.pair, by) not in standing:
            raise InputError(f"{file}, row {row}, column decision: {by} has no decision on this pair to take back.")
        read[decision.pair] = decision
    if not read:
        raise InputError(
            f"{file}: column decision is empty in every row. Write {', '.join(VERDICTS[:3])} and import again."
        )
    new = [d for d in read.values() if not _says_the_same(d, standing.get((d.pair, by)))]
    if new:
        decisions.append(state, new)
    return Imported(len(new), len(read) - len(new), decisions.read(state, period))


def _answered(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Number (the header is row 1) and content of each row with a decision."""
    needed = ["item", *ASKED, *ANSWERS]
    with file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            reader = csv.DictReader(lines)
            missing = [name for name in needed if name not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{file}, row 1: column {', '.join(missing)} is missing. Keep the sheet's columns.")
            rows = [
                (number, {name: (row[name] or "").strip() for name in needed}) for number, row in enumerate(reader, 2)
            ]
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{file}: not a CSV file in UTF-8. Save the sheet as such and import again.") from None
    return [(number, row) for number, row in rows if any(row[name] for name in ANSWERS)]


def _decision(where: str, row: dict[str, str], by: str, period: str, recorded: str) -> Decision:
    one, other = (tuple(row[f"{name}_{side}"] for name in KEY) for side in "ab")
    if one == other or decisions.item_id(one, other) != row["item"]:
        raise InputError(
            f"{where}, column item: it does not belong to the two records of this row. Export again, and change nothing "
            "but decision, reason and expires."
        )
    if row["decision"] not in VERDICTS:
        raise InputError(f"{where}, column decision: write {', '.join(VERDICTS)}, or leave the row's answers empty.")
    if row["decision"] != UNSURE and not row["reason"]:
        raise InputError(f"{where}, column reason: say why, in words that name nobody.")
    if row["expires"] and not PERIOD.fullmatch(row["expires"]):
        raise InputError(f"{where}, column expires: write a month such as 2027-03, or nothing.")
    if row["expires"] and row["expires"] < period:
        raise InputError(f"{where}, column expires: that month is before {period}, the last accepted one.")
    left, right = decisions.in_order(one, other)
    return Decision(left, right, row["decision"], by, row["reason"], row["expires"] or None, recorded)


def _says_the_same(new: Decision, known: Decision | None) -> bool:
    return known is not None and (new.verdict, new.reason, new.expires) == (known.verdict, known.reason, known.expires)


@dataclass(frozen=True)
class Agreement:
    """How far two reviewers agree beyond chance on the items that both judged."""

    reviewers: tuple[str, str]
    items: int
    same: int
    kappa: float  # not a number where both always gave one and the same answer
    low: float
    high: float


def agreement(all_decisions: Sequence[Decision]) -> list[Agreement]:
    """Cohen's kappa for every two reviewers with a common item, from each one's last word, with a 95 % interval."""
    last: dict[str, dict[Pair, str]] = {}
    for decision in all_decisions:
        of_actor = last.setdefault(decision.actor, {})
        of_actor.pop(decision.pair, None)
        if decision.verdict != WITHDRAWN:
            of_actor[decision.pair] = decision.verdict
    found = []
    for one, other in combinations(sorted(last), 2):
        both = sorted(last[one].keys() & last[other].keys())
        if both:
            answers = [(last[one][pair], last[other][pair]) for pair in both]
            found.append(Agreement((one, other), len(both), sum(a == b for a, b in answers), *kappa(answers)))
    return found


def kappa(answers: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """Cohen's kappa (1960, doi:10.1177/001316446002000104) with a 95 % interval, of two raters' answers to each item.

    The interval is Wilson's for the share of equal answers, chance agreement taken as known: it stays open at full
    agreement, where the usual standard error is nought.
    """
    number = len(answers)
    same = sum(one == other for one, other in answers) / number
    by_one, by_other = (Counter(given) for given in zip(*answers, strict=True))
    chance = sum(by_one[answer] * by_other[answer] for answer in by_one) / number**2
    if chance == 1:
        return float("nan"), float("nan"), float("nan")
    z = 1.959964
    middle = (same + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * (same * (1 - same) / number + z**2 / (4 * number**2)) ** 0.5
    low, high = ((share - chance) / (1 - chance) for share in (middle - half, middle + half))
    return (same - chance) / (1 - chance), low, high
