"""What a release says about itself: which deliveries made it, and the words the page needs.

Never a person. What does not belong here: figures about people, which the page reads from
board.duckdb alone.
"""

import csv
from pathlib import Path

import duckdb

from pipelines.settings import Settings


def deliveries(warehouse: Path) -> list[dict[str, str]]:
    """The deliveries whose rows are in the release, with their digests."""
    return _query(
        warehouse,
        "SELECT agency, feed, period, delivery_id, digest FROM accepted.deliveries "
        "WHERE status = 'accepted' ORDER BY ALL",
    )


def pack_facts(manifest: dict, settings: Settings) -> dict:
    """What the page says beside the board's figures.

    Keys: release_id, built_on (YYYY-MM-DD), region, fictional, feeds, offers, needs, definitions, ward_shapes,
    withhold_people_up_to, round_to, handoff_days, spell_gap_days, approved (who and when; None while
    the release is staged).
    """
    region = _reference(settings, "region") or [{"region": ""}]
    return {
        "release_id": manifest["release_id"],
        "approved": None,
        "built_on": manifest["built_at"][:10],
        "region": region[0]["region"],
        "fictional": settings.fictional.exists(),
        "feeds": _reference(settings, "feeds"),
        "offers": _reference(settings, "offers"),
        "needs": _reference(settings, "needs"),
        "definitions": _reference(settings, "definitions"),
        "ward_shapes": _reference(settings, "ward_shapes"),
        "withhold_people_up_to": settings.withhold_people_up_to,
        "round_to": settings.round_to,
        "handoff_days": settings.handoff_days,
        "spell_gap_days": settings.spell_gap_days,
    }


def _query(database: Path, sql: str) -> list[dict]:
    with duckdb.connect(str(database), read_only=True) as connection:
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _reference(settings: Settings, name: str) -> list[dict[str, str]]:
    path = settings.reference_csv(name)
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
