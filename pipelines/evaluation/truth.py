"""Marts beside the answer key: the tables of docs/truth.md, for a fictional region that the hub has linked and built.

Headlines are set beside the same SQL over the true people (region.py), so that they differ by linkage alone. Counts of
contacts and opportunities are set beside what the region's makers meant, which no SQL of ours has touched: they differ
by what agencies wrote down, what the gate refused and how codes are read, too.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd

from pipelines.settings import Settings

from .region import Headline, compare, true_clients

CLOSE, CLOSE_ON_PEOPLE = 0.03, 0.05  # of the truth: counts of contacts; people who cycle, and hand-offs
LEAST_FOUND, MOST_DECOYS = 0.90, 0.10  # of planted opportunities, and of decoys
FEWEST = 100  # contacts; a smaller count of the key is not judged alone
WITHIN_5 = ("people_who_cycle", "contacts_of_people_who_cycle", "handoffs_")
NOT_THEIRS = ("caller", "witness")  # roles of people whose own contact an incident is not


def margins(found: pd.DataFrame, key: pd.DataFrame) -> pd.DataFrame:
    """How far counts of contacts are off, one row for each column that both have: counts of FEWEST or more in the key,
    those within CLOSE, the worst of them, and contacts counted in another row than the key's, as a share of all.

    found, key: one row a contact, columns by which to count.
    """
    rows = []
    for column in (name for name in found if name in key):
        counts = pd.DataFrame({"found": found[column].value_counts(), "key": key[column].value_counts()}).fillna(0)
        judged = counts[counts.key >= FEWEST]
        off = (judged.found / judged.key - 1).abs()
        rows.append(
            {
                "counted by": column,
                "counts": len(judged),
                "close": int((off <= CLOSE).sum()),
                "worst": off.max(),
                "which": off.idxmax() if len(off) else "",
                "misplaced": (counts.found - counts.key).abs().sum() / 2 / max(counts.key.sum(), 1),
            }
        )
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
    for rule_id, of_rule in both.groupby("rule_id"):
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


def found_contacts(settings: Settings) -> pd.DataFrame:
    """feed, month, need, lsoa of every contact in the marts."""
    return _frame(settings, "select feed, strftime(started_at, '%Y-%m') as month, need, lsoa from marts.contacts")


def key_contacts(folder: Path) -> pd.DataFrame:
    """The contacts that should be in the marts: what the answer key says of them, without rows of callers."""
    contacts = pd.read_csv(folder / "answer_key" / "contacts.csv", dtype=str)
    contacts = contacts[contacts.valid == "true"]
    if "role" in contacts:
        contacts = contacts[~contacts.role.isin(NOT_THEIRS)]
    return contacts.assign(month=contacts.started_at.str[:7])


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


def report(settings: Settings, folder: Path) -> str:
    """The tables of docs/truth.md."""
    lines = [
        *_headline_lines(compare(settings, folder).headlines),
        "",
        *_markdown(margins(found_contacts(settings), key_contacts(folder))),
        "",
        *_markdown(rules(found_opportunities(settings, folder), key_opportunities(folder))),
    ]
    return "\n".join(lines)


def _headline_lines(headlines: list[Headline]) -> Iterator[str]:
    yield "| mart | headline | unit | found | 95 % band | answer key | off by | bar |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for line in headlines:
        off = f"{line.found / line.true - 1:+.1%}" if line.true else ""
        yield (
            f"| {line.mart} | {line.label} | {line.unit} | {line.found:,.0f} | {line.low:,.0f} to {line.high:,.0f} | "
            f"{line.true:,.0f} | {off} | {_bar(line)} |"
        )


def _bar(line: Headline) -> str:
    if line.headline_id.startswith(WITHIN_5):
        return f"{CLOSE_ON_PEOPLE:.0%}"
    return f"{CLOSE:.0%}" if line.headline_id == "contacts" else ""


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
    args = top.parse_args(argv)
    print(report(Settings(), args.region))
    return 0


if __name__ == "__main__":
    sys.exit(main())
