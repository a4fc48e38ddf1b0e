"""SPoC: average pooling, the simplest aggregator."""

import keras
from keras import ops

from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize


@keras.saving.register_keras_serializable(package="placevec")
class SPoC(Aggregator):
    """Aggregates local features into their average, of unit length.

        y_d = mean over locations of x_d

    It is the paper's sum pooling without its two extras: the prior for the middle of the photo, and
    PCA. It is computed and returned in float32, even under a mixed or half precision policy.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, D)`, float32, of unit L2 norm.

    Raises:
        ValueError: If the input does not have four axes with a known last one.

    Example:
    >>> ops.shape(SPoC()(keras.random.normal((2, 15, 20, 8))))
    (2, 8)

    Reference:
        [Babenko and Lempitsky, 2015](https://arxiv.org/abs/1510.07493).
    """

    def call(self, inputs):
        """Returns the descriptors (B, D) of local features (B, H, W, D)."""
        return l2_normalize(ops.mean(ops.cast(inputs, self.precision), axis=(1, 2)))

    def compute_output_shape(self, input_shape):
        """Returns `(batch, D)`."""
        return (input_shape[0], input_shape[-1])
