"""From accepted rows to contacts and people."""

import pytest


@pytest.fixture
def check_feed(check):
    """check_feed(feed, rows, expected): builds the feed's staging table."""
    return lambda feed, rows, expected: check(f"staging.{feed}", {f"accepted.{feed}": rows}, expected)


def test_months_run_from_the_first_to_the_last_delivered_one_without_a_gap(check):
    deliveries = "period\n2024-02\n2023-11\n2024-02"
    check("staging.months", {"accepted.deliveries": deliveries}, "period\n2023-11\n2023-12\n2024-01\n2024-02")


def test_without_any_delivery_there_are_no_months(check):
    check("staging.months", {"accepted.deliveries": "period"}, "period")


def test_a_part_of_a_month_is_no_arrival_and_the_whole_one_after_it_is(check):
    check(
        "staging.slots",
        {
            "reference.feeds": "feed | expected\nae_attendances | true",
            "accepted.deliveries": """
            agency | feed           | period  | status     | partial_until
            WEXH   | ae_attendances | 2024-01 | superseded | 2024-01-20
            WEXH   | ae_attendances | 2024-01 | accepted   |
            WEXH   | ae_attendances | 2024-02 | accepted   | 2024-02-11
            WEXH   | ae_attendances | 2024-03 | refused    | 2024-03-09
            """,
        },
        """
        period  | arrived | partial_until
        2024-01 | true    |
        2024-02 | false   | 2024-02-11
        2024-03 | false   |
        """,
    )


def test_every_agency_that_ever_sent_a_feed_has_a_slot_in_every_month(check):
    check(
        "staging.slots",
        {
            "accepted.deliveries": """
            agency | feed               | period  | status
            WEXH    | ae_attendances     | 2024-01 | superseded
            WEXH    | ae_attendances     | 2024-01 | accepted
            RWY    | ae_attendances     | 2024-03 | accepted
            LAWX   | social_care_events | 2024-03 | refused
            """
        },
        """
        feed               | agency | period  | arrived
        ae_attendances     | WEXH    | 2024-01 | true
        ae_attendances     | WEXH    | 2024-02 | false
        ae_attendances     | WEXH    | 2024-03 | false
        ae_attendances     | RWY    | 2024-01 | false
        ae_attendances     | RWY    | 2024-02 | false
        ae_attendances     | RWY    | 2024-03 | true
        social_care_events | LAWX   | 2024-01 | false
        social_care_events | LAWX   | 2024-02 | false
        social_care_events | LAWX   | 2024-03 | false
        police_incidents   |        | 2024-01 | false
        police_incidents   |        | 2024-02 | false
        police_incidents   |        | 2024-03 | false
        """,
    )


