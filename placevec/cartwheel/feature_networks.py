"""Networks that turn scaled photos into local features: pretrained ones and small ones."""

from pathlib import Path

import keras

from placevec.models.backbones.backbones import local_features
from placevec.models.files.weights import load_weights

_L2 = 0.01  # weight decay of the small networks' convolutions
_FEATURE_DIM = 32  # `D` of the small networks


def cut_network(
    backbone: str,
    images: keras.KerasTensor,
    cut_layer: str,
    weights: str | Path | None = None,
    trainable: bool = True,
    kernel_regularizer: keras.regularizers.Regularizer | str | None = None,
) -> keras.KerasTensor:
    """Applies a backbone up to one of its layers, and sets which weights learn.

    Args:
        backbone: str. A name in `BACKBONES`.
        images: Symbolic tensor `(batch, height, width, C)`. Photos scaled as the weights expect,
            such as to [-1, 1] for MobileNet.
        cut_layer: str. Name of the last layer that is kept.
        weights: str, Path or None. `"imagenet"` (downloaded), a `.npz`, `.h5` or `.keras` file
            read by layer name, or None for random weights. Defaults to `None`.
        trainable: bool. Whether the backbone learns. Defaults to `True`.
        kernel_regularizer: Regularizer of the convolution kernels, or None. As in the MobileNet
            paper, depthwise kernels get none. Frozen kernels add nothing to the loss.

    Returns:
        Symbolic tensor `(batch, rows, columns, D)`, float.

    Raises:
        ValueError: If there is no such backbone or layer, or the weights do not fit.
        FileNotFoundError: If the weights file does not exist.
        ConnectionError: If the ImageNet weights cannot be downloaded.

    Example:

    >>> cut_network("mobilenetv2", keras.Input((240, 320, 3)), "block_9_add").shape
    (None, 15, 20, 64)
    """
    features = local_features(
        images, backbone=backbone, cut_layer=cut_layer, imagenet=weights == "imagenet"
    )
    network = keras.Model(images, features)
    if weights not in (None, "imagenet"):
        load_weights(network, Path(weights))
    regularizer = keras.regularizers.get(kernel_regularizer)
    for layer in network.layers:
        layer.trainable = trainable
        if regularizer is not None and isinstance(layer, keras.layers.Conv2D):
            # Saving reads the attribute; the loss of a built layer reads the variable.
            layer.kernel_regularizer = regularizer
            layer.kernel.regularizer = regularizer
    return features


def small_vgg(images: keras.KerasTensor) -> keras.KerasTensor:
    """Applies two blocks of two convolutions and scales back to the size of the photo.

    Args:
        images: Symbolic tensor `(batch, height, width, C)`. Scaled photos; sides divisible by 4.

    Returns:
        Symbolic tensor `(batch, height, width, 32)`, float. A local feature for each pixel.

    Example:

    >>> small_vgg(keras.Input((48, 64, 1))).shape
    (None, 48, 64, 32)
    """
    features = images
    for filters in (64, 128):
        for _ in range(2):
            features = _convolve(features, filters)
        features = keras.layers.MaxPooling2D(2)(features)
    return keras.layers.Conv2DTranspose(_FEATURE_DIM, 5, strides=4, padding="same")(features)


def pyramid_vgg(images: keras.KerasTensor) -> keras.KerasTensor:
    """Applies convolutions at a half, a quarter and an eighth of the size and adds their results.

    Args:
        images: Symbolic tensor `(batch, height, width, C)`. Scaled photos; sides divisible by 8.

    Returns:
        Symbolic tensor `(batch, height, width, 32)`, float. A local feature for each pixel.

    Example:

    >>> pyramid_vgg(keras.Input((48, 64, 1))).shape
    (None, 48, 64, 32)
    """
    features = images
    levels = []
    for filters, stride, kernel_size in ((64, 2, 7), (128, 4, 9), (128, 8, 11)):
        features = _convolve(_convolve(features, filters), filters, strides=2)
        enlarge = keras.layers.Conv2DTranspose(
            _FEATURE_DIM, kernel_size, strides=stride, padding="same"
        )
        levels.append(enlarge(features))
    return keras.layers.Add()(levels)


def enlarge_features(features: keras.KerasTensor) -> keras.KerasTensor:
    """Doubles the number of rows and columns twice, by learned convolutions.

    Args:
        features: Symbolic tensor `(batch, rows, columns, D)`.

    Returns:
        Symbolic tensor `(batch, 4 * rows, 4 * columns, 32)`, float.

    Example:

    >>> enlarge_features(keras.Input((12, 16, 128))).shape
    (None, 48, 64, 32)
    """
    for _ in range(2):
        features = keras.layers.Conv2DTranspose(
            _FEATURE_DIM, 9, strides=2, padding="same", activation="relu"
        )(features)
        features = keras.layers.BatchNormalization()(features)
    return features


def _convolve(features: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    features = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        activation="relu",
        kernel_regularizer=keras.regularizers.L2(_L2),
    )(features)
    return keras.layers.BatchNormalization()(features)
