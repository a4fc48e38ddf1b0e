import numpy as np
from keras import ops

from placevec.layers import MAC


def random_features(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_keeps_the_contract(check_layer):
    inputs = np.float32(np.float16(random_features(2, 3, 4, 5)))
    check_layer(MAC, {}, inputs, half_tolerance=1e-6)


def test_equals_the_maximum_in_loops():
    inputs = random_features(2, 3, 4, 5) - 2  # negative maxima stay
    received = ops.convert_to_numpy(MAC()(inputs))
    for photo, descriptor in zip(inputs, received, strict=True):
        maxima = np.array(
            [max(photo[r, c, d] for r in range(3) for c in range(4)) for d in range(5)]
        )
        np.testing.assert_allclose(descriptor, maxima / np.sqrt(sum(maxima**2)), atol=1e-6)
