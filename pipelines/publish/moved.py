"""Which headlines moved between two releases, and whether demand, feeds, linkage or definitions moved them.

Each person behind a headline adds something to it. What a person adds to one release and not to the other has a cause,
the first of these that holds:

    linkage      the person's contacts of both releases belong together otherwise than before
    feeds        a contact came, went or changed with another delivery of a month that the earlier release had covered
    demand       a contact is of a month after those that the earlier release covers
    definitions  none of these, and rules, code lists or code have changed

Where none holds and nothing of the definitions has changed, it is what is new elsewhere: a window that is complete now that a
later month is there (demand), or that another delivery covers (feeds), or other people's linkage.

What does not belong here: the figures themselves (sql/marts).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.publish.content import BOARD_SCHEMA
from pipelines.warehouse.database import literal

CAUSES = ("demand", "feeds", "linkage", "definitions")
NOT_KNOWN = "not known"
DEFINITIONS = ("code", "code_lists")  # what a release is made of that is neither deliveries nor linkage
NEEDED = {
    "contacts": {"contact_id", "person_id", "spell_id", "agency", "feed", "period"},
    "headline_people": {"headline_id", "person_id", "contacts", "minutes", "amount"},
    "headlines": {"headline_id", "value"},
}
LEAST_SHARE = 0.1  # of all that moved a headline: a cause of less is not named
TABLE = "headline_changes"
DESCRIPTION = (
    "One row per headline whose published figure differs from that of the public release before, and what moved it."
)
COLUMNS = {
    "headline_id": "Name of the figure",
    "unit": "What is counted",
    "before": "The figure in the public release before; empty where it was withheld",
    "now": "The figure in this release; empty where it is withheld",
    "moved_by": "What moved it, the strongest first: demand, feeds (deliveries that came late or were corrected), linkage "
    "(who is taken for one person) or definitions; 'not known' if the release before cannot be read any more",
}


@dataclass(frozen=True)
class Moved:
    """A headline in two releases, in its unit; by: what each cause added to it."""

    headline_id: str
    label: str
    unit: str
    before: float
    now: float
    by: dict[str, float]

    @property
    def causes(self) -> list[str]:
        """The causes that are worth naming, the strongest first."""
        strength = {cause: abs(added) for cause, added in self.by.items() if added}
        named = [cause for cause in strength if strength[cause] >= LEAST_SHARE * sum(strength.values())]
        return sorted(named, key=lambda cause: -strength[cause])


def can_be_compared(before: Path) -> bool:
    """Whether an analyst database is there and has what `headlines_moved` asks of the earlier one."""
    if not before.exists():
        return False
    with duckdb.connect(str(before), read_only=True) as connection:
        columns = connection.execute(
            "SELECT table_name, list(column_name) FROM duckdb_columns() WHERE schema_name = 'marts' GROUP BY table_name"
        ).fetchall()
    there = {table: set(names) for table, names in columns}
    return all(names <= there.get(table, set()) for table, names in NEEDED.items())


def headlines_moved(before: Path, now: Path, manifest_before: dict, manifest_now: dict) -> list[Moved]:
    """Every headline of the pack in two analyst databases, in the pack's order, with what moved it."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(str(before))} AS earlier (READ_ONLY)")
        connection.execute(f"ATTACH {literal(str(now))} AS later (READ_ONLY)")
        _changed_slots(connection, manifest_before["deliveries"], manifest_now["deliveries"])
        _causes_of_people(connection, manifest_before["last_period"])
        rows = connection.execute(f"""
            WITH figures AS (
                SELECT headline_id, 'now' AS release, person_id AS person, contacts, minutes, amount
                FROM later.marts.headline_people
                UNION ALL
                SELECT headline_id, 'before', coalesce(same.now_id, 'before ' || person_id), contacts, minutes, amount
                FROM earlier.marts.headline_people LEFT JOIN same ON person_id = same.before_id
            ),
            added AS (
                SELECT
                    headline_id, figures.person,
                    CASE any_value(headlines.unit)
                        WHEN 'people' THEN count(*) FILTER (release = 'now') - count(*) FILTER (release = 'before')
                        WHEN 'contacts' THEN sum(if(release = 'now', figures.contacts, -figures.contacts))
                        WHEN 'minutes' THEN sum(if(release = 'now', figures.minutes, -figures.minutes))
                        ELSE sum(if(release = 'now', figures.amount, -figures.amount))
                    END AS amount
                FROM figures JOIN later.marts.headlines AS headlines USING (headline_id)
                GROUP BY headline_id, figures.person
            ),
            by_cause AS (
                SELECT headline_id, coalesce(cause, {literal(_cause_of_the_rest(manifest_before, manifest_now))}) AS cause, sum(amount)::DOUBLE AS amount
                FROM added LEFT JOIN causes USING (person)
                WHERE amount <> 0
                GROUP BY ALL
            )
            SELECT
                headline_id, headlines.label, headlines.unit, coalesce(old.value, 0), headlines.value,
                {", ".join(f"coalesce(sum(amount) FILTER (cause = '{cause}'), 0)" for cause in CAUSES)}
            FROM later.marts.headlines AS headlines
            LEFT JOIN earlier.marts.headlines AS old USING (headline_id)
            LEFT JOIN by_cause USING (headline_id)
            WHERE headlines.position IS NOT NULL
            GROUP BY ALL
            ORDER BY any_value(headlines.position)
        """).fetchall()
    return [Moved(*row[:5], dict(zip(CAUSES, row[5:], strict=True))) for row in rows]


