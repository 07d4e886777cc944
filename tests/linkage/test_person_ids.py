"""Person ids over several runs: each case declares who is together before and after."""

import random

import pandas as pd
import pytest

from pipelines.linkage.person_ids import HISTORY_COLUMNS, INDEX_COLUMNS, PersonIds, assign

SALT = "5a" * 32
NOTHING = PersonIds(pd.DataFrame(columns=INDEX_COLUMNS), pd.DataFrame(columns=HISTORY_COLUMNS))


def run(last: PersonIds, *people: str, period: str = "") -> tuple[dict[str, str], PersonIds]:
    """Person id of each record after a run; each argument names the records (letters) of one person."""
    rows = [(record, number) for number, records in enumerate(people) for record in records]
    clients = pd.DataFrame({"agency": "WEXH", "feed": "ae_attendances", "person_ref": [record for record, _ in rows]})
    made = assign(clients, pd.Series([number for _, number in rows]), last, SALT, period)
    return dict(zip(made.seen.person_ref, made.seen.person_id, strict=True)), made


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


def test_an_id_is_never_given_to_somebody_else():
    first, state = run(NOTHING, "ab", "c")
    second, state = run(state, "abc")  # c's id ends in a merge
    third, _ = run(state, "ab", "c")
    assert second["c"] == first["a"]
    assert third["c"] not in first.values()


def test_a_client_that_is_away_for_a_run_comes_back_under_the_id_of_its_person():
    first, state = run(NOTHING, "ab", "c")
    _, state = run(state, "a", "c")
    assert events(state) == []
    third, state = run(state, "ab", "c")
    assert third == first
    assert events(state) == []


def test_a_person_who_is_away_for_a_run_is_retired_and_returns():
    first, state = run(NOTHING, "ab", "c")
    _, state = run(state, "c")
    third, state = run(state, "b", "c")
    assert third["b"] == first["b"]
    assert state.history[["event", "person_id"]].values.tolist() == [["retired", first["b"]], ["returned", first["b"]]]


def test_a_client_whose_person_was_merged_while_it_was_away_comes_back_to_the_person_merged_into():
    first, state = run(NOTHING, "abc", "de")
    _, state = run(state, "abcd")
    third, _ = run(state, "abcde")
    assert third["e"] == first["a"]


def test_the_history_says_in_which_run_and_month():
    _, state = run(NOTHING, "ab", period="2025-01")
    _, state = run(state, "ab", period="2025-02")
    _, state = run(state, "a", "b", period="2025-03")
    assert state.history[["run", "period", "event", "records"]].values.tolist() == [[2, "2025-03", "split", 1]]


def test_ids_of_many_people_do_not_depend_on_how_they_are_numbered():
    """Against the plain reading of the rule: the greatest overlap first, ties to the oldest id."""
    rng = random.Random(4)
    letters = [chr(0x4E00 + n) for n in range(60)]
    _, state = run(NOTHING, *dealt(letters, 25, rng))
    before = dict(zip(state.index.person_ref, state.index.person_id, strict=True))
    people = dealt(letters, 25, rng)
    after, _ = run(state, *people)
    free, unnamed = set(before.values()), set(range(len(people)))
    while overlaps := [
        (-sum(before[letter] == person for letter in people[number]), person, number)
        for person in free
        for number in unnamed
        if any(before[letter] == person for letter in people[number])
    ]:
        most, person, number = min(overlaps)
        heirs = {n for size, p, n in overlaps if (size, p) == (most, person)}
        assert after[people[number][0]] == person or len(heirs) > 1
        number = next((n for n in heirs if after[people[n][0]] == person), number)
        free.discard(person)
        unnamed.discard(number)
    assert not {after[people[number][0]] for number in unnamed} & set(before.values())


def dealt(letters: list[str], hands: int, rng: random.Random) -> list[str]:
    made: dict[int, str] = {}
    for letter in letters:
        hand = rng.randrange(hands)
        made[hand] = made.get(hand, "") + letter
    return list(made.values())


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
