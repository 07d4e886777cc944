"""Brings every store into agreement with the tombstones. Done twice it is done once; killed, it is simply done again.

What can be made anew is deleted, not mended: the months in which the person was, all that linkage made of them, and the
warehouse as a file, because rows that are deleted from a DuckDB file stay in its free blocks. The next run makes them
from the deliveries. What cannot be made anew is written again without the person: kept deliveries and the state folder.

The deliveries come last. As long as one of them holds the person, a sweep that was killed finds that it has to begin
again; everything before is disposable or has been written already.
"""

import contextlib
import csv
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.hub_salt import hub_salt
from pipelines.linkage import decisions, person_ids
from pipelines.settings import Settings

from .landing import redact
from .search import Searched, search
from .tombstones import Tombstones

PERSON_INDEX = "person_index.parquet"
UNFINISHED = ".erasing-"
PERSON_IDS = ("person_id", "other_person_id")
SIDES = ("", "_l", "_r")  # a table names one client in a row, or two


def sweep(settings: Settings, stones: Tombstones) -> list[Searched]:
    """Remove everybody who has a tombstone from every store but the releases. Returns what a search found before."""
    before = search(settings, stones)
    hits = [searched.path for searched in before if searched.found]
    for leftover in settings.state.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover)
    if hits:
        months = _months(settings, hits)
        _clear_state(settings, stones)
        _delete_what_was_made_of_months(settings)
        for feed, period in months:
            _delete_month(settings, feed, period)
        for folder in sorted({path.parent for path in hits if path.is_relative_to(settings.landing)}):
            redact(folder, stones)
    return before


def _months(settings: Settings, hits: list[Path]) -> set[tuple[str, str]]:
    """Feed and period of every delivery and of every accepted month that holds somebody."""
    months = set()
    for path in hits:
        if path.is_relative_to(settings.landing):
            _, feed, period, *_ = (*path.relative_to(settings.landing).parts, "", "", "")
        elif path.is_relative_to(settings.accepted) or path.is_relative_to(settings.linkage / "people"):
            feed, period = path.parent.name, path.name.lstrip(".").split(".")[0]
        else:
            continue
        months.add((feed, period))
    return months


def _delete_month(settings: Settings, feed: str, period: str) -> None:
    """All files of a feed's month, also half-written ones."""
    for folder in (settings.accepted / feed, settings.linkage / "people" / feed):
        for path in folder.glob(f"*{period}.*"):
            path.unlink()


def _delete_what_was_made_of_months(settings: Settings) -> None:
    """The warehouse but for the months: who is who, and every table."""
    months = (settings.accepted, settings.linkage)
    others = [path for path in settings.warehouse.glob("*") if path not in months]
    others += [path for path in settings.linkage.glob("*") if path.name != "people"]
    for path in others:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _clear_state(settings: Settings, stones: Tombstones) -> None:
    """The person index comes last: which person ids end with the people is known from it."""
    state = settings.state
    gone = _ids_that_end(settings, stones)
    _clear_decisions(state, stones)
    for sample in sorted(state.glob("clerical/*.parquet")):
        _clear_answers(sample, stones)
    for path in sorted(state.rglob("*.parquet"), key=lambda path: (path.name == PERSON_INDEX, path)):
        table = pd.read_parquet(path)
        named = _names_anybody(table, stones) | _has_any(table, gone)
        if named.any():
            _in_place(path, lambda beside, kept=table[~named]: kept.to_parquet(beside, index=False))


def _ids_that_end(settings: Settings, stones: Tombstones) -> set[str]:
    """Person ids that nobody is left under, and those that were made from an erased client's reference.

    Others who were under one of the latter get another id from the next run.
    """
    path = settings.state / PERSON_INDEX
    if not path.exists():
        return set()
    index = pd.read_parquet(path)
    named = _names_anybody(index, stones)
    ended = set(index.person_id[named]) - set(index.person_id[~named])
    salt = hub_salt(settings.state)
    erased = index.loc[named, ["agency", "person_ref"]].drop_duplicates().itertuples(index=False, name=None)
    made = {
        person_ids.new_id(salt, f"{agency}|{feed}|{ref}", set()) for agency, ref in erased for feed in settings.feeds
    }
    return ended | made


def _names_anybody(table: pd.DataFrame, stones: Tombstones) -> np.ndarray:
    """Mask of the rows that name a client with a tombstone."""
    named = np.zeros(len(table), dtype=bool)
    for side in SIDES:
        if f"person_ref{side}" in table:
            for agency, rows in table.groupby(f"agency{side}", sort=False).indices.items():
                named[rows] |= stones.match(agency, table[f"person_ref{side}"].to_numpy()[rows])
    return named


def _has_any(table: pd.DataFrame, ids: set[str]) -> np.ndarray:
    """Mask of the rows that have one of the person ids."""
    columns = [column for column in PERSON_IDS if column in table]
    return table[columns].isin(ids).any(axis=1).to_numpy() if columns else np.zeros(len(table), dtype=bool)


def _clear_decisions(state: Path, stones: Tombstones) -> None:
    """Take out decisions that name somebody, and seal the others anew: the chain holds again from its first line."""
    known = decisions.read_all(state)
    kept = [
        decision
        for decision in known
        if not any(stones.match(agency, [ref]).any() for agency, _, ref in (decision.left, decision.right))
    ]
    if len(kept) < len(known):
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=state) as folder:
            decisions.append(Path(folder), kept)
            os.replace(Path(folder) / decisions.FILE, state / decisions.FILE)


def _clear_answers(sample: Path, stones: Tombstones) -> None:
    """What reviewers answered for pairs of a clerical sample that are about to be taken out."""
    table, answers = pd.read_parquet(sample), sample.with_name("answers.csv")
    gone = set(table.pair[_names_anybody(table, stones)].astype(str))
    if not gone or not answers.exists():
        return
    with answers.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    kept = [row for row in rows if (row[0], row[1]) not in {(sample.stem, pair) for pair in gone}]

    def write(beside: Path) -> None:
        with beside.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *kept])

    _in_place(answers, write)


def _in_place(path: Path, write) -> None:
    """Write apart, with the file's own permissions, and move into place."""
    beside = path.with_name(f".{path.name}.erasing")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    beside.touch(mode=path.stat().st_mode & 0o777)
    write(beside)
    os.replace(beside, path)
