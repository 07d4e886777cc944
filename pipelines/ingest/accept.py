"""A feed's months: every agency's deliveries through their checks and the gate, and what is accepted of them.

Nothing here remembers what an earlier run did: which delivery of a slot (agency, feed, period) counts is worked out
each time from all that lies in landing. The last made one that is accepted counts, whenever it arrived; a refused or
withdrawn one counts as not arrived, those before it are superseded. One that was made for the region's next key or
encoder passes every check as well, and is held. A row of attributes or activity whose person has no accepted row in
people is refused: it could belong to nobody.

Received = accepted + refused + erased, for each file of every accepted delivery; IngestError if not.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.erasure.landing import redact_slots
from pipelines.pseudonymise import encode
from pipelines.pseudonymise.delivery import FILES
from pipelines.settings import Settings

from .delivery import (
    NOTE,
    Delivery,
    DeliveryRefused,
    Received,
    content_digest,
    data_files,
    distinct,
    read_delivery,
    received_deliveries,
)
from .gate import Judgement, judge, row_numbers, without_unlisted_codes
from .month import VERBS, Counts, DeliveryOutcome, Month, made_of, slot_of, write_month
from .note import erased_rows, partial_until
from .note import rows as stated_rows
from .region import disagreement, read_region, remember_region
from .verdicts import Delivered

HELD = (
    "Held until the partnership's change of key, encoder version or profile is complete: nothing is wrong with it. What is "
    "still to come: upstream rekey-plan"
)
ROWS_AT_ONCE = 1_000_000  # of all files as stated in the notes; months beyond that are judged in another go


class IngestError(Exception):
    """The pipeline itself is wrong: rows were lost or made."""


@dataclass
class _Candidate:
    """The delivery of a slot that would count if it is acceptable, and what has been found out about it."""

    received: Received
    delivery: Delivery | None = None
    judgements: dict[str, Judgement] = field(default_factory=dict)
    refusal: str | None = None

    def known_people(self) -> pa.ChunkedArray:
        """person_ref of people rows that are not refused; of all of them before people was judged."""
        people = self.delivery.tables["people"]
        judgement = self.judgements.get("people")
        return people["person_ref"].filter(_kept(people, judgement)) if judgement else people["person_ref"]


def ingest_month(settings: Settings, feed: str, period: str) -> Month:
    """ingest_months for one month."""
    return ingest_months(settings, feed, [period])[0]


def ingest_months(settings: Settings, feed: str, periods: list[str]) -> list[Month]:
    """Judge all deliveries of a feed's months, write each month's files, also when nothing is accepted.

    Many months in one call come to the same as one after the other, and are several times faster. Raises IngestError if
    rows are lost and gate.GateError if a rule could not be evaluated; files of months that were not written then stay
    as they were.
    """
    months = []
    for portion in _portions(settings, feed, periods):
        # Before they are judged: what lands or changes meanwhile leaves a month that is not up to date.
        made = {period: made_of(settings, received) for period, received in portion.items()}
        together = {period: Month(feed, period) for period in portion}
        _fill(settings, feed, together, portion)
        for month in together.values():
            write_month(settings, month, made[month.period])
        months += together.values()
    return months


def _portions(settings: Settings, feed: str, periods: list[str]) -> Iterator[dict[str, list[Received]]]:
    """Periods in order, each with its deliveries, in groups of about ROWS_AT_ONCE rows."""
    portion, rows = {}, 0
    for period in periods:
        redact_slots(settings, feed, period)  # before anything is counted: what arrived may hold who was erased
        received = distinct(received_deliveries(settings, feed, period))
        more = sum(count or 0 for delivery in received for count in stated_rows(delivery.note).values())
        if portion and rows + more > ROWS_AT_ONCE:
            yield portion
            portion, rows = {}, 0
        portion[period] = received
        rows += more
    if portion:
        yield portion


def _fill(settings: Settings, feed: str, months: dict[str, Month], deliveries: dict[str, list[Received]]) -> None:
    """Add to each month what becomes of its deliveries: in rounds, from the last of each slot to the first."""
    slots: dict[tuple[str, str], list[Received]] = {}
    for period, month in months.items():
        for received in deliveries[period]:
            if received.withdrawal:
                month.deliveries.append(_outcome(received, "withdrawn", received.withdrawal))
            else:
                slots.setdefault((period, received.agency), []).append(received)
    while slots:
        candidates = _look_into(settings, feed, [waiting.pop() for waiting in slots.values()])
        for candidate in candidates:
            month = months[candidate.received.period]
            earlier = slots[candidate.received.period, candidate.received.agency]
            if _accept(settings, candidate, month):
                reason = f"Superseded by delivery {candidate.received.delivery_id}."
                month.deliveries += [_outcome(received, "superseded", reason) for received in earlier]
                earlier.clear()
        slots = {slot: waiting for slot, waiting in slots.items() if waiting}
    for month in months.values():
        month.deliveries.sort(key=lambda outcome: (outcome.received.agency, outcome.received.sequence))


def _look_into(settings: Settings, feed: str, deliveries: list[Received]) -> list[_Candidate]:
    """Read and judge deliveries, people first, since the other files' rows need them."""
    candidates = [_Candidate(received) for received in deliveries]
    for candidate in candidates:
        try:
            candidate.delivery = read_delivery(candidate.received)
        except DeliveryRefused as refusal:
            candidate.refusal = str(refusal)
    for file, profile in itertools.product(FILES, encode.PROFILES):
        standing = [c for c in candidates if c.refusal is None and c.delivery.encoding.profile == profile]
        files = [
            Delivered(c.received.period, c.delivery.tables[file], c.known_people(), partial_until(c.received.note))
            for c in standing
        ]
        for candidate, judgement in zip(standing, judge(settings, feed, file, files, profile), strict=True):
            candidate.judgements[file] = judgement
            if judgement.blocked:
                received = candidate.received
                candidate.refusal = (
                    f"{received.name}/{data_files(received)[file].name}: {judgement.blocked} Ask {received.agency} to put the extract "
                    "right and to deliver the month again."
                )
    return candidates


