"""What agreement of two records means: levels of each field, from equal to different, as SQL over tokens alone.

The SQL is the part that DuckDB and Spark both run. Starting values of m and u stand here too: they are used for a
level that a region's own people cannot teach (an empty field, a few hundred records), and the training record says so.
Nothing here reads data.
"""

from dataclasses import dataclass

import splink.comparison_level_library as cll
from splink import SettingsCreator
from splink.comparison_library import CustomComparison

from pipelines.pseudonymise.encode import BITS_PER_GRAM

from .blocking import PREDICTION_RULES
from .load import WORDS


@dataclass(frozen=True)
class Level:
    """One degree of agreement. m and u are starting values: P(level) for one person, and for two strangers."""

    name: str
    sql: str
    m: float
    u: float
    term_frequency: str = ""  # token column whose commonness moves the weight of this level


def dice_at_least(field: str, hundredths: int) -> str:
    """SQL: the Dice coefficient of two filters is at least this. Integers only, no division."""
    both = " + ".join(f"cast(bit_count({field}_w{i}_l & {field}_w{i}_r) as integer)" for i in range(WORDS))
    return f"200 * ({both}) >= {hundredths} * ({field}_n_l + {field}_n_r)"


def equal(token: str) -> str:
    return f"{token}_token_l = {token}_token_r"


BITS_OF_AN_INITIAL = 2 * BITS_PER_GRAM["forename"]  # a single letter has two bigrams with its padding
ONLY_AN_INITIAL = f"least(forename_n_l, forename_n_r) <= {BITS_OF_AN_INITIAL}"
NAMES_SWAPPED = "(forename_swap_token_l = surname_swap_token_r or surname_swap_token_l = forename_swap_token_r)"
YEAR_ALONE = "(dob_only_year_token_l = dob_year_token_r or dob_year_token_l = dob_only_year_token_r)"

# Field -> levels from the most to the least agreement; the last one takes what is left.
LEVELS: dict[str, tuple[Level, ...]] = {
    "forename": (
        Level("the same", equal("forename"), 0.80, 0.006, "forename_token"),
        Level("the same but for a nickname", equal("forename_root"), 0.05, 0.003),
        Level("close", dice_at_least("forename", 80), 0.03, 0.001),
        Level("the other's surname", NAMES_SWAPPED, 0.01, 0.0005),
        Level("an initial only", ONLY_AN_INITIAL, 0.01, 0.01),
        Level("alike", dice_at_least("forename", 55), 0.05, 0.01),
        Level("different", "else", 0.06, 0.98),
    ),
    "surname": (
        Level("the same", equal("surname"), 0.84, 0.002, "surname_token"),
        Level("close", dice_at_least("surname", 80), 0.03, 0.0005),
        Level("the other's forename", NAMES_SWAPPED, 0.01, 0.0005),
        Level("alike", dice_at_least("surname", 55), 0.05, 0.004),
        Level("different", "else", 0.07, 0.993),
    ),
    "dob": (
        Level("the same", equal("dob"), 0.90, 0.00005, "dob_token"),
        Level("the same with day and month swapped", equal("dob_unordered"), 0.01, 0.00003),
        Level("the same but for a digit or the day", dice_at_least("dob", 85), 0.05, 0.002),
        Level("the same year, where one date is only a year", YEAR_ALONE, 0.02, 0.001),
        Level("the same but for two digits", dice_at_least("dob", 78), 0.02, 0.02),
        Level("different", "else", 0.02, 0.978),
    ),
    "postcode": (
        Level("the same", equal("postcode"), 0.72, 0.0002, "postcode_token"),
        Level("the same but for a character", dice_at_least("postcode", 82), 0.06, 0.0005),
        Level("in the same sector", equal("postcode_sector"), 0.04, 0.01),
        Level("different", "else", 0.18, 0.989),
    ),
    "nhs_number": (
        Level("the same", equal("nhs_number"), 0.98, 0.000001),
        Level("different", "else", 0.02, 0.999999),
    ),
}
FIELDS = tuple(LEVELS)

# Column that is NULL where the field is missing.
PRESENCE = {field: f"{field}_n" for field in FIELDS} | {"nhs_number": "nhs_number_token"}


def top_gamma(field: str) -> int:
    """Splink numbers levels from 0 (the last) upwards; -1 is missing."""
    return len(LEVELS[field]) - 1


def comparison(field: str) -> CustomComparison:
    levels = [cll.NullLevel(PRESENCE[field])]
    for level in LEVELS[field]:
        if level.term_frequency:
            made = cll.ExactMatchLevel(level.term_frequency, term_frequency_adjustments=True)
        else:
            made = cll.ElseLevel() if level.sql == "else" else cll.CustomLevel(level.sql)
        levels.append(made.configure(m_probability=level.m, u_probability=level.u, label_for_charts=level.name))
    return CustomComparison(output_column_name=field, comparison_levels=levels)


def splink_settings() -> SettingsCreator:
    """Splink's settings for one table of identity versions, keyed by record_id."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[comparison(field) for field in FIELDS],
        blocking_rules_to_generate_predictions=list(PREDICTION_RULES),
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
        additional_columns_to_retain=["client_id", "feed_id"],
        max_iterations=50,
        em_convergence=0.001,
    )
