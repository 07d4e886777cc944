"""Definitions of frequent use: what a row of the CSV counts, what it refuses, cohorts and their overlaps."""

import csv
from dataclasses import replace

import pytest

from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings
from pipelines.warehouse.definitions import COLUMNS, check_definitions


def everybody_is_one_person(contacts: str) -> str:
    """person_scenarios of a table of contacts in text: all of P1 in the central scenario."""
    ids = [line.split("|")[0].strip() for line in contacts.strip().splitlines()[1:]]
    return "\n".join(["contact_id | scenario | person_key", *(f"{contact} | central | P1" for contact in ids)])


def met(check, definitions: str, contacts: str, expected: str, traits: str = "contact_id") -> None:
    """Checks journeys.cycling of one person."""
    given = {
        "reference.definitions": definitions,
        "staging.contacts": contacts,
        "staging.contact_traits": traits,
        "staging.person_scenarios": everybody_is_one_person(contacts),
    }
    check("journeys.cycling", given, expected)


def test_a_calendar_month_counts_from_its_first_day_to_its_last(check):
    met(
        check,
        """
        definition_id | min_contacts | calendar | window_days
        MONTH         | 3            | month    |
        YEAR          | 4            | year     |
        ROLLING       | 3            |          | 31
        """,
        """
        contact_id | started_at
        C1         | 2024-01-31 23:00
        C2         | 2024-02-01 00:00
        C3         | 2024-02-29 23:00
        C4         | 2024-12-31 23:59
        C5         | 2025-01-01 00:00
        """,
        """
        definition_id | first_met_on | times_met
        YEAR          | 2024-12-31   | 1
        ROLLING       | 2024-02-29   | 1
        """,
    )


def test_a_third_contact_in_the_calendar_month_meets_it_and_the_next_month_starts_anew(check):
    met(
        check,
        """
        definition_id | min_contacts | calendar
        MONTH         | 3            | month
        """,
        """
        contact_id | started_at
        C1         | 2024-02-01 00:00
        C2         | 2024-02-15 00:00
        C3         | 2024-02-29 23:00
        C4         | 2024-03-01 00:00
        """,
        """
        definition_id | first_met_on | last_met_on | times_met | most_contacts_in_window
        MONTH         | 2024-02-29   | 2024-02-29  | 1         | 3
        """,
    )


def test_kinds_outcomes_ages_roles_and_homes_say_what_counts(check):
    met(
        check,
        """
        definition_id | kinds       | outcomes | roles       | ages | homeless | min_contacts | window_days
        EVERYTHING    |             |          |             |      |          | 6            | 365
        KIND          | crime       |          |             |      |          | 2            | 365
        OUTCOME       |             | custody  |             |      |          | 1            | 365
        ROLE          |             |          | victim      |      |          | 1            | 365
        TWO_ROLES     |             |          | victim;none |      |          | 3            | 365
        AGE           |             |          |             | 0-17 |          | 1            | 365
        HOME          |             |          |             |      | true     | 1            | 365
        NEVER         | crime       | custody  | victim      |      |          | 1            | 365
        """,
        """
        contact_id | kind    | outcome_group | started_at
        C1         | crime   | met           | 2024-01-01
        C2         | crime   | custody       | 2024-01-02
        C3         | request | met           | 2024-01-03
        C4         | request | met           | 2024-01-04
        C5         | request | met           | 2024-01-05
        C6         | crime_2 | met           | 2024-01-06
        """,
        """
        definition_id | first_met_on | times_met
        EVERYTHING    | 2024-01-06   | 1
        KIND          | 2024-01-02   | 1
        OUTCOME       | 2024-01-02   | 1
        ROLE          | 2024-01-01   | 1
        TWO_ROLES     | 2024-01-04   | 2
        AGE           | 2024-01-03   | 1
        HOME          | 2024-01-04   | 1
        """,
        traits="""
        contact_id | role    | age_band | homeless
        C1         | victim  | 18-24    | false
        C2         | suspect | 18-24    | false
        C3         |         | 0-17     | false
        C4         |         | 18-24    | true
        C5         |         |          | false
        C6         | suspect | 18-24    | false
        """,
    )