POLICE = {
    "The closing category counts, or the opening one where there is none": (
        """
        row_number | nsir_open          | nsir_close        | qualifiers
        1          | Concern for safety | Domestic incident |
        2          | Concern for safety |                   |
        """,
        """
        row_number | kind               | need
        1          | domestic_incident  | domestic_abuse
        2          | concern_for_safety | welfare
        """,
    ),
    "Of category and qualifiers the need of highest priority is taken": (
        """
        row_number | nsir_open          | qualifiers
        1          | Concern for safety | repeat; Vulnerable older person;dementia
        2          | ASB - Personal     | alcohol;mental health
        3          | ASB - Personal     | alcohol, mental health
        """,
        """
        row_number | need
        1          | dementia
        2          | mental_health
        3          | mental_health
        """,
    ),
    "Codes are matched however they are spelt, and one in no list gives an unknown need": (
        """
        row_number | nsir_open           | closing_outcome       | call_source
        1          | CONCERN-FOR SAFETY  | no further  action    | Social-Services
        2          | Alien landing       | something else        | pigeon
        """,
        """
        row_number | kind               | need    | outcome_group     | raised_by
        1          | concern_for_safety | welfare | no_further_action | social_care
        2          | other_incident     | unknown | unknown           | unknown
        """,
    ),
    "Grade Immediate or a detention under section 136 makes a crisis, and a detention is a matter of mental health": (
        """
        row_number | incident_ref | person_ref | grade     | s136
        1          | i1           | p1         | Immediate | false
        2          | i2           | p1         | Prompt    | true
        3          | i3           | p1         | Prompt    | false
        """,
        """
        row_number | crisis | kind               | need
        1          | true   | concern_for_safety | welfare
        2          | true   | section_136        | mental_health
        3          | false  | concern_for_safety | welfare
        """,
    ),
    "A person missing at high risk is in crisis": (
        """
        row_number | incident_ref | person_ref | role    | missing_risk
        1          | i1           | p1         | missing | High
        2          | i2           | p1         | missing | medium
        3          | i3           | p1         | missing |
        """,
        """
        row_number | crisis
        1          | true
        2          | false
        3          | false
        """,
    ),
    "A notice of domestic abuse is a sign of it whatever the incident was opened and closed as": (
        """
        row_number | nsir_open      | nsir_close | ppn_type
        1          | Civil dispute  | Hoax call  | domestic
        2          | Civil dispute  | Hoax call  | adult
        """,
        """
        row_number | need
        1          | domestic_abuse
        2          | other
        """,
    ),
    "The notice says how it ended where the incident does not": (
        """
        row_number | closing_outcome    | ppn_outcome
        1          |                    | Shared - support started
        2          | Resolved at scene  | Not shared
        """,
        """
        row_number | outcome_group
        1          | met
        2          | met
        """,
    ),
    "Callers and witnesses are not the ones whom the contact is about": (
        """
        row_number | incident_ref | person_ref | role
        1          | i1           | p1         | Missing
        2          | i1           | p2         | caller
        3          | i1           | p3         | witness
        """,
        """
        row_number | left_out
        1          |
        2          | caller or witness
        3          | caller or witness
        """,
    ),
    "Of two deliveries of one incident the later one counts, and two people in it are two contacts": (
        """
        row_number | incident_ref | person_ref | role    | period  | officer_minutes
        1          | i1           | p1         | victim  | 2024-01 | 30
        9          | i1           | p1         | victim  | 2024-02 | 45
        2          | i1           | p2         | suspect | 2024-01 | 30
        """,
        """
        row_number | staff_minutes | left_out
        1          | 30            | duplicate event
        9          | 45            |
        2          | 30            |
        """,
    ),
}


@pytest.mark.parametrize(("rows", "expected"), POLICE.values(), ids=POLICE)
def test_police_incidents(check_feed, rows, expected):
    check_feed("police_incidents", rows, expected)


