"""Draws of whole partitions: each pair as often together as it is likely, and no rule ever broken."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.linkage import doubts
from pipelines.linkage.cluster import ALONE, NO_NUMBER, Constraints, Links, in_order
from pipelines.linkage.draws import Doubts, changes, partitions

NUMBER = 2000


def links(*pairs: tuple[int, int, float]) -> Links:
    left, right, probability = (np.array(column) for column in zip(*pairs, strict=True))
    return Links(left, right, probability, np.zeros(len(pairs)))


def drawn(
    pairs: Links,
    feeds: list[int],
    verified: list[int] | None = None,
    constraints: Constraints | None = None,
    about: Doubts | None = None,
    number: int = NUMBER,
    seed: int = 1,
) -> np.ndarray:
    """(number, clients), with a central partition in which everybody is alone."""
    clients = len(feeds)
    return np.array(
        [
            in_order(labels)
            for labels in partitions(
                pairs,
                np.array(feeds),
                np.array(verified or [NO_NUMBER] * clients),
                constraints or Constraints.none(clients),
                np.arange(clients),
                about or Doubts.none(max(feeds) + 1),
                number,
                seed,
            )
        ]
    )


def together(labels: np.ndarray, one: int, other: int) -> float:
    return (labels[:, one] == labels[:, other]).mean()


def decided(clients: int, must: tuple = (), cannot: tuple = ()) -> Constraints:
    as_pairs = [np.array(pairs, dtype=np.int64).reshape(-1, 2) for pairs in (must, cannot)]
    return Constraints(*as_pairs, np.full(clients, ALONE))


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
def test_two_records_are_one_person_as_often_as_they_are_likely(probability):
    labels = drawn(links((0, 1, probability)), [0, 1])
    error = np.sqrt(probability * (1 - probability) / NUMBER)
    assert together(labels, 0, 1) == pytest.approx(probability, abs=4 * error)


def test_what_is_certain_never_varies():
    labels = drawn(links((0, 1, 0.9999), (1, 2, 0.9999), (0, 2, 0.95), (3, 4, 0.0001)), [0, 1, 2, 0, 1], number=200)
    assert (labels == [0, 0, 0, 1, 2]).all()


def test_records_that_a_human_put_apart_are_never_one_person_not_even_through_a_third():
    pairs = links((0, 1, 0.99), (1, 2, 0.99), (0, 2, 0.99))
    labels = drawn(pairs, [0, 1, 2], constraints=decided(3, cannot=((0, 2),)))
    assert together(labels, 0, 2) == 0
    assert together(labels, 0, 1) > 0.3


def test_records_that_a_human_joined_are_one_person_in_every_draw():
    labels = drawn(links((0, 1, 0.002)), [0, 1], constraints=decided(2, must=((0, 1),)))
    assert together(labels, 0, 1) == 1


def test_two_verified_numbers_are_two_people_unless_a_human_joined_them():
    pairs, feeds, numbers = links((0, 1, 0.99), (1, 2, 0.99), (0, 2, 0.99)), [0, 1, 2], [7, NO_NUMBER, 8]
    assert together(drawn(pairs, feeds, numbers), 0, 2) == 0
    assert together(drawn(pairs, feeds, numbers, decided(3, must=((0, 2),))), 0, 2) == 1


def test_a_second_record_of_a_feed_hangs_on_the_records_of_that_feed_and_by_half_on_others():
    one_feed_twice = links((0, 1, 0.9999), (0, 2, 0.9), (1, 2, 0.02))
    labels = drawn(one_feed_twice, [0, 1, 1])
    odds = 0.02 / 0.98 * (0.9 / 0.1) ** 0.5
    assert together(labels, 0, 2) == pytest.approx(odds / (1 + odds), abs=0.03)


def test_three_records_that_are_all_alike_are_one_person_more_often_than_two_would_be():
    labels = drawn(links((0, 1, 0.9), (1, 2, 0.9), (0, 2, 0.9)), [0, 1, 2])
    assert ((labels[:, 0] == labels[:, 1]) & (labels[:, 1] == labels[:, 2])).mean() > 0.9


def test_of_two_rivals_for_one_record_each_wins_about_as_often():
    labels = drawn(links((0, 1, 0.6), (0, 2, 0.6), (1, 2, 0.001)), [0, 1, 1])
    assert together(labels, 0, 1) == pytest.approx(together(labels, 0, 2), abs=0.08)
    assert together(labels, 1, 2) < 0.01


def test_where_partners_are_common_two_records_without_one_are_likelier_one_person():
    # Half of each feed's ten records have a partner in the other: of chance pairs a quarter would both be without.
    feeds, central = np.array([0] * 10 + [1] * 10), np.r_[np.arange(10), np.arange(5), np.arange(10, 15)]
    nobody = np.full(20, NO_NUMBER)
    made = partitions(links((9, 19, 0.5)), feeds, nobody, Constraints.none(20), central, Doubts.none(2), NUMBER, seed=1)
    assert together(np.array(list(made)), 9, 19) == pytest.approx(0.8, abs=0.04)


def test_the_same_seed_makes_the_same_draws_and_another_seed_others():
    pairs = links(*((2 * i, 2 * i + 1, 0.5) for i in range(50)))
    feeds = [0, 1] * 50
    once, again, other = (drawn(pairs, feeds, number=5, seed=seed) for seed in (3, 3, 4))
    assert (once == again).all()
    assert (once != other).any()


def test_missed_pairs_make_people_of_two_feeds_and_never_of_two_records_of_one_feed():
    feeds = np.array([0] * 500 + [1] * 500)
    central = np.r_[np.arange(500), np.arange(400), np.arange(500, 600)]  # 400 people in both feeds
    sure = links(*((i, 500 + i, 0.99999) for i in range(400)))
    missed = np.array([[0.0, 100.0], [0.0, 0.0]])
    about = replace(Doubts.none(2), missed=missed, chances=10 * missed)  # a tenth of the links is missed
    nobody = np.full(1000, NO_NUMBER)
    found = []
    for labels in partitions(sure, feeds, nobody, Constraints.none(1000), central, about, 200, seed=1):
        labels = in_order(labels)
        sizes = np.bincount(labels)
        assert sizes.max() == 2
        assert len(set(labels[:500])) == len(set(labels[500:])) == 500
        found.append((sizes == 2).sum())
    assert np.mean(found) == pytest.approx(440, abs=3)
    assert np.std(found) > 5


def test_doubt_about_calibration_is_shared_by_all_pairs_of_a_draw():
    pairs = links(*((2 * i, 2 * i + 1, 0.5) for i in range(200)))
    about = replace(Doubts.none(2), covariance=np.diag([1.0, 0.0]))
    feeds_own = replace(Doubts.none(2), own_shift=np.array([1.0, 0.0]))
    alone, shared, own = (
        np.std([len(set(row)) for row in drawn(pairs, [0, 1] * 200, about=doubt, number=300)])
        for doubt in (None, about, feeds_own)
    )
    assert shared > 3 * alone
    assert own == pytest.approx(shared, rel=0.2)


def test_changes_name_a_set_of_clients_once_and_leave_out_what_is_as_in_the_central_partition():
    central = np.array([0, 0, 1, 2])
    made = changes(central, iter([np.array([0, 0, 1, 1]), np.array([5, 5, 3, 4]), np.array([0, 1, 2, 2])]), seed=1)
    rows = list(zip(made.draw.tolist(), made.client.tolist(), made.variant.tolist(), strict=True))
    assert rows == [(1, 2, 1), (1, 3, 1), (3, 0, 2), (3, 1, 3), (3, 2, 1), (3, 3, 1)]


def test_probabilities_that_numbers_show_too_low_are_shifted_up():
    rng = np.random.default_rng(1)
    log_odds = rng.normal(0, 2, 5000)
    agree = rng.random(5000) < 1 / (1 + np.exp(-(1 + 0.5 * log_odds)))
    calibration, covariance = doubts.fit(log_odds, agree, written_alike=1 - 1e-9)
    assert calibration == pytest.approx([1, 0.5], abs=0.15)
    assert (np.sqrt(np.diag(covariance)) < 0.1).all()


def test_without_numbers_calibration_is_as_uncertain_as_was_believed_before():
    _, covariance = doubts.fit(np.empty(0), np.empty(0, dtype=bool), written_alike=0.98)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(doubts.SHIFT_SPREAD, rel=0.05)
