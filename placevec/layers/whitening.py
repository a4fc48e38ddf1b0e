"""Whitening: gives descriptors fewer dimensions that count equally and do not repeat each other."""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.layers.l2_normalize import l2_normalize
from placevec.principal_directions import principal_directions


@keras.saving.register_keras_serializable(package="placevec")
class Whitening(keras.layers.Layer):
    """Projects descriptors to fewer dimensions and scales them to unit length.

        y = (x - mean) . projection,  divided by its length

    With the weights of `fit_whitening` it is PCA whitening: the directions in which descriptors
    spread, largest spread first, each divided by its spread. The first dimensions tell the most, so
    `y` cut to its first dimensions and rescaled is still a whitened descriptor. The weights can be
    trained like those of any layer (a learned linear projection), or frozen with `trainable=False`.

    Everything is computed and returned in float32, even under a mixed or half precision policy.
    Fresh weights are random: fit or train them before use.

    Args:
        dim: int. `d`, number of dimensions of the result.

    Input shape:
        `(batch, D)`, float. Descriptors.

    Output shape:
        `(batch, dim)`, float32, of unit L2 norm. (The mean itself becomes the zero vector.)

    Raises:
        ValueError: If `dim < 1`, or the input does not have two axes with a known last one.

    Example:
    >>> ops.shape(Whitening(dim=4)(keras.random.normal((2, 32))))
    (2, 4)

    Reference:
        [Jegou and Chum, 2012](https://inria.hal.science/hal-00722622).
    """

    def __init__(self, dim: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not isinstance(dim, int) or dim < 1:
            raise ValueError(f"`dim` must be a positive integer. Received: dim={dim}")
        self.dim = dim

    def build(self, input_shape):
        """Makes the weights `mean` (D,) and `projection` (D, d)."""
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                "`Whitening` takes descriptors of shape (batch, D) with a known D. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        descriptor_dim = input_shape[-1]
        self.mean = self.add_weight(
            name="mean", shape=(descriptor_dim,), initializer="zeros", autocast=False
        )
        self.projection = self.add_weight(
            name="projection",
            shape=(descriptor_dim, self.dim),
            initializer="glorot_uniform",
            autocast=False,
        )

    def call(self, inputs):
        """Returns the projected descriptors (B, d) of descriptors (B, D)."""
        dtype = self._precision()
        centered = ops.cast(inputs, dtype) - ops.cast(self.mean, dtype)
        return l2_normalize(ops.matmul(centered, ops.cast(self.projection, dtype)))

    def set_projection(self, mean: NDArray[np.floating], projection: NDArray[np.floating]) -> None:
        """Writes the weights. Builds the layer if necessary.

        Args:
            mean: (D,) float. Vector to subtract from a descriptor.
            projection: (D, d) float. As `fit_whitening` returns it.

        Raises:
            ValueError: If the shapes are not those of the layer.
        """
        if not self.built:
            self.build((None, len(mean)))
            self.built = True
        for name, received, weight in (
            ("mean", mean, self.mean),
            ("projection", projection, self.projection),
        ):
            if received.shape != tuple(weight.shape):
                raise ValueError(
                    f"`{name}` must have shape {tuple(weight.shape)}. "
                    f"Received: shape {received.shape}"
                )
        self.mean.assign(mean)
        self.projection.assign(projection)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, dim)`."""
        return (input_shape[0], self.dim)

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the output, which is float32 under every policy."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self._precision())

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "dim": self.dim}

    def _precision(self) -> str:
        return keras.backend.result_type(self.compute_dtype, "float32")


def fit_whitening(
    descriptors: NDArray[np.floating], dim: int, power: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Finds the directions in which descriptors spread most, each divided by its spread.

        projection_j = v_j * variance_j ** (-power / 2)

    `v_j` are the unit eigenvectors of the covariance (over `N - 1`), largest variance first. See
    `principal_directions` for how they are computed.

    Args:
        descriptors: (N, D) float. Descriptors as the model returns them.
        dim: int. `d`, number of directions; at most `D` and `N - 1`.
        power: float. 1 whitens: all directions count equally. 0 only rotates. A value between, such
            as 0.5, gives less weight to directions with little spread. Defaults to `1.0`.

    Returns:
        mean: (D,) float32.
        projection: (D, d) float32. The sign of a column is arbitrary.

    Raises:
        ValueError: If the descriptors are not finite and of shape (N, D), or do not spread in this
            many directions.

    Example:
    >>> descriptors = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> mean, projection = fit_whitening(descriptors, 2)  # variances 18 / 3 and 2 / 3
    >>> np.round(np.abs(projection), 3)
    array([[0.408, 0.   ],
           [0.   , 1.225]], dtype=float32)
    """
    descriptors = np.asarray(descriptors)
    if descriptors.ndim != 2 or not np.isfinite(descriptors).all():
        raise ValueError(
            f"Descriptors must be finite, of shape (N, D). Received: shape {descriptors.shape}"
        )
    if not 0 <= power <= 1:
        raise ValueError(f"`power` must be between 0 and 1. Received: power={power}")
    check_whitening_dim(dim, *descriptors.shape)
    mean, variances, directions = principal_directions(descriptors, dim)
    if dim > len(variances):
        raise ValueError(
            f"Whitening needs descriptors that spread in at least {counted(dim, 'direction')}. "
            f"Received: {len(descriptors)} that spread in {len(variances)}. Use other photos, or a "
            "smaller `dim` or `rank`"
        )
    scale = (variances[:dim] ** (-power / 2)).astype(np.float32)
    return mean.astype(np.float32), directions * scale


def check_whitening_dim(dim: int, num_descriptors: int, descriptor_dim: int) -> None:
    """Refuses more directions than this many descriptors can spread in.

    Args:
        dim: int. `d`, the wanted number of directions.
        num_descriptors: int. `N`. After their mean is subtracted, they span `N - 1` directions.
        descriptor_dim: int. `D`.

    Raises:
        ValueError: If `dim` is below 1, or above `N - 1` or `D`.
    """
    if dim < 1:
        raise ValueError(f"`dim` must be a positive integer. Received: dim={dim}")
    if dim > descriptor_dim:
        raise ValueError(
            f"`dim` must be at most {descriptor_dim}, the dimensions of a descriptor. "
            f"Received: dim={dim}. Take fewer dimensions"
        )
    if dim > num_descriptors - 1:
        raise ValueError(
            f"Whitening to {counted(dim, 'dimension')} needs descriptors of at least {dim + 1} "
            f"photos. Received: {num_descriptors}. Take more photos or fewer dimensions"
        )
