"""What contacts cost on average: which unit cost a contact has, shares of incidents, bands, price years, what is missing."""

import csv

from pipelines.settings import Settings

UNIT_COSTS = """
cost_code | label    | unit    | bearer | low | central | high | price_year | effect | cashable | status
ae        | A&E      | contact | nhs    | 100 | 200     | 400  | 2023-24    | fiscal | no       | published
ambulance | Ride     | contact | nhs    |     | 300     |      | 2023-24    | fiscal | no       | quoted
crime     | Crime    | contact | police | 50  | 90      | 120  | 2022-23    | fiscal | no       | published
hour      | Officers | hour    | police | 40  | 50      | 60   | 2023-24    | fiscal | no       | published
request   | Request  | contact | council |    |         |      |            | fiscal | no       | to be set
"""
CROSSWALK = """
position | feed                | kind           | detail           | cost_code
1        | ae_attendances      |                |                  | ae
2        | ambulance_incidents | see_and_convey |                  | ambulance
3        | police_incidents    | crime          | Crime - Violence | crime
4        | police_incidents    |                |                  | hour
5        | social_care_events  | request        |                  | request
"""
NO_DEFLATOR = "price_year | deflator\n2022-23 | \n2023-24 | 100"


def test_a_price_is_brought_to_the_common_year_where_both_deflators_are_set(check):
    check(
        "marts.unit_costs",
        {
            "reference.unit_costs": UNIT_COSTS,
            "reference.contact_costs": CROSSWALK,
            "reference.gdp_deflators": "price_year | deflator\n2022-23 | 80\n2023-24 | 100",
        },
        """
        cost_code | published_central | published_year | low   | central | high  | price_year | has_range | missing
        ae        | 200               | 2023-24        | 100   | 200     | 400   | 2023-24    | true      | false
        ambulance | 300               | 2023-24        | 300   | 300     | 300   | 2023-24    | false     | false
        crime     | 90                | 2022-23        | 62.50 | 112.50  | 150   | 2023-24    | true      | false
        hour      | 50                | 2023-24        | 40    | 50      | 60    | 2023-24    | true      | false
        request   |                   |                |       |         |       |            | false     | true
        """,
    )


def test_a_price_without_a_deflator_stays_in_its_own_year_and_says_so(check):
    check(
        "marts.unit_costs",
        {
            "reference.unit_costs": UNIT_COSTS,
            "reference.contact_costs": CROSSWALK,
            "reference.gdp_deflators": NO_DEFLATOR,
        },
        """
        cost_code | central | price_year
        ae        | 200     | 2023-24
        ambulance | 300     | 2023-24
        crime     | 90      | 2022-23
        hour      | 50      | 2023-24
        request   |         |
        """,
    )


def test_a_contact_has_the_first_cost_that_fits_and_an_incident_costs_once_however_many_are_in_it(check):
    check(
        "journeys.contact_costs",
        {
            "reference.unit_costs": UNIT_COSTS,
            "reference.contact_costs": CROSSWALK,
            "reference.gdp_deflators": NO_DEFLATOR,
            "staging.contacts": """
            contact_id | feed                | kind               | staff_minutes
            C1         | ae_attendances      | ae_attendance      |
            C2         | ambulance_incidents | see_and_convey     |
            C3         | police_incidents    | crime              | 600
            C4         | police_incidents    | crime              | 30
            C5         | police_incidents    | concern_for_safety | 120
            C6         | police_incidents    | concern_for_safety | 120
            C7         | police_incidents    | concern_for_safety |
            C8         | social_care_events  | request            |
            """,
            "accepted.police_incidents": """
            row_number | person_ref | incident_ref | nsir_open          | nsir_close
            3          | a          | I3           | Concern for safety | crime violence
            4          | b          | I4           | Crime - Theft      |
            5          | c          | I5           | Concern for safety |
            6          | d          | I5           | Concern for safety |
            7          | e          | I7           | Concern for safety |
            9          | f          | I5           | Concern for safety |
            """,
            # the sixth person only called about the fifth and sixth's incident, and bears no share of it
            "staging.police_incidents": """
            contact_id | agency | period  | row_number | left_out
            C3         | NPOL   | 2024-01 | 3          |
            C4         | NPOL   | 2024-01 | 4          |
            C5         | NPOL   | 2024-01 | 5          |
            C6         | NPOL   | 2024-01 | 6          |
            C7         | NPOL   | 2024-01 | 7          |
            C9         | NPOL   | 2024-01 | 9          | caller or witness
            """,
        },
        """
        contact_id | cost_code | quantity | low | central | high
        C1         | ae        | 1        | 100 | 200     | 400
        C2         | ambulance | 1        | 300 | 300     | 300
        C3         | crime     | 1        | 50  | 90      | 120
        C4         | hour      | 0.5      | 20  | 25      | 30
        C5         | hour      | 1        | 40  | 50      | 60
        C6         | hour      | 1        | 40  | 50      | 60
        C7         | hour      |          |     |         |
        C8         | request   | 1        |     |         |
        """,
    )


