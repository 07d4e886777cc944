"""What has arrived, for whom, and what became of it: the facts behind `upstream status` and the choice of months."""

from datetime import date

import pyarrow.parquet as pq

from pipelines.settings import Settings

from .delivery import Received, folders_of_no_agency, received_deliveries


def months_expected(settings: Settings) -> list[str]:
    """Every month from the first to the last that anyone delivered, whatever the feed.

    Ingesting these for every feed leaves no feed without files, also one that nobody has delivered yet.
    """
    periods = sorted({r.period for r in received_deliveries(settings) if not _stray(settings, r)})
    if not periods:
        return []
    first, last = (int(period[:4]) * 12 + int(period[5:]) - 1 for period in (periods[0], periods[-1]))
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1)]


def status_rows(settings: Settings) -> list[dict]:
    """What arrived and what is missing, sorted by feed, agency, period and delivery.

    Each row: agency, feed, period, delivery_id (None if missing), status (accepted, held, refused, superseded,
    waiting or missing), reason (None if accepted), received, accepted, refused (rows of activity; None if not known), digest.
    One row with '-' for its slot stands for all folders that are not named by an agency's code, if there are any.
    """
    ingested = {(row["agency"], row["feed"], row["period"], row["delivery_id"]): row for row in _ingested(settings)}
    rows, slots = [], set()
    for received in received_deliveries(settings):
        slot = (received.agency, received.feed, received.period)
        if stray := _stray(settings, received):
            found = {"status": "refused", "reason": f"{received.name}: {stray}"}
        else:
            slots.add(slot)
            waiting = {"status": "waiting", "reason": "Not ingested yet: run `upstream run`."}
            found = ingested.get((*slot, received.delivery_id), waiting)
        rows.append(_status(*slot, received.delivery_id, found))
    for agency, feed in {slot[:2] for slot in slots}:
        for period in months_expected(settings):
            if (agency, feed, period) not in slots:
                missing = {"status": "missing", "reason": f"Nothing arrived. Ask {agency} for {feed} of {period}."}
                rows.append(_status(agency, feed, period, None, missing))
    if folders := folders_of_no_agency(settings):
        what = "1 folder that is" if folders == 1 else f"{folders:,} folders that are"
        reason = (
            f"Landing has {what} not named by an agency's code (2 to 12 capital letters or digits): nothing in there is "
            "taken in. Ask whoever put it there, and rename or delete it."
        )
        rows.append(_status("-", "-", "-", None, {"status": "refused", "reason": reason}))
    return sorted(rows, key=lambda row: (row["feed"], row["agency"], row["period"], row["delivery_id"] or ""))


def _stray(settings: Settings, received: Received) -> str | None:
    """Why a delivery lies where no month of no feed would ever take it in, or None."""
    if received.feed not in settings.feeds:
        return f"there is no feed {received.feed}. Feeds: {', '.join(settings.feeds)}."
    if received.period < settings.first_period:
        return (
            f"the region starts with {settings.first_period}. Move the delivery away, or set an earlier first period."
        )
    if received.period > f"{date.today():%Y-%m}":
        return f"the month has not begun. Ask {received.agency} to pseudonymise again for the right period."
    return None


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
