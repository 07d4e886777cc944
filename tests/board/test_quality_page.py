"""The data quality page says what the quality marts say, stands alone, and a browser shows it."""

import re

import duckdb
import pyarrow as pa
import pytest

from pipelines.board.quality_page import render_quality_page

FEEDS = [{"feed": "police_incidents", "label": "Police"}, {"feed": "ae_attendances", "label": "A&E"}]
AE = {"feed": "ae_attendances", "agency": "WEXH"}
MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]


def result(month: str, rule: str, severity: str, failed: int, reason: str) -> dict:
    return AE | {
        "period": month, "delivery_id": "D", "status": "accepted", "file": "activity", "rule": rule, "column_name": "lsoa",
        "severity": severity, "refuses": "row" if severity == "critical" else None, "kahn": "completeness",
        "reason": reason, "checked": 1000, "failed": failed, "failed_share": failed / 1000,
    }  # fmt: skip


def followed(measure: str, rule: str | None, values: list[float], drift: bool) -> list[dict]:
    return [
        AE | {
            "period": month, "measure": measure, "file": "activity", "rule": rule, "column_name": "lsoa" if rule else None,
            "kahn": "completeness", "value": value, "mean": 0.1, "lower": 0.0, "upper": 0.2,
            "special_cause": "outside" if drift and month == MONTHS[-1] else None, "drift": drift and month == MONTHS[-1],
        }
        for month, value in zip(MONTHS, values, strict=True)
    ]  # fmt: skip


def marts() -> dict[str, list[dict]]:
    rare = [result(m, "malformed", "critical", 3, "The area is <b>malformed</b>.") for m in MONTHS]
    empty = [result(m, "empty", "info", 100, "The area is empty.") for m in MONTHS[:-1]]
    return {
        "quality_results": [*rare, *empty, result(MONTHS[-1], "empty", "info", 500, "The area is empty.")],
        "quality_trend": [
            *followed("failed share", "empty", [0.1] * 11 + [0.5], True),
            *followed("rows a day", None, [33.0] * 12, False),
        ],
        "refused_rows": [
            AE | {"period": m, "delivery_id": "D", "file": "activity", "row_number": n, "rule": "malformed"}
            for m in MONTHS for n in (1, 2, 3)
        ],
        "cross_feed_plausibility": [
            AE | {"period": m, "anchor": "police brought the patient to A&E", "other_feed": "police_incidents",
                  "events": events, "without_counterpart": without, "without_share": 0.1, "found_by_chance_share": 0.05}
            for m, events, without in (("2024-01", 102, 11), ("2024-02", 98, 3))
        ],
        "data_quality": [
            AE | {"period": m, "measure": measure, "detail": detail, "rows": rows}
            for m in MONTHS
            for measure, detail, rows in (("received", "activity", 1000), ("refused", "activity: malformed", 3))
        ] + [AE | {"period": "2024-05", "measure": "missing_delivery", "detail": None, "rows": 1}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory, facts):
    folder = tmp_path_factory.mktemp("quality")
    with duckdb.connect(str(folder / "analyst.duckdb")) as connection:
        connection.execute("create schema marts")
        for name, rows in marts().items():
            connection.register("rows", pa.Table.from_pylist(rows))
            connection.execute(f"create table marts.{name} as select * from rows")
            connection.unregister("rows")
    render_quality_page(folder / "analyst.duckdb", folder / "data_quality.html", facts | {"feeds": FEEDS})
    return folder / "data_quality.html"


@pytest.fixture(scope="module")
def said(page) -> str:
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(text.split())


@pytest.mark.parametrize(
    "sentence",
    [
        "12,000 rows of activity arrived for January 2024 to December 2024; 36 of them (0.3%) were refused, each with a reason.",
        "1 month is missing.",
        "A&amp;E, WEXH: The area is empty. 50.0% in December 2024, above a mean of 10.0%: a month beyond a limit.",
        "The area is empty. activity, lsoa info completeness 12,000 1,600 13.3%",
        "Police brought the patient to A&amp;E A&amp;E, looked for in Police 200 15 7.0%",
        "2024 100 fewer than 8",
    ],
)
def test_it_says_what_the_tables_say(said, sentence):
    assert sentence in said


def test_it_stands_alone_and_every_drawing_has_words(page):
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link[^>]+href=\"(?!data:)|https?://|@import|url\(", html)
    assert "&lt;b&gt;malformed" in html
    drawings = re.findall(r"<svg[^>]*>", html)
    assert drawings
    assert all(re.search('role="img" aria-label(ledby)?="', drawing) for drawing in drawings)


def test_it_is_accessible_on_every_screen(page, faults):
    assert faults(page) == []
