"""What the tests of losses and metrics share: tuples, and the contract that every loss keeps."""

import functools
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


@pytest.fixture
def positions_m():
    """(4, 1 + 3 + 2, 2) float32: where the photos of `y_pred` were taken, in metres.

    The second tuple lies near the first, and two positives of the last one far from each other.
    """
    tuples = np.tile(
        np.array([[0, 0], [5, 0], [0, 9], [-4, 3], [90, 0], [0, -40]], "float32"), (4, 1, 1)
    )
    tuples[:, :, 0] += np.array([[0], [20], [1000], [2000]], "float32")
    tuples[3, 1:3, 1] = 15, -15
    return tuples


@pytest.fixture(scope="session")
def pair_loss_in_loops():
    """Returns a function: a batch -> a loss over its pairs, one for each tuple, in loops.

    `formula` gets an anchor's similarities to its positives and to its negatives, then the same
    of `held`, descriptors through which no gradient flows.
    """

    def losses(formula, positions_m, descriptors, radius_m, held=None):
        held = descriptors if held is None else held
        found = []
        for i in range(len(descriptors)):
            anchor_losses = []
            for a in range(1 + NUM_POSITIVES):
                pairs = [[], [], [], []]
                for j, k in np.ndindex(descriptors.shape[:2]):
                    is_far = math.dist(positions_m[i, a], positions_m[j, k]) > radius_m
                    if is_far or (i == j and k != a and k <= NUM_POSITIVES):
                        for at, vectors in ((0, descriptors), (2, held)):
                            similarity = np.float64(vectors[i, a]) @ np.float64(vectors[j, k])
                            pairs[at + is_far].append(similarity)
                anchor_losses.append(formula(*pairs))
            found.append(sum(anchor_losses) / len(anchor_losses))
        return found

    return losses


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

    def measure(loss, y_pred, dtype="float32", y_true=None):
        y_true = np.zeros((len(y_pred), 1)) if y_true is None else y_true
        model = model_of(y_pred, dtype)
        model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True, jit_compile=False)
        model.train_on_batch(np.zeros((len(y_pred), 1)), y_true)
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
        shape = loss.call(None, keras.KerasTensor((7, None, None), dtype="float16")).shape
        assert shape == (7,)

        def total(batch):
            return sum(formula(descriptors) for descriptors in batch)

        _check_slope(gradient(loss, y_pred), y_pred, total)
        _check_save_and_load(loss, y_pred, np.zeros(len(y_pred)), tmp_path / "model.keras")
        for policy in ("mixed_float16", "mixed_bfloat16"):
            assert np.isfinite(gradient(loss, y_pred, policy)).all()
        for equal in (np.zeros_like(y_pred), np.repeat(y_pred[:, :1], y_pred.shape[1], axis=1)):
            found = gradient(loss, equal)
            assert np.isfinite(found).all()
            assert not found.any() or not is_zero_when_all_are_equal
        _check_refusals(loss_class, loss, y_pred)

    return check


@pytest.fixture
def check_pair_loss(y_pred, positions_m, gradient, pair_loss_in_loops):
    """Returns a function that holds a loss over pairs to the formula of an anchor, in loops."""

    def check(loss_class, arguments, formula):
        def losses(batch, held=None):
            return pair_loss_in_loops(formula, positions_m, batch, loss.negative_radius_m, held)

        arguments = {"negative_radius_m": 25.0, **arguments}
        loss = loss_class(NUM_POSITIVES, NUM_NEGATIVES, **arguments)
        expected = np.array(losses(y_pred))
        assert expected.max() > 0
        _check_config(loss, arguments, base=keras.losses.Loss, shared={"name", "reduction"})
        _check_values(loss, y_pred, expected, positions_m)
        slope = gradient(loss, y_pred, y_true=positions_m)
        _check_slope(slope, y_pred, lambda batch: sum(losses(batch, held=y_pred)))

    return check


