"""Batch normalisation that fits the photos before the first training step."""

import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from placevec.training.clusters import read_photos

_log = logging.getLogger(__name__)
_NUM_PHOTOS = 64


def settle_batch_norm(
    model: keras.Model,
    paths: Sequence[Path],
    *,
    image_size: tuple[int, int],
    seed: int,
    skip_unreadable: bool = False,
) -> None:
    """Gives a network of random weights the statistics of photos as its running statistics.

    Fresh statistics say mean 0 and variance 1, which no random layer gives: local features, and
    clusters made of them, would be others than those that training sees.

    Args:
        model: keras.Model. A descriptor model; changed in place.
        paths: sequence of Path. Photos to draw from.
        image_size: (int, int). Rows and columns that photos are resized to.
        seed: int. Seed of the draw.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    drawn = np.random.default_rng(seed).permutation(len(paths))[:_NUM_PHOTOS]
    photos = read_photos(
        [paths[row] for row in drawn],
        image_size=image_size,
        channels=model.input_shape[-1],
        skip_unreadable=skip_unreadable,
    )
    batch = np.stack(list(photos))
    for layer in norms:
        layer.momentum = 0.0
    model(batch, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    _log.info("batch normalisation settled on %d photos", len(batch))
