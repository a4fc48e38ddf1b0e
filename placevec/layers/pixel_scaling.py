"""The first layer of a saved model: turns raw pixels into what its backbone expects."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="placevec")
class PixelScaling(keras.layers.Layer):
    """Scales raw RGB pixels to the values that a backbone expects.

        y = x * scale + offset

    The channels are put into `channel_order` first. Because the layer is part of the model, it is
    saved with the weights and users need not know about it. It computes in float32 and returns the
    compute dtype of the precision policy.

    Args:
        scale: float, or a sequence of one float per channel.
        offset: float, or a sequence of one float per channel. Per-channel values of `scale`
            and `offset` are in `channel_order`. Defaults to `0.0`.
        channel_order: str. `"rgb"`, or `"bgr"` for a network that was trained on photos in that
            order. Gray photos have no order: leave it at `"rgb"`. Defaults to `"rgb"`.
        image_size: (int, int) or None. Rows and columns of the training photos, kept for
            `image_size_of`. It does not change any value. Defaults to `None`.

    Input shape:
        `(..., C)`, uint8 or float in [0, 255]. Gray or RGB photos, or any other C channels.

    Output shape:
        As the input, float.

    Raises:
        ValueError: If `channel_order` is unknown; `scale` or `offset` is neither a number nor a
            sequence of finite numbers, or has another count than the channels; BGR is asked for
            photos without three channels; or `image_size` is not two positive integers.

    Example:
    >>> layer = PixelScaling(scale=2 / 255, offset=-1.0, channel_order="bgr")
    >>> ops.convert_to_numpy(layer(np.array([[[[255, 0, 0]]]], dtype="uint8")))
    array([[[[-1., -1.,  1.]]]], dtype=float32)
    """

    def __init__(
        self,
        scale: float | Sequence[float],
        offset: float | Sequence[float] = 0.0,
        channel_order: str = "rgb",
        image_size: Sequence[int] | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        if channel_order not in ("rgb", "bgr"):
            raise ValueError(
                f"`channel_order` must be 'rgb' or 'bgr'. Received: channel_order={channel_order!r}"
            )
        self.scale = _number_or_list("scale", scale)
        self.offset = _number_or_list("offset", offset)
        self.channel_order = channel_order
        self.image_size = None if image_size is None else _size(image_size)

    def build(self, input_shape):
        """Checks the number of channels. The layer has no weights."""
        channels = input_shape[-1]
        if self.channel_order == "bgr" and channels != 3:
            raise ValueError(
                "`channel_order='bgr'` takes photos of three channels. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        for name in ("scale", "offset"):
            value = getattr(self, name)
            if isinstance(value, list) and len(value) != channels:
                raise ValueError(
                    f"`{name}` must be one number or one for each channel. "
                    f"Received: {name}={value}, input_shape={tuple(input_shape)}"
                )

    def call(self, inputs):
        """Returns photos (..., C) as the backbone expects them."""
        precision = keras.backend.result_type(self.compute_dtype, "float32")
        pixels = ops.cast(inputs, precision)
        if self.channel_order == "bgr":
            pixels = ops.flip(pixels, axis=-1)
        scale = ops.convert_to_tensor(self.scale, dtype=precision)
        offset = ops.convert_to_tensor(self.offset, dtype=precision)
        return ops.cast(pixels * scale + offset, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "offset": self.offset,
            "channel_order": self.channel_order,
            "image_size": self.image_size,
        }


def _size(value: Sequence[int]) -> tuple[int, int]:
    size = tuple(value)
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise ValueError(
            f"`image_size` must be two positive integers. Received: image_size={value}"
        )
    return size


def _number_or_list(name: str, value: float | Sequence[float]) -> float | list[float]:
    numbers = np.asarray(value, dtype=np.float64)
    if numbers.ndim > 1 or not np.isfinite(numbers).all():
        raise ValueError(
            f"`{name}` must be a finite number or a sequence of them. Received: {name}={value}"
        )
    return numbers.tolist()
