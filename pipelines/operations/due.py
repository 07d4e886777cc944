"""What a run would do now, decided by digests of deliveries, rules, code and state, never by clocks."""

import hashlib
import itertools
import json
from dataclasses import dataclass

from pipelines.ingest.delivery import received_deliveries
from pipelines.ingest.month import is_up_to_date, made_of
from pipelines.ingest.status import months_expected
from pipelines.publish.made_of import inputs
from pipelines.publish.release import current_release, read_manifest, releases
from pipelines.settings import Settings

CHANGED_BY_RUNS = ("state", "last_person_index")


@dataclass(frozen=True)
class Span:
    """Neighbouring months with the same feeds to take in: one run, since most of a run's cost is the run itself."""

    months: tuple[str, ...]
    feeds: tuple[str, ...]

    @property
    def in_words(self) -> str:
        first, last = self.months[0], self.months[-1]
        return first if first == last else f"{first} to {last}"


def feeds_due(settings: Settings, force: bool = False) -> dict[str, tuple[str, ...]]:
    """Of each month that is not up to date the feeds that are not. `force`: all that are expected."""
    due = {
        month: tuple(feed for feed in settings.feeds if force or not is_up_to_date(settings, feed, month))
        for month in months_expected(settings)
    }
    return {month: feeds for month, feeds in due.items() if feeds}


def spans(due: dict[str, tuple[str, ...]]) -> list[Span]:
    """What is due, in as few runs as can be."""
    # Of neighbouring months number and place grow together.
    in_order = [(month, int(month[:4]) * 12 + int(month[5:]) - place) for place, month in enumerate(sorted(due))]
    groups = itertools.groupby(in_order, key=lambda found: (due[found[0]], found[1]))
    return [Span(tuple(month for month, _ in group), feeds) for (feeds, _), group in groups]


def release_due(settings: Settings) -> bool:
    """Whether the current release was made of anything else than what there is now."""
    current = current_release(settings)
    return current is None or read_manifest(current)["inputs"] != inputs(settings)


def gone_back_from(settings: Settings) -> str | None:
    """The release that was made of all there is now, if somebody went back from it to an earlier one."""
    now, current = inputs(settings), current_release(settings)
    made = [manifest["release_id"] for manifest in releases(settings) if manifest["inputs"] == now]
    return next((name for name in made if current and name != current.name), None)


def delivered_digest(settings: Settings, feed: str, month: str) -> str:
    """SHA-256 (hex) of what the feed's month would be made of now."""
    return digest(made_of(settings, received_deliveries(settings, feed, month)))


def release_digest(settings: Settings) -> str:
    """SHA-256 (hex) of what a release would be made of, but for the state, which a run that fails may have changed."""
    return digest({name: found for name, found in inputs(settings).items() if name not in CHANGED_BY_RUNS})


def digest(found: dict) -> str:
    """SHA-256 (hex) of what can be written as JSON."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
