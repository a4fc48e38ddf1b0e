"""Measures how fast and how well each kind of index answers, and what it takes to build it.

    python benchmarks/search.py
    python benchmarks/search.py --sizes 1000000 --kinds flat sq8 ivf_pq
    python benchmarks/search.py --short

It prints one table. Descriptors are synthetic but resemble those of photos: unit vectors in
clusters of about 20, which spread unequally in 48 directions, with a little noise in all 1024.
Queries are descriptors of the store, changed as much as two photos of a place differ. Recall@10 is
the share of the 10 most similar that an index finds. Memory is the size of the index file. All
kinds except flat look up candidates in the store, which stays on disk if memory is too small. Times
are processor times of one thread, which other work on the machine changes little.
"""

import os

for each in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[each] = "1"

import resource  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402
from machine import describe_machine  # noqa: E402

from placevec.store import DescriptorStore, StoreIndex, StoreWriter, nearest_in_store  # noqa: E402
from placevec.store.search.recommend import MOST_EFFORT  # noqa: E402

_DIRECTIONS = 48
_BLOCK = 20_000


def main(
    sizes: tuple[int, ...] = (10_000, 100_000),
    kinds: tuple[str, ...] = ("flat", "sq8", "hnsw", "ivf_pq"),
    dim: int = 1024,
    recall: float = 0.95,
    folder: Path | None = None,
    short: bool = False,
) -> None:
    """Builds indexes of synthetic descriptors and prints memory, times and recall.

    Args:
        sizes: Numbers of descriptors in a store.
        kinds: Kinds of index.
        dim: Dimensions of a descriptor.
        recall: HNSW and IVF-PQ are searched as thoroughly as this recall@10 requires.
        folder: Folder where the stores are kept for further runs. None: a temporary folder.
        short: Only 5,000 descriptors of 256 dimensions.
    """
    if short:
        sizes, dim = (5000,), 256
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    print("photos    kind    effort  index MB  build s  ms in batch of 100  ms alone  recall@10")
    for size in sizes:
        with tempfile.TemporaryDirectory() as made:
            store = _make_store((folder or Path(made)) / f"{size}x{dim}", size, dim)
            queries = _queries(store)
            exact, _ = nearest_in_store(store, queries, 10)
            for kind in kinds:
                print(f"{size:<9d} {kind:<7s} {_measure(store, kind, queries, exact, recall)}",
                      flush=True)  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"peak of memory, mapped files included: {peak / (2**20 if _IS_LINUX else 2**30):.1f} GiB"
    )


def _make_store(folder: Path, size: int, dim: int) -> DescriptorStore:
    if folder.exists() and len(DescriptorStore.open(folder)) == size:
        return DescriptorStore.open(folder)
    rng = np.random.default_rng(0)
    spread = np.linspace(1, 0.2, _DIRECTIONS, dtype=np.float32)[:, None]
    basis = rng.standard_normal((_DIRECTIONS, dim), np.float32) * spread
    centers = rng.standard_normal((max(1, size // 20), _DIRECTIONS), np.float32)
    with StoreWriter.create(folder, model_id="made") as store:
        for start in range(0, size, _BLOCK):
            count = min(_BLOCK, size - start)
            latent = centers[rng.integers(len(centers), size=count)]
            latent = latent + 0.4 * rng.standard_normal(latent.shape, np.float32)
            vectors = latent @ basis + 0.3 * rng.standard_normal((count, dim), np.float32)
            names = [f"{row}.jpg" for row in range(start, start + count)]
            store.append(names, _unit(vectors))
    return DescriptorStore.open(folder)


def _queries(store: DescriptorStore) -> np.ndarray:
    rng = np.random.default_rng(1)
    vectors = store.take(rng.choice(store.num_rows, 100, replace=False))
    noise = _unit(rng.standard_normal(vectors.shape, np.float32))
    return _unit(vectors + 0.3 * noise)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _measure(
    store: DescriptorStore, kind: str, queries: np.ndarray, exact: np.ndarray, recall: float
) -> str:
    start = time.process_time()
    index = StoreIndex.build(store, kind)
    build_s = time.process_time() - start
    index.save()
    megabytes = sum(path.stat().st_size for path in store.folder.glob("index-*")) / 1e6
    while True:
        found, batch_s = _timed(index, queries)
        reached = np.mean([np.isin(a, b).mean() for a, b in zip(exact, found, strict=True)])
        if reached >= recall or not 0 < index.settings.effort < MOST_EFFORT:
            break
        index = index.with_effort(2 * index.settings.effort)
    alone_s = np.median([_timed(index, query[None])[1] for query in queries[:20]])
    return (
        f"{index.settings.effort or '':>6} {megabytes:9.0f} {build_s:8.1f} "
        f"{1e3 * batch_s / len(queries):19.2f} {1e3 * alone_s:9.2f} {reached:10.3f}"
    )


def _timed(index: StoreIndex, queries: np.ndarray) -> tuple[np.ndarray, float]:
    start = time.process_time()
    found, _ = index.search(queries, 10)
    return found, time.process_time() - start


_IS_LINUX = sys.platform != "darwin"

if __name__ == "__main__":
    tyro.cli(main)
