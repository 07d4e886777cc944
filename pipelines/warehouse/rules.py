"""What all opportunity rules have in common, so that adding one is one SQL file: sql/opportunities/mo<number>.sql.

rules.candidates is the rows of all rule files as one table; rules.catalogue is what their headers say, a row a rule. Both
are queries over the files that there are, which the loader puts before a file that reads them. What a rule means is in
its own file, where and when its offers exist in data/reference/offers.csv.
"""

import re
from collections.abc import Iterable

from pipelines.settings import Settings
from pipelines.warehouse.names import identifier, literal
from pipelines.warehouse.sqlfile import Gathered, SqlFile, SqlFileError, load_file

CANDIDATE_SHAPE = {
    "scenario": "VARCHAR",
    "person_key": "VARCHAR",
    "rule_id": "VARCHAR",
    "contact_id": "VARCHAR",
    "role": "VARCHAR",
    "at": "TIMESTAMP",
    "crisis_contact_id": "VARCHAR",
    "crisis_at": "TIMESTAMP",
    "lead_days": "BIGINT",
    "need": "VARCHAR",
    "lsoa": "VARCHAR",
    "followed_by_crisis": "BOOLEAN",
    "window_complete": "BOOLEAN",
}
"""The columns of every rule's table, with their types: one row per candidate contact and person whose it is."""

CANDIDATE_KEY = ("scenario", "person_key", "contact_id")
PARTS = ("Signal", "Crisis", "Window", "Exclusions", "Comparison", "Evidence", "Offer", "Confidence")
"""What a rule's header says, in this order, after `Rule MO1, version 1: <its name>. One row per ...`."""

_BEGINNING = re.compile(r"Rule (?P<rule_id>MO\d+), version (?P<version>\d+): (?P<label>.+?)\. ")


def gathered(settings: Settings) -> list[Gathered]:
    """What can be read of all rules as one table. Raises SqlFileError for a rule whose file does not have the shape."""
    files = [load_file(path) for path in sorted(settings.sql.glob("opportunities/mo*.sql"))]
    members = frozenset(file.name for file in files)
    return [
        Gathered(("rules", "candidates"), members, " union all ".join(map(_candidates, files))),
        Gathered(("rules", "catalogue"), frozenset(), _catalogue(files)),
    ]


def header_of(file: SqlFile) -> dict[str, str]:
    """What a rule's header says: rule_id, version, label, and one entry for each of PARTS, in lower case."""
    beginning = _BEGINNING.match(file.description)
    if not beginning or beginning["rule_id"] != file.table.upper():
        raise SqlFileError(
            f"opportunities/{file.table}.sql: its first line is not 'Rule {file.table.upper()}, version 1: <name>.'"
        )
    pieces = re.split(rf" ({'|'.join(PARTS)}): ", file.description)
    if tuple(pieces[1::2]) != PARTS:
        raise SqlFileError(
            f"opportunities/{file.table}.sql: the header has the parts {', '.join(pieces[1::2])}; "
            f"it must have {', '.join(PARTS)}, each once and in this order"
        )
    return beginning.groupdict() | {name.lower(): text for name, text in zip(PARTS, pieces[2::2], strict=True)}


def _candidates(file: SqlFile) -> str:
    if [column.name for column in file.columns] != list(CANDIDATE_SHAPE) or file.key != CANDIDATE_KEY:
        raise SqlFileError(
            f"opportunities/{file.table}.sql: a rule's columns are {', '.join(CANDIDATE_SHAPE)}, in this order, "
            f"and its key is {', '.join(CANDIDATE_KEY)}"
        )
    columns = ", ".join(f"{identifier(name)}::{kind} as {identifier(name)}" for name, kind in CANDIDATE_SHAPE.items())
    return f"select {columns} from opportunities.{identifier(file.table)}"


def _catalogue(files: Iterable[SqlFile]) -> str:
    headers = [header_of(file) for file in files]
    rows = ", ".join(f"({', '.join(map(literal, header.values()))})" for header in headers)
    columns = ", ".join(map(identifier, ["rule_id", "version", "label", *map(str.lower, PARTS)]))
    return f"select * replace (version::integer as version) from (values {rows}) as rules ({columns})"
