"""Primary disclosure control: one generic step for every board table.

A board table's SQL file gives each column a role, and the role alone decides what happens to the column:

    label     text or period that names the row: published as it is
    people    a count of persons: 1 to `withhold_people_up_to` is withheld, the rest is rounded to `round_to`
    count     a count of anything else (contacts, hand-offs): rounded to `round_to`
    minutes   minutes of time: rounded to the smallest of MINUTE_STEPS that is at least `round_to` times the row's average
              contact, so that one contact more or less shows in them no better than in the contacts beside them
    rate      an average in its own unit, such as days: rounded to whole units
    agencies  the number of agencies whose records are behind the row: published as one or several

A share is no column: times its whole it gives an exact count back, and one that adds up to 1 with its neighbours
gives back those that are withheld. Readers work shares out from the rounded counts.

A row whose number of people is withheld, or not known, gives up every other number too: contacts or a rate
would give the number of people away. Withheld is NULL with a `withheld_reason`, never 0. The two ends of a
figure's band (columns *_low and *_high) have the role of the figure they belong to, so that a band cannot betray its
middle.

What does not belong here: deciding which figures a board should see (sql/board), and what can be worked out from other
rows and tables (audit.py, secondary.py).
"""

from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal
from pipelines.warehouse.sqlfile import ROLES

REASON = "withheld_reason"
NOT_KNOWN = "number of people not known"
REASON_NEIGHBOUR = "would show a withheld number"
MINUTE_STEPS = (60, 120, 300, 600, 1200, 3000, 6000, 12000, 30000, 60000)
ONE_AGENCY, SEVERAL_AGENCIES = "one agency", "several agencies"
BAND_ENDS = ("_low", "_high")
REASON_COMMENT = "Why the numbers of this row are withheld; empty where they are published"


class UncontrolledTable(ValueError):
    """A board table that disclosure control cannot treat, with the reason in words."""


def reason_too_few(settings: Settings) -> str:
    """What a withheld row says, such as 'fewer than 8 people'."""
    return f"fewer than {settings.withhold_people_up_to + 1} people"


def reason_band(settings: Settings) -> str:
    """What a row says that is withheld for an end of its band alone."""
    return f"{reason_too_few(settings)} at an end of the band"


def reason_small_base(settings: Settings) -> str:
    """What a row says that is withheld because it is a part of a small group."""
    return f"part of fewer than {settings.least_base} people"


def controlled_select(source: str, roles: dict[str, str], settings: Settings) -> str:
    """SELECT that reads `source` (a table's SQL name) and returns its columns under control, and `withheld_reason`.

    `roles` maps every column of the table, in order, to its role. Raises UncontrolledTable if a column has no
    known role, or if a table has numbers and does not say how many people stand behind them.
    """
    unknown = [column for column, role in roles.items() if role not in ROLES]
    if unknown:
        raise UncontrolledTable(f"{source}: no role ({', '.join(ROLES)}) for column {', '.join(unknown)}")
    people = [identifier(column) for column, role in roles.items() if role == "people"]
    numbers = [identifier(column) for column, role in roles.items() if role in ("count", "minutes", "rate")]
    if not people and set(roles.values()) != {"label"}:
        raise UncontrolledTable(f"{source}: has numbers and no [people] column that says how many persons they are of")

    withheld = _reason_for_withholding(people, numbers, settings)
    contacts = next(
        (identifier(column) for column, role in roles.items() if role == "count"), people[0] if people else "1"
    )
    columns = [_published(identifier(column), role, contacts, settings) for column, role in roles.items()]
    return f"SELECT {', '.join([*columns, REASON])} FROM (SELECT *, {withheld} AS {REASON} FROM {source}) AS judged"


def _reason_for_withholding(people: list[str], numbers: list[str], settings: Settings) -> str:
    """SQL for the reason to withhold a row, NULL where it may be published."""
    if not people:
        return "NULL::VARCHAR"
    figures = [column for column in people if not column.strip('"').endswith(BAND_ENDS)]
    nobody_knows = " AND ".join(f"{column} IS NULL" for column in people)
    has_numbers = " OR ".join(f"{column} IS NOT NULL" for column in numbers) or "false"
    return (
        f"CASE WHEN {_any_small(figures, settings)} THEN {literal(reason_too_few(settings))} "
        f"WHEN {_any_small(people, settings)} THEN {literal(reason_band(settings))} "
        f"WHEN {nobody_knows} AND ({has_numbers}) THEN {literal(NOT_KNOWN)} END"
    )


def _any_small(columns: list[str], settings: Settings) -> str:
    return " OR ".join(f"{column} BETWEEN 1 AND {settings.withhold_people_up_to}" for column in columns) or "false"


def _published(column: str, role: str, contacts: str, settings: Settings) -> str:
    """SQL for a column as it is published: a label as it is, a number rounded, or NULL where its row is withheld.

    contacts: the column of contacts (else of people) that minutes are of.
    """
    if role == "label":
        return column
    if role == "agencies":
        several = f"if({column} > 1, {literal(SEVERAL_AGENCIES)}, {literal(ONE_AGENCY)})"
        return f"CASE WHEN {REASON} IS NULL AND {column} > 0 THEN {several} END AS {column}"
    step = {"rate": "1", "minutes": _minute_step(column, contacts, settings)}.get(role, str(settings.round_to))
    rounded = f"(round({column} / ({step})::DOUBLE) * ({step}))::BIGINT"
    return f"CASE WHEN {REASON} IS NULL THEN {rounded} END AS {column}"


def _minute_step(minutes: str, contacts: str, settings: Settings) -> str:
    """SQL for what a row's minutes are rounded to."""
    least = f"{settings.round_to} * {minutes} / nullif({contacts}, 0)"
    fits = " ".join(f"WHEN {least} <= {step} THEN {step}" for step in MINUTE_STEPS)
    return f"CASE WHEN {least} IS NULL THEN {MINUTE_STEPS[0]} {fits} ELSE {MINUTE_STEPS[-1]} END"
