"""Filters and tokens: alike for alike values, worthless without the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pseudonymise import encode

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", min_size=1).map(str.strip).filter(bool)


def dice(one: bytes, two: bytes) -> float:
    bits = [int.from_bytes(value, "big") for value in (one, two)]
    return 2 * (bits[0] & bits[1]).bit_count() / (bits[0].bit_count() + bits[1].bit_count())


@given(NAMES)
def test_one_value_has_one_filter_and_one_token_under_one_key(value):
    assert encode.Encoder(KEY).filter("surname", value) == encode.Encoder(KEY).filter("surname", value)
    assert encode.Encoder(KEY).token("surname", value) == encode.Encoder(KEY).token("surname", value)


@given(NAMES)
def test_another_key_or_another_field_gives_another_token(value):
    encoder = encode.Encoder(KEY)
    tokens = {
        encoder.token("surname", value),
        encoder.token("forename", value),
        encode.Encoder(OTHER_KEY).token("surname", value),
    }
    assert len(tokens) == 3


@pytest.mark.parametrize(
    ("field", "value", "near", "far"),
    [
        ("surname", "ashdown", "ashdowne", "kowalski"),
        ("forename", "margaret", "margret", "oluwaseun"),
        ("dob", "19380304", "19380305", "20011127"),
        ("postcode", "WX12AB", "WX12AC", "QZ975TT"),
    ],
)
def test_a_slip_of_the_pen_stays_near_and_another_value_is_far(field, value, near, far):
    encoder = encode.Encoder(KEY)
    own = encoder.filter(field, value)
    assert dice(own, encoder.filter(field, near)) > 0.7
    assert dice(own, encoder.filter(field, far)) < 0.45


def test_no_value_has_no_filter_and_no_token():
    assert encode.Encoder(KEY).filter("surname", "") is None
    assert encode.Encoder(KEY).token("surname", "") is None


def test_the_columns_are_the_declared_ones_with_their_types():
    columns = encode.Encoder(KEY).identity(["ann"], ["lee"], ["19600115"], ["WX12AB"], ["9434765919"])
    assert {name: array.type for name, array in columns.items()} == {
        name: kind for name, kind in encode.IDENTITY_COLUMNS.items() if name != "nhs_number_verified"
    }


def test_the_checksum_changes_with_what_a_token_is_made_of(monkeypatch):
    before = encode.checksum.__wrapped__()
    assert encode.checksum.__wrapped__() == before
    monkeypatch.setitem(encode.TOKENS, "dob_postcode", lambda f, s, d, p: p + d)
    assert encode.checksum.__wrapped__() != before
