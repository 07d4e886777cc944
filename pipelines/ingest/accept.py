"""One feed's month: every agency's delivery through its checks and the gate, and the files that come of it.

Nothing here remembers what an earlier run did: which delivery of a slot counts is worked out each time from all that
lies in landing. The last one that is accepted counts, a refused one counts as not arrived, those before it are
superseded. A row of attributes or activity whose person has no accepted row in people is refused with it: it could
belong to nobody.

Received = accepted + refused, for each file of every delivery that was judged; IngestError if not.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.pseudonymise.delivery import FILES
from pipelines.settings import Settings

from .delivery import (
    Delivery,
    DeliveryRefused,
    Received,
    agree_with_region,
    content_digest,
    expected_schemas,
    read_delivery,
    read_region,
    received_deliveries,
    remember_region,
    stated_rows,
)
from .gate import Judgement, judge, rules_digest

SLOT = [("agency", pa.string()), ("feed", pa.string()), ("period", pa.string()), ("delivery_id", pa.string())]
REFUSED = pa.schema(
    [
        *SLOT,
        ("file", pa.string()),
        ("row_number", pa.int64()),
        ("rule", pa.string()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
    ]
)
COUNTS = [f"{verb}_{file}" for verb in ("received", "accepted", "refused") for file in FILES]
DELIVERIES = pa.schema(
    [
        *SLOT,
        ("status", pa.string()),
        ("reason", pa.string()),
        *((name, pa.int64()) for name in COUNTS),
        ("digest", pa.string()),
    ]
)
CHECKS = pa.schema(
    [
        *SLOT,
        ("file", pa.string()),
        ("rule", pa.string()),
        ("column_name", pa.string()),
        ("severity", pa.string()),
        ("kahn", pa.string()),
        ("reason", pa.string()),
        ("checked", pa.int64()),
        ("failed", pa.int64()),
    ]
)


class IngestError(Exception):
    """The pipeline itself is wrong: rows were lost or made."""


@dataclass
class DeliveryOutcome:
    """What became of one delivery. Counts are rows by file, None where they are not known."""

    received: Received
    status: str  # accepted, refused or superseded
    reason: str | None
    received_rows: dict[str, int | None]
    accepted_rows: dict[str, int | None]
    refused_rows: dict[str, int | None]
    digest: str


@dataclass
class IngestResult:
    """What became of a feed's month."""

    feed: str
    period: str
    deliveries: list[DeliveryOutcome] = field(default_factory=list)
    failed_rules: dict[str, int] = field(default_factory=dict)  # rule -> rows of accepted deliveries, warnings too

    def rows(self, counted: str) -> int:
        """Rows of all files of accepted deliveries; counted is received, accepted or refused."""
        accepted = [d for d in self.deliveries if d.status == "accepted"]
        return sum(count or 0 for d in accepted for count in getattr(d, f"{counted}_rows").values())

    @property
    def reasons(self) -> list[str]:
        """Why deliveries were refused."""
        return [d.reason for d in self.deliveries if d.status == "refused" and d.reason]


@dataclass
class _Month:
    """Tables of a feed's month while they fill up."""

    people: list[pa.Table] = field(default_factory=list)
    attributes: list[pa.Table] = field(default_factory=list)
    activity: list[pa.Table] = field(default_factory=list)
    refused: list[dict] = field(default_factory=list)
    checks: list[dict] = field(default_factory=list)


def ingest_month(settings: Settings, feed: str, period: str) -> IngestResult:
    """Judge all deliveries of a feed's month and write its files, also when nothing is accepted.

    Raises IngestError if rows are lost, gate.GateError if a rule could not be evaluated; the files stay as they were.
    """
    result, month = IngestResult(feed, period), _Month()
    slots: dict[str, list[Received]] = {}
    for received in received_deliveries(settings, feed, period):
        slots.setdefault(received.agency, []).append(received)
    for deliveries in slots.values():
        result.deliveries += _ingest_slot(settings, deliveries, month)
    accepted = {d.received.delivery_id for d in result.deliveries if d.status == "accepted"}
    for check in month.checks:
        if check["failed"] and check["delivery_id"] in accepted:
            result.failed_rules[check["rule"]] = result.failed_rules.get(check["rule"], 0) + check["failed"]
    _write(settings, result, month)
    return result


def is_up_to_date(settings: Settings, feed: str, period: str) -> bool:
    """Whether the feed's month was made by this code from these deliveries, suites, code lists and contracts."""
    try:
        made_of = json.loads(_made_of_file(settings, feed, period).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return made_of == _made_of(settings, feed, period) and all(
        path.exists() for path in output_files(settings, feed, period).values()
    )


def months_delivered(settings: Settings, feed: str) -> list[str]:
    """Months for which any agency delivered this feed, acceptable or not."""
    return sorted({received.period for received in received_deliveries(settings, feed)})


def months_expected(settings: Settings) -> list[str]:
    """Every month from the first to the last that anyone delivered, whatever the feed."""
    periods = sorted({received.period for received in received_deliveries(settings)})
    return _months_between(periods[0], periods[-1]) if periods else []


def _months_between(first: str, last: str) -> list[str]:
    """Months from first to last, both included."""
    start, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(start, end + 1)]


