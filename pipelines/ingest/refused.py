"""What was refused of an agency's deliveries, as a file that goes back to it: where, and why, and never what or who.

It is read from the months as they were last taken in; nothing is judged here.
"""

import csv
import os
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings

COLUMNS = ("feed", "period", "delivery_id", "file", "row", "rule", "column", "reason")

Line = dict[str, str | int | None]


def write_refused(
    settings: Settings, agency: str, out: Path, feed: str | None = None, period: str | None = None
) -> Counter[str]:
    """Writes COLUMNS as CSV and returns how many deliveries, rows and rules of refused deliveries it has.

    A line is a refused row (row: its place in the delivered file, from 1), or, with an empty row, a delivery that was
    refused whole, or a rule that refused rows of one. Raises InputError if nothing of the agency was taken in.
    """
    _check(settings, agency, feed, period)
    slots = {"agency": agency, "feed": feed, "period": period}
    lines = [
        line
        for deliveries in sorted(settings.accepted.glob("*/*.deliveries.parquet"))
        for line in _lines(deliveries, {name: value for name, value in slots.items() if value})
    ]
    building, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent, text=True)
    with os.fdopen(building, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    os.replace(name, out)
    return Counter(line["kind"] for line in lines)


def _check(settings: Settings, agency: str, feed: str | None, period: str | None) -> None:
    taken_in = [
        row
        for path in sorted(settings.accepted.glob("*/*.deliveries.parquet"))
        for row in pq.read_table(path, columns=["agency", "feed", "period"]).to_pylist()
    ]
    for name, value in (("agency", agency), ("feed", feed), ("period", period)):
        known = sorted({row[name] for row in taken_in})
        if value and value not in known:
            there = f"There is: {', '.join(known)}." if known else "Take deliveries in first: upstream run"
            raise InputError(f"nothing was taken in of {name} {value}. {there}")
        taken_in = [row for row in taken_in if not value or row[name] == value]


def _lines(deliveries: Path, slots: dict[str, str]) -> list[Line]:
    """Of one feed's month, in the order of deliveries, files and rows."""
    wanted = [(name, "=", value) for name, value in slots.items()]
    lines: list[Line] = []
    for row in pq.read_table(deliveries, filters=wanted).to_pylist():
        of_one = [*wanted, ("delivery_id", "=", row["delivery_id"])]
        if row["status"] == "refused":
            lines.append({**row, "rule": "delivery", "kind": "deliveries"})
            failed = _read(deliveries, "checks", [*of_one, ("refuses", "in", ("row", "file")), ("failed", ">", 0)])
            lines += [{**c, "reason": f"{c['reason']} ({c['failed']:,} rows)", "kind": "rules"} for c in failed]
        elif row["status"] == "accepted":
            refused = _read(deliveries, "refused", of_one)
            lines += [{**one, "row": one["row_number"], "kind": "rows"} for one in refused]
    return [{**line, "column": line.get("column_name")} for line in lines]


def _read(deliveries: Path, name: str, wanted: list[tuple]) -> list[Line]:
    path = deliveries.with_name(deliveries.name.replace(".deliveries.", f".{name}."))
    return pq.read_table(path, filters=wanted).to_pylist()
