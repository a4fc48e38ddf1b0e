"""How many points of the world two photos both show."""

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors


class SharedPoints:
    """Share of the points that two photos see which both of them see.

    The share is the number of common points over that of the photo that sees fewer, so that a
    close view of a part of a distant one shares all of its points with it. A photo that sees no
    point shares nothing.

    Args:
        dataset: PlaceDataset, with `points_seen`.
        neighbors: DatabaseNeighbors of the data set.
    """

    words = "of the points shared"

    def __init__(self, dataset: PlaceDataset, neighbors: DatabaseNeighbors):
        seen = scipy.sparse.csr_array(dataset.points_seen, copy=True)
        seen.sum_duplicates()
        seen.eliminate_zeros()
        self._seen = seen.astype(np.int32)  # sums of bool are bool
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
            Owners and places in the database, as `DatabaseNeighbors.within` gives them.
        """
        common = scipy.sparse.csr_array(self._seen[photos] @ self._seen_by)
        common.sort_indices()
        owners = np.repeat(np.arange(len(photos)), np.diff(common.indptr))
        return owners, common.indices.astype(np.int64)

    def most_touching(self, photos: NDArray[np.integer]) -> NDArray[np.int64]:
        """Returns how many photos `touching` finds for each photo."""
        return np.bincount(self.touching(photos)[0], minlength=len(photos))
