"""Resizes photos of any size inside a network, by the area rule as two matrix products."""

from collections.abc import Sequence

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="placevec")
class AreaResize(keras.layers.Layer):
    """Resizes photos as `read_image` does, within one gray level. Exported networks contain it.

    A new pixel is the mean of the area that it covers. Each axis is one matrix product, so all
    libraries compute the same. If an axis is enlarged, neighbors are mixed as in OpenCV's
    INTER_AREA.

    Args:
        image_size: (int, int). Rows and columns of the result.

    Input shape:
        `(batch, rows, columns, C)`, uint8. Any number of rows and columns.

    Output shape:
        `(batch, *image_size, C)`, uint8.

    Raises:
        ValueError: If `image_size` is not two positive integers.

    Example:

    >>> import numpy as np
    >>> photo = np.array([[[[0], [10], [20], [31]]]], dtype="uint8")
    >>> ops.convert_to_numpy(AreaResize((1, 2))(photo)).ravel().tolist()
    [5, 26]
    """

    def __init__(self, image_size: Sequence[int], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.image_size = tuple(int(side) for side in image_size)
        if len(self.image_size) != 2 or min(self.image_size) < 1:
            raise ValueError(
                f"`image_size` must be two positive integers. Received: image_size={image_size}"
            )

    def call(self, inputs):
        """Returns photos (batch, *image_size, C)."""
        pixels = ops.cast(inputs, "float32")
        shape = ops.shape(pixels)
        rows, columns = (
            _shares(shape[axis], side) for axis, side in zip((1, 2), self.image_size, strict=True)
        )
        pixels = ops.einsum("or,brcd->bocd", rows, pixels)
        pixels = ops.einsum("oc,brcd->brod", columns, pixels)
        return ops.cast(ops.floor(pixels + 0.5), "uint8")

    def compute_output_shape(self, input_shape):
        """Returns (batch, *image_size, C)."""
        return (input_shape[0], *self.image_size, input_shape[-1])

    def compute_output_spec(self, inputs):
        """Returns uint8 photos of the new size."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="uint8")

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "image_size": list(self.image_size)}


def _shares(size, new_size: int):
    """Returns the share of each old pixel in each new one, (new_size, size); rows sum to 1."""
    size_f = ops.cast(size, "float32")
    scale = size_f / new_size
    new = ops.cast(ops.arange(new_size), "float32")[:, None]
    old = ops.cast(ops.arange(size), "float32")[None, :]
    ends = ops.minimum((new + 1) * scale, old + 1), ops.maximum(new * scale, old)
    shrinking = ops.maximum(ends[0] - ends[1], 0.0) / scale
    first = ops.floor(new * scale)
    mixed = new + 1 - (first + 1) / scale
    mixed = ops.where(mixed <= 0, ops.zeros_like(mixed), mixed - ops.floor(mixed))
    last = size_f - 1
    enlarging = ops.cast(old == first, "float32") * (1 - mixed)
    enlarging = enlarging + ops.cast(old == ops.minimum(first + 1, last), "float32") * mixed
    return ops.where(scale >= 1, shrinking, enlarging)
