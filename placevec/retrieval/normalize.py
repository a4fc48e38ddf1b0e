"""Makes queries comparable with a map.

This file only needs NumPy and works on arrays. Every search does the same:

    statistics = fit_map_statistics(database)         # or those of a store's index
    normalizer = Normalizer(statistics, "running")
    database = statistics.adapt(database)             # once
    queries = normalizer(queries)                     # as they come, one or many at a time
    neighbors, similarities = nearest(database, queries, 10)
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import NORMALIZATIONS, choose
from placevec.store.map_statistics import MapStatistics

_PRIOR_QUERIES = 10  # the weight of the map's mean, counted in queries


@dataclass
class Normalizer:
    """Adapts queries to a map: subtracts a mean and applies the map's projection.

    A photo loses as much of the mean as it contains, see `MapStatistics.adapt`. The map's own
    photos always lose the map's mean. For queries you choose the mean: other light moves all
    queries in one direction, and subtracting their own mean undoes that.

    Args:
        statistics: MapStatistics.
        normalization: str. A row of `NORMALIZATIONS` except none: `"map"`, the map's mean;
            `"running"`, the mean of the queries so far, in their order and in constant memory;
            `"own"`, the mean of all queries of a call. The map's mean counts as 10 queries, so the
            mean of few queries stays near it.

    Raises:
        ValueError: If the normalization does not exist, or is none.

    Example:
    >>> normalizer = Normalizer(MapStatistics(np.zeros(2), np.eye(2), 4), "running")
    >>> normalizer(np.array([[0.0, 1.0]])).tolist(), normalizer.num_queries
    ([[0.0, 1.0]], 1)
    """

    statistics: MapStatistics
    normalization: str
    num_queries: int = field(default=0, init=False)
    total: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        row = choose(NORMALIZATIONS, self.normalization, "normalize")
        if not row.home:
            raise ValueError("A `Normalizer` subtracts a mean. Received: none. Leave it out")
        self._means = row.find()
        self.total = np.zeros(len(self.statistics.mean))

    def __call__(self, queries: NDArray[np.floating]) -> NDArray[np.float32]:
        """Returns queries in the form that is compared with the map's adapted descriptors.

        Args:
            queries: (Q, D) float. Descriptors of unit length, in their order.

        Returns:
            (Q, n) float32, of unit length.

        Raises:
            ValueError: If the queries have other dimensions than the map.
        """
        queries = np.asarray(queries)
        if queries.ndim != 2 or queries.shape[1] != len(self.statistics.mean):
            return self.statistics.adapt(queries)  # raises the error
        means = self._means(self, queries)
        self.num_queries += len(queries)
        self.total = self.total + queries.sum(axis=0, dtype=np.float64)
        return self.statistics.adapt(queries, means)

    def again(self, queries: NDArray[np.floating]) -> NDArray[np.float32]:
        """Adapts earlier queries with the mean of all queries so far, without counting them again.

        Args:
            queries: (Q, D) float.

        Returns:
            (Q, n) float32, of unit length.
        """
        return self.statistics.adapt(queries, _mean_so_far(self, self.total, self.num_queries))


def map_mean(normalizer: Normalizer, queries: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns the map's mean, `(D,)`, for all queries."""
    return normalizer.statistics.mean


def running_means(normalizer: Normalizer, queries: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns for each query the mean of the queries up to and including it, `(Q, D)`."""
    totals = normalizer.total + np.cumsum(queries, axis=0, dtype=np.float64)
    counts = normalizer.num_queries + np.arange(1, len(queries) + 1)[:, None]
    return _mean_so_far(normalizer, totals, counts)


def own_mean(normalizer: Normalizer, queries: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns the mean of the queries of a call, `(D,)`."""
    return _mean_so_far(normalizer, queries.sum(axis=0, dtype=np.float64), len(queries))


def _mean_so_far(
    normalizer: Normalizer, totals: NDArray[np.float64], counts: int | NDArray[np.int64]
) -> NDArray[np.float64]:
    return (totals + _PRIOR_QUERIES * normalizer.statistics.mean) / (counts + _PRIOR_QUERIES)