@pytest.fixture
def check_pair_loss_contract(tmp_path, y_pred, positions_m, gradient):
    """Returns a function that holds a loss over pairs to what all of them keep."""

    def check(loss_class):
        loss_class = functools.partial(loss_class, negative_radius_m=25.0)
        loss = loss_class(NUM_POSITIVES, NUM_NEGATIVES)
        _check_save_and_load(loss, y_pred, positions_m, tmp_path / "model.keras")
        for policy in ("mixed_float16", "mixed_bfloat16"):
            assert np.isfinite(gradient(loss, y_pred, policy, positions_m)).all()
        for equal in (np.zeros_like(y_pred), np.repeat(y_pred[:1, :1], 4, axis=0).repeat(6, 1)):
            assert np.isfinite(gradient(loss, equal, y_true=positions_m)).all()
        _check_refusals(loss_class, loss, y_pred, positions_m)

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


def _check_values(loss, y_pred, expected, y_true=None):
    y_true = np.zeros(y_pred.shape[:1], "float32") if y_true is None else y_true
    places = ops.convert_to_tensor(y_true)
    per_tuple = loss.call(places, ops.convert_to_tensor(y_pred))
    assert tuple(per_tuple.shape) == (len(y_pred),)
    np.testing.assert_allclose(ops.convert_to_numpy(per_tuple), expected, rtol=1e-5, atol=1e-6)
    assert float(loss(y_true, y_pred)) == pytest.approx(expected.mean(), rel=1e-5, abs=1e-6)
    for half in ("float16", "bfloat16"):
        rounded = ops.cast(ops.convert_to_tensor(y_pred), half)
        received = loss.call(places, rounded)
        assert keras.backend.standardize_dtype(received.dtype) == "float32"
        whole = loss.call(places, ops.cast(rounded, "float32"))
        np.testing.assert_array_equal(ops.convert_to_numpy(received), ops.convert_to_numpy(whole))
    any_places = keras.KerasTensor((None, *y_true.shape[1:]))
    symbolic = ops.sum(loss.call(any_places, keras.KerasTensor((None, *y_pred.shape[1:]))), axis=0)
    assert symbolic.dtype == "float32"


def _check_slope(found, y_pred, total):
    steepest = np.abs(found).max()
    assert steepest > 1e-3
    whole = y_pred.astype("float64")
    for index in np.ndindex(y_pred.shape):
        step = np.zeros(y_pred.shape)
        step[index] = 1e-6
        slope = (total(whole + step) - total(whole - step)) / 2e-6
        assert math.isclose(found[index], slope, abs_tol=1e-5 * max(1, steepest))


def _check_save_and_load(loss, y_pred, y_true, path):
    source = keras.Input((6, 5))
    model = keras.Model(source, keras.layers.Dense(5, name="dense")(source))
    model.compile("sgd", loss)
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert type(loaded.loss) is type(loss)
    assert loaded.loss.get_config() == loss.get_config()
    history = loaded.fit(y_pred, y_true, verbose=0).history["loss"]
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


def _check_refusals(tuple_class, thing, y_pred, y_true=None):
    measure = (
        thing.measure if hasattr(thing, "measure") else lambda y_pred: thing.call(y_true, y_pred)
    )
    for wrong in (y_pred[:, :5], y_pred[0], y_pred[..., None]):
        with pytest.raises(
            ValueError, match=r"shape \(batch, 6, D\): one query, 3 positives and 2"
        ):
            measure(ops.convert_to_tensor(wrong))
    needs_negatives = getattr(thing, "least_negatives", 1) > 0
    kind = "a positive integer" if needs_negatives else "an integer of at least 0"
    for count in (0, -1, 2.0, None):
        with pytest.raises(
            ValueError, match="`num_positives` must be a positive integer. Received"
        ):
            tuple_class(count, 2)
        if count != 0 or needs_negatives:
            with pytest.raises(ValueError, match=f"`num_negatives` must be {kind}. Received"):
                tuple_class(2, count)
