"""Contracts: what each says of itself, and what becomes of deliveries when one grows."""

from datetime import date

import pyarrow as pa
import pytest

from pipelines.ingest.accept import ingest_month
from pipelines.ingest.csv_file import read_csv
from pipelines.pseudonymise import contract
from pipelines.pseudonymise.records import age_band

OPTIONAL = ["EC_Chief_Complaint_SNOMED_CT", "Der_EC_Treatment_All"]


def test_a_delivery_of_before_an_optional_column_came_is_still_good(region) -> None:
    region.rewrite(region.deliver(), "activity", lambda table: table.drop_columns(OPTIONAL))
    assert ingest_month(region.settings, "ae_attendances", region.period).refusals == []
    rows = region.table("activity")
    assert len(rows) == 2
    assert {row[name] for row in rows for name in OPTIONAL} == {None}


def test_a_file_of_before_an_optional_column_came_is_still_good_as_csv(tmp_path) -> None:
    path = tmp_path / "activity.csv"
    path.write_text("EC_Ident,Arrival_Date\nabc,2024-03-05\n")
    schema = pa.schema([("EC_Ident", pa.string()), ("Arrival_Date", pa.date32()), ("Minutes", pa.int64())])
    assert read_csv(path, schema, {"Minutes"}).to_pylist() == [
        {"EC_Ident": "abc", "Arrival_Date": date(2024, 3, 5), "Minutes": None}
    ]


@pytest.mark.parametrize("feed", contract.feeds())
def test_a_contract_has_one_person_a_reference_and_a_day_of_the_event(feed) -> None:
    columns = contract.activity_columns(feed)
    assert [column.name for column in columns if column.type == "person"] == ["local_person_id"]
    assert any(column.type == "reference" and column.required for column in columns)
    assert contract.event_column(columns).required
    assert all(column.type in contract.TYPES or column.type == "person" for column in columns)
    assert all(column.meaning for column in columns)


@pytest.mark.parametrize(
    ("birth", "band"),
    [("19091201", None), ("19100101", "85+"), ("", None)],
    ids=["115 years", "114 years", "not known"],
)
def test_who_would_be_115_or_older_has_a_dummy_birth_date_and_no_age_band(birth, band) -> None:
    assert age_band(birth, "2024-12") == band
