"""Backbones: the networks that turn a photo into a grid of local features."""

import functools
import http.client
import warnings
from collections.abc import Callable

import keras

from placevec.config.choices import BACKBONES, choose
from placevec.layers import LogExposure, PixelScaling


def pixel_scaling(
    backbone: str, channels: int, image_size: tuple[int, int] | None = None
) -> keras.Layer:
    """Returns the layer that turns raw pixels into what a backbone expects.

    Args:
        backbone: str. A name in `BACKBONES`.
        channels: int. Channels of the photos. If it is not 3, the layer has no color order, and
            scales all channels by the mean scale and offset.
        image_size: (int, int) or None. Rows and columns of the training photos.

    Returns:
        PixelScaling. `(batch, height, width, channels)` uint8 in [0, 255] in, float32 out.

    Raises:
        ValueError: If the backbone does not exist.
    """
    pixels = dict(choose(BACKBONES, backbone, "backbone").pixels)
    if channels != 3:
        pixels["channel_order"] = "rgb"
        for name in ("scale", "offset"):
            if isinstance(pixels[name], tuple):
                pixels[name] = sum(pixels[name]) / len(pixels[name])
    return PixelScaling(**pixels, image_size=image_size, name="pixel_scaling")


def local_features(
    images: keras.KerasTensor,
    *,
    backbone: str,
    cut_layer: str,
    linear_cut: bool = False,
    batch_norm_momentum: float | None = None,
    imagenet: bool = False,
) -> keras.KerasTensor:
    """Applies a backbone up to one of its layers.

    Args:
        images: Symbolic tensor `(batch, height, width, channels)`, scaled pixels.
        backbone: str. A name in `BACKBONES`.
        cut_layer: str. Name of the last layer that is kept.
        linear_cut: bool. Leave out the activation inside the cut layer, such as a convolution's.
        batch_norm_momentum: float or None. Momentum of the batch normalizations. None: that of the
            backbone.
        imagenet: bool. Download pretrained weights, which were learned from ImageNet (DINOv2: from
            LVD-142M). Otherwise weights are random.

    Returns:
        Symbolic tensor `(batch, rows, columns, D)`, float.

    Raises:
        ValueError: If the backbone or the layer does not exist, ImageNet weights are requested for
            photos that do not have 3 channels, or `linear_cut` is set but the cut layer has no
            activation inside.
        ConnectionError: If the ImageNet weights cannot be downloaded.
        OSError: If ImageNet weights from an earlier download are damaged.
        ImportError: If KerasHub is needed but not installed.
    """
    row = choose(BACKBONES, backbone, "backbone")
    make = functools.partial(row.find(), **row.constants)
    channels = images.shape[-1]
    if imagenet and channels != 3:
        raise ValueError(
            f"ImageNet weights need photos of 3 channels. Received: channels={channels}"
        )
    arguments = {"include_top": False, "input_tensor": images}
    if imagenet:
        network = _download(backbone, make, arguments)
    else:
        network = make(weights=None, **arguments)
    door = keras.layers.InputLayer | LogExposure | PixelScaling
    names = [layer.name for layer in network.layers if not isinstance(layer, door)]
    if cut_layer not in names:
        raise ValueError(
            f"{backbone} has no layer {cut_layer!r}. Usual: {row.cut_layer!r}; "
            f"others: {', '.join(name for name in names if not name.endswith(('_pad', '_BN')))}"
        )
    cut = network.get_layer(cut_layer)
    if linear_cut:
        if not hasattr(cut, "activation"):
            raise ValueError(
                "`linear_cut` leaves out the activation inside the cut layer. Received: "
                f"cut_layer={cut_layer!r}, a {type(cut).__name__} without one inside. Cut at "
                "a layer before its activation, or leave out `linear_cut`"
            )
        cut.activation = keras.activations.linear
    for layer in network.layers:
        if batch_norm_momentum is not None and isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = batch_norm_momentum
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0  # checkpoints do not keep its random state
    return cut.output


def _download(backbone: str, make: Callable[..., keras.Model], arguments: dict) -> keras.Model:
    try:
        with warnings.catch_warnings():
            # The weights do not depend on the size of photos, because the classifier is left out.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            return make(weights="imagenet", **arguments)
    except Exception as error:
        # Keras raises a bare Exception if it cannot reach the server.
        broken_off = isinstance(error, ConnectionError | TimeoutError | http.client.HTTPException)
        # KerasHub downloads with `requests`, whose errors are subclasses of OSError.
        broken_off = broken_off or type(error).__module__.startswith("requests.")
        if broken_off or "URL fetch failure" in str(error):
            raise ConnectionError(
                f"The ImageNet weights of {backbone} could not be downloaded ({error}). Go online "
                "once, give a weights file with `--model.weights FILE`, or start from random "
                "weights with `--model.weights none`"
            ) from error
        if isinstance(error, OSError):
            raise OSError(
                f"The downloaded ImageNet weights of {backbone} cannot be read ({error}). Delete "
                "them from the `models` folder of Keras, usually ~/.keras/models, and try again"
            ) from error
        raise
