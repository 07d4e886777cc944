"""A small board database of the shape that sql/board makes, written through disclosure control as a release does."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.publish import sums
from pipelines.publish.export import write_board
from pipelines.publish.tables import published_files
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal
from pipelines.warehouse.sqlfile import SqlFile

Rows = list[dict]
NUMBERS = {
    "position",
    "arrived",
    "resident_years",
    "pounds_low",
    "pounds",
    "pounds_high",
    "places_a_month",
    "months",
    "of_1000",
    "of_1000_low",
    "of_1000_high",
}
"""Labels that are numbers: they are public, or say where a row stands."""

HEADLINES = [
    # id, label, unit, share of, people (low, high), contacts (low, high), minutes, (people, contacts) of the base
    ("people_seen", "People seen by any of the agencies", "people", None, (41_203, 40_112, 42_306), None, None, None),
    ("contacts", "Contacts with those people", "contacts", None, (41_203, 40_112, 42_306), (301_552,) * 3, None, None),
    ("people_who_cycle", "People who go round between agencies in crisis", "people", "people seen",
     (1_241, 1_179, 1_302), None, None, (41_203, 301_552)),
    ("contacts_of_people_who_cycle", "Contacts of the people who go round", "contacts", "contacts",
     (1_241, 1_179, 1_302), (27_140, 25_902, 28_322), None, (41_203, 301_552)),
    ("ae_stays_12_hours", "A&E stays of 12 hours or more", "contacts", "A&E stays", (3_911, 3_890, 3_925),
     (4_522,) * 3, None, (60_021, 110_304)),
    ("ae_stays_24_hours", "A&E stays of 24 hours or more", "contacts", "A&E stays", (6, 6, 6), (7,) * 3, None,
     (60_021, 110_304)),
    ("police_hospital_waits", "Police time spent waiting in hospitals", "minutes", None, (702, 690, 715),
     (811,) * 3, 129_301, None),
]  # fmt: skip

MONTHS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]
DISTRICTS = ("Eastlow", "Uplands")
WARDS = {f"{name} ward": DISTRICTS[number // 6] for number, name in enumerate(
    ("Abbey", "Bridge", "Canal", "Dene", "Elm", "Ferry", "Grove", "Hill", "Inn", "Jetty", "Kiln", "Lock"))}  # fmt: skip
SERVICES = {"A&E": 5_200, "Adult social care": 3_100, "Police": 4_300}


def headlines() -> Rows:
    rows = []
    for position, (name, label, unit, share_of, people, contacts, minutes, base) in enumerate(HEADLINES, 1):
        contacts, of_base = contacts or (None,) * 3, base or (None, None)
        rows.append({
            "position": position, "headline_id": name, "label": label, "unit": unit, "share_of": share_of,
            "people": people[0], "people_low": people[1], "people_high": people[2],
            "contacts": contacts[0], "contacts_low": contacts[1], "contacts_high": contacts[2], "minutes": minutes,
            "people_base": of_base[0], "contacts_base": of_base[1], "people_in_base": people[0] if base else None,
            "contacts_in_base": contacts[0] if base else None,
        })  # fmt: skip
    return rows


def with_totals(rows: Rows, totals: dict[str, str]) -> Rows:
    """Rows with those of their totals over each dimension; amounts add up, as if nobody were in two parts."""
    for dimension, total in totals.items():
        sums: dict[tuple, dict] = {}
        for row in rows:
            labels = {name: value for name, value in row.items() if isinstance(value, str)} | {dimension: total}
            found = sums.setdefault(tuple(labels.items()), {name: 0 for name in row} | labels)
            for name, value in row.items():
                if not isinstance(value, str):
                    found[name] = (
                        max(found[name], value) if name.startswith("crisis_free_days") else found[name] + value
                    )
        rows = [*rows, *sums.values()]
    return rows


def banded(rows: Rows, *columns: str, by: int = 9) -> Rows:
    """Rows with the two ends of a band behind each of these columns."""
    ends = {column: ((f"{column}_low", -by), (f"{column}_high", by)) for column in columns}
    return [
        {
            name: value
            for column, amount in row.items()
            for name, value in [
                (column, amount),
                *((end, None if amount is None else max(0, amount + off)) for end, off in ends.get(column, ())),
            ]
        }
        for row in rows
    ]


def split(amount: int, parts: int) -> list[int]:
    """An amount in nearly equal parts."""
    return [amount // parts + (place < amount % parts) for place in range(parts)]


def monthly_contacts() -> Rows:
    """Contacts rise a little; social care did not send March 2025; in every month a tenth is of people who cycle."""
    rows = []
    for number, month in enumerate(MONTHS):
        contacts = {service: base + 20 * number + 130 * (number % 5) for service, base in SERVICES.items()}
        cycling = {service: amount // 10 + 15 * (number % 3) for service, amount in contacts.items()}
        for group, amounts in (("Everybody", contacts), ("People who cycle", cycling)):
            for service, amount in [*amounts.items(), ("All services", sum(amounts.values()))]:
                arrived = month != "2025-03" or service in ("A&E", "Police")
                rows.append({
                    "month": month, "feed_label": service, "group_label": group, "arrived": arrived,
                    "contacts": amount if arrived else None, "people": amount * 4 // 5 if arrived else None,
                    "agencies": (3 if service == "All services" else 1) if arrived else None,
                })  # fmt: skip
    return [
        banded_row
        for row in rows
        for banded_row in banded([row], "contacts", by=9 if row["group_label"] == "People who cycle" else 0)
    ]


def district_contacts() -> Rows:
    """Three fifths of each month's contacts are in one district, the rest in the other."""
    rows = []
    for row in monthly_contacts():
        if (row["feed_label"], row["group_label"]) == ("All services", "Everybody"):
            whole, people = row["contacts"], row["people"]
            of_first, people_of_first = (whole and whole * 3 // 5), (people and people * 3 // 5)
            for district, contacts, seen in (
                ("Whole partnership", whole, people), (DISTRICTS[0], of_first, people_of_first),
                (DISTRICTS[1], whole and whole - of_first, people and people - people_of_first),
            ):  # fmt: skip
                rows.append({"month": row["month"], "district_label": district, "arrived": row["arrived"],
                             "contacts": contacts, "people": seen, "agencies": row["agencies"]})  # fmt: skip
    return rows


def ward_needs() -> Rows:
    needs = ("Dementia and confusion", "Frailty and falls", "Mental health")
    cells = [(need, ward) for need in needs for ward in WARDS]
    rows = [
        {"need_label": need, "district_label": WARDS[ward], "ward_label": ward, "contacts": contacts, "people": people,
         "agencies": 3}
        for (need, ward), contacts, people in zip(cells, split(301_552, 36), split(41_203, 36), strict=True)
    ]  # fmt: skip
    of_districts = [row | {"ward_label": "All wards"} for row in rows]
    of_districts = _summed(of_districts)
    whole = _summed([row | {"district_label": "Whole partnership"} for row in of_districts])
    return with_totals([*rows, *of_districts, *whole], {"need_label": "All needs"})


def _summed(rows: Rows) -> Rows:
    """One row for each combination of labels."""
    found: dict[tuple, dict] = {}
    for row in rows:
        labels = tuple(value for value in row.values() if isinstance(value, str))
        at = found.setdefault(labels, {name: value if isinstance(value, str) else 0 for name, value in row.items()})
        for name, value in row.items():
            if not isinstance(value, str):
                at[name] += value
    return list(found.values())


def ward_crises() -> Rows:
    """One ward has four times as many crises as its residents would have elsewhere."""
    return [
        {"ward": f"E0599{number:04d}", "ward_label": ward, "district_label": district, "resident_years": 12_000,
         "crisis_contacts": 4_000 if number == 0 else 950 + 10 * number, "people": 700 + 5 * number, "agencies": 3}
        for number, (ward, district) in enumerate(WARDS.items())
    ]  # fmt: skip


def ways_on() -> Rows:
    ways = {("Police", "A&E", "Nobody else"): 2_580, ("A&E", "Police", "A&E"): 845, ("Police", "A&E", "Police"): 5}
    return [
        {"first_label": first, "second_label": second, "third_label": third, "spells": spells,
         "people": spells if spells < 9 else spells * 9 // 10, "agencies": 2}
        for (first, second, third), spells in ways.items()
    ]  # fmt: skip


def ae_waits() -> Rows:
    stays = {"Up to 4 hours": (40_000, 22_000), "4 to 12 hours": (29_000, 14_781), "12 to 24 hours": (1_200, 2_600),
             "24 hours or more": (220, 503)}  # fmt: skip
    rows = [
        {
            "age_label": age,
            "wait_label": wait,
            "stays": stays,
            "people": stays * 3 // 4,
            "minutes": 200 * stays,
            "agencies": 1,
        }
        for wait, by_age in stays.items()
        for age, stays in zip(("18-64", "65+"), by_age, strict=True)
    ]
    return [row | {"agencies": 1} for row in with_totals(rows, {"age_label": "All ages", "wait_label": "All stays"})]


def ae_waits_by_month() -> Rows:
    rows = [
        {"month": month, "wait_label": wait, "stays": stays + 3 * (number % 4), "people": stays * 3 // 4, "agencies": 1}
        for number, month in enumerate(MONTHS)
        for wait, stays in (("Up to 4 hours", 2_500), ("4 to 12 hours", 1_800), ("12 to 24 hours", 150), ("24 hours or more", 30))
    ]  # fmt: skip
    return [row | {"agencies": 1} for row in with_totals(rows, {"wait_label": "All stays"})]


def concentration() -> Rows:
    return [
        {"part_label": part, "people": people, "contacts": contacts, "contacts_low": contacts - 900, "contacts_high": contacts + 800,
         "contacts_by_chance": by_chance, "agencies": 3}
        for part, people, contacts, by_chance in (
            ("Top 1 %", 412, 40_110, 6_020), ("Top 5 %", 2_060, 82_020, 27_030), ("Everybody", 41_203, 290_010, 290_010)
        )
    ]  # fmt: skip


def costs() -> Rows:
    """An attendance of everybody is no matter of linkage, and one of people who cycle is."""
    rows = [
        {"group_label": group, "cost_label": "A&E attendance with more complex investigation or treatment", "bearer_label": "nhs",
         "pounds_low": 173.0, "pounds": 368.0, "pounds_high": 563.0, "price_year": "2023-24", "contacts": contacts,
         "units": contacts, "people": people, "agencies": 1}
        for group, contacts, people in (("Everybody", 90_003, 40_001), ("People who cycle", 9_004, 1_203))
    ]  # fmt: skip
    return [*banded(rows[:1], "contacts", by=0), *banded(rows[1:], "contacts", by=40)]


def offers() -> Rows:
    """The matching offer was there for half of its contacts, and has places for fewer than those whom it could have helped."""
    rows = [
        {"offer_label": "Two-hour urgent community response", "there_label": there, "places_a_month": 40, "months": 24,
         "signals": signals, "people": people, "agencies": 2}
        for there, signals, people in (
            ("All signals", 4_004, 2_401), ("There and open", 2_002, 1_301), ("There and closed", 2_002, 1_100)
        )
    ]  # fmt: skip
    return banded(rows, "signals", "people", by=24)


def opportunities() -> Rows:
    rule = "MO3: A sign of later life at A&E, home without follow-up"
    rows = [
        {"rule_label": rule, "sign_label": sign, "followed_label": followed, "contacts": contacts, "people": people,
         "agencies": 1}
        for sign, followed, contacts, people in (
            ("With the sign", "All contacts", 5_590, 3_030), ("With the sign", "A crisis followed", 2_280, 940),
            ("With the sign", "No crisis followed", 3_310, 2_600),
            ("Like them, without the sign", "All contacts", 9_000, 6_000),
            ("Like them, without the sign", "A crisis followed", 1_800, 1_200),
            ("Like them, without the sign", "No crisis followed", 7_200, 5_500),
        )
    ]  # fmt: skip
    return banded(rows, "contacts")


def police_demand() -> Rows:
    rows = [
        {"need_label": need, "attended_label": attended, "seen_label": seen, "contacts": contacts, "people": contacts * 3 // 4,
         "minutes": contacts * 90, "agencies": 1}
        for need, times in (("Mental health", 3), ("Frailty and falls", 2))
        for attended, seen, contacts in (
            ("Attended", "Seen by another service", 300 * times), ("Attended", "Ended with the police", 700 * times),
            ("No longer attended", "Seen by another service", 20 * times),
            ("No longer attended", "Ended with the police", 180 * times),
        )
    ]  # fmt: skip
    totals = {"need_label": "All needs", "attended_label": "All contacts", "seen_label": "Seen or not"}
    return banded(with_totals(rows, totals), "contacts")


def outcomes() -> Rows:
    rows = [
        {"need_label": need, "district_label": district, "outcome_label": outcome, "people": people, "crisis_free_days": days,
         "agencies": 2}
        for need in ("Dementia and confusion", "Mental health")
        for district in DISTRICTS
        for outcome, people, days in (
            ("No crisis for a year", 600, 365.0), ("Again after 28 days or more", 300, 363.0),
            ("Again within 28 days", 100, 359.0),
        )
    ]  # fmt: skip
    totals = {"need_label": "All needs", "district_label": "Whole partnership", "outcome_label": "Everybody followed"}
    return banded(banded(with_totals(rows, totals), "people"), "crisis_free_days", by=0)


def linkage_errors() -> Rows:
    return [
        {
            "error_label": error,
            "of_1000": of_1000,
            "of_1000_low": of_1000 - 2,
            "of_1000_high": of_1000 + 3,
            "detail_label": "expected by the model",
            "how_known": "model",
        }
        for error, of_1000 in (("Links that may be wrong", 15), ("Links that are missed", 60))
    ]


def handoffs() -> Rows:
    pairs = [
        ("Police", "A&E", 4_512),
        ("A&E", "Adult social care", 3_604),
        ("Adult social care", "A&E", 2_951),
        ("A&E", "Police", 1_512),
        ("Police", "Adult social care", 1_203),
        ("Adult social care", "Police", 12),
    ]
    return [
        {"from_label": start, "to_label": end, "need_kept": kept, "handoffs": count, "people": count * 2 // 3,
         "median_days": 6.5}
        for start, end, total in pairs
        for kept, count in (("Same need", total // 3), ("Another need", total - total // 3))
    ]  # fmt: skip


def first_missed_doors() -> Rows:
    doors = {
        "Dementia and confusion": {"Adult social care": 402, "A&E": 118, "Police": 41},
        "Frailty and falls": {"A&E": 290, "Adult social care": 170, "Police": 22},
        "Mental health": {"Police": 352, "A&E": 240, "Adult social care": 61},
        "Alcohol and drugs": {"A&E": 301, "Police": 199, "Adult social care": 6},
        "Domestic abuse": {"Police": 133, "A&E": 18, "Adult social care": 3},
    }
    rows = [
        {"need_label": need, "door_label": door, "district_label": district, "spells": part, "spells_low": part - 2,
         "spells_high": part + 3, "people": max(1, part * 9 // 10), "agencies": 1}
        for need, by_door in doors.items()
        for door, spells in by_door.items()
        for district, part in zip(DISTRICTS, (spells * 3 // 5, spells - spells * 3 // 5), strict=True)
    ]  # fmt: skip
    return with_totals(
        rows, {"district_label": "Whole partnership", "need_label": "All needs", "door_label": "All services"}
    )


def feed_health() -> Rows:
    """Social care did not send March 2025, and of April 2025 only a part; the fire service never sent anything; a clinic has hardly any patients."""
    missing, partial = {"Adult social care": "2025-03"}, {"Adult social care": "2025-04"}
    sent = [
        {"feed_label": service, "agency": service[:2].upper(), "first_month": "2024-01", "last_month": "2025-12",
         "missing_months": missing.get(service), "partial_months": partial.get(service), "people": 900, "received": 20_003, "refused": refused}
        for service, refused in zip(SERVICES, (612, 98, 2), strict=True)
    ]  # fmt: skip
    nothing = dict.fromkeys(("agency", "first_month", "last_month", "partial_months")) | {
        "missing_months": ", ".join(MONTHS)
    }
    return [
        *sent,
        {"feed_label": "Fire", **nothing, "people": 0, "received": 0, "refused": 0},
        sent[0] | {"feed_label": "Clinic", "people": 5, "received": 131, "refused": 21},
    ]


def all_tables() -> dict[str, Rows]:
    made = (
        headlines,
        monthly_contacts,
        district_contacts,
        concentration,
        ae_waits,
        ae_waits_by_month,
        costs,
        first_missed_doors,
        ways_on,
        handoffs,
        ward_needs,
        ward_crises,
        offers,
        opportunities,
        outcomes,
        police_demand,
        feed_health,
        linkage_errors,
    )
    return {table.__name__: table() for table in made}


@pytest.fixture
def board_tables() -> dict[str, Rows]:
    """Rows of every board table, before disclosure control, for a test to change."""
    return all_tables()


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_board_database(tmp_path_factory.mktemp("board"), all_tables())


def write_board_database(folder: Path, tables: dict[str, Rows]) -> Path:
    """board.duckdb as a release has it: documented from sql/board and under disclosure control."""
    settings = Settings()
    folder.mkdir(exist_ok=True)
    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema board")
        for file in (file for file in published_files(settings) if file.schema == "board"):
            rows = _arrow(tables.get(file.table, []), file)
            connection.register("rows", rows)
            connection.execute(f"create table board.{file.table} as select * from rows")
            connection.unregister("rows")
            connection.execute(f"comment on table board.{file.table} is {literal(file.description)}")
            for column in file.columns:
                name = f"board.{file.table}.{identifier(column.name)}"
                connection.execute(f"comment on column {name} is {literal(column.comment)}")
    write_board(warehouse, folder / "board.duckdb", sums.board_tables(settings), None, settings)
    return folder / "board.duckdb"


def _arrow(rows: Rows, file: SqlFile) -> pa.Table:
    """Rows with the columns of an SQL file; a table that a test does not give is empty."""
    if not rows:
        kinds = [
            (column.name, pa.string() if column.role == "label" and column.name not in NUMBERS else pa.int64())
            for column in file.columns
        ]
        return pa.schema(kinds).empty_table()
    table = pa.Table.from_pylist(rows)
    assert table.column_names == [column.name for column in file.columns], file.table
    return table


@pytest.fixture(scope="session")
def make_board() -> Callable[[Path, dict[str, Rows]], Path]:
    return write_board_database


@pytest.fixture(scope="session")
def facts() -> dict:
    """What a release of the fictional region says about itself."""
    return {
        "release_id": "r0123456789ab",
        "built_on": "2026-01-15",
        "region": "Wexmoor",
        "fictional": True,
        "approved": None,
        "ward_shapes": [
            {"ward": f"E0599{number:04d}", "outline": f"{x},0 {x + 9},0 {x + 9},9 {x},9"}
            for number, x in enumerate(range(0, 120, 10))
        ],
        "offers": [{"offer_id": "urgent_community_response", "label": "Two-hour urgent community response",
                    "needs": "frailty;dementia", "rule_ids": "MO3", "status": "published"}],
        "needs": [{"need": "frailty", "label": "Frailty and falls"},
                  {"need": "dementia", "label": "Dementia and confusion"}],
        "definitions": [{"definition_id": "cross_agency_cycle",
                         "label": "Four or more contacts with at least two agencies in 90 days, a crisis among them"}],
        "withhold_people_up_to": 7,
        "round_to": 5,
        "handoff_days": 28,
        "spell_gap_days": 28,
    }  # fmt: skip
