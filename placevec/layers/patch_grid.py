"""The last layer of a vision transformer: turns tokens back into a map of local features."""

import keras
from keras import ops

from placevec.layers.patch_tokens import count_patches


@keras.saving.register_keras_serializable(package="placevec")
class PatchGrid(keras.layers.Layer):
    """Arranges the tokens of a photo's patches in rows and columns, without the class token.

    Args:
        patch_size: int. Side of a patch, in pixels, as in `PatchTokens`. Defaults to `14`.

    Input shape:
        Two tensors: tokens `(batch, 1 + rows * columns, D)`, and the photos they were made from,
        `(batch, height, width, C)`, of which only the size is used.

    Output shape:
        `(batch, rows, columns, D)`, float. One local feature per patch.

    Example:
    >>> photos = keras.random.normal((2, 30, 57, 3))
    >>> ops.shape(PatchGrid()([keras.random.normal((2, 9, 8)), photos]))
    (2, 2, 4, 8)
    """

    def __init__(self, patch_size: int = 14, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size

    def call(self, inputs):
        """Returns local features (B, rows, columns, D) from tokens and photos."""
        tokens, photos = inputs
        height, width = ops.shape(photos)[1:3]
        rows, columns = (count_patches(side, self.patch_size) for side in (height, width))
        return ops.reshape(tokens[:, 1:], (-1, rows, columns, tokens.shape[-1]))

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the local features."""
        shape = self.compute_output_shape([each.shape for each in inputs])
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, rows, columns, D)`."""
        tokens, photos = input_shape
        sides = (count_patches(side, self.patch_size) for side in photos[1:3])
        return (photos[0], *sides, tokens[-1])

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "patch_size": self.patch_size}
