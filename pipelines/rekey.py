"""Changing a region's key, encoder version or profile: what must be delivered again, and the one step that switches.

Records that were encoded in two ways cannot be linked, so all of them change at once. The hub opens the change with the
new key's check (not the key); from then on deliveries of the new encoding pass every check and are *held*, while the old
ones go on to be what is linked and released. When every month that counts today has arrived anew, one step makes the new
encoding the region's own: the next run takes the held deliveries in, and the old ones count no more.

Of what the hub remembers, the switch drops the warehouse, which can be rebuilt, and where the encoder changes also the
choice of linkage model, so that the next run trains another. A new key makes a new person_ref of every client: their
person ids end (person_history says so) and nobody's id is carried over, because that would need a list of old and new
references of the same people, which is what a change of key is to prevent. Where the key stays, person ids stay too.
For the same reason the hub would not know those again who were erased: before the switch each agency sends their new
references, or says that it has no more of them.
"""

import itertools
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.erasure.tombstones import Tombstones
from pipelines.ingest.delivery import Received, received_deliveries, stated_encoding
from pipelines.ingest.month import is_up_to_date
from pipelines.ingest.region import Encoding, Region, read_region, switched, with_next, write_region
from pipelines.ingest.status import months_expected, status_rows
from pipelines.pseudonymise import encode
from pipelines.pseudonymise.errors import InputError
from pipelines.run_lock import only_run
from pipelines.settings import Settings

KEY_CHECK = re.compile(r"[0-9a-f]{16}")
SLOTS_TOLD = 5  # in a refusal

HOW = """How a key, encoder version or profile is changed:
  1  An agency makes the new key (upstream keygen) and hands it to the others. The hub is told its key check, which
     `upstream pseudonymise` prints, and never the key. For another encoder version, every agency and the hub install it.
  2  At the hub: upstream rekey-plan --start KEY_CHECK [--profile PROFILE]
  3  Agencies pseudonymise every month listed above again and deliver it. New months come in the new way as well.
     The hub runs as before: what comes in the new way is held, and what it has goes on to count. (With another encoder
     version the hub can no longer read what it has: the last release stands until the switch.)
     With another key, agencies also send the new references of everybody who was erased (upstream refs), which the hub
     takes in (upstream erase --file): otherwise they would come back.
  4  When all has arrived: upstream rekey-plan --finish, then upstream run
What it changes: with another key every client gets a new person_ref, so all person ids and contact ids are new and are
not comparable with those of earlier releases; with the same key they stay. The old key's deliveries stay in landing
until you delete them, and whoever has both can match them by the times of events."""


@dataclass(frozen=True)
class Slot:
    """One agency's feed and month in a plan. state: to deliver, arrived, waiting, refused or overtaken."""

    agency: str
    feed: str
    period: str
    counts_now: bool  # has a delivery of the present encoding that would stop counting
    state: str
    reason: str | None = None

    @property
    def name(self) -> str:
        return f"{self.agency}/{self.feed}/{self.period}"


@dataclass(frozen=True)
class Erased:
    """How many of an agency's clients were erased under the present key, and how many under the next one so far."""

    agency: str
    now: int
    sent_again: int

    def __str__(self) -> str:
        return f"{self.agency} {self.sent_again:,} of {self.now:,}"


@dataclass(frozen=True)
class Plan:
    """What a change of encoding takes. slots are sorted by agency, feed and period; erased: if the key changes."""

    region: Region
    slots: list[Slot]
    erased: list[Erased]

    @property
    def missing(self) -> list[Slot]:
        """Slots that count now and would be gaps after the switch."""
        return [slot for slot in self.slots if slot.counts_now and slot.state != "arrived"]


def plan(settings: Settings) -> Plan:
    """What must be delivered again, and what of it has arrived. Raises InputError before the first accepted delivery."""
    region = read_region(settings)
    if region is None:
        raise InputError("nothing was accepted yet: the first accepted delivery sets key, encoder version and profile.")
    status = {(row["agency"], row["feed"], row["period"], row["delivery_id"]): row for row in status_rows(settings)}
    slots: dict[tuple[str, str, str], list[Received]] = {}
    for received in received_deliveries(settings):
        slots.setdefault((received.agency, received.feed, received.period), []).append(received)
    found = [
        _slot(region, deliveries, [status[(*slot, d.delivery_id)] for d in deliveries])
        for slot, deliveries in slots.items()
    ]
    return Plan(region, [slot for slot in found if slot], _erased(settings, region))


def start(settings: Settings, key_check: str, profile: str | None = None) -> Plan:
    """Open the change to a key, by its check, to this version's encoder and to a profile (the region's if not given)."""
    if not KEY_CHECK.fullmatch(key_check):
        raise InputError(
            "a key check is 16 hexadecimal characters, as `upstream pseudonymise` prints it and the delivery note has it. "
            "If what you typed was the key itself, it is known to the hub now: have the agencies make another one."
        )
    with _alone(settings):
        region = plan(settings).region
        profile = profile or region.current.profile or encode.DEFAULT_PROFILE
        new = Encoding(key_check, encode.checksum(profile), encode.ENCODER_VERSION, profile)
        if region.next and region.next != new:
            raise InputError(
                "another change is open already. Complete it, or drop it first: upstream rekey-plan --cancel"
            )
        if region.current == new:
            raise InputError("key, encoder version and profile are what the region has already: nothing is to change.")
        if key_check != region.current.key_check and key_check in {old.key_check for old in region.retired}:
            raise InputError("that key was given up before. Have the agencies make a new one: upstream keygen")
        write_region(settings, with_next(region, new))
        return plan(settings)


