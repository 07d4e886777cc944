"""Code lists: how the CSV files in data/reference/codes become one table, for the gate and for the marts alike.

A list is `<list>.csv`; what a later edition of its standard changes is `<list>/<date>.csv`, in force from that date:
codes that are added, ended or relabelled. README.md beside them explains the columns to who keeps the lists. Here the
files are read and checked; what the meanings are used for is the business of the SQL files.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from pipelines.pseudonymise.errors import InputError

FROM_THE_STANDARD = ("code", "label", "valid_from", "valid_to", "status", "source")
STATUSES = ("verified", "from memory", "local", "fictional")
NOTHING = (
    "none"  # in a column of meanings: looked at, and the code stands for none; an empty cell is still to be mapped
)
POINT_TO = {"need": "needs.csv", "outcome_group": "outcome_groups.csv"}  # meanings that are the key of a table beside
ADDED, ENDED, RELABELLED = "added", "ended", "relabelled"
TEXT, DAY = pa.string(), pa.date32()

Version = dict[str, str | date | None]


class CodeListError(InputError):
    """A code list that cannot be used; the message says file, line and what to do."""


def code_key(code: str) -> str:
    """What two spellings of a code have in common: national lists themselves spell one code in several ways."""
    return re.sub(r"[^a-z0-9]", "", code.lower().replace("&", "and"))


def codes_digest(folder: Path) -> str:
    """SHA-256 over names and bytes of all files of all lists, and of the tables that their meanings point to."""
    digest = sha256()
    for path in [*sorted(folder.rglob("*.csv")), *map(folder.with_name, POINT_TO.values())]:
        digest.update(path.relative_to(folder.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def read_codes(folder: Path) -> pa.Table:
    """Every version of every code of every list, one row for each.

    code_list, code_key, the list's own columns, and: mapped (no column of meanings is still empty), applies_from and
    applies_before: the dates between which this version gives a code its meaning. They leave no gap: a code that is
    used before or after it was valid means what its nearest version meant. Meanings that are all true or false are
    BOOLEAN, all whole numbers INTEGER, others text. Raises CodeListError.
    """
    return _read_codes(folder, codes_digest(folder))


def validity_digest(folder: Path) -> str:
    """SHA-256 over which codes are valid when, whatever they stand for: what changes if deliveries are to be judged anew."""
    names = ["code_list", "code_key", "valid_from", "valid_to"]
    validity = read_codes(folder).select(names).sort_by([(name, "ascending") for name in names])
    return sha256(repr(validity.to_pydict()).encode()).hexdigest()


def read_lapses(folder: Path) -> pa.Table:
    """The times in which a listed code is not valid: code_list, code_key, from_day and before_day (exclusive)."""
    return _read_lapses(folder, codes_digest(folder))


@lru_cache(maxsize=4)
def _read_lapses(folder: Path, digest: str) -> pa.Table:
    names = ("code_list", "code_key", "valid_from", "valid_to")
    versions = _read_codes(folder, digest).select(names).sort_by([(name, "ascending") for name in names[:3]])
    lapses, ends = [], {}
    for code_list, key, start, end in zip(*(versions[name].to_pylist() for name in names), strict=True):
        before = ends.get((code_list, key), date.min)
        if before < start:
            lapses.append((code_list, key, before, start))
        ends[code_list, key] = end + timedelta(days=1) if end else date.max
    lapses += [(*code, end, date.max) for code, end in ends.items() if end < date.max]
    columns = zip(*lapses, strict=True) if lapses else ([],) * 4
    kinds = {"code_list": TEXT, "code_key": TEXT, "from_day": DAY, "before_day": DAY}
    return pa.table({name: pa.array(c, kind) for (name, kind), c in zip(kinds.items(), columns, strict=True)})


@lru_cache(maxsize=4)
def _read_codes(folder: Path, digest: str) -> pa.Table:
    """read_codes, once for each state (digest) of the files."""
    rows = [row for path in sorted(folder.glob("*.csv")) for row in _list_rows(path)]
    _check_meanings(folder, rows)
    for path in folder.glob("*/"):
        if not path.with_suffix(".csv").exists():
            raise CodeListError(f"{_place(path)}: there is no list {path.name}.csv that these could be changes to.")
    given = {name for row in rows for name in row}
    computed = ("code_list", "code_key", *FROM_THE_STANDARD, "mapped", "applies_from", "applies_before")
    names = [*computed, *sorted(given - set(computed))]
    return pa.table({name: _array([row.get(name) for row in rows], name in computed) for name in names})


def _check_meanings(folder: Path, rows: list[dict]) -> None:
    for meaning, table in POINT_TO.items():
        with folder.with_name(table).open(encoding="utf-8", newline="") as file:
            known = {row[meaning] for row in csv.DictReader(file)}
        for row in rows:
            if row.get(meaning) and row[meaning] not in known:
                raise CodeListError(
                    f"{_place(folder / row['code_list'])}: {row['code']} has the {meaning} {row[meaning]}, which is not "
                    f"in data/reference/{table}: correct it, or write {NOTHING}."
                )


def _array(values: list, as_is: bool) -> pa.Array:
    """A column; one of meanings in the type that all of its values have."""
    known = [value for value in values if value is not None]
    if as_is:
        kinds = {str: TEXT, date: DAY, bool: pa.bool_()}
        return pa.array(values, kinds[type(known[0])] if known else DAY)
    if all(value in ("true", "false") for value in known):
        return pa.array([None if value is None else value == "true" for value in values], pa.bool_())
    if all(re.fullmatch("[0-9]{1,9}", value) for value in known):
        return pa.array([None if value is None else int(value) for value in values], pa.int32())
    return pa.array(values, TEXT)


def _list_rows(path: Path) -> Iterator[dict]:
    """The rows of one list, each with the dates between which it gives its code a meaning."""
    meanings, versions = _base(path)
    for change in sorted(path.with_suffix("").glob("*.csv")):
        _apply(change, meanings, versions)
    for key, of_code in versions.items():
        of_code.sort(key=lambda version: version["valid_from"])
        starts = [date.min, *(version["valid_from"] for version in of_code[1:])]
        ends = [*starts[1:], date.max]
        for version, start, end in zip(of_code, starts, ends, strict=True):
            values = {name: None if version[name] in ("", NOTHING) else version[name] for name in meanings}
            plain = {name: version[name] or None for name in FROM_THE_STANDARD}
            mapped = all(version[name] != "" for name in meanings)
            yield {"code_list": path.stem, "code_key": key, **plain, **values, "mapped": mapped} | {
                "applies_from": start,
                "applies_before": end,
            }


def _base(path: Path) -> tuple[list[str], dict[str, list[Version]]]:
    """Columns of meanings of a list, and the versions of each code by its key."""
    versions: dict[str, list[Version]] = {}
    header, lines = _lines(path)
    if missing := [name for name in FROM_THE_STANDARD if name not in header]:
        raise CodeListError(f"{_place(path)}: the column {missing[0]} is missing; README.md there explains it.")
    for line, row in lines:
        version = {**row, "valid_from": _date(path, line, row["valid_from"]), "valid_to": None}
        if row["valid_to"]:
            version["valid_to"] = _date(path, line, row["valid_to"])
        _check(path, line, version)
        key = code_key(row["code"])
        if any(_overlap(version, other) for other in versions.setdefault(key, [])):
            raise CodeListError(f"{_place(path, line)}: {row['code']} stands there twice for one time; keep one.")
        versions[key].append(version)
    return [name for name in header if name not in FROM_THE_STANDARD], versions


def _apply(path: Path, meanings: list[str], versions: dict[str, list[Version]]) -> None:
    """Changes the versions of a list by what one later edition changed."""
    try:
        start = date.fromisoformat(path.stem)
    except ValueError:
        raise CodeListError(
            f"{_place(path)}: the name is not the date from which the changes are in force, such as 2025-04-01.csv."
        ) from None
    header, lines = _lines(path)
    columns = {"change", *FROM_THE_STANDARD, *meanings} - {"valid_from", "valid_to"}
    if unknown := sorted(set(header) - columns) or sorted({"change", "code"} - set(header)):
        raise CodeListError(f"{_place(path)}: the column {unknown[0]} is not one of the list's, or is missing.")
    for line, row in lines:
        change, key = row.pop("change"), code_key(row["code"])
        current = [version for version in versions.get(key, []) if version["valid_to"] is None]
        if change not in (ADDED, ENDED, RELABELLED):
            raise CodeListError(f"{_place(path, line)}: the change is not {ADDED}, {ENDED} or {RELABELLED}.")
        if (change == ADDED) == bool(current):
            what = "is in the list already" if current else "is not in the list, or has ended"
            raise CodeListError(f"{_place(path, line)}: {row['code']} is to be {change} and {what}.")
        if current:
            if current[0]["valid_from"] >= start:
                raise CodeListError(f"{_place(path, line)}: {row['code']} came into force on this day or later.")
            current[0]["valid_to"] = start - timedelta(days=1)
        if change != ENDED:
            before = current[0] if current else dict.fromkeys([*FROM_THE_STANDARD, *meanings], "")
            changed = {name: value for name, value in row.items() if value}
            version = {**before, **changed, "valid_from": start, "valid_to": None}
            _check(path, line, version)
            versions.setdefault(key, []).append(version)


def _lines(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [(reader.line_num, row) for row in reader]
    for line, row in rows:
        if None in row or None in row.values():
            raise CodeListError(f"{_place(path, line)}: the line has another number of cells than the header.")
    return list(reader.fieldnames or []), [
        (line, {name: cell.strip() for name, cell in row.items()}) for line, row in rows
    ]


def _check(path: Path, line: int, version: Version) -> None:
    for name in ("code", "label", "source"):
        if not version[name]:
            raise CodeListError(f"{_place(path, line)}: {name} is empty.")
    if not code_key(str(version["code"])):
        raise CodeListError(f"{_place(path, line)}: the code has no letter and no digit.")
    if version["status"] not in STATUSES:
        raise CodeListError(f"{_place(path, line)}: the status is none of {', '.join(STATUSES)}.")
    if version["valid_to"] and version["valid_to"] < version["valid_from"]:
        raise CodeListError(f"{_place(path, line)}: valid_to is before valid_from.")


def _overlap(one: Version, other: Version) -> bool:
    return one["valid_from"] <= (other["valid_to"] or date.max) and other["valid_from"] <= (one["valid_to"] or date.max)


def _date(path: Path, line: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CodeListError(f"{_place(path, line)}: {text!r} is not a date such as 2025-04-01.") from None


def _place(path: Path, line: int | None = None) -> str:
    where = "/".join(path.parts[path.parts.index("codes") + 1 :]) if "codes" in path.parts else path.name
    return f"data/reference/codes/{where}" + (f", line {line}" if line else "")
