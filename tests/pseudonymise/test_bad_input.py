"""Whatever an export may do to a file: a correct delivery, or one clear error with file and line, and then nothing else.

No error repeats what stands in a cell of a person's row.
"""

import tracemalloc
from datetime import datetime

import pytest

HEADER = "local_person_id,nhs_number,forename,surname,date_of_birth,sex,postcode,lsoa,ethnic_group\n"
# Every value of this row is one that no error may repeat.
ROW = "Q7701,9434765919,Wilhelmina,Thistlewood,1950-12-31,F,WX1 2AB,E01990001,A\n"
OTHER = "Q7702,,Zoë,Quartermain,1961-02-28,M,WX2 3CD,E01990002,Mixed\n"
SECRETS = ["Q770", "94347659", "Wilhelmina", "Thistlewood", "Zo", "Quartermain", "WX1", "WX2", "E0199", "evil"]

EVENTS = "local_person_id,incident_ref,role,created_ts,grade,nsir_open,deployed,s136,ppn"
EVENT = "Q7701,INC-77,subject,2024-01-05T14:30,Prompt,Concern for safety,true,false,true\n"


def person(**values: str) -> str:
    """A row of the people file that differs from ROW in the values named."""
    row = dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True))
    return ",".join((row | values).values()) + "\n"


def event(column: str, value: str) -> str:
    """An activity file with one event that differs from EVENT in one column, which may be one that it lacks."""
    row = dict(zip(EVENTS.split(","), EVENT.strip().split(","), strict=True)) | {column: value}
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"


