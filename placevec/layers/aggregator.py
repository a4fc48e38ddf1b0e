"""What all aggregators share: which inputs they take, and the precision they compute in."""

import keras


@keras.saving.register_keras_serializable(package="placevec")
class Aggregator(keras.layers.Layer):
    """The common part of layers that turn local features into one descriptor.

    A subclass writes `call`, which casts to `precision` first, and `compute_output_shape`, and
    makes its weights by `add_exact_weight`: everything is computed and returned in float32 also
    under a mixed or half precision policy. (Under a float64 policy: float64.)

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, D')`, float32, of unit L2 norm.

    Raises:
        ValueError: If the input does not have four axes with a known last one.

    Example:
    >>> Aggregator(dtype="mixed_float16").precision
    'float32'
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape):
        """Checks the input; a subclass with weights makes them afterwards."""
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                f"`{type(self).__name__}` takes local features of shape (batch, height, width, D) "
                f"with a known D. Received: input_shape={tuple(input_shape)}"
            )

    def add_exact_weight(self, name: str, shape: tuple[int, ...], initializer="glorot_uniform"):
        """Returns a new weight of `precision`, which no policy rounds."""
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, dtype=self.precision, autocast=False
        )

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the output, which is float32 under every policy."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.precision)

    def count_flops(self, rows: int, columns: int, feature_dim: int) -> int:
        """Returns the floating point operations of its products of matrices for one photo.

        A multiplication and an addition count as two; pooling is left out. A subclass that
        multiplies matrices says how many.

        Args:
            rows: int. Rows of the grid of local features.
            columns: int. Columns of that grid.
            feature_dim: int. `D`.
        """
        return 0

    @property
    def precision(self) -> str:
        """The dtype that is computed in: float32, or float64 where the policy says so."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    @staticmethod
    def check_count(name: str, value: int) -> int:
        """Returns the value of an argument, or raises ValueError where it is not a count."""
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")
        return value

    @staticmethod
    def check_grid(grid: tuple[int, int]) -> tuple[int, int]:
        """Returns a grid as a tuple, or raises ValueError where it is none."""
        if len(grid) != 2 or not all(isinstance(side, int) and side > 0 for side in grid):
            raise ValueError(
                f"`grid` must be two positive integers, rows and columns. Received: grid={grid}"
            )
        rows, columns = grid
        return rows, columns
