"""Each rule by rows in, refused rows out; and what the gate must never let through or let out."""

import io
import json
import logging
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.code_lists import read_codes, read_lapses
from pipelines.ingest.accept import ingest_month, ingest_months
from pipelines.ingest.delivery import Received, read_delivery, received_deliveries
from pipelines.ingest.gate import UNLISTED, Judgement, judge
from pipelines.ingest.month import month_files
from pipelines.ingest.rules import GateError, Rule, load_rules
from pipelines.ingest.verdicts import Delivered, Found, find
from pipelines.pseudonymise.contract import activity_columns, event_column
from pipelines.pseudonymise.delivery import FILES
from pipelines.settings import Settings

FEEDS = AE, SOCIAL, POLICE = "ae_attendances", "social_care_events", "police_incidents"

# what differs from an acceptable row -> the rule that refuses it
REFUSED = {
    "no arrival mode": (AE, {"EC_Arrival_Mode_SNOMED_CT": ""}, "required_missing"),
    "arrival mode not in the list": (AE, {"EC_Arrival_Mode_SNOMED_CT": "999"}, "required_code_not_in_list"),
    "no departure": (AE, {"EC_Departure_Date": "", "EC_Departure_Time": ""}, "departure_missing"),
    "a finished attendance without a discharge status": (
        AE,
        {"Finished_Indicator": "1", "EC_Discharge_Status_SNOMED_CT": ""},
        "departure_missing",
    ),
    "arrival in the month after": (
        AE,
        {"Arrival_Date": "2024-04-01", "EC_Departure_Date": "2024-04-02"},
        "arrival_in_period",
    ),
    "departure before arrival": (
        AE,
        {"EC_Departure_Date": "2024-03-05", "EC_Departure_Time": "09:00", "EC_Departure_Time_Since_Arrival": "0"},
        "departure_not_before_arrival",
    ),
    "a stay below zero": (AE, {"EC_Departure_Time_Since_Arrival": "-1"}, "stay_plausible"),
    "a stay of eight days": (
        AE,
        {"EC_Departure_Date": "2024-03-13", "EC_Departure_Time_Since_Arrival": "11400"},
        "stay_plausible",
    ),
    "minutes that do not fit the times": (AE, {"EC_Departure_Time_Since_Arrival": "132"}, "stay_fits_times"),
    "an event type not in the list": (SOCIAL, {"Event_Type": "Safeguarding"}, "required_code_not_in_list"),
    "an open request": (SOCIAL, {"Event_End_Date": ""}, "only_services_open"),
    "an end before the start": (SOCIAL, {"Event_End_Date": "2024-03-01"}, "end_not_before_start"),
    "a request of an earlier month": (
        SOCIAL,
        {"Event_Start_Date": "2024-01-05", "Event_End_Date": "2024-01-06"},
        "event_in_period",
    ),
    "a service of an earlier month": (
        SOCIAL,
        {"Event_Type": "Service", "Event_Start_Date": "2024-01-05"},
        "event_in_period",
    ),
    "a stranger as client": (SOCIAL, {"Client_Type": "Neighbour"}, "required_code_not_in_list"),
    "a call of the month before": (POLICE, {"created_ts": "2024-02-29T23:59:59"}, "created_in_period"),
    "a role not in the list": (POLICE, {"role": "bystander"}, "required_code_not_in_list"),
    "a grade not in the list": (POLICE, {"grade": "Whenever"}, "required_code_not_in_list"),
    "a category not in the list": (POLICE, {"nsir_open": "Party"}, "required_code_not_in_list"),
    "officer minutes below zero": (POLICE, {"officer_minutes": "-5"}, "officer_minutes_plausible"),
    "a place of safety without s136": (POLICE, {"s136_place_of_safety": "ED"}, "place_of_safety_only_for_s136"),
    "an area of another country": (POLICE, {"lsoa": "X01000001"}, "area_malformed"),
    "cleared before the call": (POLICE, {"cleared_ts": "2024-03-05T09:00:00"}, "cleared_not_before_created"),
}

