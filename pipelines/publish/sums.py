"""What adds up to what in the board tables: how it is declared, and how a release keeps the declaration with it.

The header of a board table's SQL file says in lines of their own:

    Counts: NAME                                what the numbers are of; tables of one NAME share their cells
    Counts: by COLUMN                           each row's NAME is what stands in that column
    Adds up: COLUMN [to 'TOTAL'][, people once][, in part]
    Within: COLUMN in COLUMN                    in each row the first is at most the second

The dimensions of a table are the columns of its key (all its labels if it names none). The rows of one that adds up are the parts of a whole, whose row
has the label TOTAL if it is in the table. A count is then the sum of its parts. People are at least the largest part
and at most the sum, since one person may be in several parts; `people once` says that nobody is. `in part` says that
the rows are not all the parts, or overlap: each is at most the whole. A combination without a row counts as 0.

What does not belong here: what can be worked out from it (audit.py).
"""

import re
from dataclasses import dataclass
from typing import Any

from pipelines.publish.disclosure import BAND_ENDS, UncontrolledTable
from pipelines.settings import Settings
from pipelines.warehouse.sqlfile import SqlFile, load_file

_ADDS_UP = re.compile(r"(\w+)(?: to '([^']*)')?(, people once)?(, in part)?")
_WITHIN = re.compile(r"(\w+) in (\w+)")
_BY = re.compile(r"by (\w+)")


@dataclass(frozen=True)
class Whole:
    """How the rows of a dimension make up a whole; total: the label of the row of the whole, None if it has none."""

    total: str | None = None
    people_once: bool = False
    in_part: bool = False


@dataclass(frozen=True)
class Declared:
    """What a board table says about itself.

    counts: what its numbers are of, or the column that says it in each row if counts_by. within: pairs of columns, of
    which the first is at most the second.
    """

    roles: dict[str, str]
    key: tuple[str, ...]
    counts: str
    counts_by: bool
    adds_up: dict[str, Whole]
    within: tuple[tuple[str, str], ...]

    @property
    def dimensions(self) -> list[str]:
        return [name for name in self.key if not (self.counts_by and name == self.counts)]

    def measures(self, *roles: str) -> list[str]:
        """Columns with one of the roles that are figures of their own: ends of bands are not."""
        return [name for name, role in self.roles.items() if role in roles and not name.endswith(BAND_ENDS)]

    def as_notes(self) -> dict[str, Any]:
        """The declaration as a release writes it beside its tables."""
        return {
            "roles": self.roles,
            "key": list(self.key),
            "counts": self.counts,
            "counts_by": self.counts_by,
            "adds_up": {name: vars(whole) for name, whole in self.adds_up.items()},
            "within": [list(pair) for pair in self.within],
        }


def from_notes(notes: dict[str, Any]) -> Declared:
    """The declaration that a release wrote with `as_notes`."""
    wholes = {name: Whole(**whole) for name, whole in notes["adds_up"].items()}
    within = tuple((part, whole) for part, whole in notes["within"])
    return Declared(notes["roles"], tuple(notes["key"]), notes["counts"], notes["counts_by"], wholes, within)


def board_tables(settings: Settings) -> dict[str, Declared]:
    """The declaration of every board table that has an SQL file, by its name."""
    files = [load_file(path) for path in sorted((settings.sql / "board").glob("*.sql"))]
    return {file.table: declared(file) for file in files}


def declared(file: SqlFile) -> Declared:
    """What the header of a board table's file says. Raises UncontrolledTable for a line that cannot be understood."""
    roles = {column.name: column.role or "" for column in file.columns}
    key = file.key or tuple(name for name, role in roles.items() if role == "label")
    counts, counts_by, adds_up, within = f"table {file.table}", False, {}, []
    for kind, text in file.statements:
        if kind == "Counts":
            by = _BY.fullmatch(text)
            counts, counts_by = (_known(file, by[1], key), True) if by else (text, False)
        elif kind == "Adds up" and (match := _ADDS_UP.fullmatch(text)):
            adds_up[_known(file, match[1], key)] = Whole(match[2], bool(match[3]), bool(match[4]))
        elif kind == "Within" and (match := _WITHIN.fullmatch(text)):
            within.append((_known(file, match[1], roles), _known(file, match[2], roles)))
        else:
            raise UncontrolledTable(f"board.{file.table}: '{kind}: {text}' is not understood; see publish/sums.py")
    return Declared(roles, key, counts, counts_by, adds_up, tuple(within))


def _known(file: SqlFile, column: str, columns: Any) -> str:
    if column not in columns:
        raise UncontrolledTable(f"board.{file.table}: its header names {column}, which is not one of {list(columns)}")
    return column
