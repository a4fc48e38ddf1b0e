import math

import numpy as np
import pytest
from keras import ops

from placevec.layers.pool_to_grid import pool_to_grid


def pool_in_loops(features, rows, columns):
    batch, height, width, feature_dim = features.shape
    pooled = np.zeros((batch, rows, columns, feature_dim))
    for row in range(rows):
        top, bottom = math.floor(row * height / rows), math.ceil((row + 1) * height / rows)
        for column in range(columns):
            left = math.floor(column * width / columns)
            right = math.ceil((column + 1) * width / columns)
            cell = features[:, top:bottom, left:right]
            pooled[:, row, column] = cell.sum(axis=(1, 2)) / ((bottom - top) * (right - left))
    return pooled


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (2, 3), (1, 1), (15, 20)])
@pytest.mark.parametrize("grid", [(1, 1), (2, 3), (4, 4)])
def test_equals_the_averages_in_loops(size, grid):
    features = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    received = ops.convert_to_numpy(pool_to_grid(ops.convert_to_tensor(features), grid))
    np.testing.assert_allclose(received, pool_in_loops(features, *grid), atol=1e-6)


@pytest.mark.parametrize("size", [(5, 7), (8, 9)])
def test_equals_keras_where_keras_can(size):
    features = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    features = ops.convert_to_tensor(features)
    expected = ops.adaptive_average_pool(features, (2, 3), data_format="channels_last")
    received = ops.convert_to_numpy(pool_to_grid(features, (2, 3)))
    np.testing.assert_allclose(received, ops.convert_to_numpy(expected), atol=1e-6)


def test_a_map_of_the_grids_size_is_not_changed():
    features = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    received = ops.convert_to_numpy(pool_to_grid(ops.convert_to_tensor(features), (4, 5)))
    np.testing.assert_allclose(received, features, atol=1e-7)