ACCEPTED = {
    "a stay of 23 hours": (AE, {"EC_Departure_Date": "2024-03-06", "EC_Departure_Time": "09:00"}),
    "a stay of three days": (
        AE,
        {"EC_Departure_Date": "2024-03-08", "EC_Departure_Time": "10:00", "EC_Departure_Time_Since_Arrival": "4320"},
    ),
    "the first minute of the month": (
        AE,
        {
            "Arrival_Date": "2024-03-01",
            "Arrival_Time": "00:00",
            "EC_Departure_Date": "2024-03-01",
            "EC_Departure_Time": "22:00",
        },
    ),
    "an attendance that is not finished": (
        AE,
        {"Finished_Indicator": "0", "EC_Departure_Date": "", "EC_Discharge_Status_SNOMED_CT": ""},
    ),
    "a discharge status not in the list": (AE, {"EC_Discharge_Status_SNOMED_CT": "999"}),
    "a discharge destination not in the list": (AE, {"Discharge_Destination_SNOMED_CT": "999"}),
    "two diagnoses, one not in the list": (AE, {"Der_EC_Diagnosis_All": "52448006,999"}),
    "a team and a site": (POLICE, {"team": "Response Harrowmere (nights)", "lsoa": "E01990001"}),
    "investigations with blanks": (AE, {"Der_EC_Investigation_All": "27171005, 29303009; 15220000"}),
    "a national code of many words": (
        SOCIAL,
        {"Accommodation_Status": "Sheltered housing / extra care housing / other sheltered housing"},
    ),
    "an open service": (SOCIAL, {"Event_Type": "Service", "Event_End_Date": "", "Event_Outcome": ""}),
    "an assessment that ended this month": (
        SOCIAL,
        {"Event_Type": "Assessment", "Event_Start_Date": "2024-01-05", "Event_End_Date": "2024-03-06"},
    ),
    "a code spelt another way": (SOCIAL, {"Event_Type": "REQUEST ", "Client_Type": "Service-User"}),
    "a place of safety with s136": (POLICE, {"s136": "true", "s136_place_of_safety": "ED"}),
}


@pytest.fixture(scope="module")
def rules_of(shared_region) -> dict[str, str | None]:
    """For each case of REFUSED and ACCEPTED, the rule that refused its row; one delivery a feed holds them all."""
    found = {}
    for feed in FEEDS:
        cases = {name: change for name, (of_feed, change, *_) in {**REFUSED, **ACCEPTED}.items() if of_feed == feed}
        folder = shared_region.deliver(feed, rows=[*cases.values(), {"local_person_id": "2"}, *[{}] * 5 * len(cases)])
        shared_region.double_a_person(folder, "2")
        shared_region.deliver(feed, agency="OTHER")
        month = ingest_month(shared_region.settings, feed, shared_region.period)
        assert not month.refusals
        references = pq.read_table(folder / "activity.parquet").column(1).to_pylist()
        refused = {references[row["row_number"] - 1]: row["rule"] for row in month.refused if row["file"] == "activity"}
        found |= {name: refused.get(shared_region.reference(feed, number)) for number, name in enumerate(cases)}
        assert len(refused) == len([name for name in cases if found[name]]) + 1  # the doubled person's
    return found


@pytest.mark.parametrize(("case", "rule"), [(name, rule) for name, (_, _, rule) in REFUSED.items()])
def test_a_row_is_refused_by_its_rule(rules_of: dict[str, str | None], case: str, rule: str) -> None:
    assert rules_of[case] == rule


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_row_goes_on(rules_of: dict[str, str | None], case: str) -> None:
    assert rules_of[case] is None


