"""What the command prints of what others found."""

from pathlib import Path

import pytest

from pipelines import cli
from pipelines.evaluation import attacks


def result(encoder: str, attack: str, column: str, share: float, either: float, verdict: str = "shown") -> dict:
    bounds = {"low95": share - 0.01, "upper95": share + 0.01, "chance": 0.002}
    found = {"share": share, "values_share": either, **bounds}
    return {"encoder": encoder, "attack": attack, "column": column, "verdict": verdict, **found}


RESULTS = [
    result("plain", "frequency", "surname_token", 0.05, 0.30),
    result("plain", "frequency", "both names", 0.08, 0.20),
    result("trusted-hub", "frequency", "names_token", 0.02, 0.03),
    result("trusted-hub", "patterns", "forename_by_dob_sig", 0.01, 0.01, "not shown"),
    result("trusted-hub", "dictionary", "with the key", 1.0, 1.0),
]


def test_of_each_attack_on_each_encoder_the_worst_is_printed_beside_chance(monkeypatch, capsys) -> None:
    monkeypatch.setattr(attacks, "privacy_attack", lambda out, people, seed, progress: RESULTS)
    assert cli.main(["privacy-attack", "--out", "somewhere"]) == 0
    header, *lines, last = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["encoder", "attack"]
    assert [line.split() for line in lines] == [
        ["plain", "frequency", "8.00%", "7.00%", "to", "9.00%", "0.20%", "30.00%", "both", "names"],
        ["trusted-hub", "frequency", "2.00%", "1.00%", "to", "3.00%", "0.20%", "3.00%", "names_token"],
        ["trusted-hub", "patterns", "1.00%", "0.00%", "to", "2.00%", "0.20%", "1.00%", "forename_by_dob_sig", "(not", "shown)"],
    ]  # fmt: skip
    assert "All 5 figures" in last
    assert str(Path("somewhere") / "attacks.json") in last


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--profile", "untrusted-hub"], "--profile goes with --start"),
        (["--accept-gaps"], "--accept-gaps goes with --finish"),
        (["--finish"], "no change is open"),
        (["--cancel"], "no change is open"),
        (["--start", "0123456789abcdef"], "nothing was accepted yet"),
    ],
)
def test_a_change_of_key_that_makes_no_sense_is_refused_in_words(arguments, why, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("UPSTREAM_DATA", str(tmp_path))
    assert cli.main(["rekey-plan", *arguments]) == 2
    assert why in capsys.readouterr().err
