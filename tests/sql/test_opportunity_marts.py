"""Where and when an offer exists, and what the marts of opportunity rules say beside the base rate."""

import pytest

from pipelines.settings import Settings
from pipelines.warehouse import rules
from pipelines.warehouse.database import load_sql
from pipelines.warehouse.sqlfile import SqlFileError, load_file

NO_ROWS = {f"opportunities.{path.stem}": "scenario" for path in Settings().sql.glob("opportunities/mo*.sql")}
OFFER = (
    "offer_id | rule_ids | areas | weekdays | opens | closes | valid_from | valid_to | priority | capacity_per_month\n"
)
WEEKDAYS = "Mon;Tue;Wed;Thu;Fri"
IN_ABBEY, IN_UPLANDS = "E01990001", "E01990120"


@pytest.mark.parametrize(
    ("at", "lsoa", "time_known", "offer", "expected"),
    [
        ("2024-03-04 08:59", IN_ABBEY, True, "||09:00|17:00|||", "closed"),
        ("2024-03-04 09:00", IN_ABBEY, True, "||09:00|17:00|||", "there"),
        ("2024-03-04 16:59", IN_ABBEY, True, "||09:00|17:00|||", "there"),
        ("2024-03-04 17:00", IN_ABBEY, True, "||09:00|17:00|||", "closed"),
        ("2024-03-04 00:00", IN_ABBEY, False, "||09:00|17:00|||", "there"),
        ("2024-03-02 10:00", IN_ABBEY, True, f"|{WEEKDAYS}|||||", "closed"),
        ("2024-03-02 00:00", IN_ABBEY, False, f"|{WEEKDAYS}|||||", "closed"),
        ("2024-03-02 01:59", IN_ABBEY, True, f"|{WEEKDAYS}|18:00|02:00|||", "there"),
        ("2024-03-02 02:00", IN_ABBEY, True, f"|{WEEKDAYS}|18:00|02:00|||", "closed"),
        ("2024-03-04 01:00", IN_ABBEY, True, f"|{WEEKDAYS}|18:00|02:00|||", "closed"),
        ("2024-03-04 10:00", IN_ABBEY, True, "|||||2024-03-04|2024-03-04", "there"),
        ("2024-03-04 10:00", IN_ABBEY, True, "||||2024-03-05||", "not_then"),
        ("2024-03-04 10:00", IN_ABBEY, True, "|||||2024-03-03|", "not_then"),
        ("2024-03-04 10:00", IN_ABBEY, True, "E07990001|||||||", "there"),
        ("2024-03-04 10:00", IN_ABBEY, True, "E05990001;E07990003|||||||", "there"),
        ("2024-03-04 10:00", IN_UPLANDS, True, "E07990001|||||||", "elsewhere"),
        ("2024-03-04 10:00", "", True, "E07990001|||||||", "place_not_known"),
        ("2024-03-04 10:00", "", True, "|||||||", "there"),
    ],
)
def test_an_offer_counts_only_where_and_when_it_exists(check, at, lsoa, time_known, offer, expected):
    areas, weekdays, opens, closes, valid_from, valid_to = (offer.split("|") + [""] * 6)[:6]
    if (valid_from, valid_to) == ("", "2024-03-04"):
        valid_from = valid_to
    check(
        "opportunities.offers",
        NO_ROWS
        | {
            "opportunities.mo3": "scenario | person_key | rule_id | contact_id | role | at | lsoa\n"
            f"central | P1 | MO3 | C1 | signal | {at} | {lsoa}\n central | P1 | MO3 | C2 | comparison | {at} | {lsoa}",
            "staging.contacts": f"contact_id | person_id | time_known\nC1 | P1 | {time_known}\nC2 | P1 | {time_known}",
            "reference.offers": f"{OFFER} O1 | MO1;MO3 | {areas} | {weekdays} | {opens} | {closes} | {valid_from} | "
            f"{valid_to} | 1 | \n O2 | MO1 | | | | | | | 1 | ",
        },
        f"rule_id | contact_id | offer_id | availability\n MO3 | C1 | O1 | {expected}",
    )


def test_a_signal_has_the_first_of_the_offers_that_exist_or_none(check):
    check(
        "marts.earlier_opportunities",
        NO_ROWS
        | {
            "opportunities.mo3": """
            scenario    | person_key | rule_id | contact_id | role       | at         | followed_by_crisis
            central     | P1         | MO3     | C1         | signal     | 2024-03-04 | true
            central     | P1         | MO3     | C2         | signal     | 2024-03-05 | false
            central     | P1         | MO3     | C3         | comparison | 2024-03-05 | true
            alternative | A1         | MO3     | C4         | signal     | 2024-03-05 | true
            """,
            "staging.contacts": "contact_id | person_id",
            "opportunities.offers": """
            rule_id | contact_id | offer_id | priority | availability
            MO3     | C1         | O1       | 1        | closed
            MO3     | C1         | O3       | 3        | there
            MO3     | C1         | O2       | 2        | there
            MO3     | C2         | O1       | 1        | elsewhere
            """,
        },
        "person_id | signal_contact_id | offer_id | followed_by_crisis\nP1 | C1 | O2 | true\nP1 | C2 | | false",
    )


