import math

import numpy as np
import pytest

from placevec.evaluation import recall


def recall_in_loops(neighbors, relevant, ranks):
    shares = {}
    for rank in ranks:
        found = answerable = 0
        for row, right in zip(neighbors, relevant, strict=True):
            if len(right) == 0:
                continue
            answerable += 1
            for place in row[:rank]:
                if place in right:
                    found += 1
                    break
        shares[rank] = found / answerable
    return shares


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_count_in_plain_loops(seed):
    rng = np.random.default_rng(seed)
    neighbors = np.array([rng.permutation(40)[:12] for _ in range(30)])
    relevant = [rng.permutation(40)[: rng.integers(0, 5)] for _ in range(30)]
    ranks = (1, 2, 5, 12)
    assert recall(neighbors, relevant, ranks) == recall_in_loops(neighbors, relevant, ranks)


def test_is_measured_at_1_5_and_10_unless_told():
    assert recall(np.array([[0]]), [np.array([0])]) == {1: 1.0, 5: 1.0, 10: 1.0}


def test_queries_without_a_right_answer_do_not_count():
    neighbors = np.array([[1, 0], [1, 0], [1, 0]])
    relevant = [np.array([1]), np.array([], int), np.array([0])]
    assert recall(neighbors, relevant, (1, 2)) == {1: 0.5, 2: 1.0}


def test_is_no_number_where_no_query_has_a_right_answer():
    shares = recall(np.zeros((2, 3), int), [np.array([], int)] * 2)
    assert list(shares) == [1, 5, 10]
    assert all(math.isnan(share) for share in shares.values())
    assert math.isnan(recall(np.zeros((0, 3), int), [])[1])


def test_no_photo_is_never_a_right_answer():
    assert recall(np.array([[-1, -1]]), [np.array([0])], (1, 2)) == {1: 0.0, 2: 0.0}


def test_no_neighbors_find_nothing():
    assert recall(np.zeros((1, 0), int), [np.array([0])], (1,)) == {1: 0.0}


def test_ranks_and_shares_are_plain_numbers():
    shares = recall(np.array([[0]]), [np.array([0])], np.array([1, 2]))
    assert [type(each) for each in (*shares, *shares.values())] == [int, int, float, float]


def test_refuses_another_number_of_queries():
    with pytest.raises(ValueError, match="one row for each query. Received: 2 and 1"):
        recall(np.zeros((2, 3), int), [np.array([0])])
