"""Searches runs of queries in a store."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from placevec.places import PlaceDataset
from placevec.retrieval.sequences import nearest_by_sequence, runs_in_order
from placevec.store.store import DescriptorStore
from placevec.store.where import Where

_MOST_SIMILARITIES = 2**25  # take 128 MB of memory
_FEWEST_QUERIES = 64  # because the whole store is adapted again for each group of queries

Filter = tuple[float | None, tuple[float, float] | None, float | None]
"""Largest distance in metres, its center, and latest time, as `Where.rows` takes them."""


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
        descriptors: (Q, D) float32. Descriptors of the queries.
        photos: PlaceDataset. The queries, whose runs `runs_in_order` finds.
        filters: sequence of Q filters.
        length: int. Number of photos of a run to match together.
        count: int. Number of photos to find for each query.

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
            parts = [np.zeros((len(some), 0), np.float32)]  # for an empty store
            parts += [descriptors[some] @ store.compared(block).T for _, block in store.blocks()]
            for query, row in zip(some.tolist(), np.concatenate(parts, axis=1), strict=True):
                yield np.where(allowed[filters[query]], row, np.float32(-np.inf))

    neighbors, scores = nearest_by_sequence(similarities(), queries, database, length, count)
    missing = (0, 0), (0, count - neighbors.shape[1])
    return (
        np.pad(neighbors, missing, constant_values=-1),
        np.pad(scores, missing, constant_values=-np.inf),
    )
