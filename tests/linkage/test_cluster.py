"""Clustering on declared links: components as a graph library finds them, weak bridges cut, numbers that never meet."""

from itertools import combinations

import igraph
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from pipelines.linkage import cluster
from pipelines.linkage.cluster import NO_NUMBER, Constraints, Links

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


def constraints(clients: int, must=(), cannot=(), last: dict[int, int] | None = None) -> Constraints:
    together = np.full(clients, cluster.ALONE)
    for client, person in (last or {}).items():
        together[client] = person
    return Constraints(np.array(must, int).reshape(-1, 2), np.array(cannot, int).reshape(-1, 2), together)


def under(given: Links, rules: Constraints, verified: dict[int, int] | None = None, threshold: float = 0.9):
    clients = len(rules.together)
    numbers = np.full(clients, NO_NUMBER)
    for client, number in (verified or {}).items():
        numbers[client] = number
    return together(cluster.people(given, clients, threshold, numbers, rules))


def test_a_must_link_joins_what_no_pair_speaks_for():
    assert under(links((0, 1, AGAINST)), constraints(2, must=[(0, 1)])) == [[0, 1]]
    assert under(links((0, 1, STRONG)), constraints(4, must=[(2, 3)])) == [[0, 1], [2, 3]]


def test_a_cannot_link_keeps_two_apart_directly_and_through_others():
    assert under(links((0, 1, STRONG)), constraints(2, cannot=[(1, 0)])) == [[0], [1]]
    found = under(links((0, 1, STRONG), (1, 2, 0.99), (0, 2, STRONG)), constraints(3, cannot=[(0, 1)]))
    assert found == [[0, 2], [1]]


def test_a_human_may_join_two_verified_numbers_and_whoever_has_either_may_come_too():
    given = links((0, 1, STRONG), (1, 2, STRONG), (0, 2, STRONG))
    numbers = {0: 11, 1: 22, 2: 11}
    assert under(given, constraints(3), numbers) == [[0, 2], [1]]
    assert under(given, constraints(3, must=[(0, 1)]), numbers) == [[0, 1, 2]]


def test_a_third_verified_number_stays_out_of_what_a_human_joined():
    given = links((0, 1, STRONG), (1, 2, STRONG), (0, 2, STRONG))
    assert under(given, constraints(3, must=[(0, 1)]), {0: 11, 1: 22, 2: 33}) == [[0, 1], [2]]


def test_a_chain_of_must_links_against_a_cannot_link_binds_nobody_and_is_reported():
    rules = constraints(6, must=[(0, 1), (1, 2), (4, 5)], cannot=[(0, 2), (3, 4)])
    must, cannot = rules.conflicts()
    assert must.tolist() == [True, True, False] and cannot.tolist() == [True, False]
    given = links((0, 2, STRONG), (0, 1, AGAINST), (3, 4, STRONG))
    assert under(given, rules) == [[0, 2], [1], [3], [4, 5]]


def test_who_was_together_stays_so_a_little_below_what_a_new_join_needs():
    given = links((0, 1, 0.85), (2, 3, 0.85))
    assert under(given, constraints(4, last={0: 7, 1: 7, 2: 8, 3: 9})) == [[0, 1], [2], [3]]
    assert under(links((0, 1, 0.5)), constraints(2, last={0: 7, 1: 7})) == [[0], [1]]


def test_a_human_outranks_the_last_index():
    given = links((0, 1, STRONG))
    assert under(given, constraints(2, cannot=[(0, 1)], last={0: 7, 1: 7})) == [[0], [1]]


def test_of_two_that_are_both_beyond_doubt_but_kept_apart_the_likelier_is_joined():
    """Twins whom both feeds know: 0 and 1 with their numbers, 2 and 3 without."""
    beyond, sure, likely = 0.99995, 0.998, 0.96
    given = links((0, 2, beyond), (1, 3, beyond), (0, 3, sure), (1, 2, sure), (2, 3, likely))
    assert people(given, 4, threshold=0.5, verified={0: 1, 1: 2}) == [[0, 2], [1, 3]]


def test_one_who_is_equally_near_to_two_that_are_kept_apart_joins_neither():
    given = links((0, 1, STRONG), (1, 2, STRONG))
    assert under(given, constraints(3), {0: 11, 2: 22}) == [[0], [1], [2]]
    closer = links((0, 1, STRONG), (1, 2, 0.99))
    assert under(closer, constraints(3), {0: 11, 2: 22}) == [[0, 1], [2]]


CLIENTS = 9
probabilities = st.sampled_from([0.001, 0.3, 0.7, 0.93, 0.95, 0.999])  # few values: most of them tie
some_pairs = st.lists(
    st.tuples(st.integers(0, CLIENTS - 1), st.integers(0, CLIENTS - 1)).filter(lambda pair: pair[0] < pair[1]),
    unique=True,
)


