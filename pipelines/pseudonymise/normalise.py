"""One spelling for one thing: names, dates, postcodes and numbers as they are compared, before anything is hashed.

Each field is a short list of steps. What the steps know of language (letters, apostrophes, titles, nicknames, months,
placeholders) is the CSV files in `reference`, and their bytes are part of the encoder's checksum. A missing or
placeholder value is the empty string, so that "Unknown" never links two strangers. Nothing here knows of keys or files
of records.
"""

import csv
import re
import unicodedata
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REFERENCE = Path(__file__).parent / "reference"
REMEMBERED = 100_000  # values of a field whose normal form is kept: names, dates and postcodes repeat

LETTER = re.compile(r"[^\W\d]")
NOT_IN_POSTCODE = re.compile(r"[^A-Z0-9]+")
POSTCODE_FORM = re.compile(r"(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})")
# 1950-12-31, 1950/12/31, 1950-12, 1950; a time of day after it is dropped.
ISO_DATE = re.compile(r"([0-9]{4})(?:([-/])([0-9]{1,2})(?:\2([0-9]{1,2})(?:[T ].*)?)?)?")
COMPACT_DATE = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")  # 19501231
WORDED_DATE = re.compile(r"([0-9]{1,2})[-/. ]([A-Za-z]+)[-/. ,]+([0-9]{4})")  # 31-Dec-1950, 31 December 1950
FIRST_YEAR = 1000  # an earlier year is a slip
SEXES = {
    **dict.fromkeys(("f", "female", "woman", "girl", "2"), "F"),
    **dict.fromkeys(("m", "male", "man", "boy", "1"), "M"),
    **dict.fromkeys(("x", "indeterminate", "other", "9"), "X"),
}
NHS_WEIGHTS = np.arange(10, 1, -1)


