"""Code lists: a base and what later editions change, read into versions; and what the gate says of codes out of time."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.code_lists import CodeListError, code_key, read_codes, read_lapses, validity_digest
from pipelines.ingest.accept import ingest_month
from pipelines.ingest.gate import CODE_KEY
from pipelines.pseudonymise import contract
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse.database import MACROS

REFERENCE = PROJECT / "data" / "reference"
HEADER = "code,label,need,valid_from,valid_to,status,source\n"
BASE = HEADER + (
    "F,Fall,frailty,2020-01-01,,verified,Standard 1\n"
    "W,Wandering,dementia,2020-01-01,2023-12-31,verified,Standard 1\n"
    "O,Other,none,2020-01-01,,local,Ours\n"
    "N,New and not looked at,,2020-01-01,,verified,Standard 1\n"
)
EDITION = "change,code,label,need,status,source\n"


@pytest.fixture
def lists(tmp_path) -> Path:
    """A folder of code lists with one list, `signs`."""
    (tmp_path / "codes" / "signs").mkdir(parents=True)
    for table in ("needs.csv", "outcome_groups.csv"):
        shutil.copy(REFERENCE / table, tmp_path)
    (tmp_path / "codes" / "signs.csv").write_text(BASE)
    return tmp_path / "codes"


def versions(lists: Path, code: str) -> list[tuple]:
    """label, need, first and last day of validity of each version of a code, the first one first."""
    rows = [row for row in read_codes(lists).to_pylist() if row["code"] == code]
    return [(row["label"], row["need"], row["valid_from"], row["valid_to"]) for row in rows]


def meaning_on(lists: Path, code: str, day: date) -> str:
    (label,) = (
        row["label"]
        for row in read_codes(lists).to_pylist()
        if row["code"] == code and row["applies_from"] <= day < row["applies_before"]
    )
    return label


def test_an_edition_adds_ends_and_relabels_from_its_day_on_and_overwrites_nothing(lists) -> None:
    (lists / "signs" / "2025-04-01.csv").write_text(
        EDITION
        + "added,D,Drowsy,physical_illness,verified,Standard 2\n"
        + "ended,O,,,,\n"
        + "relabelled,F,Fall or trip,,verified,Standard 2\n"
    )
    assert versions(lists, "D") == [("Drowsy", "physical_illness", date(2025, 4, 1), None)]
    assert versions(lists, "O") == [("Other", None, date(2020, 1, 1), date(2025, 3, 31))]
    assert versions(lists, "F") == [
        ("Fall", "frailty", date(2020, 1, 1), date(2025, 3, 31)),
        ("Fall or trip", "frailty", date(2025, 4, 1), None),
    ]


def test_editions_follow_on_each_other(lists) -> None:
    (lists / "signs" / "2025-04-01.csv").write_text(EDITION + "ended,O,,,,\n")
    (lists / "signs" / "2026-04-01.csv").write_text(EDITION + "added,O,Others,other,local,Ours\n")
    assert versions(lists, "O") == [
        ("Other", None, date(2020, 1, 1), date(2025, 3, 31)),
        ("Others", "other", date(2026, 4, 1), None),
    ]
    assert [meaning_on(lists, "O", date(year, 4, 1)) for year in (2019, 2024, 2025, 2026, 2030)] == [
        "Other", "Other", "Other", "Others", "Others",
    ]  # fmt: skip


def test_none_is_a_meaning_and_an_empty_cell_is_a_code_still_to_be_mapped(lists) -> None:
    found = {row["code"]: (row["need"], row["mapped"]) for row in read_codes(lists).to_pylist()}
    assert found == {"F": ("frailty", True), "W": ("dementia", True), "O": (None, True), "N": (None, False)}


def test_a_list_without_columns_of_meaning_has_nothing_to_map(lists) -> None:
    (lists / "places.csv").write_text("code,label,valid_from,valid_to,status,source\nH,Home,2020-01-01,,local,Ours\n")
    assert [row["mapped"] for row in read_codes(lists).to_pylist() if row["code_list"] == "places"] == [True]


def test_a_code_lapses_before_its_first_day_after_its_last_and_between_two_versions(lists) -> None:
    (lists / "signs" / "2024-06-01.csv").write_text(EDITION + "added,W,Wanders,dementia,verified,Standard 2\n")
    lapses = [row for row in read_lapses(lists).to_pylist() if row["code_key"] == "w"]
    assert [(row["from_day"], row["before_day"]) for row in lapses] == [
        (date.min, date(2020, 1, 1)),
        (date(2024, 1, 1), date(2024, 6, 1)),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NFA - Support ended: Other reason", "NFA - Support ended – other reason"),
        ("NFA - Other", "NFA- Other"),
        ("Support with Memory & Cognition", "support with memory and cognition"),
    ],
)
def test_spellings_of_one_code_have_one_key(one, other) -> None:
    assert code_key(one) == code_key(other)


def test_what_a_code_stands_for_does_not_ask_for_judging_deliveries_anew_and_which_codes_there_are_does(lists) -> None:
    before = validity_digest(lists)
    (lists / "signs.csv").write_text(BASE.replace("Fall,frailty", "Fall,injury"))
    assert versions(lists, "F")[0][1] == "injury"
    assert validity_digest(lists) == before
    (lists / "signs.csv").write_text(BASE + "T,Tired,none,2020-01-01,,verified,Standard 1\n")
    assert validity_digest(lists) != before


def test_lists_rules_and_marts_compare_codes_by_one_key() -> None:
    odd = ["NFA- Support ended – other reason", "Café & Co", "  01 ", "&", "", "Straße"]
    codes = [row["code"] for row in read_codes(REFERENCE / "codes").to_pylist()] + odd
    marts = f"create macro marts_key(code) as {MACROS['code_key(code)']}"
    with duckdb.connect() as con:
        con.execute(CODE_KEY)
        con.execute(marts)
        found = con.execute("select code_key(c), marts_key(c) from unnest(?) as t (c)", [codes]).fetchall()
    assert found == [(code_key(code), code_key(code)) for code in codes]


FAULTS = {
    "a code twice at one time": ("signs.csv", BASE + "f,Falls,frailty,2024-01-01,,verified,S\n", ["line 6", "twice"]),
    "a status that is none": (
        "signs.csv",
        HEADER + "F,Fall,frailty,2020-01-01,,checked,S\n",
        ["line 2", "from memory"],
    ),
    "no source": ("signs.csv", HEADER + "F,Fall,frailty,2020-01-01,,verified,\n", ["line 2", "source is empty"]),
    "a day that is none": ("signs.csv", HEADER + "F,Fall,frailty,1/4/2020,,verified,S\n", ["line 2", "not a date"]),
    "an end before the start": (
        "signs.csv",
        HEADER + "F,Fall,frailty,2020-01-01,2019-01-01,verified,S\n",
        ["line 2", "before valid_from"],
    ),
    "an unknown need": (
        "signs.csv",
        HEADER + "F,Fall,falls,2020-01-01,,verified,S\n",
        ["F has the need falls", "needs.csv"],
    ),
    "a row of too few cells": ("signs.csv", HEADER + "F,Fall\n", ["line 2", "number of cells"]),
    "a missing column": ("signs.csv", "code,label\nF,Fall\n", ["valid_from is missing"]),
    "an edition of no day": ("signs/2025-26.csv", EDITION, ["2025-04-01.csv"]),
    "an edition that ends what is not there": (
        "signs/2025-04-01.csv",
        EDITION + "ended,X,,,,\n",
        ["line 2", "X is to be ended", "not in the list"],
    ),
    "an edition that adds what is there": (
        "signs/2025-04-01.csv",
        EDITION + "added,F,Fall,frailty,verified,S\n",
        ["line 2", "in the list already"],
    ),
    "an edition of an unknown change": ("signs/2025-04-01.csv", EDITION + "moved,F,,,,\n", ["line 2", "relabelled"]),
    "an edition of an unknown column": ("signs/2025-04-01.csv", "change,code,crisis\n", ["the column crisis"]),
    "an edition without its list": ("sings/2025-04-01.csv", EDITION, ["no list sings.csv"]),
}


@pytest.mark.parametrize(("name", "text", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place(lists, name, text, words) -> None:
    (lists / name).parent.mkdir(exist_ok=True)
    (lists / name).write_text(text)
    with pytest.raises(CodeListError) as error:
        read_codes(lists)
    assert str(error.value).startswith("data/reference/codes/")
    assert [word for word in words if word not in str(error.value)] == []


def test_the_lists_of_the_project_can_be_read_and_each_column_of_a_contract_has_its_list() -> None:
    lists = {row["code_list"] for row in read_codes(REFERENCE / "codes").to_pylist()}
    columns = [column for feed in contract.feeds() for column in contract.activity_columns(feed)]
    assert {column.code_list for column in columns if column.code_list} <= lists


@pytest.fixture
def outdated(region, tmp_path) -> Settings:
    """A project in which the arrival mode 'own transport' ended in the middle of the month that is delivered."""
    project = tmp_path / "project"
    for folder in ("expectations", "data/reference", "pipelines/pseudonymise/feeds"):
        shutil.copytree(PROJECT / folder, project / folder)
    folder = project / "data" / "reference" / "codes" / "ae_arrival_mode"
    folder.mkdir()
    (folder / f"{region.period}-06.csv").write_text("change,code\nended,1048071000000103\n")
    return Settings(project=project, data=region.settings.data)


def test_a_code_used_after_it_ended_is_counted_and_the_row_goes_on(region, outdated) -> None:
    first = date.fromisoformat(f"{region.period}-05")
    days = [(first + timedelta(days=days)).isoformat() for days in range(3)]  # it ended after the first of them
    region.deliver(
        rows=[
            {
                "EC_Arrival_Mode_SNOMED_CT": "1048071000000103",
                "Arrival_Date": day,
                "EC_Departure_Date": day,
                "EC_Departure_Time": "12:00",
                "EC_Departure_Time_Since_Arrival": "120",
            }
            for day in days
        ]
    )
    month = ingest_month(outdated, "ae_attendances", region.period)
    assert month.refusals == [] and month.refused == []
    failed = {
        check["column_name"]: check["failed"] for check in month.checks if check["rule"] == "code_outside_validity"
    }
    assert failed["EC_Arrival_Mode_SNOMED_CT"] == 2
    assert {count for column, count in failed.items() if column != "EC_Arrival_Mode_SNOMED_CT"} == {0}
    assert {row["EC_Arrival_Mode_SNOMED_CT"] for row in region.table("activity")} == {"1048071000000103"}
