"""The data quality page: one self-contained HTML page for the hub and its agencies, made from a release's quality marts.

It counts rows and says what is wrong with them, never what is in them. What does not belong here: judging rows
(pipelines/ingest), the rules of run charts (pipelines/run_chart.py), and linkage, which has a page of its own.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pipelines.board import words
from pipelines.board.drawing import Row
from pipelines.board.linkage_figures import Disclosure
from pipelines.board.linkage_page import read_rows
from pipelines.board.page import render_page
from pipelines.board.run_charts import run_chart, spark_svg

MARTS = ("quality_results", "quality_trend", "refused_rows", "cross_feed_plausibility", "data_quality")
SEVERITIES = {
    "critical": "The row, or the whole file, is refused.",
    "warning": "The row goes on. Somebody should look into it.",
    "info": "The row goes on, and nobody needs to do anything unless it changes.",
}
KINDS = {
    "conformance": "Does it have the form and the codes that were agreed?",
    "completeness": "Is it there?",
    "plausibility": "Can it be true?",
}
CAUSES = {
    "trend": "seven months that went one way",
    "shift": "seven months on one side of the mean",
    "two of three": "two of three months near a limit",
    "outside": "a month beyond a limit",
}


@dataclass(frozen=True)
class Drift:
    """A feed's figure that is unlike its own history: words, and its run chart."""

    title: str
    reading: str
    chart: str


@dataclass(frozen=True)
class Check:
    """One check of one feed, over all agencies and months of the release."""

    sentence: str
    file: str
    column: str
    severity: str
    kind: str
    checked: str
    failed: str
    share: str
    trend: str


def render_quality_page(analyst: Path, out: Path, facts: dict) -> None:
    """Writes the page `out` from an analyst database. facts: as pipelines.publish.about.pack_facts gives them."""
    marts = read_rows(analyst, MARTS)
    names = {feed["feed"]: feed["label"] for feed in facts["feeds"]}
    feeds = feeds_checked(marts, names)
    drifts = drift(marts, names)
    render_page(
        "quality.html", out, facts=facts,
            brief=brief(marts, names, drifts), arrived=arrived(marts, names), volumes=volumes(marts, names), drifts=drifts,
            anchors=anchors(marts, names, Disclosure(facts)), feeds=feeds, refused=refused(marts, names),
            severities=SEVERITIES, kinds=KINDS,
    )  # fmt: skip


def brief(marts: dict[str, list[Row]], names: dict[str, str], drifts: list[Drift]) -> list[str]:
    """The page in a few sentences."""
    totals = _totals(marts)
    received, refused_rows = (sum(of[measure] for of in totals.values()) for measure in ("received", "refused"))
    months = sorted({row["period"] for row in marts["data_quality"]})
    if not months or not received:
        return ["Nothing has been taken in yet."]
    span = words.month(months[0]) if len(months) == 1 else f"{words.month(months[0])} to {words.month(months[-1])}"
    share = _percent(refused_rows / received)
    arrived_rows = f"{received:,} rows of activity arrived for {span}; {refused_rows:,} of them ({share}) were refused"
    sentences = [f"{arrived_rows}, each with a reason."]
    missing = sum(of["missing"] for of in totals.values())
    if missing:
        sentences.append(f"{missing:,} {'month is' if missing == 1 else 'months are'} missing.")
    if any(row["mean"] is not None for row in marts["quality_trend"]):
        sentences.append(
            f"{len(drifts):,} of the things that are watched over time changed in the last month."
            if drifts
            else "Volume and completeness of the last month are like those before."
        )
    else:
        sentences.append("Twelve months are needed before a change can be told from chance.")
    return sentences


def arrived(marts: dict[str, list[Row]], names: dict[str, str]) -> list[dict[str, str]]:
    """A line for each feed of each agency: rows received and refused, months missing."""
    return [
        {
            "feed": names.get(feed, feed),
            "agency": agency or "nobody yet",
            "received": f"{of['received']:,}",
            "refused": f"{of['refused']:,}",
            "share": _percent(of["refused"] / of["received"]) if of["received"] else "–",
            "missing": f"{of['missing']:,}",
        }
        for (feed, agency), of in sorted(_totals(marts).items(), key=str)
    ]


def _totals(marts: dict[str, list[Row]]) -> dict[tuple[str, str | None], dict[str, int]]:
    totals: dict[tuple[str, str | None], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("received", "refused", "missing"), 0)
    )
    for row in marts["data_quality"]:
        of = totals[row["feed"], row["agency"]]
        if row["measure"] == "received" and row["detail"] == "activity":
            of["received"] += row["rows"]
        elif row["measure"] == "refused" and row["detail"].startswith("activity:"):
            of["refused"] += row["rows"]
        elif row["measure"] == "missing_delivery":
            of["missing"] += row["rows"]
    return totals


def drift(marts: dict[str, list[Row]], names: dict[str, str]) -> list[Drift]:
    """What is unlike its own history in the last month, each with its run chart."""
    found = []
    for last in [row for row in marts["quality_trend"] if row["drift"]]:
        rows = _series(marts, last)
        above = last["value"] > last["mean"]
        reading = (
            f"{_value(last)} in {words.month(last['period'])}, {'above' if above else 'below'} a mean of "
            f"{_value(last | {'value': last['mean']})}: {CAUSES[last['special_cause']]}."
        )
        title = f"{names.get(last['feed'], last['feed'])}, {last['agency']}: {_what(marts, last)}"
        found.append(Drift(title, reading, _run_chart(rows, title)))
    return found


