import keras
import numpy as np
import pytest
import scipy.io

from placevec.config import ModelConfig
from placevec.images import read_image
from placevec.models import build_descriptor_model
from placevec.sources import open_places
from placevec.training import clusters_from_photos
from placevec.training.start.clusters import read_centers

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


def test_photos_are_drawn_from_the_whole_list(paths, monkeypatch):
    """The paper's code means to draw photos, but takes the first ones of the list."""
    model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", num_clusters=2))
    read = []
    monkeypatch.setattr("placevec.training.start.clusters._NUM_PHOTOS", 3)
    monkeypatch.setattr(
        "placevec.training.start.clusters.read_image",
        lambda path, **options: read.append(path) or read_image(path, **options),
    )
    for seed in range(8):
        clusters_from_photos(model, paths, image_size=SIZE, seed=seed)
    assert len(read) == 8 * 3
    assert len(set(read)) > len(paths) / 2


def test_leaves_other_aggregators_alone(paths):
    model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", aggregator="gem"))
    before = model.get_weights()
    clusters_from_photos(model, paths, image_size=SIZE, seed=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("variant", ["v1", "v2"])
def test_takes_given_centers(paths, variant):
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", num_clusters=4))
    centers = np.random.default_rng(0).normal(size=(4, 24)).astype(np.float32)
    clusters_from_photos(model, paths, image_size=SIZE, seed=0, variant=variant, centers=centers)
    layer = model.layers[-1]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer.centers), centers)
    assert keras.ops.convert_to_numpy(layer.bias).any() == (variant == "v2")


def test_reads_the_authors_centers(tmp_path):
    centers = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    scipy.io.savemat(tmp_path / "c.mat", {"clsts": centers})
    np.testing.assert_array_equal(read_centers(tmp_path / "c.mat"), centers.T)


def test_reads_the_published_centers(shared_data):
    path = shared_data("netvlad_clusters/pitts30k_train_vd16_conv5_3_preL2_k064_clst.mat")
    centers = read_centers(path)
    assert centers.shape == (64, 512)
    lengths = np.linalg.norm(centers, axis=1)
    assert (0.2 < lengths).all()  # means of unit vectors
    assert (lengths < 1).all()


def test_refuses_what_holds_no_centers(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_centers(tmp_path / "c.mat")
    (tmp_path / "c.mat").write_bytes(b"no centers")
    with pytest.raises(ValueError, match="c.mat is not a complete MATLAB file"):
        read_centers(tmp_path / "c.mat")
    scipy.io.savemat(tmp_path / "d.mat", {"other": np.zeros((2, 2))})
    with pytest.raises(ValueError, match="d.mat must hold the cluster centers"):
        read_centers(tmp_path / "d.mat")
    scipy.io.savemat(tmp_path / "e.mat", {"clsts": np.full((2, 2), np.nan)})
    with pytest.raises(ValueError, match="must be finite numbers"):
        read_centers(tmp_path / "e.mat")