def output_files(settings: Settings, feed: str, period: str) -> dict[str, Path]:
    """Files that a feed's month is written to, by what they hold."""
    accepted = settings.accepted / feed
    return {
        "people": settings.linkage / "people" / feed / f"{period}.parquet",
        **{
            name: accepted / f"{period}.{name}.parquet"
            for name in ("activity", "attributes", "refused", "deliveries", "checks")
        },
    }


def status_rows(settings: Settings) -> list[dict]:
    """What arrived, was accepted, refused, superseded, is waiting or missing; sorted by feed, agency and period.

    Each row: agency, feed, period, delivery_id, status, reason, received, accepted, refused (activity rows) and digest.
    """
    known = {(row["agency"], row["feed"], row["period"], row["delivery_id"]): row for row in _known(settings)}
    rows, slots = [], set()
    for received in received_deliveries(settings):
        slot = (received.agency, received.feed, received.period)
        slots.add(slot)
        row = known.get((*slot, received.delivery_id)) or {"status": "waiting", "reason": "Not ingested yet."}
        rows.append(_status(received.agency, received.feed, received.period, received.delivery_id, row))
    for agency, feed in sorted({slot[:2] for slot in slots}):
        for period in months_expected(settings):
            if (agency, feed, period) not in slots:
                gap = {"status": "missing", "reason": f"Nothing arrived. Ask {agency} for {feed} of {period}."}
                rows.append(_status(agency, feed, period, None, gap))
    return sorted(rows, key=lambda row: (row["feed"], row["agency"], row["period"], row["delivery_id"] or ""))


def _status(agency: str, feed: str, period: str, delivery_id: str | None, row: dict) -> dict:
    counts = {verb: row.get(f"{verb}_activity") for verb in ("received", "accepted", "refused")}
    return {
        "agency": agency,
        "feed": feed,
        "period": period,
        "delivery_id": delivery_id,
        "status": row["status"],
        "reason": row["reason"],
        **counts,
        "digest": row.get("digest"),
    }


