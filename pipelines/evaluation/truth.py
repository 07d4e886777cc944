"""Marts beside the answer key: the tables of docs/truth.md, for a fictional region that the hub has linked and built.

Headlines and figures of marts are set beside the same SQL over the true people (region.py), so that they differ by
linkage alone. Counts of contacts and opportunities are set beside what the region's makers meant, which no SQL of ours
has touched: they differ by what agencies wrote down, what the gate refused and how codes are read, too.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from pipelines.settings import Settings

from .region import WITHOUT_TRUTH, Headline, headlines, true_clients, true_warehouse

CLOSE, CLOSE_ON_PEOPLE = 0.03, 0.05  # of the truth: counts of contacts; people who cycle, and hand-offs
LEAST_FOUND, MOST_DECOYS = 0.90, 0.10  # of planted opportunities, and of decoys
FEWEST = 100  # a smaller count of the key is not judged alone
WITHIN_5 = ("people_who_cycle", "contacts_of_people_who_cycle", "handoffs_")
NOT_THEIRS = ("caller", "witness")  # roles of people whose own contact an incident is not
JUDGED = ("feed", "month", "need", "area", "ward")  # ways of counting contacts; two at once are told, not judged
BELOW = "<!-- Everything below is written by make truth. -->"
FIGURES = {  # mart: columns of its key, and the figure
    "concentration": ("measure, top_percent", "share * contacts"),
    "costs": ("cost_group, cost_code", "central"),
    "definition_overlaps": ("definition_id, other_definition_id", "people_in_both"),
    "definitions": ("definition_id", "people"),
    "demand_by_ward_need_month": ("ward, need, month", "people"),
    "demand_moved": ("agency, need_group, month", "ended_with_police"),
    "offer_capacity": ("offer_id, period", "signals"),
    "opportunity_rules": ("rule_id", "people"),
    "ordered_pairs": ("from_feed, to_feed", "steps"),
    "persistence_classes": ("definition_id, window_months, persistence", "people"),
    "rates": ("grouped_by, group_name, feed, need_group", "people"),
    "regression_to_the_mean": ("rule, picked", "contacts_after"),
    "unheard_funnel": ("agency, step", "notices"),
    "waits_by_month": ("month, agency, wait_kind", "people"),
}


@dataclass(frozen=True)
class Bar:
    """Something that must hold, what was measured, and whether it does."""

    what: str
    measured: str
    bar: str
    met: bool


def closeness(label: str, found: pd.Series, key: pd.Series) -> dict:
    """How far figures are off: those that are FEWEST or more in the key, those of them within CLOSE and within
    CLOSE_ON_PEOPLE, the worst, and which that is. found, key: by name of the figure; one that is missing is 0."""
    both = pd.DataFrame({"found": found, "key": key}).fillna(0)
    judged = both[both.key >= FEWEST]
    apart = (judged.found - judged.key).abs()
    off = apart / judged.key
    return {
        "counted by": label,
        "counts": len(judged),
        "within 3 %": int((apart <= CLOSE * judged.key).sum()),
        "within 5 %": int((apart <= CLOSE_ON_PEOPLE * judged.key).sum()),
        "worst": off.max() if len(off) else 0.0,
        "which": off.idxmax() if len(off) else "",
    }


def margins(found: pd.DataFrame, key: pd.DataFrame) -> pd.DataFrame:
    """Closeness of counts of contacts, one row for each column that both have, and contacts counted in another row than
    the key's, as a share of all. found, key: one row a contact, columns by which to count."""
    rows = []
    for column in (name for name in found if name in key):
        counts = found[column].value_counts(), key[column].value_counts()
        apart = counts[0].sub(counts[1], fill_value=0).abs().sum() / 2
        rows.append(closeness(column, *counts) | {"misplaced": apart / max(counts[1].sum(), 1)})
    return pd.DataFrame(rows)