AE = {
    "The need of highest priority among complaint, intent and all diagnoses is taken": (
        """
        row_number | EC_Chief_Complaint_SNOMED_CT | Der_EC_Diagnosis_All | EC_Injury_Intent_SNOMED_CT
        1          | 21522001                     | 125605004,52448006   |
        5          |                              | 125605004; 52448006; |
        2          | 161898004                    | 25702006             |
        3          | 312608009                    |                      | 276853009
        4          |                              |                      |
        """,
        """
        row_number | need          | later_life_need
        1          | dementia      | dementia
        5          | dementia      | dementia
        2          | alcohol_drugs | frailty
        3          | mental_health |
        4          | unknown       |
        """,
    ),
    "Arrival by ambulance or police or an admission makes a crisis": (
        """
        row_number | EC_Ident | EC_Arrival_Mode_SNOMED_CT | Discharge_Destination_SNOMED_CT
        1          | a1       | 1048031000000100          | 306689006
        2          | a2       | 1048001000000106          | 306689006
        3          | a3       | 1048071000000103          | 306706006
        4          | a4       | 1048071000000103          | 306689006
        """,
        """
        row_number | crisis | outcome_group | went_home
        1          | true   | met           | true
        2          | true   | met           | true
        3          | true   | admitted      | false
        4          | false  | met           | true
        """,
    ),
    "A death is an outcome before all others, and streaming to another service is passing on": (
        """
        row_number | EC_Discharge_Status_SNOMED_CT | Discharge_Destination_SNOMED_CT
        1          | 63238001                      | 306706006
        2          | 1077101000000105              | 306689006
        3          | 1066321000000107              |
        """,
        """
        row_number | outcome_group
        1          | died
        2          | passed_on
        3          | left
        """,
    ),
    "A stay lasts from arrival to departure, over midnight too": (
        """
        row_number | Arrival_Date | Arrival_Time | EC_Departure_Date | EC_Departure_Time | EC_Departure_Time_Since_Arrival
        1          | 2024-01-10   | 20:30        | 2024-01-11        | 18:30             | 1320
        """,
        """
        row_number | started_at       | ended_at         | stay_minutes
        1          | 2024-01-10 20:30 | 2024-01-11 18:30 | 1320
        """,
    ),
    "A row that is flagged as a duplicate or is not finished is no contact, and takes nothing from one that is": (
        """
        row_number | EC_Ident | Der_Dupe_Flag | Finished_Indicator
        1          | a1       | false         | true
        2          | a1       | true          | true
        3          | a2       |               | false
        4          | a3       |               |
        """,
        """
        row_number | left_out
        1          |
        2          | flagged as a duplicate
        3          | attendance not finished
        4          |
        """,
    ),
    "A patient held under section 136 is in crisis however they came, and it is a matter of mental health": (
        """
        row_number | Mental_Health_Act_Legal_Status_Classification_Code | EC_Chief_Complaint_SNOMED_CT
        1          | 20                                                 | 312608009
        2          | 01, 19                                             |
        3          | 01                                                 | 312608009
        """,
        """
        row_number | crisis | need
        1          | true   | mental_health
        2          | true   | mental_health
        3          | false  | injury
        """,
    ),
    "The area is that of 2021 where it is given, or else that of 2011": (
        """
        row_number | Der_Postcode_LSOA_2021_Code | Der_Postcode_LSOA_2011_Code
        1          | E01000001                   | E01000002
        2          |                             | E01000002
        3          |                             |
        """,
        """
        row_number | lsoa      | lsoa_vintage
        1          | E01000001 | 2021
        2          | E01000002 | 2011
        3          |           |
        """,
    ),
    "A stay of days stays as long as it was": (
        """
        row_number | EC_Departure_Date | EC_Departure_Time | EC_Departure_Time_Since_Arrival
        1          | 2024-01-13        | 10:00             | 4320
        """,
        """
        row_number | stay_minutes | left_out
        1          | 4320         |
        """,
    ),
    "Of two deliveries of one attendance the later one counts": (
        """
        row_number | EC_Ident | period
        1          | a1       | 2024-01
        2          | a1       | 2024-02
        3          | a2       | 2024-01
        """,
        """
        row_number | left_out
        1          | duplicate event
        2          |
        3          |
        """,
    ),
}


@pytest.mark.parametrize(("rows", "expected"), AE.values(), ids=AE)
def test_ae_attendances(check_feed, rows, expected):
    check_feed("ae_attendances", rows, expected)


def test_going_home_and_acuity_are_what_the_code_lists_say_whatever_the_labels(check):
    check(
        "staging.ae_attendances",
        {
            "accepted.ae_attendances": """
            row_number | Discharge_Destination_SNOMED_CT | EC_Acuity_SNOMED_CT
            1          | 11                              | 21
            2          | 12                              | 22
            3          |                                 |
            """,
            "reference.codes": """
            code_list                | code_key | label                | went_home | acuity | applies_from | applies_before
            ae_discharge_destination | 11       | Own home             | true      |        | 0001-01-01   | 9999-12-31
            ae_discharge_destination | 12       | Home                 | false     |        | 0001-01-01   | 9999-12-31
            ae_acuity                | 21       | Immediate            |           | 1      | 0001-01-01   | 9999-12-31
            ae_acuity                | 22       | 1 that is very first |           | 2      | 0001-01-01   | 9999-12-31
            """,
        },
        """
        row_number | went_home | acuity
        1          | true      | 1
        2          | false     | 2
        3          | false     |
        """,
    )


def test_the_age_band_is_the_one_delivered_with_the_attendance(check):
    check(
        "staging.ae_attendances",
        {
            "accepted.ae_attendances": """
            row_number | person_ref | period
            1          | p1         | 2024-01
            2          | p1         | 2024-02
            3          | p2         | 2024-02
            """,
            "accepted.attributes": """
            person_ref | period  | age_band
            p1         | 2024-01 | 45-64
            p1         | 2024-02 | 65-74
            """,
        },
        """
        row_number | age_band
        1          | 45-64
        2          | 65-74
        3          |
        """,
    )


