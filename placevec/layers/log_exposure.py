"""Evens out exposure, so that a photo taken at dusk looks like one taken by day."""

import keras
from keras import ops

_MEAN, _SPREAD = 125.0, 55.0  # roughly those of street photos by day
_LEAST_SPREAD = 0.1  # of logarithms; a smaller spread is noise in an even photo


@keras.saving.register_keras_serializable(package="placevec")
class LogExposure(keras.layers.Layer):
    """Takes the logarithm of a photo's pixels and gives all photos the same mean and spread.

        z = log(x + darkness)
        y = clip(125 + 55 * (z - mean(z)) / max(std(z), 0.1), 0, 255)

    Mean and standard deviation are over all pixels and channels of the photo. Halving the light
    shifts the logarithms by a constant, which subtracting the mean removes. It computes in float32.

    Args:
        darkness: float. Brightness, in [0, 255], below which pixels count as almost equally dark,
            so that noise in shadows does not grow. Defaults to `1.0`.

    Input shape:
        `(batch, height, width, C)`, uint8 or float in [0, 255].

    Output shape:
        As the input, float32 in [0, 255].

    Raises:
        ValueError: If `darkness` is not above 0.

    Example:
    >>> photo = keras.random.uniform((1, 8, 8, 3), 40.0, 200.0)
    >>> layer = LogExposure(darkness=1e-3)
    >>> difference = ops.max(ops.abs(layer(photo) - layer(photo / 2)))
    >>> bool(difference < 0.01)
    True
    """

    def __init__(self, darkness: float = 1.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not darkness > 0:
            raise ValueError(f"`darkness` must be above 0. Received: darkness={darkness}")
        self.darkness = darkness

    def call(self, inputs):
        """Returns photos (B, H, W, C) of even exposure."""
        logs = ops.log(ops.cast(inputs, "float32") + self.darkness)
        logs = logs - ops.mean(logs, axis=(1, 2, 3), keepdims=True)
        spread = ops.sqrt(ops.mean(ops.square(logs), axis=(1, 2, 3), keepdims=True))
        return ops.clip(_MEAN + _SPREAD * logs / ops.maximum(spread, _LEAST_SPREAD), 0.0, 255.0)

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the output, which is float32 under every policy."""
        return keras.KerasTensor(inputs.shape, dtype="float32")

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "darkness": self.darkness}
