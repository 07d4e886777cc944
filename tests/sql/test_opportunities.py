"""Rule MO3 at its boundaries: who is a signal, what counts as a crisis, and what is left out."""

import pytest

DEMENTIA, FALL, FRACTURE = "52448006", "161898004", "125605004"
HOME, CARE_HOME, WARD = "306689006", "306694006", "306706006"
COMPLETED, LEFT, FRAILTY_SERVICE = "182992009", "1066321000000107", "1077101000000105"
AMBULANCE, OWN_TRANSPORT = "1048031000000100", "1048071000000103"
IMMEDIATE = "1064891000000107"

ATTENDANCE = {
    "row_number": "1", "EC_Ident": "signal", "person_ref": "p1", "period": "2024-03", "Arrival_Date": "2024-03-01",
    "EC_Departure_Date": "2024-03-02", "EC_Departure_Time": "02:00", "EC_Arrival_Mode_SNOMED_CT": OWN_TRANSPORT,
    "Der_EC_Diagnosis_All": DEMENTIA, "Discharge_Destination_SNOMED_CT": HOME,
    "EC_Discharge_Status_SNOMED_CT": COMPLETED, "EC_Acuity_SNOMED_CT": "", "EC_Chief_Complaint_SNOMED_CT": "",
}  # fmt: skip
MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05"]
DELIVERED = {
    f"{sender} | {month}" for sender in ("WEXH | ae_attendances", "LAWX | social_care_events") for month in MONTHS
}
SIGNAL_ONLY = """
lead_days | followed_by_crisis
          | false
"""
NO_SIGNAL = "lead_days"


def attendance(**changes: str) -> dict[str, str]:
    """One row of accepted.ae_attendances: by default the signal, at A&E on 1 March and home at 02:00 on the 2nd."""
    return ATTENDANCE | changes


def crisis(day: str, **changes: str) -> dict[str, str]:
    """An attendance by ambulance with dementia, admitted to a ward."""
    return attendance(
        row_number="2", EC_Ident="crisis", Arrival_Date=day, EC_Departure_Date=day, EC_Departure_Time="23:59",
        EC_Arrival_Mode_SNOMED_CT=AMBULANCE, Discharge_Destination_SNOMED_CT=WARD, **changes,
    )  # fmt: skip


@pytest.fixture
def check_rule(check):
    """Builds the rule from attendances and days of social care, all of one person, and looks at the central scenario."""

    def check_rows(
        attendances, expected, social_care=(), age_band="75-84", death_month="", moved_away="", delivered=DELIVERED
    ):
        check(
            "marts.earlier_opportunities",
            {
                "accepted.ae_attendances": table(attendances),
                "accepted.social_care_events": table(
                    [{"row_number": str(n), "Event_Reference_Number": f"e{n}", "person_ref": "c1",
                      "Event_Start_Date": day, "period": "2024-03"} for n, day in enumerate(social_care)]
                ) if social_care else "row_number",
                "accepted.attributes": f"person_ref | period | age_band | death_month | moved_away_month\n"
                                       f"p1 | 2024-03 | {age_band} | {death_month} | {moved_away}",
                "accepted.deliveries": "\n".join(["agency | feed | period", *sorted(delivered)]),
                "linkage.person_index": """
                agency | feed               | person_ref | person_id | person_id_low | person_id_high
                WEXH    | ae_attendances     | p1         | P1        |               |
                LAWX   | social_care_events | c1         | P1        |               |
                """,
            },
            expected,
        )  # fmt: skip

    return check_rows


def table(rows: list[dict[str, str]]) -> str:
    return "\n".join(" | ".join(line) for line in [rows[0].keys(), *(row.values() for row in rows)])


