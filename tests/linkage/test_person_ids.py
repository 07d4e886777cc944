"""Person ids over several runs: each case declares who is together before and after."""

import pandas as pd
import pytest

from pipelines.linkage.person_ids import HISTORY_COLUMNS, INDEX_COLUMNS, PersonIds, assign

SALT = "5a" * 32
NOTHING = PersonIds(pd.DataFrame(columns=INDEX_COLUMNS), pd.DataFrame(columns=HISTORY_COLUMNS))


def run(last: PersonIds, *people: str) -> tuple[dict[str, str], PersonIds]:
    """Person id of each record after a run; each argument names the records (letters) of one person."""
    rows = [(record, number) for number, records in enumerate(people) for record in records]
    clients = pd.DataFrame({"agency": "WEXH", "feed": "ae_attendances", "person_ref": [record for record, _ in rows]})
    made = assign(clients, pd.Series([number for _, number in rows]), last, SALT)
    return dict(zip(made.index.person_ref, made.index.person_id, strict=True)), made


def events(state: PersonIds) -> list[str]:
    return list(state.history.event)


def test_a_person_keeps_the_id_when_records_join_and_leave():
    first, state = run(NOTHING, "abc", "d")
    second, state = run(state, "abe", "cd")
    assert second["a"] == first["a"]
    assert second["d"] == first["d"]
    assert events(state) == ["split"]


def test_two_people_who_merge_leave_one_id_and_a_line_of_history():
    first, state = run(NOTHING, "abc", "d")
    second, state = run(state, "abcd")
    assert second["d"] == first["a"]
    assert state.history[["event", "person_id", "other_person_id", "records"]].values.tolist() == [
        ["merge", first["d"], first["a"], 1]
    ]


def test_a_tie_goes_to_the_oldest_id():
    old, state = run(NOTHING, "a")
    _, state = run(state, "a", "b")
    later, _ = run(state, "ab")
    assert later["a"] == old["a"]


def test_an_id_is_never_used_again():
    first, state = run(NOTHING, "a", "b")
    _, state = run(state, "b")
    assert events(state) == ["retired"]
    third, _ = run(state, "a", "b")
    assert third["a"] != first["a"]


def test_the_same_people_again_change_nothing():
    _, once = run(NOTHING, "ab", "c")
    _, twice = run(once, "ab", "c")
    pd.testing.assert_frame_equal(once.index, twice.index)
    assert events(twice) == []


@pytest.mark.parametrize("people", [("ab", "c"), ("c", "ab"), ("c", "ba")])
def test_the_order_of_people_does_not_matter(people):
    assert run(NOTHING, *people)[0] == run(NOTHING, "ab", "c")[0]


def test_a_run_killed_between_its_history_and_its_index_writes_its_events_once():
    _, before = run(NOTHING, "abc", "d")
    _, after = run(before, "abcd")
    _, again = run(PersonIds(before.index, after.history), "abcd")
    assert events(again) == ["merge"]
