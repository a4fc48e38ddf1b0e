"""Conv-AP: a convolution, then averages over a coarse grid."""

import keras
from keras import ops

from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize
from placevec.layers.pool_to_grid import pool_to_grid


@keras.saving.register_keras_serializable(package="placevec")
class ConvAP(Aggregator):
    """Aggregates local features by a 1x1 convolution and averages over a coarse grid.

        y_c = W . (mean of x over cell c) + b

    This holds for each cell `c` of the grid; the vector of all cells has unit length. The paper
    convolves first and then averages. Both are linear, so the other order gives the same result
    with a small part of the work. The descriptor depends on where in the photo something is seen;
    with a grid of `(1, 1)` it does not.

    It is computed and returned in float32, even under a mixed or half precision policy.

    Args:
        projected_dim: int. `d`, length of a local feature after the convolution. Defaults to
            `512`.
        grid: (int, int). Rows and columns of the grid. Defaults to `(2, 2)`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, rows * columns * d)`, float32, of unit L2 norm; entry
        `(row * columns + column) * d + channel`.

    Raises:
        ValueError: If `projected_dim` or a side of `grid` is not a positive integer, or the input
            does not have four axes with a known last one.

    Example:
    >>> ops.shape(ConvAP(projected_dim=16)(keras.random.normal((2, 15, 20, 8))))
    (2, 64)

    Reference:
        [Ali-bey et al., 2022](https://arxiv.org/abs/2210.10239).
    """

    def __init__(self, projected_dim: int = 512, grid: tuple[int, int] = (2, 2), **kwargs):
        super().__init__(**kwargs)
        self.projected_dim = self.check_count("projected_dim", projected_dim)
        self.grid = self.check_grid(grid)

    def build(self, input_shape):
        """Makes the weights `kernel` (D, d) and `bias` (d,)."""
        super().build(input_shape)
        self.kernel = self.add_exact_weight("kernel", (input_shape[-1], self.projected_dim))
        self.bias = self.add_exact_weight("bias", (self.projected_dim,), "zeros")

    def call(self, inputs):
        """Returns the descriptors (B, R * S * d) of local features (B, H, W, D)."""
        features = ops.cast(inputs, self.precision)
        cells = ops.matmul(pool_to_grid(features, self.grid), self.kernel) + self.bias
        rows, columns = self.grid
        return l2_normalize(ops.reshape(cells, (-1, rows * columns * self.projected_dim)))

    def count_flops(self, rows, columns, feature_dim):
        """Returns the operations of projecting each cell."""
        return 2 * self.grid[0] * self.grid[1] * feature_dim * self.projected_dim

    def compute_output_shape(self, input_shape):
        """Returns `(batch, rows * columns * d)`."""
        return (input_shape[0], self.grid[0] * self.grid[1] * self.projected_dim)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "projected_dim": self.projected_dim,
            "grid": self.grid,
        }
