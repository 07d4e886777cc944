"""How two partitions are compared in the bench."""

import numpy as np
import pytest

from pipelines.evaluation.bench import adjusted_rand, differing

SAME = np.array([0, 0, 1, 1, 2])


def test_partitions_that_only_number_people_otherwise_are_the_same():
    other = np.array([7, 7, 3, 3, 1])
    assert adjusted_rand(SAME, other) == 1
    assert differing(SAME, other) == 0


def test_a_person_split_in_two_is_two_people_who_differ():
    split = np.array([0, 1, 2, 2, 3])
    assert differing(SAME, split) == pytest.approx(2 / 4)
    # One pair of ten is together in both, two in one and one in the other: (1 - 0.2) / (1.5 - 0.2).
    assert adjusted_rand(SAME, split) == pytest.approx(0.8 / 1.3)