SOCIAL_CARE = {
    "An outcome is matched however it is spelt": (
        """
        row_number | Event_Outcome                               | Primary_Support_Reason
        1          | NFA- Information and Advice/Signposting only | support with memory and cognition
        2          | NFA - Support ended – other reason           | Social Support: Substance Misuse support
        """,
        """
        row_number | kind    | need          | outcome_group
        1          | request | dementia      | no_further_action
        2          | request | alcohol_drugs | no_further_action
        """,
    ),
    "An event of a carer is about the strain of caring, whatever the reason for support": (
        """
        row_number | Client_Type | Primary_Support_Reason
        1          | Carer       | Support with Memory & Cognition
        """,
        """
        row_number | need
        1          | carer_strain
        """,
    ),
    "Who asked is the agency that raised the request, or else its route": (
        """
        row_number | Requested_By | Request_Route_of_Access
        1          | Police       | Community / Other route
        2          |              | Discharge from Hospital
        """,
        """
        row_number | raised_by
        1          | police
        2          | health
        """,
    ),
    "One reference delivered twice counts once, in its later state": (
        """
        row_number | Event_Reference_Number | Event_Type | period  | Event_End_Date
        1          | e1                     | Service    | 2024-01 |
        2          | e1                     | Service    | 2024-02 | 2024-02-10
        """,
        """
        row_number | ended_at   | left_out
        1          |            | duplicate event
        2          | 2024-02-10 |
        """,
    ),
    "Two references for a request of one person, day and route are one event": (
        """
        row_number | Event_Reference_Number | person_ref | Event_Start_Date | Request_Route_of_Access
        1          | e1                     | p1         | 2024-01-05       | Community / Other route
        2          | e2                     | p1         | 2024-01-05       | Community / Other route
        3          | e3                     | p1         | 2024-01-05       | Discharge from Hospital
        4          | e4                     | p1         | 2024-01-06       | Community / Other route
        5          | e5                     | p2         | 2024-01-05       | Community / Other route
        """,
        """
        row_number | left_out
        1          | duplicate event under another reference
        2          |
        3          |
        4          |
        5          |
        """,
    ),
    "Of two versions of one event in a delivery the one that was taken in last counts": (
        """
        row_number | Event_Reference_Number | ImportDate | Event_Outcome
        1          | e1                     | 2024-01-20 | NFA - Support declined
        2          | e1                     | 2024-01-12 | Progress to Assessment
        """,
        """
        row_number | outcome_group     | left_out
        1          | no_further_action |
        2          | passed_on         | duplicate event
        """,
    ),
    "Services that differ only in how they are spelt are one event": (
        """
        row_number | Event_Reference_Number | person_ref | Event_Type | Service_Type                   | Service_Component | Delivery_Mechanism
        1          | e1                     | p1         | Service    | Long Term Support: Community   | Day Support       | CASSR Commissioned Support
        2          | e2                     | p1         | service    | Long term support - community  | day  support      | CASSR commissioned support
        3          | e3                     | p1         | Service    | Long Term Support: Community   | Day Support       | Direct Payment
        """,
        """
        row_number | left_out
        1          | duplicate event under another reference
        2          |
        3          |
        """,
    ),
    "Two references for a service of one kind from one day are one event": (
        """
        row_number | Event_Reference_Number | person_ref | Event_Type | Service_Type | Service_Component
        1          | e1                     | p1         | Service    | Long         | Meals
        2          | e2                     | p1         | Service    | Long         | Meals
        3          | e3                     | p1         | Service    | Long         | Day Support
        """,
        """
        row_number | left_out
        1          | duplicate event under another reference
        2          |
        3          |
        """,
    ),
    "Assessments on one day stay apart": (
        """
        row_number | Event_Reference_Number | person_ref | Event_Type
        1          | e1                     | p1         | Assessment
        2          | e2                     | p1         | Assessment
        """,
        """
        row_number | left_out
        1          |
        2          |
        """,
    ),
}


@pytest.mark.parametrize(("rows", "expected"), SOCIAL_CARE.values(), ids=SOCIAL_CARE)
def test_social_care_events(check_feed, rows, expected):
    check_feed("social_care_events", rows, expected)


