"""Attacks on files whose plaintext is known: they must succeed where nothing protects, and fail where nothing is left."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.evaluation.attacks import frequency, graph, lookup, material, patterns, privacy_attack
from pipelines.evaluation.attacks.outcome import interval, outcome
from pipelines.evaluation.attacks.run import PEERS, SHOWN, counts_apart, with_verdicts
from pipelines.evaluation.encoders import ENCODERS, KEYED_NAMES, PLAIN, Columns

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
PEOPLE, SEED = 2_500, 5
REQUIRED = {
    "attack", "encoder", "column", "people", "people_reidentified", "upper95", "values_recovered", "chance",
    "chance_values", "verdict", "sentence",
}  # fmt: skip


def named(records: pd.DataFrame) -> pd.DataFrame:
    return records[(records["forename"] != "") & (records["surname"] != "")].reset_index(drop=True)


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return material.region(tmp_path_factory.mktemp("region"), PEOPLE, SEED)


@pytest.fixture(scope="module")
def file(region) -> pd.DataFrame:
    return named(region.largest_file())


def plaintext(records: pd.DataFrame, key: bytes) -> Columns:
    """An encoder that encodes nothing: the names as they are, as numbers."""
    number = {name: place for place, name in enumerate(sorted({*records["forename"], *records["surname"]}))}
    return {f"{name}_token": pa.array(records[name].map(number), pa.int64()) for name in ("forename", "surname")}


def random_values(records: pd.DataFrame, key: bytes) -> Columns:
    """An encoder that loses everything: a random number a record."""
    numbers = np.random.default_rng(list(key)).integers(0, 1 << 60, len(records))
    return {"anything_token": pa.array(numbers, pa.int64())}


def by_column(objects: list[dict], attack: str = "frequency") -> dict[str, dict]:
    return {found["column"]: found for found in objects if found["attack"] == attack}


def people_of(*full_names: str) -> pd.DataFrame:
    """People by 'forename surname', with nothing else known."""
    people = pd.DataFrame([name.split() for name in full_names], columns=["forename", "surname"])
    return people.assign(sex="F", age_band="25-44", ethnic_group="white", imd_quintile="3")


def test_commonest_code_is_taken_for_the_commonest_name():
    # Three annas, two beths, one cleo: with exact counts every rank is certain.
    people = people_of("anna gray", "anna hill", "anna ives", "beth king", "beth lane", "cleo moss")
    found = by_column(frequency.attack({"forename_token": pa.array([7, 7, 7, 4, 4, 9])}, people))
    assert found["forename_token"]["values_recovered"] == 6


def test_blanks_are_dropped_on_both_sides_and_still_count_as_people():
    people = people_of("anna gray", "anna hill", "beth king", "beth lane", "beth moss")
    found = by_column(frequency.attack({"forename_token": pa.array([7, 7, None, None, 4])}, people))
    assert (found["forename_token"]["people"], found["forename_token"]["tried"]) == (5, 3)
    assert found["forename_token"]["values_recovered"] == 3


def test_public_frequencies_of_other_people_will_do():
    people = people_of("anna gray", "anna hill", "anna ives", "beth king", "beth lane")
    others = people_of("anna nash", "anna orme", "anna pike", "anna rudd", "beth shaw", "beth tate")
    known = frequency.Knowledge(frequency.PUBLIC, {"forename_token": pa.array([1, 1, 1, 1, 2, 2])}, others)
    found = by_column(frequency.attack({"forename_token": pa.array([7, 7, 7, 4, 4])}, people, [known]))
    assert found["forename_token"]["values_recovered"] == 5
    assert found["forename_token"]["people_reidentified"] == 0  # nobody else has these people's full names


def test_a_sex_that_leaves_in_the_clear_makes_ranks_finer():
    # Equal counts as a whole, but each the commonest of its sex.
    people = people_of("anna gray", "anna hill", "beth king", "carl lane", "carl moss", "dirk nash")
    people["sex"] = list("FFFMMM")
    found = by_column(frequency.attack({"forename_token": pa.array([1, 1, 2, 3, 3, 4])}, people))["forename_token"]
    assert found["values_recovered"] == 6
    assert found["strata_values"] == "sex"


@pytest.mark.parametrize("encoder", (PLAIN, KEYED_NAMES))
def test_frequency_attack_names_ten_times_as_many_as_chance_in_an_unhardened_file(file, encoder):
    best = by_column(frequency.attack(ENCODERS[encoder](file, KEY), file))["all columns"]
    assert best["share"] >= SHOWN * best["chance"] > 0


def test_random_values_give_about_chance(file):
    known = [frequency.Knowledge(frequency.EXACT, random_values(file, OTHER_KEY), file)]
    found = by_column(frequency.attack(random_values(file, KEY), file, known))["anything_token"]
    # Guessing at random is worse than guessing the commonest name, and one in a stratum comes right by itself.
    assert found["low95"] <= found["chance"]
    assert found["values_low95"] <= found["chance_values"]


def test_noise_does_not_hide_which_filters_were_equal(file):
    columns = {"forename_bf": ENCODERS["field-filters+blip"](file, KEY)["forename_bf"]}
    found = by_column(frequency.attack(columns, file))
    assert found["forename_bf"]["values_share"] < 0.05
    assert found["forename_bf, near-equal"]["values_share"] > 0.1


def test_patterns_name_ten_times_as_many_as_chance_in_plain_filters(file):
    found = by_column(patterns.attack(ENCODERS[PLAIN](file, KEY), file, file), "patterns")
    assert found["both names"]["share"] >= SHOWN * found["both names"]["chance"]
    assert found["forename_bf"]["values_share"] >= SHOWN * found["forename_bf"]["chance_values"]


@pytest.mark.parametrize("encoder", ["field-filters+diffusion", "field-filters+year-salt"])
def test_patterns_find_little_in_diffused_and_in_salted_filters(file, encoder):
    objects = patterns.attack(ENCODERS[encoder](file, KEY), file, file)
    assert all(found["values_share"] < 0.05 for found in objects)


def test_graph_matching_names_nearly_all_of_a_plain_file_from_a_register_of_just_these_people(file):
    register = file.sample(frac=1, random_state=1).reset_index(drop=True)
    columns, copy = ENCODERS[PLAIN](file, KEY), ENCODERS[PLAIN](register, OTHER_KEY)
    found = graph.attack(columns, file, copy, register, 1.0, 1, clear=False)
    assert found["share"] > 0.8 > SHOWN * found["chance"]


def test_graph_matching_finds_fewer_where_the_register_holds_fewer(file):
    half = file.iloc[: len(file) // 2]
    inside = half.sample(frac=0.2, random_state=1)
    register = pd.concat([inside, file.iloc[len(half) :]]).sample(frac=1, random_state=1).reset_index(drop=True)
    columns, copy = ENCODERS[PLAIN](half, KEY), ENCODERS[PLAIN](register, OTHER_KEY)
    assert graph.attack(columns, half, copy, register, 0.2, 1)["share"] < 0.25


@pytest.mark.parametrize("encoder", [PLAIN, KEYED_NAMES, "field-filters+blip"])
def test_with_the_key_nearly_everyone_is_named_and_without_it_hardly_anyone(file, encoder):
    columns, guessed = ENCODERS[encoder](file, KEY), ENCODERS[encoder](file, OTHER_KEY)
    assert lookup.dictionary(columns, file, columns, file, with_key=True)["share"] > 0.98
    without = lookup.dictionary(columns, file, guessed, file, with_key=False)
    assert without["low95"] <= without["chance"]


def test_an_encoder_that_gives_plaintext_is_undone_without_its_key(file):
    columns, guessed = plaintext(file, KEY), plaintext(file, OTHER_KEY)
    assert lookup.dictionary(columns, file, guessed, file, with_key=False)["share"] > 0.85


def test_a_change_of_key_breaks_what_is_encoded_and_not_what_is_clear(region, file):
    before, after = ENCODERS[PLAIN](file, KEY), ENCODERS[PLAIN](file, OTHER_KEY)
    events = region.events[region.events["feed"] == file["feed"].iloc[0]]
    found = by_column(lookup.rotation(before, after, file, events), "rotation")
    assert found["equal tokens and filters"]["people_reidentified"] == 0
    assert found["similar filters"]["share"] < 0.02
    assert found["equal tokens and filters, key unchanged"]["share"] > 0.95
    assert found["times of events delivered under both keys"]["share"] > 0.9


@pytest.mark.parametrize(("hits", "of"), [(0, 50), (1, 50), (25, 50), (50, 50)])
def test_interval_holds_the_share_and_is_wider_for_fewer_people(hits, of):
    low, upper = interval(hits, of)
    assert low <= hits / of <= upper
    wide = interval(hits // 5, of // 5)
    assert wide[1] - wide[0] > upper - low


def test_nobody_found_among_a_hundred_does_not_mean_nobody():
    # Rule of three, for a two-sided 95 % interval: 1 - 0.025^(1/100).
    assert interval(0, 100)[1] == pytest.approx(1 - 0.025**0.01)


def test_an_attack_that_fails_on_unhardened_files_is_not_shown():
    weak = outcome("weak", "a", "nothing", people=1000, named=9, either=9, chance=0.001, chance_values=0.001)
    strong = outcome("strong", "a", "all", people=1000, named=10, either=10, chance=0.001, chance_values=0.001)
    ours = outcome("weak", "a", "nothing", people=1000, named=0, either=0, chance=0.001, chance_values=0.001)
    objects = [weak | {"encoder": PLAIN}, strong | {"encoder": PLAIN}, ours | {"encoder": "ours"}]
    assert [found["verdict"] for found in with_verdicts(objects)] == ["not shown", "shown", "not shown"]


def test_against_our_own_encoder_an_attack_is_shown_only_if_it_works_with_the_hardening_off():
    objects = [
        outcome("patterns", "a", "names", 1_000, named, named, 0.001, 0.01) | {"encoder": encoder}
        for encoder, named in ((PLAIN, 500), ("signatures-unanchored", 2), ("trusted-hub", 0), ("two-step", 0))
    ]
    verdicts = {found["encoder"]: found["verdict"] for found in with_verdicts(objects)}
    assert (verdicts["trusted-hub"], verdicts["two-step"]) == ("not shown", "shown")


def test_the_file_of_attacks_has_an_object_for_each_attack_encoder_and_column(tmp_path):
    said: list[str] = []
    objects = privacy_attack(tmp_path, people=250, seed=2, encoders=["field-filters+rule-90"], progress=said.append)
    assert json.loads((tmp_path / "attacks.json").read_text()) == objects
    assert all(REQUIRED <= set(found) for found in objects)
    assert {found["encoder"] for found in objects} == {*PEERS, "field-filters+rule-90"}
    attacks = {"frequency", "weight", "patterns", "graph", "dictionary", "rotation", "hub frequency", "hub graph"}
    assert attacks <= {found["attack"] for found in objects}
    assert {found["overlap"] for found in objects if found["attack"] == "graph"} >= {0.05, 0.2, 0.5, 1.0}
    assert any("field-filters" in text for text in said)
    assert all(f"{found['people_reidentified']:,} of {found['people']:,}" in found["sentence"] for found in objects)


def test_an_encoder_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="rot13"):
        privacy_attack(tmp_path, encoders=["rot13"])
    assert not list(tmp_path.iterdir())


# People named and either name, upper 95 % bounds, for frequency and pattern attacks.
BARS = {"trusted-hub": (0.01, 0.10), "untrusted-hub": (0.005, 0.03)}


@pytest.fixture(scope="module")
def larger_file(tmp_path_factory) -> pd.DataFrame:
    """About 6,300 people: too few, and even nobody named could not show that less than 0.5 % are."""
    return named(material.region(tmp_path_factory.mktemp("larger"), 9_000, SEED).largest_file())


@pytest.mark.parametrize("profile", list(BARS))
def test_our_encoder_keeps_within_its_bars(larger_file, profile):
    if profile not in ENCODERS:
        pytest.skip(f"the encoder has no profile {profile}")
    counted = counts_apart(larger_file, SEED)
    columns, copy = ENCODERS[profile](larger_file, KEY), ENCODERS[profile](counted, OTHER_KEY)
    objects = frequency.attack(columns, larger_file, [frequency.Knowledge(frequency.EXACT, copy, counted)], SEED)
    objects += patterns.attack(columns, larger_file, larger_file)
    over = {}
    for found in objects:
        people, either = BARS[profile]
        judged = found["attack"] in ("frequency", "patterns") and found["column"] != frequency.ATTRIBUTES
        if judged and (found["upper95"] > people or found["values_upper95"] > either):
            over[found["column"]] = (found["upper95"], found["values_upper95"])
    assert over == {}
