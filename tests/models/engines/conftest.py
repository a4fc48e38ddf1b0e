"""A small whole model: pixels scaled in it, NetVLAD, whitening behind."""

import keras
import numpy as np
import pytest

from placevec.layers import NetVLAD, PixelScaling, Whitening
from placevec.models import save_model


@pytest.fixture(scope="session")
def small_model():
    """Takes photos of any size, made for 40x56."""
    keras.utils.set_random_seed(0)
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos_40x56")
    x = PixelScaling(scale=2 / 255, offset=-1.0, channel_order="bgr", name="pixel_scaling")(photos)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.BatchNormalization()(x)
    x = NetVLAD(num_clusters=4, name="aggregator")(x)
    return keras.Model(photos, Whitening(dim=16, name="whitening")(x))


@pytest.fixture(scope="session")
def saved(small_model, tmp_path_factory):
    """The small model's file; its exports are shared by the tests of this room."""
    path = tmp_path_factory.mktemp("model") / "m.keras"
    save_model(small_model, path)
    return path


@pytest.fixture(scope="session")
def noise():
    """Seven photos, (7, 40, 56, 3) uint8."""
    return np.random.default_rng(1).integers(0, 256, (7, 40, 56, 3), dtype=np.uint8)