def test_a_refused_row_names_its_file_row_rule_and_reason(region) -> None:
    folder = region.deliver(SOCIAL, rows=[{}, {"Event_End_Date": ""}])
    ingest_month(region.settings, SOCIAL, region.period)
    reference = pq.read_table(folder / "activity.parquet")["Event_Reference_Number"].to_pylist()
    assert region.table("refused", SOCIAL) == [
        {
            "agency": "LAWX",
            "feed": SOCIAL,
            "period": region.period,
            "delivery_id": folder.name,
            "file": "activity",
            "row_number": reference.index(region.reference(SOCIAL, 1)) + 1,
            "rule": "only_services_open",
            "column_name": "Event_End_Date",
            "reason": "Only a Service may be open: a Request, an Assessment or a Review is delivered when it has ended.",
        }
    ]
    (accepted,) = region.table("activity", SOCIAL)
    assert accepted["row_number"] == reference.index(region.reference(SOCIAL, 0)) + 1


def judged(region, feed: str, file: str, folder: Path, settings: Settings | None = None) -> Judgement:
    """The gate's judgement of one file of a delivery, all people known."""
    tables = read_delivery(Received(folder, *folder.parts[-4:])).tables
    delivered = Delivered(region.period, tables[file], tables["people"]["person_ref"])
    return judge(settings or region.settings, feed, file, [delivered])[0]


def rules_by_row(judgement: Judgement) -> dict[int, list[str]]:
    return {row: [rule.rule for rule in rules] for row, rules in judgement.refused.items()}


def test_a_row_that_breaks_two_rules_is_one_refused_row_with_both_reasons(region) -> None:
    region.deliver(AE, rows=[{}, {"Arrival_Date": "2020-01-01", "EC_Arrival_Mode_SNOMED_CT": "999"}])
    ingest_month(region.settings, AE, region.period)
    (row,) = region.table("refused")
    assert row["column_name"] == "EC_Arrival_Mode_SNOMED_CT"
    assert "code list ae_arrival_mode" in row["reason"]
    assert "outside the month" in row["reason"]


def test_a_row_delivered_twice_goes_on_once_and_rows_that_contradict_each_other_do_not(region) -> None:
    same = {"local_person_id": "1"}
    folder = region.deliver(
        AE, rows=[{**same, "EC_Ident": "E"}, {**same, "EC_Ident": "E", "Arrival_Time": "10:01"}, same]
    )
    alone = region.reference(AE, 2)
    region.rewrite(folder, "activity", lambda t: pa.concat_tables([t, t.filter(pc.field("EC_Ident") == alone)]))
    found = rules_by_row(judged(region, AE, "activity", folder))
    assert sorted(found.values()) == [["attendance_unique"], ["attendance_unique"], ["row_repeated"]]
    assert found[4] == ["row_repeated"]


def test_two_people_may_have_a_part_in_one_incident(region) -> None:
    parts = [{"incident_ref": "P"}, {"incident_ref": "P", "local_person_id": "2", "role": "victim"}]
    assert judged(region, POLICE, "activity", region.deliver(POLICE, rows=parts)).refused == {}


def test_attributes_and_activity_of_a_refused_person_are_refused_with_it(region) -> None:
    folder = region.deliver(AE, rows=[{"local_person_id": "1"}, {"local_person_id": "2"}, {"local_person_id": "3"}])
    region.double_a_person(folder, "2")
    month = ingest_month(region.settings, AE, region.period)
    refused = [(row["file"], row["rule"]) for row in region.table("refused")]
    assert refused == [
        ("people", "person_unique"),
        ("people", "person_unique"),
        ("attributes", "person_not_in_people"),
        ("activity", "person_not_in_people"),
    ]
    assert (month.count("received"), month.count("accepted"), month.count("refused")) == (10, 6, 4)


def test_an_attribute_outside_its_set_is_refused(region) -> None:
    folder = region.deliver(AE)
    region.rewrite(folder, "attributes", lambda t: t.set_column(1, "sex", pa.array(["woman", "F", None])))
    assert rules_by_row(judged(region, AE, "attributes", folder)) == {1: ["sex_not_known"]}


