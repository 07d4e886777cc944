"""Clustering on declared links: components as a graph library finds them, weak bridges cut, numbers that never meet."""

import igraph
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.linkage import cluster
from pipelines.linkage.cluster import NO_NUMBER, Links

STRONG, WEAK, AGAINST = 0.999, 0.95, 0.001


def links(*pairs: tuple[int, int, float]) -> Links:
    """Links from (client, client, probability); what speaks against one person does so by its details."""
    left, right, probability = (np.array(column) for column in zip(*pairs, strict=True))
    return Links(left, right, probability, np.log2(probability / (1 - probability)))


def together(labels: np.ndarray) -> list[list[int]]:
    return sorted(np.flatnonzero(labels == label).tolist() for label in np.unique(labels))


def people(
    given: Links, clients: int, threshold: float = 0.9, verified: dict[int, int] | None = None
) -> list[list[int]]:
    numbers = np.full(clients, NO_NUMBER)
    for client, number in (verified or {}).items():
        numbers[client] = number
    return together(cluster.people(given, clients, threshold, numbers))


edges = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 29)).filter(lambda pair: pair[0] < pair[1]), unique=True, min_size=1
)


@settings(max_examples=200, deadline=None)
@given(edges)
def test_components_are_those_that_igraph_finds(pairs):
    found = together(cluster.components(links(*((a, b, STRONG) for a, b in pairs)), 30))
    assert found == sorted(sorted(members) for members in igraph.Graph(30, pairs).connected_components())


def test_two_groups_held_together_by_one_weak_link_are_cut():
    groups = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]
    across = [(a, b, AGAINST) for a in (0, 1, 2) for b in (3, 4, 5) if (a, b) != (2, 3)]
    given = links(*((a, b, STRONG) for a, b in groups), (2, 3, WEAK), *across)
    assert people(given, 6) == [[0, 1, 2], [3, 4, 5]]


def test_a_chain_whose_ends_were_only_too_sparse_to_link_stays_one_person():
    given = Links(
        np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([STRONG, STRONG, 0.3]), np.array([20.0, 20.0, 6.0])
    )
    assert people(given, 3) == [[0, 1, 2]]


def test_a_pair_below_the_threshold_is_two_people():
    assert people(links((0, 1, 0.89)), 2) == [[0], [1]]
    assert people(links((0, 1, 0.9)), 2) == [[0, 1]]


def test_two_verified_numbers_do_not_meet_directly():
    assert people(links((0, 1, STRONG)), 2, verified={0: 11, 1: 22}) == [[0], [1]]


def test_two_verified_numbers_do_not_meet_through_others():
    given = links((0, 1, STRONG), (1, 2, STRONG), (2, 3, STRONG), (1, 3, STRONG))
    found = people(given, 4, verified={0: 11, 3: 22})
    assert not any({0, 3} <= set(members) for members in found)


def test_the_same_verified_number_is_no_obstacle():
    assert people(links((0, 1, STRONG)), 2, verified={0: 11, 1: 11}) == [[0, 1]]