THREE_FEEDS = {
    "accepted.police_incidents": """
    row_number | incident_ref | person_ref | role
    1          | i1           | p1         | subject
    2          | i2           | p2         | caller
    """,
    "accepted.ae_attendances": """
    row_number | EC_Ident | person_ref
    1          | a1       | h1
    2          | a1       | h1
    3          | a2       | nobody
    """,
    "accepted.social_care_events": """
    row_number | Event_Reference_Number | person_ref
    1          | e1                     | c1
    """,
    "linkage.person_index": """
    agency | feed               | person_ref | person_id | person_id_low | person_id_high
    NPOL   | police_incidents   | p1         | P1        | L1            | H1
    NPOL   | police_incidents   | p2         | P2        | L2            | H2
    WEXH    | ae_attendances     | h1         | P1        | L1            | H2
    LAWX   | social_care_events | c1         | P3        | L1            | H3
    """,
}


def test_every_accepted_row_is_a_contact_or_is_left_out_with_a_reason(check):
    check(
        "staging.contact_rows",
        THREE_FEEDS,
        """
        feed               | row_number | person_id | left_out
        police_incidents   | 1          | P1        |
        police_incidents   | 2          | P2        | caller or witness
        ae_attendances     | 1          | P1        | duplicate event
        ae_attendances     | 2          | P1        |
        ae_attendances     | 3          |           | person not in the index
        social_care_events | 1          | P3        |
        """,
    )


def test_a_team_that_is_in_no_list_is_not_published_since_it_may_be_free_text(check):
    incidents = """
    row_number | incident_ref | person_ref | team
    1          | i1           | p1         | response  EASTLOW
    2          | i2           | p1         | Mrs Jones next door
    """
    check(
        "staging.contact_rows",
        THREE_FEEDS | {"accepted.police_incidents": incidents},
        """
        feed               | row_number | team
        police_incidents   | 1          | Response Eastlow
        police_incidents   | 2          |
        ae_attendances     | 1          |
        ae_attendances     | 2          |
        ae_attendances     | 3          |
        social_care_events | 1          |
        """,
    )


def test_contacts_are_the_rows_that_are_not_left_out(check):
    check(
        "staging.contacts",
        THREE_FEEDS,
        """
        feed               | person_id | time_known
        police_incidents   | P1        | true
        ae_attendances     | P1        | true
        social_care_events | P3        | false
        """,
    )


def test_rows_left_out_are_counted_by_reason(check):
    check(
        "staging.left_out",
        THREE_FEEDS,
        """
        agency | feed             | period  | reason                  | rows
        NPOL   | police_incidents | 2024-01 | caller or witness       | 1
        WEXH    | ae_attendances   | 2024-01 | duplicate event         | 1
        WEXH    | ae_attendances   | 2024-01 | person not in the index | 1
        """,
    )


# Low joins all but the caller; high takes P1 apart, as draw 1 does; P3 is at high the same records under another key.
VARIANTS = THREE_FEEDS | {
    "linkage.person_index": """
    agency | feed               | person_ref | person_id | person_id_low | person_id_high
    NPOL   | police_incidents   | p1         | P1        | L1            | H1
    NPOL   | police_incidents   | p2         | P2        | L2            | H2
    WEXH   | ae_attendances     | h1         | P1        | L1            | H3
    LAWX   | social_care_events | c1         | P3        | L1            | H4
    """,
    "linkage.person_draws": """
    draw | agency | feed               | person_ref | person_key
    1    | WEXH   | ae_attendances     | h1         | D1
    1    | NPOL   | police_incidents   | p1         | D2
    2    | LAWX   | social_care_events | c1         | D3
    2    | NPOL   | police_incidents   | p1         | D3
    2    | WEXH   | ae_attendances     | h1         | D1
    """,
}


def test_every_set_of_records_that_is_nobody_in_the_central_scenario_is_an_alternative_once(check):
    check(
        "staging.person_scenarios",
        VARIANTS,
        """
        scenario    | person_key
        central     | P1
        central     | P1
        central     | P3
        alternative | L1
        alternative | L1
        alternative | L1
        alternative | D1
        alternative | D2
        alternative | D3
        alternative | D3
        """,
    )