def rows(role: str, band: str, complete: int, followed: int) -> list[str]:
    """Contacts of one person of an age band, of whom the first so many were followed by a crisis 10 days later."""
    return [
        f"central | {band} | MO3 | {role}{band}{n} | {role} | {n < followed} | true | {'10' if n < followed else ''}"
        for n in range(complete)
    ]


def test_the_base_rate_has_the_ages_of_the_signals(check):
    # 6 of 8 signals are of people of 85 or more: 3/4 x 1/2 of their comparison and 1/4 x 0 of the other's are 3/8.
    candidates = [
        *rows("signal", "65-74", 2, 1), *rows("signal", "85+", 6, 5),
        *rows("comparison", "65-74", 12, 0), *rows("comparison", "85+", 4, 2),
        *rows("comparison", "18-24", 50, 50),
        "central | 85+ | MO3 | late | signal | true | false | 20",
        "alternative | 85+ | MO3 | other | signal | true | true | 1",
    ]  # fmt: skip
    check(
        "marts.opportunity_rules",
        NO_ROWS
        | {
            "opportunities.candidates": "\n".join(
                [
                    "scenario | person_key | rule_id | contact_id | role | followed_by_crisis | window_complete | lead_days",
                    *candidates,
                ]
            ),
            "staging.people": "person_id | age_band\n65-74 | 65-74\n85+ | 85+\n18-24 | 18-24",
        },
        "\n".join(
            [
                "rule_id | signals | people | followed_by_crisis | without_crisis | complete | predictive_value | compared"
                + " | base_rate | times_base_rate | lead_days_median",
                "MO3 | 9 | 2 | 7 | 2 | 8 | 0.75 | 16 | 0.375 | 2 | 10",
                *(
                    f"{name.removeprefix('opportunities.').upper()} | 0 | 0 | 0 | 0 | 0 | | 0 | | |"
                    for name in NO_ROWS
                    if not name.endswith("mo3")
                ),
            ]
        ),
    )


def test_capacity_needed_stands_beside_the_capacity_there_is(check):
    check(
        "marts.offer_capacity",
        NO_ROWS
        | {
            "opportunities.candidates": """
            scenario    | person_key | rule_id | contact_id | role       | at         | offer_id | followed_by_crisis
            central     | P1         | MO3     | C1         | signal     | 2024-01-31 | O1       | true
            central     | P1         | MO10    | C1         | signal     | 2024-01-31 | O1       | false
            central     | P2         | MO3     | C2         | signal     | 2024-01-01 | O1       | false
            central     | P3         | MO3     | C3         | signal     | 2024-01-01 |          | false
            alternative | A1         | MO3     | C4         | signal     | 2024-01-01 | O1       | false
            """,
            "staging.months": "period\n 2023-12\n 2024-01\n 2024-02",
            "reference.offers": OFFER + "O1 | MO3 | | | | | 2024-01-15 | | 1 | 1",
        },
        """
        offer_id | period  | signals | people | followed_by_crisis | capacity | people_over_capacity | share_of_capacity
        O1       | 2024-01 | 2       | 2      | 1                  | 1        | 1                    | 2
        O1       | 2024-02 | 0       | 0      | 0                  | 1        | 0                    | 0
        """,
    )


def test_every_rule_has_an_offer_and_every_offer_a_rule():
    known = {path.stem.upper() for path in Settings().sql.glob("opportunities/mo*.sql")}
    lines = Settings().reference_csv("offers").read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("rule_ids")
    answered = {rule for line in lines[1:] for rule in line.split(",")[column].split(";")}
    assert answered == known


GOOD = Settings().sql / "opportunities" / "mo3.sql"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("-- Rule MO3, version 2: ", "-- Rule MO4, version 2: ", "first line is not 'Rule MO3, version 1: <name>.'"),
        ("-- Window: 30", "-- Within 30", "it must have Signal, Crisis, Window"),
        ("candidates.role, --", "candidates.role as part, --", "a rule's columns are scenario, person_key"),
    ],
)
def test_a_rule_that_does_not_have_the_shape_is_refused_with_what_it_lacks(tmp_path, before, after, said):
    folder = tmp_path / "sql" / "opportunities"
    folder.mkdir(parents=True)
    text = GOOD.read_text(encoding="utf-8")
    assert before in text
    (folder / "mo3.sql").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(SqlFileError, match=said.replace("(", "\\(").replace("'", ".")):
        rules.gathered(Settings(project=tmp_path))


def test_a_rule_is_gathered_by_being_there():
    files = {file.name: file for file in load_sql(Settings())}
    gathered = files["opportunities", "candidates"].dependencies
    assert {("opportunities", path.stem) for path in Settings().sql.glob("opportunities/mo*.sql")} <= gathered
    assert rules.header_of(load_file(GOOD))["rule_id"] == "MO3"
