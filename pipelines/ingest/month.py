"""What a feed's month becomes: its files on the accepted side, how they are written, and whether they are up to date.

For each feed and month: people (tokens) on linkage's side; activity, attributes, refused rows, deliveries and checks on
the marts' side. A file is there whole or not at all, and the same rows give the same bytes.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.pseudonymise import encode
from pipelines.pseudonymise.delivery import FILES
from pipelines.settings import Settings

from .delivery import Received, content_digest, distinct, expected_schemas, received_deliveries
from .note import partial_until
from .region import read_region
from .rules import rules_digest

Counts = dict[str, int | None]  # rows by file; None where they are not known
STATUSES = ("accepted", "held", "refused", "superseded", "withdrawn")

SLOT = [(name, pa.string()) for name in ("agency", "feed", "period", "delivery_id")]
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
VERBS = ("received", "accepted", "refused", "erased")
DELIVERIES = pa.schema(
    [
        *SLOT,
        ("status", pa.string()),
        ("reason", pa.string()),
        *((f"{verb}_{file}", pa.int64()) for verb in VERBS for file in FILES),
        ("partial_until", pa.date32()),
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
        ("refuses", pa.string()),
        ("kahn", pa.string()),
        ("reason", pa.string()),
        ("checked", pa.int64()),
        ("failed", pa.int64()),
    ]
)


@dataclass
class DeliveryOutcome:
    """What became of one delivery."""

    received: Received
    status: str  # one of STATUSES
    reason: str | None  # in words, unless accepted
    rows: dict[str, Counts]  # received, accepted, refused, erased
    digest: str


@dataclass
class Month:
    """What became of a feed's month. Rows are those of accepted deliveries."""

    feed: str
    period: str
    deliveries: list[DeliveryOutcome] = field(default_factory=list)
    accepted: dict[str, list[pa.Table]] = field(default_factory=lambda: {file: [] for file in FILES})
    refused: list[dict] = field(default_factory=list)  # rows of REFUSED
    checks: list[dict] = field(default_factory=list)  # rows of CHECKS

    def count(self, verb: str) -> int:
        """Rows of all files of accepted deliveries that were received, accepted or refused."""
        accepted = [delivery for delivery in self.deliveries if delivery.status == "accepted"]
        return sum(delivery.rows[verb][file] for delivery in accepted for file in FILES)

    @property
    def refusals(self) -> list[str]:
        """Why deliveries were refused, each in words."""
        return [delivery.reason for delivery in self.deliveries if delivery.status == "refused"]


def slot_of(received: Received) -> dict[str, str]:
    """The columns that say which delivery a row is from."""
    return {name: getattr(received, name) for name, _ in SLOT}


def month_files(settings: Settings, feed: str, period: str) -> dict[str, Path]:
    """Files of a feed's month, by what they hold."""
    marts_side = ("activity", "attributes", "refused", "deliveries", "checks")
    return {
        "people": settings.linkage / "people" / feed / f"{period}.parquet",
        **{name: settings.accepted / feed / f"{period}.{name}.parquet" for name in marts_side},
    }


def is_up_to_date(settings: Settings, feed: str, period: str) -> bool:
    """Whether the feed's month was made by this code from these deliveries, suites, code lists and contracts."""
    try:
        recorded = json.loads(_made_of_file(settings, feed, period).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    there = all(path.exists() for path in month_files(settings, feed, period).values())
    now = made_of(settings, distinct(received_deliveries(settings, feed, period)))
    return there and recorded == {**now, "region": _region(settings)}


def made_of(settings: Settings, deliveries: list[Received]) -> dict:
    """Digests of all that a feed's month comes from but the region, which its own deliveries may set."""
    return {
        "deliveries": {received.name: content_digest(received) for received in deliveries},
        "withdrawn": {received.name: received.withdrawal for received in deliveries if received.withdrawal},
        "rules": rules_digest(settings),
        "code": _code_digest(),
    }


def write_month(settings: Settings, month: Month, made: dict) -> None:
    """Write all files beside their places, then move them in. made: made_of the month, from before it was judged.

    The record of what they were made of goes first and comes back last: an interrupted run leaves a month that is not
    up to date.
    """
    region = read_region(settings)
    schemas = expected_schemas(month.feed, region.current.profile if region else encode.DEFAULT_PROFILE)
    activity = [*SLOT, ("row_number", pa.int64()), *schemas["activity"]]
    tables = {
        # Without the delivery: a correction that leaves everybody's tokens as they were leaves linkage as it was.
        "people": _joined(month.accepted["people"], [*SLOT, *schemas["people"]]).drop_columns("delivery_id"),
        "activity": _joined(month.accepted["activity"], activity),
        "attributes": _joined(month.accepted["attributes"], [*SLOT, *schemas["attributes"]]),
        "refused": _table(month.refused, REFUSED),
        "deliveries": _table([_delivery_row(outcome) for outcome in month.deliveries], DELIVERIES),
        "checks": _table(month.checks, CHECKS),
    }
    files = month_files(settings, month.feed, month.period)
    beside = {name: path.with_name(f".{path.name}.new") for name, path in files.items()}
    for name, path in beside.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(tables[name], path, compression="zstd")
    record = _made_of_file(settings, month.feed, month.period)
    record.unlink(missing_ok=True)
    for name, path in beside.items():
        path.replace(files[name])
    text = json.dumps({**made, "region": _region(settings)}, indent=2, sort_keys=True)
    record.write_text(text + "\n", encoding="utf-8")


def _joined(tables: list[pa.Table], schema: list) -> pa.Table:
    """The agencies' rows, by agency; with no agency, an empty table of the same columns."""
    by_agency = sorted(filter(len, tables), key=lambda table: table["agency"][0].as_py())
    return pa.concat_tables([pa.schema(schema).empty_table(), *by_agency])


def _table(rows: list[dict], schema: pa.Schema) -> pa.Table:
    """Rows by agency, in the order in which they came within one."""
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["agency"]), schema)


def _delivery_row(outcome: DeliveryOutcome) -> dict:
    return {
        **slot_of(outcome.received),
        "status": outcome.status,
        "reason": outcome.reason,
        **{f"{verb}_{file}": outcome.rows[verb][file] for verb in VERBS for file in FILES},
        "partial_until": partial_until(outcome.received.note),
        "digest": outcome.digest,
    }


def _region(settings: Settings) -> dict | None:
    region = read_region(settings)
    return region.to_json() if region else None


def _made_of_file(settings: Settings, feed: str, period: str) -> Path:
    return settings.accepted / feed / f"{period}.made_of.json"


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """SHA-256 over the code that reads and judges deliveries, as it is on disk when first asked for."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    contracts = [here.parent / "pseudonymise" / name for name in ("contract.py", "encode.py", "delivery.py")]
    for path in [*sorted(here.glob("*.py")), here.parent / "code_lists.py", *contracts]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