@st.composite
def situations(draw):
    pairs = draw(some_pairs.filter(bool))
    scored = [(a, b, draw(probabilities)) for a, b in pairs]
    few = some_pairs.map(lambda drawn: drawn[:3])
    last = dict(enumerate(draw(st.lists(st.integers(-1, 3), min_size=CLIENTS, max_size=CLIENTS))))
    verified = dict(enumerate(draw(st.lists(st.sampled_from([0, 0, 0, 11, 22]), min_size=CLIENTS, max_size=CLIENTS))))
    return scored, draw(few), draw(few), last, verified


@settings(max_examples=150, deadline=None)
@given(situations())
def test_rules_hold_whatever_the_pairs_say(situation):
    scored, must, cannot, last, verified = situation
    rules = constraints(CLIENTS, must, cannot, last)
    person = {client: i for i, who in enumerate(under(links(*scored), rules, verified)) for client in who}
    human = igraph.Graph(CLIENTS, must).connected_components().membership
    torn = {human[a] for a, b in cannot if human[a] == human[b]}
    for a, b in must:
        assert person[a] == person[b] or human[a] in torn
    for a, b in cannot:
        assert person[a] != person[b] or human[a] == human[b]
    by_humans = (
        igraph.Graph(
            CLIENTS + 40,
            [*((a, b) for a, b in must if human[a] not in torn), *((c, CLIENTS + n) for c, n in verified.items() if n)],
        )
        .connected_components()
        .membership
    )
    for a, b in combinations(range(CLIENTS), 2):
        if verified[a] and verified[b] and person[a] == person[b]:
            assert by_humans[a] == by_humans[b]


@settings(max_examples=150, deadline=None)
@given(situations(), st.permutations(range(CLIENTS)), st.randoms())
def test_numbering_of_clients_and_order_of_links_do_not_matter(situation, new, random):
    scored, must, cannot, last, verified = situation
    found = under(links(*scored), constraints(CLIENTS, must, cannot, last), verified)
    renamed = [(*sorted((new[a], new[b])), p) for a, b, p in scored]
    random.shuffle(renamed)
    rules = constraints(
        CLIENTS,
        [(new[a], new[b]) for a, b in must],
        [(new[b], new[a]) for a, b in cannot],
        {new[c]: person for c, person in last.items()},
    )
    again = under(links(*renamed), rules, {new[c]: number for c, number in verified.items()})
    assert again == sorted(sorted(new[c] for c in who) for who in found)


@settings(max_examples=100, deadline=None)
@given(situations())
def test_a_second_run_over_the_same_pairs_changes_nothing(situation):
    scored, must, cannot, _, verified = situation
    first = under(links(*scored), constraints(CLIENTS, must, cannot), verified)
    last = {client: i for i, who in enumerate(first) for client in who}
    assert under(links(*scored), constraints(CLIENTS, must, cannot, last), verified) == first


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 12), st.integers(0, 10**6))
def test_without_ties_it_is_the_average_linkage_that_scipy_makes(clients, seed):
    random = np.random.default_rng(seed)
    left, right = np.triu_indices(clients, 1)
    bits = np.where(left == 0, random.uniform(4, 8, len(left)), random.uniform(-2, 8, len(left)))
    given = Links(left, right, 1 / (1 + np.exp2(-bits)), np.full(len(left), 20.0))
    tree = linkage(cluster.FOR - bits, method="average")
    expected = together(fcluster(tree, cluster.FOR - cluster.FLOOR, criterion="distance"))
    assert people(given, clients, 0.9) == expected  # the first client's links make one component of all


def test_a_lower_threshold_keeps_people_whole_and_the_rules_too():
    given = links((0, 1, STRONG), (1, 2, 0.7), (0, 2, 0.6))
    numbers = np.array([11, NO_NUMBER, 22])
    central = cluster.people(given, 3, 0.9, numbers)
    assert together(cluster.people(given, 3, 0.1, numbers, joined=central)) == [[0, 1], [2]]
    assert together(cluster.people(given, 3, 0.1, np.zeros(3, int), joined=central)) == [[0, 1, 2]]


@settings(max_examples=100, deadline=None)
@given(situations())
def test_spanning_links_hold_each_component_together_and_are_the_likeliest_that_do(situation):
    given = links(*situation[0])
    held = cluster.spanning_links(given, CLIENTS)
    forest = given.select(held)
    assert (cluster.components(forest, CLIENTS) == cluster.components(given, CLIENTS)).all()
    graph = igraph.Graph(CLIENTS, [(a, b) for a, b, _ in situation[0]])
    cost = [-cluster.log_odds(np.array(p)).item() for *_, p in situation[0]]
    expected = graph.spanning_tree(weights=cost, return_tree=False)
    assert sorted(forest.probability) == sorted(situation[0][edge][2] for edge in expected)