@cache
def reference_rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Rows of reference/<name>.csv without its header."""
    with open(REFERENCE / f"{name}.csv", newline="", encoding="utf-8") as file:
        return tuple(tuple(row) for row in list(csv.reader(file))[1:])


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(row[0] for row in reference_rows(name))


@cache
def _pairs(name: str) -> dict[str, str]:
    return {row[0]: row[1] for row in reversed(reference_rows(name))}


class _Characters(dict):
    """What becomes of each character of a name, by its number, once its case and its accents are apart from it."""

    def __missing__(self, number: int) -> str:
        character = chr(number)
        kind = unicodedata.category(character)
        if unicodedata.combining(character) or kind == "Cf" or character in _words("apostrophes"):
            becomes = ""
        else:
            becomes = character if kind[0] in "LNM" else " "
        self[number] = becomes
        return becomes


CHARACTERS = _Characters()


@cache
def _plain_letters() -> dict[int, str]:
    return str.maketrans(_pairs("plain_letters"))


@cache
def _apostrophes() -> dict[int, None]:
    return dict.fromkeys(map(ord, _words("apostrophes")))


def plain_words(text: str) -> list[str]:
    """Lower-case words of unaccented letters and digits; apostrophes close up, other punctuation divides.

    Accents, Arabic and Hebrew vowel points and invisible marks (right to left, joiners, soft hyphens) go; the vowel
    signs of Indic scripts stay, because they are the only vowels that those words have.
    """
    if not text.isascii():
        text = text.translate(_apostrophes())  # before NFKD, which makes a blank and an accent of some of them
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = text.translate(_plain_letters())
    return text.lower().translate(CHARACTERS).split()


@lru_cache(maxsize=REMEMBERED)
def name(text: str) -> str:
    """A forename or surname: plain words without titles, or '' if it is missing or a placeholder."""
    words, titles, placeholders = plain_words(text), _words("titles"), _words("placeholder_names")
    if " ".join(words) in placeholders:
        return ""
    while len(words) > 1 and words[0] in titles:
        words = words[1:]
    while len(words) > 1 and words[-1] in titles:
        words = words[:-1]
    value = " ".join(words)
    return "" if value in placeholders or value in titles or not LETTER.search(value) else value


@lru_cache(maxsize=REMEMBERED)
def forename_root(forename: str) -> str:
    """The first word of a normalised forename with nicknames folded: 'bob' and 'rob' are 'robert'."""
    first = forename.split(" ")[0]
    return _pairs("nicknames").get(first, first)


@lru_cache(maxsize=REMEMBERED)
def birth_date(text: str) -> str:
    """YYYYMMDD, YYYYMM or YYYY, or '' if missing or a placeholder. Raises ValueError for a form that it does not read.

    It reads what can mean one date only: the year first, or the month as a word. 03/04/1950 is two dates and raises. A
    date with day and month in the wrong places is put right; an impossible day is dropped and the rest kept.
    """
    text = text.strip()
    if not text:
        return ""
    year, month, day = _year_month_day(text)
    if year == 0 or (year, month, day) in _placeholder_dates():
        return ""
    if year < FIRST_YEAR:
        raise ValueError("not a year of anybody's birth")
    if month > 12 and 1 <= day <= 12:
        month, day = day, month
    if not 1 <= month <= 12:
        return f"{year:04d}"
    try:
        date(year, month, day)
    except ValueError:
        return f"{year:04d}{month:02d}"
    return f"{year:04d}{month:02d}{day:02d}"


@cache
def _placeholder_dates() -> frozenset[tuple[int, int, int]]:
    return frozenset(_year_month_day(row[0]) for row in reference_rows("placeholder_dates"))


def _year_month_day(text: str) -> tuple[int, int, int]:
    if form := ISO_DATE.fullmatch(text):
        year, _, month, day = form.groups()
        return int(year), int(month or 0), int(day or 0)
    if form := COMPACT_DATE.fullmatch(text):
        return tuple(map(int, form.groups()))
    if (form := WORDED_DATE.fullmatch(text)) and form[2].lower() in _pairs("months"):
        return int(form[3]), int(_pairs("months")[form[2].lower()]), int(form[1])
    raise ValueError("not a date in ISO form")


@lru_cache(maxsize=REMEMBERED)
def postcode(text: str) -> str:
    """Upper-case letters and digits without spaces, or '' if missing or a placeholder. Partial postcodes are kept."""
    value = NOT_IN_POSTCODE.sub("", text.upper())
    if not 2 <= len(value) <= 8 or value.startswith(_placeholder_postcodes()):
        return ""
    if POSTCODE_FORM.fullmatch(value) or len(value) < 5:
        return value
    # The usual slips of the pen in the inward part: letter O for zero, letter I for one.
    return value[:-3] + value[-3:-2].translate(str.maketrans("OI", "01")) + value[-2:]


@cache
def _placeholder_postcodes() -> tuple[str, ...]:
    return tuple(_words("placeholder_postcodes"))


def nhs_number(text: str) -> str:
    """Ten digits with a right check digit (modulus 11), or ''."""
    return nhs_numbers(pa.array([text])).to_pylist()[0]


def nhs_numbers(texts: pa.StringArray) -> pa.StringArray:
    """Ten digits with a right check digit (modulus 11), or '', for each text."""
    numbers = pc.replace_substring_regex(texts, r"[\s-]", "")
    numbers = pc.if_else(pc.match_substring_regex(numbers, "^[0-9]{10}$"), numbers, "")
    digits = np.frombuffer("".join(numbers.to_pylist()).encode(), np.uint8).reshape(-1, 10) - ord("0")
    check = 11 - digits[:, :9] @ NHS_WEIGHTS % 11
    right = np.zeros(len(numbers), bool)
    right[pc.not_equal(numbers, "").to_numpy(zero_copy_only=False)] = (
        (check != 10) & (check % 11 == digits[:, 9]) & (digits != digits[:, :1]).any(axis=1)
    )
    return pc.if_else(right, numbers, "")


@lru_cache(maxsize=REMEMBERED)
def sex(text: str) -> str:
    """F, M or X, or ''. The numbers are those of the NHS data dictionary: 1 male, 2 female, 9 not specified."""
    return SEXES.get(text.strip().lower(), "")


@lru_cache(maxsize=REMEMBERED)
def ethnic_group(text: str) -> str:
    """One of white, mixed, asian, black, other, or '' for missing, not stated and unknown."""
    value = " ".join(plain_words(text))
    groups = _pairs("ethnic_groups")
    return groups.get(value) or groups.get(value.split(" ")[0] if value else "", "")