REFUSED_PEOPLE = {
    "an empty file": (b"", "people.csv is empty"),
    "a file of blank lines": (b"\n\r\n\n", "people.csv is empty"),
    "a byte order mark and nothing else": (b"\xef\xbb\xbf", "people.csv is empty"),
    "a header without rows": (HEADER, "no people"),
    "a header and blank lines": (HEADER + "\n\n\n", "no people"),
    "rows without a header": (ROW + OTHER, "line 1: not a header"),
    "a header separated by semicolons": (HEADER.replace(",", ";") + ROW.replace(",", ";"), "line 1: not a header"),
    "an unknown column": (
        HEADER.replace("lsoa", "favourite_colour") + ROW,
        "line 1: unknown column 'favourite_colour'",
    ),
    "a column twice": (HEADER.replace("lsoa", "sex") + ROW, "line 1: column 'sex' stands there more than once"),
    "no column of ids": (HEADER.replace("local_person_id", "id") + ROW, "line 1: unknown column 'id'"),
    "an empty column name after a last comma": (HEADER.strip() + ",\n" + ROW, "line 1: unknown column ''"),
    "a row that is too long": (HEADER + OTHER + ROW.strip() + ",evil\n", "line 3: 10 values where the header has 9"),
    "a row that is too short": (HEADER + "Q7701,,evil\n", "line 2: 3 values where the header has 9"),
    "a ragged row after quoted line breaks": (
        HEADER + person(surname='"Thistle\nwood\r\n-Quartermain"') + "Q7702,evil\n",
        "line 5: 2 values",
    ),
    "a ragged row after blank lines": (HEADER + "\n\n" + ROW + "\nQ7702,evil\n", "line 6: 2 values"),
    "a ragged row where lines end with a carriage return": (
        (HEADER + ROW + "Q7702,evil\n").replace("\n", "\r"),
        "line 3",
    ),
    "an id twice": (HEADER + ROW + OTHER + ROW, "lines 2 and 4: the same local_person_id"),
    "an id twice after quoted line breaks and blank lines": (
        HEADER + person(surname='"Thistle\nwood"') + "\n\n" + ROW,
        "lines 2 and 6: the same local_person_id",
    ),
    "an id twice that differs in blanks alone": (HEADER + ROW + " " + ROW, "lines 2 and 3: the same local_person_id"),
    "a row without an id": (HEADER + ROW + person(local_person_id="  "), "line 3: local_person_id is empty"),
    "a row of commas alone": (HEADER + ROW + ",,,,,,,,\n", "line 3: local_person_id is empty"),
    "Windows-1252": ((HEADER + ROW + OTHER).encode("cp1252"), "line 3: not UTF-8"),
    "Windows-1252 after quoted line breaks": (
        (HEADER + person(surname='"Thistle\nwood"') + OTHER).encode("cp1252"),
        "line 4: not UTF-8",
    ),
    "UTF-16 with a byte order mark": ((HEADER + ROW).encode("utf-16"), "line 1: UTF-16"),
    "UTF-16, the other way round": ((HEADER + ROW).encode("utf-16-be"), "line 1: not UTF-8 text (a NUL byte)"),
    "UTF-16 without a byte order mark": ((HEADER + ROW).encode("utf-16-le"), "line 1: not UTF-8 text (a NUL byte)"),
    "a NUL byte in a name": (HEADER + ROW + person(forename="Wil\0helmina"), "line 3: not UTF-8 text (a NUL byte)"),
    "a NUL byte in the header": (HEADER.replace("lsoa", "ls\0oa") + ROW, "line 1: not UTF-8 text (a NUL byte)"),
    "a quotation mark that is not closed": (
        HEADER + ROW + person(surname='"Thistlewood') + OTHER,
        "line 3: a quotation",
    ),
    "a quotation mark inside a quoted value": (HEADER + person(forename='"Wil"helmina"'), "line 2: a quotation mark"),
    "a quotation mark not closed for long": (
        HEADER + ROW + person(surname='"Thistlewood') + OTHER * 5_000,
        "line 3: a quotation",
    ),
    "dates with the day first": (HEADER + person(date_of_birth="31/12/1950"), "line 2, date_of_birth"),
    "dates with the month first": (HEADER + person(date_of_birth="12/31/1950"), "line 2, date_of_birth"),
    "dates with two digits for the year": (HEADER + person(date_of_birth="31-Dec-50"), "line 2, date_of_birth"),
    "dates as a spreadsheet counts days": (HEADER + person(date_of_birth="18628"), "line 2, date_of_birth"),
    "dates of eight digits with the day first": (HEADER + person(date_of_birth="31121950"), "line 2, date_of_birth"),
    "dates in the year 202": (HEADER + person(date_of_birth="0202-06-01"), "line 2, date_of_birth"),
    "a formula for a date": (HEADER + person(date_of_birth="=evil()"), "line 2, date_of_birth"),
    "a day of death in another form": (
        HEADER.strip() + ",date_of_death\n" + ROW.strip() + ",31/12/2023\n",
        "line 2, date_of_death",
    ),
    "a day of death that does not exist": (
        HEADER.strip() + ",date_of_death\n" + ROW.strip() + ",2023-02-31\n",
        "line 2, date_of_death",
    ),
}


@pytest.mark.parametrize(("people", "says"), REFUSED_PEOPLE.values(), ids=REFUSED_PEOPLE)
def test_refused_with_file_and_line(agency, capsys, people, says):
    assert agency.run(people=people, activity=None) == 2
    message = capsys.readouterr().err
    assert says in message and "people.csv" in message
    assert not [secret for secret in SECRETS if secret in message.replace(str(agency.folder), "")]
    assert not agency.out.exists()