def _known(settings: Settings) -> list[dict]:
    """Rows of every deliveries file."""
    files = sorted(settings.accepted.glob("*/*.deliveries.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def _ingest_slot(settings: Settings, deliveries: list[Received], month: _Month) -> list[DeliveryOutcome]:
    """Outcomes of one agency's deliveries for the month, oldest first; the last acceptable one is added to the month."""
    outcomes: list[DeliveryOutcome] = []
    taken = None
    for received in reversed(deliveries):
        if taken is None:
            outcome = _ingest_delivery(settings, received, month)
            taken = received if outcome.status == "accepted" else None
        else:
            reason = f"Superseded by delivery {taken.delivery_id}."
            unknown = dict.fromkeys(FILES)
            outcome = _outcome(received, "superseded", reason, stated_rows(received), unknown, unknown)
        outcomes.append(outcome)
    return outcomes[::-1]


def _ingest_delivery(settings: Settings, received: Received, month: _Month) -> DeliveryOutcome:
    try:
        delivery = read_delivery(received)
        agree_with_region(settings, delivery)
        judgements = _judge(settings, delivery, month)
    except DeliveryRefused as refusal:
        stated = stated_rows(received)
        return _outcome(received, "refused", str(refusal), stated, dict.fromkeys(FILES, 0), stated)
    accepted = {file: _accepted(delivery, file, judgement) for file, judgement in judgements.items()}
    refused = _refused_rows(received, judgements)
    outcome = _outcome(
        received,
        "accepted",
        None,
        {file: len(table) for file, table in delivery.tables.items()},
        {file: len(table) for file, table in accepted.items()},
        {file: sum(row["file"] == file for row in refused) for file in FILES},
    )
    _check_conservation(outcome)
    remember_region(settings, delivery)
    for file, table in accepted.items():
        getattr(month, file).append(table)
    month.refused += refused
    return outcome


def _judge(settings: Settings, delivery: Delivery, month: _Month) -> dict[str, Judgement]:
    """The gate's judgement of each file, people first. Raises DeliveryRefused if a file is refused whole."""
    received, known_people, judgements = delivery.received, None, {}
    for file in FILES:
        table = delivery.tables[file]
        judgement = judge(settings, received.feed, received.period, file, table, known_people)
        month.checks += [
            {
                **_slot(received),
                "file": file,
                "rule": outcome.rule.rule,
                "column_name": outcome.rule.column,
                "severity": outcome.rule.severity,
                "kahn": outcome.rule.kahn,
                "reason": outcome.rule.reason,
                "checked": outcome.checked,
                "failed": outcome.failed,
            }
            for outcome in judgement.outcomes
        ]
        if judgement.blocked:
            raise DeliveryRefused(
                f"{received.name}/{file}.parquet: {judgement.blocked} Ask {received.agency} to put the extract right and "
                "to deliver the month again."
            )
        judgements[file] = judgement
        if file == "people":
            known_people = table["person_ref"].filter(_kept(table, judgement))
    return judgements


def _kept(table: pa.Table, judgement: Judgement) -> pa.Array:
    """Mask of the rows that go on."""
    numbers = pa.array(range(1, len(table) + 1), pa.int64())
    return pc.invert(pc.is_in(numbers, pa.array(judgement.refused, pa.int64())))


def _accepted(delivery: Delivery, file: str, judgement: Judgement) -> pa.Table:
    """The rows that go on, with the delivery they come from; those of activity with their row number."""
    table = delivery.tables[file]
    columns = {name: pa.repeat(pa.scalar(value), len(table)) for name, value in _slot(delivery.received).items()}
    if file == "activity":
        columns["row_number"] = pa.array(range(1, len(table) + 1), pa.int64())
    columns |= {name: table[name] for name in table.column_names}
    return pa.table(columns).filter(_kept(table, judgement))


def _refused_rows(received: Received, judgements: dict[str, Judgement]) -> list[dict]:
    """One line for each refused row: the first rule that it fails, and the reasons of all of them."""
    return [
        {
            **_slot(received),
            "file": file,
            "row_number": row_number,
            "rule": rules[0].rule,
            "column_name": rules[0].column,
            "reason": " ".join(rule.reason for rule in rules),
        }
        for file, judgement in judgements.items()
        for row_number, rules in judgement.refused.items()
    ]


def _outcome(
    received: Received,
    status: str,
    reason: str | None,
    received_rows: dict[str, int | None],
    accepted_rows: dict[str, int | None],
    refused_rows: dict[str, int | None],
) -> DeliveryOutcome:
    digest = content_digest(received)
    return DeliveryOutcome(received, status, reason, received_rows, accepted_rows, refused_rows, digest)


def _check_conservation(outcome: DeliveryOutcome) -> None:
    for file in FILES:
        came, went, stopped = (
            counts[file] for counts in (outcome.received_rows, outcome.accepted_rows, outcome.refused_rows)
        )
        if came != went + stopped:
            raise IngestError(
                f"{outcome.received.name}/{file}.parquet: {came:,} rows received, but {went:,} accepted and "
                f"{stopped:,} refused. Nothing was written."
            )


def _slot(received: Received) -> dict[str, str]:
    return {name: getattr(received, name) for name, _ in SLOT}


def _write(settings: Settings, result: IngestResult, month: _Month) -> None:
    """Write all files beside their places, then move them in.

    The record of what they were made of goes first and comes back last: an interrupted run leaves a month that is not
    up to date.
    """
    schemas = expected_schemas(result.feed)
    tables = {
        "people": _joined(month.people, [*SLOT, *schemas["people"]]),
        "activity": _joined(month.activity, [*SLOT, ("row_number", pa.int64()), *schemas["activity"]]),
        "attributes": _joined(month.attributes, [*SLOT, *schemas["attributes"]]),
        "refused": pa.Table.from_pylist(month.refused, REFUSED),
        "deliveries": pa.Table.from_pylist([_delivery_row(outcome) for outcome in result.deliveries], DELIVERIES),
        "checks": pa.Table.from_pylist(month.checks, CHECKS),
    }
    files = output_files(settings, result.feed, result.period)
    beside = {name: path.with_name(f".{path.name}.new") for name, path in files.items()}
    made_of = _made_of_file(settings, result.feed, result.period)
    for name, path in beside.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(tables[name], path, compression="zstd")
    made_of.unlink(missing_ok=True)
    for name, path in beside.items():
        path.replace(files[name])
    text = json.dumps(_made_of(settings, result.feed, result.period), indent=2, sort_keys=True)
    made_of.write_text(text + "\n", encoding="utf-8")


def _joined(tables: list[pa.Table], schema: list) -> pa.Table:
    """The agencies' tables below one another; with no agency, an empty one of the same columns."""
    schema = pa.schema(schema)
    return pa.concat_tables([schema.empty_table(), *tables])


def _delivery_row(outcome: DeliveryOutcome) -> dict:
    counts = {"received": outcome.received_rows, "accepted": outcome.accepted_rows, "refused": outcome.refused_rows}
    return {
        **_slot(outcome.received),
        "status": outcome.status,
        "reason": outcome.reason,
        **{f"{verb}_{file}": rows[file] for verb, rows in counts.items() for file in FILES},
        "digest": outcome.digest,
    }


def _made_of_file(settings: Settings, feed: str, period: str) -> Path:
    return settings.accepted / feed / f"{period}.made_of.json"


def _made_of(settings: Settings, feed: str, period: str) -> dict:
    """Digests of all that a feed's month comes from."""
    return {
        "deliveries": {r.name: content_digest(r) for r in received_deliveries(settings, feed, period)},
        "region": read_region(settings),
        "rules": rules_digest(settings),
        "code": _code_digest(),
    }


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """SHA-256 over the code that reads and judges deliveries, as it is on disk when first asked for."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    contracts = [here.parent / "pseudonymise" / name for name in ("contract.py", "encode.py", "delivery.py")]
    for path in [*sorted(here.glob("*.py")), *contracts]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
