"""What leaves an agency, and what never does: through the command that a data officer types."""

import json
from datetime import datetime, timedelta

import pyarrow.parquet as pq
import pytest

from pipelines import cli

PLAINTEXT = ["Margaret", "Ashdown", "1938", "WX1", "9434765919", "INC-77", "Lives alone", "p1", "E01990001"]


def test_the_three_files_share_nothing_but_person_ref(agency):
    assert agency.run() == 0
    names = {name: set(agency.table(name)[0]) for name in ("people", "attributes", "activity")}
    assert names["people"] & names["attributes"] == {"person_ref"}
    assert names["people"] & names["activity"] == {"person_ref"}
    assert names["attributes"] & names["activity"] == {"person_ref"}


def test_nothing_that_was_written_at_the_agency_can_be_read_in_the_delivery(agency):
    agency.run()
    for name in ("people", "attributes", "activity"):
        for row in agency.table(name):
            for column, value in row.items():
                found = [
                    text for text in PLAINTEXT if text.lower() in str(value).lower() and not column.endswith("_ts")
                ]
                assert not found or isinstance(value, (bytes, int)), f"{name}.{column}"
    for file in agency.delivery().iterdir():
        for text in PLAINTEXT:
            if text not in ("p1", "1938"):  # short enough to stand in a file's bytes by chance
                assert text.encode() not in file.read_bytes(), file.name


def test_only_columns_of_the_contract_leave_and_the_rest_is_named(agency, capsys):
    agency.run()
    assert "officer_notes" not in agency.table("activity")[0]
    assert "officer_notes" in capsys.readouterr().out


def test_rows_are_in_the_order_of_person_ref(agency):
    agency.run()
    for name in ("people", "attributes", "activity"):
        refs = [row["person_ref"] for row in agency.table(name)]
        assert refs == sorted(refs)


def test_a_placeholder_is_a_missing_value_and_not_a_token(agency):
    agency.run()
    people = [{**row, "person_ref": None} for row in agency.table("people")]
    assert [set(row.values()) for row in people].count({None}) == 1


def test_ages_leave_as_bands_and_areas_of_homes_as_quintiles(agency):
    agency.run()
    bands = sorted(str(row["age_band"]) for row in agency.table("attributes"))
    assert bands == ["85+", "85+", "None"]
    assert {row["ethnic_group"] for row in agency.table("attributes")} == {"white", None}


def test_the_note_counts_rows_and_never_holds_the_key(agency):
    agency.run()
    text = (agency.delivery() / "delivery.json").read_text()
    assert json.loads(text)["rows"] == {"people": 3, "attributes": 3, "activity": 2}
    assert agency.key.read_text().strip() not in text


def test_the_key_check_tells_keys_apart_and_the_same_key_again(agency, tmp_path):
    agency.run()
    first = json.loads((agency.delivery() / "delivery.json").read_text())["key_check"]
    agency.run(period="2024-02", activity=None)
    again = next((agency.out / "NPOL" / "police_incidents" / "2024-02").glob("*/delivery.json"))
    assert json.loads(again.read_text())["key_check"] == first
    agency.key = tmp_path / "other key"
    cli.main(["keygen", str(agency.key)])
    agency.run(period="2024-03", activity=None)
    other = next((agency.out / "NPOL" / "police_incidents" / "2024-03").glob("*/delivery.json"))
    assert json.loads(other.read_text())["key_check"] != first


def test_two_agencies_refs_for_one_local_id_never_match(agency):
    from pipelines.pseudonymise.encode import Pseudonyms

    assert Pseudonyms(b"k" * 32, "NPOL").person_ref("1") != Pseudonyms(b"k" * 32, "WEXH").person_ref("1")


def test_the_same_delivery_again_is_not_written_twice_and_a_correction_comes_after(agency):
    agency.run()
    first = agency.delivery().name
    agency.run()
    assert agency.delivery().name == first
    agency.run(people=agency.people.replace("Margaret", "Marjorie"))
    slot = agency.out / "NPOL" / "police_incidents" / "2024-01"
    assert min(path.name for path in slot.iterdir()) == first
    assert len(list(slot.iterdir())) == 2


def test_notes_of_deliveries_made_within_one_second_say_which_is_the_later(agency):
    agency.run()
    agency.run(people=agency.people.replace("Margaret", "Marjorie"))
    notes = sorted((agency.out / "NPOL" / "police_incidents" / "2024-01").glob("*/delivery.json"))
    first, second = (datetime.fromisoformat(json.loads(note.read_text())["created_at"]) for note in notes)
    assert first < second
    assert first.utcoffset() == second.utcoffset() == timedelta(0)


