"""Augments photos inside the training step, on the training device."""

import math

import keras
from keras import ops

_LUMA = (0.299, 0.587, 0.114)
_DRAWS = 9  # random numbers per photo


@keras.saving.register_keras_serializable(package="placevec")
class PhotoAugmentation(keras.layers.Layer):
    """Shows a place by a slightly different camera and in other light while training.

    Each photo is cropped and turned around its middle. Then its gamma, contrast around its mean
    brightness, gain, cast of red against blue, and saturation are changed. These are the parts of
    the preset `street` that are the same for all pixels of a photo, so one pass over the pixels is
    enough. Nothing is mirrored. Outside training, photos pass unchanged.

    The random numbers depend on `seed`, on the number of training steps (which is saved with the
    layer), and on the photo's place in the batch. They differ between backends.

    Args:
        seed: int. Seed of all draws. Defaults to `0`.
        max_zoom: float, at least 1. Largest side of the photo over that of the crop. Defaults to
            `1.25`.
        max_turn_deg: float. Largest turn, in degrees. Defaults to `3.0`.
        gamma: (float, float). Range of the exponent on brightness in [0, 1].
        contrast: (float, float). Range of the factor on the distance from the mean brightness.
        gain: (float, float). Range of the factor on brightness.
        saturation: (float, float). Range of the factor on the distance from gray.
        max_cast: float. Largest gain or loss of red against blue, as a share.

    Input shape:
        `(..., height, width, C)`, uint8, C = 1 or 3 (RGB).

    Output shape:
        The same, uint8.

    Raises:
        ValueError: If `max_zoom < 1`, or the photos do not have 1 or 3 channels.

    """

    def __init__(
        self,
        seed: int = 0,
        max_zoom: float = 1.25,
        max_turn_deg: float = 3.0,
        gamma: tuple[float, float] = (0.65, 1.6),
        contrast: tuple[float, float] = (0.6, 1.35),
        gain: tuple[float, float] = (0.55, 1.35),
        saturation: tuple[float, float] = (0.4, 1.5),
        max_cast: float = 0.2,
        **kwargs,
    ):
        # Brightness in half precision would be wrong by whole gray levels.
        super().__init__(autocast=False, **kwargs)
        if not max_zoom >= 1:
            raise ValueError(f"`max_zoom` must be at least 1. Received: max_zoom={max_zoom}")
        self.seed = seed
        self.max_zoom = max_zoom
        self.max_turn_deg = max_turn_deg
        self.gamma, self.contrast = tuple(gamma), tuple(contrast)
        self.gain, self.saturation = tuple(gain), tuple(saturation)
        self.max_cast = max_cast
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Makes the one weight `steps`, a scalar that is not trained."""
        if input_shape[-1] not in (1, 3):
            raise ValueError(
                f"Photos to augment must have 1 or 3 channels. Received: shape {input_shape}"
            )
        self.steps = self.add_weight(
            name="steps", shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def call(self, inputs, training=False):
        """Returns the photos, changed if the layer trains."""
        if not training:
            return inputs
        height, width, channels = inputs.shape[-3:]
        photos = ops.cast(ops.reshape(inputs, (-1, height, width, channels)), "float32")
        draws = self._draw(ops.shape(photos)[0])
        photos = self._light(self._view(photos, draws[:, :4]), draws[:, 4:])
        photos = ops.cast(ops.round(ops.clip(photos, 0.0, 255.0)), "uint8")
        return ops.reshape(photos, ops.shape(inputs))

    def _draw(self, count):
        """Returns (count, _DRAWS) numbers in [0, 1), determined by `seed` and `steps`."""
        state = self.generator.state
        place = ops.stack([ops.cast(self.seed, state.dtype), ops.cast(self.steps, state.dtype)])
        state.assign(place)
        self.steps.assign_add(1)
        return keras.random.uniform((count, _DRAWS), seed=self.generator, dtype="float32")

    def _view(self, photos, draws):
        """Crops and turns photos (n, H, W, C) by draws (n, 4)."""
        height, width = photos.shape[1:3]
        crop = 1.0 / (1.0 + (self.max_zoom - 1.0) * draws[:, 0])
        turn = math.radians(self.max_turn_deg) * (2.0 * draws[:, 1] - 1.0)
        cos, sin = crop * ops.cos(turn), crop * ops.sin(turn)
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        shift_x = (1.0 - crop) * (draws[:, 2] - 0.5) * width
        shift_y = (1.0 - crop) * (draws[:, 3] - 0.5) * height
        zero = ops.zeros_like(cos)
        matrix = [
            cos, -sin, middle_x + shift_x - cos * middle_x + sin * middle_y,
            sin, cos, middle_y + shift_y - sin * middle_x - cos * middle_y,
            zero, zero,
        ]  # fmt: skip
        return ops.image.affine_transform(
            photos, ops.stack(matrix, axis=1), interpolation="bilinear", fill_mode="reflect",
            data_format="channels_last",
        )  # fmt: skip

    def _light(self, photos, draws):
        """Changes tone and color of photos (n, H, W, C), 0 to 255, by draws (n, 5)."""
        draws = ops.reshape(draws, (-1, 5, 1, 1, 1))
        gamma = ops.exp(_between(draws[:, 0], *map(math.log, self.gamma)))
        photos = ops.power(ops.clip(photos / 255.0, 1e-6, 1.0), gamma)
        mean = ops.mean(photos, axis=(1, 2, 3), keepdims=True)
        photos = mean + _between(draws[:, 1], *self.contrast) * (photos - mean)
        photos = photos * ops.exp(_between(draws[:, 2], *map(math.log, self.gain)))
        if photos.shape[-1] == 3:
            cast = _between(draws[:, 3], -self.max_cast, self.max_cast)
            photos = photos * ops.concatenate([1.0 + cast, ops.ones_like(cast), 1.0 - cast], -1)
            gray = ops.sum(photos * ops.convert_to_tensor(_LUMA), axis=-1, keepdims=True)
            photos = gray + _between(draws[:, 4], *self.saturation) * (photos - gray)
        return 255.0 * photos

    def compute_output_spec(self, inputs, training=False):
        """Returns the shape of the input, uint8."""
        return keras.KerasTensor(inputs.shape, dtype="uint8")

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "seed": self.seed,
            "max_zoom": self.max_zoom,
            "max_turn_deg": self.max_turn_deg,
            "gamma": self.gamma,
            "contrast": self.contrast,
            "gain": self.gain,
            "saturation": self.saturation,
            "max_cast": self.max_cast,
        }


def _between(draws, low: float, high: float):
    return low + (high - low) * draws
