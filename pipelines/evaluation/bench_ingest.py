"""What the gate costs: a month of so many activity rows is taken in, a feed at a time, and beside it the same checks are one
DuckDB scan over the delivered file, as somebody would write it who needs no suites.

Each feed is a process of its own. CPU seconds of all threads are compared, since they are what other work on the computer
leaves alone; the import of Great Expectations, once a process, stands apart. Both must find the same failures, rule by
rule, or there is no figure. Part of `make bench`.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.code_lists import read_codes
from pipelines.ingest import accept, verdicts
from pipelines.ingest.gate import Judgement
from pipelines.ingest.rules import Rule, load_rules
from pipelines.pseudonymise import contract, encode
from pipelines.pseudonymise.delivery import FILES, SPEC_VERSION
from pipelines.settings import Settings
from pipelines.synthetic.activity_only import PERIOD, activity, people

AGENCY = "BENCH"
MOST_TIMES_A_SCAN, MOST_OF_INGEST = 15, 0.25  # what the gate may cost

Figures = dict[str, float]


class CountsDiffer(Exception):
    """The gate and the scan do not find the same: one of them is wrong, and their times mean nothing."""


def measure_feed(folder: Path, feed: str, rows: int) -> Figures:
    """CPU and wall seconds of taking in a month of so many rows, of its gate, and of the scan of its activity."""
    settings = Settings(data=folder / feed)
    shutil.rmtree(settings.data, ignore_errors=True)
    file = _deliver(settings, feed, rows)
    import_cpu, _, _ = _timed(verdicts._batch_definition)
    gate = _Watched(accept.judge)
    accept.judge = gate
    ingest_cpu, ingest_wall, month = _timed(lambda: accept.ingest_month(settings, feed, PERIOD))
    if month.refusals or month.count("accepted") == 0:
        raise SystemExit(f"{feed}: the month was refused, so nothing is measured: {' '.join(month.refusals)}")
    activity_cpu, activity_wall, found = gate.seen[-1]
    scan_cpu, scan_wall, failed = _timed(lambda: scan(settings, feed, file))
    _compare(feed, found[0], failed)
    result = {
        "rows": rows,
        "rules": len(failed),
        "failures": sum(failed.values()),
        "import": import_cpu,
        "ingest": ingest_cpu,
        "ingest_wall": ingest_wall,
        "gate": sum(cpu for cpu, _, _ in gate.seen),
        "gate_wall": sum(wall for _, wall, _ in gate.seen),
        "activity": activity_cpu,
        "activity_wall": activity_wall,
        "scan": scan_cpu,
        "scan_wall": scan_wall,
    }
    shutil.rmtree(settings.data)
    return result


def scan(settings: Settings, feed: str, file: Path) -> dict[str, int]:
    """Rows of a delivery's activity that fail each rule, by the rule's key, counted in one scan of the file.

    Codes are compared as they are spelled: the rows are made of codes out of the lists.
    """
    rules = load_rules(settings, feed, "activity")
    event = contract.event_column(contract.activity_columns(feed)).name
    with duckdb.connect(config={"threads": settings.threads}) as con:
        con.register("versions", read_codes(settings.reference / "codes"))
        con.execute(verdicts.CODE_KEY)
        counts = ", ".join(
            "(count(*) = 0)::integer"
            if rule.refuses == "file"
            else f"coalesce(count(*) filter (where {_fails(con, rule)}), 0)"
            for rule in rules
        )
        names = ", ".join(f'"{name}"' for name in contract.arrow_schema(feed).names)
        day = f"date '{PERIOD}-01'"
        found = con.execute(
            f"""
            with rows as (
                select *, hash({names}) as row_hash, file_row_number + 1 as row_number, true as known_person,
                    {day} as period_start, ({day} + interval 1 month)::date as period_end,
                    greatest("{event}"::date, {day}) as event_date
                from read_parquet('{file}', file_row_number = true)
            )
            select {counts} from rows
            """
        ).fetchall()[0]
    return {rule.key: number for rule, number in zip(rules, found, strict=True)}


def _fails(con: duckdb.DuckDBPyConnection, rule: Rule) -> str:
    """SQL of what fails a rule."""
    column, kwargs = f'"{rule.kwargs["column"]}"', rule.kwargs
    if rule.rule in ("code_outside_validity", "codes_not_in_list"):
        code_list = rule.sql.split("code_list = '")[1].split("'")[0]
        if rule.rule == "code_outside_validity":
            return f'"{rule.column}" in {(*_lapsed(con, code_list), "")}'
        return f"not list_has_all({_spelled(con, code_list, 'true')}, string_split(\"{rule.column}\", ','))"
    if rule.code_list:
        return f"{column} not in {tuple(_spelled(con, rule.code_list, 'true'))}"
    if rule.sql:
        return f"not ({rule.sql})"
    if rule.type == verdicts.NOT_NULL:
        return f"{column} is null"
    if "regex" in kwargs:
        return f"not regexp_full_match({column}, '{kwargs['regex'].strip('^$')}')"
    if "value_set" in kwargs:
        return f"{column} not in ({', '.join(map(repr, kwargs['value_set']))})"
    ends = {"<": kwargs.get("min_value"), ">": kwargs.get("max_value")}
    return " or ".join(f"{column} {beyond} {end}" for beyond, end in ends.items() if end is not None)


def _lapsed(con: duckdb.DuckDBPyConnection, code_list: str) -> list[str]:
    """Codes of a list of which no version is valid in the month."""
    valid = set(
        _spelled(con, code_list, f"valid_from <= '{PERIOD}-01' and coalesce(valid_to, 'infinity') >= '{PERIOD}-31'")
    )
    return [code for code in _spelled(con, code_list, "true") if code not in valid]


def _spelled(con: duckdb.DuckDBPyConnection, code_list: str, when: str) -> list[str]:
    found = con.execute(f"select code from versions where code_list = ? and ({when})", [code_list]).fetchall()
    return [code.replace("'", "") for (code,) in found]


def _compare(feed: str, found: Judgement, failed: dict[str, int]) -> None:
    of_gate = {outcome.rule.key: outcome.failed for outcome in found.outcomes}
    unlike = [f"{key}: gate {of_gate[key]:,}, scan {count:,}" for key, count in failed.items() if of_gate[key] != count]
    if unlike:
        raise CountsDiffer(f"{feed}: {'; '.join(unlike)}")


def _timed(work: Callable) -> tuple[float, float, object]:
    """CPU seconds of all threads, wall seconds, and what came of it."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


