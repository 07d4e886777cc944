"""`upstream status` in words: a grid of months by feeds first, then what somebody should look at, then every delivery.

Everything fits into WIDTH columns. What the rows are is status.py's.
"""

import itertools
import textwrap
from collections import Counter
from collections.abc import Iterator

from .status import COUNTS

WIDTH = 100  # columns of a terminal
MOST_MONTHS = 60  # of the grid
MOST_TOLD = 20  # groups of what to look at, unless everything is asked for
TO_LOOK_AT = ("refused", "waiting", "held", "withdrawn", "missing")

# In small letters the month has data, in capitals it is a gap.
WORDS = {
    "a": "accepted",
    "c": "accepted, after a correction",
    "p": "accepted, a part of the month",
    "r": "accepted, and another delivery refused",
    "h": "accepted, and the next key's held",
    "n": "accepted, and a new delivery waits",
    "w": "withdrawn, an earlier one waits",
    "N": "new, waits for upstream run",
    "R": "refused: a gap",
    "H": "held: a gap",
    "W": "withdrawn: a gap",
    ".": "missing: a gap",
}


def overview(rows: list[dict], months: list[str], everything: bool = False) -> list[str]:
    """Lines that say what `rows` (of status_rows) come to, over `months`; with `everything` also each delivery."""
    slots = {
        slot: list(group)
        for slot, group in itertools.groupby(rows, key=lambda r: (r["agency"], r["feed"], r["period"]))
    }
    marks = {slot: mark(of_slot) for slot, of_slot in slots.items() if slot[2] in months}
    lines = [*_grid(marks, months), "", *_legend(marks), _totals(rows)]
    told = list(_to_look_at(rows))
    if told:
        lines += ["", "To look at:"]
        lines += [line for entry in (told if everything else told[:MOST_TOLD]) for line in _wrapped(entry)]
        if len(told) > MOST_TOLD and not everything:
            lines.append(f"  and {len(told) - MOST_TOLD:,} more: upstream status --all")
    return [*lines, *_every_delivery(rows)] if everything else lines


def mark(slot: list[dict]) -> str:
    """The letter of one agency's month of a feed, from its rows."""
    found = {row["status"]: row for row in slot}
    if {"withdrawn", "superseded"} <= found.keys() and "accepted" not in found:
        return "w"
    if "accepted" not in found:
        letters = {"waiting": "N", "refused": "R", "held": "H", "withdrawn": "W"}
        return next((letter for status, letter in letters.items() if status in found), ".")
    letters = {"waiting": "n", "refused": "r", "held": "h"}
    after = "p" if found["accepted"]["partial_until"] else "c" if "superseded" in found else "a"
    return next((letter for status, letter in letters.items() if status in found), after)


def _grid(marks: dict[tuple[str, str, str], str], months: list[str]) -> Iterator[str]:
    """A line for each agency's feed with a letter for each month, years apart, under the initials of months."""
    shown = months[-MOST_MONTHS:]
    senders = sorted({(feed, agency) for agency, feed, _ in marks})
    names = [f"{agency:6} {feed}" for feed, agency in senders]
    left = max(map(len, names), default=0) + 2

    def by_year(letters: dict[str, str]) -> str:
        return " ".join("".join(letters[m] for m in year) for _, year in itertools.groupby(shown, key=lambda m: m[:4]))

    if len(shown) < len(months):
        yield f"The last {MOST_MONTHS} of {len(months)} months; the others: upstream status --all or --json"
    years = [(year, len(list(group))) for year, group in itertools.groupby(shown, key=lambda m: m[:4])]
    yield (" " * left + " ".join(f"{year if width > 3 else '':{width}}" for year, width in years)).rstrip()
    yield " " * left + by_year({month: "JFMAMJJASOND"[int(month[5:]) - 1] for month in shown})
    for name, (feed, agency) in zip(names, senders, strict=True):
        yield f"{name:{left}}" + by_year({month: marks.get((agency, feed, month), ".") for month in shown})


def _legend(marks: dict) -> list[str]:
    """The letters that are there, how many months each stands for, two a line."""
    counts = Counter(marks.values())
    entries = [f"{letter}  {counts[letter]:>5,}  {words}" for letter, words in WORDS.items() if counts[letter]]
    return [
        f"{entry:50}{other}".rstrip()
        for entry, other in itertools.zip_longest(entries[::2], entries[1::2], fillvalue="")
    ]


def _totals(rows: list[dict]) -> str:
    """Rows of activity in the deliveries that count."""
    accepted = [row for row in rows if row["status"] == "accepted"]
    counts = ", ".join(f"{sum(row[count] for row in accepted):,} {count}" for count in COUNTS)
    return f"Rows of activity in {len(accepted):,} accepted deliveries: {counts}"


def _to_look_at(rows: list[dict]) -> Iterator[str]:
    """What is not as it should be: one entry for each agency's feed and state, its months together, with the reason."""
    accepted = [row for row in rows if row["status"] == "accepted"]
    filled = {(row["agency"], row["feed"], row["period"]) for row in accepted}
    told = [row | {"status": "partial"} for row in accepted if row["partial_until"]]
    for row in rows:
        made_up_for = row["status"] == "withdrawn" and (row["agency"], row["feed"], row["period"]) in filled
        if row["status"] in TO_LOOK_AT and not made_up_for:
            told.append(row)
    told.sort(key=lambda row: ((*TO_LOOK_AT, "partial").index(row["status"]), row["agency"], row["feed"]))
    for (status, agency, feed), group in itertools.groupby(told, key=lambda r: (r["status"], r["agency"], r["feed"])):
        if status in ("waiting", "missing", "held"):
            of_state = list(group)
            what = {
                "waiting": "not taken in yet: upstream run",
                "missing": f"nothing arrived. Ask {agency} for it",
                "held": of_state[0]["reason"],
            }[status]
            yield f"{agency} {feed} {', '.join(_spans([row['period'] for row in of_state]))}: {what}"
        else:
            for row in group:
                reason = row["reason"] or f"covers the month until {row['partial_until']} only; the whole is to come."
                yield f"{agency} {feed} {row['period']} {status}: {reason}"


def _spans(months: list[str]) -> Iterator[str]:
    """Months in words, neighbours as `2024-03 to 2024-06`."""
    number = {month: int(month[:4]) * 12 + int(month[5:]) for month in months}
    for _, group in itertools.groupby(enumerate(sorted(number)), key=lambda place: number[place[1]] - place[0]):
        span = [month for _, month in group]
        yield span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}"


def _every_delivery(rows: list[dict]) -> Iterator[str]:
    for (agency, feed), group in itertools.groupby(rows, key=lambda row: (row["agency"], row["feed"])):
        yield ""
        yield f"{f'{agency} {feed}':41}" + "".join(f"{count:>11}" for count in COUNTS) + "  digest"
        for row in group:
            counts = "".join(f"{'–' if row[count] is None else f'{row[count]:,}':>11}" for count in COUNTS)
            state = "partial" if row["status"] == "accepted" and row["partial_until"] else row["status"]
            digest = (row["digest"] or "")[:12]
            yield f"  {row['period']:8} {row['delivery_id'] or '':17} {state:10}  {counts}  {digest}".rstrip()
            if row["reason"] and row["status"] != "missing":
                yield from _wrapped(row["reason"], "      ")


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
