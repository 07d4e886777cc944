"""What has arrived, for whom, and what became of it: the facts behind `upstream status` and the choice of months."""

import itertools
from datetime import date

import pyarrow.parquet as pq

from pipelines.settings import Settings

from .delivery import Received, content_digest, duplicates, folders_of_no_agency, received_deliveries
from .note import partial_until

COUNTS = ("received", "accepted", "refused", "erased")


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

    Each row: agency, feed, period, delivery_id (None if missing), status, reason (None if accepted), COUNTS (rows of
    activity; None if not known), partial_until (last day covered, of a part of a month), made_at (as its note says) and
    digest. status: accepted, held, refused, superseded, withdrawn, duplicate, waiting or missing.
    One row with '-' for its slot stands for all folders that are not named by an agency's code, if there are any.
    """
    ingested = {(row["agency"], row["feed"], row["period"], row["delivery_id"]): row for row in _ingested(settings)}
    rows, slots = [], set()
    for received, repeated in duplicates(received_deliveries(settings)).items():
        slot = (received.agency, received.feed, received.period)
        if stray := _stray(settings, received):
            found = {"status": "refused", "reason": f"{received.name}: {stray}"}
        else:
            slots.add(slot)
            found = _found(received, repeated, ingested.get((*slot, received.delivery_id)))
        rows.append(_status(*slot, found, received))
    for (agency, feed), period in itertools.product({slot[:2] for slot in slots}, months_expected(settings)):
        if (agency, feed, period) not in slots:
            missing = {"status": "missing", "reason": f"Nothing arrived. Ask {agency} for {feed} of {period}."}
            rows.append(_status(agency, feed, period, missing))
    if folders := folders_of_no_agency(settings):
        what = "1 folder that is" if folders == 1 else f"{folders:,} folders that are"
        reason = (
            f"Landing has {what} not named by an agency's code (2 to 12 capital letters or digits): nothing in there is "
            "taken in. Ask whoever put it there, and rename or delete it."
        )
        rows.append(_status("-", "-", "-", {"status": "refused", "reason": reason}))
    return sorted(rows, key=lambda row: (row["feed"], row["agency"], row["period"], row["delivery_id"] or ""))


def _found(received: Received, repeated: Received | None, ingested: dict | None) -> dict:
    """What became of a delivery: as the last run found it, and what has changed since."""
    if repeated:
        reason = f"Same contents as {repeated.delivery_id}, which was made before: it changes nothing."
        return {"status": "duplicate", "reason": reason}
    if ingested is None:
        ingested = {"status": "waiting", "reason": "Not ingested yet: run `upstream run`."}
    if received.withdrawal and ingested["status"] != "withdrawn":
        reason = f"{received.withdrawal} This takes effect with the next `upstream run`."
        return {"status": "withdrawn", "reason": reason}
    return ingested


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


def _status(agency: str, feed: str, period: str, found: dict, received: Received | None = None) -> dict:
    last_day = partial_until(received.note) if received else None
    made_at = received.note.get("created_at") if received else None
    return {
        "agency": agency,
        "feed": feed,
        "period": period,
        "delivery_id": received.delivery_id if received else None,
        "status": found["status"],
        "reason": found["reason"],
        **{count: found.get(f"{count}_activity") for count in COUNTS},
        "partial_until": last_day.isoformat() if last_day else None,
        "made_at": made_at if isinstance(made_at, str) else None,
        "digest": found.get("digest") or (content_digest(received) if received else None),
    }


def _ingested(settings: Settings) -> list[dict]:
    """Rows of every deliveries file."""
    files = sorted(settings.accepted.glob("*/*.deliveries.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]
