"""Finds the database photos near a photo, by position or, without positions, by identity."""

from itertools import chain

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset


class DatabaseNeighbors:
    """The database of a data set, searched by position.

    Without positions, photos of one place are neighbors at any radius, and others never are.

    Args:
        dataset: PlaceDataset.

    Raises:
        ValueError: If neither positions nor identities are known.
    """

    def __init__(self, dataset: PlaceDataset):
        dataset.require_places()
        self.database = dataset.database
        self._positions_m = dataset.positions_m
        if dataset.positions_m is not None:
            self._tree = scipy.spatial.KDTree(dataset.positions_m[self.database])
            return
        self._place_ids = dataset.known("place_ids")
        ids = self._place_ids[self.database]
        self._by_place = np.argsort(ids, kind="stable")
        self._sorted_ids = ids[self._by_place]

    @property
    def of_unknown_place(self) -> NDArray[np.int64]:
        """Indices of `database` of photos whose place is not known, (U,) int64, ascending."""
        if self._positions_m is not None:
            return np.empty(0, dtype=np.int64)
        return self._by_place[slice(*np.searchsorted(self._sorted_ids, [-1, 0]))]

    def within(
        self, photos: NDArray[np.integer], radius_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Finds the database photos within a radius of each photo, including itself.

        Args:
            photos: (n,) int. Rows of the data set.
            radius_m: float. Largest distance, in metres.

        Returns:
            Two arrays of int64 with an entry for each pair of a photo and a neighbor: the index in
            `photos`, ascending; and the neighbor's index in `database`, ascending for each photo.
        """
        if self._positions_m is None:
            starts, counts = self._places_of(photos)
            owners = np.repeat(np.arange(len(photos)), counts)
            firsts = np.cumsum(counts) - counts  # the first pair of each photo
            found = self._by_place[starts[owners] + np.arange(len(owners)) - firsts[owners]]
            return owners, found  # ascending, because the sort was stable
        lists = self._tree.query_ball_point(self._positions_m[photos], radius_m, return_sorted=True)
        counts = np.fromiter(map(len, lists), dtype=np.int64, count=len(photos))
        found = np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=counts.sum())
        return np.repeat(np.arange(len(photos)), counts), found

    def count_within(self, photos: NDArray[np.integer], radius_m: float) -> NDArray[np.int64]:
        """Returns how many database photos are within a radius of each photo, including itself.

        Args:
            photos: (n,) int. Rows of the data set.
            radius_m: float. Largest distance, in metres.

        Returns:
            (n,) int64.
        """
        if self._positions_m is None:
            return self._places_of(photos)[1]
        return self._tree.query_ball_point(self._positions_m[photos], radius_m, return_length=True)

    def have_others_within(self, photos: NDArray[np.integer], radius_m: float) -> NDArray[np.bool_]:
        """Returns whether each photo has another database photo within a radius.

        Unlike counting the photos, its cost does not grow with their number.

        Args:
            photos: (n,) int. Rows of the data set.
            radius_m: float. Largest distance, in metres.

        Returns:
            (n,) bool.
        """
        itself = np.isin(photos, self.database, assume_unique=True)
        if self._positions_m is None:
            return self._places_of(photos)[1] > itself
        # The bound is exclusive.
        apart_m, _ = self._tree.query(
            self._positions_m[photos], k=[1, 2], distance_upper_bound=np.nextafter(radius_m, np.inf)
        )
        return np.isfinite(apart_m).sum(axis=1) > itself

    def _places_of(
        self, photos: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where the photos' places begin in the order by place, and their lengths."""
        ids = self._place_ids[photos]
        starts = np.searchsorted(self._sorted_ids, ids, side="left")
        stops = np.searchsorted(self._sorted_ids, ids, side="right")
        return starts, np.where(ids == -1, 0, stops - starts)
