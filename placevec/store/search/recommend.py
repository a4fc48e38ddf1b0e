"""Recommends an index for a store, by measuring all kinds on a sample of its photos."""

import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import INDEX_KINDS
from placevec.counted import counted
from placevec.store.search.exact import nearest_in_store
from placevec.store.search.index import StoreIndex
from placevec.store.search.index_kinds import index_bytes, num_lists
from placevec.store.store import DescriptorStore
from placevec.store.store_writer import StoreWriter

_log = logging.getLogger(__name__)
_NUM_QUERIES = 100
_NUM_NEIGHBORS = 10
MOST_EFFORT = 2048
_MB = 1_000_000


@dataclass(frozen=True)
class Measurement:
    """How well and how fast an index answers.

    Args:
        kind: str. See `IndexSettings`.
        effort: int. See `IndexSettings`.
        recall: float. Share of the 10 most similar photos that the index finds, in [0, 1].
        batch_ms: float. Milliseconds per query, for many queries at once.
        single_ms: float. Milliseconds per query, for one query at a time.
        build_s: float. Seconds that building took.
        memory_mb: float. Expected memory of a search among all photos of the store, in millions of
            bytes.
        expected_ms: float. `single_ms` extrapolated to all photos of the store.
    """

    kind: str
    effort: int
    recall: float
    batch_ms: float
    single_ms: float
    build_s: float
    memory_mb: float
    expected_ms: float


@dataclass(frozen=True)
class Recommendation:
    """The kind of index to build, and the measurements behind it.

    Args:
        kind: str. The kind to build.
        reason: str. The reason, as part of a sentence.
        measurements: tuple of Measurement. One per kind, on the sample.
        num_sampled: int. Number of photos in the sample.
        num_photos: int. Number of photos in the store.
    """

    kind: str
    reason: str
    measurements: tuple[Measurement, ...]
    num_sampled: int
    num_photos: int

    def __str__(self) -> str:
        lines = [
            f"measured on {self.num_sampled} of {counted(self.num_photos, 'photo')}, each without "
            "itself:",
            "kind    effort  recall@10  ms/query  in batch  build s | all photos: ms    MB",
        ]
        lines += [
            f"{each.kind:<7s} {each.effort or '':>6}  {each.recall:9.3f} {each.single_ms:9.2f} "
            f"{each.batch_ms:9.2f} {each.build_s:8.1f} | {each.expected_ms:14.2f} "
            f"{each.memory_mb:5.0f}"
            for each in self.measurements
        ]
        return "\n".join([*lines, f"recommended: {self.kind}, {self.reason}"])


def recommend_index(
    store: DescriptorStore,
    *,
    recall: float,
    memory_mb: float | None = None,
    num_sampled: int = 20_000,
    seed: int = 0,
) -> Recommendation:
    """Measures every kind of index on a sample and recommends the fastest that is good enough.

    Each query is a photo of the sample, which must find the 10 others that are most similar to it.
    The effort of HNSW and IVF-PQ is raised until they reach the recall. Times are extrapolated to
    the whole store: in proportion to the number of photos, to its square root (IVF-PQ) or to its
    logarithm (HNSW). A store is harder to search than a sample, so tune the finished index with
    `reach_recall`.

    Args:
        store: DescriptorStore.
        recall: float. Required recall@10, in (0, 1].
        memory_mb: float or None. Memory for the search, in millions of bytes. None: any.
        num_sampled: int. Maximum number of photos in the sample.
        seed: int. Seed of the random sample.

    Raises:
        ValueError: If the store has fewer than 2 photos.
    """
    require_two_photos(store)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(store.rows, min(num_sampled, len(store)), replace=False))
    with tempfile.TemporaryDirectory() as folder:
        manifest = store.manifest
        with StoreWriter.create(
            Path(folder) / "sample", model_id=manifest.model_id, dtype=manifest.dtype
        ) as sample:
            sample.append([str(row) for row in rows], store.take(rows))
            measured = tuple(
                _measure_kind(kind, sample, store, recall, seed) for kind in INDEX_KINDS
            )
    kind, reason = _choose(measured, recall, memory_mb)
    return Recommendation(kind, reason, measured, len(rows), len(store))


