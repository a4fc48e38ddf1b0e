import functools

import numpy as np
import pytest

from placevec.config.choices import HUBNESS
from placevec.retrieval.hubness import depth, mean_nearest, without_hubs
from placevec.store import nearest


def plain_loops(hubness, queries, database, count):
    """CSLS photo by photo."""

    def mean_of_best(vector, others):
        best = sorted((float(vector @ other) for other in others), reverse=True)[:10]
        return sum(best) / len(best)

    rows = []
    for query in queries:
        scores = {}
        for row, photo in enumerate(database):
            others = queries if hubness == "csls_batch" else np.delete(database, row, axis=0)
            scores[row] = 2 * float(query @ photo) - mean_of_best(photo, others)
            scores[row] -= mean_of_best(query, database)
        best = sorted(scores, key=scores.get, reverse=True)[:count]
        rows.append([(row, scores[row]) for row in best])
    return np.array(rows)


@pytest.mark.parametrize("hubness", ["csls", "csls_batch"])
def test_equals_the_formula_in_plain_loops(unit_vectors, hubness):
    queries, database = unit_vectors(14, 6), unit_vectors(30, 6, seed=1)
    found = nearest(database, queries, depth(hubness, 5))
    find = functools.partial(nearest, database)
    neighbors, scores = without_hubs(hubness, *found, queries, find, database.__getitem__)
    expected = plain_loops(hubness, queries, database, 5)
    np.testing.assert_array_equal(neighbors[:, :5], expected[..., 0])
    np.testing.assert_allclose(scores[:, :5], expected[..., 1], atol=1e-5)
    assert scores.dtype == np.float32


@pytest.mark.parametrize("hubness", ["csls", "csls_batch"])
def test_a_hub_answers_fewer_queries(hubness):
    """A photo between all others is the most similar to each changed query, and should not be."""
    rng = np.random.default_rng(0)
    photos = np.eye(12) + 0.01 * rng.normal(size=(12, 12))
    queries = np.eye(12) + 0.35
    hub = np.ones((1, 12))
    database = np.concatenate([photos, hub])
    queries, database = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, database))
    found = nearest(database, queries, 13)
    assert (found[0][:, 0] == 12).all()
    find = functools.partial(nearest, database)
    neighbors, _ = without_hubs(hubness, *found, queries, find, database.__getitem__)
    assert (neighbors[:, 0] == np.arange(12)).mean() > 0.9


def test_without_a_choice_all_stays_as_it_is(unit_vectors):
    found = nearest(unit_vectors(9, 4), unit_vectors(3, 4, seed=1), 5)
    assert without_hubs("none", *found, None, None, None) == found
    assert (depth("none", 5), depth("csls", 5), depth("csls_batch", 500)) == (5, 100, 500)
    assert set(HUBNESS) == {"none", "csls", "csls_batch"}


def test_what_is_not_there_stays_last(unit_vectors):
    database, queries = unit_vectors(3, 4), unit_vectors(2, 4, seed=1)
    neighbors, similarities = nearest(database, queries, 3)
    neighbors = np.hstack([neighbors, [[-1], [-1]]])
    similarities = np.hstack([similarities, [[-np.inf], [-np.inf]]]).astype(np.float32)
    find = functools.partial(nearest, database)
    neighbors, scores = without_hubs(
        "csls", neighbors, similarities, queries, find, database.__getitem__
    )
    assert (neighbors[:, -1] == -1).all() and np.isneginf(scores[:, -1]).all()
    assert np.isfinite(scores[:, :-1]).all()


def test_the_mean_is_of_those_that_are_there():
    similarities = np.array([[0.5, 0.9, -np.inf], [-np.inf] * 3])
    np.testing.assert_allclose(mean_nearest(similarities), [0.7, 0])


def test_refuses_an_unknown_choice():
    with pytest.raises(ValueError, match="hubness='cls'. Did you mean csls"):
        depth("cls", 5)
