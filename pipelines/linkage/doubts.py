"""What a linkage cannot know of itself and can still estimate without an answer key: how far its probabilities are off,
and how many of one person's pairs blocking never finds.

Verified NHS numbers tell who is one person where both records have one. Hidden from the model, they show what its
probabilities are worth on the other details: log odds, as draws use them, are shifted and stretched until they fit
(Platt 1999), and how well that is known is what draws vary. Feeds without numbers may be off in another way, in all their pairs: each
has a shift of its own beside the common one, as wide as is believed beforehand. Numbers are better kept for the better
recorded, so that what they show is rather too small.

How often blocking misses one person's pair is told by the model: by how often details change or come in badly, and
which feeds leave them out. Counting pairs that a third record of their person brought together (capture and recapture)
was tried and sees a third of it: a record that cannot be found by one partner cannot be found by another either.
"""

import duckdb
import numpy as np

from . import relations, score
from .comparisons import FIELDS, TOKENS, Representation, top_gamma
from .draws import FURTHEST, Doubts, free_bonus
from .train import Model

NUMBER = "nhs_number"
# What is believed before any number is seen: fields that are not independent misstate log odds by about so much, and
# by so much more for a feed that has too few numbers to tell.
SHIFT_SPREAD, SLOPE_SPREAD = 0.25, 0.15
OWN_SHIFT_SPREAD = 1.0
ALIKE = 1  # gamma of the lowest level of a name that still says something
MISSED_KNOWN_TO = 10.0  # pairs that blocking missed, seen so many times over: their share is known to within a third
FEWEST_ANCHORS = 100  # pairs with equal numbers from which feeds tell their own calibration
SHIFTS, SLOPES = np.linspace(-4, 4, 81), np.linspace(0.2, 1.8, 65)
BINS = 600  # of log odds
BEYOND_DOUBT = 5.0  # log odds
USUALLY_ALIKE, IMAGINED = (
    0.99,
    100.0,
)  # share of one person's verified numbers that are equal, in so many imagined pairs
SURELY_WRONG = 0.001  # share of verified numbers that two people share all the same, at the least


def learn(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    feeds: np.ndarray,
    central: np.ndarray,
    representation: Representation = TOKENS,
) -> Doubts:
    """Doubts of a linkage. Reads tables `versions` and `pairs`; feeds, central: feed and person number by client."""
    log_odds, agree, left, right = with_numbers_hidden(con, model, representation)
    free = _free(feeds, central, left, right)
    used = log_odds + free_bonus(feeds, central)[feeds[left], feeds[right]]
    calibration, covariance = fit(used[free], agree[free], _written_alike(log_odds, agree))
    share = missed_by_blocking(con, model, representation)
    anchors = np.zeros_like(share)
    np.add.at(anchors, (feeds[left][agree], feeds[right][agree]), 1)
    own_shift = np.where((anchors + anchors.T).max(axis=1) < FEWEST_ANCHORS, OWN_SHIFT_SPREAD, 0.0)
    missed = np.triu(np.full_like(share, MISSED_KNOWN_TO), 1)
    return Doubts(calibration, covariance, own_shift, missed, missed / np.maximum(share, 1e-9))