def _accept(settings: Settings, candidate: _Candidate, month: Month) -> bool:
    """Add the delivery to the month, or only that it is held or refused. True if it was accepted."""
    received = candidate.received
    status, reason = _standing(settings, candidate)
    if status == "held":
        month.deliveries.append(_outcome(received, status, reason))
        return False
    month.checks += _checks(candidate)
    if status == "refused":
        none = dict.fromkeys(FILES, 0)
        counts = {"accepted": none, "refused": stated_rows(received.note), "erased": none}
        month.deliveries.append(_outcome(received, status, reason, counts))
        return False
    tables = {file: _accepted(candidate, file) for file in FILES}
    tables["activity"] = without_unlisted_codes(settings, received.feed, tables["activity"])
    refused = _refused_rows(candidate)
    erased = erased_rows(received.note)
    counts = {
        "received": {file: rows + erased[file] for file, rows in stated_rows(received.note).items()},
        "accepted": {file: len(table) for file, table in tables.items()},
        "refused": {file: sum(row["file"] == file for row in refused) for file in FILES},
        "erased": erased,
    }
    outcome = _outcome(received, "accepted", counts=counts)
    _check_conservation(candidate.delivery, outcome)
    remember_region(settings, candidate.delivery.encoding, received.name)
    month.deliveries.append(outcome)
    month.refused += refused
    for file, table in tables.items():
        month.accepted[file].append(table)
    return True


def _standing(settings: Settings, candidate: _Candidate) -> tuple[str, str | None]:
    """Whether the delivery is accepted, held or refused, and why unless it is accepted."""
    refused = ("refused", candidate.refusal)
    if candidate.delivery is None:
        return refused
    received, encoding, region = candidate.received, candidate.delivery.encoding, read_region(settings)
    if region and encoding == region.next:
        return refused if candidate.refusal else ("held", HELD)
    if why := disagreement(region, encoding, received.agency):
        return "refused", f"{received.name}/{NOTE}: {why}"
    return refused if candidate.refusal else ("accepted", None)


def _kept(table: pa.Table, judgement: Judgement) -> pa.Array:
    """Mask of the rows that go on."""
    return pc.invert(pc.is_in(row_numbers(table), pa.array(judgement.refused, pa.int64())))


def _accepted(candidate: _Candidate, file: str) -> pa.Table:
    """The rows that go on, with the delivery they come from; those of activity with their row number."""
    table = candidate.delivery.tables[file]
    columns = {name: pa.repeat(pa.scalar(value), len(table)) for name, value in slot_of(candidate.received).items()}
    if file == "activity":
        columns["row_number"] = row_numbers(table)
    columns |= {name: table[name] for name in table.column_names}
    return pa.table(columns).filter(_kept(table, candidate.judgements[file]))


def _refused_rows(candidate: _Candidate) -> list[dict]:
    """One line for each refused row: the first rule that it fails, and the reasons of all of them."""
    return [
        {
            **slot_of(candidate.received),
            "file": file,
            "row_number": row_number,
            "rule": rules[0].rule,
            "column_name": rules[0].column,
            "reason": " ".join(rule.reason for rule in rules),
        }
        for file, judgement in candidate.judgements.items()
        for row_number, rules in judgement.refused.items()
    ]


def _checks(candidate: _Candidate) -> list[dict]:
    """One line for each rule of each file that was judged, also of a delivery that is refused for it."""
    return [
        {
            **slot_of(candidate.received),
            "file": file,
            "rule": outcome.rule.rule,
            "column_name": outcome.rule.column,
            "severity": outcome.rule.severity,
            "refuses": outcome.rule.refuses,
            "kahn": outcome.rule.kahn,
            "reason": outcome.rule.reason,
            "checked": outcome.checked,
            "failed": outcome.failed,
        }
        for file, judgement in candidate.judgements.items()
        for outcome in judgement.outcomes
    ]


def _outcome(
    received: Received, status: str, reason: str | None = None, counts: dict[str, Counts] | None = None
) -> DeliveryOutcome:
    """Counts that are not given are not known: a superseded delivery was not looked into, a held one will be again."""
    unknown = {verb: dict.fromkeys(FILES) for verb in VERBS}
    rows = unknown | {"received": stated_rows(received.note)} | (counts or {})
    return DeliveryOutcome(received, status, reason, rows, content_digest(received))


def _check_conservation(delivery: Delivery, outcome: DeliveryOutcome) -> None:
    for file, table in delivery.tables.items():
        received, accepted, refused, erased = (outcome.rows[verb][file] for verb in VERBS)
        if not len(table) + erased == received == accepted + refused + erased:
            raise IngestError(
                f"{delivery.received.name}, {file}: {received:,} rows received, but {accepted:,} accepted, "
                f"{refused:,} refused and {erased:,} erased. Nothing was written."
            )
