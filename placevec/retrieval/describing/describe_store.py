"""Describes photos into a store, and writes descriptors as they come."""

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import DescribeConfig
from placevec.counted import counted
from placevec.images import parse_frame_name
from placevec.input_file import shown
from placevec.kinds import MANIFEST
from placevec.models.describe import Model, NoReadablePhotoError, describe_in_batches, pace
from placevec.models.files.model_file import lasting_name
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.described import require_same_network
from placevec.store.files.manifest import read_manifest
from placevec.store.files.shards import is_storable
from placevec.store.store import DescriptorStore
from placevec.store.store_writer import StoreWriter
from placevec.store.unit_length import to_unit

_log = logging.getLogger(__name__)
_PHOTOS_OF_A_SHARD = 4096
_PHOTOS_WITH_FEATURES = 1024  # per shard, because their local features wait in memory
_SECONDS_OF_A_SHARD = 60.0  # a killed process loses at most the work of this time
# To tell whether a folder is the store's moved folder of photos, this many names are looked up, and
# this share must exist. The rest may have been deleted.
_NAMES_LOOKED_UP = 300
_SHARE_OF_NAMES = 0.9


def open_for(
    folder: Path,
    model_id: str,
    dtype: str | None,
    image_size: tuple[int, int],
    photos: PlaceDataset,
    precision: str = DescribeConfig.precision,
    model_path: Path | None = None,
) -> StoreWriter:
    """Opens or creates a store for writing, and refuses a store that photos do not fit into.

    Args:
        folder: Path. The store.
        model_id: str. Id of the model that will describe the photos.
        dtype: str or None. Data type of the descriptors. None: float32 in a new store, and the
            existing type in an existing store.
        image_size: (int, int). Rows and columns that photos are resized to.
        photos: PlaceDataset. The photos to describe. The store's folder of photos may have moved.
        precision: str. Precision that the model computes in. Defaults to `"float32"`.
        model_path: Path or None. The model's file, so that `search` can find it. If the network
            ships with placevec, the store keeps its name instead, which is valid on other machines
            too.

    Raises:
        ValueError: If the store has another model, precision, data type, photo size, folder or
            frame.
        BlockingIOError: If another process writes to the store.
    """
    root = photos.root.resolve()
    facts = {
        "precision": precision,  # first, because the id also depends on the precision
        "model_id": model_id,
        "image_size": tuple(image_size),
        **({"frame": photos.frame} if photos.has_places else {}),
    }
    hint = None if model_path is None else lasting_name(model_path)
    if not (Path(folder) / MANIFEST).exists():
        store = StoreWriter.create(folder, dtype=dtype or "float32", root=str(root), **facts)
        store.move(model_path=hint)
        return store
    store = StoreWriter.open(folder)
    try:
        store.require(**facts, **({} if dtype is None else {"dtype": dtype}))
        before = store.manifest.root
        if before is not None and not Path(before).is_dir():
            _require_photos(store, root)
            store.move(root=str(root))
        store.require(root=str(root))
        if hint is not None:
            store.move(model_path=hint)
    except BaseException:
        store.close()
        raise
    return store


def require_store_takes(folder: Path, model_path: Path, **facts: Any) -> None:
    """Refuses a store that the descriptors would not fit into, before the long work.

    Args:
        folder: Path. The store. A missing store is not refused.
        model_path: Path. See `require_same_network`.
        **facts: See `DescriptorStore.require`. None is not compared.

    Raises:
        ValueError: If the store has another precision, data type, photo size or model.
    """
    if (Path(folder) / MANIFEST).exists():
        store = DescriptorStore(folder, read_manifest(Path(folder)))
        store.require(**{name: fact for name, fact in facts.items() if fact is not None})
        require_same_network(store, model_path)


def keeps_features(folder: Path, wanted: bool) -> bool:
    """Returns whether a store needs local features of new photos.

    Args:
        folder: Path. The store, which may not exist yet.
        wanted: bool. Whether local features were requested. A store that has them always needs
            them.

    Raises:
        ValueError: If they were requested but the store has photos without them.
    """
    if not (Path(folder) / MANIFEST).exists():
        return wanted
    manifest = read_manifest(Path(folder))
    if not manifest.shards:
        return wanted
    if wanted and manifest.feature_shape is None:
        raise ValueError(
            f"A store must keep local features of all photos or of none. Received: "
            f"`keep_features` for {folder}, which has photos without. Take another store"
        )
    return manifest.feature_shape is not None


def frame_of(folder: Path) -> str | None:
    """Returns the frame that the positions in a store are measured in.

    Args:
        folder: Path. The store, which may not exist yet.

    Returns:
        str or None. `""` if the store has no positions. None if the store does not exist.
    """
    if not (Path(folder) / MANIFEST).exists():
        return None
    return read_manifest(Path(folder)).frame or ""