@pytest.mark.parametrize(
    ("feed", "column", "value", "rules"),
    [
        (POLICE, "ppn_shared_with", "Response: she lives alone", ["code_malformed"]),
        (POLICE, "ppn_shared_with", "Response " * 10, ["code_malformed"]),
        (SOCIAL, "Review_Reason", "4, Mill Lane", ["code_malformed"]),
        (AE, "Der_EC_Investigation_All", "27171005,Ada's scan", ["codes_malformed"]),
        (POLICE, "lsoa", "ZZ1 1AA", ["area_malformed"]),
    ],
)
def test_text_that_cannot_be_a_code_is_refused(region, feed: str, column: str, value: str, rules: list[str]) -> None:
    """The pseudonymiser would not let it pass; an agency's own software may."""
    folder = region.deliver(feed, rows=[{}])
    values = pa.array([value], pa.string())
    region.rewrite(folder, "activity", lambda t: t.set_column(t.column_names.index(column), column, values))
    assert rules_by_row(judged(region, feed, "activity", folder)) == {1: rules}


LATE = {"Arrival_Date": "2020-01-01", "EC_Departure_Date": "2020-01-02"}


@pytest.mark.parametrize(
    ("late", "fine", "blocked"),
    [
        (11, 43, "11 of 54 rows fail, more than the 20% that may."),
        (11, 44, None),
        (10, 5, None),
        (1, 0, "1 of 1 rows fail"),
    ],
    ids=["more than a fifth", "a fifth", "few rows", "nothing is left"],
)
def test_a_file_of_which_too_much_is_refused_is_refused_whole(
    region, late: int, fine: int, blocked: str | None
) -> None:
    judgement = judged(region, AE, "activity", region.deliver(AE, rows=[LATE] * late + [{}] * fine))
    if blocked is None:
        assert judgement.blocked is None
    else:
        assert judgement.blocked.startswith(blocked)
        assert "The arrival lies outside the month" in judgement.blocked


def test_a_delivery_with_a_file_that_is_refused_whole_is_refused_and_says_what_to_do(region) -> None:
    region.deliver(AE, rows=[LATE])
    (message,) = ingest_month(region.settings, AE, region.period).refusals
    assert message.startswith("WEXH/ae_attendances/2024-03/001-")
    assert "activity.parquet: 1 of 1 rows fail" in message
    assert message.endswith("Ask WEXH to put the extract right and to deliver the month again.")
    assert region.table("activity") == region.table("attributes") == region.table("refused") == []


@pytest.mark.parametrize("feed", FEEDS)
def test_nothing_is_lost_between_received_accepted_and_refused(shared_region, rules_of: dict, feed: str) -> None:
    landed = shared_region.settings.landing.glob(f"*/{feed}/{shared_region.period}/*")
    received = [pq.read_metadata(folder / f"{file}.parquet").num_rows for folder in landed for file in FILES]
    files = month_files(shared_region.settings, feed, shared_region.period)
    accepted = [pq.read_metadata(files[file]).num_rows for file in FILES]
    refused = Counter(row["file"] for row in shared_region.table("refused", feed))
    assert set(refused) == set(FILES)
    for place, file in enumerate(FILES):
        assert sum(received[place :: len(FILES)]) == accepted[place] + refused[file]


def test_warnings_are_counted_and_the_row_goes_on(region) -> None:
    region.deliver(AE, rows=[{"Discharge_Destination_SNOMED_CT": "999"}, {}])
    ingest_month(region.settings, AE, region.period)
    counted = [
        c for c in region.table("checks") if c["column_name"] == "Discharge_Destination_SNOMED_CT" and c["failed"]
    ]
    assert [(c["rule"], c["severity"], c["checked"], c["failed"]) for c in counted] == [
        ("code_not_in_list", "warning", 2, 1)
    ]


