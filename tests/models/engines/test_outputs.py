import numpy as np
import pytest

from placevec.models.engines.outputs import descriptors_of, in_order

pytestmark = pytest.mark.one_backend
DESCRIPTORS, FEATURES = np.ones((2, 5), np.float16), np.ones((2, 3, 4, 6), np.float64)


@pytest.mark.parametrize(
    "outputs",
    [(DESCRIPTORS, FEATURES), (FEATURES, DESCRIPTORS), (np.int32(7), DESCRIPTORS, FEATURES)],
)
def test_descriptors_come_first_whatever_the_order(outputs):
    descriptors, features = in_order(outputs)
    assert (descriptors.shape, features.shape) == ((2, 5), (2, 3, 4, 6))
    assert descriptors.dtype == features.dtype == np.float32
    assert descriptors_of((descriptors, features)) is descriptors


def test_descriptors_alone_are_an_array():
    found = in_order([np.int32(7), DESCRIPTORS])
    assert found.shape == (2, 5) and descriptors_of(found) is found