def _require_photos(store: DescriptorStore, root: Path) -> None:
    """Refuses a folder that cannot be the store's folder of photos after it was moved."""
    names = store.table()["name"].to_numpy()
    names = names[:: max(1, len(names) // _NAMES_LOOKED_UP)].tolist()
    found = 0
    for name in names:
        video = parse_frame_name(name)
        found += (root / name).exists() or (video is not None and (root / video[0]).exists())
    if found < _SHARE_OF_NAMES * len(names):
        raise ValueError(
            f"The photos of {store.folder} must be in {store.manifest.root}, which is missing, or "
            f"in the folder that it was moved to. Received: {root}, which has {found} of "
            f"{len(names)} of these photos. Mount the folder, or use another store"
        )


def describe_into(
    store: StoreWriter,
    model: Model,
    photos: PlaceDataset,
    *,
    image_size: tuple[int, int],
    batch_size: int | None,
    progress: Progress = no_progress,
    describe: Callable[..., Iterable] = describe_in_batches,
) -> int:
    """Describes the photos that are missing in a store and adds them while it describes.

    It writes a shard every 4,096 photos or 60 seconds, and at the end, also after an error or
    Ctrl-C. If the process is killed, the work since the last shard is lost. Call it again to
    continue.

    Args:
        store: StoreWriter.
        model: Any model that `describe` takes, such as a keras.Model.
        photos: PlaceDataset. Their positions and times are stored if they are known.
        image_size: (int, int). Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch. None: the model's batch size.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.
        describe: callable. `describe_in_batches`, a function like it such as `describe_by_ray`, or
            `features_in_batches`, whose features are kept.

    Returns:
        Number of added photos.

    Raises:
        NoReadablePhotoError: If the store is empty and no photo can be read.
        ValueError: If a descriptor is zero or not finite. The photos before it are in the store
            then.
    """
    names = photos.names
    wanted = np.array([row for row, name in enumerate(names) if str(name) not in store], np.int64)
    if len(wanted) < len(names):
        described = counted(len(names) - len(wanted), "photo is", "photos are")
        _log.info("%s of %d already described", described, len(names))
    if photos.positions_m is not None:
        _tell_lost_positions(store, names)
    bad = [row for row in wanted.tolist() if not is_storable(str(names[row]))]
    if bad:
        first = shown(names[bad[0]])
        _log.warning(
            "left out %s whose names are not UTF-8, or too long (first: %s)",
            counted(len(bad), "photo"),
            first,
        )
        wanted = np.setdiff1d(wanted, bad)
    if not len(wanted):
        return 0
    positions_m, times_s = photos.positions_m, photos.times_s
    before, rows, vectors, features = len(store), [], [], []
    start = last = time.monotonic()

    def write() -> None:
        if rows:
            place = wanted[np.concatenate(rows)]
            store.append(
                names[place].tolist(),
                np.concatenate(vectors),
                None if positions_m is None else positions_m[place],
                None if times_s is None else times_s[place],
                np.concatenate(features) if features else None,
            )
            for each in (rows, vectors, features):
                each.clear()

    paths = photos.paths(wanted)
    options = {"image_size": image_size, "batch_size": batch_size, "progress": progress}
    try:
        for descriptors, *maps, kept in describe(model, paths, **options):
            described = names[wanted[kept]].tolist()
            vectors.append(to_unit(descriptors, str(store.folder), described.__getitem__))
            rows.append(np.asarray(kept))
            features.extend(maps)
            most = _PHOTOS_WITH_FEATURES if maps else _PHOTOS_OF_A_SHARD
            is_large = sum(map(len, rows)) >= most
            if is_large or time.monotonic() - last > _SECONDS_OF_A_SHARD:
                write()
                last = time.monotonic()
    finally:
        write()
    added = len(store) - before
    if not len(store):
        raise NoReadablePhotoError(
            f"None of {counted(len(names), 'photo')} can be read (first: {paths[0]})"
        )
    _log.info("described %s", pace(added, time.monotonic() - start))
    if added < len(wanted):
        left_out = counted(len(wanted) - added, "photo")
        _log.warning("left out %s that cannot be read or described", left_out)
    return added


def _tell_lost_positions(store: DescriptorStore, names: NDArray[np.str_]) -> None:
    """Logs how many photos have positions now but were described without them."""
    table = store.table()
    without = np.intersect1d(names, table["name"][table["east_m"].isna()].to_numpy(np.str_))
    if len(without):
        _log.warning(
            "%s described before the positions were known (first: %s). To add positions, remove "
            "these photos from %s with `placevec remove` and describe them again",
            counted(len(without), "photo was", "photos were"),
            shown(without[0]),
            shown(store.folder),
        )