def rules(found: pd.DataFrame, key: pd.DataFrame) -> pd.DataFrame:
    """Of each rule: opportunities planted, and found among them; decoys, and found among them; found in all.

    found: rule_id and client and time of the signal of every opportunity that a crisis followed; key: the same of the
    answer key, and planted (true or false).
    """
    signal = [column for column in found if column != "rule_id"]
    both = key.merge(found.drop_duplicates().assign(was_found=True), on=["rule_id", *signal], how="left")
    both["was_found"] = both.was_found.notna()
    rows = []
    for rule_id in sorted(both.rule_id.unique(), key=lambda name: int(name.removeprefix("MO"))):
        of_rule = both[both.rule_id == rule_id]
        planted = of_rule[of_rule.planted == "true"]
        decoys = of_rule[of_rule.planted != "true"]
        rows.append(
            {
                "rule": rule_id,
                "planted": len(planted),
                "found of planted": int(planted.was_found.sum()),
                "decoys": len(decoys),
                "found of decoys": int(decoys.was_found.sum()),
                "found": int((found.rule_id == rule_id).sum()),
            }
        )
    return pd.DataFrame(rows)


def bars(lines: list[Headline], contacts: pd.DataFrame, by_rule: pd.DataFrame) -> list[Bar]:
    """What must hold of headlines, margins and rules. The rules' bars are for all together and for each one."""
    judged = contacts[contacts["counted by"].isin(JUDGED)]
    result = [
        Bar(
            f"contacts by {row['counted by']}: counts of {FEWEST} or more",
            f"{row['within 3 %']:,} of {row['counts']:,} within {CLOSE:.0%}; worst {row['worst']:.1%}",
            "all",
            row["within 3 %"] == row["counts"],
        )
        for _, row in judged.iterrows()
    ]
    for line in (line for line in lines if line.headline_id.startswith(WITHIN_5)):
        close = abs(line.found - line.true) <= CLOSE_ON_PEOPLE * line.true
        result.append(Bar(line.label, _off(line), f"within {CLOSE_ON_PEOPLE:.0%}", close))
    for name, bar, met in (
        ("planted", f"at least {LEAST_FOUND:.0%}", lambda share: share >= LEAST_FOUND),
        ("decoys", f"at most {MOST_DECOYS:.0%}", lambda share: share <= MOST_DECOYS),
    ):
        of, all_of = by_rule[f"found of {name}"], by_rule[name]
        short = [
            row["rule"] for _, row in by_rule.iterrows() if row[name] and not met(row[f"found of {name}"] / row[name])
        ]
        share = of.sum() / max(all_of.sum(), 1)
        said = f"{of.sum():,} of {all_of.sum():,} ({share:.1%})"
        result.append(Bar(f"opportunities: {name} and found, all rules", said, bar, met(share)))
        result.append(
            Bar(f"opportunities: {name} and found, each rule", ", ".join(short) or "every rule", bar, not short)
        )
    return result


def found_contacts(settings: Settings) -> pd.DataFrame:
    """Every contact in the marts, by each of the ways of counting."""
    found = _frame(settings, "select feed, strftime(started_at, '%Y-%m') as month, need, lsoa from marts.contacts")
    return _with_places(settings, found)


def key_contacts(settings: Settings, folder: Path) -> pd.DataFrame:
    """The contacts that should be in the marts: what the answer key says of them, without rows of callers."""
    contacts = pd.read_csv(folder / "answer_key" / "contacts.csv", dtype=str)
    contacts = contacts[(contacts.valid == "true") & ~contacts.role.isin(NOT_THEIRS)]
    return _with_places(settings, contacts.assign(month=contacts.started_at.str[:7]))


def _with_places(settings: Settings, contacts: pd.DataFrame) -> pd.DataFrame:
    """With ward, and with area: the LSOA, or the one of 2011 where that was split, since an agency that tells the old
    code does not tell the part."""
    changes = pd.read_csv(settings.reference_csv("lsoa_changes"), dtype=str)
    split = changes[changes.change.isin(("S", "X"))].groupby("lsoa_2021").lsoa_2011.min()
    wards = pd.read_csv(settings.reference_csv("areas"), dtype=str).set_index("lsoa").ward
    ward = contacts.lsoa.map(wards)
    return contacts.assign(
        area=contacts.lsoa.map(split).fillna(contacts.lsoa),
        ward=ward,
        **{"need and month": contacts.need + " " + contacts.month, "ward and need": ward + " " + contacts.need},
    )