CORRECT_PEOPLE = {
    "a byte order mark": (HEADER + ROW + OTHER).encode("utf-8-sig"),
    "lines that end as in Windows": (HEADER + ROW + OTHER).replace("\n", "\r\n"),
    "lines that end as in old Macs": (HEADER + ROW + OTHER).replace("\n", "\r"),
    "no line end at the end": (HEADER + ROW + OTHER).strip(),
    "blank lines before, between and after": "\n" + HEADER + "\n" + ROW + "\n\n" + OTHER + "\n\n\n",
    "blanks around every value": (HEADER + ROW + OTHER).replace(",", " , "),
    "every value in quotation marks": "\n".join(
        ",".join(f'"{value}"' for value in line.split(",")) for line in (HEADER + ROW + OTHER).splitlines()
    ),
    "letters and accents apart": (HEADER + ROW + OTHER).replace("ë", "e\u0308"),
    "a line break inside a name": HEADER + ROW + OTHER.replace("Zoë", '"\nZoë\r\n"'),
    "invisible marks of direction": HEADER + ROW + OTHER.replace("Zoë", "\u200fZoë\u202c"),
    "names in capitals": HEADER + ROW.replace("Wilhelmina", "WILHELMINA") + OTHER.replace("Zoë", "ZOË"),
    "formula cells, of which only letters are compared": HEADER
    + ROW.replace("Wilhelmina", "=Wilhelmina()").replace("Thistlewood", "@Thistlewood")
    + OTHER.replace("Quartermain", "+Quartermain").replace("Zoë", "-Zoë"),
    "rows in another order": HEADER + OTHER + ROW,
    "columns in another order": "\n".join(
        ",".join(reversed(line.split(","))) for line in (HEADER + ROW + OTHER).splitlines()
    ),
    "a birth date of eight digits": HEADER + person(date_of_birth="19501231") + OTHER,
    "a birth date with its month in letters": HEADER + person(date_of_birth="31-Dec-1950") + OTHER,
    "a birth date in words": HEADER + person(date_of_birth="31 December 1950") + OTHER,
    "a birth date with a time": HEADER + person(date_of_birth="1950-12-31 00:00:00.000") + OTHER,
    "a birth date with strokes, the year first": HEADER + person(date_of_birth="1950/12/31") + OTHER,
}


@pytest.mark.parametrize("people", CORRECT_PEOPLE.values(), ids=CORRECT_PEOPLE)
def test_written_otherwise_and_encoded_alike(agency, people):
    assert agency.run(people=HEADER + ROW + OTHER, activity=None) == 0
    plain = agency.delivery()
    assert agency.run(people=people, activity=None) == 0
    assert agency.delivery() == plain  # the same contents again are the same delivery


NAMES = {
    "Hebrew with and without points": ("שָׁרָה", "שרה"),
    "Hebrew with marks of direction": ("\u202bשרה\u202c", "שרה"),
    "Arabic with and without vowels": ("مُحَمَّد", "محمد"),
    "Arabic with a stretched letter": ("محـــمد", "محمد"),
    "Arabic with hamza written or not": ("أحمد", "احمد"),
    "an accent of its own and a letter that has one": ("Jos\u00e9", "Jose\u0301"),
    "Vietnamese with two marks on a letter": ("Nguy\u1ec5n", "Nguye\u0302\u0303n"),
    "Hindi, composed in two ways": ("\u0958मर", "\u0915\u093cमर"),
}


@pytest.mark.parametrize(("one", "other"), NAMES.values(), ids=NAMES)
def test_one_name_in_two_spellings_of_its_script_is_one_name(agency, one, other):
    assert agency.run(people=HEADER + person(forename=one), activity=None) == 0
    first = agency.delivery()
    assert agency.run(people=HEADER + person(forename=other), activity=None) == 0
    assert agency.delivery() == first


@pytest.mark.parametrize(("one", "other"), [("राम", "रमा"), ("שרה", "שרי"), ("محمد", "محمود")])
def test_names_that_differ_in_other_scripts_stay_apart(agency, one, other):
    agency.run(people=HEADER + person(forename=one), activity=None)
    agency.run(people=HEADER + person(forename=other), activity=None)
    assert len(list(agency.slot.iterdir())) == 2


@pytest.mark.parametrize(
    ("birth", "said"),
    [
        ("2024-02-01", "birth dates after the period that count as missing: 1"),
        ("2999-12-30", "birth dates after the period that count as missing: 1"),
        ("1900-01-01", ""),
        ("0000-00-00", ""),
    ],
    ids=["a birth after the period", "a birth far ahead", "a placeholder", "zeros"],
)
def test_a_birth_date_that_cannot_be_counts_as_missing(agency, capsys, birth, said):
    assert agency.run(people=HEADER + person(date_of_birth=birth), activity=None) == 0
    assert said in capsys.readouterr().out
    (row,) = agency.table("people")
    assert {value for column, value in row.items() if "dob" in column} == {None}
    assert agency.table("attributes")[0]["age_band"] is None