SIGNALS = {
    "A crisis 30 days after the signal counts": (
        [attendance(), crisis("2024-03-31")],
        "lead_days | followed_by_crisis | window_complete\n 30 | true | true",
    ),
    "A crisis 31 days after the signal does not": (
        [attendance(), crisis("2024-04-01")],
        SIGNAL_ONLY,
    ),
    "The signal's area has a ward": (
        [attendance(Der_Postcode_LSOA_2021_Code="E01990006")],
        "lsoa | ward\n E01990006 | E05990002",
    ),
    "Of several crises the first counts": (
        [attendance(), crisis("2024-03-20"), crisis("2024-03-10") | {"EC_Ident": "first", "row_number": "3"}],
        "lead_days\n 9",
    ),
    "An admission is a crisis without an ambulance too": (
        [attendance(), crisis("2024-03-10") | {"EC_Arrival_Mode_SNOMED_CT": OWN_TRANSPORT}],
        "lead_days\n 9",
    ),
    "A second visit that is no crisis is another signal, not a crisis": (
        [attendance(), attendance(row_number="2", EC_Ident="again", Arrival_Date="2024-03-20",
                                  EC_Departure_Date="2024-03-20")],
        "signal_at | followed_by_crisis\n 2024-03-01 10:00 | false\n 2024-03-20 10:00 | false",
    ),
    "A crisis for another need does not count": (
        [attendance(), crisis("2024-03-10") | {"Der_EC_Diagnosis_All": FRACTURE}],
        SIGNAL_ONLY,
    ),
    "A crisis before the signal does not count": (
        [attendance(), crisis("2024-02-20")],
        SIGNAL_ONLY,
    ),
    "A fall as the complaint is a signal without any diagnosis": (
        [attendance(Der_EC_Diagnosis_All="", EC_Chief_Complaint_SNOMED_CT=FALL)],
        SIGNAL_ONLY,
    ),
    "A fracture alone is no signal": ([attendance(Der_EC_Diagnosis_All=FRACTURE)], NO_SIGNAL),
    "Home may be a care home": ([attendance(Discharge_Destination_SNOMED_CT=CARE_HOME)], SIGNAL_ONLY),
    "An admission is no signal": ([attendance(Discharge_Destination_SNOMED_CT=WARD)], NO_SIGNAL),
    "A patient passed on to the frailty service is no signal": (
        [attendance(EC_Discharge_Status_SNOMED_CT=FRAILTY_SERVICE)],
        NO_SIGNAL,
    ),
    "A patient who left is no signal": ([attendance(EC_Discharge_Status_SNOMED_CT=LEFT)], NO_SIGNAL),
    "Acuity 1 is no signal": ([attendance(EC_Acuity_SNOMED_CT=IMMEDIATE)], NO_SIGNAL),
}  # fmt: skip


@pytest.mark.parametrize(("attendances", "expected"), SIGNALS.values(), ids=SIGNALS)
def test_signal_and_crisis(check_rule, attendances, expected):
    check_rule(attendances, expected)


@pytest.mark.parametrize(
    ("social_care", "expected"),
    [
        pytest.param(["2024-03-09"], NO_SIGNAL, id="Social care 7 days after leaving A&E is a follow-up"),
        pytest.param(["2024-03-10"], SIGNAL_ONLY, id="Social care 8 days after leaving is none"),
        pytest.param(["2024-03-01"], NO_SIGNAL, id="Social care on the day of the attendance is a follow-up"),
        pytest.param(["2024-02-29"], SIGNAL_ONLY, id="Social care on the day before is none"),
    ],
)
def test_follow_up(check_rule, social_care, expected):
    check_rule([attendance()], expected, social_care=social_care)


@pytest.mark.parametrize(
    ("age_band", "expected"),
    [
        pytest.param("65-74", SIGNAL_ONLY, id="65 to 74 is old enough"),
        pytest.param("45-64", NO_SIGNAL, id="45 to 64 is not"),
        pytest.param("", NO_SIGNAL, id="An age that is not known is not"),
    ],
)
def test_age(check_rule, age_band, expected):
    check_rule([attendance()], expected, age_band=age_band)


@pytest.mark.parametrize(
    ("death_month", "attendances", "expected"),
    [
        pytest.param("2024-03", [attendance()], NO_SIGNAL, id="Who died in the window is not free of crisis"),
        pytest.param("2024-04", [attendance()], SIGNAL_ONLY, id="Who died after the window was"),
        pytest.param(
            "2024-03", [attendance(), crisis("2024-03-10")], "lead_days\n9", id="A crisis before the death counts"
        ),
    ],
)
def test_death(check_rule, death_month, attendances, expected):
    check_rule(attendances, expected, death_month=death_month)


