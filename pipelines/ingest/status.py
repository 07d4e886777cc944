"""What has arrived, for whom, and what became of it: the facts behind `upstream status` and the choice of months."""

import pyarrow.parquet as pq

from pipelines.settings import Settings

from .delivery import received_deliveries


def months_delivered(settings: Settings, feed: str) -> list[str]:
    """Months for which any agency delivered this feed, acceptable or not."""
    return sorted({received.period for received in received_deliveries(settings, feed)})


def months_expected(settings: Settings) -> list[str]:
    """Every month from the first to the last that anyone delivered, whatever the feed.

    Ingesting these for every feed leaves no feed without files, also one that nobody has delivered yet.
    """
    periods = sorted({received.period for received in received_deliveries(settings)})
    if not periods:
        return []
    first, last = (int(period[:4]) * 12 + int(period[5:]) - 1 for period in (periods[0], periods[-1]))
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1)]


def status_rows(settings: Settings) -> list[dict]:
    """What arrived and what is missing, sorted by feed, agency, period and delivery.

    Each row: agency, feed, period, delivery_id (None if missing), status (accepted, refused, superseded, waiting or
    missing), reason (None if accepted), received, accepted, refused (rows of activity; None if not known), digest.
    """
    ingested = {(row["agency"], row["feed"], row["period"], row["delivery_id"]): row for row in _ingested(settings)}
    rows, slots = [], set()
    for received in received_deliveries(settings):
        slot = (received.agency, received.feed, received.period)
        slots.add(slot)
        waiting = {"status": "waiting", "reason": "Not ingested yet: run `upstream run`."}
        rows.append(_status(*slot, received.delivery_id, ingested.get((*slot, received.delivery_id), waiting)))
    for agency, feed in {slot[:2] for slot in slots}:
        for period in months_expected(settings):
            if (agency, feed, period) not in slots:
                missing = {"status": "missing", "reason": f"Nothing arrived. Ask {agency} for {feed} of {period}."}
                rows.append(_status(agency, feed, period, None, missing))
    return sorted(rows, key=lambda row: (row["feed"], row["agency"], row["period"], row["delivery_id"] or ""))


def _status(agency: str, feed: str, period: str, delivery_id: str | None, found: dict) -> dict:
    return {
        "agency": agency,
        "feed": feed,
        "period": period,
        "delivery_id": delivery_id,
        "status": found["status"],
        "reason": found["reason"],
        "received": found.get("received_activity"),
        "accepted": found.get("accepted_activity"),
        "refused": found.get("refused_activity"),
        "digest": found.get("digest"),
    }


def _ingested(settings: Settings) -> list[dict]:
    """Rows of every deliveries file."""
    files = sorted(settings.accepted.glob("*/*.deliveries.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]
