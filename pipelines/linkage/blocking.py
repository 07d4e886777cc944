"""Which pairs are compared at all: those that share one of these keyed tokens.

Every two of the four fields forename, surname, birth date and postcode have a rule that their exact agreement passes
(most rules forgive more than that): training relies on it. The last rule, of both names' sounds, finds nothing where
the encoder's profile leaves that token out. Versions of one client are one person already and are not compared.
Nothing here reads data.
"""

RULE_TOKENS: tuple[tuple[str, ...], ...] = (
    ("nhs_number",),
    ("dob_sound_surname",),
    ("dob_sound_forename",),
    ("dob_root_forename",),
    ("dob_initial",),
    ("dob_unordered", "postcode"),
    ("postcode_sound_surname",),
    ("postcode_initial",),
    ("sound_names",),
)


def rule(*columns: str) -> str:
    """SQL of a blocking rule: all these columns equal, in records of two clients."""
    return " and ".join([*(f"l.{column} = r.{column}" for column in columns), "l.client_id <> r.client_id"])


# Names in each other's place: the tokens of both share a key.
SWAPPED_RULES = (
    "l.dob_sound_surname_token = r.dob_sound_forename_token and l.client_id <> r.client_id",
    "l.dob_sound_forename_token = r.dob_sound_surname_token and l.client_id <> r.client_id",
)

PREDICTION_RULES = (*(rule(*(f"{token}_token" for token in tokens)) for tokens in RULE_TOKENS), *SWAPPED_RULES)

SAME_NAMES = ("sound_names_token", "forename_by_names_w0", "surname_by_names_w0")
SAME_POSTCODE_AND_FORENAME = ("postcode_token", "forename_by_postcode_w0")

# Expectation maximisation learns the fields that a rule does not use.
TRAINING_RULES: dict[str, str] = {
    "birth date": rule("dob_token"),
    "names": rule(*SAME_NAMES),
    "postcode and forename": rule(*SAME_POSTCODE_AND_FORENAME),
}

# Rules that hardly ever join two people, for a first guess of how many pairs are one person.
DETERMINISTIC_RULES = (
    rule("dob_token", "forename_by_dob_w0", "surname_by_dob_w0"),
    rule("dob_token", *SAME_POSTCODE_AND_FORENAME),
)