@pytest.mark.parametrize(
    ("moved_away", "attendances", "expected"),
    [
        pytest.param("2024-03", [attendance()], NO_SIGNAL, id="Who moved away in the window is not free of crisis"),
        pytest.param("2024-04", [attendance()], SIGNAL_ONLY, id="Who moved away after the window was"),
        pytest.param("2024-02", [attendance()], SIGNAL_ONLY, id="Who moved away before the signal is here again"),
        pytest.param(
            "2024-03", [attendance(), crisis("2024-03-10")], "lead_days\n9", id="A crisis before the move counts"
        ),
    ],
)
def test_moving_away(check_rule, moved_away, attendances, expected):
    check_rule(attendances, expected, moved_away=moved_away)


SEVEN_DAYS_END_IN_APRIL = attendance(Arrival_Date="2024-03-28", EC_Departure_Date="2024-03-28")


@pytest.mark.parametrize("missing", ["2024-03", "2024-04"])
def test_without_social_care_records_nobody_knows_whether_there_was_a_follow_up(check_rule, missing):
    delivered = DELIVERED - {f"LAWX | social_care_events | {missing}"}
    check_rule([SEVEN_DAYS_END_IN_APRIL], NO_SIGNAL, delivered=delivered)


def test_the_follow_up_is_looked_for_with_every_council(check_rule):
    council = {f"LAWY | social_care_events | {month}" for month in MONTHS}
    check_rule([SEVEN_DAYS_END_IN_APRIL], SIGNAL_ONLY, delivered=DELIVERED | council)


def test_without_one_council_of_two_nobody_knows_whether_there_was_a_follow_up(check_rule):
    check_rule([attendance()], NO_SIGNAL, delivered=DELIVERED | {"LAWY | social_care_events | 2024-05"})


TRUST_TO_MARCH = DELIVERED - {"WEXH | ae_attendances | 2024-04", "WEXH | ae_attendances | 2024-05"}
WINDOWS = {
    "The last day is in the last month delivered": ("2024-05-01", DELIVERED, True),
    "The last day is after the last month delivered": ("2024-05-02", DELIVERED, False),
    "The trust sent nothing for the month in which the window ends": (
        "2024-03-02", DELIVERED - {"WEXH | ae_attendances | 2024-04"}, False,
    ),
    "The trust sent nothing for a month within the window": (
        "2024-01-31", DELIVERED - {"WEXH | ae_attendances | 2024-02"}, False,
    ),
    "Only another trust sent the month in which the window ends": (
        "2024-03-02", TRUST_TO_MARCH | {"RWY | ae_attendances | 2024-04"}, False,
    ),
    "Another trust sent nothing for the month in which the window ends": (
        "2024-03-02", DELIVERED | {"RWY | ae_attendances | 2024-03"}, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("day", "delivered", "complete"), WINDOWS.values(), ids=WINDOWS)
def test_a_window_is_complete_when_the_signal_s_trust_sent_each_of_its_months(check_rule, day, delivered, complete):
    signal = attendance(Arrival_Date=day, EC_Departure_Date=day)
    check_rule([signal], f"followed_by_crisis | window_complete\n false | {complete}", delivered=delivered)


def test_a_missed_link_between_social_care_and_ae_turns_a_follow_up_into_a_signal(check):
    check(
        "opportunities.mo3",
        {
            "accepted.ae_attendances": table([attendance()]),
            "accepted.social_care_events": """
            row_number | Event_Reference_Number | person_ref | Event_Start_Date | period
            1          | e1                     | c1         | 2024-03-04       | 2024-03
            """,
            "accepted.attributes": "person_ref | period | age_band\n p1 | 2024-03 | 85+",
            "accepted.deliveries": """
            agency | feed               | period
            WEXH    | ae_attendances     | 2024-03
            LAWX   | social_care_events | 2024-03
            """,
            "linkage.person_index": """
            agency | feed               | person_ref | person_id | person_id_low | person_id_high
            WEXH    | ae_attendances     | p1         | P1        | L1            | H1
            LAWX   | social_care_events | c1         | P1        | L1            | H2
            """,
        },
        "scenario    | person_key | rule_id | role\nalternative | H1         | MO3     | signal",
    )
