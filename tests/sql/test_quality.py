"""Data quality in analyst.duckdb: results and trend of checks, refused rows, events without a counterpart, and suites."""

import json
import re
from pathlib import Path

import pytest

from pipelines.settings import Settings

SUITES = sorted(Settings().expectations.glob("*/*.json"))
SLOT = "agency | feed | period | delivery_id"
DELIVERIES = """
agency | feed           | period  | delivery_id | status
WEXH   | ae_attendances | 2024-01 | D1          | accepted
WEXH   | ae_attendances | 2024-01 | D2          | refused
"""


@pytest.mark.parametrize("path", SUITES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_expectation_says_how_severe_it_is_what_kind_and_what_is_wrong_in_one_plain_sentence(path: Path):
    suite = json.loads(path.read_text(encoding="utf-8"))
    assert suite["name"] == path.stem
    for expectation in suite["expectations"]:
        meta, where = expectation["meta"], f"{path.stem}: {expectation['meta'].get('rule', expectation['kwargs'])}"
        assert meta["severity"] in ("critical", "warning", "info"), where
        assert meta["kahn"] in ("conformance", "completeness", "plausibility"), where
        assert ("refuses" in meta) == (path.parent.name == "feeds" and meta["severity"] == "critical"), where
        assert meta.get("refuses") in (None, "file", "row"), where
        sentence = meta["reason"]
        assert sentence[0].isalpha() or sentence.startswith("$column"), where
        assert sentence.endswith("."), where
        assert not re.search("[.] [A-Z$]", sentence), f"{where}: more than one sentence"


def test_a_result_says_what_became_of_the_delivery_and_what_share_failed(check):
    check(
        "marts.quality_results",
        {
            "accepted.deliveries": DELIVERIES,
            "accepted.checks": f"""
            {SLOT} | file | rule | column_name | severity | refuses | kahn | reason | checked | failed
            WEXH | ae_attendances | 2024-01 | D1 | activity | stay | minutes | critical | row | plausibility | Long. | 8 | 2
            WEXH | ae_attendances | 2024-01 | D2 | activity | stay | minutes | critical | row | plausibility | Long. | 4 | 4
            WEXH | ae_attendances | 2024-01 | D3 | activity | stay | minutes | critical | row | plausibility | Long. | 4 | 4
            """,
        },
        """
        delivery_id | status   | rule | severity | refuses | kahn         | reason | checked | failed | failed_share
        D1          | accepted | stay | critical | row     | plausibility | Long.  | 8       | 2      | 0.25
        D2          | refused  | stay | critical | row     | plausibility | Long.  | 4       | 4      | 1
        """,
    )


def test_refused_rows_are_those_of_deliveries_that_count(check):
    check(
        "marts.refused_rows",
        {
            "accepted.deliveries": DELIVERIES,
            "accepted.refused": f"""
            {SLOT} | file | row_number | rule | column_name | reason
            WEXH | ae_attendances | 2024-01 | D1 | activity | 17 | stay | minutes | Long.
            WEXH | ae_attendances | 2024-01 | D2 | activity | 18 | stay | minutes | Long.
            """,
        },
        """
        delivery_id | file     | row_number | rule | column_name | reason
        D1          | activity | 17         | stay | minutes     | Long.
        """,
    )


def months(number: int) -> list[str]:
    return [f"{2024 + month // 12}-{month % 12 + 1:02d}" for month in range(number)]


def deliveries(rows_a_day: list[int]) -> str:
    """A delivery a month; every month of so many rows on each of its days."""
    days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30]
    lines = [
        f"WEXH | ae_attendances | {month} | D | accepted | {rows * day} | {5 * day}"
        for month, rows, day in zip(months(len(rows_a_day)), rows_a_day, days, strict=False)
    ]
    return "\n".join([f"{SLOT} | status | received_activity | received_people", *lines])


def results(failed_share: list[float], kahn: str, rows: int) -> str:
    lines = [
        f"WEXH | ae_attendances | {month} | D | accepted | activity | empty | lsoa | info | | {kahn} | {rows} | {share}"
        for month, share in zip(months(len(failed_share)), failed_share, strict=True)
    ]
    header = f"{SLOT} | status | file | rule | column_name | severity | refuses | kahn | checked | failed_share"
    return "\n".join([header, *lines])


STEADY = [10, 12] * 7


def trend(
    check, connection, rows_a_day: list[int], failed_share: list[float], kahn: str = "completeness", rows: int = 1000
) -> list:
    """(measure, period, value, special_cause) of what is called drift."""
    check(
        "marts.quality_trend",
        {"accepted.deliveries": deliveries(rows_a_day), "marts.quality_results": results(failed_share, kahn, rows)},
        "agency\n" + "WEXH\n" * (2 * len(rows_a_day) + len(failed_share)),
    )
    return connection.execute(
        "select measure, period, value, special_cause from marts.quality_trend where drift order by all"
    ).fetchall()


def test_a_short_month_is_not_a_fall_in_volume(check, connection):
    assert trend(check, connection, [10] * 16, []) == []
    values = "select distinct value from marts.quality_trend where measure = 'rows a day'"
    assert connection.execute(values).fetchall() == [(10,)]


def test_a_fall_in_the_last_month_is_drift(check, connection):
    assert trend(check, connection, [*STEADY, 2], []) == [("rows a day", "2025-03", 2, "outside")]


def test_a_fall_that_is_over_is_special_cause_and_not_drift(check, connection):
    assert trend(check, connection, [*STEADY[:6], 2, *STEADY[:8]], []) == []
    causes = "select period, special_cause from marts.quality_trend where special_cause is not null"
    assert connection.execute(causes).fetchall() == [("2024-07", "outside")]


def test_a_history_of_eleven_months_says_nothing(check, connection):
    assert trend(check, connection, [*STEADY[:10], 99], []) == []


def test_what_is_empty_more_often_than_ever_before_is_drift_unless_it_is_next_to_nothing(check, connection):
    fine = [0.10, 0.11] * 7
    assert trend(check, connection, [], [*fine, 0.5]) == [("failed share", "2025-03", 0.5, "outside")]


@pytest.mark.parametrize(
    ("shares", "kahn", "rows"),
    [
        ([0.10, 0.11] * 7 + [0.5], "conformance", 1000),
        ([0.0] * 14 + [0.01], "completeness", 1000),
        ([0.0] * 14 + [0.5], "completeness", 8),
    ],
    ids=["not about completeness", "one in a hundred", "four rows"],
)
def test_what_is_not_called_drift(check, connection, shares, kahn, rows):
    assert trend(check, connection, [], shares, kahn, rows) == []


def test_events_without_a_counterpart_are_counted_by_month(check):
    check(
        "marts.cross_feed_plausibility",
        {
            "staging.cross_feed_anchors": """
            agency | feed | period | row_number | anchor | other_feed | person_ref | found | moved_windows | found_by_chance
            WEXH | ae_attendances | 2024-01 | 1 | brought | police_incidents | a1 | true  | 2 | 1
            WEXH | ae_attendances | 2024-01 | 2 | brought | police_incidents | a2 | false | 2 | 0
            WEXH | ae_attendances | 2024-01 | 3 | brought | police_incidents | a3 | true  | 0 | 0
            WEXH | ae_attendances | 2024-02 | 1 | brought | police_incidents | a1 | true  | 2 | 0
            """
        },
        """
        period  | anchor  | events | without_counterpart | without_share | found_by_chance_share
        2024-01 | brought | 3      | 1                   | 0.333333      | 0.25
        2024-02 | brought | 1      | 0                   | 0             | 0
        """,
    )
