"""MixVPR: mixes local features over the whole photo, repeatedly."""

import keras
from keras import ops

from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize
from placevec.layers.pool_to_grid import pool_to_grid

_NORM_EPSILON = 1e-5  # of the layer normalization
_SPREAD = 0.02  # standard deviation of the mixers' initial weights


@keras.saving.register_keras_serializable(package="placevec")
class MixVPR(Aggregator):
    """Aggregates local features by mixing each channel over all locations.

    Each channel of the feature map is a row of `N` locations. It passes through `L` mixers one
    after another, which are the same for all channels:

        x <- x + W2 . relu(W1 . norm(x) + b1) + b2

    Here `norm` is a layer normalization over the locations. Then the `D` channels are projected to
    `d` at each location, and the `N` locations to `R` values in each channel.

    The weights need a fixed `N`, so the feature map is first pooled to a `grid` of fixed size, see
    `pool_to_grid`. Photos of any size can therefore be used; a map of the grid's size is not
    changed. The paper's grid fits photos of 320x320 with a stride of 16. Photos are described best
    at a size close to that of the training.

    It is computed and returned in float32, even under a mixed or half precision policy.

    Args:
        projected_dim: int. `d`, number of channels after the projection. Defaults to `1024`.
        num_rows: int. `R`, number of values per channel at the end. Defaults to `4`.
        num_mixers: int. `L`, number of mixers. Defaults to `4`.
        grid: (int, int). Rows and columns that the feature map is pooled to; `N` is their
            product. Defaults to `(20, 20)`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, d * R)`, float32, of unit L2 norm; entry `channel * R + row`.

    Raises:
        ValueError: If one of the arguments is not a positive integer, or the input does not have
            four axes with a known last one.

    Example:
    >>> layer = MixVPR(projected_dim=16, num_rows=2, grid=(5, 5))
    >>> ops.shape(layer(keras.random.normal((2, 15, 20, 8))))
    (2, 32)

    Reference:
        [Ali-bey et al., 2023](https://arxiv.org/abs/2303.02190).
    """

    def __init__(
        self,
        projected_dim: int = 1024,
        num_rows: int = 4,
        num_mixers: int = 4,
        grid: tuple[int, int] = (20, 20),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.projected_dim = self.check_count("projected_dim", projected_dim)
        self.num_rows = self.check_count("num_rows", num_rows)
        self.num_mixers = self.check_count("num_mixers", num_mixers)
        self.grid = self.check_grid(grid)

    def build(self, input_shape):
        """Makes the weights of all mixers, stacked (L, ...), and of the two projections."""
        super().build(input_shape)
        num_mixers, num_locations = self.num_mixers, self.grid[0] * self.grid[1]
        spread = keras.initializers.TruncatedNormal(stddev=_SPREAD)
        for name, shape, initializer in (
            ("norm_scale", (num_mixers, num_locations), "ones"),
            ("norm_offset", (num_mixers, num_locations), "zeros"),
            ("mixer_in_kernel", (num_mixers, num_locations, num_locations), spread),
            ("mixer_in_bias", (num_mixers, num_locations), "zeros"),
            ("mixer_out_kernel", (num_mixers, num_locations, num_locations), spread),
            ("mixer_out_bias", (num_mixers, num_locations), "zeros"),
            ("channel_kernel", (input_shape[-1], self.projected_dim), "glorot_uniform"),
            ("channel_bias", (self.projected_dim,), "zeros"),
            ("row_kernel", (num_locations, self.num_rows), "glorot_uniform"),
            ("row_bias", (self.num_rows,), "zeros"),
        ):
            setattr(self, name, self.add_exact_weight(name, shape, initializer))

    def call(self, inputs):
        """Returns the descriptors (B, d * R) of local features (B, H, W, D)."""
        features = pool_to_grid(ops.cast(inputs, self.precision), self.grid)
        num_locations, feature_dim = self.grid[0] * self.grid[1], features.shape[-1]
        features = ops.reshape(features, (-1, num_locations, feature_dim))
        channels = ops.transpose(features, (0, 2, 1))  # (B, D, N)
        for mixer in range(self.num_mixers):
            channels = channels + self._mix(channels, mixer)
        features = ops.transpose(channels, (0, 2, 1))  # (B, N, D)
        features = ops.matmul(features, self.channel_kernel) + self.channel_bias
        channels = ops.transpose(features, (0, 2, 1))  # (B, d, N)
        channels = ops.matmul(channels, self.row_kernel) + self.row_bias  # (B, d, R)
        return l2_normalize(ops.reshape(channels, (-1, self.projected_dim * self.num_rows)))

    def _mix(self, channels, mixer: int):
        mean = ops.mean(channels, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(channels - mean), axis=-1, keepdims=True)
        normed = (channels - mean) * ops.rsqrt(variance + _NORM_EPSILON)
        normed = normed * self.norm_scale[mixer] + self.norm_offset[mixer]
        hidden = ops.matmul(normed, self.mixer_in_kernel[mixer]) + self.mixer_in_bias[mixer]
        hidden = ops.relu(hidden)
        return ops.matmul(hidden, self.mixer_out_kernel[mixer]) + self.mixer_out_bias[mixer]

    def count_flops(self, rows, columns, feature_dim):
        """Returns the operations of the mixers and of the two projections."""
        num_features = self.grid[0] * self.grid[1]
        mixers = 2 * self.num_mixers * feature_dim * num_features**2
        projections = num_features * self.projected_dim * (feature_dim + self.num_rows)
        return 2 * (mixers + projections)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, d * R)`."""
        return (input_shape[0], self.projected_dim * self.num_rows)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "projected_dim": self.projected_dim,
            "num_rows": self.num_rows,
            "num_mixers": self.num_mixers,
            "grid": self.grid,
        }
