"""marts.release_risk: how far people can be singled out in the analyst tables, measured on the very tables released.

A release states its own number. Beside it stand the same figures with finer and coarser times and areas, so that a
data owner sees what each step buys: those no finer than the release are counted in its tables, finer ones in the
marts as they were before they were made coarser. Intervals are Wilson's 95 % with people as trials.

What does not belong here: the counting (singling_out.py), making tables coarser (generalise.py), and the attacks on
names (pipelines/evaluation).
"""

from collections.abc import Iterator
from itertools import product
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import duckdb

from pipelines.publish.export import both
from pipelines.publish.singling_out import MOST_POINTS, draw_contacts, known_attributes, known_contacts
from pipelines.publish.tables import RELEASE_RISK
from pipelines.settings import ANALYST_AREAS, ANALYST_TIMES, Settings
from pipelines.warehouse.database import identifier, literal

DESCRIPTION = (
    "One row per measure of how far people can be singled out in the analyst tables, as they are released and with "
    "finer and coarser times and areas."
)
USE = (
    "The tables are pseudonymised, not anonymous: they are for named people under an agreement and not for publication."
)
HEADLINE_POINT = ("week", "ward")  # unless the tables are coarser
EVERYBODY = "everybody"
WITH_AS_MANY = "people with as many contacts"
TIME_WORDS = {"exact": "exact time", "day": "day", "week": "week", "month": "month"}
AREA_WORDS = {"lsoa": "LSOA", "ward": "ward"}
ATTRIBUTES = {
    "sex": "sex", "age_band": "age band", "ethnic_group": "ethnic group", "imd_quintile": "deprivation quintile",
}  # fmt: skip
GROUPINGS: tuple[tuple[dict[str, str], str | None], ...] = (  # columns of people with their words, and area
    (ATTRIBUTES, None),
    (ATTRIBUTES, "ward"),
    (ATTRIBUTES | {"death_month": "month of death"}, "ward"),
    (ATTRIBUTES, "lsoa"),
)
Z = 1.959964  # of a 95 % interval


class Asked(NamedTuple):
    """What a figure answers; the fields are the mart's first columns."""

    measure: str
    known: str
    known_points: int | None
    known_time: str | None
    known_area: str | None
    among: str
    shown: bool


class Figure(NamedTuple):
    """A figure, with the mart's other columns."""

    asked: Asked
    value: float
    low: float | None
    high: float | None
    unit: str
    people: int
    in_words: str


COLUMNS = {
    "measure": ("VARCHAR", "What is measured"),
    "known": ("VARCHAR", "What somebody knows of a person"),
    "known_points": ("INTEGER", "How many contacts are known; empty where attributes are"),
    "known_time": ("VARCHAR", "How finely their times are known: exact, day, week or month; empty for attributes"),
    "known_area": ("VARCHAR", "How finely areas are known: lsoa or ward; empty where none is known"),
    "among": ("VARCHAR", "People whom the figure is about"),
    "shown": ("BOOLEAN", "Whether this release shows times and areas that finely; if not, the figure if it did"),
    "value": ("DOUBLE", "The figure"),
    "low": ("DOUBLE", "Lower end of the 95 % interval of a share"),
    "high": ("DOUBLE", "Upper end of the 95 % interval of a share"),
    "unit": ("VARCHAR", "Unit of the figure"),
    "people": ("BIGINT", "People asked about, each compared with everybody"),
    "in_words": ("VARCHAR", "The figure in a sentence"),
}


def write_release_risk(warehouse: Path, analyst: Path, settings: Settings) -> str:
    """Adds marts.release_risk to an analyst database and returns what the release says of itself in plain words.

    `warehouse` has the marts before they were made coarser. Without people and contacts nothing is written and
    nothing is said.
    """
    with both(warehouse, analyst) as connection:
        if not _has_people(connection):
            return ""
        figures = [*_of_contacts(connection, settings), *_of_attributes(connection, settings)]
        statement = f"{headline(figures, settings).in_words} {USE}"
        _write(connection, figures, f"{DESCRIPTION} {statement}")
    return statement


def headline(figures: list[Figure], settings: Settings) -> Figure:
    """The share of everybody whom three contacts by week and ward single out, or as finely as the tables tell them."""
    time = max(HEADLINE_POINT[0], settings.analyst_time, key=ANALYST_TIMES.index)
    area = max(HEADLINE_POINT[1], settings.analyst_area, key=ANALYST_AREAS.index)
    wanted = (MOST_POINTS, time, area, EVERYBODY)
    return next(figure for figure in figures if figure.asked[2:6] == wanted)


