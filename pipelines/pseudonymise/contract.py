"""The contracts: which columns a file may have, of which type, and how a value of each type is read.

`people.csv` is the contract of identities for every feed; `feeds/<feed>.csv` is the contract of a feed's activity and
the registry of feeds. The hub reads the same files.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from .errors import InputError

HERE = Path(__file__).parent
AGENCY = re.compile(r"[A-Z0-9]{2,12}")  # an agency's code
FREE_TEXT = re.compile(r"[\n\r\t@]|.{81,}", re.DOTALL)  # codes are short; sentences and addresses are not
# A value that starts so is a formula to a spreadsheet; a negative number such as the code -1 does no harm.
FORMULA = re.compile(r"(?!-[0-9]+$)[=+\-@＝＋－＠]")
SHORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 &()/_.-]{0,79}")


@dataclass(frozen=True)
class Column:
    """One column of a contract."""

    name: str
    type: str
    required: bool
    code_list: str
    meaning: str


def feeds() -> list[str]:
    """Names of the feeds that have a contract."""
    return sorted(path.stem for path in (HERE / "feeds").glob("*.csv"))


def read_contract(path: Path) -> list[Column]:
    """The columns of a contract in their order."""
    with open(path, newline="", encoding="utf-8") as file:
        return [
            Column(row["column"], row["type"], row["required"] == "true", row["code_list"], row["meaning"])
            for row in csv.DictReader(file)
        ]


def people_columns() -> list[Column]:
    return read_contract(HERE / "people.csv")


def activity_columns(feed: str) -> list[Column]:
    """The contract of a feed's activity. Raises InputError for a feed without one."""
    if feed not in feeds():
        raise InputError(f"There is no feed called {feed}. Feeds: {', '.join(feeds())}.")
    return read_contract(HERE / "feeds" / f"{feed}.csv")


def optional_columns(feed: str) -> set[str]:
    """Names of the columns of a feed's activity that an extract may lack, as one does that was made before they were."""
    return {column.name for column in activity_columns(feed) if not column.required}


def event_column(columns: list[Column]) -> Column:
    """The column that says when an event began: the first required date or timestamp of a feed's contract."""
    return next(column for column in columns if column.required and column.type in ("date", "timestamp"))


def _integer(value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise ValueError("not a whole number of at most 18 digits")
    return int(value)


def _timestamp(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=None) if moment.tzinfo else moment


def _time(value: str) -> str:
    hours, minutes = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", value).groups()
    return f"{int(hours):02d}:{minutes}"


def _boolean(value: str) -> bool:
    return {"true": True, "1": True, "y": True, "yes": True, "false": False, "0": False, "n": False, "no": False}[
        value.lower()
    ]


def _code(value: str) -> str:
    if FREE_TEXT.search(value) or FORMULA.match(value):
        raise ValueError("not a code")
    return value


def _codes(value: str) -> str:
    for code in re.split(r"[,;]", value):
        _code(code.strip())
    return value


def short_name(column: Column, value: str) -> str:
    """A value of a coded column without a code list, if it has the shape of a code or of a team's name.

    A code list says what a value may be; without one only its shape can keep sentences and addresses back. Raises
    ValueError.
    """
    codes = re.split(r"[,;]", value) if column.type == "codes" else [value]
    if not all(SHORT_NAME.fullmatch(code.strip()) for code in codes):
        raise ValueError("not the shape of a code")
    return value


def _area(value: str) -> str:
    if not re.fullmatch(r"[A-Z][0-9]{8}", value.upper()):
        raise ValueError("not an area code")
    return value.upper()


# Type of a contract -> how a non-empty value is read, its type in the delivery, and what the value should look like.
TYPES: dict[str, tuple[Callable, pa.DataType, str]] = {
    "date": (date.fromisoformat, pa.date32(), "a date such as 2026-01-31"),
    "time": (_time, pa.string(), "a time such as 23:59"),
    "timestamp": (_timestamp, pa.timestamp("us"), "a date and time such as 2026-01-31T23:59"),
    "integer": (_integer, pa.int64(), "a whole number"),
    "boolean": (_boolean, pa.bool_(), "true or false"),
    "code": (_code, pa.string(), "a code of at most 80 characters"),
    "codes": (_codes, pa.string(), "codes of at most 80 characters each, separated by commas"),
    "area": (_area, pa.string(), "an area code such as E01000001"),
    "reference": (str, pa.string(), "a reference"),
}


def arrow_schema(feed: str) -> pa.Schema:
    """Schema of activity.parquet: person_ref, then the contract's columns in its order."""
    fields = [("person_ref", pa.string())]
    fields += [(c.name, TYPES[c.type][1]) for c in activity_columns(feed) if c.type != "person"]
    return pa.schema(fields)


ATTRIBUTES_SCHEMA = pa.schema(
    [
        ("person_ref", pa.string()),
        ("sex", pa.string()),
        ("age_band", pa.string()),
        ("ethnic_group", pa.string()),
        ("imd_quintile", pa.int32()),
        ("death_month", pa.string()),
        ("moved_away_month", pa.string()),
    ]
)
"""Schema of attributes.parquet."""
