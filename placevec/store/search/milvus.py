"""Searches a store in Milvus, which can use several machines (the extra `milvus`)."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.store.adapted import AdaptedStore
from placevec.store.map_statistics import ADAPTATION
from placevec.store.search.exact import (
    best_candidates,
    checked_queries,
    nearest_in_store,
    num_candidates,
)
from placevec.store.store import DescriptorStore
from placevec.store.where import Where

_ROWS_AT_A_TIME = 1000
_LONGEST_NAME = 1000
_MOST_HITS = 16_000  # Milvus answers with 16,384 at most
_UNKNOWN = 1e300  # Milvus cannot store missing values
_FIELDS = ("name", "east_m", "north_m", "time_s")


def connect_milvus(address: str, token: str = "") -> Any:
    """Returns a client of a Milvus server, or of Milvus Lite in this process.

    Args:
        address: str. `"http://HOST:19530"`, or a file that ends in `.db` for Milvus Lite.
        token: str. Access token of the server, or empty.

    Raises:
        ImportError: If `pymilvus` is not installed.
    """
    return _pymilvus().MilvusClient(uri=address, token=token)


def upload_store(client: Any, store: DescriptorStore, collection: str) -> int:
    """Copies the photos of a store into a collection, or brings the collection up to date.

    A photo's id is its row. Photos that are already in the collection are not sent again, so a
    stopped upload continues. Photos that were removed from the store are deleted.

    Args:
        client: MilvusClient, from `connect_milvus`.
        store: DescriptorStore, or AdaptedStore to upload adapted descriptors.
        collection: str. It is created if it does not exist. Each photo in it names its store.

    Returns:
        Number of photos that were sent.

    Raises:
        ValueError: If the collection holds photos of another model or store, of this store before
            it was compacted, or adapted with other statistics or by another version of placevec.
    """
    if not len(store):
        raise ValueError(f"There are no photos in {store.folder}. Describe some first")
    if not client.has_collection(collection):
        _create(client, store, collection)
    client.load_collection(collection)
    some = client.query(
        collection,
        filter="row >= 0",
        output_fields=["row", "store"],
        limit=1,
        consistency_level="Strong",
    )
    _refuse_others(store, collection, some)
    removed = np.flatnonzero(store.is_removed)
    for part in _parts(removed):
        client.delete(collection, ids=part.tolist())
    num_sent, table = 0, store.table()
    for rows in _parts(store.rows):
        there = client.query(
            collection,
            filter=f"row >= {rows[0]} and row <= {rows[-1]}",
            output_fields=["row", "store"],
            limit=len(rows),  # removed rows in this range were deleted above
            consistency_level="Strong",
        )
        _refuse_others(store, collection, there)
        rows = np.setdiff1d(rows, [each["row"] for each in there])
        if not len(rows):
            continue
        photos = table.loc[rows].fillna(_UNKNOWN)
        values = [
            {
                "row": row,
                "descriptor": vector,
                "store": identity,
                **dict(zip(_FIELDS, photo, strict=True)),
            }
            for row, identity, vector, photo in zip(
                rows.tolist(),
                _identities(store, rows),
                store.take(rows),
                photos[list(_FIELDS)].values.tolist(),
                strict=True,
            )
        ]
        client.insert(collection, values)
        num_sent += len(rows)
    client.flush(collection)
    return num_sent


def search_milvus(
    client: Any,
    store: DescriptorStore,
    collection: str,
    queries: NDArray[np.floating],
    num_neighbors: int,
    *,
    within_m: float | None = None,
    of: tuple[float, float] | None = None,
    before_s: float | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar photos with Milvus, as `StoreIndex.search` does with `Where`.

    placevec compares the photos that Milvus finds again, with the descriptors of the store. So
    similarities and their order equal those of every other search.

    Args:
        client: MilvusClient, from `connect_milvus`.
        store: DescriptorStore. The uploaded store.
        collection: str. Collection that it was uploaded to.
        queries: (Q, D) float. Descriptors of unit length.
        num_neighbors: int. `k`, how many to find.
        within_m: float or None. Largest distance from `of`, in metres.
        of: (float, float) or None. Approximate position: metres east and north in the store's
            frame.
        before_s: float or None. Only photos earlier than this, in seconds since 1970, UTC.

    Returns:
        neighbors `(Q, k)` int64, rows of the store, best first; similarities `(Q, k)` float32,
        larger is better. If fewer photos are found, the rest is -1 and -infinity.

    Raises:
        ValueError: If shapes do not fit, only one of `within_m` and `of` is given, or the
            collection holds photos of another store, or of this one before it was compacted or
            adapted otherwise.
    """
    queries = checked_queries(store, queries)
    if not len(queries):
        return np.empty((0, num_neighbors), np.int64), np.empty((0, num_neighbors), np.float32)
    is_removed, limit = store.is_removed, min(_MOST_HITS, num_candidates("hnsw", num_neighbors))
    while True:
        found = client.search(
            collection,
            data=list(queries),
            anns_field="descriptor",
            filter=_expression(within_m, of, before_s),
            limit=limit,
            output_fields=["row", "store", "east_m", "north_m"],
            search_params={"metric_type": "IP", "params": {"ef": max(64, 2 * limit)}},
            consistency_level="Strong",
        )
        is_last = all(len(hits) < limit for hits in found) or limit == _MOST_HITS
        for hits in found:
            _refuse_others(store, collection, [hit["entity"] for hit in hits])
        found = [[hit for hit in hits if not is_removed[hit["entity"]["row"]]] for hits in found]
        # Milvus can only filter by a square, so the circle is cut out here.
        if of is not None and within_m is not None:
            found = [[hit for hit in hits if _is_near(hit, within_m, of)] for hits in found]
        if is_last or all(len(hits) >= num_neighbors for hits in found):
            break
        limit = min(_MOST_HITS, 4 * limit)
    candidates = np.full((len(queries), max(num_neighbors, *map(len, found))), -1, np.int64)
    for rows, hits in zip(candidates, found, strict=True):
        rows[: len(hits)] = [hit["entity"]["row"] for hit in hits]
    neighbors, similarities, is_clear = best_candidates(store, queries, candidates, num_neighbors)
    if not is_clear.all():
        allowed = Where(store).rows(within_m=within_m, of=of, before_s=before_s)
        neighbors[~is_clear], similarities[~is_clear] = nearest_in_store(
            store, queries[~is_clear], num_neighbors, is_allowed=allowed
        )
    return neighbors, similarities