def write_changes(board: Path, board_before: Path | None, moved: Iterable[Moved] | None) -> None:
    """Adds the table `headline_changes` to a board database: words and published figures, nothing that is exact.

    board_before: None if nothing was public before. moved: None if it is not known what moved them.
    """
    causes = {each.headline_id: ", ".join(each.causes) or "definitions" for each in moved or []}
    with duckdb.connect(str(board)) as connection:
        published = f"{BOARD_SCHEMA}.{TABLE}"
        types = {"before": "BIGINT", "now": "BIGINT"}
        columns = ", ".join(f'"{name}" {types.get(name, "VARCHAR")}' for name in COLUMNS)
        connection.execute(f"CREATE TABLE {published} ({columns})")
        connection.execute(f"COMMENT ON TABLE {published} IS {literal(DESCRIPTION)}")
        for name, comment in COLUMNS.items():
            connection.execute(f'COMMENT ON COLUMN {published}."{name}" IS {literal(comment)}')
        if board_before is None:
            return
        now = _published_figures(connection, BOARD_SCHEMA)
        connection.execute(f"ATTACH {literal(str(board_before))} AS earlier (READ_ONLY)")
        before = _published_figures(connection, f"earlier.{BOARD_SCHEMA}")
        for headline_id, (unit, figure) in now.items():
            if headline_id in before and before[headline_id][1] != figure:
                row = [headline_id, unit, before[headline_id][1], figure, causes.get(headline_id, NOT_KNOWN)]
                connection.execute(f"INSERT INTO {published} VALUES (?, ?, ?, ?, ?)", row)


def describe(moved: list[Moved]) -> str:
    """What moved each headline, as lines of a table."""
    lines = [f"{'':56}{'before':>12}{'now':>12}" + "".join(f"{cause:>13}" for cause in CAUSES)]
    for each in moved:
        figures = "".join(f"{each.by[cause]:+13,.0f}" if each.by[cause] else f"{'':13}" for cause in CAUSES)
        lines.append(f"{f'{each.label} ({each.unit})'[:55]:56}{each.before:12,.0f}{each.now:12,.0f}{figures}".rstrip())
    lines.append(
        "Exact figures, for the hub alone. What a person adds is put down to the first that holds: linkage, feeds,"
    )
    lines.append("demand, definitions (rules, code lists or code).")
    return "\n".join(lines)


