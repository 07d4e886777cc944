"""What an agency gets back: each refused row with file, place, rule and reason, and nothing of what the row says."""

import csv

import pytest

from pipelines.ingest.accept import ingest_months
from pipelines.ingest.refused import COLUMNS, write_refused
from pipelines.pseudonymise.errors import InputError

AE = "ae_attendances"
MARK = "Zyxwvut"  # planted as a value
BAD = {"EC_Arrival_Mode_SNOMED_CT": MARK}
LATE = {"Arrival_Date": "2020-01-01", "EC_Departure_Date": "2020-01-02"}
APRIL = {"Arrival_Date": "2024-04-01", "EC_Departure_Date": "2024-04-02"}


@pytest.fixture
def taken_in(region):
    """March with one row refused, and of another agency two; April refused whole."""
    region.deliver(AE, rows=[{}, BAD, {}])
    region.deliver(AE, rows=[BAD, BAD, {}], agency="OTHER")
    region.deliver(AE, rows=[LATE, LATE, APRIL | BAD], period="2024-04")
    ingest_months(region.settings, AE, ["2024-03", "2024-04"])
    return region


def read(path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_refused_row_has_its_place_and_reason_and_a_refused_delivery_its_rules(taken_in, tmp_path):
    counts = write_refused(taken_in.settings, "WEXH", tmp_path / "refused.csv")
    row, delivery, *rules = read(tmp_path / "refused.csv")
    (refused,) = [r for r in taken_in.table("refused") if r["agency"] == "WEXH"]
    assert tuple(row) == COLUMNS
    assert (row["period"], row["file"], row["row"]) == ("2024-03", "activity", str(refused["row_number"]))
    assert row["reason"].startswith("EC_Arrival_Mode_SNOMED_CT is not in the code list ae_arrival_mode")
    assert (delivery["period"], delivery["rule"], delivery["row"]) == ("2024-04", "delivery", "")
    assert "3 of 3 rows fail" in delivery["reason"]
    assert {(r["rule"], r["row"], r["reason"][-8:]) for r in rules} >= {
        ("arrival_in_period", "", "(2 rows)"), ("required_code_not_in_list", "", "(1 rows)"),
    }  # fmt: skip
    assert dict(counts) == {"rows": 1, "deliveries": 1, "rules": len(rules)}


def test_one_month_alone(taken_in, tmp_path):
    write_refused(taken_in.settings, "WEXH", tmp_path / "refused.csv", AE, "2024-03")
    assert {row["period"] for row in read(tmp_path / "refused.csv")} == {"2024-03"}


def test_nothing_of_a_row_is_in_it(taken_in, tmp_path):
    write_refused(taken_in.settings, "WEXH", tmp_path / "refused.csv")
    text = (tmp_path / "refused.csv").read_text()
    references = [taken_in.reference(AE, number) for number in range(3)]
    people = [row["person_ref"] for row in taken_in.table("attributes")]
    assert [value for value in (MARK, "2020-01-01", *references, *people) if value in text] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("NOPE",), "nothing was taken in of agency NOPE. There is: OTHER, WEXH."),
        (("WEXH", "police_incidents"), "nothing was taken in of feed police_incidents. There is: ae_attendances."),
        (("OTHER", AE, "2024-04"), "nothing was taken in of period 2024-04. There is: 2024-03."),
    ],
)
def test_what_was_never_taken_in_is_said_and_nothing_is_written(taken_in, tmp_path, arguments, message):
    agency, *others = arguments
    with pytest.raises(InputError, match=message):
        write_refused(taken_in.settings, agency, tmp_path / "refused.csv", *others)
    assert not (tmp_path / "refused.csv").exists()
