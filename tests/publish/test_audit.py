"""What an attacker can work out of published tables, checked against one who tries every possible truth."""

import itertools

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.publish.audit import NotConsistent, Table, audit, system_of
from pipelines.publish.disclosure import REASON, REASON_NEIGHBOUR, UncontrolledTable
from pipelines.publish.secondary import Earlier, attack, withhold_more
from pipelines.publish.sums import Declared, Whole
from pipelines.settings import Settings

SETTINGS = Settings()
FEW = "fewer than 8 people"
BY_NEED = {"need": Whole("All")}
BY_WARD = {"ward": Whole("All", people_once=True)}


def published(people):
    """A true number of persons as primary control leaves it, with the reason if it is withheld."""
    return (None, FEW) if 1 <= people <= 7 else (round(people / 5) * 5, None)


def table(name, columns, rows, *, adds_up=(), counts=None, within=()):
    """A table as it is published: `columns` name dimensions, then people and contacts; rows are true numbers."""
    dimensions = [column for column in columns.split() if column not in ("people", "contacts", "base")]
    roles = {column: "label" if column in dimensions else "count" if column == "contacts" else "people"
             for column in columns.split()}  # fmt: skip
    out = []
    for values in rows:
        row = dict(zip(columns.split(), values, strict=True))
        people = [row[column] for column, role in roles.items() if role == "people" and row[column] is not None]
        few = any(1 <= value <= 7 for value in people)
        numbers = {
            column: None if few or row[column] is None else round(row[column] / 5) * 5
            for column, role in roles.items() if role != "label"
        }  # fmt: skip
        out.append(row | numbers | {REASON: FEW if few else None})
    declared = Declared(roles, tuple(dimensions), counts or f"table {name}", False, dict(adds_up), tuple(within))
    return Table(name, declared, out)


def narrowest(*tables, earlier=None):
    return attack(system_of(tables, SETTINGS), earlier, SETTINGS).narrowest


def withheld(table):
    """Labels of the rows that are withheld, with the reason."""
    return {tuple(row[name] for name in table.declared.key): row[REASON] for row in table.rows if row[REASON]}


def test_a_single_withheld_number_can_be_any_from_1_to_7():
    found = narrowest(table("doors", "need people", [("frailty", 3), ("dementia", 40)]))
    assert (found.low, found.high) == (1, 7)


@pytest.mark.parametrize(
    ("others", "total", "low", "high"),
    [
        ([13], 20, 1, 7),  # 18 to 22 less 13 to 17
        ([10], 17, 1, 7),  # 13 to 17 less 8 to 12
        ([8], 15, 1, 7),
        ([12], 19, 6, 7),  # 18 to 22 less 8 to 12: 6 to 14
        ([12, 12], 29, 4, 7),  # 28 to 32 less twice 8 to 12
        ([37, 1000], 1043, 4, 7),  # 1043 to 1047 less 33 to 37 and 998 to 1002
        ([36, 1000], 1041, 1, 7),
    ],
)
def test_a_number_of_a_sum_is_what_the_total_leaves(others, total, low, high):
    rows = [
        ("withheld", total - sum(others)),
        *((f"other {n}", value) for n, value in enumerate(others)),
        ("All", total),
    ]
    found = narrowest(table("doors", "ward people", rows, adds_up=BY_WARD))
    assert (found.low, found.high) == (low, high)


def test_a_person_may_be_in_several_parts_unless_it_is_said_that_nobody_is():
    rows = [("a", 7), ("b", 12), ("All", 19)]
    assert narrowest(table("doors", "need people", rows, adds_up=BY_NEED)).low == 6
    rows = [("a", 7), ("b", 20), ("All", 22)]
    assert narrowest(table("doors", "need people", rows, adds_up=BY_NEED)).low == 1
    assert narrowest(table("doors", "need people", rows, adds_up={"need": Whole("All", in_part=True)})).low == 1


def test_the_smallest_neighbour_is_withheld_until_at_least_four_numbers_are_left():
    doors = table("doors", "ward people contacts", [
        ("a", 7, 9), ("b", 12, 30), ("c", 200, 400), ("d", 0, 0), ("All", 219, 439),
    ], adds_up=BY_WARD)  # fmt: skip
    assert audit(system_of([doors], SETTINGS), SETTINGS).unsafe == []  # three rounded numbers beside it: 6 either way
    doors = table("doors", "ward people contacts", [("a", 7, 9), ("b", 12, 30), ("All", 19, 39)], adds_up=BY_WARD)
    found = withhold_more([doors], None, SETTINGS)
    assert withheld(doors) == {("a",): FEW, ("b",): REASON_NEIGHBOUR}
    assert doors.rows[1] == {"ward": "b", "people": None, "contacts": None, REASON: REASON_NEIGHBOUR}
    assert (found.unsafe, found.narrowest.low, found.narrowest.high) == ([], 1, 7)


