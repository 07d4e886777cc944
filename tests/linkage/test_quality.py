"""What a run says about its own linkage: free of labels, and by a clerical sample whose intervals hold the truth."""

import csv

import numpy as np
import pandas as pd
import pytest

from pipelines.cli import main
from pipelines.linkage import clerical, link
from pipelines.linkage.quality import How, ratio, recaptured, wilson

POLICE, AE, COUNCIL = "police_incidents", "ae_attendances", "social_care_events"
MEASURES = ("pair precision", "pair recall", "pair F1")


@pytest.fixture(scope="module")
def hub(hub_with):
    """The background population, linked."""
    hub = hub_with({})
    link(hub.settings)
    return hub


@pytest.fixture(scope="module")
def quality(hub) -> pd.DataFrame:
    return pd.read_parquet(hub.settings.linkage / "quality.parquet")


def value(quality: pd.DataFrame, measure: str, detail: str = "", how: str | None = None) -> float:
    rows = quality[(quality.measure == measure) & quality.detail.str.startswith(detail)]
    (found,) = rows.value if how is None else rows[rows.how == how].value
    return found


def test_every_figure_says_how_the_truth_was_got_and_lies_in_its_interval(quality):
    assert set(quality.how) <= {str(how) for how in How} - {How.ANSWER_KEY}
    ends = quality.dropna(subset=["low", "high"])
    assert ((ends.low <= ends.value) & (ends.value <= ends.high)).all()
    assert not quality.duplicated(["measure", "detail"]).any()


def test_nhs_numbers_check_a_linkage_that_has_not_seen_them(hub, known, quality):
    """All but a few of the background's pairs of one number are found by the other details, and hardly any wrongly."""
    both = set(known[AE]) & set(known[COUNCIL])
    assert len(both) > 200  # people with a number in two feeds, which the agencies verified
    assert value(quality, "blocking recall", how="NHS numbers") > 0.97
    assert value(quality, "pair recall", how="NHS numbers") > 0.9
    assert value(quality, "pair precision", how="NHS numbers") > 0.97


def test_a_wrong_number_shows_as_a_miss_in_the_check_by_numbers(hub_with, known, quality):
    """Ten people whose details differ in everything but the number: no detail finds them, the number says they are."""
    strangers = list(known[AE].items())[:10]
    others = {}
    for number, (local_id, details) in enumerate(strangers):
        born = f"19{30 + number}-03-{10 + number}"
        other = {"forename": f"Zebedee{chr(97 + number)}", "surname": f"Quillfeather{chr(97 + number)}"}
        others[f"w{local_id}"] = details | other | {"date_of_birth": born, "postcode": f"ZZ{number + 1} 1AA"}
    hub = hub_with({COUNCIL: others})
    link(hub.settings)
    worse = pd.read_parquet(hub.settings.linkage / "quality.parquet")
    assert (
        value(worse, "blocking recall", how="NHS numbers") < value(quality, "blocking recall", how="NHS numbers") - 0.02
    )


def test_calibration_sets_expected_beside_observed_for_the_same_pairs(quality):
    parts = {part: quality[quality.measure == f"calibration: {part}"].set_index("detail").value
             for part in ("expected", "observed", "pairs")}  # fmt: skip
    assert list(parts["expected"].index) == list(parts["observed"].index) == list(parts["pairs"].index)
    surest = "0.9 to 1.0"
    assert 0.9 <= parts["expected"][surest] <= 1 and parts["observed"][surest] > 0.95
    assert parts["observed"]["0.0 to 0.1"] < 0.1


def test_every_compared_pair_of_clients_stands_in_the_weight_histogram(hub, quality):
    compared = value(quality, "pairs compared", "all feeds")  # here every client has one version
    assert quality[quality.measure == "pairs by match weight"].value.sum() == compared


def test_two_searches_tell_how_many_neither_found():
    """100 fish; one net takes 80 and another 60 of any fish alike, so 48 are in both and 92 in either."""
    total, low, high = recaptured(80, 60, 48)
    assert total == pytest.approx(100, abs=0.5)
    assert 92 <= low < 100 < high
    assert recaptured(50, 50, 50)[0] == pytest.approx(50)


def test_wilsons_interval_is_the_published_one():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_a_ratio_of_units_that_stick_together_has_a_wider_interval():
    alone = ratio(np.array([1.0] * 90 + [0.0] * 10), np.ones(100))
    in_tens = ratio(np.array([10.0] * 9 + [0.0]), np.full(10, 10.0))
    assert alone[0] == in_tens[0] == 0.9
    assert in_tens[2] - in_tens[1] > 2 * (alone[2] - alone[1])


