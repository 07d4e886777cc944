"""The review queue as its users meet it: planted people in, a sheet out, decisions back, and runs that keep to them."""

import csv
import itertools
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines import cli
from pipelines.linkage import decisions, review
from pipelines.linkage.decisions import Decision
from pipelines.linkage.review import Reason
from pipelines.pseudonymise.errors import InputError

JANE = {
    "forename": "margaret",
    "surname": "thistlewood",
    "date_of_birth": "1951-03-07",
    "postcode": "WX3 4AJ",
    "nhs_number": "9996300072",
    "nhs_number_status": "01",
}
# Somebody else altogether, under Jane's number.
BORROWED = JANE | {"forename": "oscar", "date_of_birth": "1990-11-23"}
MISTYPED = BORROWED | {"surname": "norwood", "postcode": "WX7 7BD"}
KEY = ["agency", "feed", "person_ref"]


@pytest.fixture(scope="module")
def planted(hub_with):
    """A linked hub: Jane at three agencies, and one record with her number and another birth date and forename."""
    hub = hub_with(
        {
            "ae_attendances": {"jane": JANE},
            "social_care_events": {
                "jane": JANE | {"surname": "thistlewoode"},
                "borrowed": BORROWED,
                "mistyped": MISTYPED,
            },
            "police_incidents": {"jane": JANE | {"nhs_number": "", "nhs_number_status": ""}},
        }
    )
    return hub, hub.index()


@pytest.fixture
def upstream(planted, monkeypatch, capsys):
    """Runs the command over the planted hub; its exit code and what it printed."""
    monkeypatch.setenv("UPSTREAM_DATA", str(planted[0].settings.data))

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    yield run
    (planted[0].settings.state / decisions.FILE).unlink(missing_ok=True)


def client(index: pd.DataFrame, feed: str, local_id: str) -> tuple:
    row = index[(index.feed == feed) & (index.local_id == local_id)].iloc[0]
    return tuple(row[KEY])


def person(index: pd.DataFrame, feed: str, local_id: str) -> str:
    return index[(index.feed == feed) & (index.local_id == local_id)].person_id.iloc[0]


