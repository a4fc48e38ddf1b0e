"""What the tests of losses and metrics share: tuples, and the contract that every loss keeps."""

import inspect
import math

import keras
import numpy as np
import pytest
from keras import ops

from placevec.losses import TripletRankingLoss

NUM_POSITIVES, NUM_NEGATIVES = 3, 2


class Held(keras.layers.Layer):
    """Returns a weight, whatever comes in: what is trained then is the loss's input."""

    def __init__(self, value, dtype="float32"):
        super().__init__(dtype=dtype, name="held")
        self.shape = value.shape
        self.held = self.add_weight(shape=value.shape, initializer="zeros")
        self.held.assign(value)

    def call(self, inputs):
        return ops.cast(self.held, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (None, *self.shape[1:])


def model_of(y_pred, dtype="float32"):
    source = keras.Input((1,))
    return keras.Model(source, Held(y_pred, dtype)(source))


@pytest.fixture
def y_pred():
    """(4, 1 + 3 + 2, 5) float32: unit descriptors of four tuples, near enough to break margins."""
    descriptors = 1 + np.random.default_rng(0).normal(size=(4, 6, 5))
    return np.float32(descriptors / np.linalg.norm(descriptors, axis=2, keepdims=True))


@pytest.fixture(scope="session")
def in_loops():
    """Returns a function: one tuple (6, D) -> lists of `<q, p>` and of `<q, n>`, in loops."""

    def similarities(descriptors):
        query = descriptors[0]
        found = []
        for other in descriptors[1:]:
            found.append(sum(float(a) * float(b) for a, b in zip(query, other, strict=True)))
        return found[:NUM_POSITIVES], found[NUM_POSITIVES:]

    return similarities


@pytest.fixture(scope="session")
def gradient():
    """Returns a function: gradient of the sum of a loss over its tuples, on any backend.

    It is what one step of gradient descent at rate 1 takes off.
    """

    def measure(loss, y_pred, dtype="float32"):
        model = model_of(y_pred, dtype)
        model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True, jit_compile=False)
        model.train_on_batch(np.zeros((len(y_pred), 1)), np.zeros((len(y_pred), 1)))
        return (y_pred - model.get_weights()[0]) * len(y_pred)

    return measure


@pytest.fixture
def check_loss(tmp_path, y_pred, gradient):
    """Returns a function that holds a loss to the contract and to its formula in loops."""

    def check(loss_class, arguments, formula, is_zero_when_all_are_equal=False):
        loss = loss_class(NUM_POSITIVES, NUM_NEGATIVES, **arguments)
        expected = np.array([formula(descriptors) for descriptors in y_pred])
        assert expected.max() > 0
        _check_config(loss, arguments, base=keras.losses.Loss, shared={"name", "reduction"})
        _check_values(loss, y_pred, expected)
        _check_slope(loss, y_pred, formula, gradient)
        _check_save_and_load(loss, y_pred, tmp_path / "model.keras")
        for policy in ("mixed_float16", "mixed_bfloat16"):
            assert np.isfinite(gradient(loss, y_pred, policy)).all()
        for equal in (np.zeros_like(y_pred), np.repeat(y_pred[:, :1], y_pred.shape[1], axis=1)):
            found = gradient(loss, equal)
            assert np.isfinite(found).all()
            assert not found.any() or not is_zero_when_all_are_equal
        _check_refusals(loss_class, loss, y_pred)

    return check


@pytest.fixture
def check_metric(tmp_path, y_pred):
    """Returns a function that holds a metric to the contract and to its formula in loops."""

    def check(metric_class, arguments, formula):
        metric = metric_class(NUM_POSITIVES, NUM_NEGATIVES, **arguments)
        expected = np.array([formula(descriptors) for descriptors in y_pred])
        assert len(set(expected)) > 1
        _check_config(metric, arguments, base=keras.metrics.Mean, shared={"name", "dtype"})
        received = metric.measure(ops.convert_to_tensor(y_pred))
        assert keras.backend.standardize_dtype(received.dtype) == "float32"
        np.testing.assert_allclose(ops.convert_to_numpy(received), expected, atol=1e-6)
        metric.update_state(None, y_pred[:2])
        metric.update_state(None, y_pred[2:])
        assert float(metric.result()) == pytest.approx(expected.mean(), abs=1e-6)
        _check_metric_in_fit(metric, y_pred, expected.mean(), tmp_path / "model.keras")
        _check_refusals(metric_class, metric, y_pred)

    return check


