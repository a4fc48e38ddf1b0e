"""The kinds of indexes: their settings, their size, and how FAISS makes them."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from placevec.config import IndexConfig
from placevec.config.choices import INDEX_KINDS
from placevec.store.store import DescriptorStore

# The type stubs of FAISS do not know all arguments.
_faiss: Any = faiss
_LINKS_PER_PHOTO = 16
_DIM_PER_CODE_BYTE = 16
_KMEANS_ROWS_PER_CENTER = 64


@dataclass(frozen=True)
class IndexSettings:
    """The kind of an index and how thoroughly it is searched.

    Args:
        kind: str. `"flat"` compares all photos exactly and needs no file; `"sq8"` compares all
            photos with one byte per dimension; `"hnsw"` follows a graph of similar photos, with two
            bytes per dimension; `"ivf_pq"` compares the photos of the nearest lists with one byte
            per 16 dimensions.
        effort: int. Number of photos that HNSW keeps in view (`efSearch`), or number of lists that
            IVF-PQ searches (`nprobe`). 0 for the other kinds.
    """

    kind: str = IndexConfig.kind
    effort: int = 0

    def __post_init__(self) -> None:
        if self.kind not in INDEX_KINDS:
            raise ValueError(
                f"`kind` must be one of {', '.join(INDEX_KINDS)}. Received: {self.kind}"
            )
        if type(self.effort) is not int or not 0 <= self.effort <= 2**20:
            raise ValueError(f"`effort` must be a whole number. Received: {self.effort}")


def make_index(kind: str, dim: int, num_rows: int) -> faiss.Index:
    """Returns an empty FAISS index for this many descriptors."""
    metric = faiss.METRIC_INNER_PRODUCT
    if kind == "sq8":
        return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit, metric)
    if kind == "hnsw":
        # The nearest unit vectors are the most similar ones, and distances give a better graph.
        return _faiss.IndexHNSWSQ(
            dim, faiss.ScalarQuantizer.QT_fp16, _LINKS_PER_PHOTO, faiss.METRIC_L2
        )
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFPQ(quantizer, dim, num_lists(num_rows), _code_bytes(dim), 8, metric)
    for clustering in (index.cp, index.pq.cp):
        clustering.niter = 10
        clustering.max_points_per_centroid = _KMEANS_ROWS_PER_CENTER
        clustering.min_points_per_centroid = 1  # no warning if there are few photos
    return index


def index_bytes(kind: str, dim: int, num_rows: int, bytes_a_number: int) -> int:
    """Returns roughly how much memory a search with an index needs."""
    if kind == "flat":
        return num_rows * dim * bytes_a_number
    if kind == "sq8":
        return num_rows * dim
    if kind == "hnsw":
        return num_rows * (2 * dim + 4 * (2 * _LINKS_PER_PHOTO + 2))
    return num_rows * (_code_bytes(dim) + 8) + num_lists(num_rows) * dim * 4 + 256 * dim * 4


def num_lists(num_rows: int) -> int:
    """Returns the number of lists of IVF-PQ for this many photos."""
    return max(1, min(int(num_rows**0.5), num_rows // 39))


def _code_bytes(dim: int) -> int:
    """Returns the bytes of a product code, one per equal part of at least about 16 dimensions."""
    return max(each for each in range(1, dim // _DIM_PER_CODE_BYTE + 2) if dim % each == 0)


def default_effort(kind: str, num_rows: int) -> int:
    """Returns the effort of an index that is not tuned, see `IndexSettings`."""
    return {"hnsw": 64, "ivf_pq": max(1, num_lists(num_rows) // 32)}.get(kind, 0)


def training_rows(store: DescriptorStore) -> NDArray[np.float32]:
    """Returns descriptors of a store to train an index on, (n, D) float32."""
    rows = store.rows
    most = _KMEANS_ROWS_PER_CENTER * max(256, num_lists(store.num_rows))
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(rows, min(most, len(rows)), replace=False))
    vectors = store.take(rows)
    # FAISS needs at least as many descriptors as a code has values.
    return np.resize(vectors, (max(256, len(vectors)), vectors.shape[1]))