def test_costs_have_the_low_price_at_the_lower_end_of_linkage_and_the_high_one_at_the_upper(check):
    draws = range(1, Settings().linkage_draws + 1)
    check(
        "marts.costs",
        {
            "reference.unit_costs": UNIT_COSTS,
            "reference.contact_costs": CROSSWALK,
            "reference.gdp_deflators": NO_DEFLATOR,
            "journeys.contact_costs": """
            contact_id | cost_code | quantity | low | central | high
            C1         | ae        | 1        | 100 | 200     | 400
            C2         | ae        | 1        | 100 | 200     | 400
            C3         | ae        | 1        | 100 | 200     | 400
            C4         | request   | 1        |     |         |
            """,
            # the person has two of the attendances; half of the draws give them a third one, the others take one from them
            "journeys.cost_people": """
            cost_group       | scenario    | person_key | cost_code | contacts | contacts_without_cost | quantity | low | central | high
            people_who_cycle | central     | P1         | ae        | 2        | 0                     | 2        | 200 | 400     | 800
            people_who_cycle | alternative | A3         | ae        | 3        | 0                     | 3        | 300 | 600     | 1200
            people_who_cycle | alternative | A1         | ae        | 1        | 0                     | 1        | 100 | 200     | 400
            """,
            "staging.person_alternatives": "variant | person_id | person_key\n"
            + "\n".join(f"{draw} | P1 | {'A3' if draw % 2 else 'A1'}" for draw in draws)
            + "\nlow | P1 | A3\nhigh | P1 | A1",
        },
        """
        cost_group       | cost_code | contacts | contacts_low | contacts_high | contacts_without_cost | low | central | high
        everybody        | ae        | 3        | 3            | 3             | 0                     | 300 | 600     | 1200
        everybody        | request   | 1        | 1            | 1             | 1                     |     |         |
        people_who_cycle | ae        | 2        | 1            | 3             | 0                     | 100 | 400     | 1200
        """,
    )


