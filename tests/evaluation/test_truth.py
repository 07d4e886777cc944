"""Marts beside an answer key whose contacts and opportunities a reader can count."""

import pandas as pd

from pipelines.evaluation.truth import margins, rules


def contacts(**months: int) -> pd.DataFrame:
    return pd.DataFrame({"month": [month for month, number in months.items() for _ in range(number)]})


def test_a_count_is_close_up_to_3_in_100_and_small_ones_are_not_judged():
    found = contacts(january=103, february=104, march=50)
    key = contacts(january=100, february=100, march=99)
    (row,) = margins(found, key).itertuples()
    assert (row.counts, row._3, row._4, row.which) == (2, 1, 2, "february")
    assert round(row.worst, 6) == 0.04


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
