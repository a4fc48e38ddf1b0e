import functools
import sys

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.config.choices import BACKBONES
from placevec.models import build_descriptor_model, load_model, model_id, save_model
from placevec.models.backbones.dinov2 import copy_keras_hub_weights, dinov2

SIZE = {"feature_dim": 8, "num_heads": 2, "num_blocks": 2, "num_positions": 4}


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def small(monkeypatch):
    """Makes `dinov2s` a small network."""
    make = functools.partial(dinov2, preset="dinov2_small", **SIZE)
    monkeypatch.setattr("placevec.models.backbones.dinov2.dinov2_small", make)


def shuffle_weights(model):
    """No weight stays 0 or 1."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(generator.normal(0.3, 0.5, weight.shape))


@pytest.mark.parametrize(
    ("rows", "columns", "grid"),
    [
        (33, 47, (2, 3)),
        pytest.param(56, 56, (4, 4), marks=pytest.mark.one_backend),
        pytest.param(64, 96, (5, 7), marks=pytest.mark.one_backend),
        pytest.param(240, 320, (17, 23), marks=pytest.mark.one_backend),
    ],
)
def test_takes_photos_of_any_size(small, random_photos, rows, columns, grid):
    model = build_descriptor_model(ModelConfig("dinov2s", "patch_grid", num_clusters=2))
    features = keras.Model(model.input, model.layers[-1].input)
    photos = random_photos(2, rows, columns)
    assert features.predict_on_batch(photos).shape == (2, *grid, 8)
    assert features.output.shape == (None, None, None, 8)
    descriptors = to_numpy(model.predict_on_batch(photos))
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-5)


def test_survives_saving_and_gives_its_weights_to_another(small, random_photos, tmp_path):
    model = build_descriptor_model(ModelConfig("dinov2s", "patch_grid", num_clusters=2))
    shuffle_weights(model)
    save_model(model, tmp_path / "m.keras")
    photos = random_photos()
    expected = to_numpy(model.predict_on_batch(photos))
    loaded = load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(to_numpy(loaded.predict_on_batch(photos)), expected, atol=1e-6)
    assert model_id(loaded) == model_id(model)
    config = ModelConfig("dinov2s", "patch_grid", num_clusters=2, weights=str(tmp_path / "m.keras"))
    again = build_descriptor_model(config)
    np.testing.assert_allclose(to_numpy(again.predict_on_batch(photos)), expected, atol=1e-6)


@pytest.mark.parametrize("side", [56, 84])
def test_equals_the_network_of_keras_hub(random_photos, side):
    """At the size that positions were learned for, and at one that they are resized to."""
    keras_hub = pytest.importorskip("keras_hub")
    shape = {"patch_size": 14, "num_layers": 2, "hidden_dim": 8, "num_heads": 2}
    source = keras_hub.models.DINOV2Backbone(
        **shape, intermediate_dim=32, image_shape=(56, 56, 3), position_embedding_shape=(56, 56, 3)
    )
    shuffle_weights(source)
    network = dinov2(preset="", input_shape=(None, None, 3), **SIZE)
    copy_keras_hub_weights(source, network)
    if side != 56:
        resized = keras_hub.models.DINOV2Backbone(
            **shape, intermediate_dim=32, image_shape=(side, side, 3),
            position_embedding_shape=(56, 56, 3),
        )  # fmt: skip
        resized.embeddings.load_own_variables(stored(source.embeddings))
        projection = source.embeddings.patch_embeddings.projection
        resized.embeddings.patch_embeddings.projection.set_weights(projection.get_weights())
        resized.encoder.set_weights(source.encoder.get_weights())
        resized.layernorm.set_weights(source.layernorm.get_weights())
        source = resized
    else:
        source.embeddings.interpolated_position_embeddings.assign(
            to_numpy(source.embeddings.position_embeddings)
        )
    photos = np.float32(random_photos(2, side, side) / 255)
    tokens = to_numpy(source.predict_on_batch({"images": photos}))
    expected = tokens[:, 1:].reshape(2, side // 14, side // 14, 8)
    np.testing.assert_allclose(to_numpy(network.predict_on_batch(photos)), expected, atol=2e-5)


def stored(layer):
    variables = layer._trainable_variables + layer._non_trainable_variables
    return {str(i): to_numpy(variable) for i, variable in enumerate(variables)}


def test_fetches_the_weights_of_keras_hub(monkeypatch, small, random_photos):
    keras_hub = pytest.importorskip("keras_hub")
    source = keras_hub.models.DINOV2Backbone(
        14, 2, 8, 2, 32, image_shape=(56, 56, 3), position_embedding_shape=(56, 56, 3)
    )
    shuffle_weights(source)
    asked = []

    def from_preset(name):
        asked.append(name)
        return source

    monkeypatch.setattr(keras_hub.models.DINOV2Backbone, "from_preset", from_preset)
    settings = ModelConfig("dinov2s", "patch_grid", weights="imagenet")
    model = build_descriptor_model(settings)
    assert asked == ["dinov2_small"]
    for received, expected in zip(
        model.get_layer("block_1_dense1").get_weights(),
        source.encoder.layers[1].mlp.fc1.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(received, expected)


def test_says_how_to_go_on_without_the_internet(monkeypatch, small):
    keras_hub = pytest.importorskip("keras_hub")
    requests = pytest.importorskip("requests")

    def from_preset(name):
        raise requests.exceptions.ConnectionError("no route to kaggle")

    monkeypatch.setattr(keras_hub.models.DINOV2Backbone, "from_preset", from_preset)
    with pytest.raises(ConnectionError, match="dinov2s could not be downloaded .no route to kag"):
        build_descriptor_model(ModelConfig("dinov2s", "patch_grid", weights="imagenet"))


def test_says_how_to_install_keras_hub(monkeypatch, small):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match="DINOv2 needs KerasHub.*pip install 'placevec.dinov2.'"):
        build_descriptor_model(ModelConfig("dinov2s", "patch_grid", weights="imagenet"))


def test_the_table_has_the_published_sizes():
    """22 and 86 million weights, without those of the mask token."""
    for name, dim, heads in (("dinov2s", 384, 6), ("dinov2b", 768, 12)):
        sizes = BACKBONES[name].find().keywords
        assert (sizes["feature_dim"], sizes["num_heads"], sizes["num_blocks"]) == (dim, heads, 12)
