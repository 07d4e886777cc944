"""What an attack achieved, in numbers and in a sentence: shares with exact binomial intervals, and chance beside them.

No attack and no file is known here.
"""

from scipy.stats import binomtest

INTERVAL = "Clopper-Pearson, 95 %, two-sided"


def interval(hits: int, of: int) -> tuple[float, float]:
    """Lower and upper bound of the exact 95 % binomial interval (Clopper-Pearson); (0, 1) where there is nobody."""
    if of == 0:
        return 0.0, 1.0
    bounds = binomtest(int(hits), int(of)).proportion_ci(0.95, method="exact")
    return float(bounds.low), float(bounds.high)


def outcome(
    attack: str,
    column: str,
    attacker: str,
    people: int,
    named: int,
    either: int,
    chance: float,
    chance_values: float,
    by_chance: str = "always guessing the commonest name",
    **more: object,
) -> dict:
    """One object of attacks.json, still without its encoder.

    attacker: what it has, to stand in "an attacker with ..."; people: records that it could try; named: forename and
    surname both right; either: at least one of them right; the chances are shares, and by_chance says got by what.
    """
    people, named, either = int(people), int(named), int(either)
    low, upper = interval(named, people)
    values_low, values_upper = interval(either, people)
    share, values_share = named / max(1, people), either / max(1, people)
    return {
        "attack": attack,
        "encoder": "",
        "column": column,
        "people": people,
        "people_reidentified": named,
        "share": round(share, 6),
        "low95": round(low, 6),
        "upper95": round(upper, 6),
        "values_recovered": either,
        "values_share": round(values_share, 6),
        "values_low95": round(values_low, 6),
        "values_upper95": round(values_upper, 6),
        "chance": round(float(chance), 6),
        "chance_values": round(float(chance_values), 6),
        "interval": INTERVAL,
        **more,
        "sentence": (
            f"An attacker with {attacker} correctly named {named:,} of {people:,} people "
            f"({share:.2%}, 95 % interval {low:.2%} to {upper:.2%}) and got at least one name right of {either:,} "
            f"({values_share:.2%}, {values_low:.2%} to {values_upper:.2%}); {by_chance} gives "
            f"{chance:.2%} and {chance_values:.2%}."
        ),
    }
