import sys

import numpy as np
import pytest

from placevec.config import changed
from placevec.images import read_image
from placevec.models import build_descriptor_model, load_model
from placevec.sources import open_places
from placevec.training import train
from placevec.training.step.distillation import start_descriptors
from placevec.training.step.tuple_model import make_tuple_model

SIZE = (32, 48)


def mean_of(photos):
    return photos.mean(axis=(1, 2)) / 255


class MeanModel:
    """A model whose descriptor is the mean of the left half of a photo."""

    output_shape = (None, 3)

    def __call__(self, photos):
        return mean_of(photos[:, :, : photos.shape[2] // 2])


def test_describes_photos_and_mirrored_ones(made_places):
    dataset = open_places(f"folder:{made_places / 'train'}")
    photos = np.stack([read_image(path, image_size=SIZE) for path in dataset.paths()])
    held = start_descriptors(MeanModel(), dataset, image_size=SIZE, mirrored=True)
    assert held.dtype == np.float32
    np.testing.assert_allclose(held[0], mean_of(photos[:, :, :24]), atol=1e-5)
    np.testing.assert_allclose(held[1], mean_of(photos[:, :, 24:]), atol=1e-5)
    plain = start_descriptors(MeanModel(), dataset, image_size=SIZE)
    np.testing.assert_array_equal(plain, held[:1])


@pytest.mark.one_backend
def test_a_tuple_gets_the_descriptors_of_its_own_photos(made_places, small_config, monkeypatch):
    """Those that the untrained network of the run gives for them."""
    config = small_config(distillation=1.0, flip_tuples=True, augmentation="none")
    batches = []
    module = sys.modules["placevec.training.tuples.sampler"]

    class Spy(module.TupleBatches):
        def epoch(self, epoch, first_step=0):
            for batch in super().epoch(epoch, first_step):
                batches.append(batch)
                yield batch

    monkeypatch.setattr(module, "TupleBatches", Spy)
    train(config)
    start = load_model(config.out / "untrained.keras")
    for photos, y_true in batches[:3]:
        expected = start.predict_on_batch(photos.reshape(-1, *photos.shape[2:]))
        held = y_true[:, :, 2:].reshape(expected.shape)
        np.testing.assert_allclose(held, expected, atol=1e-4)


@pytest.mark.one_backend
def test_goes_on_as_if_it_had_never_stopped(small_config, tmp_path):
    whole = small_config(out=tmp_path / "whole", distillation=3.0, flip_tuples=True)
    parts = changed(whole, out=tmp_path / "parts", epochs=1)
    train(whole)
    train(parts)
    train(changed(parts, epochs=whole.epochs, resume=True))
    one, other = (load_model(each.out / "model.keras").get_weights() for each in (whole, parts))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_weight_is_that_of_the_settings(small_config):
    config = small_config(distillation=7.0)
    tuple_model = make_tuple_model(build_descriptor_model(config.model), config)
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    descriptors = tuple_model.predict_on_batch(photos)
    positions_m = np.zeros((2, 4, 2), np.float32)
    near, far = (  # at a distance of 0, and of 1 from each unit descriptor
        tuple_model.evaluate(photos, np.concatenate([positions_m, held], axis=2), verbose=0)
        for held in (descriptors, np.zeros_like(descriptors))
    )
    assert far - near == pytest.approx(7.0, rel=1e-4)
