"""The directions in which vectors spread most. Every kind of whitening starts from them."""

from collections.abc import Iterator

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

# A direction counts if vectors spread in it by more than this share of their length. That is ten
# times the rounding of float32; directions below it are noise.
_SMALLEST_SPREAD = 10 * np.finfo(np.float32).eps

_BLOCK = 2048  # Only this many rows or columns are held in float64 at a time.


def principal_directions(
    vectors: NDArray[np.floating], dim: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Finds the directions in which vectors spread most, the largest spread first.

    The directions are the unit eigenvectors of the covariance (over `N - 1`). They are computed
    from the smaller of two matrices: the covariance (D, D), or, if there are fewer vectors than
    dimensions, the products of all pairs of vectors (N, N). Both have the same eigenvalues, and
    the second avoids a covariance of 32,768 x 32,768. All sums are in float64 and in blocks, so
    that beyond the input and the result memory grows with `min(N, D)^2`.

    Args:
        vectors: (N, D) float, finite; `N` is at least 2.
        dim: int or None. Largest number of directions to return. None: all.

    Returns:
        mean: (D,) float64.
        variances: (r,) float64, largest first, of every direction that exceeds rounding.
        directions: (D, min(dim, r)) float32 of unit length. The sign of a column is arbitrary.

    Example:
    >>> vectors = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> mean, variances, directions = principal_directions(vectors)  # 18 / 3 and 2 / 3
    >>> np.round(variances, 3).tolist(), np.abs(directions).tolist()
    ([6.0, 0.667], [[1.0, 0.0], [0.0, 1.0]])
    """
    mean = np.asarray(np.mean(vectors, axis=0, dtype=np.float64))
    scatter = _scatter(vectors, mean)
    sums, turns = scipy.linalg.eigh(scatter, lower=True, overwrite_a=True, check_finite=False)
    variances = sums[::-1] / (len(vectors) - 1)  # largest first
    squared_length = np.sum(np.square(mean)) + np.sum(variances)
    variances = variances[: int(np.sum(variances > _SMALLEST_SPREAD**2 * squared_length))]
    turns = turns[:, ::-1][:, : len(variances)][:, :dim]
    if not _pairs_vectors(vectors):  # (D, d): the directions themselves
        return mean, variances, turns.astype(np.float32)
    turns = turns / np.sqrt(sums[::-1][: turns.shape[1]])  # (N, d): from vectors to directions
    directions = np.empty((vectors.shape[1], turns.shape[1]), np.float32)
    for columns in _blocks(vectors.shape[1]):
        directions[columns] = (vectors[:, columns] - mean[columns]).T @ turns
    return mean, variances, directions


def _pairs_vectors(vectors: NDArray[np.floating]) -> bool:
    """Returns whether the matrix of pairs of vectors is smaller than that of dimensions."""
    return vectors.shape[0] < vectors.shape[1]


def _scatter(vectors: NDArray[np.floating], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the lower half of the smaller matrix of products: (N, N) or (D, D)."""
    size = min(vectors.shape)
    total = np.zeros((size, size), order="F")
    for block in _blocks(max(vectors.shape)):
        if _pairs_vectors(vectors):
            part = np.asfortranarray(vectors[:, block] - mean[block])  # (N, block)
        else:
            part = (vectors[block] - mean).T  # (D, block)
        total = scipy.linalg.blas.dsyrk(1.0, part, 1.0, total, lower=1, overwrite_c=1)
    return total


def _blocks(length: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, length, _BLOCK))
