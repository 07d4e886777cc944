"""Tokens and signatures: alike for alike values under one anchor, worthless without the key, none for a single name."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.pseudonymise import encode

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
FIELDS = ("forename", "surname", "dob", "postcode", "nhs_number")
MARGARET = {
    "forename": "margaret",
    "surname": "ashdown",
    "dob": "19380304",
    "postcode": "WX12AB",
    "nhs_number": "9434765919",
}
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", min_size=1).map(str.strip).filter(bool)


def encoded(*people: dict, key: bytes = KEY, profile: str = encode.DEFAULT_PROFILE) -> dict[str, list]:
    """Columns of a few people; what is not given is Margaret's."""
    columns = [[(MARGARET | person)[field] for person in people] for field in FIELDS]
    made = encode.Encoder(key, profile).identity(*columns)
    return {name: column.to_pylist() for name, column in made.items()}


def agreement(one: bytes, two: bytes) -> float:
    """Share of bits in which two signatures agree."""
    differing = int.from_bytes(one, "big") ^ int.from_bytes(two, "big")
    return 1 - differing.bit_count() / encode.SIGNATURE_BITS


@settings(deadline=None)
@given(NAMES, NAMES)
def test_a_record_has_the_same_columns_whatever_stands_beside_it(forename, surname):
    person = {"forename": forename, "surname": surname}
    alone, in_company = encoded(person), encoded({}, person, {"forename": "zoe"})
    assert {name: values[0] for name, values in alone.items()} == {name: v[1] for name, v in in_company.items()}


def test_another_key_gives_another_value_in_every_column():
    ours, theirs = encoded({}), encoded({}, key=OTHER_KEY)
    absent = {name for name, values in ours.items() if values == [None]}
    assert absent == {"dob_only_initial_token", "postcode_only_initial_token"}
    assert all(ours[name] != theirs[name] for name in ours.keys() - absent)


@pytest.mark.parametrize("profile", encode.PROFILES)
def test_people_of_one_name_share_no_value_unless_they_share_more(profile):
    one, two = {}, {"dob": "19900817", "postcode": "WX99ZZ", "nhs_number": "9434765870"}
    columns = encoded(one, two, profile=profile)
    alike = {name for name, values in columns.items() if values[0] == values[1] and values[0] is not None}
    assert alike == ({"forename_by_names_sig", "surname_by_names_sig", "sound_names_token"} & columns.keys())


@pytest.mark.parametrize(
    ("column", "field", "near", "far"),
    [
        ("surname_by_dob_sig", "surname", "ashdowne", "kowalski"),
        ("forename_by_postcode_sig", "forename", "margret", "oluwaseun"),
        ("dob_by_names_sig", "dob", "19380305", "20011127"),
        ("postcode_by_dob_sig", "postcode", "WX12AC", "QZ975TT"),
    ],
)
def test_under_one_anchor_a_slip_of_the_pen_stays_near_and_another_value_is_far(column, field, near, far):
    own, close, other = encoded({}, {field: near}, {field: far})[column]
    assert agreement(own, close) > 0.75
    assert agreement(own, other) < 0.65


def test_under_another_anchor_the_same_name_is_noise():
    one, two = encoded({}, {"dob": "19380305"})["surname_by_dob_sig"]
    assert agreement(one, two) < 0.65


def test_swapped_names_are_found_by_the_other_names_signature():
    columns = encoded({}, {"forename": "ashdown", "surname": "margaret"})
    assert columns["forename_by_dob_sig"][0] == columns["surname_by_dob_sig"][1]
    assert columns["sound_names_token"][0] == columns["sound_names_token"][1]


def test_a_date_with_day_and_month_swapped_has_the_same_unordered_token_and_another_of_its_own():
    columns = encoded({}, {"dob": "19380403"})
    assert columns["dob_unordered_token"][0] == columns["dob_unordered_token"][1]
    assert columns["dob_token"][0] != columns["dob_token"][1]


@settings(deadline=None, max_examples=30)
@given(NAMES)
def test_the_weight_of_a_signature_does_not_tell_the_length_of_a_name(name):
    people = [{"forename": name, "dob": f"19{year}0304"} for year in range(10, 99)]
    weights = [int.from_bytes(signature, "big").bit_count() for signature in encoded(*people)["forename_by_dob_sig"]]
    assert abs(sum(weights) / len(weights) - encode.SIGNATURE_BITS / 2) < 5  # the mean of 89 weights strays by 0.85


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_leaves_every_column_that_needs_it_empty(field):
    columns = encoded({}, {field: ""})
    needing = {name for name in columns if name.startswith(f"{field}_") or f"_by_{field}_" in name}
    assert needing and all(columns[name][1] is None for name in needing)
    assert all(
        (columns[name][0] == columns[name][1]) for name in columns.keys() - needing if columns[name][1] is not None
    )


@pytest.mark.parametrize("profile", encode.PROFILES)
def test_the_columns_are_the_declared_ones_with_their_types(profile):
    columns = encode.Encoder(KEY, profile).identity(["ann"], pa.array(["lee"]), ["19600115"], ["WX12AB"], [""])
    assert {name: array.type for name, array in columns.items()} == {
        name: kind for name, kind in encode.identity_columns(profile).items() if name != "nhs_number_verified"
    }


def test_an_untrusted_hub_gets_fewer_columns_and_no_other():
    trusted, untrusted = (set(encode.identity_columns(profile)) for profile in encode.PROFILES)
    assert untrusted < trusted
    assert not any("names" in column for column in untrusted)


def test_a_profile_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"trusted-hub, untrusted-hub"):
        encode.Encoder(KEY, "trusting-hub")


def test_the_checksum_changes_with_the_profile_and_with_what_a_token_is_made_of(monkeypatch):
    before = encode.checksum.__wrapped__()
    assert encode.checksum.__wrapped__() == before
    assert encode.checksum.__wrapped__("untrusted-hub") != before
    monkeypatch.setitem(encode.TOKENS, "postcode_initial", ("postcode", "surname_sound"))
    assert encode.checksum.__wrapped__() != before