def wilson(share: float, trials: int) -> tuple[float, float]:
    """Ends of the 95 % interval of a share of trials (Wilson 1927)."""
    middle = share + Z * Z / (2 * trials)
    reach = Z * sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    whole = 1 + Z * Z / trials
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def _has_people(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_catalog = 'target' AND table_schema = 'marts' "
        "AND table_name IN ('contacts', 'people')"
    ).fetchall()
    return found == [(2,)] and all(
        connection.execute(f"SELECT 1 FROM target.marts.{table} LIMIT 1").fetchall() for table in ("contacts", "people")
    )


def _is_shown(time: str, area: str, settings: Settings) -> bool:
    """Whether times and areas as fine as these can be told in the released tables."""
    return ANALYST_TIMES.index(time) >= ANALYST_TIMES.index(settings.analyst_time) and (
        ANALYST_AREAS.index(area) >= ANALYST_AREAS.index(settings.analyst_area)
    )


def _schema(shown: bool) -> str:
    return "target.marts" if shown else "warehouse.marts"


def _of_contacts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Figure]:
    draw_contacts(connection, "target.marts.contacts", settings)
    for time, area in product(ANALYST_TIMES, ANALYST_AREAS):
        shown = _is_shown(time, area, settings)
        known = f"{TIME_WORDS[time]}, agency, {AREA_WORDS[area]}"
        are = "are alone in these tables" if shown else "would be alone if these tables were as fine as that"
        for found in known_contacts(connection, f"{_schema(shown)}.contacts", time, area):
            points = f"{found.points} known point{'s' if found.points > 1 else ''} ({known})"
            as_many = f"people with {found.points} contact{'s' if found.points > 1 else ''} or more"
            asked = Asked("people alone at known points", known, found.points, time, area, EVERYBODY, shown)
            yield _share(asked, found.share, found.people, f"With {points} {{}} of people {are}")
            if found.people_of_as_many:
                asked = asked._replace(among=WITH_AS_MANY)
                sentence = f"With {points} {{}} of {as_many} {are}"
                yield _share(asked, found.share_of_as_many, found.people_of_as_many, sentence)


def _of_attributes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Figure]:
    small = settings.risk_small_group
    for columns, area in GROUPINGS:
        shown = area is None or _is_shown(ANALYST_TIMES[-1], area, settings)
        words = [*columns.values(), *([AREA_WORDS[area]] if area else [])]
        alike = f"{', '.join(words[:-1])} and {words[-1]}"
        condition = "" if shown else f", if these tables had the {AREA_WORDS[area]}"
        found = known_attributes(connection, _schema(shown), list(columns), area, small)
        asked = Asked("", ", ".join(words), None, None, area, EVERYBODY, shown)
        for measure, smallest, unit, words in (
            ("people in the smallest group", found.smallest, "people", "people"),
            ("fewest patterns of agencies in a group", found.fewest_patterns, "patterns", "patterns of agencies"),
        ):
            in_words = f"Of {words} with the same {alike} there are never fewer than {smallest:,}{condition}."
            yield Figure(asked._replace(measure=measure), smallest, None, None, unit, found.people, in_words)
        for measure, share, sentence in (
            ("people in groups of one", found.alone, f"{{}} of people share {alike} with nobody"),
            (
                f"people in groups of fewer than {small}", found.small,
                f"{{}} of people share {alike} with fewer than {small - 1} others",
            ),
            (
                "people in groups with one pattern of agencies", found.one_pattern,
                f"{{}} of people were seen by the same agencies as all others of their {alike}",
            ),
        ):  # fmt: skip
            yield _share(asked._replace(measure=measure), share, found.people, sentence + condition)


def _share(asked: Asked, share: float, people: int, sentence: str) -> Figure:
    """A share of `people`, with its interval; `sentence` has {} where the share goes."""
    low, high = wilson(share, people)
    in_words = f"{sentence.format(_percent(share))} (95 % interval {_percent(low)} to {_percent(high)})."
    return Figure(asked, round(share, 4), round(low, 4), round(high, 4), "share of people", people, in_words)


def _percent(share: float) -> str:
    if 0 < share < 0.0005:
        return "under 0.1 %"
    return "over 99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def _write(connection: duckdb.DuckDBPyConnection, figures: list[Figure], description: str) -> None:
    table = f"target.marts.{RELEASE_RISK}"
    columns = ", ".join(f"{identifier(name)} {data_type}" for name, (data_type, _) in COLUMNS.items())
    rows = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * len(figures))
    connection.begin()
    connection.execute(f"CREATE TABLE {table} ({columns})")
    connection.execute(
        f"INSERT INTO {table} VALUES {rows}", [value for asked, *found in figures for value in (*asked, *found)]
    )
    connection.execute(f"COMMENT ON TABLE {table} IS {literal(description)}")
    for name, (_, comment) in COLUMNS.items():
        connection.execute(f"COMMENT ON COLUMN {table}.{identifier(name)} IS {literal(comment)}")
    connection.commit()
