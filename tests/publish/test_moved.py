"""What moved a headline from one release to the next, told of people that one can count."""

import duckdb
import pytest

from pipelines.publish.moved import can_be_compared, describe, headlines_moved, write_changes

SLOTS = {("P", "police", "2025-01"): "a", ("A", "ae", "2025-01"): "b"}


@pytest.fixture
def release(tmp_path):
    """release(name, contacts, slots, people): an analyst database and its manifest.

    contacts: contact, person, agency, feed, month, need. people: who is behind the headline `round` (with contacts).
    """

    def make(name, contacts, slots, people=None, code="1"):
        path = tmp_path / f"{name}.duckdb"
        people = people if people is not None else {person: 1 for _, person, *_ in contacts}
        with duckdb.connect(str(path)) as connection:
            connection.execute("""
                create schema marts;
                create table marts.contacts (contact_id varchar, person_id varchar, agency varchar, feed varchar,
                    period varchar, need varchar, spell_id varchar);
                create table marts.headline_people (headline_id varchar, person_id varchar, contacts bigint, minutes bigint,
                    amount double);
                create table marts.headlines (headline_id varchar, label varchar, unit varchar, position integer, value double,
                    people bigint, contacts bigint, minutes double)
            """)
            for contact in contacts:
                connection.execute(
                    "insert into marts.contacts values (?, ?, ?, ?, ?, ?, ?)", [*contact, f"S of {name}"]
                )
            for person, number in people.items():
                connection.execute(
                    "insert into marts.headline_people values ('round', ?, ?, null, null)", [person, number]
                )
                connection.execute(
                    "insert into marts.headline_people values ('times', ?, ?, null, null)", [person, number]
                )
            connection.execute(
                "insert into marts.headlines by name select * from (values ('round', 'People who go round', 'people', 1, ?), "
                "('times', 'Times', 'contacts', 2, ?), ('beside', 'Not in the pack', 'people', null, 0)) "
                "as figures (headline_id, label, unit, position, value)",
                [len(people), sum(people.values())],
            )
        deliveries = [
            {"agency": agency, "feed": feed, "period": period, "digest": digest}
            for (agency, feed, period), digest in slots.items()
        ]
        last_period = max(period for _, _, period in slots)
        return path, {"deliveries": deliveries, "last_period": last_period, "inputs": {"code": code}}

    return make


def moved(before, now):
    return {each.headline_id: each for each in headlines_moved(before[0], now[0], before[1], now[1])}


ONE = [("c1", "p1", "P", "police", "2025-01", "fear"), ("c2", "p2", "A", "ae", "2025-01", "pain")]


def test_nothing_moved_has_no_cause(release):
    found = moved(release("a", ONE, SLOTS), release("b", ONE, SLOTS))
    assert [(each.before, each.now, each.causes) for each in found.values()] == [(2, 2, []), (2, 2, [])]
    assert list(found) == ["round", "times"]


def test_contacts_of_a_later_month_are_demand(release):
    later = [*ONE, ("c3", "p3", "P", "police", "2025-02", "fear"), ("c4", "p1", "P", "police", "2025-02", "fear")]
    found = moved(
        release("a", ONE, SLOTS),
        release("b", later, SLOTS | {("P", "police", "2025-02"): "c"}, {"p1": 2, "p2": 1, "p3": 1}),
    )
    assert found["round"].by == {"demand": 1, "feeds": 0, "linkage": 0, "definitions": 0}
    assert found["times"].by["demand"] == 2


def test_a_month_that_came_late_and_one_that_was_corrected_are_feeds(release):
    late = release(
        "late", [*ONE, ("c3", "p3", "C", "care", "2025-01", "need")], SLOTS | {("C", "care", "2025-01"): "x"}
    )
    assert moved(release("a", ONE, SLOTS), late)["round"].causes == ["feeds"]
    corrected = release("corrected", ONE[:1], SLOTS | {("A", "ae", "2025-01"): "other"})
    assert moved(release("b", ONE, SLOTS), corrected)["round"].by["feeds"] == -1


def test_a_corrected_month_is_no_cause_for_people_whose_contacts_stay_as_they_were(release):
    corrected = SLOTS | {("P", "police", "2025-01"): "other"}
    found = moved(release("a", ONE, SLOTS, {"p2": 1}), release("b", ONE, corrected, {"p1": 1, "p2": 1}, code="2"))
    assert found["round"].causes == ["definitions"]


