"""Partial whitening: evens out the few directions that dominate all others."""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.layers.l2_normalize import l2_normalize
from placevec.layers.whitening import fit_whitening


@keras.saving.register_keras_serializable(package="placevec")
class PartialWhitening(keras.layers.Layer):
    """Shrinks the directions in which descriptors spread most, and keeps all others.

        y = x - mean - (x - mean) . directions . directions^T,  divided by its length

    Descriptors spread most in directions that say little about the place, such as how dark the
    photo is or how much sky it shows. Full whitening evens out all directions and needs `D * d`
    weights. This layer needs `D * rank` weights, keeps the length of the descriptor, and does not
    amplify noise.

    Everything is computed and returned in float32, even under a mixed or half precision policy.
    With fresh weights, the layer does little more than scale descriptors to unit length.

    Args:
        rank: int. `r`, number of directions to shrink.

    Input shape:
        `(batch, D)`, float. Descriptors.

    Output shape:
        `(batch, D)`, float32, of unit L2 norm. (The mean itself becomes the zero vector.)

    Raises:
        ValueError: If `rank < 1`, or the input does not have two axes with a known last one.

    Example:
    >>> ops.shape(PartialWhitening(rank=4)(keras.random.normal((2, 32))))
    (2, 32)

    Reference:
        [Mu and Viswanath, 2018](https://arxiv.org/abs/1702.01417) remove such directions from
        word vectors completely.
    """

    def __init__(self, rank: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not isinstance(rank, int) or rank < 1:
            raise ValueError(f"`rank` must be a positive integer. Received: rank={rank}")
        self.rank = rank

    def build(self, input_shape):
        """Makes the weights `mean` (D,) and `directions` (D, r)."""
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                "`PartialWhitening` takes descriptors of shape (batch, D) with a known D. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        descriptor_dim = input_shape[-1]
        self.mean = self.add_weight(
            name="mean", shape=(descriptor_dim,), initializer="zeros", autocast=False
        )
        self.directions = self.add_weight(
            name="directions",
            shape=(descriptor_dim, self.rank),
            initializer=keras.initializers.RandomNormal(stddev=1e-3),
            autocast=False,
        )

    def call(self, inputs):
        """Returns the descriptors (B, D) with their largest spreads reduced."""
        dtype = self._precision()
        centered = ops.cast(inputs, dtype) - ops.cast(self.mean, dtype)
        directions = ops.cast(self.directions, dtype)
        shrunk = ops.matmul(ops.matmul(centered, directions), ops.transpose(directions))
        return l2_normalize(centered - shrunk)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return tuple(input_shape)

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the output, which is float32 under every policy."""
        return keras.KerasTensor(inputs.shape, dtype=self._precision())

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "rank": self.rank}

    def _precision(self) -> str:
        return keras.backend.result_type(self.compute_dtype, "float32")


def fit_partial_whitening(
    descriptors: NDArray[np.floating], rank: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Finds the directions in which descriptors spread most, and how much to shrink each.

        directions_j = v_j * sqrt(1 - spread_(r+1) / spread_j)

    `v_j` are the unit eigenvectors of the covariance, largest first, and `spread_j` are the
    standard deviations along them. After shrinking, each of the first `r` directions spreads as
    much as the next one.

    Args:
        descriptors: (N, D) float. Descriptors as the model returns them.
        rank: int. `r`, number of directions; below `D` and `N - 1`.

    Returns:
        mean: (D,) float32.
        directions: (D, r) float32. The sign of a column is arbitrary.

    Raises:
        ValueError: As `check_whitening_rank` and `fit_whitening`.

    Example:
    >>> descriptors = np.array([[4.0, 0.0], [-4.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> mean, directions = fit_partial_whitening(descriptors, 1)  # spreads 4 : 1
    >>> np.round(directions**2, 3)
    array([[0.75],
           [0.  ]], dtype=float32)
    """
    check_whitening_rank(rank, *np.shape(descriptors))
    mean, directions = fit_whitening(descriptors, rank + 1, power=0.0)
    spread = np.std((descriptors - mean) @ directions, axis=0)
    shrunk = np.maximum(1 - spread[rank] / spread[:rank], 0)  # Rounding could make it negative.
    return mean, (directions[:, :rank] * np.sqrt(shrunk)).astype(np.float32)


def check_whitening_rank(rank: int, num_descriptors: int, descriptor_dim: int) -> None:
    """Refuses a rank that this many descriptors cannot have with one more direction after it.

    Args:
        rank: int. `r`, the wanted number of directions.
        num_descriptors: int. `N`. After their mean is subtracted, they span `N - 1` directions.
        descriptor_dim: int. `D`.

    Raises:
        ValueError: If `rank` is below 1, or above `N - 2` or `D - 1`.
    """
    most = min(num_descriptors - 2, descriptor_dim - 1)
    if not 1 <= rank <= most:
        raise ValueError(
            f"`rank` must be between 1 and {most} for {counted(num_descriptors, 'photo')} and "
            f"descriptors of {counted(descriptor_dim, 'dimension')}. Received: rank={rank}"
        )
