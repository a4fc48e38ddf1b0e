import numpy as np
from keras import ops

from placevec.layers import SPoC


def random_features(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_keeps_the_contract(check_layer):
    inputs = np.float32(np.float16(random_features(2, 3, 4, 5)))
    check_layer(SPoC, {}, inputs, half_tolerance=1e-6)


def test_equals_the_average_in_loops():
    inputs = random_features(2, 3, 4, 5)
    received = ops.convert_to_numpy(SPoC()(inputs))
    for photo, descriptor in zip(inputs, received, strict=True):
        mean = sum(photo[row, column] for row in range(3) for column in range(4)) / 12
        np.testing.assert_allclose(descriptor, mean / np.sqrt(sum(mean**2)), atol=1e-6)


def test_a_photo_of_nothing_has_the_zero_vector():
    assert not ops.convert_to_numpy(SPoC()(np.zeros((1, 2, 2, 3), "float32"))).any()