BOTH = """
definition_id | feeds            | min_contacts | window_days | made_of  | at_least | only_part
AE            | ae_attendances   | 2            | 10          |          |          | true
POLICE        | police_incidents | 1            | 5           |          |          | true
BOTH          |                  |              |             | AE;POLICE | 2       |
EITHER        |                  |              |             | AE;POLICE | 1       |
"""

# The second attendance meets AE on 5 January; its window of 10 days holds both until 10 January, the day 1 + 9.
COMPOSED = {
    "Both hold on the last day of a window": (
        """
        contact_id | feed             | started_at
        C1         | ae_attendances   | 2024-01-01
        C2         | ae_attendances   | 2024-01-05
        C3         | police_incidents | 2024-01-10
        """,
        """
        definition_id | first_met_on | last_met_on | times_met
        EITHER        | 2024-01-05   | 2024-01-10  | 2
        BOTH          | 2024-01-10   | 2024-01-10  | 1
        """,
    ),
    "A day later the first attendance has fallen out of it": (
        """
        contact_id | feed             | started_at
        C1         | ae_attendances   | 2024-01-01
        C2         | ae_attendances   | 2024-01-05
        C3         | police_incidents | 2024-01-11
        """,
        """
        definition_id | times_met
        EITHER        | 2
        """,
    ),
    "The order of the services does not matter": (
        """
        contact_id | feed             | started_at
        C1         | ae_attendances   | 2024-01-01
        C2         | police_incidents | 2024-01-02
        C3         | ae_attendances   | 2024-01-06
        """,
        """
        definition_id | first_met_on | times_met
        EITHER        | 2024-01-02   | 2
        BOTH          | 2024-01-06   | 1
        """,
    ),
    "One part alone is not both": (
        """
        contact_id | feed             | started_at
        C1         | police_incidents | 2024-01-02
        C2         | police_incidents | 2024-01-03
        """,
        """
        definition_id | times_met
        EITHER        | 2
        """,
    ),
    "Two stretches of one part are not two parts": (
        """
        contact_id | feed             | started_at
        C1         | ae_attendances   | 2024-01-01
        C2         | ae_attendances   | 2024-01-02
        C3         | police_incidents | 2024-02-01
        C4         | ae_attendances   | 2024-03-01
        C5         | ae_attendances   | 2024-03-02
        """,
        """
        definition_id | times_met
        EITHER        | 3
        """,
    ),
}


@pytest.mark.parametrize(("contacts", "expected"), COMPOSED.values(), ids=COMPOSED)
def test_a_definition_made_of_others_is_met_while_enough_of_them_hold(check, contacts, expected):
    met(check, BOTH, contacts, expected)


def test_three_of_five_counts_distinct_disadvantages_and_not_contacts(check):
    parts = ["mental_health", "alcohol_drugs", "domestic_abuse", "crime", "dementia"]
    definitions = "definition_id | needs | min_contacts | window_days | only_part | made_of | at_least\n"
    definitions += "".join(f"{need} | {need} | 1 | 365 | true | |\n" for need in parts)
    definitions += f"THREE | | | | | {';'.join(parts)} | 3\n"
    contacts = """
    contact_id | need           | started_at
    C1         | mental_health  | 2024-01-01
    C2         | mental_health  | 2024-01-02
    C3         | alcohol_drugs  | 2024-01-03
    C4         | crime          | {}
    """
    met(check, definitions, contacts.format("2024-12-30"), "definition_id | first_met_on\nTHREE | 2024-12-30")


def test_three_of_five_is_not_met_once_the_first_is_a_year_old(check):
    definitions = """
    definition_id | needs         | min_contacts | window_days | only_part | made_of | at_least
    ONE           | mental_health | 1            | 365         | true      |         |
    TWO           | alcohol_drugs | 1            | 365         | true      |         |
    BOTH          |               |              |             |           | ONE;TWO | 2
    """
    contacts = """
    contact_id | need          | started_at
    C1         | mental_health | 2023-01-01
    C2         | alcohol_drugs | {}
    """
    met(check, definitions, contacts.format("2024-01-01"), "definition_id")