def test_of_the_31st_of_february_the_month_is_kept(agency):
    agency.run(people=HEADER + person(date_of_birth="1950-02-31"), activity=None)
    first = agency.delivery()
    agency.run(people=HEADER + person(date_of_birth="1950-02"), activity=None)
    assert agency.delivery() == first


def test_one_unreadable_birth_date_in_many_is_counted_and_missing(agency, capsys):
    rows = [person(local_person_id=f"Q{n}") for n in range(200)]
    rows[120] = person(local_person_id="Q120", date_of_birth="31/12/1950")
    assert agency.run(people=HEADER + "".join(rows), activity=None) == 0
    assert "could not be read and count as missing: 1, the first in line 122" in capsys.readouterr().out


def test_a_large_file_in_another_date_form_is_refused_before_it_is_read_to_its_end(agency, capsys):
    rows = "".join(person(local_person_id=f"Q{n}", date_of_birth="31/12/1950") for n in range(50_100))
    assert agency.run(people=HEADER + rows, activity=None) == 2
    assert "50,000 of the 50,000 dates read" in capsys.readouterr().err


LONG_LINES = {
    "a file of one line": (b"", "line 1: longer than"),
    "a header and one line": (HEADER.encode(), "line 2: longer than"),
    "a header, a person and one quoted value": ((HEADER + ROW + 'Q7702,,"').encode(), "line 3: longer than"),
}


@pytest.mark.parametrize(("start", "says"), LONG_LINES.values(), ids=LONG_LINES)
def test_a_line_of_200_megabytes_is_refused_in_little_memory(agency, capsys, start, says):
    path = agency.folder / "people.csv"
    with open(path, "wb") as file:
        file.write(start)
        file.writelines(b"x" * 1_000_000 for _ in range(200))
    tracemalloc.start()
    try:
        assert agency.run(people=path, activity=None) == 2
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        path.unlink()
    assert says in capsys.readouterr().err
    assert peak < 50_000_000  # bytes
    assert not agency.out.exists()


REFUSED_EVENTS = {
    "a date in words": (event("created_ts", "5 Jan 2024"), "line 2, created_ts"),
    "a day that does not exist": (event("created_ts", "2024-02-30T10:00"), "line 2, created_ts"),
    "a date in the year 0": (event("created_ts", "0000-01-05T14:30"), "line 2, created_ts"),
    "a person who is not in the people file": (event("local_person_id", "Q9"), "line 2: local_person_id is not in"),
    "an event of nobody": (event("local_person_id", ""), "line 2: local_person_id is not in the people file"),
    "a sentence in a code": (event("grade", "she said that he had been shouting at her since " * 2), "line 2, grade"),
    "a sentence in a code without a list": (event("ppn_shared_with", "Thistlewood: lives alone"), "line 2, ppn_shared"),
    "a formula in a code": (event("grade", "=evil()"), "line 2, grade"),
    "a formula in a code without a list": (event("ppn_shared_with", "+evil"), "line 2, ppn_shared_with"),
    "a formula in one of several codes": (event("qualifiers", "Mental health;@evil"), "line 2, qualifiers"),
    "a formula that starts with a minus": (event("role", "-2+3+cmd|evil"), "line 2, role"),
    "a number with a comma": (event("officer_minutes", '"1,200"'), "line 2, officer_minutes"),
    "a number that no column holds": (event("officer_minutes", "9" * 19), "line 2, officer_minutes"),
    "an area that is none": (event("lsoa", "=evil()"), "line 2, lsoa"),
    "a word for yes that is none": (event("deployed", "evil"), "line 2, deployed"),
    "a ragged row": (EVENTS + "\n" + EVENT + "Q7701,evil\n", "line 3: 2 values where the header has 9"),
    "Windows-1252": ((EVENTS + ",note\n" + EVENT.strip() + ",Zoë\n").encode("cp1252"), "line 2: not UTF-8"),
    "an empty file": (b"", "activity.csv is empty"),
}