def test_contacts_that_can_be_worked_out_bound_the_people():
    rows = [("a", 3, 3), ("b", 100, 300), ("All", 103, 303)]
    loose = table("doors", "need people contacts", rows, adds_up=BY_NEED)
    tight = table("doors", "need people contacts", rows, adds_up=BY_NEED, within=[("people", "contacts")])
    assert narrowest(loose).high == 7
    assert narrowest(tight).high == 7  # 303 is 303 to 307, 300 is 298 to 302: up to 9 contacts
    rows = [("a", 1, 1), ("b", 100, 302), ("All", 101, 302)]
    tight = table("doors", "need people contacts", rows, adds_up=BY_NEED, within=[("people", "contacts")])
    assert narrowest(tight).high == 4  # 298 to 302 less 298 to 302


def test_what_one_table_withholds_another_does_not_give_away():
    by_need = table("by_need", "need people", [("frailty", 7), ("dementia", 12)], counts="missed doors",
                    adds_up={"need": Whole(people_once=True)})  # fmt: skip
    in_all = table("headlines", "people", [(19,)], counts="missed doors")
    assert (narrowest(by_need).low, narrowest(by_need, in_all).low) == (1, 6)
    other = table("headlines", "people", [(19,)], counts="something else")
    assert narrowest(by_need, other).low == 1
    withhold_more([by_need, in_all], None, SETTINGS)
    assert withheld(by_need) == {("frailty",): FEW, ("dementia",): REASON_NEIGHBOUR}


def test_a_margin_that_no_table_shows_ties_two_tables_together():
    by_door = table("by_door", "need door people", [("frailty", "police", 12), ("frailty", "A&E", 7)],
                    counts="doors", adds_up={"door": Whole(people_once=True)})  # fmt: skip
    by_ward = table("by_ward", "need ward people", [("frailty", "Reed", 19)],
                    counts="doors", adds_up={"ward": Whole(people_once=True)})  # fmt: skip
    assert narrowest(by_door).low == 1
    assert narrowest(by_door, by_ward).low == 6


def test_parts_of_small_groups_are_withheld_whatever_they_are():
    groups = table("groups", "ward group people", [
        ("Reed", "Everybody", 15), ("Reed", "Cycling", 0), ("Hill", "Everybody", 18), ("Hill", "Cycling", 18),
    ], adds_up={"group": Whole("Everybody", in_part=True)})  # fmt: skip
    withhold_more([groups], None, SETTINGS)
    assert withheld(groups) == {("Reed", "Cycling"): "part of fewer than 20 people"}
    side = table("side", "ward people base", [("Reed", 0, 15), ("Hill", 18, 18)], within=[("people", "base")])
    withhold_more([side], None, SETTINGS)
    assert withheld(side) == {("Reed",): "part of fewer than 20 people"}


def test_numbers_that_contradict_what_is_declared_are_refused():
    wrong = table("doors", "ward people", [("a", 3), ("b", 100), ("All", 50)], adds_up=BY_WARD)
    with pytest.raises(NotConsistent, match="people of table doors"):
        narrowest(wrong)


def test_the_same_cell_with_different_numbers_is_refused():
    one, other = (
        table(name, "need people", [("frailty", people)], counts="doors") for name, people in (("a", 50), ("b", 90))
    )
    with pytest.raises(NotConsistent, match="people of doors"):
        narrowest(one, other)


def monthly(*rows):
    return table("monthly", "month ward people", rows, adds_up={"ward": Whole("All", people_once=True)})


def test_what_was_withheld_for_others_stays_withheld_in_a_month_that_was_published():
    before = monthly(("2025-01", "a", 7), ("2025-01", "b", 12), ("2025-01", "All", 19))
    withhold_more([before], None, SETTINGS)
    now = monthly(("2025-01", "a", 7), ("2025-01", "b", 12), ("2025-02", "b", 30))
    assert narrowest(now).low == 1  # alone it would be safe
    assert narrowest(now, earlier=Earlier([before], False)).low == 6
    withhold_more([now], Earlier([before], False), SETTINGS)
    assert withheld(now) == {("2025-01", "a"): FEW, ("2025-01", "b"): REASON_NEIGHBOUR}


def test_what_was_published_before_is_known_and_another_neighbour_is_taken():
    before = monthly(("2025-01", "b", 12))
    now = monthly(("2025-01", "a", 7), ("2025-01", "b", 12), ("2025-01", "All", 19))
    withhold_more([now], Earlier([before], False), SETTINGS)
    assert withheld(now) == {("2025-01", "a"): FEW, ("2025-01", "All"): REASON_NEIGHBOUR}


def test_a_release_that_nothing_can_save_is_refused():
    before = monthly(("2025-01", "a", 7), ("2025-01", "b", 12), ("2025-01", "All", 19))
    now = monthly(("2025-01", "a", 7), ("2025-01", "b", 12), ("2025-01", "All", 19))
    with pytest.raises(UncontrolledTable, match="6 to 7"):
        withhold_more([now], Earlier([before], False), SETTINGS)


