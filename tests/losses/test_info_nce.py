import math

import keras
import numpy as np
import pytest
from keras import ops

from placevec.losses import InfoNCELoss

POSITIONS_M = np.array(  # two tuples: query, two positives, one negative
    [
        [[0, 0], [5, 0], [0, 9], [90, 0]],
        [[20, 0], [24, 0], [20, 4], [300, 0]],  # within 25 m of the first tuple's query
    ],
    "float32",
)


@pytest.fixture
def descriptors():
    vectors = np.random.default_rng(1).normal(size=(2, 4, 6))
    return np.float32(vectors / np.linalg.norm(vectors, axis=2, keepdims=True))


def in_loops(positions_m, descriptors, temperature, radius_m):
    def softmax_loss(anchor, positive, place):
        own = math.exp(float(anchor @ positive) / temperature)
        others = 0.0
        for places, vectors in zip(positions_m, descriptors, strict=True):
            for other_place, vector in zip(places, vectors, strict=True):
                if math.dist(other_place, place) > radius_m:
                    others += math.exp(float(anchor @ vector) / temperature)
        return -math.log(own / (own + others))

    losses = []
    for places, vectors in zip(positions_m, descriptors, strict=True):
        terms = []
        for p in (1, 2):
            terms.append(softmax_loss(vectors[0], vectors[p], places[0]))
            terms.append(softmax_loss(vectors[p], vectors[0], places[p]))
        losses.append(sum(terms) / len(terms))
    return losses


@pytest.mark.parametrize(("temperature", "radius_m"), [(0.05, 25.0), (0.5, 25.0), (0.2, 10.0)])
def test_equals_the_formula_over_the_whole_batch(descriptors, temperature, radius_m):
    loss = InfoNCELoss(2, 1, temperature=temperature, negative_radius_m=radius_m)
    expected = in_loops(POSITIONS_M, descriptors, temperature, radius_m)
    received = loss.call(ops.convert_to_tensor(POSITIONS_M), ops.convert_to_tensor(descriptors))
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, rtol=1e-4)
    whole = float(loss(POSITIONS_M, descriptors))
    assert whole == pytest.approx(np.mean(expected), rel=1e-4)


def test_leaves_near_photos_of_other_tuples_out(descriptors):
    near = InfoNCELoss(2, 1, negative_radius_m=25.0).call(
        POSITIONS_M, ops.convert_to_tensor(descriptors)
    )
    apart = POSITIONS_M + np.array([[[0, 0]], [[1000, 0]]], "float32")
    far = InfoNCELoss(2, 1, negative_radius_m=25.0).call(apart, ops.convert_to_tensor(descriptors))
    assert float(far[0]) > float(near[0])


def test_is_zero_without_any_negative(descriptors):
    loss = InfoNCELoss(2, 1, negative_radius_m=1e4)
    received = loss.call(POSITIONS_M, ops.convert_to_tensor(descriptors))
    np.testing.assert_allclose(ops.convert_to_numpy(received), 0.0, atol=1e-6)


def test_keeps_its_arguments_and_trains(descriptors, tmp_path):
    loss = InfoNCELoss(2, 1, temperature=0.1, negative_radius_m=30.0)
    assert InfoNCELoss.from_config(loss.get_config()).get_config() == loss.get_config()
    source = keras.Input((4, 6))
    model = keras.Model(source, keras.layers.Dense(6)(source))
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert loaded.loss.get_config() == loss.get_config()
    before = loaded.evaluate(descriptors, POSITIONS_M, verbose=0)
    for _ in range(5):
        loaded.train_on_batch(descriptors, POSITIONS_M)
    assert loaded.evaluate(descriptors, POSITIONS_M, verbose=0) < before


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_is_computed_in_float32(descriptors, dtype):
    rounded = ops.cast(ops.convert_to_tensor(descriptors), dtype)
    received = InfoNCELoss(2, 1, negative_radius_m=25.0).call(POSITIONS_M, rounded)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    whole = InfoNCELoss(2, 1, negative_radius_m=25.0).call(
        POSITIONS_M, ops.cast(rounded, "float32")
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(received), ops.convert_to_numpy(whole))


def test_needs_no_negatives_in_the_tuples(descriptors):
    loss = InfoNCELoss(2, 0, negative_radius_m=25.0)
    received = loss.call(POSITIONS_M[:, :3] * 9, ops.convert_to_tensor(descriptors[:, :3]))
    assert (ops.convert_to_numpy(received) > 0).all()


def test_refuses_a_temperature_of_zero():
    with pytest.raises(ValueError, match="`temperature` must be above 0. Received: temperature=0"):
        InfoNCELoss(2, 1, temperature=0, negative_radius_m=25.0)
