"""The children's returns become people.csv and activity.csv, and what comes of them goes through the gate."""

import csv
import os
import stat
from pathlib import Path

import pytest

from pipelines.cli import main
from tests.ingest.extracts import found_in

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "children"
needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason=f"the published sample returns are not at {REAL}")

CHILD = """
    <Child>
      <ChildIdentifiers>
        <LAchildID>C1</LAchildID><PersonBirthDate>2014-02-28</PersonBirthDate>{sex}
      </ChildIdentifiers>
      <ChildCharacteristics><Ethnicity>MWBC</Ethnicity></ChildCharacteristics>
      <CINdetails>
        <CINreferralDate>2024-03-05</CINreferralDate><ReferralSource>6</ReferralSource>
        <PrimaryNeedCode>N1</PrimaryNeedCode><CINclosureDate>2024-05-02</CINclosureDate>
        <ReasonForClosure>RC8</ReasonForClosure>
        <Assessments>
          <AssessmentActualStartDate>2024-03-07</AssessmentActualStartDate>
          <AssessmentAuthorisationDate>2024-04-30</AssessmentAuthorisationDate>
          <FactorsIdentifiedAtAssessment>
            <AssessmentFactors>3B</AssessmentFactors><AssessmentFactors>1B</AssessmentFactors>
          </FactorsIdentifiedAtAssessment>
        </Assessments>
        <Section47>
          <S47ActualStartDate>2024-04-02</S47ActualStartDate><DateOfInitialCPC>2024-04-15</DateOfInitialCPC>
          <ICPCnotRequired>false</ICPCnotRequired>
        </Section47>
        <ReferralNFA>0</ReferralNFA>
      </CINdetails>
    </Child>
"""
MESSAGE = "<Message{namespace}>\n  <Children>{children}</Children>\n</Message>\n"


def census(path: Path, sex: str = "<Sex>F</Sex>", namespace: str = "", child: str = CHILD) -> Path:
    path.write_text(MESSAGE.format(namespace=namespace, children=child.format(sex=sex)))
    return path


