import shutil

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.images import augmenter, photo_rng, read_image
from placevec.layers import fit_partial_whitening, fit_whitening
from placevec.models import build_descriptor_model, crop, load_model, model_id, save_model
from placevec.places import PlaceDataset
from placevec.retrieval import describe
from placevec.sources import open_places
from placevec.training import whiten
from placevec.training.start.whitening import check_whitening, start_projection

SIZE = (32, 48)


def whitened_in_plain(vectors, fitted):
    mean, projection = fitted
    expected = (vectors - mean) @ projection
    return expected / np.linalg.norm(expected, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def dataset(made_places):
    """24 photos, of which every third is a query only."""
    folder = open_places(f"folder:{made_places / 'train'}")
    return PlaceDataset(
        folder.root, folder.names, folder.positions_m, is_database=np.arange(24) % 3 > 0
    )


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", num_clusters=2))


@pytest.fixture(scope="module")
def descriptors(model, dataset):
    return describe(model, dataset.paths(), image_size=SIZE)[0]


def test_fits_on_the_database_photos(model, dataset, descriptors):
    whitened = whiten(model, dataset, 6, power=0.5, image_size=SIZE)
    received, _ = describe(whitened, dataset.paths(), image_size=SIZE)
    fitted = fit_whitening(descriptors[dataset.database], 6, 0.5)
    signs = np.sign(np.sum(whitened.layers[-1].get_weights()[1] * fitted[1], axis=0))
    expected = whitened_in_plain(descriptors, fitted) * signs
    np.testing.assert_allclose(received, expected, atol=1e-3)


def test_partial_whitening_is_fitted_on_changed_copies_too(model, dataset, descriptors):
    whitened = whiten(model, dataset, rank=5, augmentation="light", image_size=SIZE, seed=3)
    change, rows, parts = augmenter("light"), dataset.database, [descriptors[dataset.database]]
    for copy in (1, 2):
        photos = [
            change(read_image(path, image_size=SIZE), photo_rng(3, copy, index))
            for index, path in enumerate(dataset.paths(rows))
        ]
        parts.append(keras.ops.convert_to_numpy(model.predict_on_batch(np.stack(photos))))
    mean, directions = fit_partial_whitening(np.concatenate(parts), 5)
    received_mean, received = whitened.layers[-1].get_weights()
    np.testing.assert_allclose(received_mean, mean, atol=1e-5)
    received = received * np.sign(np.sum(received * directions, axis=0))
    np.testing.assert_allclose(received, directions, atol=5e-3)


def test_the_database_is_evened_out(model, dataset):
    """All spreads are the same before descriptors are scaled to unit length, and alike after."""
    whitened = whiten(model, dataset, 6, image_size=SIZE)
    received, _ = describe(whitened, dataset.paths(dataset.database), image_size=SIZE)
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-5)
    spread = received.std(axis=0)
    assert spread.max() < 2 * spread.min()


def test_draws_so_many_photos_by_the_seed(model, dataset):
    options = {"image_size": SIZE, "max_photos": 8}
    one, same, other = (
        whiten(model, dataset, 3, seed=seed, **options).layers[-1].get_weights()[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_allclose(one, same, atol=1e-6)
    assert np.abs(one - other).max() > 1e-4
    with pytest.raises(ValueError, match="at least 9 photos. Received: 8. Take more photos"):
        whiten(model, dataset, 8, **options)


def test_replaces_the_whitening_that_is_there(model, dataset, tmp_path):
    """So that whitening twice is whitening once, also of a model from a file."""
    once = whiten(model, dataset, 6, image_size=SIZE)
    save_model(once, tmp_path / "m.keras")
    twice = whiten(load_model(tmp_path / "m.keras"), dataset, 4, image_size=SIZE)
    expected = whiten(model, dataset, 4, image_size=SIZE)
    paths = dataset.paths()
    received, _ = describe(twice, paths, image_size=SIZE)
    np.testing.assert_allclose(received, describe(expected, paths, image_size=SIZE)[0], atol=1e-3)
    assert [layer.name for layer in twice.layers].count("whitening") == 1


def test_nothing_is_written_unless_it_is_asked_for(model, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    crop(whiten(model, dataset, 6, image_size=SIZE), 4)
    assert not list(tmp_path.iterdir())


def test_refuses_impossible_dimensions_before_the_long_work(model, dataset, monkeypatch):
    monkeypatch.setattr("placevec.training.start.whitening.describe", None)
    for refuse in (whiten, check_whitening):
        with pytest.raises(ValueError, match="at least 21 photos. Received: 16"):
            refuse(model, dataset, 20)
        with pytest.raises(ValueError, match="at most 48, the dimensions of a descriptor"):
            refuse(model, dataset, 49)
        with pytest.raises(ValueError, match="between 1 and 14 for 16 photos .*rank=19"):
            refuse(model, dataset, rank=19)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({}, "one of `dim` and `rank`, above 0. Received: dim=0, rank=0"),
        ({"dim": 2, "rank": 3}, "`rank` must be 0 with `dim`. Received: rank=3"),
        ({"rank": -1}, "`rank` must be at least 0. Received: rank=-1"),
        ({"rank": 3, "power": 0.2}, "`power` has no effect with dim=0"),
    ],
)
def test_refuses_settings_without_effect(model, dataset, settings, match):
    with pytest.raises(ValueError, match=match):
        whiten(model, dataset, **settings)


def test_stops_at_unreadable_photos_unless_told(model, dataset, tmp_path):
    shutil.copytree(dataset.root, tmp_path / "broken")
    broken = PlaceDataset(tmp_path / "broken", dataset.names, dataset.positions_m)
    broken.path(7).write_bytes(b"no photo")
    with pytest.raises(ValueError, match="1 of 24 photos to fit on cannot be read .first: .*@"):
        whiten(model, broken, 4, image_size=SIZE)
    left = whiten(model, broken, 4, image_size=SIZE, skip_unreadable=True)
    without = whiten(model, broken.take(np.delete(np.arange(24), 7)), 4, image_size=SIZE)
    means = [each.layers[-1].get_weights()[0] for each in (left, without)]
    np.testing.assert_allclose(*means, atol=1e-5)


def test_a_projection_starts_half_whitened(dataset):
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(
        ModelConfig(cut_layer="block_1_project_BN", num_clusters=2, projection_dim=6)
    )
    before = keras.Model(model.input, model.get_layer("aggregator").output)
    start_projection(model, dataset.paths(), image_size=SIZE, seed=0)
    vectors, _ = describe(before, dataset.paths(), image_size=SIZE)
    mean, projection = fit_whitening(vectors, 6, 0.5)
    received_mean, received = model.layers[-1].get_weights()
    np.testing.assert_allclose(received_mean, mean, atol=1e-5)
    received = received * np.sign(np.sum(received * projection, axis=0))
    np.testing.assert_allclose(received, projection, atol=1e-3 * np.abs(projection).max())
    assert len(model.layers[-1].trainable_weights) == 2


def test_a_model_without_projection_stays_as_it_is(model, dataset):
    before = model_id(model)
    start_projection(model, dataset.paths(), image_size=SIZE, seed=0)
    assert model_id(model) == before


def test_a_projection_needs_enough_photos(dataset):
    model = build_descriptor_model(
        ModelConfig(cut_layer="block_1_project_BN", num_clusters=2, projection_dim=24)
    )
    with pytest.raises(ValueError, match="at least 25 photos. Received: 24"):
        start_projection(model, dataset.paths(), image_size=SIZE, seed=0)