TOP = {
    "reference.definitions": """
    definition_id | feeds          | min_contacts | window_days | top
    TOP           | ae_attendances | 2            | 365         | 2
    """,
    "staging.months": "period\n2023-12\n2024-12",
}


def attendances(**sites: dict[str, int]) -> dict[str, str]:
    """Contacts and person_scenarios: so many attendances of each person at each site, from 1 June 2024 on."""
    rows = [
        (f"{site}{person}{number}", site, person, f"2024-06-{number + 1:02}")
        for site, people in sites.items()
        for person, times in people.items()
        for number in range(times)
    ]
    return {
        "staging.contacts": "contact_id | team | started_at\n"
        + "\n".join(f"{contact} | {site} | {day}" for contact, site, _, day in rows),
        "staging.person_scenarios": "contact_id | scenario | person_key\n"
        + "\n".join(
            f"{contact} | {'alternative' if person.startswith('X') else 'central'} | {person}"
            for contact, _, person, _ in rows
        ),
    }


def test_the_top_of_each_site_are_those_with_the_most_attendances_there_with_all_who_tie(check):
    check(
        "journeys.cycling",
        TOP
        | attendances(
            NORTH={"P1": 5, "P2": 4, "P3": 3},
            SOUTH={"P3": 3, "P4": 2, "P5": 2, "P6": 1},
            EAST={"P7": 3, "P8": 1},
        ),
        """
        person_key | first_met_on | times_met | most_contacts_in_window
        P1         | 2024-06-04   | 2         | 5
        P2         | 2024-06-04   | 1         | 4
        P3         | 2024-06-02   | 2         | 3
        P4         | 2024-06-02   | 1         | 2
        P5         | 2024-06-02   | 1         | 2
        P7         | 2024-06-02   | 2         | 3
        """,
    )


def test_an_alternative_is_held_against_the_number_of_the_central_scenario(check):
    check(
        "journeys.cycling",
        TOP | attendances(NORTH={"P1": 5, "P2": 4, "P3": 3, "X1": 9, "X2": 4, "X3": 3}),
        """
        scenario    | person_key
        central     | P1
        central     | P2
        alternative | X1
        alternative | X2
        """,
    )


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param("2024-01-02", "person_key\nP1", id="The first of 365 days"),
        pytest.param("2024-01-01", "person_key", id="A day before"),
    ],
)
def test_the_top_are_those_of_the_last_365_days_of_the_records(check, first, expected):
    contacts = f"""
    contact_id | started_at
    C1         | {first}
    C2         | 2024-12-31
    """
    given = {"staging.contacts": contacts, "staging.person_scenarios": everybody_is_one_person(contacts)}
    check("journeys.cycling", TOP | given, expected)


def test_traits_are_those_at_the_contact_itself(check):
    check(
        "staging.contact_traits",
        {
            "staging.contact_rows": """
            contact_id | agency | feed               | period  | row_number | person_ref | left_out
            C1         | NPOL   | police_incidents   | 2024-01 | 1          | p1         |
            C2         | NPOL   | police_incidents   | 2024-01 | 2          | p1         | caller or witness
            C3         | LAWX   | social_care_events | 2024-01 | 1          | s1         |
            C4         | LAWX   | social_care_events | 2024-02 | 1          | s1         |
            C5         | WEXH   | ae_attendances     | 2024-01 | 1          | a1         |
            """,
            "accepted.police_incidents": """
            period  | row_number | person_ref | role
            2024-01 | 1          | p1         | Victim
            2024-01 | 2          | p1         | caller
            """,
            "accepted.social_care_events": """
            period  | row_number | person_ref | Accommodation_Status
            2024-01 | 1          | s1         | Rough sleeper/squatting
            2024-02 | 1          | s1         | Tenant
            """,
            "accepted.ae_attendances": """
            period  | row_number | person_ref | Accommodation_Status_SNOMED_CT
            2024-01 | 1          | a1         | 32911000
            """,
            "accepted.attributes": """
            agency | feed               | period  | person_ref | age_band
            LAWX   | social_care_events | 2024-01 | s1         | 0-17
            LAWX   | social_care_events | 2024-02 | s1         | 18-24
            """,
        },
        """
        contact_id | role   | age_band | homeless
        C1         | victim |          | false
        C3         |        | 0-17     | true
        C4         |        | 18-24    | false
        C5         |        |          | true
        """,
    )


