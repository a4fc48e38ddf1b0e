"""Provides maps of local features for the photos that a search compares, on disk."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.config import DescribeConfig
from placevec.counted import counted
from placevec.input_file import shown
from placevec.models.describe import NoReadablePhotoError, features_in_batches
from placevec.progress import Progress, no_progress
from placevec.retrieval.reranking.rerank import LocalMatcher, map_matcher
from placevec.store.store import DescriptorStore

if TYPE_CHECKING:
    from placevec.models import Engine


def describe_with_features(
    engine: "Engine",
    paths: Sequence[Path | NDArray[np.uint8]],
    *,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int | None = DescribeConfig.batch_size,
    progress: Progress = no_progress,
) -> tuple[NDArray[np.float32], NDArray[np.float16], NDArray[np.int64]]:
    """Describes photos as `describe` does, with their local features from the same pass.

    Args:
        engine: Engine. Opened with `features`.
        paths: sequence of Path. The photos.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        Descriptors `(n, D)` float32; local features `(n, rows, columns, D')` float16 of unit
        length, which are a memory map of a temporary file that is deleted together with it; and
        `(n,)` int64, the indices in `paths` of the photos that can be read.

    Raises:
        ValueError: As `describe`, or if the engine was opened without features.
        OSError: If the disk of temporary files is full.
    """
    described, kept, maps = [], [], None
    options = {"image_size": image_size, "batch_size": batch_size, "progress": progress}
    for descriptors, features, places in features_in_batches(engine, paths, **options):
        if maps is None:
            shape = (len(paths), *features.shape[1:])
            with tempfile.TemporaryFile() as file:
                maps = np.memmap(file, np.float16, "w+", shape=shape)
        maps[len(kept) : len(kept) + len(places)] = features
        described.append(descriptors)
        kept.extend(places)
    if maps is None:
        raise NoReadablePhotoError(f"None of {counted(len(paths), 'photo')} can be read")
    return np.concatenate(described), maps[: len(kept)], np.array(kept, np.int64)


def require_features(model: object) -> None:
    """Refuses a model that cannot return local features, before the long work.

    Args:
        model: The model to describe photos with.

    Raises:
        ValueError: If the model cannot return local features.
    """
    if not hasattr(model, "with_features"):
        raise ValueError(
            "`rerank='features'` needs the file of a model, or an Engine that `open_engine` opened "
            f"with `features=True`. Received: {type(model).__name__}"
        )


def store_matcher(
    store: DescriptorStore,
    engine: "Engine",
    query_maps: NDArray[np.float16],
    rows: NDArray[np.int64],
    *,
    progress: Progress = no_progress,
) -> LocalMatcher:
    """Returns a matcher for queries and photos of a store, which uses the features in the store.

    If the store has no features, they are computed from its photos again.

    Args:
        store: DescriptorStore.
        engine: Engine. The store's model, opened with `features`.
        query_maps: (Q, h, w, D) float16. The local features of the queries.
        rows: int64 of any shape. The rows of the store that may be compared; -1 stands for no
            photo.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Raises:
        ValueError: If the store keeps no features and a photo cannot be read.
    """
    grid = query_maps.shape[1:3]
    if store.manifest.feature_shape is not None:
        return map_matcher(query_maps.__getitem__, store.take_features, grid)
    require_photos(store)
    rows = np.unique(rows[rows >= 0])
    if not len(rows):  # no photo passes the filters of the search
        return map_matcher(query_maps.__getitem__, lambda _: query_maps[:0], grid)
    names = store.photos["name"].take(rows).to_pylist()
    paths = [Path(store.manifest.root or ".") / name for name in names]
    size = store.manifest.image_size
    _, maps, kept = describe_with_features(engine, paths, image_size=size, progress=progress)
    if len(kept) < len(rows):
        missing = names[np.setdiff1d(np.arange(len(rows)), kept)[0]]
        raise ValueError(
            f"Re-ranking reads the photos of {store.folder} again. Received: {shown(missing)}, "
            f"which is not in {store.manifest.root} or cannot be read. Describe the photos with "
            "`--keep-features`, or `placevec remove` those that are gone"
        )
    return map_matcher(
        query_maps.__getitem__, lambda wanted: maps[np.searchsorted(rows, wanted)], grid
    )


def require_photos(store: DescriptorStore, *, by_features: bool = True) -> None:
    """Refuses a store whose photos are needed but missing, before the long work.

    Args:
        store: DescriptorStore.
        by_features: bool. Whether features in the store can replace its photos.

    Raises:
        FileNotFoundError: If the folder of the photos does not exist.
    """
    root = store.manifest.root
    is_kept = by_features and store.manifest.feature_shape is not None
    if is_kept or (root is not None and Path(root).is_dir()):
        return
    if not by_features:
        raise FileNotFoundError(
            f"Re-ranking by pixels needs the photos of {store.folder}. Received: no folder "
            f"{shown(root or 'of photos')}. Mount the folder, or take `--rerank features`"
        )
    raise FileNotFoundError(
        f"Re-ranking needs the local features or the photos of {store.folder}. Received: a "
        f"store without features, and no folder {shown(root or 'of photos')}. Describe the "
        "photos with `--keep-features`, or mount the folder"
    )