def cancel(settings: Settings) -> Plan:
    """Drop the change that is open: what was held is refused from the next run on."""
    with _alone(settings):
        region = _changing(settings)
        write_region(settings, with_next(region, None))
        return plan(settings)


def finish(settings: Settings, accept_gaps: bool = False, no_more_erased: Collection[str] = ()) -> Plan:
    """Make the next encoding the region's own; returns the plan as it was completed.

    Raises InputError while something is missing, unless gaps are accepted, while an agency has sent fewer references of
    erased people than there are, unless it is among `no_more_erased`, and when nothing has arrived at all.
    """
    with _alone(settings):
        region = _changing(settings)
        due = itertools.product(settings.feeds, months_expected(settings))
        if not all(is_up_to_date(settings, feed, month) for feed, month in due):
            raise InputError("not all that was delivered was looked into yet. First: upstream run")
        complete = plan(settings)
        arrived = [slot for slot in complete.slots if slot.state == "arrived"]
        if not arrived:
            raise InputError("nothing has arrived in the new way yet. Look at upstream rekey-plan")
        if complete.missing and not accept_gaps:
            names = ", ".join(slot.name for slot in complete.missing[:SLOTS_TOLD])
            more = f" and {len(complete.missing) - SLOTS_TOLD:,} more" if len(complete.missing) > SLOTS_TOLD else ""
            raise InputError(
                f"still to be delivered in the new way: {names}{more}. Look at upstream rekey-plan, or let these months "
                "be gaps: upstream rekey-plan --finish --accept-gaps"
            )
        owing = [erased for erased in complete.erased if erased.sent_again < erased.now]
        if owing := [erased for erased in owing if erased.agency not in no_more_erased]:
            raise InputError(
                "people who were erased would come back under new references. Sent again so far: "
                f"{', '.join(map(str, owing))}. Ask for the lists (upstream refs, with the new key) and take them in "
                "(upstream erase --file), or name an agency that says it has no more: --finish --no-more-erased AGENCY"
            )
        # In this order a kill at any point leaves one encoding, and nothing that was made of two.
        if settings.warehouse.exists():
            shutil.rmtree(settings.warehouse)
        if region.next.encoder_checksum != region.current.encoder_checksum:
            (settings.state / "models" / "current.json").unlink(missing_ok=True)
        write_region(settings, switched(region, arrived[0].name))
        return complete


def describe(plan: Plan) -> str:
    """The plan in words: what all deliveries share, each slot, what is still to come and what to do next."""
    region = plan.region
    lines = [f"Now    {_in_words(region.current)}"]
    if region.next:
        lines.append(f"Next   {_in_words(region.next)}")
    lines.append("")
    for slot in plan.slots:
        old = region.current.key_check if slot.counts_now else "-"
        state = f"{slot.state}: {slot.reason}" if slot.reason else slot.state
        lines.append(f"{slot.agency:12} {slot.feed:22} {slot.period}  key check {old:16}  {state}")
    lines.append("")
    if plan.erased:
        lines.append(f"References of erased people that were sent again: {', '.join(map(str, plan.erased))}.")
    if not region.next:
        lines.append(f"A change means that these {len(plan.slots):,} months are delivered again.")
        lines.append(HOW)
    elif plan.missing:
        lines.append(
            f"{len(plan.missing):,} of {len(plan.slots):,} months are still to come. Then: upstream rekey-plan --finish"
        )
    else:
        lines.append("All has arrived. Switch with: upstream rekey-plan --finish")
    return "\n".join(lines)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    with only_run(settings) as alone:
        if not alone:
            raise InputError("a run is under way. Wait until it has ended, then try again.")
        yield


def _changing(settings: Settings) -> Region:
    """The region, if a change is open."""
    region = read_region(settings)
    if region is None or region.next is None:
        raise InputError("no change is open. Open one with: upstream rekey-plan --start KEY_CHECK")
    return region


def _in_words(encoding: Encoding) -> str:
    return (
        f"key check {encoding.key_check}, encoder version {encoding.encoder_version or '?'}, "
        f"profile {encoding.profile or '?'}, encoder checksum {encoding.encoder_checksum[:12]}…"
    )


def _erased(settings: Settings, region: Region) -> list[Erased]:
    """Each agency with people erased under the present key, if the key is to change."""
    if region.next is None or region.next.key_check == region.current.key_check:
        return []
    counts = Counter((stone.agency, stone.key_check) for stone in Tombstones.read(settings).stones)
    agencies = sorted(agency for agency, key_check in counts if key_check == region.current.key_check)
    return [Erased(a, counts[a, region.current.key_check], counts[a, region.next.key_check]) for a in agencies]


def _slot(region: Region, deliveries: list[Received], status: list[dict]) -> Slot | None:
    """One slot of the plan from its deliveries in order; None if it neither counts nor comes in the new way."""
    encodings = [stated_encoding(received) for received in deliveries]
    counts_now = any(
        row["status"] == "accepted" or (encoding == region.current and not region.current.is_known)
        for encoding, row in zip(encodings, status, strict=True)
    )
    new = [row for encoding, row in zip(encodings, status, strict=True) if region.next and encoding == region.next]
    states = {row["status"]: row for row in new}
    if not (counts_now or new):
        return None
    where = deliveries[0].agency, deliveries[0].feed, deliveries[0].period, counts_now
    if "held" in states:
        return Slot(*where, "arrived")
    if "waiting" in states:
        return Slot(*where, "waiting", "not looked into yet: upstream run")
    if "superseded" in states:
        return Slot(*where, "overtaken", "a later delivery came in the old way: deliver again")
    if "refused" in states:
        return Slot(*where, "refused", states["refused"]["reason"])
    return Slot(*where, "to deliver")
