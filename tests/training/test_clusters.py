import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.images import read_image
from placevec.models import build_descriptor_model
from placevec.sources import open_places
from placevec.training import clusters_from_photos

SIZE = (32, 48)


@pytest.fixture
def paths(made_places):
    return open_places(f"folder:{made_places / 'train'}").paths()


def test_clusters_lie_among_the_local_features(paths):
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", num_clusters=4))
    clusters_from_photos(model, paths, image_size=SIZE, seed=0)
    backbone = keras.Model(model.input, model.layers[-1].input)
    photos = np.stack([read_image(path, image_size=SIZE) for path in paths])
    features = keras.ops.convert_to_numpy(backbone(photos)).reshape(-1, 24)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    centers = keras.ops.convert_to_numpy(model.layers[-1].centers)
    distance = np.linalg.norm(features[:, None] - centers[None], axis=2)
    spread = np.linalg.norm(features - features.mean(axis=0), axis=1).mean()
    assert distance.min(axis=1).mean() < spread
    assert len(set(distance.argmin(axis=1))) == 4


def test_a_projection_behind_the_clusters_does_not_hide_them(paths):
    centers = []
    for projection_dim in (0, 5):
        keras.utils.set_random_seed(0)
        config = ModelConfig(
            cut_layer="block_1_project_BN", num_clusters=4, projection_dim=projection_dim
        )
        model = build_descriptor_model(config)
        clusters_from_photos(model, paths, image_size=SIZE, seed=0)
        centers.append(keras.ops.convert_to_numpy(model.get_layer("aggregator").centers))
    np.testing.assert_array_equal(*centers)


def test_is_seeded(paths):
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", num_clusters=4))
        clusters_from_photos(model, paths, image_size=SIZE, seed=3)
        weights.append(keras.ops.convert_to_numpy(model.layers[-1].kernel))
    np.testing.assert_array_equal(*weights)


def test_leaves_other_aggregators_alone(paths):
    model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", aggregator="gem"))
    before = model.get_weights()
    clusters_from_photos(model, paths, image_size=SIZE, seed=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
