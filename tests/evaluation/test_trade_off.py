"""Risk against accuracy: the worst of the attacks that have a bar, and a plot that names every encoding."""

import pandas as pd

from pipelines.evaluation.trade_off import plot, risk


def found(attack: str, column: str, people: float, either: float) -> dict:
    """One object of attacks.json against `ours`, its upper bounds a tenth above its shares."""
    return {
        "encoder": "ours",
        "attack": attack,
        "column": column,
        "share": people,
        "upper95": 1.1 * people,
        "values_share": either,
        "values_upper95": 1.1 * either,
    }


def test_the_worst_frequency_or_pattern_attack_counts_and_what_names_people_without_a_column_does_not():
    attacks = [
        found("frequency", "surname_sig", 0.002, 0.03),
        found("patterns", "forename_sig", 0.004, 0.01),
        found("frequency", "attributes only", 0.5, 0.5),
        found("register counts", "all columns", 0.2, 0.2),
        found("graph", "all columns", 0.6, 0.7),
        found("graph", "all columns", 0.1, 0.2),
    ]
    assert risk(attacks, "ours") == {
        "people_named": 0.004,
        "people_named_upper95": 1.1 * 0.004,
        "either_name": 0.03,
        "either_name_upper95": 1.1 * 0.03,
        "register_names": 0.6,
    }


def test_an_encoding_that_nobody_attacked_has_no_risk_to_state():
    assert risk([found("frequency", "surname_sig", 0.1, 0.1)], "another") == {}


def test_the_plot_names_every_encoding_that_was_attacked():
    table = pd.DataFrame(
        {
            "encoding": ["plaintext twin", "field-filters+blip", "trusted-hub"],
            "f1_small": [0.99, 0.97, 0.98],
            "people_named_upper95": [None, 0.2, 0.005],
        }
    )
    svg = plot(table, "small")
    assert "+ blip" in svg and "trusted-hub" in svg and "plaintext twin" not in svg
