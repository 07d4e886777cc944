"""A small board database of the shape that sql/board makes, written through disclosure control as a release does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.board.pdf import browser
from pipelines.publish import sums
from pipelines.publish.export import write_board
from pipelines.publish.tables import published_files
from pipelines.settings import Settings
from pipelines.warehouse.database import identifier, literal
from pipelines.warehouse.sqlfile import SqlFile

Rows = list[dict]

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


def monthly_contacts() -> Rows:
    """Contacts rise a little; social care did not send March 2025; in every month a tenth is of people who cycle."""
    rows = []
    for number, month in enumerate(MONTHS):
        for service, base in SERVICES.items():
            arrived = (service, month) != ("Adult social care", "2025-03")
            contacts = base + 20 * number + 130 * (number % 5)
            cycling = contacts // 10 + 15 * (number % 3)
            rows.append({
                "month": month, "feed_label": service, "arrived": arrived,
                "contacts": contacts if arrived else None, "people": contacts * 4 // 5 if arrived else None,
                "contacts_of_people_who_cycle": cycling if arrived else None,
                "people_who_cycle": cycling // 2 if arrived else None,
            })  # fmt: skip
    return rows


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
    return [
        {"need_label": need, "door_label": door, "spells": spells, "people": max(1, spells * 9 // 10)}
        for need, by_door in doors.items()
        for door, spells in by_door.items()
    ]  # fmt: skip


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
    return {
        "headlines": headlines(),
        "monthly_contacts": monthly_contacts(),
        "handoffs": handoffs(),
        "first_missed_doors": first_missed_doors(),
        "feed_health": feed_health(),
    }


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
        kinds = [(column.name, pa.string() if column.role == "label" else pa.int64()) for column in file.columns]
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
        "offers": [{"offer_id": "urgent_community_response", "label": "Two-hour urgent community response",
                    "needs": "frailty;dementia", "rule_ids": "MO3", "status": "published"}],
        "needs": [{"need": "frailty", "label": "Frailty and falls"},
                  {"need": "dementia", "label": "Dementia and confusion"}],
        "definitions": [{"definition_id": "cross_agency_cycle",
                         "label": "Four or more contacts with at least two agencies in 90 days, a crisis among them"}],
        "linkage": [
            {"measure": "pair precision", "detail": "expected by the model", "value": 0.9848, "how": "model"},
            {"measure": "pair recall", "detail": "of compared pairs", "value": 0.94, "how": "model"},
        ],
        "withhold_people_up_to": 7,
        "round_to": 5,
        "handoff_days": 28,
        "spell_gap_days": 28,
    }  # fmt: skip


SCREENS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "telephone of 320 pixels": {"viewport": {"width": 320, "height": 640}},
    "enlarged to 200 %": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}
AXE = {"rules": {"target-size": {"enabled": True}}}


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A headless browser, which is closed with the module: it runs an event loop that others cannot share."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the test extra has it")
    if browser() is None:
        pytest.skip("no Chromium on this machine: install it to open pages in a browser")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def faults(chromium) -> Callable[[Path], list[str]]:
    """What axe-core finds wrong with a page, everything unfolded, on every screen; and where it is wider than the screen."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()

    def find(path: Path) -> list[str]:
        found = []
        for screen, shape in SCREENS.items():
            page = chromium.new_page(**shape)
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{screen}: {wider} pixels wider than the screen"] if wider > 0 else []
            found += [
                f"{screen}: {fault['id']}: {fault['nodes'][0]['html'][:200]}"
                for fault in axe.run(page, options=AXE).response["violations"]
            ]
            page.close()
        return found

    return find
