"""What all aggregators share: the inputs that they take, and the precision that they compute in."""

import keras


@keras.saving.register_keras_serializable(package="placevec")
class Aggregator(keras.layers.Layer):
    """The common part of layers that turn local features into one descriptor.

    To write an aggregator, subclass it. Write `call`, which first casts its input to `precision`,
    and `compute_output_shape`, and make weights with `add_exact_weight`. Everything is then
    computed and returned in float32, even under a mixed or half precision policy. (Under a float64
    policy: float64.)

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
        """Checks the input. A subclass with weights overrides it to make them."""
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                f"`{type(self).__name__}` takes local features of shape (batch, height, width, D) "
                f"with a known D. Received: input_shape={tuple(input_shape)}"
            )

    def add_exact_weight(self, name: str, shape: tuple[int, ...], initializer="glorot_uniform"):
        """Returns a new weight of dtype `precision`, which no policy rounds."""
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, dtype=self.precision, autocast=False
        )

    def compute_output_spec(self, inputs):
        """Returns shape and dtype of the output, which is float32 under every policy."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.precision)

    def count_flops(self, rows: int, columns: int, feature_dim: int) -> int:
        """Returns the floating point operations of its matrix products for one photo.

        A multiplication and an addition count as two operations; pooling is left out. A subclass
        that multiplies matrices overrides it.

        Args:
            rows: int. Rows of the grid of local features.
            columns: int. Columns of that grid.
            feature_dim: int. `D`.
        """
        return 0

    @property
    def precision(self) -> str:
        """The dtype of the computation: float32, or float64 if the policy says so."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    @staticmethod
    def check_count(name: str, value: int) -> int:
        """Returns the value of an argument, or raises ValueError if it is not positive."""
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")
        return value

    @staticmethod
    def check_grid(grid: tuple[int, int]) -> tuple[int, int]:
        """Returns a grid as a tuple, or raises ValueError if it is not a valid grid."""
        if len(grid) != 2 or not all(isinstance(side, int) and side > 0 for side in grid):
            raise ValueError(
                f"`grid` must be two positive integers, rows and columns. Received: grid={grid}"
            )
        rows, columns = grid
        return rows, columns