# The clerical sample.


def population(rng: np.random.Generator, bold: float) -> pd.DataFrame:
    """10,000 pairs, linked from 0.6 up. bold: how far the probabilities lie above the truth in the doubtful middle."""
    p = np.concatenate([rng.beta(0.2, 5, 4000), rng.beta(1, 1, 500), rng.beta(40, 0.5, 5500)])
    true = np.clip(p - bold * 4 * p * (1 - p), 0, 1)
    return pd.DataFrame({"match_probability": p, "linked": p >= 0.6, "same": (rng.random(len(p)) < true).astype(float)})


def truth(pairs: pd.DataFrame) -> dict[str, float]:
    right, linked, true = (pairs.linked & (pairs.same == 1)).sum(), pairs.linked.sum(), pairs.same.sum()
    return dict(zip(MEASURES, (right / linked, right / true, 2 * right / (linked + true)), strict=True))


@pytest.mark.parametrize("bold", [0, 0.2, -0.2], ids=["calibrated", "too bold", "too cautious"])
def test_the_intervals_of_a_clerical_sample_hold_the_truth(bold):
    """In 60 populations a 95 % interval misses at most 7 times (a fair one does so in 99 of 100 such tests)."""
    misses = dict.fromkeys(MEASURES, 0)
    for seed in range(60):
        pairs = population(np.random.default_rng(seed), bold)
        wanted = truth(pairs)
        for found in clerical.estimate(clerical.draw(pairs, 200, seed), seed):
            misses[found.measure] += not found.low <= wanted[found.measure] <= found.high
    assert max(misses.values()) <= 7


def test_the_estimate_is_right_on_average_though_doubtful_pairs_are_drawn_more_often():
    found = {name: [] for name in MEASURES}
    pairs = population(np.random.default_rng(1), 0.2)
    for seed in range(60):
        for each in clerical.estimate(clerical.draw(pairs, 300, seed), seed):
            found[each.measure].append(each.value)
    for name, wanted in truth(pairs).items():
        error = np.std(found[name]) / np.sqrt(60)
        assert abs(np.mean(found[name]) - wanted) < 4 * error


def test_a_sample_of_everything_is_the_truth():
    pairs = population(np.random.default_rng(2), 0)[::50]
    found = clerical.estimate(clerical.draw(pairs, 10_000, 1))
    wanted = truth(pairs)
    for each in found:
        assert each.low == pytest.approx(wanted[each.measure]) and each.high == pytest.approx(wanted[each.measure])


def test_doubtful_pairs_are_drawn_more_often_and_their_probability_is_known():
    pairs = population(np.random.default_rng(3), 0)
    drawn = clerical.draw(pairs, 400, 1)
    assert len(drawn) == 400
    doubtful = drawn.match_probability.between(0.25, 0.75)
    assert doubtful.mean() > 5 * pairs.match_probability.between(0.25, 0.75).mean()
    weight = (1 / drawn.inclusion).groupby(drawn.linked).sum()
    assert weight[True] == pytest.approx(pairs.linked.sum()) and weight[False] == pytest.approx((~pairs.linked).sum())


def test_a_pair_nobody_can_tell_is_taken_to_be_like_the_others_of_its_stratum():
    pairs = population(np.random.default_rng(4), 0)
    drawn = clerical.draw(pairs, 400, 1)
    unsure = drawn.assign(same=drawn.same.where(np.arange(len(drawn)) % 5 > 0))
    all_told, some_told = clerical.estimate(drawn), clerical.estimate(unsure)
    for one, other in zip(all_told, some_told, strict=True):
        assert one.value == pytest.approx(other.value, abs=0.02)
        assert other.high - other.low > 0


@pytest.fixture
def at_hub(hub, monkeypatch, tmp_path):
    """The command line at a hub of its own, and where its form goes."""
    data = tmp_path / "data"
    (data / "warehouse").mkdir(parents=True)
    (data / "warehouse" / "linkage").symlink_to(hub.settings.linkage)
    monkeypatch.setenv("UPSTREAM_DATA", str(data))
    return tmp_path / "form.csv"


def run(*arguments) -> int:
    return main(["linkage-sample", *map(str, arguments)])


def filled(form, out, answer) -> None:
    """The form with answer(row) in same_person."""
    with form.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with out.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows([row | {"same_person": answer(row)} for row in rows])


