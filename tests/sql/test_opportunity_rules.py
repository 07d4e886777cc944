"""Rules MO1, MO2, MO7 and MO8 at their boundaries: what is a signal, what it is compared with, and which crisis counts."""

import pytest

MONTHS = [f"2024-{month:02}" for month in range(1, 13)]
SIGNAL, COMPARISON = "role | lead_days\n signal | {}", "role | lead_days\n comparison | {}"
NOBODY = "role"
REQUEST = {"contact_id": "S", "feed": "social_care_events", "kind": "request", "time_known": "false",
           "started_at": "2024-03-01", "outcome_group": "no_further_action"}  # fmt: skip
CONCERN = {"feed": "police_incidents", "kind": "concern_for_safety", "need": "welfare", "need_group": "welfare"}
MISSING = {"feed": "police_incidents", "kind": "missing_person", "need": "welfare", "need_group": "welfare"}
AT_AE = {"contact_id": "X", "feed": "ae_attendances", "kind": "ae_attendance", "crisis": "true"}


def text(rows: list[dict[str, str]], columns: list[str]) -> str:
    return "\n".join([" | ".join(columns), *(" | ".join(row.get(name, "") for name in columns) for row in rows)])


@pytest.fixture
def check_rule(check):
    """Builds one rule from contacts of one person, with what its feed says of them besides."""

    def check_contacts(rule, contacts, expected, says=None, missing_month=None, **person):
        contacts = [{"need": "frailty", "need_group": "later_life", "person_id": "P1"} | one for one in contacts]
        says = says or {}
        feeds = ("ae_attendances", "police_incidents", "social_care_events")
        months = {feed: [month for month in MONTHS if (feed, month) != missing_month] for feed in feeds}
        slots = [
            {"feed": feed, "agency": "A", "period": month, "arrived": str(month in months[feed]).lower()}
            for feed in feeds
            for month in MONTHS
        ]
        given = {
            "staging.contacts": text(
                contacts,
                ["contact_id", "person_id", "feed", "kind", "need", "need_group", "started_at", "crisis", "lsoa"],
            ),
            "staging.person_scenarios": text(
                [{"contact_id": one["contact_id"], "scenario": "central", "person_key": "P1"} for one in contacts],
                ["contact_id", "scenario", "person_key"],
            ),
            "staging.people": text([{"person_id": "P1"} | person], ["person_id", "death_month", "moved_away_month"]),
            "staging.slots": text(slots, ["feed", "agency", "period", "arrived"]),
        }
        for feed, columns in (
            ("social_care_events", ["contact_id", "kind", "outcome_group", "nothing_offered", "of_a_carer"]),
            ("police_incidents", ["contact_id", "kind", "ppn", "missing_from"]),
        ):
            given[f"staging.{feed}"] = text(
                [one | says.get(one["contact_id"], {}) for one in contacts if one["feed"] == feed], columns
            )
        check(f"opportunities.{rule}", given, expected)

    return check_contacts


NOTHING = {"S": {"nothing_offered": "true"}}
HELPED = {"S": {"nothing_offered": "false", "outcome_group": "met"}}
DECLINED = {"S": {"nothing_offered": "false"}}


@pytest.mark.parametrize(
    ("crisis", "says", "expected"),
    [
        pytest.param({"started_at": "2024-03-29 23:00"}, NOTHING, SIGNAL.format(28), id="Day 28 counts"),
        pytest.param({"started_at": "2024-03-30 01:00"}, NOTHING, SIGNAL.format(""), id="Day 29 does not"),
        pytest.param({"started_at": "2024-03-01 10:00"}, NOTHING, SIGNAL.format(""), id="The day itself may be before"),
        pytest.param({"started_at": "2024-03-02 00:30"}, NOTHING, SIGNAL.format(1), id="The next day is after"),
        pytest.param(
            {"started_at": "2024-03-09", "need": "injury", "need_group": "physical_health"},
            NOTHING, SIGNAL.format(""), id="A crisis for another need does not count",
        ),
        pytest.param(
            {"started_at": "2024-03-09", "need": "dementia"}, NOTHING, SIGNAL.format(8), id="One of the same group does"
        ),
        pytest.param({"started_at": "2024-03-09", "crisis": "false"}, NOTHING, SIGNAL.format(""), id="Walking in is none"),
        pytest.param(
            CONCERN | {"started_at": "2024-03-09"}, NOTHING, SIGNAL.format(8), id="Police who worry count, need or not"
        ),
        pytest.param({"started_at": "2024-03-09"}, HELPED, COMPARISON.format(8), id="Who was helped is compared"),
        pytest.param({"started_at": "2024-03-09"}, DECLINED, NOBODY, id="Who declined is neither"),
    ],
)  # fmt: skip
def test_a_request_that_ended_with_nothing(check_rule, crisis, says, expected):
    check_rule("mo1", [REQUEST, AT_AE | crisis], expected, says)


@pytest.mark.parametrize(
    ("person", "crisis", "expected"),
    [
        pytest.param({"death_month": "2024-03"}, [], NOBODY, id="Who died in the window"),
        pytest.param({"death_month": "2024-04"}, [], SIGNAL.format(""), id="Who died after it"),
        pytest.param({"moved_away_month": "2024-03"}, [], NOBODY, id="Who moved away in the window"),
        pytest.param(
            {"death_month": "2024-03"}, [AT_AE | {"started_at": "2024-03-09"}], SIGNAL.format(8), id="Crisis, then death"
        ),
    ],
)  # fmt: skip
def test_who_died_or_moved_away_without_a_crisis_is_left_out(check_rule, person, crisis, expected):
    check_rule("mo1", [REQUEST, *crisis], expected, NOTHING, **person)


