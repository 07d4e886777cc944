"""Which pairs are compared at all: those that share one of these keyed tokens.

Every two of the four fields forename, surname, birth date and postcode have a rule that their exact agreement passes
(most rules forgive more than that): training relies on it. Versions of one client are one person already and are not
compared. Nothing here reads data.
"""

RULE_TOKENS: tuple[tuple[str, ...], ...] = (
    ("nhs_number",),
    ("dob_sound_surname",),
    ("dob_sound_forename",),
    ("dob_root_forename",),
    ("dob_start_forename",),
    ("dob_start_surname",),
    ("dob_unordered", "postcode"),
    ("postcode_sound_surname",),
    ("postcode_root_forename",),
    ("postcode_initial",),
    ("sound_surname_year_start",),
    ("sound_forename_day_start",),
    ("names",),
    ("sound_names",),
)


def rule(*tokens: str) -> str:
    """SQL of a blocking rule: all these tokens equal, in records of two clients."""
    return " and ".join([*(f"l.{token}_token = r.{token}_token" for token in tokens), "l.client_id <> r.client_id"])


# Names in each other's place: the tokens of both share a key.
SWAPPED_RULES = (
    "l.dob_sound_surname_token = r.dob_sound_forename_token and l.client_id <> r.client_id",
    "l.dob_sound_forename_token = r.dob_sound_surname_token and l.client_id <> r.client_id",
)

PREDICTION_RULES = (*(rule(*tokens) for tokens in RULE_TOKENS), *SWAPPED_RULES)

# Expectation maximisation learns the fields that a rule does not use.
TRAINING_RULES: dict[str, str] = {
    "birth date": rule("dob"),
    "names": rule("names"),
    "postcode and forename": rule("postcode", "postcode_root_forename"),
}

# Rules that hardly ever join two people, for a first guess of how many pairs are one person.
DETERMINISTIC_RULES = (rule("names", "dob"), rule("postcode_root_forename", "dob"))
