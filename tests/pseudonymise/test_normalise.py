"""One spelling for one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pseudonymise import normalise


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("  SMITH ", "smith"),
        ("O'Neil", "oneil"),
        ("O’Neil", "oneil"),
        ("Smith-Jones", "smith jones"),
        ("Mr. John", "john"),
        ("Dr", ""),
        ("John Jnr", "john"),
        ("José", "jose"),
        ("Łukasz", "lukasz"),
        ("Ｓｍｉｔｈ", "smith"),
        ("Unknown", ""),
        ("BABY", ""),
        ("Twin 1", ""),
        ("?", ""),
        ("", ""),
    ],
)
def test_names(written, compared):
    assert normalise.name(written) == compared


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("1960-02-29", "19600229"),
        ("1961-02-29", "196102"),
        ("1960-15-01", "19600115"),
        ("1960-02", "196002"),
        ("1960", "1960"),
        ("1900-01-01", ""),
        ("", ""),
        ("1960-02-03T00:00:00", "19600203"),
    ],
    ids=[
        "a leap day is kept",
        "an impossible day is dropped",
        "day and month in the wrong places are put right",
        "a month alone is kept",
        "a year alone is kept",
        "a placeholder is missing",
        "nothing is missing",
        "a time of day is dropped",
    ],
)
def test_birth_dates(written, compared):
    assert normalise.birth_date(written) == compared


@pytest.mark.parametrize("written", ["15/01/1960", "-0050-01-0", "60-01-15"])
def test_birth_dates_that_are_not_in_iso_form_are_refused(written):
    with pytest.raises(ValueError, match="ISO"):
        normalise.birth_date(written)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("m1 1ae", "M11AE"),
        ("EC1A1BB", "EC1A1BB"),
        ("W1A OAX", "W1A0AX"),
        ("ZZ99 3VZ", ""),
        ("no fixed abode", ""),
        ("", ""),
    ],
)
def test_postcodes(written, compared):
    assert normalise.postcode(written) == compared


@pytest.mark.parametrize(
    ("written", "compared"),
    [("943 476 5919", "9434765919"), ("9434765918", ""), ("943476591", ""), ("0000000000", ""), ("not known", "")],
    ids=[
        "spaces go",
        "a wrong check digit is missing",
        "nine digits are missing",
        "zeros are missing",
        "words are missing",
    ],
)
def test_nhs_numbers(written, compared):
    assert normalise.nhs_number(written) == compared


@pytest.mark.parametrize(
    ("written", "group"),
    [("A", "white"), ("White - British", "white"), ("Chinese", "asian"), ("N", "black"), ("Z", ""), ("Not stated", "")],
)
def test_ethnic_groups(written, group):
    assert normalise.ethnic_group(written) == group


def test_nicknames_fold_to_one_root():
    assert {normalise.forename_root(name) for name in ("robert", "bob", "rob", "robbie jay")} == {"robert"}


@given(st.text())
def test_normalising_a_name_twice_changes_nothing(text):
    assert normalise.name(normalise.name(text)) == normalise.name(text)


@given(st.text(), st.sampled_from([str.upper, str.title, lambda text: f"  {text} "]))
def test_case_and_blanks_never_matter_to_ascii_names(text, written):
    ascii_text = text.encode("ascii", "ignore").decode()
    assert normalise.name(written(ascii_text)) == normalise.name(ascii_text)