@pytest.mark.parametrize(
    ("missing", "complete"),
    [(None, True), (("police_incidents", "2024-03"), False), (("ae_attendances", "2024-04"), True)],
)
def test_a_window_is_complete_when_every_service_that_could_see_a_crisis_sent_it(check_rule, missing, complete):
    expected = f"window_complete\n {str(complete).lower()}"
    check_rule("mo1", [REQUEST], expected, NOTHING, missing_month=missing)


FIRST, AGAIN = CONCERN | {"contact_id": "F", "started_at": "2024-03-01 10:00"}, CONCERN | {"contact_id": "S"}
HARM = AT_AE | {"need": "mental_health", "need_group": "mental_health", "crisis": "false"}
CARE = {"contact_id": "V", "feed": "social_care_events", "kind": "assessment"}


@pytest.mark.parametrize(
    ("again", "others", "expected"),
    [
        pytest.param("2024-05-30 10:00", [], ["comparison | ", "signal | "], id="The second within 90 days is a signal"),
        pytest.param("2024-05-30 10:01", [], ["comparison | "] * 2, id="After 90 days it is a first one again"),
        pytest.param(
            "2024-03-10 10:00", [HARM | {"started_at": "2024-06-08 23:00"}], ["comparison | ", "signal | 90"],
            id="A crisis on day 90",
        ),
        pytest.param(
            "2024-03-10 10:00", [HARM | {"started_at": "2024-06-09 01:00"}], ["comparison | ", "signal | "],
            id="A crisis on day 91",
        ),
        pytest.param(
            "2024-03-10 10:00", [CARE | {"started_at": "2024-04-07"}], ["comparison | "],
            id="Social care 28 days after the second and 37 after the first",
        ),
        pytest.param(
            "2024-03-10 10:00", [CARE | {"started_at": "2024-04-08"}], ["comparison | ", "signal | "],
            id="Social care 29 days after the second",
        ),
        pytest.param(
            "2024-03-10 10:00", [HARM | {"started_at": "2024-03-12 10:00"}, CARE | {"started_at": "2024-03-20"}],
            ["comparison | 11", "signal | 2"], id="Social care after the crisis came too late",
        ),
    ],
)  # fmt: skip
def test_police_worried_again_and_social_care_not_there(check_rule, again, others, expected):
    expected = "\n".join(["role | lead_days", *expected])
    check_rule("mo2", [FIRST, AGAIN | {"started_at": again}, *others], expected)


def test_without_social_care_records_nobody_knows_whether_it_was_there(check_rule):
    missing = ("social_care_events", "2024-04")
    early = FIRST | {"started_at": "2024-03-01 09:00"}
    late = AGAIN | {"started_at": "2024-03-05 09:00"}
    check_rule("mo2", [early, late], "role\n comparison", missing_month=missing)


CARER = REQUEST | {"need": "carer_strain", "need_group": "carer_strain"}


@pytest.mark.parametrize(
    ("request_", "crisis_at", "outcome", "expected"),
    [
        pytest.param(CARER, "2024-04-30", "no_further_action", SIGNAL.format(60), id="Day 60 counts"),
        pytest.param(CARER, "2024-05-01", "no_further_action", SIGNAL.format(""), id="Day 61 does not"),
        pytest.param(CARER, "2024-03-09", "met", NOBODY, id="A carer who got support is no signal"),
        pytest.param(REQUEST, "2024-03-09", "passed_on", COMPARISON.format(8), id="Who is no carer is compared"),
    ],
)
def test_a_carer_without_support(check_rule, request_, crisis_at, outcome, expected):
    says = {"S": {"outcome_group": outcome}}
    check_rule("mo7", [request_, AT_AE | {"started_at": crisis_at}], expected, says)


def test_a_crisis_of_the_carer_is_none_of_the_person_cared_for(check_rule):
    says = {"S": {"outcome_group": "no_further_action", "of_a_carer": "true"}}
    check_rule("mo7", [CARER, AT_AE | {"started_at": "2024-03-09"}], NOBODY, says)


@pytest.mark.parametrize(
    ("again", "where", "crisis_at", "expected"),
    [
        pytest.param("2024-03-10 10:00", "care", "2024-06-08 12:00", ["comparison | ", "signal | 90"], id="Day 90"),
        pytest.param("2024-03-10 10:00", "hospital", "2024-06-09 12:00", ["comparison | ", "signal | "], id="Day 91"),
        pytest.param("2024-03-10 10:00", "home", "2024-04-01 12:00", ["comparison | 31"], id="Home is not care"),
        pytest.param("2025-03-01 10:00", "care", "2023-01-01", ["comparison | ", "signal | "], id="365 days later"),
        pytest.param("2025-03-01 10:01", "care", "2023-01-01", ["comparison | "] * 2, id="More than 365 days later"),
    ],
)
def test_missing_from_care_again(check_rule, again, where, crisis_at, expected):
    first = MISSING | {"contact_id": "F", "started_at": "2024-03-01 10:00"}
    second = MISSING | {"contact_id": "S", "started_at": again}
    says = {"F": {"missing_from": "care"}, "S": {"missing_from": where}}
    expected = "\n".join(["role | lead_days", *expected])
    check_rule("mo8", [first, second, AT_AE | {"started_at": crisis_at}], expected, says)
