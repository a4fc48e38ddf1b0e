"""Runs of queries searched in a store."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from placevec.places import PlaceDataset
from placevec.retrieval.sequences import nearest_by_sequence, runs_in_order
from placevec.store.store import DescriptorStore
from placevec.store.where import Where

_MOST_SIMILARITIES = 2**25  # of queries to all photos that are in memory, 128 MB
_FEWEST_QUERIES = 64  # at a time, however large the store is: each time all of it is adapted

Filter = tuple[float | None, tuple[float, float] | None, float | None]
"""Largest distance in metres, from where, and latest time, as `Where.rows` takes them."""


def nearest_runs(
    store: DescriptorStore,
    descriptors: NDArray[np.float32],
    photos: PlaceDataset,
    filters: Sequence[Filter],
    length: int,
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the photos of a store whose runs are the most similar, by comparing all of them.

    Args:
        store: DescriptorStore.
        descriptors: (Q, D) float32. Those of the queries.
        photos: PlaceDataset. The queries; their runs are those of `runs_in_order`.
        filters: sequence of Q filters.
        length: int. Photos of a run that are matched together.
        count: int. Photos to find for each query.

    Returns:
        (Q, count) int64, rows of the store, best first, -1 if there are no more; and (Q, count)
        float32, the similarities of the runs, -infinity if there are no more.
    """
    table, where = store.photos.to_pandas(), Where(store)
    database = runs_in_order(table["name"].tolist(), table["time_s"].to_numpy(float))
    queries = runs_in_order(photos.names.tolist(), photos.times_s, photos.sequence_ids)
    allowed = {
        each: where.rows(within_m=each[0], of=each[1], before_s=each[2]) for each in set(filters)
    }

    def similarities() -> Iterator[NDArray[np.float32]]:
        order = queries[0]
        most = max(_FEWEST_QUERIES, _MOST_SIMILARITIES // max(1, store.num_rows))
        for first in range(0, len(order), most):
            some = order[first : first + most]
            parts = [np.zeros((len(some), 0), np.float32)]  # of an empty store
            parts += [descriptors[some] @ store.compared(block).T for _, block in store.blocks()]
            for query, row in zip(some.tolist(), np.concatenate(parts, axis=1), strict=True):
                yield np.where(allowed[filters[query]], row, np.float32(-np.inf))

    neighbors, scores = nearest_by_sequence(similarities(), queries, database, length, count)
    missing = (0, 0), (0, count - neighbors.shape[1])
    return (
        np.pad(neighbors, missing, constant_values=-1),
        np.pad(scores, missing, constant_values=-np.inf),
    )