def test_people_who_opted_out_are_left_out_with_their_activity(agency):
    agency.run("--opt-outs", agency.write("opt_outs.csv", "local_person_id\np1\n"))
    assert len(agency.table("people")) == 2
    assert len(agency.table("activity")) == 1


def test_of_opt_outs_only_the_fact_that_they_were_applied_leaves(agency):
    agency.run("--opt-outs", agency.write("opt_outs.csv", "local_person_id\np1\n"))
    agency.run("--opt-outs", agency.write("opt_outs.csv", "local_person_id\np1\np2\np9\n"))
    notes = [json.loads(path.read_text()) for path in sorted(agency.slot.glob("*/delivery.json"))]
    own = {"delivery_id", "created_at", "rows", "sha256"}
    one, two = ({name: entry for name, entry in note.items() if name not in own} for note in notes)
    assert one == two
    assert one["opt_outs_applied"] is True
    agency.run()
    assert "opt_outs_applied" not in json.loads(max(agency.slot.glob("*/delivery.json")).read_text())


def test_an_empty_list_of_opt_outs_is_told_to_the_data_officer(agency, capsys):
    agency.run("--opt-outs", agency.write("opt_outs.csv", "local_person_id\n"))
    assert "the list of opt-outs has 0" in capsys.readouterr().out


def test_check_shows_columns_and_writes_nothing(agency, capsys):
    assert agency.run("--check") == 0
    shown = capsys.readouterr().out
    assert "dob_token" in shown and "Margaret" not in shown
    assert not agency.out.exists()


def test_the_lookup_stays_with_the_agency_and_names_each_person_once(agency):
    agency.run("--lookup", agency.folder / "lookup.csv")
    lines = (agency.folder / "lookup.csv").read_text().splitlines()
    assert lines[0] == "local_person_id,person_ref"
    assert {line.split(",")[0] for line in lines[1:]} == {"p1", "p2", "p3"}
    assert {line.split(",")[1] for line in lines[1:]} == {row["person_ref"] for row in agency.table("people")}


@pytest.mark.parametrize("period", ["2024-13", "January", "2024-1"])
def test_a_period_is_a_month(agency, capsys, period):
    assert agency.run(period=period) == 2


def test_a_feed_without_a_contract_names_those_that_have_one(agency, capsys):
    assert agency.run(feed="gp_visits", activity=None) == 2
    assert "ae_attendances" in capsys.readouterr().err


def test_a_delivery_that_was_damaged_in_the_outbox_is_written_again(agency):
    agency.run()
    damaged = agency.delivery() / "activity.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    agency.run()
    slot = agency.out / "NPOL" / "police_incidents" / "2024-01"
    assert len(list(slot.iterdir())) == 2
    assert pq.read_metadata(max(slot.iterdir()) / "activity.parquet").num_rows == 2


def test_a_folder_that_cannot_be_written_is_named(agency, capsys):
    agency.out.write_text("a file")
    assert agency.run() == 2
    assert str(agency.out) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "sex"), [("Female", "F"), ("m", "M"), ("2", "F"), ("Missing", None), ("Mixed", None)]
)
def test_sex_is_read_by_whole_words(agency, written, sex):
    agency.run(people=agency.people.replace(",F,", f",{written},"), activity=None)
    assert {row["sex"] for row in agency.table("attributes")} == {sex, None}  # the third person has none


def test_the_data_officer_hears_of_spoilt_nhs_numbers_and_of_events_of_another_month(agency, capsys):
    assert agency.run(people=agency.people.replace("9434765919", "9434765918"), period="2024-02") == 0
    said = capsys.readouterr().out
    assert "wrong check digit that count as missing: 1" in said
    assert "another month, which the hub may refuse: 2" in said
    assert "9434765918" not in said


@pytest.mark.parametrize(("last_day", "after"), [("2024-01-04", 2), ("2024-01-05", 1), ("2024-01-06", 0)])
def test_the_data_officer_hears_of_events_after_the_last_day_covered(agency, capsys, last_day, after):
    assert agency.run("--partial-until", last_day) == 0
    said = capsys.readouterr().out
    told = f"events after the last day that --partial-until says is covered: {after}; the hub refuses them"
    assert (told in said) is (after > 0)
    assert ("events after the last day" in said) is (after > 0)
