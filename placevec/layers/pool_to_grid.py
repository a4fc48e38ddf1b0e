"""Average pooling of a feature map of any size to a grid of fixed size."""

from keras import ops


def pool_to_grid(features, grid: tuple[int, int]):
    """Averages local features over a grid of cells (adaptive average pooling).

    Row `i` of `R` covers the input's rows from `floor(i * H / R)` up to, but not including,
    `ceil((i + 1) * H / R)`; the same holds for columns. If `H` is not a multiple of `R`,
    neighboring cells share a row. If the input has fewer rows than the grid, rows are repeated. If
    it has as many, nothing changes.

    `keras.ops.adaptive_average_pool` does the same, but on TensorFlow only if the photo size is
    known when the network is built.

    Args:
        features: Float tensor `(batch, height, width, D)`, of any height and width.
        grid: (int, int). Rows `R` and columns `S` of the grid.

    Returns:
        Tensor `(batch, R, S, D)`, of the dtype of `features`.

    Example:
    >>> features = ops.reshape(ops.arange(8, dtype="float32"), (1, 2, 4, 1))
    >>> ops.convert_to_numpy(pool_to_grid(features, (1, 2)))[0, :, :, 0]
    array([[2.5, 4.5]], dtype=float32)
    """
    height, width = ops.shape(features)[1:3]
    for_rows = _averaging(height, grid[0], features.dtype)  # (R, H)
    for_columns = _averaging(width, grid[1], features.dtype)  # (S, W)
    rows = ops.einsum("rh,bhwd->brwd", for_rows, features)
    return ops.einsum("sw,brwd->brsd", for_columns, rows)


def _averaging(size, num_cells: int, dtype):
    """Returns (num_cells, size): each row averages the positions of one cell."""
    place = ops.expand_dims(ops.arange(size, dtype="int32"), 0)
    cell = ops.expand_dims(ops.arange(num_cells, dtype="int32"), 1)
    first = cell * size // num_cells
    behind = ((cell + 1) * size + num_cells - 1) // num_cells
    inside = ops.logical_and(place >= first, place < behind)
    return ops.cast(inside, dtype) / ops.cast(behind - first, dtype)