def fit(log_odds: np.ndarray, agree: np.ndarray, written_alike: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean (2,) and covariance (2, 2) of the shift and slope that make log odds fit what numbers say.

    agree: whether the numbers of a pair are equal. written_alike: how often one person's two numbers are.
    """
    edges = np.linspace(-FURTHEST, FURTHEST, BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    place = np.clip(np.digitize(log_odds, edges) - 1, 0, BINS - 1)
    alike, pairs = np.bincount(place, agree, BINS), np.bincount(place, minlength=BINS)
    shift, slope = np.meshgrid(SHIFTS, SLOPES, indexing="ij")
    same = 1 / (1 + np.exp(-(shift[..., None] + slope[..., None] * centres)))
    chance = same * written_alike + (1 - same) * SURELY_WRONG
    fitted = alike @ np.log(chance.T.reshape(BINS, -1)) + (pairs - alike) @ np.log(1 - chance.T.reshape(BINS, -1))
    posterior = (
        fitted.reshape(shift.T.shape).T - (shift / SHIFT_SPREAD) ** 2 / 2 - ((slope - 1) / SLOPE_SPREAD) ** 2 / 2
    )
    weight = np.exp(posterior - posterior.max()).ravel()
    values = np.array([shift.ravel(), slope.ravel()])
    return np.average(values, axis=1, weights=weight), np.cov(values, aweights=weight, ddof=0)


def _free(feeds: np.ndarray, central: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether either client of a pair has nobody in the other's feed but, perhaps, the other."""
    counts = np.zeros((central.max(initial=-1) + 1, feeds.max(initial=-1) + 1), dtype=np.int64)
    np.add.at(counts, (central, feeds), 1)
    both = central[left] == central[right]
    return (counts[central[left], feeds[right]] == both) & (counts[central[right], feeds[left]] == both)


def _written_alike(log_odds: np.ndarray, agree: np.ndarray) -> float:
    """How often one person's two verified numbers are equal: among pairs that are beyond doubt without them."""
    sure = log_odds >= BEYOND_DOUBT
    return float((agree[sure].sum() + USUALLY_ALIKE * IMAGINED) / (sure.sum() + IMAGINED))


def with_numbers_hidden(
    con: duckdb.DuckDBPyConnection, model: Model, representation: Representation = TOKENS
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of clients that both have a verified number, found and weighed without it: log odds, whether the two
    numbers are one, and either client."""
    rules = " or ".join(f"({rule})" for rule in representation.prediction_rules if NUMBER not in rule)
    con.execute(
        f"""
        create or replace table hidden as
        select pairs.record_id_l, pairs.record_id_r, pairs.rule
        from pairs
        inner join versions as l on l.record_id = pairs.record_id_l
        inner join versions as r on r.record_id = pairs.record_id_r
        where pairs.rule >= 0 and pairs.across and l.is_latest and r.is_latest
            and l.nhs_number_verified and r.nhs_number_verified and gamma_{NUMBER} >= 0 and ({rules})
        """
    )
    score.compare(con, "hidden", "hidden_compared", "versions", representation)
    con.execute("alter table hidden_compared add column agree boolean")
    con.execute(f"update hidden_compared set agree = gamma_{NUMBER} = {top_gamma(NUMBER)}, gamma_{NUMBER} = -1")
    score.weigh(con, "hidden_compared", "hidden_weighed", model.relations, representation)
    found = con.execute(
        """
        select ln(greatest(match_probability, 1e-12) / greatest(1 - match_probability, 1e-12)) as log_odds,
            agree, client_id_l, client_id_r
        from hidden_weighed order by record_id_l, record_id_r
        """
    ).fetchnumpy()
    for table in ("hidden", "hidden_compared", "hidden_weighed"):
        con.execute(f"drop table {table}")
    types = {"log_odds": float, "agree": bool, "client_id_l": np.int64, "client_id_r": np.int64}
    return tuple(np.asarray(found[column]).astype(kind) for column, kind in types.items())


def missed_by_blocking(
    con: duckdb.DuckDBPyConnection, model: Model, representation: Representation = TOKENS
) -> np.ndarray:
    """Share of one person's pairs that no blocking rule finds or that two numbers keep apart, by pair of feeds.

    (feeds, feeds), symmetric.

    From the model's levels of one person and from which fields the feeds fill. A signature that is at least alike stands
    for a name that sounds alike, since rules ask for the sound and levels tell the likeness.
    """
    grid, masks = relations.pattern_grid(), relations.presence_masks()
    forename, surname, dob, postcode, number = grid.T
    born, lives = dob >= top_gamma("dob") - 1, postcode == top_gamma("postcode")
    found = born & ((forename >= ALIKE) | (surname >= ALIKE) | lives)
    found |= lives & ((surname >= ALIKE) | (forename > ALIKE))
    found |= number == top_gamma(NUMBER)
    if model.training["compared_by_names_alone"]:
        found |= (forename > ALIKE) & (surname > ALIKE)
    found &= (
        number != 0
    )  # two numbers of one person, one of them wrong: never joined by the model, and still one person
    person = 2 ** relations.log2_person(model.relations, True, grid) / relations.person_share(model.relations, True)
    missed = np.bincount(masks[~found], person[~found], minlength=2 ** len(FIELDS))
    filled = " + ".join(
        f"(({representation.presence[field]} is not null)::integer << {place})" for place, field in enumerate(FIELDS)
    )
    rows = con.execute(
        f"select feed_id, {filled}, count(*) from versions where is_latest group by all order by all"
    ).fetchall()
    share = np.zeros((1 + max(feed for feed, _, _ in rows), 2 ** len(FIELDS)))
    for feed, mask, records in rows:
        share[feed, mask] = records
    share /= share.sum(axis=1, keepdims=True)
    both = np.bitwise_and.outer(np.arange(share.shape[1]), np.arange(share.shape[1]))
    return share @ missed[both] @ share.T
