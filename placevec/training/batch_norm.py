"""Batch normalisation that fits the photos before the first training step."""

import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from placevec.images import read_image

_log = logging.getLogger(__name__)
_NUM_PHOTOS = 64


def settle_batch_norm(
    model: keras.Model, paths: Sequence[Path], *, image_size: tuple[int, int], seed: int
) -> None:
    """Gives a network of random weights the statistics of photos as its running statistics.

    Fresh statistics say mean 0 and variance 1, which no random layer gives: local features, and
    clusters made of them, would be others than those that training sees.

    Args:
        model: keras.Model. A descriptor model; changed in place.
        paths: sequence of Path. Photos to draw from; unreadable ones stop it.
        image_size: (int, int). Rows and columns that photos are resized to.
        seed: int. Seed of the draw.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    drawn = np.random.default_rng(seed).permutation(len(paths))[:_NUM_PHOTOS]
    photos = np.stack(
        [
            read_image(paths[row], image_size=image_size, channels=model.input_shape[-1])
            for row in drawn
        ]
    )
    for layer in norms:
        layer.momentum = 0.0
    model(photos, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    _log.info("batch normalisation settled on %d photos", len(drawn))