def _is_near(hit: dict, within_m: float, of: tuple[float, float]) -> bool:
    photo = hit["entity"]
    return np.hypot(photo["east_m"] - of[0], photo["north_m"] - of[1]) <= within_m


def _create(client: Any, store: DescriptorStore, collection: str) -> None:
    kinds = _pymilvus().DataType
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("row", kinds.INT64, is_primary=True)
    for name in ("name", "store"):
        schema.add_field(name, kinds.VARCHAR, max_length=_LONGEST_NAME)
    for name in _FIELDS[1:]:
        schema.add_field(name, kinds.DOUBLE)
    schema.add_field("descriptor", kinds.FLOAT_VECTOR, dim=store.dim)
    index = client.prepare_index_params()
    index.add_index(
        "descriptor",
        index_type="HNSW",
        metric_type="IP",
        params={"M": 16, "efConstruction": 100},
    )
    client.create_collection(collection, schema=schema, index_params=index)


def _expression(
    within_m: float | None, of: tuple[float, float] | None, before_s: float | None
) -> str:
    """Returns the filters as an expression of Milvus."""
    if (within_m is None) != (of is None):
        raise ValueError(f"`within_m` and `of` go together. Received: {within_m} and {of}")
    numbers = [each for each in (within_m, before_s, *(of or ())) if each is not None]
    if not np.isfinite(numbers).all():
        raise ValueError(f"`within_m`, `of` and `before_s` must be finite. Received: {numbers}")
    words = []
    if of is not None and within_m is not None:
        for name, middle in zip(("east_m", "north_m"), of, strict=True):
            words += [f"{name} >= {middle - within_m!r}", f"{name} <= {middle + within_m!r}"]
    if before_s is not None:
        words.append(f"time_s < {before_s!r}")
    return " and ".join(words)


def _identities(store: DescriptorStore, rows: NDArray[np.int64]) -> list[str]:
    """Returns text that identifies the model, the shard and the adaptation of each row.

    Compacting a store changes its shards, and fitting statistics again changes them.
    """
    shards = store.manifest.shards
    ends = np.cumsum([shard.count for shard in shards])
    adapted = ""
    if isinstance(store, AdaptedStore):
        adapted = f" adapted {ADAPTATION} {store.digest[:16]}"
    names = [
        f"placevec {store.manifest.model_id} {shard.number} {shard.sha256[:16]}{adapted}"
        for shard in shards
    ]
    return [names[number] for number in np.searchsorted(ends, rows, side="right")]


def _refuse_others(store: DescriptorStore, collection: str, photos: list[dict]) -> None:
    """Refuses photos of a collection that are not those of the store's rows."""
    rows = np.array([photo["row"] for photo in photos], np.int64)
    ours = [] if (rows >= store.num_rows).any() else _identities(store, rows)
    if ours != [photo["store"] for photo in photos]:
        raise ValueError(
            f"The collection {collection} must hold the store {store.folder} as it is now. "
            "Received: photos of another, or of this one before it was compacted, adapted or added "
            "to otherwise. Upload into another collection, or drop this one"
        )


def _parts(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + _ROWS_AT_A_TIME] for start in range(0, len(rows), _ROWS_AT_A_TIME)]


def _pymilvus() -> ModuleType:
    try:
        import pymilvus
    except ImportError as error:
        raise ImportError(
            "Milvus needs pymilvus, which is not installed: pip install 'placevec[milvus]'"
        ) from error
    return pymilvus