def test_the_form_is_blind_and_the_probabilities_stay_at_the_hub(at_hub):
    assert run("--out", at_hub, "--number", 60) == 0
    form = pd.read_csv(at_hub)
    assert list(form.columns) == clerical.FORM_COLUMNS
    assert len(form) == 60 and form.same_person.isna().all()
    assert at_hub.stat().st_mode & 0o077 == 0
    first = at_hub.read_bytes()
    assert run("--out", at_hub, "--number", 60) == 0 and at_hub.read_bytes() == first
    assert run("--out", at_hub, "--number", 60, "--seed", 2) == 0 and at_hub.read_bytes() != first


def test_answers_come_back_and_stand_in_the_next_report(at_hub, hub, hub_with):
    """Two reviewers who know the truth: the sample's precision is 1 where no link is wrong."""
    again = hub_with({})
    link(again.settings)
    name, pairs = clerical.write_sample(again.settings.linkage, again.settings.state, at_hub, 120, 1)

    def same(row: dict) -> str:
        left, right = (again.local_ids[row[f"feed_{side}"], row[f"person_ref_{side}"]] for side in "lr")
        return "yes" if left == right else "no"

    for reviewer in ("Ann", "Bob"):
        filled(at_hub, at_hub.with_name("filled.csv"), same)
        assert clerical.record_answers(again.settings.state, at_hub.with_name("filled.csv"), reviewer) == pairs
    link(again.settings)
    quality = pd.read_parquet(again.settings.linkage / "quality.parquet")
    sampled = quality[quality.how == "clerical sample"]
    assert set(sampled.measure) == {*MEASURES, "pairs nobody could tell"}
    assert sampled.detail.str.startswith(f"sample {name}: {pairs} of {pairs}").all()
    assert value(quality, "pair precision", "sample") > 0.97
    assert value(quality, "pairs nobody could tell", "sample") == 0


def test_reviewers_who_differ_leave_a_pair_open_and_a_last_answer_stands(at_hub, tmp_path):
    state = tmp_path / "data" / "state"
    assert run("--out", at_hub, "--number", 60) == 0
    for reviewer, answer in (("Ann", "no"), ("Ann", "yes"), ("Bob", "yes")):
        filled(at_hub, at_hub.with_name("filled.csv"), lambda row, answer=answer: answer)
        assert run("--answers", at_hub.with_name("filled.csv"), "--by", reviewer) == 0
    _, sample = clerical.answered_sample(state)
    assert (sample.same == 1).all()
    filled(at_hub, at_hub.with_name("filled.csv"), lambda row: "no" if row["pair"] == "7" else "")
    assert run("--answers", at_hub.with_name("filled.csv"), "--by", "Cat") == 0
    _, sample = clerical.answered_sample(state)
    assert list(sample.pair[sample.same.isna()]) == [7]
    assert len(pd.read_csv(state / "clerical" / "answers.csv")) == 181  # nothing is ever taken out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"same_person": "maybe"}, "line 2, same_person: write yes, no or unsure"),
        ({"sample": "S009-00000000"}, "line 2, sample: this hub drew no sample of that name"),
        ({"pair": "999"}, "line 2, pair: sample"),
        ({"same_person": ""}, "no row has an answer"),
    ],
    ids=["an unknown answer", "another hub's sample", "a pair that was not drawn", "no answer at all"],
)
def test_a_form_that_does_not_fit_is_refused_whole(at_hub, tmp_path, capsys, change, said):
    assert run("--out", at_hub, "--number", 60) == 0
    filled(at_hub, at_hub.with_name("filled.csv"), lambda row: "yes" if row["pair"] in ("1", "2") else "")
    rows = pd.read_csv(at_hub.with_name("filled.csv"), dtype=str, keep_default_na=False)[:2]
    wrong = rows.assign(**{name: [text, *rows[name][1:]] if text else "" for name, text in change.items()})
    wrong.to_csv(at_hub.with_name("wrong.csv"), index=False)
    assert run("--answers", at_hub.with_name("wrong.csv"), "--by", "Ann") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "data" / "state" / "clerical" / "answers.csv").exists()


def test_a_sample_needs_a_linkage_and_enough_pairs(at_hub, tmp_path, monkeypatch, capsys):
    assert run("--out", at_hub, "--number", 10) == 2
    assert "at least 50 pairs" in capsys.readouterr().err
    monkeypatch.setenv("UPSTREAM_DATA", str(tmp_path / "empty"))
    assert run("--out", at_hub) == 2
    assert "Link first: upstream run" in capsys.readouterr().err
    assert run() == 2 and run("--answers", at_hub) == 2
    assert not at_hub.exists()
