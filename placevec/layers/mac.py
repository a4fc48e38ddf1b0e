"""MAC: maximum pooling over all locations."""

import keras
from keras import ops

from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize


@keras.saving.register_keras_serializable(package="placevec")
class MAC(Aggregator):
    """Aggregates local features into their maxima, of unit length.

        y_d = max over locations of x_d

    It is computed and returned in float32, even under a mixed or half precision policy.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, D)`, float32, of unit L2 norm.

    Raises:
        ValueError: If the input does not have four axes with a known last one.

    Example:
    >>> ops.shape(MAC()(keras.random.normal((2, 15, 20, 8))))
    (2, 8)

    Reference:
        [Tolias et al., 2016](https://arxiv.org/abs/1511.05879).
    """

    def call(self, inputs):
        """Returns the descriptors (B, D) of local features (B, H, W, D)."""
        return l2_normalize(ops.max(ops.cast(inputs, self.precision), axis=(1, 2)))

    def compute_output_shape(self, input_shape):
        """Returns `(batch, D)`."""
        return (input_shape[0], input_shape[-1])
