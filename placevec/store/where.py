"""Filters the photos of a store that a search may find, by position and time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.store.store import DescriptorStore


@dataclass(frozen=True, eq=False)
class Where:
    """Filters by position and time over the photos of a store.

    A photo of unknown position (or time) never passes a filter by position (or time).

    Args:
        store: DescriptorStore.

    Example:
    >>> import tempfile
    >>> from pathlib import Path
    >>> from placevec.store.store_writer import StoreWriter
    >>> store = StoreWriter.create(Path(tempfile.mkdtemp()) / "store", model_id="m")
    >>> store.append(["a", "b"], np.eye(2), positions_m=[[0, 0], [900, 0]], times_s=[5, 9])
    >>> Where(store).rows(within_m=500, of=(0, 0)).tolist()
    [True, False]
    >>> Where(store).rows(before_s=9).tolist()
    [True, False]
    """

    store: DescriptorStore

    def rows(
        self,
        *,
        within_m: float | None = None,
        of: tuple[float, float] | None = None,
        before_s: float | None = None,
    ) -> NDArray[np.bool_]:
        """Returns the rows that pass: (num_rows,) bool.

        Args:
            within_m: float or None. Largest distance from `of`, in metres.
            of: (float, float) or None. Approximate position: metres east and north in the store's
                frame.
            before_s: float or None. Only photos earlier than this, in seconds since 1970, UTC.

        Raises:
            ValueError: If only one of `within_m` and `of` is given, or no photo has a position or
                time to filter by.
        """
        if (within_m is None) != (of is None):
            raise ValueError(f"`within_m` and `of` go together. Received: {within_m} and {of}")
        passes = ~self.store.is_removed
        if within_m is not None and of is not None:
            if not (np.isfinite(of).all() and within_m >= 0):
                raise ValueError(
                    "`within_m` must be at least 0 and `of` finite. Received: "
                    f"within_m={within_m}, of={of}"
                )
            rows, tree = self._tree
            near = np.zeros(len(passes), bool)
            near[rows[tree.query_ball_point(np.asarray(of, float), within_m)]] = True
            passes &= near
        if before_s is not None:
            if not np.isfinite(self._times_s).any():
                raise ValueError(f"No photo in {self.store.folder} has a time. {_DESCRIBE}")
            passes &= self._times_s < before_s  # false for NaN
        return passes

    @cached_property
    def _tree(self) -> tuple[NDArray[np.int64], "scipy.spatial.cKDTree"]:
        table = self.store.photos
        columns = [table[name].to_numpy(zero_copy_only=False) for name in ("east_m", "north_m")]
        positions_m = np.stack(columns, axis=1).astype(float)
        rows = np.flatnonzero(np.isfinite(positions_m).all(axis=1))
        if not len(rows):
            raise ValueError(f"No photo in {self.store.folder} has a position. {_DESCRIBE}")
        return rows, scipy.spatial.cKDTree(positions_m[rows])

    @cached_property
    def _times_s(self) -> NDArray[np.float64]:
        return self.store.photos["time_s"].to_numpy(zero_copy_only=False).astype(float)


_DESCRIBE = "Describe photos that have one into a new store (docs/formats.md)"