def found_opportunities(settings: Settings, folder: Path) -> pd.DataFrame:
    """rule_id, agency, feed, true_person_id, day of the signals that a crisis followed and an offer could have met."""
    found = _frame(
        settings,
        """
        select found.rule_id, rows.agency, rows.feed, rows.person_ref, strftime(found.signal_at, '%Y-%m-%d') as day
        from marts.earlier_opportunities as found
        inner join staging.contact_rows as rows on found.signal_contact_id = rows.contact_id
        where found.followed_by_crisis and found.offer_id is not null
        """,
    )
    clients = true_clients(folder).drop(columns="local_person_id")
    return found.merge(clients, on=["agency", "feed", "person_ref"]).drop(columns="person_ref")


def key_opportunities(folder: Path) -> pd.DataFrame:
    """The planted ones and the decoys, by the same columns."""
    key = pd.read_csv(folder / "answer_key" / "opportunities.csv", dtype=str)
    return key.assign(day=key.signal_at.str[:10])[["rule_id", "agency", "feed", "true_person_id", "day", "planted"]]


def figures(settings: Settings, true: Settings) -> pd.DataFrame:
    """Closeness of the figures of marts to the same over the true people, one row a mart."""
    rows = []
    for mart, (key, figure) in FIGURES.items():
        query = f"select concat_ws(' ', {key}) as name, ({figure})::double as value from marts.{mart}"
        found, over_true = (_frame(each, query).set_index("name").value for each in (settings, true))
        rows.append({"mart": mart, "figure": figure} | closeness(key, found, over_true))
    return pd.DataFrame(rows)


def report(settings: Settings, folder: Path) -> tuple[str, bool]:
    """The tables of docs/truth.md, and whether all bars are met."""
    true = true_warehouse(settings, folder)
    lines = headlines(settings, true)
    contacts = margins(found_contacts(settings), key_contacts(settings, folder))
    by_rule = rules(found_opportunities(settings, folder), key_opportunities(folder))
    judged = bars(lines, contacts, by_rule)
    made = json.loads((folder / "region.json").read_text(encoding="utf-8"))
    text = [
        f"{made['region']}, seed {made['seed']}: {made['people']:,} people, {made['months']} months.",
        "",
        "## What must hold",
        "",
        "| what | measured | bar | met |",
        "| --- | --- | --- | --- |",
        *(f"| {line.what} | {line.measured} | {line.bar} | {'yes' if line.met else '**no**'} |" for line in judged),
        "",
        "## Contacts",
        "",
        *_markdown(contacts),
        "",
        "## Earlier opportunities",
        "",
        *_markdown(by_rule),
        "",
        "## Figures of other marts",
        "",
        *_markdown(figures(settings, true)),
        "",
        "## Headlines",
        "",
        *_headline_lines(lines),
        "",
    ]
    return "\n".join(text), all(line.met for line in judged)


def _headline_lines(lines: list[Headline]) -> Iterator[str]:
    yield "| mart | headline | unit | found | 95 % band | answer key | off by |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: |"
    for line in (line for line in lines if line.headline_id not in WITHOUT_TRUTH):
        yield (
            f"| {line.mart} | {line.label} | {line.unit} | {line.found:,.0f} | {line.low:,.0f} to {line.high:,.0f} | "
            f"{line.true:,.0f} | {_off(line)} |"
        )


def _off(line: Headline) -> str:
    return f"{line.found / line.true - 1:+.1%}" if line.true else ""


def _markdown(rows: pd.DataFrame) -> Iterator[str]:
    yield f"| {' | '.join(rows)} |"
    yield f"|{' --- |' * len(rows.columns)}"
    for row in rows.itertuples(index=False):
        yield f"| {' | '.join(f'{cell:.1%}' if isinstance(cell, float) else str(cell) for cell in row)} |"


def _frame(settings: Settings, query: str) -> pd.DataFrame:
    with duckdb.connect(str(settings.warehouse_db), read_only=True) as connection:
        return connection.execute(query).df()


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    top.add_argument("--region", type=Path, default=Settings().project / "demo", metavar="DIR", help="with answer_key/")
    top.add_argument("--into", type=Path, metavar="FILE", help="put the tables below the line of FILE that says so")
    args = top.parse_args(argv)
    text, met = report(Settings(), args.region)
    print(text)
    if args.into:
        before = args.into.read_text(encoding="utf-8").partition(BELOW)[0]
        args.into.write_text(f"{before}{BELOW}\n\n{text}", encoding="utf-8")
    if not met:
        print("Some bars are missed.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
