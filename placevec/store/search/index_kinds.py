"""The kinds of indexes: what they are, how large they get, and how FAISS makes them."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from placevec.config import IndexConfig
from placevec.config.choices import INDEX_KINDS
from placevec.store.store import DescriptorStore

# Its types know too few of the arguments.
_faiss: Any = faiss
_LINKS = 16  # of a photo in HNSW's graph
_PART_DIM = 16  # dimensions that a byte of a product code encodes
_ROWS_A_CENTER = 64  # that k-means looks at


@dataclass(frozen=True)
class IndexSettings:
    """What an index is and how thoroughly it is searched.

    Args:
        kind: str. `"flat"` compares all photos exactly and takes no file; `"sq8"` compares all by
            one byte a number; `"hnsw"` follows a graph of similar photos, with two bytes a number;
            `"ivf_pq"` compares those of the nearest lists by a byte for 16 numbers.
        effort: int. Photos that HNSW keeps in view (`efSearch`), or lists that IVF-PQ looks into
            (`nprobe`). 0 for kinds without.
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
    """Returns an empty index of FAISS for this many descriptors."""
    metric = faiss.METRIC_INNER_PRODUCT
    if kind == "sq8":
        return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit, metric)
    if kind == "hnsw":
        # Of unit vectors the nearest by distance are the most similar; the graph is better so.
        return _faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, _LINKS, faiss.METRIC_L2)
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFPQ(quantizer, dim, num_lists(num_rows), _code_bytes(dim), 8, metric)
    for clustering in (index.cp, index.pq.cp):
        clustering.niter = 10
        clustering.max_points_per_centroid = _ROWS_A_CENTER
        clustering.min_points_per_centroid = 1  # says nothing where there are few
    return index


def index_bytes(kind: str, dim: int, num_rows: int, bytes_a_number: int) -> int:
    """Returns about how much memory a search with an index takes."""
    if kind == "flat":
        return num_rows * dim * bytes_a_number
    if kind == "sq8":
        return num_rows * dim
    if kind == "hnsw":
        return num_rows * (2 * dim + 4 * (2 * _LINKS + 2))
    return num_rows * (_code_bytes(dim) + 8) + num_lists(num_rows) * dim * 4 + 256 * dim * 4


def num_lists(num_rows: int) -> int:
    """Returns into how many lists IVF-PQ sorts this many photos."""
    return max(1, min(int(num_rows**0.5), num_rows // 39))


def _code_bytes(dim: int) -> int:
    """Returns the bytes of a product code: the most equal parts of about 16 numbers."""
    return max(each for each in range(1, dim // _PART_DIM + 2) if dim % each == 0)


def default_effort(kind: str, num_rows: int) -> int:
    """Returns how thoroughly an index is searched unless it is tuned, see `IndexSettings`."""
    return {"hnsw": 64, "ivf_pq": max(1, num_lists(num_rows) // 32)}.get(kind, 0)


def training_rows(store: DescriptorStore) -> NDArray[np.float32]:
    """Returns (n, D) float32: descriptors of a store that an index is trained on."""
    rows = store.rows
    most = _ROWS_A_CENTER * max(256, num_lists(store.num_rows))
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(rows, min(most, len(rows)), replace=False))
    vectors = store.take(rows)
    # FAISS wants at least as many as a code has values.
    return np.resize(vectors, (max(256, len(vectors)), vectors.shape[1]))