def test_a_definition_without_a_figure_says_why(check):
    check(
        "marts.definitions",
        {
            "reference.definitions": """
            definition_id | status        | feeds               | made_of       | at_least | only_part | note
            FIGURE        | published     | ae_attendances      |               |          |           |
            NO_FEED       | published     | ambulance_incidents |               |          |           |
            NO_CONTACT    | published     | ae_attendances      |               |          |           |
            PART          | published     | ae_attendances      |               |          | true      |
            ONE_OF_TWO    | published     |                     | PART;NO_FEED  | 1        |           |
            TWO_OF_TWO    | published     |                     | PART;NO_FEED  | 2        |           |
            HOUSEHOLDS    | not supported |                     |               |          |           | No address
            """,
            "accepted.deliveries": """
            feed           | status
            ae_attendances | accepted
            """,
            "journeys.counted_kinds": """
            definition_id
            FIGURE
            PART
            """,
            "journeys.cycling": """
            scenario | person_key | definition_id
            central  | P1         | FIGURE
            """,
        },
        """
        definition_id | people | no_figure                                          | parts_not_recorded
        FIGURE        | 1      |                                                    |
        NO_FEED       |        | Nothing was delivered of the feeds that it counts  |
        NO_CONTACT    |        | No contact was recorded of the kind that it counts |
        PART          |        | It is only a part of other definitions             |
        ONE_OF_TWO    | 0      |                                                    | NO_FEED
        TWO_OF_TWO    |        | Nothing was delivered of the feeds that it counts  | NO_FEED
        HOUSEHOLDS    |        | No address                                         |
        """,
    )


def test_cohorts_at_other_thresholds_and_in_the_last_year(check):
    check(
        "marts.definitions",
        {
            "reference.definitions": "definition_id\nD",
            "journeys.counted_kinds": "definition_id\nD",
            "staging.months": "period\n" + "\n".join(f"2024-{month:02}" for month in range(1, 13)) + "\n2025-01",
            "journeys.cycling": """
            scenario    | person_key | definition_id | months_met
            central     | P1         | D             | [2024-01]
            central     | P2         | D             | [2024-01, 2024-02]
            alternative | A1         | D             | [2024-01]
            alternative | A2         | D             | [2024-01]
            """,
            # With more links P1 and P2 are one, with fewer P1 is two of whom both meet the definition.
            "staging.person_changes": """
            variant | scenario    | person_key | sign
            low     | central     | P1         | -1
            low     | central     | P2         | -1
            low     | alternative | A1         | 1
            high    | central     | P1         | -1
            high    | alternative | A1         | 1
            high    | alternative | A2         | 1
            """,
        },
        """
        people | people_more_links | people_fewer_links | people_in_last_year
        2      | 1                 | 3                  | 1
        """,
    )


def test_overlaps_count_people_who_meet_both_and_nobody_twice(check):
    check(
        "marts.definition_overlaps",
        {
            "marts.definitions": """
            definition_id | people
            A             | 3
            B             | 2
            NOBODY        | 0
            UNSUPPORTED   |
            """,
            "journeys.cycling": """
            scenario    | person_key | definition_id
            central     | P1         | A
            central     | P2         | A
            central     | P3         | A
            central     | P1         | B
            central     | P4         | B
            alternative | P2         | B
            """,
        },
        """
        definition_id | other_definition_id | people | other_people | people_in_both | jaccard
        A             | B                   | 3      | 2            | 1              | 0.25
        B             | A                   | 2      | 3            | 1              | 0.25
        A             | NOBODY              | 3      | 0            | 0              | 0
        NOBODY        | A                   | 0      | 3            | 0              | 0
        B             | NOBODY              | 2      | 0            | 0              | 0
        NOBODY        | B                   | 0      | 2            | 0              | 0
        """,
    )


