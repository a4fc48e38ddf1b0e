import numpy as np
import pytest

from placevec.principal_directions import principal_directions


@pytest.mark.parametrize("shape", [(6, 15), (40, 5)])
def test_equals_the_covariance_of_plain_loops(shape):
    vectors = np.random.default_rng(0).normal(size=shape) * np.linspace(1, 3, shape[1])
    mean = sum(vectors) / len(vectors)
    covariance = np.zeros((shape[1], shape[1]))
    for vector in vectors:
        for row in range(shape[1]):
            for column in range(shape[1]):
                off = (vector - mean)[row] * (vector - mean)[column]
                covariance[row, column] += off / (len(vectors) - 1)
    found, variances, directions = principal_directions(vectors)
    np.testing.assert_allclose(found, mean)
    assert len(variances) == min(shape[0] - 1, shape[1]) and (np.diff(variances) <= 0).all()
    np.testing.assert_allclose(directions.T @ directions, np.eye(len(variances)), atol=1e-5)
    np.testing.assert_allclose((directions * variances) @ directions.T, covariance, atol=1e-4)


def test_returns_as_many_directions_as_asked_for_and_all_variances():
    vectors = np.random.default_rng(0).normal(size=(30, 8))
    _, variances, directions = principal_directions(vectors, 3)
    assert len(variances) == 8 and directions.shape == (8, 3)


def test_equal_vectors_spread_in_no_direction():
    _, variances, directions = principal_directions(np.ones((5, 3)))
    assert len(variances) == 0 and directions.shape == (3, 0)
