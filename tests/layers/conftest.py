"""What the tests of layers share: the contract that every layer keeps, and its gradients."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


class Held(keras.layers.Layer):
    """Returns a weight, whatever comes in: what is trained then is the next layer's input."""

    def __init__(self, value):
        super().__init__(dtype="float32", name="held")
        self.shape = value.shape
        self.held = self.add_weight(shape=value.shape, initializer="zeros")
        self.held.assign(value)

    def call(self, inputs):
        return self.held

    def compute_output_shape(self, input_shape):
        return (None, *self.shape[1:])


@pytest.fixture(scope="session")
def gradients():
    """Returns a function: gradients of `sum(weights * layer(inputs))`, on any backend.

    They are what one step of gradient descent at rate 1 takes off: `{"inputs": ..., path: ...}`.
    """

    def measure(layer, inputs, weights):
        source = keras.Input((1,))
        held = Held(inputs)
        model = keras.Model(source, layer(held(source)))
        batch_size = len(inputs)
        model.compile(
            keras.optimizers.SGD(1.0),
            lambda y_true, y_pred: batch_size * ops.sum(y_true * ops.cast(y_pred, "float32"), -1),
            run_eagerly=True,
            jit_compile=False,
        )
        before = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
        model.train_on_batch(np.zeros((batch_size, 1)), np.reshape(weights, (batch_size, -1)))
        after = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
        names = [
            "inputs" if weight is held.held else weight.name for weight in model.trainable_weights
        ]
        return {name: a - b for name, a, b in zip(names, before, after, strict=True)}

    return measure


@pytest.fixture
def check_layer(tmp_path, gradients):
    """Returns a function that holds a layer to the contract, at any inputs (B, ..., C)."""

    def check(layer_class, arguments, inputs, *, half_tolerance):
        layer = layer_class(**arguments)
        expected = ops.convert_to_numpy(layer(inputs))
        _check_config(layer, arguments)
        _check_save_and_load(layer, inputs, expected, tmp_path / "model.keras")
        for policy in POLICIES:
            other = layer_class(**arguments, dtype=policy)
            _check_symbolic(other, inputs)
            other.set_weights(layer.get_weights())
            received = ops.convert_to_numpy(ops.cast(other(inputs), "float32"))
            tolerance = 1e-6 if policy == "float32" else half_tolerance
            np.testing.assert_allclose(received, expected, atol=tolerance)
            if inputs.dtype == np.float32 and expected.ndim == 2:
                _check_training_step(other, inputs, expected.shape, gradients)

    return check


def _check_config(layer, arguments):
    config = layer.get_config()
    own = set()
    for ancestor in type(layer).mro()[: type(layer).mro().index(keras.layers.Layer)]:
        own |= set(inspect.signature(ancestor.__init__).parameters) - {"self", "kwargs"}
    assert set(config) == own | {"name", "trainable", "dtype"}
    assert type(layer).from_config(config).get_config() == config
    for name, value in arguments.items():
        assert getattr(layer, name) == value


def _check_save_and_load(layer, inputs, expected, path):
    photos = keras.Input((*[None] * (inputs.ndim - 2), inputs.shape[-1]), dtype=inputs.dtype.name)
    model = keras.Model(photos, layer(photos))
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(inputs)), expected)


def _check_symbolic(layer, inputs):
    symbolic = layer(keras.Input(inputs.shape[1:], dtype=inputs.dtype.name))
    eager = layer(inputs)
    assert tuple(symbolic.shape[1:]) == tuple(eager.shape[1:])
    assert symbolic.dtype == keras.backend.standardize_dtype(eager.dtype)


def _check_training_step(layer, inputs, output_shape, gradients):
    weights = np.random.default_rng(1).normal(size=output_shape)
    found = gradients(layer, inputs, weights)
    assert len(found) == 1 + len(layer.trainable_weights)
    for name, gradient in found.items():
        assert np.isfinite(gradient).all(), name
        assert np.abs(gradient).max() > 0, name
