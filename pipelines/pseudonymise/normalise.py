"""One spelling for one thing: names, dates, postcodes and numbers as they are compared, before anything is hashed.

Each field is a short list of steps; lists of titles, nicknames and placeholders are the CSV files in `reference`, and
their bytes are part of the encoder's checksum. A missing or placeholder value is the empty string, so that "Unknown"
never links two strangers. Nothing here knows of keys or files of records.
"""

import csv
import re
import unicodedata
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

REFERENCE = Path(__file__).parent / "reference"

# Letters that NFKD does not take apart.
PLAIN_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
POSTCODE_FORM = re.compile(r"(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})")
BIRTH_DATE_FORM = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
SEXES = {
    **dict.fromkeys(("f", "female", "woman", "girl", "2"), "F"),
    **dict.fromkeys(("m", "male", "man", "boy", "1"), "M"),
    **dict.fromkeys(("x", "indeterminate", "other", "9"), "X"),
}
NHS_WEIGHTS = range(10, 1, -1)


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


def plain_words(text: str) -> list[str]:
    """Lower-case words of unaccented letters and digits; apostrophes close up, other punctuation divides."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(PLAIN_LETTERS)
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = re.sub(r"['’‘`´ʼ]", "", text)
    return re.sub(r"[^\w]+|_", " ", text).split()


@lru_cache(maxsize=100_000)  # names repeat
def name(text: str) -> str:
    """A forename or surname: plain words without titles, or '' if it is missing or a placeholder."""
    words = plain_words(text)
    if " ".join(words) in _words("placeholder_names"):
        return ""
    while len(words) > 1 and words[0] in _words("titles"):
        words = words[1:]
    while len(words) > 1 and words[-1] in _words("titles"):
        words = words[:-1]
    value = " ".join(words)
    if value in _words("placeholder_names") or value in _words("titles") or not re.search(r"[^\W\d]", value):
        return ""
    return value


@lru_cache(maxsize=100_000)
def forename_root(forename: str) -> str:
    """The first word of a normalised forename with nicknames folded: 'bob' and 'rob' are 'robert'."""
    first = forename.split(" ")[0]
    return _pairs("nicknames").get(first, first)


def birth_date(text: str) -> str:
    """YYYYMMDD, YYYYMM or YYYY, or '' if missing or a placeholder. Raises ValueError if it is not in ISO form.

    A date with day and month in the wrong places is put right; an impossible day is dropped and the rest kept.
    """
    text = text.strip()[:10] if re.match(r"\s*\d{4}-\d\d-\d\d[T ]", text) else text.strip()
    if not text or text in _words("placeholder_dates"):
        return ""
    form = BIRTH_DATE_FORM.fullmatch(text)
    if not form:
        raise ValueError("not a date in ISO form")
    year, month, day = (int(part) if part else 0 for part in form.groups())
    if year == 0:
        return ""
    if month > 12 and 1 <= day <= 12:
        month, day = day, month
    if not 1 <= month <= 12:
        return f"{year:04d}"
    try:
        date(year, month, day)
    except ValueError:
        return f"{year:04d}{month:02d}"
    return f"{year:04d}{month:02d}{day:02d}"


def postcode(text: str) -> str:
    """Upper-case letters and digits without spaces, or '' if missing or a placeholder. Partial postcodes are kept."""
    value = re.sub(r"[^A-Z0-9]", "", text.upper())
    if (
        len(value) < 2
        or len(value) > 8
        or any(value.startswith(row[0]) for row in reference_rows("placeholder_postcodes"))
    ):
        return ""
    if POSTCODE_FORM.fullmatch(value):
        return value
    # The usual slips of the pen in the inward part: letter O for zero, letter I for one.
    mended = value[:-3] + value[-3:-2].translate(str.maketrans("OI", "01")) + value[-2:] if len(value) >= 5 else value
    return mended


def nhs_number(text: str) -> str:
    """Ten digits with a right check digit (modulus 11), or ''."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{10}", digits) or len(set(digits)) == 1:
        return ""
    check = 11 - sum(weight * int(digit) for weight, digit in zip(NHS_WEIGHTS, digits, strict=False)) % 11
    return digits if check % 11 == int(digits[9]) and check != 10 else ""


def sex(text: str) -> str:
    """F, M or X, or ''. The numbers are those of the NHS data dictionary: 1 male, 2 female, 9 not specified."""
    return SEXES.get(text.strip().lower(), "")


def ethnic_group(text: str) -> str:
    """One of white, mixed, asian, black, other, or '' for missing, not stated and unknown."""
    value = " ".join(plain_words(text))
    groups = _pairs("ethnic_groups")
    return groups.get(value) or groups.get(value.split(" ")[0] if value else "", "")
