"""The rules of the gate: what the suites in expectations/feeds say, ready to be evaluated on one file of a delivery.

`people.json` and `attributes.json` judge those files of every feed, `activity.json` the activity of every feed, and
`<feed>.json` that feed's activity besides. The suites are the only home of a rule. Beside what Great Expectations
reads, an expectation carries in its `meta`:

- rule      its id; column: the column it is about, where the expectation's own is a computed one
- severity  critical: what fails is refused; warning: rows that fail are counted and go on, and somebody should look into
            it; info: the same, and nobody needs to (that it changes is a warning of marts.quality_trend)
- refuses   of a critical rule: file, if the rule fails at all, or row, which goes to the refused rows
- kahn      conformance, completeness or plausibility
- reason    one plain sentence that an agency can act on: what is wrong with what fails
- sql       where a rule looks at more than one column, the expression (DuckDB) of the column that is judged; a rule that
            refuses the file judges one row for each file, so its expression is an aggregate
- among     where the expression compares rows, the columns that these must share to be compared ('*': all of them)
- for_each  the expectation stands for one of each contract column with these properties ('*': any but empty)

In `sql` and `kwargs`, `$column` and `$code_list` are those of for_each. An expression sees the file's columns,
row_number, period_start and period_end (the first day after the
month, or after the last day that a delivery of a part of it covers), event_date (day by which the row's codes are told: of the event, or the month's first if it began before),
known_person (the row's person has an accepted row in people), code_key(text), the tables codes(code_list, code_key) and
code_lapses(code_list, code_key, from_day, before_day: times in which a listed code is not valid). One that has `among` sees only rows of its delivery that
share these columns with another: as `rows`, and with row_hash (equal for rows that are equal throughout); every other row
passes. NULL passes: what must not be empty says so in a rule of its own.

An expectation is about the values of one column, each by itself: a rule that compares rows does so in its `sql`, and no
rule says `mostly`. A rule about codes, or about one column of times or areas, costs next to nothing; one that compares
more is worked out for every row (verdicts.py).
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.code_lists import validity_digest
from pipelines.pseudonymise import contract, encode
from pipelines.settings import Settings

from .delivery import expected_schemas

SEVERITIES = ("critical", "warning", "info")
REFUSES = ("file", "row")
KAHN = ("conformance", "completeness", "plausibility")
CODE_LIST = "$code_list:"
EVENT_DATE = "event_date"
OF_ROWS = {"row_number", "known_person"}
COMPARED = re.compile(r"\b(?:row_hash|from\s+rows)\b", re.IGNORECASE)
CODE_KEY = "code_key("
FEW_VALUES = ("code", "codes", "boolean", "date")  # types of columns in which a file has few different combinations
MANY_VALUES = ("person", "reference", "timestamp", "int64", "binary")  # types of columns in which hardly two are equal


class GateError(Exception):
    """A rule could not be evaluated: the suite or the pipeline is at fault, not the delivery."""


@dataclass(frozen=True)
class Rule:
    """One expectation, ready to be evaluated on one file."""

    rule: str
    column: str | None  # the column it is about, as in the file; None for the file as a whole
    severity: str
    refuses: str | None  # of a critical rule: file or row
    kahn: str
    reason: str
    type: str
    kwargs: dict[str, Any] = field(hash=False)
    sql: str | None = None  # of the column that is judged, unless that is the file's own
    among: tuple[str, ...] = ()  # the columns that rows share that it compares
    reads: tuple[str, ...] = ()  # the columns that it reads, if they have few distinct values
    code_list: str | None = None  # the column must be in it, compared by code key

    @property
    def key(self) -> str:
        return f"{self.rule}|{self.column or ''}"


Rules = tuple[Rule, ...]


def rules_digest(settings: Settings) -> str:
    """SHA-256 over all that decides what the gate does: suites, code lists, contracts."""
    digest = hashlib.sha256()
    digest.update(validity_digest(settings.reference / "codes").encode())
    for folder in (settings.expectations / "feeds", settings.feed_contracts):
        for path in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".csv")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def load_rules(settings: Settings, feed: str, file: str, profile: str = encode.DEFAULT_PROFILE) -> list[Rule]:
    """The rules for one file of a feed's delivery, in the suites' order. Raises GateError for a faulty suite."""
    columns = _columns(feed, file, profile)
    suites = ["activity", feed] if file == "activity" else [file]
    rules = []
    for suite in suites:
        path = settings.expectations / "feeds" / f"{suite}.json"
        for expectation in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
            rules += _expand(path, expectation, columns)
    keys = Counter(rule.key for rule in rules)
    if doubled := [key for key, times in keys.items() if times > 1]:
        raise GateError(f"{path.name}: rules that stand there twice: {', '.join(doubled)}.")
    return rules


@lru_cache(maxsize=64)
def rules_of(settings: Settings, feed: str, file: str, profile: str, digest: str) -> Rules:
    """load_rules, once for each state (digest) of the files they come from."""
    return tuple(load_rules(settings, feed, file, profile))


def _columns(feed: str, file: str, profile: str) -> list[contract.Column]:
    """The file's columns; those of people and attributes described by their Parquet type."""
    if file == "activity":
        person = contract.Column("person_ref", "person", True, "", "")
        return [person, *(column for column in contract.activity_columns(feed) if column.type != "person")]
    return [contract.Column(f.name, str(f.type), False, "", "") for f in expected_schemas(feed, profile)[file]]


