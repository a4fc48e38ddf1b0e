"""LayerScale: one learned factor for each channel of a residual branch."""

import keras


@keras.saving.register_keras_serializable(package="placevec")
class LayerScale(keras.layers.Layer):
    """Multiplies each channel by a learned factor.

        y_d = gamma_d * x_d

    It ends the residual branches of ConvNeXt and DINOv2. Small initial factors make their training
    stable.

    Args:
        initial_value: float. Initial value of all factors. Defaults to `1e-6`.

    Input shape:
        `(..., D)`, float.

    Output shape:
        As the input.

    Example:
    >>> keras.ops.convert_to_numpy(LayerScale(0.5)(keras.ops.ones((1, 2))))
    array([[0.5, 0.5]], dtype=float32)

    Reference:
        [Touvron et al., 2021](https://arxiv.org/abs/2103.17239).
    """

    def __init__(self, initial_value: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.initial_value = initial_value

    def build(self, input_shape):
        """Makes the one weight `gamma` (D,)."""
        self.gamma = self.add_weight(
            name="gamma",
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial_value),
        )

    def call(self, inputs):
        """Returns the scaled channels (..., D)."""
        return inputs * self.gamma

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "initial_value": self.initial_value}
