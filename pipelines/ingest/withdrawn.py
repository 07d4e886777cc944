"""Withdrawing a delivery: it lies where it was received and counts no more, and who said so and why lies beside it.

There is no way back but a new delivery: whoever withdrew it may have been told to, and the agency knows best what is
right. From the next run on the month falls back to the delivery before it, or is a gap.
"""

import json
from dataclasses import dataclass

from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings

from .delivery import WITHDRAWN, Received, received_deliveries, same_contents

LONGEST = 300  # characters of a name or a reason


@dataclass(frozen=True)
class Withdrawn:
    """What was withdrawn: the delivery, and others of its slot with the same contents. left: those that may count now."""

    deliveries: list[Received]
    left: list[Received]


def withdraw(
    settings: Settings, agency: str, feed: str, period: str, delivery_id: str, by: str, reason: str
) -> Withdrawn:
    """Mark a delivery as withdrawn, and others with the same contents. Raises InputError; then nothing is marked."""
    by, reason = (_said(text, option) for text, option in ((by, "--by"), (reason, "--reason")))
    slot = [r for r in received_deliveries(settings) if (r.agency, r.feed, r.period) == (agency, feed, period)]
    meant = next((received for received in slot if received.delivery_id == delivery_id), None)
    if meant is None:
        there = ", ".join(received.delivery_id for received in slot) or "none"
        raise InputError(f"{agency} sent no such delivery of {feed} for {period}. Deliveries there: {there}.")
    if meant.withdrawal:
        raise InputError(
            f"{meant.name} is withdrawn already. That cannot be undone: if it was right after all, ask {agency} to "
            "pseudonymise and deliver the month again."
        )
    standing = [received for received in slot if not received.withdrawal]
    marked = [received for received in standing if received is meant or same_contents(meant, received)]
    for received in marked:
        mark = {"by": by, "reason": reason, "made": received.note.get("created_at")}
        beside = received.folder / f".{WITHDRAWN}"
        beside.write_text(json.dumps(mark, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.replace(received.folder / WITHDRAWN)
    return Withdrawn(marked, [received for received in standing if received not in marked])


def _said(text: str, option: str) -> str:
    """The text on one line. Raises InputError if there is none, or too much."""
    line = " ".join(text.split())
    if not line or len(line) > LONGEST or not line.isprintable():
        raise InputError(
            f"{option} takes 1 to {LONGEST} characters: it stays with the delivery for those who ask later."
        )
    return line