def sheet(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_sheet(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(one: tuple, other: tuple, decision: str, reason: str = "both files looked up", expires: str = "") -> dict:
    one, other = sorted((one, other))
    answers = {"decision": decision, "reason": reason, "expires": expires}
    sides = dict(zip(review.ASKED, (*one, *other), strict=True))
    return {"item": decisions.item_id(one, other), **sides, **answers}


@pytest.mark.parametrize("clashing", ["borrowed", "mistyped"])
def test_a_number_on_records_that_clash_is_asked_about_and_joins_nobody(planted, clashing):
    hub, index = planted
    jane, other = client(index, "ae_attendances", "jane"), client(index, "social_care_events", clashing)
    assert person(index, "social_care_events", clashing) != person(index, "ae_attendances", "jane")
    queue = pd.read_parquet(hub.settings.linkage / "review_queue.parquet")
    assert decisions.item_id(jane, other) in set(queue["item"][queue.reason == Reason.NHS_NUMBER_CLASH])
    assert not index.in_review.any()


def test_the_sheet_tells_levels_in_words_and_nothing_of_what_the_model_made_of_them(planted, upstream, tmp_path):
    _, index = planted
    code, out, _ = upstream("review", "export", "--out", tmp_path / "sheet.csv")
    rows = sheet(tmp_path / "sheet.csv")
    assert code == 0 and f"{len(rows):,} pairs" in out
    assert list(rows[0]) == [
        *("item", "case", "question", *review.ASKED),
        *("forename", "surname", "dob", "postcode", "nhs_number", "decision", "reason", "expires"),
    ]
    wanted = {client(index, "social_care_events", "borrowed"), client(index, "ae_attendances", "jane")}
    clash = next(r for r in rows if {tuple(r[f"{n}_{s}"] for n in KEY) for s in "ab"} == wanted)
    assert clash["forename"] == clash["dob"] == "different" and clash["nhs_number"] == "the same"
    everything = (tmp_path / "sheet.csv").read_text()
    assert not any(person_id in everything for person_id in index.person_id)
    upstream("review", "export", "--out", tmp_path / "scored.csv", "--scores")
    assert {"match_probability", "why", "joined"} <= set(sheet(tmp_path / "scored.csv")[0])


def test_the_list_counts_the_queue_by_reason(planted, upstream):
    queue = pd.read_parquet(planted[0].settings.linkage / "review_queue.parquet")
    _, out, _ = upstream("review", "list")
    counted = {line.split()[0]: int(line.split()[1]) for line in out.splitlines()[:-1]}
    assert counted == queue.groupby("reason")["item"].nunique().to_dict()


def test_decisions_hold_in_this_run_and_the_next_until_they_expire_or_are_taken_back(planted, upstream, tmp_path):
    hub, index = planted
    jane, borrowed = client(index, "ae_attendances", "jane"), client(index, "social_care_events", "borrowed")
    at_police = client(index, "police_incidents", "jane")
    assert person(index, "police_incidents", "jane") == person(index, "ae_attendances", "jane")
    rows = [row(jane, borrowed, "must-link"), row(jane, at_police, "cannot-link", expires="2025-01")]
    code, out, _ = upstream("review", "import", write_sheet(tmp_path / "a.csv", rows), "--by", "Ann")
    assert code == 0 and "2 decisions taken in" in out
    for _ in range(2):
        again = hub.index()
        assert person(again, "social_care_events", "borrowed") == person(again, "ae_attendances", "jane")
        assert person(again, "police_incidents", "jane") != person(again, "ae_attendances", "jane")
    settled = pd.read_parquet(hub.settings.linkage / "review_queue.parquet")
    assert rows[0]["item"] not in set(settled["item"])
    later = decisions.read(hub.settings.state, "2025-02")
    assert later.must == [tuple(sorted((jane, borrowed)))] and later.cannot == []
    rows = [row(jane, borrowed, "withdrawn", "the wrong sheet"), row(jane, at_police, "withdrawn", "the wrong sheet")]
    upstream("review", "import", write_sheet(tmp_path / "b.csv", rows), "--by", "Ann")
    assert len((hub.settings.state / decisions.FILE).read_text().splitlines()) == 4
    once_more = hub.index()
    assert person(once_more, "social_care_events", "borrowed") != person(once_more, "ae_attendances", "jane")


def test_reviewers_who_disagree_bind_nobody_and_are_told(planted, upstream, tmp_path):
    hub, index = planted
    jane, borrowed = client(index, "ae_attendances", "jane"), client(index, "social_care_events", "borrowed")
    upstream("review", "import", write_sheet(tmp_path / "a.csv", [row(jane, borrowed, "must-link")]), "--by", "Ann")
    code, out, _ = upstream(
        "review", "import", write_sheet(tmp_path / "b.csv", [row(jane, borrowed, "cannot-link")]), "--by", "Bea"
    )
    assert code == 0 and decisions.item_id(jane, borrowed) in out and "bind nobody" in out
    again = hub.index()
    assert person(again, "social_care_events", "borrowed") != person(again, "ae_attendances", "jane")
    queue = pd.read_parquet(hub.settings.linkage / "review_queue.parquet")
    assert set(queue["item"][queue.reason == Reason.REVIEWERS_DISAGREE]) == {decisions.item_id(jane, borrowed)}
    _, out, _ = upstream("review", "agreement")
    assert out.startswith("Ann and Bea: 0 of 1 pairs the same")


def test_a_chain_of_must_links_against_a_cannot_link_is_in_the_queue_and_binds_nobody(planted, upstream, tmp_path):
    hub, index = planted
    a, b, c = (client(index, *who) for who in index[["feed", "local_id"]].drop_duplicates("local_id").values[:3])
    rows = [row(a, b, "must-link"), row(b, c, "must-link"), row(a, c, "cannot-link")]
    code, out, _ = upstream("review", "import", write_sheet(tmp_path / "a.csv", rows), "--by", "Ann")
    assert code == 0 and "cannot all be right" in out
    again = hub.index()
    assert again.person_id.tolist() == index.person_id.tolist()
    queue = pd.read_parquet(hub.settings.linkage / "review_queue.parquet")
    assert set(queue["item"][queue.reason == Reason.DECISIONS_CONTRADICT]) == {r["item"] for r in rows}


@pytest.mark.parametrize(
    ("change", "column", "what"),
    [
        ({"decision": "join"}, "decision", "must-link, cannot-link, unsure"),
        ({"reason": ""}, "reason", "say why"),
        ({"expires": "next year"}, "expires", "a month such as"),
        ({"expires": "2024-12"}, "expires", "before 2025-01"),
        ({"person_ref_a": "0"}, "item", "does not belong to the two records"),
        ({"decision": "withdrawn"}, "decision", "no decision on this pair"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_written(planted, upstream, tmp_path, change, column, what):
    hub, index = planted
    a, b, c = (client(index, *who) for who in index[["feed", "local_id"]].values[:3])
    rows = [row(a, b, "must-link"), row(a, c, "must-link") | change]
    code, _, err = upstream("review", "import", write_sheet(tmp_path / "bad.csv", rows), "--by", "Ann")
    assert code == 2 and f"row 3, column {column}: " in err and what in err
    assert not (hub.settings.state / decisions.FILE).exists()


def test_sheets_without_answers_or_columns_or_twice_the_same_pair_are_refused(planted, upstream, tmp_path):
    _, index = planted
    a, b = (client(index, *who) for who in index[["feed", "local_id"]].values[:2])
    _, _, err = upstream("review", "import", write_sheet(tmp_path / "a.csv", [row(a, b, "", "")]), "--by", "Ann")
    assert "column decision is empty" in err
    _, _, err = upstream(
        "review", "import", write_sheet(tmp_path / "b.csv", [{"item": "x", "decision": "y"}]), "--by", "A"
    )
    assert "row 1: column agency_a" in err and "missing" in err
    twice = [row(a, b, "must-link"), row(b, a, "cannot-link")]
    _, _, err = upstream("review", "import", write_sheet(tmp_path / "c.csv", twice), "--by", "Ann")
    assert "row 3, column item: this pair has an answer further up" in err


def decided(one: str, other: str, verdict: str, actor: str = "Ann", expires: str | None = None) -> Decision:
    return Decision(("A", "f", one), ("A", "f", other), verdict, actor, "seen", expires, "2025-01-01T00:00:00+00:00")


def test_a_changed_line_is_noticed(tmp_path):
    decisions.append(tmp_path, [decided("1", "2", "must-link"), decided("2", "3", "must-link")])
    decisions.append(tmp_path, [decided("3", "4", "cannot-link")])
    path = tmp_path / decisions.FILE
    path.write_text(path.read_text().replace('"must-link"', '"cannot-link"', 1))
    with pytest.raises(InputError, match="line 2: this line or the one before it"):
        decisions.read(tmp_path, "2025-01")


def test_a_decision_about_clients_that_are_gone_waits_for_them(tmp_path):
    decisions.append(tmp_path, [decided("1", "2", "must-link")])
    found = decisions.read(tmp_path, "2025-01")
    nobody = pd.DataFrame(columns=[*KEY, "person_id"])
    without = pd.DataFrame([("A", "f", "1"), ("A", "f", "3")], columns=KEY)
    assert found.constraints(without, nobody).must.tolist() == []
    back = pd.DataFrame([("A", "f", "0"), ("A", "f", "1"), ("A", "f", "2")], columns=KEY)
    assert found.constraints(back, nobody).must.tolist() == [[1, 2]]


def test_a_reviewers_last_word_counts_and_an_unsure_one_opposes_nobody(tmp_path):
    words = [decided("1", "2", "must-link"), decided("1", "2", "cannot-link"), decided("1", "2", "unsure", "Bea")]
    decisions.append(tmp_path, words)
    found = decisions.read(tmp_path, "2025-01")
    assert found.cannot == [words[0].pair] and found.must == [] and found.disputed == []


def test_kappa_is_cohens():
    # 20 yes-yes, 15 no-no, 5 yes-no, 10 no-yes: 35 of 50 the same, by chance 25/50 * 30/50 + 25/50 * 20/50 = 0.5.
    answers = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    value, low, high = review.kappa(answers)
    assert value == pytest.approx(0.4)
    assert low < 0.4 < high
    assert review.kappa([("y", "y"), ("n", "n")])[0] == 1 and review.kappa([("y", "y"), ("n", "n")])[1] < 1


def queue_of(tmp_path, people: dict[str, str], pairs: list[dict], impossible=()) -> pd.DataFrame:
    """The queue over records (ref -> person) and pairs (l, r, p and levels, the same where nothing is said)."""
    index = pd.DataFrame([("A", "f", ref, person) for ref, person in people.items()], columns=[*KEY, "person_id"])
    tops = {"gamma_forename": 6, "gamma_surname": 3, "gamma_dob": len(review.LEVELS["dob"]) - 1, "gamma_postcode": 3}
    rows = []
    for pair in pairs:
        sides = dict(zip(review.SIDE_COLUMNS, ("A", "f", pair["l"], "A", "f", pair["r"]), strict=True))
        given = {name: value for name, value in pair.items() if name.startswith("gamma")}
        rows.append(
            sides
            | tops
            | {"gamma_nhs_number": -1}
            | given
            | {"match_weight": 20.0, "match_probability": pair["p"], "evidence": 9.0, "number_alone": False}
        )
    pd.DataFrame(rows).to_parquet(tmp_path / "pairs.parquet")
    handed_back = pd.DataFrame(list(impossible), columns=["person_id", "reason"])
    return review.queue(tmp_path / "pairs.parquet", index, decisions.Decisions(()), handed_back, 0.6)


def reasons(queue: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    found: dict = {}
    for item in queue.itertuples():
        found.setdefault(tuple(sorted((item.person_ref_l, item.person_ref_r))), []).append(str(item.reason))
    return found


def test_two_birth_dates_each_held_by_two_records_are_asked_about_by_the_links_between(tmp_path):
    people = dict.fromkeys("abcd", "P1")
    clash = {"gamma_dob": 0}
    pairs = [{"l": "a", "r": "b", "p": 0.99}, {"l": "c", "r": "d", "p": 0.99}, {"l": "b", "r": "c", "p": 0.9} | clash]
    pairs += [{"l": l, "r": r, "p": 0.85} | clash for l, r in ("ac", "ad", "bd")]
    found = queue_of(tmp_path, people, pairs)
    assert reasons(found) == {pair: ["two_birth_dates"] for pair in (("a", "b"), ("b", "c"), ("c", "d"))}
    assert review.implausible_people(found) == {"P1"}
    one_odd = [
        {"l": l, "r": r, "p": 0.99} | (clash if r == "d" else {}) for l, r in ("ab", "ac", "bc", "ad", "bd", "cd")
    ]
    assert queue_of(tmp_path, people, one_odd).empty


def test_a_person_of_many_records_is_asked_about_by_the_links_that_hold_it(tmp_path):
    refs = [f"r{i:02}" for i in range(review.MOST_RECORDS + 1)]
    chain = [{"l": one, "r": other, "p": 0.99} for one, other in itertools.pairwise(refs)]
    found = queue_of(tmp_path, dict.fromkeys(refs, "P1"), chain)
    assert set(found.reason) == {"too_many_records"} and len(found) == len(chain)
    assert queue_of(tmp_path, dict.fromkeys(refs[1:], "P1"), chain[1:]).empty


def test_weak_bridges_are_asked_about_whether_kept_or_cut(tmp_path):
    groups = [{"l": "a", "r": "b", "p": 0.99}, {"l": "c", "r": "d", "p": 0.99}, {"l": "b", "r": "c", "p": 0.8}]
    weak = [{"l": l, "r": r, "p": 0.2} for l, r in ("ac", "ad", "bd")]
    kept = queue_of(tmp_path, dict.fromkeys("abcd", "P1"), groups + weak)
    assert reasons(kept) == {("b", "c"): ["weak_bridge_kept"]}
    cut = queue_of(tmp_path, {"a": "P1", "b": "P1", "c": "P2", "d": "P2"}, groups + weak)
    assert reasons(cut) == {("b", "c"): ["weak_bridge_cut"]}


def test_pairs_near_the_threshold_are_asked_about_those_that_move_most_records_first(tmp_path):
    people = {"a": "P1", "b": "P1", "c": "P2", "d": "P2", "e": "P3", "f": "P4"}
    pairs = [{"l": "a", "r": "b", "p": 0.99}, {"l": "c", "r": "d", "p": 0.99}]
    pairs += [{"l": "a", "r": "c", "p": 0.5}, {"l": "e", "r": "f", "p": 0.5}, {"l": "d", "r": "e", "p": 0.1}]
    found = queue_of(tmp_path, people, pairs)
    assert set(reasons(found)) == {("a", "c"), ("e", "f")}


def test_people_that_the_marts_hand_back_are_asked_about_and_single_records_are_not(tmp_path):
    people = {"a": "P1", "b": "P1", "c": "P2"}
    impossible = [("P1", "contact_after_death"), ("P2", "contact_after_death"), ("P9", "ages_apart")]
    found = queue_of(tmp_path, people, [{"l": "a", "r": "b", "p": 0.99}], impossible)
    assert reasons(found) == {("a", "b"): ["contact_after_death"]}


def test_linkage_reads_ids_and_reasons_of_the_marts_and_keeps_them_for_a_warehouse_built_anew(tmp_path):
    warehouse, state = tmp_path / "w.duckdb", tmp_path / "state"
    assert review.impossible_people(warehouse, state).empty
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create schema marts")
        con.execute("create table marts.people_to_review (person_id varchar, reason varchar, day date)")
        con.execute("insert into marts.people_to_review values ('P2', 'ages_apart', null), ('P1', 'new', null)")
    for _ in range(2):
        found = review.impossible_people(warehouse, state)
        assert list(found) == ["person_id", "reason"] and found.values.tolist() == [["P2", "ages_apart"]]
        warehouse.unlink(missing_ok=True)