GOOD = {
    "definition_id": "ae_5",
    "label": "Five or more",
    "status": "published",
    "feeds": "ae_attendances",
    "min_contacts": "5",
    "window_days": "365",
    "source": "A paper",
}
OTHER = GOOD | {"definition_id": "ae_9", "min_contacts": "9"}
EITHER = {
    "definition_id": "either",
    "label": "Either",
    "status": "ours",
    "made_of": "ae_5;ae_9",
    "at_least": "1",
    "source": "Ours",
}

WRONG = {
    "A feed nobody knows": ([GOOD | {"feeds": "ae_attendance"}], "line 2 .ae_5.: feeds holds 'ae_attendance'"),
    "A kind nobody knows": ([GOOD | {"kinds": "assault"}], "kinds holds 'assault'"),
    "A need nobody knows": ([GOOD, OTHER | {"needs": "sadness"}], "line 3 .ae_9.: needs holds 'sadness'"),
    "A caller": ([GOOD | {"roles": "caller"}], "roles holds 'caller'"),
    "An age that is no band": ([GOOD | {"ages": "adult"}], "ages holds 'adult'"),
    "A number in words": ([GOOD | {"min_contacts": "five"}], "min_contacts is 'five', which is not a whole number"),
    "None needed": ([GOOD | {"min_contacts": "0"}], "min_contacts is '0', which is not a whole number from 1"),
    "No number": ([GOOD | {"min_contacts": ""}], "min_contacts is empty"),
    "No window": ([GOOD | {"window_days": ""}], "window_days or calendar must be filled"),
    "Two windows": ([GOOD | {"calendar": "year"}], "window_days or calendar must be filled, and one of them only"),
    "More crises than contacts": ([GOOD | {"min_crisis": "6"}], "min_crisis is more than min_contacts"),
    "Two rows of one name": ([GOOD, GOOD], "line 3 .ae_5.: definition_id stands there twice"),
    "No label": ([GOOD | {"label": ""}], "label is empty"),
    "A status nobody knows": ([GOOD | {"status": "good"}], "status holds 'good'"),
    "Not supported without a reason": (
        [{"definition_id": "x", "label": "X", "status": "not supported", "source": "Y"}],
        "note is empty; say why",
    ),
    "Not supported with a threshold": ([GOOD | {"status": "not supported", "note": "No"}], "feeds is filled although"),
    "Made of what is not there": ([GOOD, EITHER], "made_of names 'ae_9', which is not a definition here"),
    "Made of what is made of others": (
        [GOOD, OTHER, EITHER, EITHER | {"definition_id": "deeper", "made_of": "either;ae_5"}],
        "made_of names 'either', which has no window of its own",
    ),
    "Made of what asks for a crisis": ([GOOD, OTHER | {"min_crisis": "1"}, EITHER], "asks for more than a number"),
    "Three of two": ([GOOD, OTHER, EITHER | {"at_least": "3"}], "at_least must say how many of the 2"),
}


def hub_with(folder, rows) -> Settings:
    """A hub whose own definitions are these rows."""
    settings = replace(Settings(), data=folder)
    path = settings.state / "reference" / "definitions.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return settings


@pytest.mark.parametrize(("rows", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_told_with_its_line_its_column_and_what_to_do(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        check_definitions(hub_with(tmp_path, rows))


def test_rows_that_are_right_are_taken(tmp_path):
    check_definitions(hub_with(tmp_path, [GOOD, OTHER, EITHER]))


def test_the_project_s_own_definitions_are_right(tmp_path):
    check_definitions(Settings(data=tmp_path))


def test_a_header_that_lacks_a_column_is_told(tmp_path):
    settings = hub_with(tmp_path, [GOOD])
    path = settings.reference_csv("definitions")
    path.write_text(path.read_text().replace("calendar", "calender"))
    with pytest.raises(InputError, match="the column calendar is missing"):
        check_definitions(settings)
