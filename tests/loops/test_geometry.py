import numpy as np

from placevec.loops.geometry import check_geometry
from placevec.loops.scorer import Loop
from placevec.retrieval.reranking.rerank import LocalMatcher


def loop(query, match, accepted=True):
    return Loop(query, match, 0.9, 0.3, 1, None, None, accepted)


def points(query, rows):
    """As many matched points as the numbers of both photos say."""
    return [np.zeros((query - row, 4), np.float32) for row in rows.tolist()]


MATCHER = LocalMatcher(points, full_count=100)


def test_refuses_loops_with_too_few_points():
    checked = check_geometry([loop(30, 10), loop(30, 11)], MATCHER, 20)
    assert [(one.inliers, one.accepted) for one in checked] == [(20, True), (19, False)]


def test_does_not_accept_what_the_gap_refused():
    (checked,) = check_geometry([loop(90, 10, accepted=False)], MATCHER, 20)
    assert checked.inliers == 80 and not checked.accepted


def test_zero_only_counts():
    (checked,) = check_geometry([loop(10, 10)], MATCHER, 0)
    assert checked.inliers == 0 and checked.accepted


def test_the_usual_number_is_a_share_of_the_cells():
    checked = check_geometry([loop(50, 10), loop(49, 10)], MATCHER, None)
    assert [one.accepted for one in checked] == [True, False]
