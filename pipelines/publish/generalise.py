"""How fine times and areas are in the analyst tables: one generic step for every table on its way into a release.

`analyst_time` and `analyst_area` (pipelines/settings.py) say how fine, and a column's name and type alone decide what
happens to it, so that a new mart is treated without a word about it here:

    date, timestamp  the start of its day, its week (a Monday) or its month
    days             a number of days about a person (`days`, `lead_days`): to 7 with weeks, to 28 with months, because
                     exact gaps between contacts would give their dates back
    minutes          a number of minutes about a person: to 60 with weeks and months, because the length of a stay to
                     the minute is as good as its date to whoever knows it
    lsoa             emptied where areas are wards; a table with one row for each LSOA stays out of the release
                     (tables.py)

Numbers are rounded to the nearest step. A type that tells times in a way that none of this covers is refused, never
released as it is. A time under another name, such as the number of a shift, is not recognised.

What does not belong here: what can still be seen in the tables (mart_risk.py), and board tables (disclosure.py),
which are made from the exact marts.
"""

import re
from typing import NamedTuple

from pipelines.settings import Settings
from pipelines.warehouse.database import identifier

ABOUT_PEOPLE = "person_id"  # a table with this column is about people
DAYS_STEP = {"week": 7, "month": 28}
MINUTES_STEP = {"week": 60, "month": 60}
STARTS = {"day": "start of its day", "week": "Monday of its week", "month": "first day of its month"}

_DAYS = re.compile(r"(^|_)days(_|$)")
_MINUTES = re.compile(r"(^|_)minutes(_|$)")
_LSOA = re.compile(r"(^|_)lsoa$")
_NUMBER = re.compile(r"U?[A-Z]*INT|INTEGER|DOUBLE|FLOAT|DECIMAL.*")
_TELLS_TIME = re.compile(r"DATE|TIME|INTERVAL")
_HAS_START = re.compile(r"DATE|TIMESTAMP[A-Z_ ]*")


class UngeneralisedColumn(ValueError):
    """A column of an analyst table that tells times and cannot be made coarser, with the reason in words."""


class Coarser(NamedTuple):
    """A column as it is released: SQL for its value, of the same type, and what an analyst must know of it."""

    value: str
    note: str


def generalised(columns: dict[str, str], settings: Settings) -> dict[str, Coarser]:
    """Those of a table's columns (name to type) that are not released as they are.

    Raises UngeneralisedColumn for a time of a type that cannot be made coarser.
    """
    time, coarser = settings.analyst_time, {}
    for name, data_type in columns.items():
        value, step = identifier(name), number_step(name, columns, settings)
        if hides_area(name, settings):
            coarser[name] = Coarser(f"NULL::{data_type}", f"empty in this release, which has {settings.analyst_area}s")
        elif step > 1:
            rounded = f"(round({value} / {step}.0) * {step})::{data_type}"
            coarser[name] = Coarser(rounded, f"in this release to the nearest {step}")
        elif time != "exact" and _TELLS_TIME.search(data_type):
            if not _HAS_START.fullmatch(data_type):
                raise UngeneralisedColumn(
                    f"column {name} ({data_type}) tells times that cannot be given by the {time}; make it a date or a "
                    "timestamp in its SQL file, or leave it out"
                )
            coarser[name] = Coarser(time_at(value, time, data_type), f"in this release the {STARTS[time]}")
    return coarser


def number_step(name: str, columns: dict[str, str], settings: Settings) -> int:
    """The step, in its own unit, to which a column of days or minutes about people is rounded; 1 for any other."""
    if ABOUT_PEOPLE not in columns or not _NUMBER.fullmatch(columns[name]):
        return 1
    if _DAYS.search(name):
        return DAYS_STEP.get(settings.analyst_time, 1)
    return MINUTES_STEP.get(settings.analyst_time, 1) if _MINUTES.search(name) else 1


def time_at(value: str, time: str, data_type: str = "TIMESTAMP") -> str:
    """SQL for a date or timestamp (itself SQL) at one of ANALYST_TIMES, of the type it had."""
    return value if time == "exact" else f"date_trunc('{time}', {value})::{data_type}"


def hides_area(name: str, settings: Settings) -> bool:
    """Whether a column names areas finer than the release has."""
    return settings.analyst_area != "lsoa" and bool(_LSOA.search(name))
