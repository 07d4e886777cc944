"""What agreement of two records means: levels of each field, from equal to different, as SQL over tokens alone.

A field is compared by its signature under whichever anchor the two records share (birth date, postcode, sounds of the
names); where they share none it counts as missing, since its signatures are noise to each other. The SQL is the part that
DuckDB and Spark both run. Starting values of m and u stand here too: they are used for a level that a region's own
people cannot teach (an empty field, a few hundred records), and the training record says so. Nothing here reads data.

A `Representation` is the same levels said of other columns: evaluation compares encodings and plaintext by it.
"""

from dataclasses import dataclass

import splink.comparison_level_library as cll
from splink import SettingsCreator
from splink.comparison_library import CustomComparison

from pipelines.pseudonymise.encode import SIGNATURE_BITS, SIGNED_BY

from . import blocking
from .load import WORDS


@dataclass(frozen=True)
class Level:
    """One degree of agreement. m and u are starting values: P(level) for one person, and for two strangers."""

    name: str
    m: float
    u: float


# Field -> levels from the most to the least agreement; the last one takes what is left.
LEVELS: dict[str, tuple[Level, ...]] = {
    "forename": (
        Level("the same", 0.80, 0.006),
        Level("a nickname, or another spelling of both names", 0.05, 0.003),
        Level("close", 0.03, 0.001),
        Level("swapped with the surname", 0.01, 0.00001),
        Level("the same initial, where one is only an initial", 0.01, 0.001),
        Level("alike", 0.05, 0.01),
        Level("different", 0.06, 0.98),
    ),
    "surname": (
        Level("the same", 0.84, 0.002),
        Level("close", 0.03, 0.0005),
        Level("alike", 0.05, 0.004),
        Level("different", 0.07, 0.993),
    ),
    "dob": (
        Level("the same", 0.90, 0.00005),
        Level("the same with day and month swapped", 0.01, 0.00003),
        Level("the same but for a digit or the day", 0.05, 0.002),
        Level("the same year, where one date is only a year", 0.02, 0.001),
        Level("the same but for two digits", 0.02, 0.02),
        Level("different", 0.02, 0.978),
    ),
    "postcode": (
        Level("the same", 0.72, 0.0002),
        Level("the same but for a character", 0.06, 0.0005),
        Level("in the same sector", 0.04, 0.01),
        Level("different", 0.18, 0.989),
    ),
    "nhs_number": (
        Level("the same", 0.98, 0.000001),
        Level("different", 0.02, 0.999999),
    ),
}
FIELDS = tuple(LEVELS)


def top_gamma(field: str) -> int:
    """Splink numbers levels from 0 (the last) upwards; -1 is missing."""
    return len(LEVELS[field]) - 1


@dataclass(frozen=True)
class Representation:
    """How records are written down: SQL of each level but the last by field, columns that tell presence, and rules."""

    levels: dict[str, tuple[str, ...]]
    presence: dict[str, str]  # field -> column that is NULL where the field is missing
    comparable: dict[str, str]  # field -> SQL: two records that have the field can be compared in it
    counted: dict[str, tuple[str, ...]]  # field -> columns whose equality is its first levels
    rarities: dict[str, tuple[str, ...]]  # column whose commonness moves the weight of a shared value -> its fields
    prediction_rules: tuple[str, ...]
    training_rules: dict[str, str]
    deterministic_rules: tuple[str, ...]
    pools: dict[str, str]  # pool of pairs that `strangers` learns from -> its rule
    unseen: dict[tuple[str, str], int]  # (pool, field) -> gamma of a level that cannot show there

    @property
    def is_signed(self) -> bool:
        """Whether fields are compared by signatures under the anchors that two records share."""
        return any("_anchor_l" in sql for sql in self.comparable.values())

    def missing(self, field: str) -> str:
        """SQL: nothing can be said of the field, one way or the other."""
        column = self.presence[field]
        return f"{column}_l is null or {column}_r is null or not coalesce({self.comparable[field]}, false)"


def equal(token: str) -> str:
    return f"{token}_token_l = {token}_token_r"


def signed_alike(field: str, hundredths: int) -> str:
    """SQL: under some anchor at least this share of the signatures' bits agree. Noise agrees in half of them."""
    most = SIGNATURE_BITS - SIGNATURE_BITS * hundredths // 100
    return " or ".join(f"{differing(f'{field}_by_{anchor}')} <= {most}" for anchor in SIGNED_BY[field])


def signed_equal(left: str, right: str) -> str:
    """SQL: under some anchor one record's signature of a field is the other's, of the same field or another."""
    return " or ".join(
        "(" + " and ".join(f"{left}_by_{anchor}_w{i}_l = {right}_by_{anchor}_w{i}_r" for i in range(WORDS)) + ")"
        for anchor in SIGNED_BY[left]
    )


def differing(column: str) -> str:
    """SQL: bits that differ. Exclusive or as a difference, since DuckDB and Spark have no common word for it."""
    words = [f"(({column}_w{i}_l | {column}_w{i}_r) - ({column}_w{i}_l & {column}_w{i}_r))" for i in range(WORDS)]
    return "(" + " + ".join(f"cast(bit_count({word}) as integer)" for word in words) + ")"