@pytest.mark.parametrize(
    ("slots", "code", "cause"),
    [
        (SLOTS, "2", "definitions"),
        (SLOTS | {("P", "police", "2025-02"): "c"}, "2", "definitions"),
        (SLOTS | {("P", "police", "2025-02"): "c"}, "1", "demand"),
        (SLOTS | {("C", "care", "2025-01"): "x"}, "1", "feeds"),
        (SLOTS, "1", "linkage"),
    ],
)
def test_a_person_of_whom_nothing_changed_is_moved_by_what_is_new_elsewhere(release, slots, code, cause):
    found = moved(release("a", ONE, SLOTS, {"p2": 1}), release("b", ONE, slots, {"p1": 1, "p2": 1}, code=code))
    assert found["round"].by[cause] == 1
    assert found["round"].causes == [cause]


def test_a_release_without_its_people_or_of_an_older_upstream_cannot_be_compared(release, tmp_path):
    path, _ = release("a", ONE, SLOTS)
    assert can_be_compared(path)
    assert not can_be_compared(tmp_path / "none.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("alter table marts.headline_people drop amount")
    assert not can_be_compared(path)


def test_contacts_that_belong_together_otherwise_are_linkage(release):
    two = [("c1", "p1", "P", "police", "2025-01", "fear"), ("c2", "p1", "A", "ae", "2025-01", "pain")]
    found = moved(release("a", ONE, SLOTS), release("b", two, SLOTS, {"p1": 2}))
    assert found["round"].by == {"demand": 0, "feeds": 0, "linkage": -1, "definitions": 0}
    assert found["times"].by["linkage"] == 0


def test_a_person_under_another_id_is_the_same_person(release):
    renamed = [(contact, f"new {person}", *rest) for contact, person, *rest in ONE]
    found = moved(release("a", ONE, SLOTS), release("b", renamed, SLOTS))
    assert found["round"].causes == []


def test_a_cause_of_less_than_a_tenth_is_not_named_and_the_strongest_comes_first(release):
    many = [(f"n{n}", f"q{n}", "P", "police", "2025-02", "fear") for n in range(20)]
    late = [(f"l{n}", f"r{n}", "C", "care", "2025-01", "need") for n in range(3)]
    slots = SLOTS | {("P", "police", "2025-02"): "c", ("C", "care", "2025-01"): "x"}
    before = release("a", ONE, SLOTS)
    assert moved(before, release("b", ONE + many + late, slots))["round"].causes == ["demand", "feeds"]
    found = moved(before, release("c", ONE + many + late[:1], slots))
    assert found["round"].causes == ["demand"]
    assert "+20" in describe(list(found.values())) and "+1" in describe(list(found.values()))


def board(path, figures):
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table headlines (headline_id varchar, unit varchar, people bigint, contacts bigint, minutes bigint)"
        )
        for headline_id, unit, figure in figures:
            connection.execute(
                "insert into headlines values (?, ?, ?, ?, ?)", [headline_id, unit, figure, figure, figure]
            )
    return path


def changes(path):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("from headline_changes order by headline_id").fetchall()


def test_the_board_is_told_in_words_and_published_figures(release, tmp_path):
    late = release(
        "late", [*ONE, ("c3", "p3", "C", "care", "2025-01", "need")], SLOTS | {("C", "care", "2025-01"): "x"}
    )
    found = list(moved(release("a", ONE, SLOTS), late).values())
    earlier = board(tmp_path / "earlier.duckdb", [("round", "people", 10), ("times", "contacts", 40)])
    now = board(tmp_path / "now.duckdb", [("round", "people", 15), ("times", "contacts", 40)])
    write_changes(now, earlier, found)
    assert changes(now) == [("round", "people", 10, 15, "feeds")]


def test_without_a_release_before_there_is_nothing_to_say_and_without_its_people_the_cause_is_not_known(tmp_path):
    first = board(tmp_path / "first.duckdb", [("round", "people", 10)])
    write_changes(first, None, None)
    assert changes(first) == []
    second = board(tmp_path / "second.duckdb", [("round", "people", None)])
    write_changes(second, first, None)
    assert changes(second) == [("round", "people", 10, None, "not known")]
