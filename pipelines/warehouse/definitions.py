"""Whether data/reference/definitions.csv can be compiled: what a row of it may say, and one clear error where it does not.

A row says which contacts count (feeds, kinds, roles, needs, outcomes, ages, homeless: lists separated by semicolons,
empty for any), how many there must be (min_contacts, min_crisis, min_agencies; top for the most frequent at each site)
and in which window (window_days, or calendar for a month or a year); or which other rows it is made of, and at least
how many of them must hold. A definition that the feeds cannot support is a row as well: its note says why. How it is
worked out is in sql/journeys/cycling.sql.
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.code_lists import read_codes
from pipelines.pseudonymise.errors import InputError
from pipelines.pseudonymise.records import AGE_BANDS
from pipelines.settings import Settings

NOT_SUPPORTED = "not supported"
STATUSES = ("published", "adapted", "ours", "from memory", NOT_SUPPORTED)
CALENDAR = ("month", "year")
TRUE = ("true",)
NO_ROLE = "none"  # the role of a contact of a feed that has no roles
KINDS_OF_THE_SQL = {"ae_attendance", "section_136", "other_incident", "other_event"}  # kinds that no code list gives

FILTERS = ("feeds", "kinds", "roles", "needs", "outcomes", "homeless", "ages")
LIMITS = ("min_contacts", "min_crisis", "min_agencies", "window_days", "calendar", "top")
COMPOSED = ("made_of", "at_least")
COLUMNS = ("definition_id", "label", "status", *FILTERS, *LIMITS, *COMPOSED, "only_part", "note", "source")
NUMBERS = {"min_contacts": 1, "min_crisis": 0, "min_agencies": 1, "window_days": 1, "top": 1, "at_least": 1}

Row = dict[str, str]
Refuse = Callable[[str, str], None]  # column, what is wrong with it and what to do


class DefinitionError(InputError):
    """A row of definitions.csv that cannot be compiled; the message says line, column and what to do."""


def check_definitions(settings: Settings) -> None:
    """Raises DefinitionError at the first thing that is wrong."""
    path = settings.reference_csv("definitions")
    rows = dict(_rows(path))
    known = _known(settings)
    by_id: dict[str, Row] = {}
    for line, row in rows.items():
        refuse = _refusing(line, row["definition_id"])
        _check_words(row, by_id, refuse)
        _check_values(row, known, refuse)
        by_id[row["definition_id"]] = row
    for line, row in rows.items():
        refuse = _refusing(line, row["definition_id"])
        if row["status"] == NOT_SUPPORTED:
            _check_empty(row, (*FILTERS, *LIMITS, *COMPOSED, "only_part"), "is not supported", refuse)
        elif row["made_of"]:
            _check_empty(row, (*FILTERS, *LIMITS, "only_part"), "is made of others", refuse)
            _check_parts(row, by_id, refuse)
        else:
            _check_limits(row, refuse)


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for column in [*COLUMNS, *(reader.fieldnames or [])]:
            if (column in COLUMNS) != (column in (reader.fieldnames or [])):
                state = "is missing" if column in COLUMNS else "is not one of a definition's"
                raise DefinitionError(
                    f"data/reference/definitions.csv: the column {column} {state}; correct the header."
                )
        for row in reader:
            if None in row or None in row.values():
                _refusing(reader.line_num, row["definition_id"])("", "has another number of cells than the header")
            yield reader.line_num, row


def _refusing(line: int, definition_id: str) -> Refuse:
    def refuse(column: str, wrong: str) -> None:
        where = f"data/reference/definitions.csv, line {line} ({definition_id or 'no definition_id'})"
        raise DefinitionError(f"{where}: {f'{column} ' if column else ''}{wrong}.")

    return refuse


def _known(settings: Settings) -> dict[str, set[str]]:
    """What may stand in each column that has a list of values."""
    codes = read_codes(settings.reference / "codes").to_pylist()
    roles = {code["code"] for code in codes if code["code_list"] == "police_role" and code["counts_as_subject"]}
    return {
        "status": set(STATUSES),
        "feeds": set(settings.feeds),
        "kinds": {code["kind"] for code in codes if code.get("kind")} | KINDS_OF_THE_SQL,
        "roles": roles | {NO_ROLE},
        "needs": _first_column(settings.reference_csv("needs")),
        "outcomes": _first_column(settings.reference_csv("outcome_groups")),
        "homeless": {*TRUE, "false"},
        "ages": {band for _, band in AGE_BANDS},
        "calendar": set(CALENDAR),
        "only_part": set(TRUE),
    }


def _first_column(path: Path) -> set[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {next(iter(row.values())) for row in csv.DictReader(file)}


def _check_words(row: Row, by_id: dict[str, Row], refuse: Refuse) -> None:
    for column in ("definition_id", "label", "status", "source"):
        if not row[column].strip():
            refuse(column, "is empty; every definition has one")
    if not re.fullmatch("[a-z][a-z0-9_]*", row["definition_id"]):
        refuse("definition_id", "is not in small letters, digits and underscores; rename it")
    if row["definition_id"] in by_id:
        refuse("definition_id", "stands there twice; rename or remove one")
    if row["status"] == NOT_SUPPORTED and not row["note"]:
        refuse("note", "is empty; say why the feeds cannot support the definition")


def _check_values(row: Row, known: dict[str, set[str]], refuse: Refuse) -> None:
    for column, values in known.items():
        for value in filter(None, row[column].split(";")):
            if value not in values:
                refuse(column, f"holds {value!r}, which is none of {', '.join(sorted(values))}")
    for column, least in NUMBERS.items():
        if row[column] and not (re.fullmatch("[0-9]{1,6}", row[column]) and int(row[column]) >= least):
            refuse(column, f"is {row[column]!r}, which is not a whole number from {least}; correct it")


def _check_empty(row: Row, columns: tuple[str, ...], because: str, refuse: Refuse) -> None:
    for column in columns:
        if row[column]:
            refuse(column, f"is filled although the definition {because}; empty it")


def _check_limits(row: Row, refuse: Refuse) -> None:
    if not row["min_contacts"]:
        refuse("min_contacts", "is empty; say how many contacts there must be, or in made_of what it is made of")
    if bool(row["window_days"]) == bool(row["calendar"]):
        refuse("window_days", "or calendar must be filled, and one of them only")
    if row["top"] and not row["window_days"]:
        refuse("window_days", "is empty; the most frequent are those of the last so many days")
    if row["top"] and (row["min_crisis"] or row["min_agencies"]):
        refuse("top", "is by number of contacts alone; empty min_crisis and min_agencies")
    for column in ("min_crisis", "min_agencies"):
        if row[column] and int(row[column]) > int(row["min_contacts"]):
            refuse(column, "is more than min_contacts, so that nobody could meet it before; raise min_contacts to it")
    if row["at_least"]:
        refuse("at_least", "is filled without made_of; name the definitions that it counts")


def _check_parts(row: Row, by_id: dict[str, Row], refuse: Refuse) -> None:
    parts = row["made_of"].split(";")
    if len(set(parts)) < len(parts):
        refuse("made_of", "names a definition twice; remove one")
    for part in parts:
        if part not in by_id:
            refuse("made_of", f"names {part!r}, which is not a definition here; add its row or correct the name")
        if by_id[part]["made_of"] or by_id[part]["status"] == NOT_SUPPORTED:
            refuse("made_of", f"names {part!r}, which has no window of its own; name those that have")
        if any(by_id[part][column] for column in ("min_crisis", "min_agencies", "top")):
            refuse("made_of", f"names {part!r}, which asks for more than a number of contacts; name others")
    if not row["at_least"] or int(row["at_least"]) > len(parts):
        refuse("at_least", f"must say how many of the {len(parts)} definitions must hold")
