"""Computes how many points of the world two photos have in common."""

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors


class SharedPoints:
    """Share of points that two photos have in common.

    The share is the number of common points divided by the number of points of the photo that sees
    fewer. So a close view shares all of its points with a distant view of the same thing. A photo
    that sees no points shares nothing.

    Args:
        dataset: PlaceDataset, with `points_seen`.
        neighbors: DatabaseNeighbors of the data set.
    """

    words = "of the points shared"

    def __init__(self, dataset: PlaceDataset, neighbors: DatabaseNeighbors):
        seen = scipy.sparse.csr_array(dataset.points_seen, copy=True)
        seen.sum_duplicates()
        seen.eliminate_zeros()
        self._seen = seen.astype(np.int32)  # because sums of bool would be bool
        self._seen_by = scipy.sparse.csr_array(self._seen[neighbors.database].T)  # (M, database)
        self._counts = np.diff(seen.indptr)

    def share(
        self, photos: NDArray[np.integer], others: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Returns the shares of pairs of photos.

        Args:
            photos: (n,) int. Rows of the data set.
            others: (n,) int. Rows of the data set.

        Returns:
            (n,) float64 in [0, 1].
        """
        common = self._seen[photos].multiply(self._seen[others]).sum(axis=1)
        fewer = np.minimum(self._counts[photos], self._counts[others])
        return np.asarray(common, dtype=np.float64) / np.maximum(fewer, 1)

    def touching(self, photos: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Finds the database photos that share a point with each photo.

        Args:
            photos: (n,) int. Rows of the data set.

        Returns:
            Indices in `photos` and in the database, as `DatabaseNeighbors.within` returns them.
        """
        common = scipy.sparse.csr_array(self._seen[photos] @ self._seen_by)
        common.sort_indices()
        owners = np.repeat(np.arange(len(photos)), np.diff(common.indptr))
        return owners, common.indices.astype(np.int64)

    def most_touching(self, photos: NDArray[np.integer]) -> NDArray[np.int64]:
        """Returns how many photos `touching` finds for each photo."""
        return np.bincount(self.touching(photos)[0], minlength=len(photos))
