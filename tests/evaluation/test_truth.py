"""Marts beside an answer key whose contacts and opportunities a reader can count, and beside that of a small region."""

import pandas as pd
import pytest

from pipelines.evaluation import truth
from pipelines.evaluation.region import Headline, headlines, true_warehouse
from pipelines.evaluation.truth import Bar, bars, margins, rules
from pipelines.evaluation.whole_region import whole_region


def contacts(**months: int) -> pd.DataFrame:
    return pd.DataFrame({"month": [month for month, number in months.items() for _ in range(number)]})


def test_a_count_is_close_up_to_3_in_100_and_small_ones_are_not_judged():
    found = contacts(january=103, february=104, march=50)
    key = contacts(january=100, february=100, march=99)
    (row,) = margins(found, key).to_dict("records")
    assert (row["counts"], row["within 3 %"], row["within 5 %"], row["which"]) == (2, 1, 2, "february")
    assert round(row["worst"], 6) == 0.04


def test_contacts_counted_in_another_month_are_misplaced_once():
    (row,) = margins(contacts(january=90, february=110), contacts(january=100, february=100)).itertuples()
    assert row.misplaced == 10 / 200


def test_a_column_that_the_key_does_not_have_is_not_compared():
    assert list(margins(contacts(january=1).assign(need="frailty"), contacts(january=1))["counted by"]) == ["month"]


def signals(*days: str, rule_id: str = "MO3") -> pd.DataFrame:
    return pd.DataFrame({"rule_id": rule_id, "true_person_id": "T1", "day": list(days)})


def test_an_opportunity_is_found_by_its_rule_at_its_signal_and_a_decoy_is_told_apart():
    key = pd.concat(
        [
            signals("01", "02").assign(planted="true"),
            signals("03", "04").assign(planted="false"),
            signals("01", rule_id="MO1").assign(planted="true"),
        ]
    )
    found = signals("01", "04", "09")
    by_rule = rules(found, key).set_index("rule")
    assert list(by_rule.loc["MO3"]) == [2, 1, 2, 1, 3]
    assert list(by_rule.loc["MO1"]) == [1, 0, 0, 0, 0]


def cycling(found: float) -> Headline:
    return Headline("people_who_cycle", "Who cycle", "people", "cycling_people", True, found, found, found, true=100)


def by_rule(found: int, decoys: int) -> pd.DataFrame:
    columns = ["rule", "planted", "found of planted", "decoys", "found of decoys", "found"]
    return pd.DataFrame([["MO1", 10, 10, 10, 0, 20], ["MO2", 10, found, 10, decoys, 20]], columns=columns)


def missed(judged: list[Bar]) -> list[str]:
    return [bar.what for bar in judged if not bar.met]


@pytest.mark.parametrize(
    ("january", "found_cycling", "found", "decoys", "expected"),
    [
        pytest.param(103, 105, 9, 1, [], id="All bars are met"),
        pytest.param(104, 105, 9, 1, ["contacts by month: counts of 100 or more"], id="A month 4 % off"),
        pytest.param(100, 106, 9, 1, ["Who cycle"], id="People who cycle 6 % off"),
        pytest.param(100, 94, 9, 1, ["Who cycle"], id="People who cycle 6 % off the other way"),
        pytest.param(100, 100, 8, 1, ["opportunities: planted and found, each rule"], id="One rule finds too few"),
        pytest.param(100, 100, 9, 2, ["opportunities: decoys and found, each rule"], id="One rule finds decoys"),
        pytest.param(
            100, 100, 7, 0,
            ["opportunities: planted and found, all rules", "opportunities: planted and found, each rule"],
            id="17 of 20 are too few",
        ),
    ],
)  # fmt: skip
def test_bars(january, found_cycling, found, decoys, expected):
    contacts_off = margins(contacts(january=january), contacts(january=100))
    assert missed(bars([cycling(found_cycling)], contacts_off, by_rule(found, decoys))) == expected


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> list[Bar]:
    """What must hold of a region of 2,000 people that the hub has linked and built."""
    folder = tmp_path_factory.mktemp("region")
    settings = whole_region(folder, people=2000, seed=11, months=24)
    return bars(
        headlines(settings, true_warehouse(settings, folder, ("marts", "headlines"))),
        margins(truth.found_contacts(settings), truth.key_contacts(settings, folder)),
        rules(truth.found_opportunities(settings, folder), truth.key_opportunities(folder)),
    )


def test_a_small_region_counts_contacts_as_its_key_does(judged):
    of_contacts = [bar for bar in judged if bar.what.startswith("contacts by")]
    assert len(of_contacts) == len(truth.JUDGED)
    assert missed(of_contacts) == []


def test_a_small_region_has_the_people_who_cycle_and_the_hand_offs_of_its_key(judged):
    of_people = [bar for bar in judged if not bar.what.startswith(("contacts by", "opportunities"))]
    assert len(of_people) == 5
    assert missed(of_people) == []


def test_rules_find_what_was_planted_in_a_small_region_and_no_decoys(judged):
    # one rule alone has too few of them to be judged there
    of_rules = [bar for bar in judged if bar.what.startswith("opportunities") and bar.what.endswith("all rules")]
    assert len(of_rules) == 2
    assert missed(of_rules) == []
