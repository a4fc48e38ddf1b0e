import numpy as np
import pytest
from keras import ops

from placevec.losses.tuples import TupleMetric, split_tuple, tuple_similarities


def test_a_tuple_is_query_then_positives_then_negatives():
    y_pred = ops.convert_to_tensor(np.arange(12, dtype="float32").reshape(2, 6, 1))
    parts = [ops.convert_to_numpy(part)[..., 0] for part in split_tuple(y_pred, 3, 2)]
    np.testing.assert_array_equal(parts[0], [[0], [6]])
    np.testing.assert_array_equal(parts[1], [[1, 2, 3], [7, 8, 9]])
    np.testing.assert_array_equal(parts[2], [[4, 5], [10, 11]])


def test_similarities_equal_the_loops(y_pred, in_loops):
    positive, negative = tuple_similarities(ops.convert_to_tensor(y_pred), 3, 2)
    for row, descriptors in enumerate(y_pred):
        expected_positive, expected_negative = in_loops(descriptors)
        np.testing.assert_allclose(
            ops.convert_to_numpy(positive)[row], expected_positive, rtol=1e-6
        )
        np.testing.assert_allclose(
            ops.convert_to_numpy(negative)[row], expected_negative, rtol=1e-6
        )


def test_a_metric_that_measures_nothing_says_so(y_pred):
    with pytest.raises(NotImplementedError):
        TupleMetric(3, 2).update_state(None, y_pred)