def test_a_variant_names_whom_it_replaces_by_whom_and_nobody_who_is_the_same_set_of_records(check):
    check(
        "staging.person_alternatives",
        VARIANTS,
        """
        variant | person_id | person_key
        low     | P1        | L1
        low     | P3        | L1
        high    | P1        | D1
        high    | P1        | D2
        1       | P1        | D1
        1       | P1        | D2
        2       | P1        | D1
        2       | P1        | D3
        2       | P3        | D3
        """,
    )


def test_without_links_in_doubt_there_are_no_alternatives(check):
    check(
        "staging.person_alternatives",
        {
            "linkage.person_index": """
            agency | feed             | person_ref | person_id | person_id_low | person_id_high
            NPOL   | police_incidents | p1         | P1        | L1            | H1
            WEXH   | ae_attendances   | h1         | P1        | L1            | H1
            WEXH   | ae_attendances   | h2         | P2        | L2            | H2
            """,
        },
        "variant",
    )


def test_an_event_is_told_by_the_codes_of_its_day_and_beyond_all_by_the_nearest_edition(check):
    check(
        "staging.ae_attendances",
        {
            "accepted.ae_attendances": """
            row_number | Arrival_Date | EC_Acuity_SNOMED_CT
            1          | 2016-02-29   | 21
            2          | 2024-03-31   | 21
            3          | 2024-04-01   | 21
            """,
            "reference.codes": """
            code_list | code_key | acuity | valid_from | valid_to   | applies_from | applies_before
            ae_acuity | 21       | 1      | 2017-10-01 | 2024-03-31 | 0001-01-01   | 2024-04-01
            ae_acuity | 21       | 2      | 2024-04-01 |            | 2024-04-01   | 9999-12-31
            """,
        },
        """
        row_number | acuity
        1          | 1
        2          | 1
        3          | 2
        """,
    )


def test_every_code_seen_is_counted_and_what_is_in_no_list_is_never_quoted(check):
    check(
        "staging.codes_seen",
        {
            "accepted.police_incidents": """
            row_number | role    | grade     | nsir_open      | qualifiers
            1          | subject | Prompt    | Alien landing  | alcohol; ufo;
            2          | subject | IMMEDIATE | asb (personal) |
            3          | subject | prompt    | Mrs Jones      | Alcohol
            """,
        },
        """
        period  | column_name | code_list        | code           | listed | codes
        2024-01 | role        | police_role      | subject        | true   | 3
        2024-01 | grade       | police_grade     | Immediate      | true   | 1
        2024-01 | grade       | police_grade     | Prompt         | true   | 2
        2024-01 | nsir_open   | police_category  | ASB - Personal | true   | 1
        2024-01 | nsir_open   | police_category  |                | false  | 2
        2024-01 | qualifiers  | police_qualifier | alcohol        | true   | 2
        2024-01 | qualifiers  | police_qualifier |                | false  | 1
        """,
    )


def test_a_person_has_the_latest_attributes_that_any_record_gives(check):
    check(
        "staging.people",
        {
            "linkage.person_index": """
            agency | feed             | person_ref | person_id
            WEXH    | ae_attendances   | h1         | P1
            NPOL   | police_incidents | p1         | P1
            NPOL   | police_incidents | p2         | P2
            """,
            "accepted.attributes": """
            agency | feed             | person_ref | period  | sex | age_band | ethnic_group | death_month
            WEXH    | ae_attendances   | h1         | 2024-01 | F   | 45-64    | white        |
            WEXH    | ae_attendances   | h1         | 2024-05 |     | 65-74    |              | 2024-05
            NPOL   | police_incidents | p1         | 2024-03 | F   | 45-64    | mixed        |
            """,
            "staging.contacts": """
            contact_id | person_id | agency | crisis | started_at
            C1         | P1        | WEXH    | true   | 2024-01-03
            C2         | P1        | NPOL   | false  | 2024-03-04
            """,
        },
        """
        person_id | records | sex | age_band | ethnic_group | death_month | contacts | crisis_contacts | agencies | first_contact_at | last_contact_at
        P1        | 2       | F   | 65-74    | mixed        | 2024-05     | 2        | 1               | 2        | 2024-01-03       | 2024-03-04
        P2        | 1       |     |          |              |             | 0        | 0               | 0        |                  |
        """,
    )
