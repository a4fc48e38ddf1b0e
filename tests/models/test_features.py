import keras
import numpy as np
import pytest

from placevec.layers import NetVLAD
from placevec.models.features import soft_assignment, with_features


def test_returns_the_descriptor_and_unit_features_in_front_of_the_aggregator(shallow_model):
    model = shallow_model()
    photos = np.random.default_rng(0).integers(0, 256, (2, 33, 47, 3), dtype=np.uint8)
    descriptors, features = map(
        keras.ops.convert_to_numpy, with_features(model).predict_on_batch(photos)
    )
    np.testing.assert_allclose(
        descriptors, keras.ops.convert_to_numpy(model.predict_on_batch(photos)), atol=1e-6
    )
    grid = keras.Model(model.input, model.get_layer("aggregator").input).predict_on_batch(photos)
    grid = keras.ops.convert_to_numpy(grid)
    expected = grid / np.linalg.norm(grid, axis=-1, keepdims=True)
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_refuses_a_model_without_an_aggregator():
    photos = keras.Input((8, 8, 3), dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.ops.cast(photos, "float32"))
    with pytest.raises(ValueError, match="0 aggregators. Take `--rerank sift`"):
        with_features(keras.Model(photos, pooled))


def test_refuses_a_model_with_two_aggregators():
    photos = keras.Input((8, 8, 3), dtype="uint8")
    cells = keras.ops.cast(photos, "float32")
    both = [NetVLAD(num_clusters=2)(cells) for _ in range(2)]
    with pytest.raises(ValueError, match="2 aggregators"):
        with_features(keras.Model(photos, keras.layers.Add()(both)))


def test_the_soft_assignment_is_that_of_the_aggregator(shallow_model):
    model = shallow_model()
    photos = np.random.default_rng(0).integers(0, 256, (2, 33, 47, 3), dtype=np.uint8)
    layer = model.get_layer("aggregator")
    features = keras.Model(model.input, layer.input).predict_on_batch(photos)
    found = soft_assignment(model)(photos)
    assert found.shape == (*features.shape[:3], layer.num_clusters)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    expected = keras.ops.convert_to_numpy(layer.assign(features))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_refuses_a_model_without_clusters():
    photos = keras.Input((8, 8, 3), dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.ops.cast(photos, "float32"))
    with pytest.raises(ValueError, match="Clusters need a model with one NetVLAD layer"):
        soft_assignment(keras.Model(photos, pooled))