def _expand(path: Path, expectation: dict, columns: list[contract.Column]) -> Iterator[Rule]:
    """One rule, or one for each column that for_each describes."""
    meta = expectation["meta"]
    wanted = meta.get("for_each")
    for column in [None] if wanted is None else [c for c in columns if _fits(c, wanted)]:
        rule = _rule(path, _fill_in(expectation, column), columns)
        if rule.sql is None and rule.column and rule.column not in {c.name for c in columns}:
            raise GateError(f"{path.name}, rule {rule.rule}: the contract has no column {rule.column}.")
        yield rule


def _fits(column: contract.Column, wanted: dict[str, Any]) -> bool:
    return all(
        bool(getattr(column, name)) if value == "*" else getattr(column, name) == value
        for name, value in wanted.items()
    )


def _fill_in(node: Any, column: contract.Column | None) -> Any:
    """The expectation with $column and $code_list replaced in every text."""
    if column is None:
        return node
    if isinstance(node, dict):
        return {name: _fill_in(value, column) for name, value in node.items()}
    if isinstance(node, list):
        return [_fill_in(value, column) for value in node]
    if isinstance(node, str) and node != "$code_list":
        return node.replace("$column", column.name).replace("$code_list", column.code_list)
    return f"{CODE_LIST}{column.code_list}" if node == "$code_list" else node


def _rule(path: Path, expectation: dict, columns: list[contract.Column]) -> Rule:
    meta, kwargs = expectation["meta"], expectation["kwargs"]
    missing = [entry for entry in ("rule", "severity", "kahn", "reason") if not meta.get(entry)]
    missing += [] if "column" in kwargs else ["a column to judge"]
    missing += ["verdicts on each value (no mostly)"] if "mostly" in kwargs else []
    if missing or meta["severity"] not in SEVERITIES or meta["kahn"] not in KAHN:
        raise GateError(f"{path.name}: an expectation lacks {', '.join(missing) or 'a known severity or kahn tag'}.")
    if (meta.get("refuses") in REFUSES) != (meta["severity"] == "critical"):
        raise GateError(
            f"{path.name}, rule {meta['rule']}: it says `refuses`, row or file, if and only if it is critical."
        )
    among = tuple(column.name for column in columns) if meta.get("among") == ["*"] else tuple(meta.get("among", []))
    if unknown := set(among) - {column.name for column in columns}:
        raise GateError(f"{path.name}, rule {meta['rule']}: the contract has no column {', '.join(sorted(unknown))}.")
    if COMPARED.search(meta.get("sql", "")) and not among:
        raise GateError(f"{path.name}, rule {meta['rule']}: it compares rows, but does not say which ones (among).")
    value_set = str(kwargs.get("value_set", ""))
    return Rule(
        rule=meta["rule"],
        column=meta.get("column", None if meta.get("sql") else kwargs["column"]),
        severity=meta["severity"],
        refuses=meta.get("refuses"),
        kahn=meta["kahn"],
        reason=meta["reason"],
        type=expectation["type"],
        kwargs=kwargs,
        sql=meta.get("sql"),
        among=among,
        reads=() if among else _reads(meta.get("sql") or f'"{kwargs["column"]}"', columns),
        code_list=value_set.removeprefix(CODE_LIST) if value_set.startswith(CODE_LIST) else None,
    )


@lru_cache(maxsize=1024)
def _parsed(sql: str) -> exp.Expression | None:
    try:
        return sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None


def _reads(sql: str, columns: list[contract.Column]) -> tuple[str, ...]:
    """The columns that an expression reads, with the day if it asks for that; nothing if it is worked out by row.

    It is worth working out by value for one column of few values, or for several if it compares codes, which is slow.
    """
    tree = _parsed(sql)
    if tree is None or tree.find(exp.Window, exp.Star, exp.Columns):
        return ()
    named = {column.name for column in tree.find_all(exp.Column)}
    read = [column for column in columns if column.name in named]
    single = len(read) == 1 and read[0].type not in MANY_VALUES and read[0].name != "person_ref"
    coded = CODE_KEY in sql and all(column.type in FEW_VALUES for column in read)
    if not (single or coded) or named & OF_ROWS:
        return ()
    return tuple(column.name for column in read) + ((EVENT_DATE,) if EVENT_DATE in named else ())