@pytest.mark.parametrize(("activity", "says"), REFUSED_EVENTS.values(), ids=REFUSED_EVENTS)
def test_activity_is_refused_with_file_and_line(agency, capsys, activity, says):
    assert agency.run(people=HEADER + ROW, activity=activity) == 2
    message = capsys.readouterr().err
    assert says in message and "activity.csv" in message
    assert not [secret for secret in SECRETS if secret in message.replace(str(agency.folder), "")]
    assert not agency.out.exists()


@pytest.mark.parametrize(
    "moment",
    ["2024-01-05T14:30:00", "2024-01-05 14:30", "2024-01-05T14:30:00.000", "20240105T1430", "2024-01-05T14:30Z"],
)
def test_a_moment_is_read_in_the_forms_of_iso_8601(agency, moment):
    assert agency.run(people=HEADER + ROW, activity=event("created_ts", moment)) == 0
    assert agency.table("activity")[0]["created_ts"] == datetime(2024, 1, 5, 14, 30)


def test_a_formula_in_a_reference_leaves_as_a_hash(agency):
    assert agency.run(people=HEADER + ROW, activity=event("incident_ref", "=evil()")) == 0
    (row,) = agency.table("activity")
    assert len(bytes.fromhex(row["incident_ref"])) == 16


def test_a_negative_code_is_no_formula(agency):
    assert agency.run(people=HEADER + ROW, activity=event("grade", "-1")) == 0
    assert agency.table("activity")[0]["grade"] == "-1"


def test_a_column_of_the_activity_file_that_is_not_in_the_contract_stays_here_whatever_its_name(agency, capsys):
    assert agency.run(people=HEADER + ROW, activity=event("\u202e=cmd|evil" + "x" * 100, "Thistlewood")) == 0
    told = capsys.readouterr().out
    assert "not in the contract and stay here" in told and "\u202e" not in told and "x" * 50 not in told
    assert "Thistlewood" not in str(agency.table("activity"))


def test_an_activity_file_with_a_header_alone_is_an_empty_activity(agency):
    assert agency.run(people=HEADER + ROW, activity=EVENTS + "\n") == 0
    assert agency.table("activity") == []


def test_an_id_that_a_spreadsheet_would_run_is_disarmed_in_the_lookup(agency):
    ids = ["=evil()", "+44", "-cmd|x", "@sum", "＝wide", "plain", "-17"]
    people = HEADER + "".join(person(local_person_id=local_id) for local_id in ids)
    assert agency.run("--lookup", agency.folder / "lookup.csv", people=people, activity=None) == 0
    first = [line.split(",")[0] for line in (agency.folder / "lookup.csv").read_text("utf-8").splitlines()[1:]]
    assert first == ["'=evil()", "'+44", "'-cmd|x", "'@sum", "'＝wide", "plain", "-17"]


AREAS = {
    "a quintile that is none": ("lsoa,imd_quintile\nE01990001,6\n", "line 2, imd_quintile: not a whole number from 1"),
    "a word for a quintile": ("lsoa,imd_quintile\nE01990001,most deprived\n", "line 2, imd_quintile"),
    "no quintiles": ("lsoa,ward\nE01990001,Dock\n", "line 1: column imd_quintile is missing"),
}


@pytest.mark.parametrize(("areas", "says"), AREAS.values(), ids=AREAS)
def test_a_faulty_list_of_areas_is_refused(agency, capsys, areas, says):
    assert agency.run("--areas", agency.write("areas.csv", areas)) == 2
    assert says in capsys.readouterr().err
    assert not agency.out.exists()


@pytest.mark.parametrize("option", ["--opt-outs", "--areas"])
def test_a_list_that_is_not_there_is_named(agency, capsys, option):
    assert agency.run(option, agency.folder / "nowhere.csv") == 2
    assert "nowhere.csv is not there" in capsys.readouterr().err
