"""What many seeds say together of the band."""

import pytest

from pipelines.evaluation.seeds import over_seeds
from pipelines.evaluation.verify import Seed, summary


def seeds(held: int, missed: int, width: int = 40) -> list[Seed]:
    """Seeds of 1,000 people in two agencies, whose band is so wide, around the truth or above it."""
    low = [1000 - width // 2] * held + [1010] * missed
    return [
        Seed(i, 4000, True, true=1000, central=990, low=start, high=start + width, mean=start + width / 2, spread=10.0)
        for i, start in enumerate(low)
    ]


@pytest.mark.parametrize(
    ("held", "missed", "width", "met"),
    [(184, 16, 40, True), (183, 17, 40, False), (200, 0, 120, False)],
    ids=["184 of 200 are enough", "183 are not", "a band too wide to be of use does not do"],
)
def test_both_bars_must_be_met(held, missed, width, met):
    text, result = summary(seeds(held, missed, width))
    assert result is met
    assert f"| bands that hold the truth | {held} (" in text


def test_the_interval_of_the_share_is_the_exact_one():
    """All of 20 held: the lower bound is the 20th root of .025 (Clopper and Pearson 1934)."""
    text, _ = summary(seeds(20, 0))
    assert f"| {0.025 ** (1 / 20):.1%} to 100.0% | |" in text


def test_bias_is_in_people_and_in_standard_deviations():
    text, _ = summary(seeds(0, 10))
    assert "| mean of the draws less the truth | +30.0 people | |" in text
    assert "| the same, in standard deviations of the draws | +3.00 | |" in text


def twice(seed: int) -> dict:
    return {"twice": 2 * seed}


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    path, said = tmp_path / "seeds.jsonl", []
    path.write_text(
        '{"seed": 7, "found": {"twice": "read back"}}\n{"seed": 1, "found": {"twice": "of no seed asked for"}}\n'
    )
    for _ in range(2):
        found = over_seeds(twice, range(6, 9), path, 1, lambda done, last: said.append(last["twice"]))
        assert found == [{"twice": 12}, {"twice": "read back"}, {"twice": 16}]
    assert sorted(said) == [12, 16]
