"""How many people can be singled out in tables of contacts and of people: the counting, in SQL, and nothing of words.

    known contacts    Somebody knows 1, 2 or 3 contacts of a person as points of (time, agency, area). Are all of these
                      points found with that person only? (Unicity: de Montjoye et al. 2013, doi:10.1038/srep01376.)
                      Contacts are drawn at random, seeded, from the person's own; of a person with fewer, all are
                      known. The same contacts are drawn however finely they are known, so that figures compare.
    known attributes  People who are alike in sex, age band and so on form a group of k people (k-anonymity: Sweeney
                      2002), with l patterns of agencies among them (distinct l-diversity: Machanavajjhala et al.
                      2007). A person's area is the one of most of their contacts.

A value that is missing is a value like any other. Not counted: how often a point occurs with a person, contacts and
attributes known together, the length of a stay, and the order of events.

What does not belong here: what the counts are called and where they are written (mart_risk.py).
"""

from typing import NamedTuple

import duckdb

from pipelines.publish.generalise import time_at
from pipelines.settings import Settings

MOST_POINTS = 3


class Alone(NamedTuple):
    """Shares of people who are alone at a number of known points, averaged over the draws."""

    points: int
    share: float
    people: int  # who were asked about
    share_of_as_many: float | None  # of those with as many contacts as points; None if there are none
    people_of_as_many: int


class Groups(NamedTuple):
    """Groups of people who are alike; shares are of all people."""

    people: int
    smallest: int  # people of the smallest group, k
    alone: float
    small: float  # in a group of fewer than the limit
    one_pattern: float  # in a group whose people all have the same agencies
    fewest_patterns: int  # l


def draw_contacts(connection: duckdb.DuckDBPyConnection, contacts: str, settings: Settings) -> None:
    """Makes the temporary table `known`: contacts drawn of each person asked about, in the order of each draw.

    `contacts` is the SQL name of a table with contact_id and person_id.
    """
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE known AS
        WITH asked AS (
            SELECT person_id, count(*) AS contacts
            FROM {contacts}
            GROUP BY person_id
            ORDER BY md5_number_lower('{settings.risk_seed}|' || person_id), person_id
            LIMIT {settings.risk_people_asked}
        )
        SELECT
            person_id, contact_id, asked.contacts, draws.draw,
            row_number() OVER (
                PARTITION BY person_id, draws.draw
                ORDER BY md5_number_lower('{settings.risk_seed}|' || draws.draw || '|' || contact_id), contact_id
            ) AS place
        FROM {contacts} AS contacts
        JOIN asked USING (person_id)
        CROSS JOIN range({settings.risk_draws}) AS draws (draw)
        QUALIFY place <= {MOST_POINTS}
    """)


def known_contacts(connection: duckdb.DuckDBPyConnection, contacts: str, time: str, area: str) -> list[Alone]:
    """Who is alone among everybody in `contacts` at 1, 2 and 3 of the points of `draw_contacts`, in this order.

    `time` is one of ANALYST_TIMES, `area` one of ANALYST_AREAS and a column of the table.
    """
    point = f"{time_at('started_at', time)}, agency, {area}"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE points AS
        SELECT contact_id, dense_rank() OVER (ORDER BY person_id) AS person, dense_rank() OVER (ORDER BY {point}) AS point
        FROM {contacts}
    """)
    connection.execute("CREATE OR REPLACE TEMP TABLE crowd AS SELECT DISTINCT point, person FROM points")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE questions AS
        WITH sizes AS (
            SELECT point, count(*) AS people FROM crowd GROUP BY point
        ),
        asked AS (
            SELECT
                person, draw, numbers.points, any_value(known.contacts) AS contacts,
                list_sort(list(DISTINCT {{'people': sizes.people, 'point': point}})) AS rarest_first
            FROM known
            JOIN points USING (contact_id)
            JOIN sizes USING (point)
            JOIN range(1, {MOST_POINTS + 1}) AS numbers (points) ON known.place <= numbers.points
            GROUP BY person, draw, numbers.points
        )
        SELECT
            row_number() OVER () AS question, person, points, any_value(contacts) AS contacts, count(*) AS draws,
            rarest_first[1].point AS first, rarest_first[-1].point AS last,
            rarest_first[least(2, len(rarest_first))].point AS second
        FROM asked
        GROUP BY person, points, rarest_first
    """)
    # Whoever is at all of the points is among the people of the rarest of them.
    return [
        Alone(*row)
        for row in connection.execute("""
            WITH not_alone AS (
                SELECT DISTINCT question
                FROM questions
                JOIN crowd AS one ON one.point = questions.first AND one.person <> questions.person
                JOIN crowd AS two ON two.point = questions.second AND two.person = one.person
                JOIN crowd AS three ON three.point = questions.last AND three.person = one.person
            ),
            answers AS (
                SELECT questions.*, if(not_alone.question IS NULL, draws, 0) AS draws_alone
                FROM questions LEFT JOIN not_alone USING (question)
            )
            SELECT
                points, sum(draws_alone) / sum(draws), count(DISTINCT person),
                sum(draws_alone) FILTER (contacts >= points) / sum(draws) FILTER (contacts >= points),
                count(DISTINCT person) FILTER (contacts >= points)
            FROM answers GROUP BY points ORDER BY points
        """).fetchall()
    ]


def known_attributes(
    connection: duckdb.DuckDBPyConnection, schema: str, columns: list[str], area: str | None, small: int
) -> Groups:
    """Groups of the people in `schema`.people who are alike in `columns` and, unless None, in their area.

    `small` is the number of people below which a group counts as small.
    """
    return Groups(
        *connection.execute(f"""
            WITH seen AS (
                SELECT person_id, {area or "NULL"} AS area, count(*) AS contacts FROM {schema}.contacts GROUP BY ALL
            ),
            homes AS (
                SELECT person_id, arg_max(area, (contacts, area)) FILTER (area IS NOT NULL) AS area
                FROM seen GROUP BY person_id
            ),
            patterns AS (
                SELECT person_id, list_sort(list(DISTINCT agency)) AS pattern FROM {schema}.contacts GROUP BY person_id
            ),
            groups AS (
                SELECT
                    {", ".join(f"people.{column}" for column in columns)}, homes.area,
                    count(*) AS people, count(DISTINCT patterns.pattern) AS patterns
                FROM {schema}.people AS people
                LEFT JOIN homes USING (person_id)
                LEFT JOIN patterns USING (person_id)
                GROUP BY ALL
            )
            SELECT
                sum(people)::BIGINT, min(people),
                coalesce(sum(people) FILTER (people = 1), 0) / sum(people),
                coalesce(sum(people) FILTER (people < {small}), 0) / sum(people),
                coalesce(sum(people) FILTER (patterns <= 1), 0) / sum(people),
                min(patterns)
            FROM groups
        """).fetchall()[0]
    )
