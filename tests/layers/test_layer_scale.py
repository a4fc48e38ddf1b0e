import numpy as np
from keras import ops

from placevec.layers import LayerScale


def test_keeps_the_contract(check_layer):
    inputs = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    check_layer(LayerScale, {"initial_value": 0.5}, inputs, half_tolerance=1e-2)


def test_scales_each_channel():
    layer = LayerScale()
    inputs = np.float32([[1, 2], [3, 4]])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), 1e-6 * inputs)
    layer.set_weights([np.float32([10, 0.5])])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), [[10, 1], [30, 2]])
