"""GeM: generalized-mean pooling, the baseline among aggregators."""

import keras
from keras import ops

from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize


@keras.saving.register_keras_serializable(package="placevec")
class GeM(Aggregator):
    """Aggregates local features into their generalized mean, of unit length.

        y_d = (mean over locations of max(x_d, epsilon)^p)^(1/p)

    `p = 1` gives the average; a large `p` comes close to the maximum. The power is computed with
    logarithms in float32, so that it does not overflow for any `p` or precision policy. The output
    is float32, even under a mixed or half precision policy.

    Args:
        p: float. The exponent, or its initial value if it is trained. Defaults to `3.0`.
        trainable_p: bool. Whether the exponent is trained. Defaults to `True`.
        epsilon: float. Lower bound of each feature value. Defaults to `1e-6`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, D)`, float32, of unit L2 norm.

    Raises:
        ValueError: If `p` or `epsilon` is not positive, or the input does not have four axes
            with a known last one.

    Example:
    >>> ops.shape(GeM()(keras.random.uniform((2, 15, 20, 8))))
    (2, 8)

    Reference:
        [Radenovic et al., 2018](https://arxiv.org/abs/1711.02512).
    """

    def __init__(self, p: float = 3.0, trainable_p: bool = True, epsilon: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        if not p > 0:
            raise ValueError(f"`p` must be positive. Received: p={p}")
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon}")
        self.p = p
        self.trainable_p = trainable_p
        self.epsilon = epsilon

    def build(self, input_shape):
        """Makes the one weight `exponent`, a scalar."""
        super().build(input_shape)
        self.exponent = self.add_weight(
            name="exponent",
            shape=(),
            initializer=keras.initializers.Constant(self.p),
            trainable=self.trainable_p,
            autocast=False,
        )

    def call(self, inputs):
        """Returns the descriptors (B, D) of local features (B, H, W, D)."""
        dtype = self.precision
        height, width = ops.shape(inputs)[1:3]
        exponent = ops.cast(self.exponent, dtype)
        logs = ops.log(ops.maximum(ops.cast(inputs, dtype), self.epsilon))
        log_sum = ops.logsumexp(exponent * logs, axis=(1, 2))  # (B, D)
        log_mean = log_sum - ops.log(ops.cast(height * width, dtype))
        return l2_normalize(ops.exp(log_mean / exponent))

    def compute_output_shape(self, input_shape):
        """Returns `(batch, D)`."""
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "p": self.p,
            "trainable_p": self.trainable_p,
            "epsilon": self.epsilon,
        }
