"""Small networks that the tests of this room share."""

import functools

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.models import build_descriptor_model


@pytest.fixture(scope="session")
def shallow_model(shorten_mobilenetv2):
    """Returns a function from settings to a descriptor model with random weights.

    Networks are built once and shared: tests do not change their weights.
    """

    @functools.cache
    def build(**settings):
        keras.utils.set_random_seed(0)
        if settings.get("aggregator", "netvlad") in ("netvlad", "salad"):
            settings = {"num_clusters": 2, **settings}
        settings = {"cut_layer": "block_2_add", **settings}
        with pytest.MonkeyPatch.context() as patch:
            shorten_mobilenetv2(patch)
            return build_descriptor_model(ModelConfig(**settings))

    return build


@pytest.fixture
def random_photos():
    """Returns a function that makes photos of noise, (count, rows, columns, channels) uint8."""

    def make(count=2, rows=33, columns=47, channels=3):
        shape = (count, rows, columns, channels)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    return make