class _Watched:
    """A function that remembers what each call took and returned."""

    def __init__(self, function: Callable):
        self.function, self.seen = function, []

    def __call__(self, *arguments: object, **named: object) -> object:
        cpu, wall, result = _timed(lambda: self.function(*arguments, **named))
        if result:  # there was something to judge
            self.seen.append((cpu, wall, result))
        return result


def _deliver(settings: Settings, feed: str, rows: int) -> Path:
    """A delivery of so many rows in landing; its activity file."""
    profile = encode.DEFAULT_PROFILE
    known, attributes = people(feed, rows, 1, profile)
    tables = {"people": known, "attributes": attributes, "activity": activity(settings, feed, rows, 1)}
    slot = settings.landing / AGENCY / feed / PERIOD
    folder = slot / f"001-{hashlib.sha256(feed.encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    note = {
        "delivery_id": folder.name,
        "created_at": datetime(2024, 2, 1, tzinfo=UTC).isoformat(),
        "feed": feed,
        "agency": AGENCY,
        "period": PERIOD,
        "spec_version": SPEC_VERSION,
        "encoder": {**encode.settings(profile), "checksum": encode.checksum(profile)},
        "key_check": encode.key_check(bytes(32)),
        "rows": {name: len(tables[name]) for name in FILES},
        "sha256": {f"{name}.parquet": _sha256(folder / f"{name}.parquet") for name in FILES},
    }
    (folder / "delivery.json").write_text(json.dumps(note))
    return folder / "activity.parquet"


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def table(of_feed: dict[str, Figures]) -> str:
    """Markdown: one row a feed."""
    heads = ["feed", "rows", "rules", "failures", "ingest, CPU s", "gate of it, CPU s", "of ingest"]
    heads += ["gate on activity, CPU s", "one scan, CPU s", "times a scan", "import, CPU s"]
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for feed, f in of_feed.items():
        share, times = f["gate"] / f["ingest"], f["activity"] / f["scan"]
        row = [feed, f"{f['rows']:,}", f"{f['rules']}", f"{f['failures']:,}", f"{f['ingest']:.1f}", f"{f['gate']:.2f}"]
        row += [f"{share:.0%}" + (" (too much)" if share > MOST_OF_INGEST else ""), f"{f['activity']:.2f}"]
        row += [f"{f['scan']:.2f}", f"{times:.1f}" + (" (too much)" if times > MOST_TIMES_A_SCAN else "")]
        lines.append(" | ".join([*row, f"{f['import']:.1f}"]))
    return "\n".join(f"| {line} |" for line in lines)