def _published_figures(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, tuple[str, int | None]]:
    """Unit and published figure of every headline of a board database."""
    rows = connection.execute(f"""
        SELECT headline_id, unit, CASE unit WHEN 'people' THEN people WHEN 'minutes' THEN minutes ELSE contacts END
        FROM {schema}.headlines ORDER BY ALL
    """).fetchall()
    return {headline_id: (unit, figure) for headline_id, unit, figure in rows}


def _cause_of_the_rest(before: dict, now: dict) -> str:
    """What moved figures of people of whom nothing changed between two releases, told by elimination."""
    if any(before["inputs"].get(name) != now["inputs"].get(name) for name in DEFINITIONS):
        return "definitions"
    if now["last_period"] > before["last_period"]:
        return "demand"
    return "feeds" if _slots_that_differ(before["deliveries"], now["deliveries"]) else "linkage"


def _slots_that_differ(before: list[dict], now: list[dict]) -> list[list[str]]:
    """Agency, feed and month of which another delivery is in the later release, or none."""
    old, new = (
        {(each["agency"], each["feed"], each["period"]): each["digest"] for each in made} for made in (before, now)
    )
    return [list(slot) for slot in sorted(old.keys() | new.keys()) if old.get(slot) != new.get(slot)]


def _changed_slots(connection: duckdb.DuckDBPyConnection, before: list[dict], now: list[dict]) -> None:
    """Table `changed_slots` of slots that differ."""
    changed = _slots_that_differ(before, now)
    connection.execute("CREATE TABLE changed_slots (agency VARCHAR, feed VARCHAR, period VARCHAR)")
    if changed:
        connection.executemany("INSERT INTO changed_slots VALUES (?, ?, ?)", changed)


def _contacts(database: str) -> str:
    """SQL for the contacts of a release, each with a hash of what it says apart from whose it is."""
    content = "hash(*COLUMNS(lambda name: name NOT IN ('person_id', 'spell_id')))"
    return f"SELECT contact_id, person_id, agency, feed, period, {content} AS content FROM {database}.marts.contacts"


def _causes_of_people(connection: duckdb.DuckDBPyConnection, last_period: str) -> None:
    """Tables `same` (before_id, now_id: one person in both) and `causes` (person, cause), people named as in `added`."""
    connection.execute(f"""
        CREATE TABLE either AS
        SELECT
            contact_id, old.person_id AS before_id, new.person_id AS now_id,
            coalesce(new.agency, old.agency) AS agency, coalesce(new.feed, old.feed) AS feed,
            coalesce(new.period, old.period) AS period,
            old.content IS DISTINCT FROM new.content AS changed
        FROM ({_contacts("earlier")}) AS old FULL JOIN ({_contacts("later")}) AS new USING (contact_id);

        CREATE TABLE together AS
        SELECT DISTINCT before_id, now_id FROM either WHERE before_id IS NOT NULL AND now_id IS NOT NULL;

        CREATE TABLE same AS
        SELECT before_id, now_id FROM together
        QUALIFY count(*) OVER (PARTITION BY before_id) = 1 AND count(*) OVER (PARTITION BY now_id) = 1;

        CREATE TABLE causes AS
        WITH relinked AS (
            SELECT DISTINCT unnest([now_id, 'before ' || before_id]) AS person
            FROM together ANTI JOIN same USING (before_id, now_id)
        ),
        touched AS (
            SELECT
                coalesce(either.now_id, same.now_id, 'before ' || either.before_id) AS person,
                bool_or(changed_slots.agency IS NOT NULL AND either.period <= {literal(last_period)}) AS by_feeds,
                bool_or(either.before_id IS NULL AND either.period > {literal(last_period)}) AS by_demand
            FROM either
            LEFT JOIN same USING (before_id)
            LEFT JOIN changed_slots USING (agency, feed, period)
            WHERE either.changed
            GROUP BY 1
        )
        SELECT
            person,
            CASE
                WHEN relinked.person IS NOT NULL THEN 'linkage'
                WHEN by_feeds THEN 'feeds'
                WHEN by_demand THEN 'demand'
            END AS cause
        FROM touched FULL JOIN relinked USING (person)
        WHERE cause IS NOT NULL;
    """)