def any_of(*conditions: str) -> str:
    return " or ".join(conditions)


def comparable(field: str, *otherwise: str) -> str:
    """SQL: the records share an anchor. Under no other do two signatures say anything."""
    return any_of(*(f"{anchor}_anchor_l = {anchor}_anchor_r" for anchor in SIGNED_BY[field]), *otherwise)


# One event, told by the forename's level alone: of the surname nothing is said then.
NAMES_SWAPPED = f"({signed_equal('forename', 'surname')}) and ({signed_equal('surname', 'forename')})"
ONLY_AN_INITIAL = [
    f"{anchor}_only_initial_token_{one} = {anchor}_initial_token_{other}"
    for anchor in ("dob", "postcode")
    for one, other in ("lr", "rl")
]
# Nicknames sound like the name that they stand for before anything is hashed: told with and without a birth date.
NICKNAME = any_of(equal("dob_root_forename"), equal("sound_names"))
SOUND_ALIKE = {
    "forename": equal("dob_sound_forename"),
    "surname": any_of(equal("sound_names"), equal("dob_sound_surname"), equal("postcode_sound_surname")),
}
CLOSE, ALIKE = 79, 68  # hundredths of a signature's bits: cosine of the q-grams about 0.8 and 0.55
A_DIGIT, TWO_DIGITS, A_YEAR = 83, 76, 70  # 7, 6 and the year's 4 of a birth date's 8 digits
A_CHARACTER, A_SECTOR = 80, 72  # all of a postcode's characters but one, or but two

TOKENS = Representation(
    levels={
        "forename": (
            signed_equal("forename", "forename"),
            NICKNAME,
            signed_alike("forename", CLOSE),
            NAMES_SWAPPED,
            any_of(*ONLY_AN_INITIAL),
            any_of(signed_alike("forename", ALIKE), SOUND_ALIKE["forename"]),
        ),
        "surname": (
            signed_equal("surname", "surname"),
            signed_alike("surname", CLOSE),
            any_of(signed_alike("surname", ALIKE), SOUND_ALIKE["surname"]),
        ),
        "dob": (
            equal("dob"),
            equal("dob_unordered"),
            signed_alike("dob", A_DIGIT),
            f"(dob_token_l is null or dob_token_r is null) and ({signed_alike('dob', A_YEAR)})",
            signed_alike("dob", TWO_DIGITS),
        ),
        "postcode": (
            equal("postcode"),
            signed_alike("postcode", A_CHARACTER),
            signed_alike("postcode", A_SECTOR),
        ),
        "nhs_number": (equal("nhs_number"),),
    },
    presence={field: f"{field}_present" for field in SIGNED_BY} | {"nhs_number": "nhs_number_token"},
    comparable={
        "forename": comparable("forename"),
        "surname": f"({comparable('surname')}) and not coalesce({NAMES_SWAPPED}, false)",
        "dob": comparable("dob", equal("dob_unordered")),
        "postcode": comparable("postcode", equal("postcode")),
        "nhs_number": "true",
    },
    counted={"dob": ("dob_token", "dob_unordered_token"), "postcode": ("postcode_token",)},
    rarities={"dob_token": ("dob",), "postcode_token": ("postcode",), "sound_names_token": ("forename", "surname")},
    prediction_rules=blocking.PREDICTION_RULES,
    training_rules=blocking.TRAINING_RULES,
    deterministic_rules=blocking.DETERMINISTIC_RULES,
    pools={
        "born on one day": blocking.rule("dob_token"),
        "at one postcode": blocking.rule("postcode_token"),
        "names that sound alike": blocking.rule("sound_names_token"),
    },
    unseen={("at one postcode", "forename"): 5},  # nicknames are told by a token that holds the birth date as well
)


def comparison(field: str, representation: Representation, u: dict | None = None) -> CustomComparison:
    """Splink's comparison of a field. u: field -> probability by gamma, in place of the starting values."""
    levels = [cll.CustomLevel(representation.missing(field)).configure(is_null_level=True)]
    for place, (level, sql) in enumerate(zip(LEVELS[field], (*representation.levels[field], "else"), strict=True)):
        made = cll.ElseLevel() if sql == "else" else cll.CustomLevel(sql)
        chance = level.u if u is None else float(u[field][top_gamma(field) - place])
        levels.append(made.configure(m_probability=level.m, u_probability=chance, label_for_charts=level.name))
    return CustomComparison(output_column_name=field, comparison_levels=levels)


def splink_settings(representation: Representation = TOKENS, u: dict | None = None) -> SettingsCreator:
    """Splink's settings for one table of identity versions, keyed by record_id."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[comparison(field, representation, u) for field in FIELDS],
        blocking_rules_to_generate_predictions=list(representation.prediction_rules),
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
        additional_columns_to_retain=["client_id", "feed_id"],
        max_iterations=50,
        em_convergence=0.001,
    )