def test_a_group_has_the_contacts_of_people_who_cycle_or_each_crisis_after_an_opportunity_once(check):
    check(
        "journeys.cost_people",
        {
            "staging.person_scenarios": """
            contact_id | scenario    | person_key
            C1         | central     | P1
            C2         | central     | P1
            C3         | central     | P2
            C1         | alternative | A1
            """,
            "journeys.cycling": """
            scenario    | person_key | definition_id
            central     | P1         | cross_agency_cycle
            central     | P2         | ae_5_in_year
            alternative | A1         | cross_agency_cycle
            """,
            # two rules lead to one crisis; without an offer there and then it was no opportunity
            "opportunities.candidates": """
            scenario | person_key | rule_id | contact_id | role       | crisis_contact_id | offer_id
            central  | P2         | MO3     | C4         | signal     | C3                | falls_service
            central  | P2         | MO1     | C5         | signal     | C3                | early_help
            central  | P1         | MO1     | C6         | signal     | C1                |
            central  | P1         | MO1     | C7         | comparison | C1                |
            central  | P1         | MO1     | C8         | signal     |                   | early_help
            """,
            "journeys.contact_costs": """
            contact_id | cost_code | quantity | low | central | high
            C1         | ae        | 1        | 100 | 200     | 400
            C2         | request   | 1        |     |         |
            C3         | ae        | 1        | 100 | 200     | 400
            """,
        },
        """
        cost_group       | scenario    | person_key | cost_code | contacts | contacts_without_cost | central
        people_who_cycle | central     | P1         | ae        | 1        | 0                     | 200
        people_who_cycle | central     | P1         | request   | 1        | 1                     |
        people_who_cycle | alternative | A1         | ae        | 1        | 0                     | 200
        crises_after_opportunity | central | P2     | ae        | 1        | 0                     | 200
        """,
    )


def test_costs_by_ward_count_apart_what_has_no_figure(check):
    check(
        "marts.costs_by_ward_need_month",
        {
            "reference.unit_costs": UNIT_COSTS,
            "reference.contact_costs": CROSSWALK,
            "reference.gdp_deflators": NO_DEFLATOR,
            "reference.areas": "lsoa | ward\nL1 | W1\nL2 | W1",
            "staging.contacts": """
            contact_id | lsoa | need    | started_at
            C1         | L1   | frailty | 2024-01-31 23:59
            C2         | L2   | frailty | 2024-01-01
            C3         | L2   | frailty | 2024-02-01
            C4         | L9   | frailty | 2024-02-01
            """,
            "journeys.contact_costs": """
            contact_id | cost_code | quantity | low | central | high
            C1         | hour      | 1        | 40  | 50      | 60
            C2         | hour      |          |     |         |
            C3         | hour      | 2        | 80  | 100     | 120
            C4         | ae        | 1        | 100 | 200     | 400
            """,
        },
        """
        month   | ward | need    | cost_code | bearer | contacts | contacts_without_cost | low | central | high
        2024-01 | W1   | frailty | hour      | police | 2        | 1                     | 40  | 50      | 60
        2024-02 | W1   | frailty | hour      | police | 1        | 0                     | 80  | 100     | 120
        2024-02 |      | frailty | ae        | nhs    | 1        | 0                     | 100 | 200     | 400
        """,
    )


def test_every_shipped_figure_has_its_source_and_every_one_without_is_empty(settings):
    for row in _reference(settings, "unit_costs"):
        figures = [row[name] for name in ("low", "central", "high")]
        if row["status"] == "to be set":
            assert not any(figures) and not row["price_year"], row["cost_code"]
        else:
            assert row["central"] and row["source"] and row["url"].startswith("https://"), row["cost_code"]
            assert [float(figure) for figure in figures if figure] == sorted(float(f) for f in figures if f)
        assert row["cashable"] == "no" and row["bearer"] in ("nhs", "police", "council")


def test_every_cost_that_a_contact_can_have_is_there(settings):
    known = {row["cost_code"] for row in _reference(settings, "unit_costs")}
    assert {row["cost_code"] for row in _reference(settings, "contact_costs")} <= known
    assert {row["price_year"] for row in _reference(settings, "unit_costs")} - {""} <= {
        row["price_year"] for row in _reference(settings, "gdp_deflators")
    }


def test_a_cost_is_called_a_saving_only_to_say_that_it_is_none(files):
    for name in (("marts", "costs"), ("marts", "unit_costs"), ("marts", "costs_by_ward_need_month")):
        file = files[name]
        text = f"{file.description} {' '.join(f'{c.name} {c.comment}' for c in file.columns)}".lower()
        assert text.count("saving") == text.count("never a saving")


def _reference(settings: Settings, table: str) -> list[dict[str, str]]:
    with settings.reference_csv(table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