def test_a_code_that_is_in_no_list_goes_on_as_unlisted(region) -> None:
    rows = [
        {"Discharge_Destination_SNOMED_CT": MARK, "Der_EC_Diagnosis_All": f"52448006,{MARK}; 999"},
        {"Discharge_Destination_SNOMED_CT": "Ж", "Der_EC_Diagnosis_All": "52448006,Ж"},
        {"Discharge_Destination_SNOMED_CT": "306689006", "Der_EC_Diagnosis_All": "52448006"},
        {},
    ]
    region.deliver(AE, rows=rows)
    ingest_month(region.settings, AE, region.period)
    found = {row["EC_Ident"]: row for row in region.table("activity")}
    assert [
        (row["Discharge_Destination_SNOMED_CT"], row["Der_EC_Diagnosis_All"])
        for row in (found[region.reference(AE, number)] for number in range(len(rows)))
    ] == [
        ("unlisted", "52448006,unlisted,unlisted"),
        ("unlisted", "52448006,unlisted"),
        ("306689006", "52448006"),
        (None, None),
    ]
    for path, content in region.everything_written().items():
        assert MARK.encode() not in content, path


def test_no_code_list_has_the_word_for_codes_that_are_in_none() -> None:
    """So whoever counts codes that are in no list counts these too."""
    for path in (Settings().reference / "codes").glob("*.csv"):
        assert UNLISTED not in path.read_text(encoding="utf-8").lower().replace('"', "").split(","), path.name


def test_months_judged_together_come_to_the_same_as_one_after_the_other(region) -> None:
    bad = {"EC_Arrival_Mode_SNOMED_CT": "999"}
    region.deliver(AE, rows=[{}, bad, {}])
    region.deliver(AE, rows=[{"Arrival_Date": "2024-04-01", "EC_Departure_Date": "2024-04-02"}, {}], period="2024-04")
    region.deliver(AE, rows=[bad, bad], period="2024-05")
    for period in ("2024-03", "2024-04", "2024-05"):
        ingest_month(region.settings, AE, period)
    apart = region.everything_written()
    shutil.rmtree(region.settings.warehouse)
    together = ingest_months(region.settings, AE, ["2024-03", "2024-04", "2024-05"])
    assert [month.count("refused") for month in together] == [1, 1, 0]
    assert region.everything_written() == apart


MARK = "Zyxwvut"  # planted as a value wherever a value can stand


def test_no_value_of_a_person_reaches_anything_but_the_accepted_rows(
    region, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    heard = io.StringIO()
    root.addHandler(handler := logging.StreamHandler(heard))
    caplog.set_level(logging.DEBUG)
    marked = {"EC_Arrival_Mode_SNOMED_CT": MARK, "EC_Discharge_Status_SNOMED_CT": MARK, "EC_Department_Type": MARK}
    folder = region.deliver(AE, rows=[marked, {}])
    region.rewrite(
        folder, "activity", lambda t: pa.concat_tables([t, t.slice(0, 1).set_column(1, "EC_Ident", pa.array([MARK]))])
    )
    region.rewrite(folder, "attributes", lambda t: t.set_column(1, "sex", pa.array([MARK, "F", "F"])))
    try:
        month = ingest_month(region.settings, AE, region.period)
    finally:
        root.removeHandler(handler)
    assert month.count("refused") == 3
    told = [
        repr(month.deliveries),
        repr(month.refused),
        repr(month.checks),
        heard.getvalue(),
        caplog.text,
        *capfd.readouterr(),
    ]
    told += [repr(region.table(name)) for name in ("activity", "attributes", "refused", "deliveries", "checks")]
    assert [text for text in told if MARK in text] == []
    assert [path for path, content in region.everything_written().items() if MARK.encode() in content] == []


def test_the_search_for_values_would_find_one(region) -> None:
    region.deliver(AE, rows=[{"Der_EC_Treatment_All": MARK}])
    ingest_month(region.settings, AE, region.period)
    assert MARK in repr(region.table("activity"))


def with_rule(region, expectation: dict) -> Settings:
    """Settings whose suite for A&E has one rule more."""
    suites = region.scratch / "project" / "expectations"
    shutil.copytree(region.settings.expectations, suites)
    path = suites / "feeds" / f"{AE}.json"
    suite = json.loads(path.read_text())
    suite["expectations"].append(expectation)
    path.write_text(json.dumps(suite))
    shutil.copytree(region.settings.reference, region.scratch / "project" / "data" / "reference")
    shutil.copytree(region.settings.feed_contracts, region.scratch / "project" / "pipelines" / "pseudonymise" / "feeds")
    return replace(region.settings, project=region.scratch / "project")


META = {"rule": "broken", "severity": "critical", "refuses": "row", "kahn": "conformance", "reason": "It is broken."}


@pytest.mark.parametrize(
    "expectation",
    [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "Der_EC_Treatment_All", "min_value": 1},
            "meta": META,
        },
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "broken", "value_set": [True]},
            "meta": {**META, "column": "Arrival_Date", "sql": "cast(Der_EC_Treatment_All as integer) > 0"},
        },
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "broken", "value_set": [True]},
            "meta": {**META, "sql": "EC_Ident not in (select EC_Ident from rows where row_number > 1)"},
        },
        {"type": "expect_there_to_be_magic", "kwargs": {"column": "Der_EC_Treatment_All"}, "meta": META},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "Nobody_Has_This"}, "meta": META},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "EC_Ident"}, "meta": {"rule": "broken"}},
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "EC_Ident", "mostly": 0.9},
            "meta": META,
        },
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "EC_Ident"},
            "meta": {**META, "severity": "warning"},
        },
    ],
    ids=[
        "another type",
        "an expression that fails",
        "a comparison of rows that does not say which",
        "no such expectation",
        "no such column",
        "no severity",
        "mostly",
        "a warning that refuses",
    ],
)
def test_a_rule_that_cannot_be_evaluated_raises_without_a_value(region, expectation: dict) -> None:
    settings = with_rule(region, expectation)
    folder = region.deliver(AE, rows=[{"Der_EC_Treatment_All": MARK}])
    with pytest.raises(GateError) as error:
        judged(region, AE, "activity", folder, settings)
    assert MARK not in "".join(map(repr, (error.value, error.value.__cause__, error.value.__context__)))