def test_a_revised_number_is_another_number_beside_one_that_stays():
    before = monthly(("2025-01", "a", 7), ("2025-01", "b", 102), ("2025-01", "All", 109))
    now = monthly(("2025-01", "a", 7), ("2025-01", "b", 300), ("2025-01", "All", 307))
    assert narrowest(now).low == 1
    assert narrowest(now, earlier=Earlier([before], False)).low == 6  # 108 to 112 less 98 to 102, before


def test_a_withheld_number_that_cannot_be_what_it_was_is_another_number():
    before = monthly(("2025-01", "a", 6), ("2025-01", "b", 102), ("2025-01", "All", 110))
    now = monthly(("2025-01", "a", 2), ("2025-01", "b", 298), ("2025-01", "All", 300))
    found = attack(system_of([now], SETTINGS), Earlier([before], False), SETTINGS)
    assert {(finding.low, finding.high) for finding in found.unsafe} == {(6, 7)}  # what was published before
    assert narrowest(now).high == 4


def test_other_months_are_other_numbers():
    before = monthly(("2025-01", "a", 7), ("2025-01", "b", 12))
    now = monthly(("2025-02", "a", 7), ("2025-02", "b", 14), ("2025-02", "All", 21))
    assert narrowest(now, earlier=Earlier([before], False)).low == 1


def possible(people, reason=None):
    """The true numbers of persons that are published, or withheld, as this one is."""
    if reason == REASON_NEIGHBOUR:
        return range(8, 60)
    if people == 0:
        return range(1)
    if people <= 7:
        return range(1, 8)
    rounded = published(people)[0]
    return range(max(8, rounded - 2), rounded + 3)


def every_truth(people, reasons):
    """What each cell may be, over all truths of a two-way table of people who are in one cell each.

    `people`: rows of true numbers. All margins are published too, but for what `reasons` says is withheld.
    """
    rows, columns = [f"r{place}" for place in range(len(people))], [f"c{place}" for place in range(len(people[0]))]
    cells = list(itertools.product(rows, columns))
    true = dict(zip(cells, itertools.chain(*people), strict=True))
    margins = {(row, "All"): [(row, column) for column in columns] for row in rows}
    margins |= {("All", column): [(row, column) for row in rows] for column in columns}
    margins["All", "All"] = cells
    allowed = {cell: possible(true[cell], reasons.get(cell)) for cell in cells}
    allowed |= {
        margin: possible(sum(true[cell] for cell in parts), reasons.get(margin)) for margin, parts in margins.items()
    }
    seen = {cell: set() for cell in cells}
    for numbers in itertools.product(*(range(allowed[cell][0], min(allowed[cell][-1], 22) + 1) for cell in cells)):
        truth = dict(zip(cells, numbers, strict=True))
        if all(sum(truth[cell] for cell in parts) in allowed[margin] for margin, parts in margins.items()):
            for cell in cells:
                seen[cell].add(truth[cell])
    return {cell: values for cell, values in seen.items() if 1 <= true[cell] <= 7}


def two_way(people):
    """The two-way table of `every_truth` under primary control."""
    rows = [(f"r{r}", f"c{c}", value) for r, line in enumerate(people) for c, value in enumerate(line)]
    rows += [(f"r{r}", "All", sum(line)) for r, line in enumerate(people)]
    rows += [("All", f"c{c}", sum(line)) for c, line in enumerate(zip(*people, strict=True))]
    rows += [("All", "All", sum(map(sum, people)))]
    once = Whole("All", people_once=True)
    return table("two_way", "need ward people", rows, adds_up={"need": once, "ward": once})


two_by_two = st.lists(
    st.lists(st.sampled_from([0, 1, 3, 6, 7, 8, 9, 11, 12, 13]), min_size=2, max_size=2), min_size=2, max_size=2
)


def labels(finding):
    place = dict(finding.cell[2])
    return place.get("need", "All"), place.get("ward", "All")


@given(two_by_two)
@hypothesis_settings(deadline=None, max_examples=60)
def test_the_audit_finds_what_somebody_finds_who_tries_every_truth(people):
    found = audit(system_of([two_way(people)], SETTINGS), SETTINGS)
    exposed = {cell for cell, values in every_truth(people, {}).items() if len(values) < SETTINGS.least_candidates}
    assert {labels(finding) for finding in found.unsafe if "All" not in labels(finding)} == exposed


@given(two_by_two)
@hypothesis_settings(deadline=None, max_examples=60)
def test_after_control_whoever_tries_every_truth_is_left_with_four_numbers(people):
    mended = two_way(people)
    withhold_more([mended], None, SETTINGS)
    truths = every_truth(people, withheld(mended))
    assert {cell: values for cell, values in truths.items() if len(values) < SETTINGS.least_candidates} == {}
