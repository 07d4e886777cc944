"""What a release says about itself: which deliveries made it, how complete they are, and the words the page needs.

Feeds and months only, never a person. What does not belong here: figures about people, which the page reads from
board.duckdb alone.
"""

import csv
from pathlib import Path

import duckdb

from pipelines.settings import Settings

# Shares of links only: the counts of people beside them in this mart have not been through disclosure control.
LINKAGE_ERRORS = "SELECT * FROM marts.linkage_quality WHERE measure IN ('pair precision', 'pair recall') ORDER BY ALL"


def deliveries(warehouse: Path) -> list[dict[str, str]]:
    """The deliveries whose rows are in the release, with their digests."""
    return _query(
        warehouse,
        "SELECT agency, feed, period, delivery_id, digest FROM accepted.deliveries "
        "WHERE status = 'accepted' ORDER BY ALL",
    )


def pack_facts(manifest: dict, settings: Settings) -> dict:
    """What the page says beside the board's figures.

    Keys: release_id, built_on (YYYY-MM-DD), region, fictional, feeds (see `feed_health`), offers, needs, definitions,
    linkage (shares of links, no counts of people), withhold_people_up_to, round_to, handoff_days, spell_gap_days.
    """
    region = _reference(settings, "region") or [{"region": "", "fictional": "false"}]
    return {
        "release_id": manifest["release_id"],
        "built_on": manifest["built_at"][:10],
        "region": region[0]["region"],
        "fictional": region[0]["fictional"] == "true",
        "feeds": feed_health(settings.warehouse_db),
        "offers": _reference(settings, "offers"),
        "needs": _reference(settings, "needs"),
        "definitions": _reference(settings, "definitions"),
        "linkage": _query(settings.warehouse_db, LINKAGE_ERRORS),
        "withhold_people_up_to": settings.withhold_people_up_to,
        "round_to": settings.round_to,
        "handoff_days": settings.handoff_days,
        "spell_gap_days": settings.spell_gap_days,
    }


def feed_health(warehouse: Path) -> list[dict]:
    """One row per agency and feed, and per feed that never arrived.

    Keys: label, agency (None if it never arrived), first_period, last_period, missing (months in which any other
    feed arrived and this one did not), received, accepted, refused (activity rows of accepted deliveries).
    """
    return _query(
        warehouse,
        """
        WITH arrived AS (
            SELECT * FROM accepted.deliveries WHERE status = 'accepted'
        ),
        slots AS (
            SELECT DISTINCT agency, feed FROM accepted.deliveries
            UNION ALL
            SELECT NULL, feed FROM reference.feeds ANTI JOIN accepted.deliveries USING (feed)
        )
        SELECT
            feeds.label,
            slots.agency,
            min(arrived.period) AS first_period,
            max(arrived.period) AS last_period,
            list(months.period ORDER BY months.period) FILTER (arrived.period IS NULL) AS missing,
            coalesce(sum(arrived.received_activity), 0)::BIGINT AS received,
            coalesce(sum(arrived.accepted_activity), 0)::BIGINT AS accepted,
            coalesce(sum(arrived.refused_activity), 0)::BIGINT AS refused
        FROM slots
        CROSS JOIN (SELECT DISTINCT period FROM arrived) AS months
        JOIN reference.feeds AS feeds ON slots.feed = feeds.feed
        LEFT JOIN arrived
            ON slots.agency = arrived.agency AND slots.feed = arrived.feed AND months.period = arrived.period
        GROUP BY ALL
        ORDER BY feeds.label, slots.agency
        """,
    )


def _query(database: Path, sql: str) -> list[dict]:
    with duckdb.connect(str(database), read_only=True) as connection:
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _reference(settings: Settings, name: str) -> list[dict[str, str]]:
    path = settings.reference / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
