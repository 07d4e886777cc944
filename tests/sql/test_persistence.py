"""Whether frequent use lasts: classes over windows of six and twelve months, January 2024 to December 2025."""

import pytest

MONTHS = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)]
DELIVERIES = "agency | feed | period\n" + "\n".join(f"WEXH | ae_attendances | {month}" for month in MONTHS)
HERE = "scenario | person_key | feed | until_month\ncentral | P1 | all feeds |"


def months_met(*months: str) -> str:
    return f"scenario | person_key | definition_id | months_met\ncentral | P1 | D | [{', '.join(months)}]"


@pytest.fixture
def check_classes(check):
    """check_classes(expected, months, ...): persistence of one person who met definition D in the months given."""

    def check_person(expected, *months, window_days="30", exposure=HERE, deliveries=DELIVERIES):
        check(
            "marts.persistence",
            {
                "journeys.cycling": months_met(*months),
                "journeys.exposure": exposure,
                "reference.definitions": f"definition_id | window_days\nD | {window_days}",
                "accepted.deliveries": deliveries,
            },
            expected,
        )

    return check_person


@pytest.mark.parametrize(
    ("months", "of_six", "of_twelve"),
    [
        pytest.param(["2025-07"], "new | 1", "new | 1", id="In the last half year only"),
        pytest.param(["2025-06"], "temporary | 1", "new | 1", id="In the half year before it only"),
        pytest.param(["2024-12"], "temporary | 1", "temporary | 1", id="In the first year only"),
        pytest.param(["2025-06", "2025-07"], "ongoing | 2", "new | 1", id="In two half years of the last year"),
        pytest.param(["2024-01", "2025-12"], "ongoing | 2", "ongoing | 2", id="In the first and the last"),
        pytest.param(
            ["2024-06", "2024-07"], "resolved | 2", "temporary | 1", id="In both half years of the first year"
        ),
        pytest.param(["2024-01", "2024-08", "2025-01"], "resolved | 3", "ongoing | 2", id="In all but the last"),
    ],
)
def test_classes(check_classes, months, of_six, of_twelve):
    check_classes(
        f"""
        window_months | windows | persistence | windows_met
        6             | 4       | {of_six}
        12            | 2       | {of_twelve}
        """,
        *months,
    )


def test_who_died_or_moved_away_is_neither_temporary_nor_resolved(check_classes):
    check_classes(
        "window_months | persistence\n6 | left\n12 | left",
        "2024-01",
        exposure="scenario | person_key | feed | until_month\ncentral | P1 | all feeds | 2025-10",
    )


def test_who_met_it_in_the_last_window_and_died_was_there(check_classes):
    check_classes(
        "window_months | persistence\n6 | ongoing\n12 | ongoing",
        "2024-01",
        "2025-09",
        exposure="scenario | person_key | feed | until_month\ncentral | P1 | all feeds | 2025-10",
    )


@pytest.mark.parametrize(
    ("window_days", "windows"),
    [
        # July to December 2024 has 184 days, and 1 January + 274 days is the first of the last 92: 1 October
        pytest.param("275", "6 | 3", id="Half of a window is enough"),
        pytest.param("276", "6 | 2", id="Less than half is not"),
    ],
)
def test_a_window_is_left_out_where_the_definition_s_own_days_would_begin_before_the_records(
    check_classes, window_days, windows
):
    check_classes(f"window_months | windows\n{windows}", "2025-12", window_days=window_days)


def test_a_definition_by_calendar_year_is_told_after_a_year(check_classes):
    check_classes("window_months | windows\n6 | 2", "2025-12", window_days="")


def test_one_window_says_nothing(check_classes):
    eleven = "\n".join(DELIVERIES.splitlines()[:12])
    check_classes("window_months", "2024-11", deliveries=eleven)


def test_classes_are_counted_with_the_band_of_the_draws_and_the_gaps_of_the_last_window(check):
    everywhere = "\n".join(f"{draw} | P2 | D1\n{draw} | P3 | D1" for draw in range(1, 101))
    check(
        "marts.persistence_classes",
        {
            "journeys.persistence": """
            scenario    | person_key | definition_id | window_months | persistence
            central     | P1         | D             | 6             | new
            central     | P2         | D             | 6             | new
            central     | P3         | D             | 6             | temporary
            central     | P4         | D             | 6             | temporary
            alternative | D1         | D             | 6             | ongoing
            alternative | L1         | D             | 6             | ongoing
            """,
            "staging.person_alternatives": "variant | person_id | person_key\nlow | P1 | L1\n" + everywhere,
            "accepted.deliveries": DELIVERIES.replace("| 2025-08", "| 2025-07").replace("| 2024-02", "| 2024-01"),
            "reference.feeds": "feed | expected\nae_attendances | true",
        },
        """
        persistence | people | people_low | people_high | share | months_missing
        new         | 2      | 1          | 1           | 0.5   | 1
        ongoing     | 0      | 1          | 1           | 0     | 1
        temporary   | 2      | 1          | 1           | 0.5   | 1
        resolved    | 0      | 0          | 0           | 0     | 1
        left        | 0      | 0          | 0           | 0     | 1
        """,
    )