def reach_recall(
    index: StoreIndex, recall: float, *, seed: int = 0
) -> tuple[StoreIndex, float, float, float]:
    """Raises an index's effort until it finds the required share of the 10 most similar photos.

    Args:
        index: StoreIndex.
        recall: float. Required recall@10, in (0, 1].
        seed: int. Seed of the 100 random photos that are queries.

    Returns:
        The index with its effort, its recall@10, and milliseconds per query in a batch and alone.

    Raises:
        ValueError: If the store has fewer than 2 photos.
    """
    store = index.store
    require_two_photos(store)
    rows = np.random.default_rng(seed).permutation(store.rows)[:_NUM_QUERIES]
    queries, wanted = store.take(rows), min(_NUM_NEIGHBORS, len(store) - 1)
    exact = _without_itself(nearest_in_store(store, queries, wanted + 1)[0], rows)
    effort = index.settings.effort
    most = {"hnsw": MOST_EFFORT, "ivf_pq": min(MOST_EFFORT, num_lists(store.num_rows))}
    most = most.get(index.settings.kind, 0)
    while True:
        index = index.with_effort(effort)
        start = time.perf_counter()
        found = _without_itself(index.search(queries, wanted + 1)[0], rows)
        batch_ms = 1e3 * (time.perf_counter() - start) / len(rows)
        pairs = zip(found, exact, strict=True)
        reached = float(np.mean([np.isin(right, row).mean() for row, right in pairs]))
        if reached >= recall or effort >= most:
            break
        effort = min(most, 2 * effort)
    alone = []
    for query in queries[:20]:
        start = time.perf_counter()
        index.search(query[None], wanted)
        alone.append(1e3 * (time.perf_counter() - start))
    return index, reached, batch_ms, float(np.median(alone))


def require_two_photos(store: DescriptorStore) -> None:
    """Refuses a store that is too small for an index to be measured.

    Raises:
        ValueError: If it has fewer than 2 photos.
    """
    if len(store) < 2:
        raise ValueError(
            f"An index needs at least 2 photos. Received: {len(store)} in {store.folder}. "
            "Describe more"
        )


def _without_itself(neighbors: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drops each query from its neighbors, or the last neighbor if the query is not among them."""
    is_itself = neighbors == rows[:, None]
    is_itself[~is_itself.any(axis=1), -1] = True
    return neighbors[~is_itself].reshape(len(neighbors), -1)


def _measure_kind(
    kind: str, sample: DescriptorStore, store: DescriptorStore, recall: float, seed: int
) -> Measurement:
    start = time.perf_counter()
    index = StoreIndex.build(sample, kind)
    build_s = time.perf_counter() - start
    index, reached, batch_ms, single_ms = reach_recall(index, recall, seed=seed)
    growth = len(store) / len(sample)
    growth = {"hnsw": np.log(len(store)) / np.log(len(sample)), "ivf_pq": growth**0.5}.get(
        kind, growth
    )
    itemsize = np.dtype(store.manifest.dtype).itemsize
    size = index_bytes(kind, store.dim or 0, store.num_rows, itemsize)
    return Measurement(
        kind, index.settings.effort, reached, batch_ms, single_ms, build_s, size / _MB,
        float(single_ms * growth),
    )  # fmt: skip


def _choose(
    measured: tuple[Measurement, ...], recall: float, memory_mb: float | None
) -> tuple[str, str]:
    fits = [each for each in measured if memory_mb is None or each.memory_mb <= memory_mb]
    if not fits:
        best = min(measured, key=lambda each: each.memory_mb)
        return best.kind, f"which takes {best.memory_mb:.0f} MB: none fits {memory_mb:g} MB"
    good = [each for each in fits if each.recall >= recall]
    if not good:
        best = max(fits, key=lambda each: each.recall)
        return best.kind, f"whose recall is highest: none in the memory reaches {recall:g}"
    best = min(good, key=lambda each: each.expected_ms)
    return best.kind, f"the fastest of those that reach {recall:g} in the memory"
