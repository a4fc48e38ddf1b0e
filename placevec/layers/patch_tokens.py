"""The first layer of a vision transformer: turns pixels into one token per patch."""

from typing import Any

import keras
from keras import ops


def count_patches(side, patch_size: int) -> Any:
    """Returns the number of patches that fits a side of a photo best; None if it is unknown."""
    return None if side is None else (side + patch_size // 2) // patch_size


@keras.saving.register_keras_serializable(package="placevec")
class PatchTokens(keras.layers.Layer):
    """Turns photos of any size into tokens: a class token, then one per square patch.

    A photo is first resized, bilinearly, to the nearest multiple of the patch size: with patches of
    14, a side of 240 becomes 238. Each patch is projected linearly, and a learned vector for its
    position is added. These vectors were learned for a square grid; for another grid they are
    resized bicubically, in float32.

    Args:
        feature_dim: int. `D`, length of a token.
        patch_size: int. Side of a patch, in pixels. Defaults to `14`.
        num_positions: int. Rows (and columns) of the square grid that positions are learned for.
            Defaults to `37`, as in DINOv2 with photos of 518x518.

    Input shape:
        `(batch, height, width, C)`, float, scaled pixels. Each side has at least half a patch.

    Output shape:
        `(batch, 1 + rows * columns, D)`, float; rows are `round(height / patch_size)`.

    Raises:
        ValueError: If an argument is not a positive integer.

    Example:
    >>> ops.shape(PatchTokens(feature_dim=8)(keras.random.normal((2, 30, 57, 3))))
    (2, 9, 8)

    Reference:
        [Dosovitskiy et al., 2021](https://arxiv.org/abs/2010.11929);
        [Oquab et al., 2024](https://arxiv.org/abs/2304.07193).
    """

    def __init__(self, feature_dim: int, patch_size: int = 14, num_positions: int = 37, **kwargs):
        super().__init__(**kwargs)
        self.feature_dim = feature_dim
        self.patch_size = patch_size
        self.num_positions = num_positions
        for name in ("feature_dim", "patch_size", "num_positions"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")

    def build(self, input_shape):
        """Makes `kernel` (p, p, C, D), `bias` (D,), `class_token` and `positions`."""
        spread = keras.initializers.TruncatedNormal(stddev=0.02)
        sides = (self.patch_size, self.patch_size)
        self.kernel = self.add_weight(
            name="kernel", shape=(*sides, input_shape[-1], self.feature_dim), initializer=spread
        )
        self.bias = self.add_weight(name="bias", shape=(self.feature_dim,), initializer="zeros")
        self.class_token = self.add_weight(
            name="class_token", shape=(1, 1, self.feature_dim), initializer=spread
        )
        self.positions = self.add_weight(
            name="positions",
            shape=(1, 1 + self.num_positions**2, self.feature_dim),
            initializer=spread,
            autocast=False,
        )

    def call(self, inputs):
        """Returns the tokens (B, 1 + rows * columns, D) of photos (B, H, W, C)."""
        height, width = ops.shape(inputs)[1:3]
        rows, columns = (count_patches(side, self.patch_size) for side in (height, width))
        size = (rows * self.patch_size, columns * self.patch_size)
        photos = ops.image.resize(
            ops.cast(inputs, "float32"), size, "bilinear", data_format="channels_last"
        )
        patches = ops.conv(
            ops.cast(photos, self.compute_dtype),
            self.kernel,
            strides=self.patch_size,
            padding="valid",
            data_format="channels_last",
        )
        patches = ops.reshape(patches + self.bias, (-1, rows * columns, self.feature_dim))
        # This shape broadcasts to any number of photos.
        class_token = ops.zeros_like(patches[:, :1]) + self.class_token
        tokens = ops.concatenate([class_token, patches], axis=1)
        return tokens + ops.cast(self._positions(rows, columns), self.compute_dtype)

    def _positions(self, rows, columns):
        sides = (self.num_positions, self.num_positions)
        positions = ops.cast(self.positions, "float32")
        grid = ops.reshape(positions[:, 1:], (1, *sides, self.feature_dim))
        grid = ops.image.resize(grid, (rows, columns), "bicubic", data_format="channels_last")
        grid = ops.reshape(grid, (1, rows * columns, self.feature_dim))
        return ops.concatenate([positions[:, :1], grid], axis=1)

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the tokens."""
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, 1 + rows * columns, D)`, with None in the middle for open sizes."""
        sides = [count_patches(side, self.patch_size) for side in input_shape[1:3]]
        num_tokens = None if None in sides else 1 + sides[0] * sides[1]
        return (input_shape[0], num_tokens, self.feature_dim)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "feature_dim": self.feature_dim,
            "patch_size": self.patch_size,
            "num_positions": self.num_positions,
        }