def volumes(marts: dict[str, list[Row]], names: dict[str, str]) -> list[Drift]:
    """The run chart of the rows a day of each feed of each agency."""
    found = []
    series = {(row["feed"], row["agency"]): row for row in marts["quality_trend"] if row["measure"] == "rows a day"}
    for (feed, agency), row in sorted(series.items()):
        rows = _series(marts, row)
        title = f"{names.get(feed, feed)}, {agency}: rows a day"
        last = rows[-1]
        reading = f"{_value(last)} in {words.month(last['period'])}" + (
            f", with a mean of {_value(last | {'value': last['mean']})}." if last["mean"] is not None else "."
        )
        found.append(Drift(title, reading, _run_chart(rows, title)))
    return found


def _run_chart(rows: list[Row], title: str) -> str:
    values = [{"month": row["period"], "value": row["value"]} for row in rows]
    unit, form = ("Share of rows", "share") if _share(rows[-1]) else ("Rows a day", "rate")
    return run_chart(values, title, unit, form).markup


def _series(marts: dict[str, list[Row]], of: Row) -> list[Row]:
    by = ("agency", "feed", "measure", "file", "rule", "column_name")
    rows = [row for row in marts["quality_trend"] if all(row[name] == of[name] for name in by)]
    return sorted(rows, key=lambda row: row["period"])


def _what(marts: dict[str, list[Row]], of: Row) -> str:
    if of["measure"] != "failed share":
        return of["measure"]
    by = ("feed", "file", "rule", "column_name")
    reasons = [row["reason"] for row in marts["quality_results"] if all(row[name] == of[name] for name in by)]
    return reasons[0] if reasons else of["rule"]


def anchors(marts: dict[str, list[Row]], names: dict[str, str], control: Disclosure) -> list[dict]:
    """For each kind of event that must have a counterpart: how many there are and have none, and the share by month."""
    by_anchor: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in marts["cross_feed_plausibility"]:
        by_anchor[row["anchor"], row["feed"], row["other_feed"]].append(row)
    lines = []
    for (anchor, feed, other), rows in sorted(by_anchor.items()):
        events, without = (sum(row[name] for row in rows) for name in ("events", "without_counterpart"))
        hidden = control.hides(events, without, events - without)
        months: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for row in rows:
            months[row["period"]][0] += row["events"]
            months[row["period"]][1] += row["without_counterpart"]
        trend = [{"period": period, "value": few / many} for period, (many, few) in sorted(months.items()) if many]
        lines.append({
            "anchor": anchor[0].upper() + anchor[1:], "feed": names.get(feed, feed), "other": names.get(other, other),
            "events": control.count(events), "without": control.count(without),
            "share": "–" if hidden else _percent(without / events),
            "trend": "" if hidden else spark_svg(trend, f"Share without a counterpart by month: {anchor}"),
            "months": [
                {"month": words.month(period), "events": control.count(many), "without": control.count(few)}
                for period, (many, few) in sorted(months.items())
            ],
        })  # fmt: skip
    return lines


def feeds_checked(marts: dict[str, list[Row]], names: dict[str, str]) -> list[tuple[str, str, list[Check]]]:
    """Each feed with its checks: those that fail first, the most severe before the others."""
    by_check: dict[tuple, list[Row]] = defaultdict(list)
    for row in marts["quality_results"]:
        by_check[row["feed"], row["file"], row["rule"], row["column_name"]].append(row)
    by_feed: dict[str, list[tuple[tuple, Check]]] = defaultdict(list)
    for (feed, file, _, column), rows in by_check.items():
        last = max(rows, key=lambda row: row["period"])
        checked, failed = (sum(row[name] for row in rows) for name in ("checked", "failed"))
        order = (failed == 0, list(SEVERITIES).index(last["severity"]), -failed / checked, last["reason"])
        check = Check(
            last["reason"], file, column or "", last["severity"], last["kahn"], f"{checked:,}", f"{failed:,}",
            _percent(failed / checked) if last["refuses"] != "file" else "–",
            spark_svg(_by_month(rows), f"Share by month: {last['reason']}") if failed else "",
        )  # fmt: skip
        by_feed[feed].append((order, check))
    return [
        (feed, names.get(feed, feed), [check for _, check in sorted(checks, key=lambda one: one[0])])
        for feed, checks in sorted(by_feed.items())
    ]


def _by_month(rows: list[Row]) -> list[Row]:
    months: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        months[row["period"]][0] += row["checked"]
        months[row["period"]][1] += row["failed"]
    return [{"period": period, "value": failed / checked} for period, (checked, failed) in sorted(months.items())]


def refused(marts: dict[str, list[Row]], names: dict[str, str]) -> list[dict[str, str]]:
    """Refused rows by feed, agency and first rule, most first."""
    counts: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for row in marts["refused_rows"]:
        counts[row["feed"], row["agency"], row["file"], row["rule"]] += 1
    reasons = {(row["feed"], row["rule"]): row["reason"] for row in marts["quality_results"]}
    return [
        {
            "feed": names.get(feed, feed), "agency": agency, "file": file,
            "reason": reasons.get((feed, rule), rule), "rows": f"{rows:,}",
        }
        for (feed, agency, file, rule), rows in sorted(counts.items(), key=lambda one: -one[1])
    ]  # fmt: skip


def _share(row: Row) -> bool:
    return row["measure"] == "failed share"


def _value(row: Row) -> str:
    return _percent(row["value"]) if _share(row) else f"{row['value']:,.1f}"


def _percent(share: float) -> str:
    return "0%" if share == 0 else f"{share:.1%}" if share >= 0.001 else "under 0.1%"