def _check_config(thing, arguments, base, shared):
    config = thing.get_config()
    own = set()
    for ancestor in type(thing).mro()[: type(thing).mro().index(base)]:
        own |= set(inspect.signature(ancestor.__init__).parameters) - {"self", "kwargs"}
    assert set(config) == own | shared
    assert type(thing).from_config(config).get_config() == config
    for name, value in arguments.items():
        assert config[name] == value == getattr(thing, name)


def _check_values(loss, y_pred, expected):
    per_tuple = loss.call(None, ops.convert_to_tensor(y_pred))
    assert tuple(per_tuple.shape) == (len(y_pred),)
    np.testing.assert_allclose(ops.convert_to_numpy(per_tuple), expected, atol=1e-6)
    assert float(loss(np.zeros(len(y_pred)), y_pred)) == pytest.approx(expected.mean(), abs=1e-6)
    for half in ("float16", "bfloat16"):
        rounded = ops.cast(ops.convert_to_tensor(y_pred), half)
        received = loss.call(None, rounded)
        assert keras.backend.standardize_dtype(received.dtype) == "float32"
        whole = loss.call(None, ops.cast(rounded, "float32"))
        np.testing.assert_array_equal(ops.convert_to_numpy(received), ops.convert_to_numpy(whole))
    symbolic = keras.ops.sum(loss.call(None, keras.KerasTensor((None, *y_pred.shape[1:]))), axis=0)
    assert symbolic.dtype == "float32"
    assert loss.call(None, keras.KerasTensor((7, None, None), dtype="float16")).shape == (7,)


def _check_slope(loss, y_pred, formula, gradient):
    found = gradient(loss, y_pred)
    assert np.abs(found).max() > 1e-3
    whole = y_pred.astype("float64")
    for index in np.ndindex(y_pred.shape):
        step = np.zeros(y_pred.shape)
        step[index] = 1e-6
        slope = formula((whole + step)[index[0]]) - formula((whole - step)[index[0]])
        assert math.isclose(found[index], slope / 2e-6, abs_tol=1e-5)


def _check_save_and_load(loss, y_pred, path):
    source = keras.Input((6, 5))
    model = keras.Model(source, keras.layers.Dense(5, name="dense")(source))
    model.compile("sgd", loss)
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert type(loaded.loss) is type(loss)
    assert loaded.loss.get_config() == loss.get_config()
    history = loaded.fit(y_pred, np.zeros(len(y_pred)), verbose=0).history["loss"]
    assert np.isfinite(history).all()


def _check_metric_in_fit(metric, y_pred, expected, path):
    source = keras.Input((6, 5))
    model = keras.Model(source, keras.layers.Identity()(source))
    model.compile("sgd", TripletRankingLoss(NUM_POSITIVES, NUM_NEGATIVES), metrics=[metric])
    model.evaluate(y_pred, np.zeros(len(y_pred)), 2, verbose=0)
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    for either in (model, loaded):
        found = either.evaluate(y_pred, np.zeros(len(y_pred)), 2, verbose=0, return_dict=True)
        assert found[metric.name] == pytest.approx(expected, abs=1e-6)


def _check_refusals(tuple_class, thing, y_pred):
    measure = (
        thing.measure if hasattr(thing, "measure") else lambda y_pred: thing.call(None, y_pred)
    )
    for wrong in (y_pred[:, :5], y_pred[0], y_pred[..., None]):
        with pytest.raises(
            ValueError, match=r"shape \(batch, 6, D\): one query, 3 positives and 2"
        ):
            measure(ops.convert_to_tensor(wrong))
    for count in (0, -1, 2.0, None):
        with pytest.raises(
            ValueError, match="`num_positives` must be a positive integer. Received"
        ):
            tuple_class(count, 2)
        with pytest.raises(
            ValueError, match="`num_negatives` must be a positive integer. Received"
        ):
            tuple_class(2, count)
