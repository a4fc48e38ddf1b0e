"""Photos to descriptors in a store, as they come."""

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
from placevec.models.describe import Model, NoReadablePhotoError, describe_in_batches, pace
from placevec.models.files.model_file import lasting_name
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.described import require_same_network
from placevec.store.files.manifest import MANIFEST, read_manifest
from placevec.store.files.shards import is_storable
from placevec.store.store import DescriptorStore
from placevec.store.store_writer import StoreWriter
from placevec.store.unit_length import to_unit

_log = logging.getLogger(__name__)
_PHOTOS_OF_A_SHARD = 4096
_PHOTOS_WITH_FEATURES = 1024  # of a shard; their local features wait in memory
_SECONDS_OF_A_SHARD = 60.0  # what a kill costs at most
_NAMES_LOOKED_UP = 300  # in a folder that may be that of the store, moved
_SHARE_OF_NAMES = 0.9  # of them that must be there: photos may have been deleted


def open_for(
    folder: Path,
    model_id: str,
    dtype: str | None,
    image_size: tuple[int, int],
    photos: PlaceDataset,
    precision: str = DescribeConfig.precision,
    model_path: Path | None = None,
) -> StoreWriter:
    """Opens a store for writing, or makes it, and refuses one that photos do not belong into.

    Args:
        folder: Path. The store.
        model_id: str. The model that will describe the photos.
        dtype: str or None. Type of the stored numbers. None: float32 in a new store, and as it
            was begun in one that exists.
        image_size: (int, int). Rows and columns that photos are resized to.
        photos: PlaceDataset. What will be described. The store's folder of photos may have been
            moved.
        precision: str. What the model computes with. Defaults to `"float32"`.
        model_path: Path or None. The model's file, which `search` then finds by itself. Of a
            network that ships with placevec the store keeps the name, so it may move to another
            machine.

    Raises:
        ValueError: If the store is of another model, precision, type of numbers, photo size,
            folder or frame.
        BlockingIOError: If another process writes to it.
    """
    root = photos.root.resolve()
    facts = {
        "precision": precision,  # first: the id tells precisions apart, too
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
    """Refuses a store that what is described could not go into, before the long work.

    Args:
        folder: Path. The store; nothing is refused if there is none yet.
        model_path: Path. See `require_same_network`.
        **facts: As those of `DescriptorStore.require`; None is not looked at.

    Raises:
        ValueError: If the store is of another precision, type of numbers, photo size or model.
    """
    if (Path(folder) / MANIFEST).exists():
        store = DescriptorStore(folder, read_manifest(Path(folder)))
        store.require(**{name: fact for name, fact in facts.items() if fact is not None})
        require_same_network(store, model_path)


def keeps_features(folder: Path, wanted: bool) -> bool:
    """Returns whether photos are described with local features for a store.

    Args:
        folder: Path. The store; there may be none yet.
        wanted: bool. Whether they are asked for. A store that was begun with them goes on.

    Raises:
        ValueError: If they are asked for and the store was begun without.
    """
    if not (Path(folder) / MANIFEST).exists():
        return wanted
    manifest = read_manifest(Path(folder))
    if not manifest.shards:
        return wanted
    if wanted and manifest.feature_shape is None:
        raise ValueError(
            f"Local features are kept of all photos of a store, or of none. Received: "
            f"`keep_features` for {folder}, which has photos without. Take another store"
        )
    return manifest.feature_shape is not None


def frame_of(folder: Path) -> str | None:
    """Returns what the positions in a store are measured in.

    Args:
        folder: Path. The store; there may be none yet.

    Returns:
        str or None. `""` if the store was begun without positions; None if there is no store.
    """
    if not (Path(folder) / MANIFEST).exists():
        return None
    return read_manifest(Path(folder)).frame or ""


def _require_photos(store: DescriptorStore, root: Path) -> None:
    """Refuses a folder that cannot be that of the store, which is not where it was."""
    names = store.table()["name"].to_numpy()
    names = names[:: max(1, len(names) // _NAMES_LOOKED_UP)].tolist()
    found = 0
    for name in names:
        video = parse_frame_name(name)
        found += (root / name).exists() or (video is not None and (root / video[0]).exists())
    if found < _SHARE_OF_NAMES * len(names):
        raise ValueError(
            f"The photos of {store.folder} must be in {store.manifest.root}, which is not a folder "
            f"now, or where it was moved to. Received: {root}, which has {found} of {len(names)} "
            "of them that were looked up. Mount the folder, or take another store"
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
    """Describes the photos that are missing in a store and writes them to it as they come.

    A shard is written every 4,096 photos or 60 seconds, and when the work ends or is stopped by an
    error or Ctrl-C; a kill costs what came since the last one. Called again it goes on.

    Args:
        store: StoreWriter.
        model: What `describe` takes, such as a keras.Model.
        photos: PlaceDataset. Their positions and times are stored if they are known.
        image_size: (int, int). Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch. None: as the model has it.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.
        describe: callable. `describe_in_batches`, or what has its arguments and yields the same,
            such as `describe_by_ray`; or `features_in_batches`, whose features are kept.

    Returns:
        How many photos were added.

    Raises:
        NoReadablePhotoError: If the store is empty and no photo can be read.
        ValueError: If a descriptor is zero or not finite; what was described before it is in the
            store then.
    """
    names = photos.names
    wanted = np.array([row for row, name in enumerate(names) if str(name) not in store], np.int64)
    if len(wanted) < len(names):
        described = counted(len(names) - len(wanted), "photo is", "photos are")
        _log.info("%s described already, of %d", described, len(names))
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
    """Logs how many photos have positions now and were described without."""
    table = store.table()
    without = np.intersect1d(names, table["name"][table["east_m"].isna()].to_numpy(np.str_))
    if len(without):
        _log.warning(
            "%s described without positions that are known now (first: %s). To keep them, remove "
            "these photos from %s with `placevec remove` and describe them again",
            counted(len(without), "photo was", "photos were"),
            shown(without[0]),
            shown(store.folder),
        )