def test_verdicts_on_distinct_values_are_those_on_every_row(shared_region, rules_of: dict) -> None:
    """What is worked out once for each value comes to the same as worked out row by row, in every delivery."""
    settings = shared_region.settings
    for feed in FEEDS:
        read = [read_delivery(r).tables for r in received_deliveries(settings, feed)]
        files = [Delivered(shared_region.period, t["activity"], t["people"]["person_ref"]) for t in read]
        rules = load_rules(settings, feed, "activity")
        assert any(rule.reads for rule in rules)
        by_row = [replace(rule, reads=()) for rule in rules]
        assert found(settings, feed, rules, files) == found(settings, feed, by_row, files)


def found(settings: Settings, feed: str, rules: list[Rule], files: list[Delivered]) -> list[Found]:
    event = event_column(activity_columns(feed)).name
    lists = settings.reference / "codes"
    with duckdb.connect() as con:
        con.register("codes", read_codes(lists).select(["code_list", "code_key"]))
        con.register("code_lapses", read_lapses(lists))
        return find(con, tuple(rules), files, event)


@pytest.mark.parametrize("feed", FEEDS)
def test_every_rule_says_what_to_make_of_it(feed: str) -> None:
    for file in FILES:
        rules = load_rules(Settings(), feed, file)
        assert {rule.refuses for rule in rules if rule.severity == "critical"} == {"file", "row"}
        assert [rule.key for rule in rules if "$" in rule.reason or not rule.reason.endswith(".")] == []


@pytest.mark.parametrize("feed", FEEDS)
def test_every_required_column_and_every_code_list_of_the_contract_has_its_rule(feed: str) -> None:
    rules = {(rule.rule, rule.column) for rule in load_rules(Settings(), feed, "activity")}
    assert ("required_missing", "person_ref") in rules
    for column in [column for column in activity_columns(feed) if column.type != "person"]:
        if column.required:
            assert ("required_missing", column.name) in rules
        if column.code_list:
            kinds = {"required_code_not_in_list", "code_not_in_list", "codes_not_in_list"}
            assert len({rule for rule, name in rules if name == column.name and rule in kinds}) == 1
