"""Encoders of the literature: what all of them promise, and what each hardening is for."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.evaluation.attacks.columns import bits, codes, is_filter
from pipelines.evaluation.encoders import ENCODERS, FIELDS, FILTER_BITS, FLIP_PROBABILITY, KEYED_NAMES, PLAIN

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NAMES = ["katherine", "katherine", "catherine", "bob", ""]
RECORDS = pd.DataFrame(
    {
        "forename": NAMES,
        "surname": ["smith", "smith", "smyth", "van der berg", ""],
        "dob": ["19600101", "19600101", "19600111", "1985", ""],
        "postcode": ["WX12AB", "WX12AB", "WX12AC", "WX9", ""],
        "nhs_number": ["9434765919", "9434765919", "", "9434765870", ""],
    }
)
FIELD_FILTERS = [name for name in ENCODERS if name.startswith(PLAIN) or name == "two-step"]
OF_EQUAL_FILTERS = [name for name in FIELD_FILTERS if "blip" not in name]


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("name", list(ENCODERS))
def test_columns_are_tokens_or_filters_one_for_each_record(name):
    for column in ENCODERS[name](RECORDS, KEY).values():
        assert len(column) == len(RECORDS)
        assert is_filter(column) or column.type == pa.int64()
        assert column[-1].as_py() is None  # the last record has nothing


@pytest.mark.parametrize("name", list(ENCODERS))
def test_another_key_shares_no_value(name):
    one, other = ENCODERS[name](RECORDS, KEY), ENCODERS[name](RECORDS, OTHER_KEY)
    for column in one:
        assert not set(one[column].drop_null().to_pylist()) & set(other[column].drop_null().to_pylist())


@pytest.mark.parametrize("name", [*OF_EQUAL_FILTERS, KEYED_NAMES])
def test_equal_records_are_equal_and_others_are_not(name):
    for column in ENCODERS[name](RECORDS, KEY).values():
        same, again, *_, other, _ = codes(column)
        assert same == again != other


@pytest.mark.parametrize("name", FIELD_FILTERS)
def test_names_that_sound_alike_have_filters_more_alike_than_those_of_others(name):
    vectors, _ = bits(ENCODERS[name](RECORDS.assign(dob="19600101"), KEY)["forename_bf"])
    katherine, _, catherine, bob, _ = vectors
    assert dice(katherine, catherine) > dice(katherine, bob)


def test_double_hashing_keeps_the_positions_of_a_gram_at_one_distance():
    one_gram = RECORDS.head(1).assign(postcode="W")
    places = np.flatnonzero(bits(ENCODERS[PLAIN](one_gram, KEY)["postcode_bf"])[0][0])
    held = set(places.tolist())
    steps = [
        step
        for step in range(1, FILTER_BITS)
        if sum((place + step) % FILTER_BITS in held for place in held) >= len(held) - 1
    ]
    assert steps


def test_balanced_filters_all_have_half_their_bits_set():
    vectors, there = bits(ENCODERS["field-filters+balanced"](RECORDS, KEY)["surname_bf"])
    assert vectors.shape[1] == 2 * FILTER_BITS
    assert set(vectors[there].sum(axis=1)) == {FILTER_BITS}


def test_folding_halves_a_filter():
    assert bits(ENCODERS["field-filters+xor-fold"](RECORDS, KEY)["surname_bf"])[0].shape[1] == FILTER_BITS // 2


def test_noise_makes_filters_of_equal_names_differ_by_about_twice_its_probability():
    many = pd.concat([RECORDS.head(1)] * 200, ignore_index=True)
    vectors, _ = bits(ENCODERS["field-filters+blip"](many, KEY)["forename_bf"])
    apart = (vectors[0::2] ^ vectors[1::2]).mean()
    assert apart == pytest.approx(2 * FLIP_PROBABILITY * (1 - FLIP_PROBABILITY), rel=0.1)


def test_a_salted_name_differs_between_years_of_birth_and_a_birth_date_does_not_depend_on_itself():
    two = RECORDS.head(2).assign(dob=["19600101", "19610101"])
    columns = ENCODERS["field-filters+year-salt"](two, KEY)
    vectors, _ = bits(columns["forename_bf"])
    assert dice(vectors[0], vectors[1]) < 0.4  # as two names that have nothing in common
    dates, _ = bits(columns["dob_bf"])
    assert dice(dates[0], dates[1]) > 0.8


def test_diffusion_sets_about_half_of_the_bits():
    vectors, there = bits(ENCODERS["field-filters+diffusion"](RECORDS, KEY)["surname_bf"])
    assert 0.35 < vectors[there].mean() < 0.65


def test_keyed_names_have_a_token_of_each_field():
    assert set(ENCODERS[KEYED_NAMES](RECORDS, KEY)) == {f"{field}_token" for field in (*FIELDS, "nhs_number")}
