"""Which deliveries have not come by the day they were due. The only place that looks at the calendar."""

import itertools
from dataclasses import dataclass
from datetime import date

from pipelines.ingest.status import months_expected, status_rows
from pipelines.settings import Settings

NOT_ARRIVED = ("missing", "withdrawn")


@dataclass(frozen=True)
class Late:
    """An agency's feed of which months are missing that were due; `days` since the last of them was due."""

    agency: str
    feed: str
    months: tuple[str, ...]
    days: int

    def __str__(self) -> str:
        first, *more = self.months
        months = f"{first} to {more[-1]} ({len(self.months)} months)" if len(more) > 1 else " and ".join(self.months)
        last = "the last of them was due" if more else "it was due"
        ago = "yesterday" if self.days == 1 else f"{self.days} days ago"
        return f"{self.agency} has not delivered {self.feed} of {months}: {last} {ago}."


def late_deliveries(settings: Settings, today: date | None = None) -> list[Late]:
    """What every agency that ever delivered a feed still owes, by agency and feed.

    A month is due on `due_day` of the next one. A refused delivery has arrived; that it was refused is another trouble.
    A fictional region has no calendar: it owes what lies between the months that were made.
    """
    if settings.fictional.exists():
        months = months_expected(settings)
        today = due_date(settings, months[-1]) if months else None
    today = today or date.today()
    arrived: dict[tuple[str, str], set[str]] = {}
    for row in status_rows(settings):
        if row["status"] not in NOT_ARRIVED and row["delivery_id"] and row["feed"] in settings.feeds:
            arrived.setdefault((row["agency"], row["feed"]), set()).add(row["period"])
    found = []
    for (agency, feed), periods in sorted(arrived.items()):
        months = tuple(month for month in _due_by(settings, min(periods), today) if month not in periods)
        if months:
            found.append(Late(agency, feed, months, (today - due_date(settings, months[-1])).days))
    return found


def due_date(settings: Settings, month: str) -> date:
    """The day by which a month's deliveries are to be there."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return date(year, number + 1, settings.due_day)


def _due_by(settings: Settings, first: str, today: date) -> list[str]:
    """Months from the first whose day is over."""
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    months = (f"{number // 12}-{number % 12 + 1:02d}" for number in itertools.count(start))
    return list(itertools.takewhile(lambda month: due_date(settings, month) < today, months))