def convert(*arguments: object) -> int:
    return main(["census-to-csv", *map(str, arguments)])


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_module_is_an_event_of_its_own_with_what_is_known_of_the_episode(tmp_path):
    assert convert(census(tmp_path / "cin.xml"), "--out", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["2024-03", "2024-04"]
    referral, assessment = rows(tmp_path / "out" / "2024-03" / "activity.csv")
    assert (referral["module"], referral["start_date"], referral["end_date"]) == (
        "CINdetails",
        "2024-03-05",
        "2024-05-02",
    )
    assert (assessment["module"], assessment["end_date"]) == ("Assessments", "2024-04-30")
    assert (referral["AssessmentFactors"], assessment["AssessmentFactors"]) == ("", "3B,1B")
    [enquiry] = rows(tmp_path / "out" / "2024-04" / "activity.csv")
    assert (enquiry["module"], enquiry["DateOfInitialCPC"], enquiry["ICPCnotRequired"]) == (
        "Section47",
        "2024-04-15",
        "false",
    )
    for event in (referral, assessment, enquiry):
        assert [event[name] for name in ("ReferralSource", "PrimaryNeedCode", "ReasonForClosure", "ReferralNFA")] == [
            "6",
            "N1",
            "RC8",
            "0",
        ]
    assert len({event["event_ref"] for event in (referral, assessment, enquiry)}) == 3
    assert len({event["episode_ref"] for event in (referral, assessment, enquiry)}) == 1


SEXES = {
    "as of 2025": ("<Sex>F</Sex>", "F"),
    "before 2025": ("<GenderCurrent>2</GenderCurrent>", "F"),
    "a boy before 2025": ("<GenderCurrent>1</GenderCurrent>", "M"),
    "indeterminate before 2025": ("<GenderCurrent>9</GenderCurrent>", "X"),
    "not known": ("<Sex>U</Sex>", ""),
    "unborn": ("<GenderCurrent>0</GenderCurrent>", ""),
    "left out": ("", ""),
}


@pytest.mark.parametrize(("written", "sex"), SEXES.values(), ids=SEXES)
def test_sex_is_read_as_the_census_of_any_year_writes_it(tmp_path, written, sex):
    assert convert(census(tmp_path / "cin.xml", sex=written), "--out", tmp_path / "out") == 0
    [child] = rows(tmp_path / "out" / "2024-03" / "people.csv")
    assert (child["sex"], child["date_of_birth"], child["ethnic_group"]) == (sex, "2014-02-28", "mixed")


def test_a_namespace_makes_no_difference(tmp_path):
    namespace = ' xmlns="http://www.education.gov.uk/cin"'
    assert convert(census(tmp_path / "cin.xml", namespace=namespace), "--out", tmp_path / "out") == 0
    assert len(rows(tmp_path / "out" / "2024-03" / "activity.csv")) == 2


def test_names_and_addresses_come_from_the_register(tmp_path, capsys):
    register = tmp_path / "register.csv"
    register.write_text("local_person_id,forename,surname,postcode,lsoa\nC1,Ben,Barker,ZZ1 1AB,E01990001\n")
    assert convert(census(tmp_path / "cin.xml"), "--register", register, "--out", tmp_path / "out") == 0
    [child] = rows(tmp_path / "out" / "2024-03" / "people.csv")
    assert [child[name] for name in ("forename", "surname", "postcode", "date_of_birth")] == [
        "Ben",
        "Barker",
        "ZZ1 1AB",
        "2014-02-28",
    ]
    assert rows(tmp_path / "out" / "2024-03" / "activity.csv")[0]["Der_Postcode_LSOA_2021_Code"] == "E01990001"
    assert "without --register" not in capsys.readouterr().out


def test_without_a_register_the_data_officer_hears_what_that_means(tmp_path, capsys):
    convert(census(tmp_path / "cin.xml"), "--out", tmp_path / "out")
    assert "without --register hardly a child can be linked" in capsys.readouterr().out


def test_what_is_written_is_for_its_owner_alone(tmp_path):
    convert(census(tmp_path / "cin.xml"), "--out", tmp_path / "out")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*.csv")}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_months_before_the_first_one_asked_for_are_left_out(tmp_path, capsys):
    assert convert(census(tmp_path / "cin.xml"), "--from", "2024-04", "--out", tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["2024-04"]
    assert "2 events began before" in capsys.readouterr().out


def test_what_is_delivered_of_it_is_accepted(tmp_path):
    convert(census(tmp_path / "cin.xml"), "--out", tmp_path / "out")
    month, key = tmp_path / "out" / "2024-03", tmp_path / "key"
    main(["keygen", str(key)])
    files = ["--people", month / "people.csv", "--activity", month / "activity.csv", "--key-file", key]
    where = ["--agency", "LAWX", "--period", "2024-03", "--out", tmp_path / "landing"]
    assert main(["pseudonymise", "children_in_need", *map(str, [*files, *where])]) == 0


FAULTY = {
    "cut off": (lambda text: text[: len(text) // 2], "not well-formed XML"),
    "two elements crossed": (lambda text: text.replace("</Sex>", "</Age>"), "not well-formed XML (mismatched tag)"),
    "an entity that expands": (
        lambda text: f'<!DOCTYPE x [<!ENTITY a "{"a" * 50}"><!ENTITY b "&a;&a;">]>\n' + text.replace("C1", "&b;"),
        "line 1: a document type declaration",
    ),
    "an entity from a file": (
        lambda text: '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n' + text.replace("C1", "&a;"),
        "line 1: a document type declaration",
    ),
    "a date that is none": (
        lambda text: text.replace("2024-03-05", "05/03/2024"),
        "CINreferralDate: not a date such as",
    ),
    "a child without a number": (lambda text: text.replace("C1", ""), "a Child without an LAchildID"),
    "another return": (lambda text: text.replace("Child>", "Pupil>"), "there is no Child in it"),
}


@pytest.mark.parametrize(("spoil", "says"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_census_gets_one_error_with_its_line_and_leaves_nothing(tmp_path, capsys, spoil, says):
    path = census(tmp_path / "cin.xml")
    path.write_text(spoil(path.read_text()))
    assert convert(path, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert str(path) in error
    assert says in error
    assert "there is no Child" in says or "line " in error
    assert not (tmp_path / "out").exists()
    assert os.listdir(tmp_path) == ["cin.xml"]


def test_a_folder_that_holds_something_is_left_alone(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    assert convert(census(tmp_path / "cin.xml"), "--out", tmp_path / "out") == 2
    assert "Choose a new or an empty folder" in capsys.readouterr().err
    assert os.listdir(tmp_path / "out") == ["mine"]


def test_tables_of_looked_after_children_are_known_by_their_headers(tmp_path):
    folder = tmp_path / "903"
    folder.mkdir()
    (folder / "one.csv").write_text("CHILD,SEX,DOB,ETHNIC,UPN\n77,2,27/03/2008,ABAN,X\n")
    (folder / "two.csv").write_text(
        "CHILD,DECOM,RNE,LS,CIN,PLACE,DEC,REC,HOME_POST\n"
        "77,15/02/2024,S,C2,N3,U1,14/03/2024,X1,ZZ1 1AB\n77,14/03/2024,P,C2,N3,U4,,,ZZ1 1AB\n"
    )
    (folder / "three.csv").write_text("CHILD,DOB,MISSING,MIS_START,MIS_END\n77,27/03/2008,M,20/03/2024,21/03/2024\n")
    (folder / "four.csv").write_text("CHILD,DOB,REVIEW\n77,27/03/2008,30/03/2024\n")
    assert convert(folder, "--out", tmp_path / "out") == 0
    [february] = rows(tmp_path / "out" / "2024-02" / "activity.csv")
    assert [february[name] for name in ("module", "start_date", "end_date", "RNE", "PrimaryNeedCode")] == [
        "Episodes",
        "2024-02-15",
        "2024-03-14",
        "S",
        "N3",
    ]
    march = rows(tmp_path / "out" / "2024-03" / "activity.csv")
    assert {(row["module"], row["start_date"]) for row in march} == {
        ("Episodes", "2024-03-14"),
        ("Missing", "2024-03-20"),
    }
    [child] = rows(tmp_path / "out" / "2024-03" / "people.csv")
    assert [child[name] for name in ("date_of_birth", "sex", "ethnic_group", "postcode")] == [
        "2008-03-27",
        "F",
        "asian",
        "ZZ1 1AB",
    ]


@needs_real_files
@pytest.mark.parametrize(
    ("files", "events", "children"),
    [
        (["fake_CIN_data.xml"], 402, 332),
        (["liia_BAR_cin_2022_sample.xml"], 5, 1),
        (["ssda903_fake_header.csv", "ssda903_fake_episodes.csv", "ssda903_fake_missing.csv"], 5093, None),
    ],
    ids=["census of 2022", "one child with every module", "looked after children"],
)
def test_published_samples_are_read_without_special_cases(tmp_path, files, events, children):
    assert convert(*(REAL / file for file in files), "--out", tmp_path / "out") == 0
    found = [row for path in (tmp_path / "out").glob("*/activity.csv") for row in rows(path)]
    assert len(found) == events  # one for each CINdetails, or each line of the tables
    assert children in (None, len({row["local_person_id"] for row in found}))


REFERRAL = {
    "local_person_id": "2",
    "event_ref": "R1",
    "episode_ref": "E1",
    "module": "CINdetails",
    "start_date": "2024-03-05",
    "end_date": "",
    "ReferralSource": "6",
    "PrimaryNeedCode": "N1",
    "ReferralNFA": "false",
    "ReasonForClosure": "",
    "AssessmentFactors": "",
}
REFUSED = {
    "a module that there is not": ({"module": "Adoption"}, "required_code_not_in_list"),
    "an event of another month": ({"start_date": "2024-01-05"}, "event_in_period"),
    "an end before the start": ({"end_date": "2024-03-01"}, "end_not_before_start"),
    "one event told in two ways": ({"event_ref": "R1", "PrimaryNeedCode": "N4"}, "event_unique"),
}
WARNED = {
    "an assessment after no further action": (
        {"module": "Assessments", "ReferralNFA": "true"},
        "nfa_with_activity",
    ),
    "a referral from nowhere": ({"ReferralSource": ""}, "source_missing"),
    "a finished assessment without factors": (
        {"module": "Assessments", "start_date": "2024-02-05", "end_date": "2024-03-07"},
        "factors_missing",
    ),
    "a plan in an episode that was closed after assessment": (
        {"module": "CINPlanDates", "ReasonForClosure": "RC8"},
        "closed_after_assessment_with_plan",
    ),
}


@pytest.mark.parametrize(("spoilt", "rule"), REFUSED.values(), ids=REFUSED)
def test_a_row_is_refused(tmp_path, spoilt, rule):
    assert rule in found_in(tmp_path, "children_in_need", "LAWX", REFERRAL, spoilt)["refused"]


@pytest.mark.parametrize(("spoilt", "rule"), WARNED.values(), ids=WARNED)
def test_a_row_goes_on_and_is_counted(tmp_path, spoilt, rule):
    assert found_in(tmp_path, "children_in_need", "LAWX", REFERRAL, spoilt) == {"refused": set(), "warned": {rule}}
