"""Fits batch normalization to the photos before the first step, and makes it fast in each step."""

import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from placevec.counted import counted
from placevec.training.start.clusters import read_photos

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
    """Measures the running statistics of a network with random weights on photos.

    New statistics are mean 0 and variance 1, which the output of a random layer does not have. With
    them, local features and their clusters would differ from those during training.

    Args:
        model: keras.Model. A descriptor model, changed in place.
        paths: sequence of Path. Photos to choose from.
        image_size: (int, int). Rows and columns that photos are resized to.
        seed: int. Seed of the random choice.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
    """
    norms = _norms(model)
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
    _log.info("batch normalization was fitted to %s", counted(len(batch), "photo"))


def fuse_batch_norm(model: keras.Model) -> None:
    """Lets TensorFlow compute each batch normalization in one operation.

    Keras computes a mean, a variance and products. Each of them, and each gradient, reads and
    writes all features. TensorFlow also joins a batch normalization that does not learn to the
    convolution before it. Nothing changes on other backends, in float64, or if layers are
    synchronized over devices. The result of the layers and their saved files stay the same.

    Args:
        model: keras.Model. A descriptor model, whose layers are changed in place.
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in _norms(model):
        if layer.axis in (-1, 3) and not layer.renorm:
            layer.call = functools.partial(_normalize, layer)


def _normalize(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Does the same as `BatchNormalization.call`, including its running statistics."""
    import tensorflow as tf

    learns = bool(training and layer.trainable)
    has_operation = len(inputs.shape) == 4 and layer.compute_dtype != "float64" and mask is None
    if layer.synchronized or not has_operation:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    running = (layer.moving_mean, layer.moving_variance)
    given = [tf.zeros(0) if learns else tf.cast(each, "float32") for each in running]
    features = tf.cast(inputs, "float32")
    channels = features.shape[-1]
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=features,
        scale=tf.cast(layer.gamma, "float32") if layer.scale else tf.ones(channels),
        offset=tf.cast(layer.beta, "float32") if layer.center else tf.zeros(channels),
        mean=given[0],
        variance=given[1],
        epsilon=layer.epsilon,
        is_training=learns,
    )
    if not learns:
        return tf.cast(outputs, layer.compute_dtype)
    # TensorFlow's operation divides by count - 1, but Keras by count.
    count = tf.cast(tf.reduce_prod(tf.shape(features)[:-1]), "float32")
    variance *= (count - 1) / count
    for average, value in zip(running, (mean, variance), strict=True):
        average.assign(average * layer.momentum + value * (1 - layer.momentum))
    return tf.cast(outputs, layer.compute_dtype)


def _norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
