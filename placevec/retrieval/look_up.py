"""Looks up photos in a store, as `placevec search` does."""

import functools
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import SearchConfig
from placevec.config.choices import FOUND_FILES, RERANKERS, Hubness, Normalization, Reranker
from placevec.counted import counted
from placevec.input_file import shown
from placevec.models.describe import Model, describe
from placevec.models.files.model_file import closed_model, model_path
from placevec.places import PlaceDataset
from placevec.places.frame import grid_of, is_zone_frame, unit_of
from placevec.progress import Progress, no_progress
from placevec.retrieval.calibration import (
    Calibration,
    of_score,
    read_calibrations,
    search_score,
    shipped_calibrations,
)
from placevec.retrieval.described import require_same_network
from placevec.retrieval.found.found import Found
from placevec.retrieval.found.table import found_table
from placevec.retrieval.gap import gaps
from placevec.retrieval.normalize import Normalizer
from placevec.retrieval.pool import find_pool
from placevec.retrieval.reranking.local_features import (
    describe_with_features,
    require_photos,
    store_matcher,
)
from placevec.retrieval.reranking.rerank import LocalMatcher, rerank
from placevec.retrieval.search_runs import Filter
from placevec.sources.photos import open_photos, photo_of_bytes
from placevec.sources.values.in_zone import in_zone_of
from placevec.sources.values.times import parse_time
from placevec.store.adapted import AdaptedStore
from placevec.store.search.index import StoreIndex
from placevec.store.store import DescriptorStore
from placevec.store.where import Where
from placevec.whole_file import require_free_file, require_writable

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)


def search(
    store: DescriptorStore | Path | str,
    photos: PlaceDataset | Path | str | bytes,
    model: Path | str | None = SearchConfig.model,
    *,
    matches: int = SearchConfig.matches,
    radius_m: float | None = SearchConfig.radius_m,
    of: tuple[float, float] | None = SearchConfig.of,
    before: str | None = SearchConfig.before,
    earlier: bool = SearchConfig.earlier,
    normalize: Normalization | None = SearchConfig.normalize,
    hubness: Hubness = SearchConfig.hubness,
    sequence: int = SearchConfig.sequence,
    rerank: Reranker | None = SearchConfig.rerank,
    rerank_top: int = SearchConfig.rerank_top,
    calibration: Path | str | None = SearchConfig.calibration,
    out: Path | str | None = SearchConfig.out,
    overwrite: bool = SearchConfig.overwrite,
    batch_size: int = SearchConfig.batch_size,
    progress: Progress = no_progress,
) -> "pd.DataFrame":
    """Finds the photos of a store that are most similar to other photos.

    Args:
        store: DescriptorStore or Path. A store that `describe_to` made.
        photos: PlaceDataset, Path, str or bytes. A photo, a folder of photos, or READER:PATH; or
            the bytes of one photo.
        model: Path or None. The model that described the store. None: its path at that time.
        matches: int. See `SearchConfig`, also for the other arguments.
        radius_m: float or None. Largest distance of a match, in metres.
        of: (float, float) or None. Center of this distance: metres east and north in the store's
            frame.
        before: str or None. Only find photos taken before this time.
        earlier: bool. Only find photos taken before the query.
        normalize: str or None. Mean to subtract from the queries. None: map, if the map is large
            enough.
        hubness: str. How to lower the score of photos that are similar to everything.
        sequence: int. Number of photos of a run to match together.
        rerank: str or None. How to reorder the first matches.
        rerank_top: int. Number of matches per query to compare.
        calibration: Path or None. A file that `calibrate` wrote for searches.
        out: Path or None. A file for the matches, whose suffix is a row of `FOUND_FILES`. In a
            picture with `rerank`, lines connect matched points of a query and its first match.
        overwrite: bool. Replace an earlier file at `out`.
        batch_size: int. Photos in a batch.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        DataFrame, as `search_photos` returns it.

    Raises:
        FileExistsError: If `out` exists, and `overwrite` is not set.
        FileNotFoundError: If the store, the photos, the model or the folder of `out` are missing.
        ValueError: If another model described the store, `out` is a map but the store has no
            latitude and longitude, or as `search_photos`.
    """
    settings = SearchConfig(
        model=None if model is None else closed_model(model),
        matches=matches,
        radius_m=radius_m,
        of=of,
        before=before,
        earlier=earlier,
        normalize=normalize,
        hubness=hubness,
        sequence=sequence,
        rerank=rerank,
        rerank_top=rerank_top,
        calibration=None if calibration is None else Path(calibration),
        out=None if out is None else Path(out),
        overwrite=overwrite,
        batch_size=batch_size,
    )
    _before_s(settings)  # refuses a wrong time before the long work
    if not isinstance(store, DescriptorStore):
        store = DescriptorStore.open(Path(store))
    if settings.out is not None:
        _require_out(settings.out, store, overwrite=overwrite)
    if not isinstance(photos, bytes):
        queries = in_zone_of(store.manifest.frame, open_photos(photos))
        return _search_and_write(store, queries, settings, progress)
    with photo_of_bytes(photos) as photo:
        return _search_and_write(store, photo, settings, progress)


def _search_and_write(
    store: DescriptorStore, photos: PlaceDataset, settings: SearchConfig, progress: Progress
) -> "pd.DataFrame":
    manifest = store.manifest
    if settings.rerank is not None:
        require_photos(store, by_features=settings.rerank == "features")
    path = find_model(store) if settings.model is None else model_path(settings.model)
    if settings.model is not None:
        require_same_network(store, path)
    prepared = _prepare(store, photos, settings)
    from placevec.models import open_engine  # imported late, because the checks above need no Keras

    opened = open_engine(
        path,
        precision=manifest.precision,
        image_size=manifest.image_size,
        features=settings.rerank == "features",
    )
    if settings.model is None and opened.model_id != manifest.model_id:
        raise ValueError(
            f"The model of {store.folder} (id {manifest.model_id}) was {path}, which now holds "
            f"another model (id {opened.model_id}). Name the original file: `--model`"
        )
    store.require(model_id=opened.model_id)
    if manifest.frame is None:
        _log.info(
            "No photo in %s has a position. Describe photos that have one into a new store "
            "(docs/formats.md)",
            store.folder,
        )
    table, points = _search(store, opened, photos, settings, prepared, progress)
    if settings.out is not None:
        found = Found(table, photos.root, Path(manifest.root or "."), points)
        FOUND_FILES[settings.out.suffix.lower()].find()(found, settings.out)
    return table


def _require_out(out: Path, store: DescriptorStore, *, overwrite: bool) -> None:
    """Refuses a file that cannot be written, before the long work."""
    require_writable(out, out.suffix)
    require_free_file(out, overwrite=overwrite)
    is_map = FOUND_FILES[out.suffix.lower()].needs_degrees
    if is_map and not is_zone_frame(store.manifest.frame or ""):
        raise ValueError(
            f"The map {shown(out.name)} needs photos with latitude and longitude. Received: "
            f"none in {store.folder}. Write a page (.html) or a table (.csv)"
        )


def search_photos(
    store: DescriptorStore,
    model: Model,
    photos: PlaceDataset,
    config: SearchConfig,
    progress: Progress = no_progress,
) -> "pd.DataFrame":
    """Finds the photos of a store that are most similar to others, with its index if it has one.

    A query that is also in the store, with the same name and folder, is not its own match.

    Args:
        store: DescriptorStore.
        model: keras.Model, or any callable that `describe` takes. The model of the store.
        photos: PlaceDataset. The photos to look up.
        config: SearchConfig. Number of matches and filters.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        DataFrame, best match first, with these columns: `query`, `rank` from 1, `match`,
        `similarity`, `gap` (the similarity minus that of the best photo of another place, see
        `gaps`), `confidence` (how likely the match is right, in (0, 1), or NaN if it was not
        learned for these settings), `distance_m` (if both positions are known), and of the match
        `east_m` and `north_m` to the centimetre (`east_frames` and `north_frames` for frames of
        videos and sequences, `east_units` and `north_units` for SLAM units), `lat` and `lon` in
        degrees, WGS84 (NaN unless positions are measured in a UTM zone), and `time_s` to the
        millisecond. With `hubness`, the similarity is the score of `csls`. With `rerank`, there is
        also `inliers`, the number of points that a match shares with the query, which is empty if
        the two were not compared; the order is that of `Reranked.scores`. With `sequence`, the
        similarity is that of the runs. There are no rows if no photo passes the filters.

    Raises:
        ValueError: If a filter needs positions or times that are not known, `normalize` needs
            statistics that the store does not have, or as `store_matcher`.
    """
    return _search(store, model, photos, config, _prepare(store, photos, config), progress)[0]


def _prepare(
    store: DescriptorStore, photos: PlaceDataset, config: SearchConfig
) -> tuple[list[Filter], StoreIndex]:
    """Returns the filter of each query and the index; refuses filters that the store cannot use."""
    is_adapted = None if config.normalize is None else config.normalize != "none"
    return _filters(store, photos, config), StoreIndex.load(store, is_adapted=is_adapted)


def _search(
    store: DescriptorStore,
    model: Any,
    photos: PlaceDataset,
    config: SearchConfig,
    prepared: tuple[list[Filter], StoreIndex],
    progress: Progress,
) -> tuple["pd.DataFrame", dict[str, list[NDArray[np.float32]]] | None]:
    """Returns the table of `search_photos`, and the matched points of each query."""
    filters, index = prepared
    work = describe_with_features if config.rerank == "features" else describe
    positions_m = _positions_m(store)
    learned = _learned(store, model, config, index.store, positions_m)
    descriptors, *maps, kept = work(
        model,
        photos.paths(),
        image_size=store.manifest.image_size,
        batch_size=config.batch_size,
        progress=progress,
    )
    count = config.matches if config.rerank is None else max(config.matches, config.rerank_top)
    queries = descriptors
    if isinstance(index.store, AdaptedStore):
        queries = Normalizer(index.store.statistics, config.normalize or "map")(descriptors)
    own_names = _own_names(store, photos)
    photos, filters = photos.take(kept), [filters[place] for place in kept.tolist()]
    if own_names is not None:
        own_names = own_names[kept]
    find = functools.partial(find_pool, index, queries, photos, filters, own_names, config)
    pool = find(np.arange(len(kept)), count)
    neighbors, similarities = pool[0][:, :count], pool[1][:, :count]
    inliers = points = None
    if config.rerank is not None:
        if config.rerank == "features":
            matcher = store_matcher(
                store, model, maps[0], neighbors[:, : config.rerank_top], progress=progress
            )
        else:
            matcher = _photo_matcher(store, photos.paths(), config.rerank)
        found = rerank(
            neighbors, similarities, matcher, top=config.rerank_top, num_with_points=config.matches
        )
        neighbors, similarities = found.neighbors, found.similarities
        inliers = found.inliers[:, : config.matches]
        points = dict(zip(photos.names.tolist(), found.points, strict=True))
    neighbors, similarities = neighbors[:, : config.matches], similarities[:, : config.matches]
    without = photos.names[(neighbors < 0).all(axis=1)]
    if len(without):
        _log.warning(
            "No match for %d of %s (first: %s): %s holds no other photo that passes the filters",
            len(without),
            counted(len(photos), "photo"),
            shown(without[0]),
            shown(store.folder),
        )
    ahead = gaps(neighbors, similarities, positions_m, pool, find)
    sure = np.full(ahead.shape, np.nan)
    if learned is not None:
        sure = learned.confidence(ahead)
    is_one_map = photos.positions_m is not None and _is_one_map(store, photos)
    queries_m = photos.positions_m if is_one_map else None
    columns = (neighbors, similarities, ahead, sure, inliers)
    return found_table(store, photos.names, queries_m, *columns), points


def _learned(
    store: DescriptorStore,
    model: Any,
    config: SearchConfig,
    compared: DescriptorStore,
    positions_m: NDArray[np.floating],
) -> Calibration | None:
    """Returns the calibration for the gaps of this search.

    Args:
        store: DescriptorStore.
        model: The model that describes the queries.
        config: SearchConfig.
        compared: DescriptorStore. The store with adapted or unchanged descriptors.
        positions_m: (M, 2) float. Positions of its rows, NaN if unknown.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If the file is for another model or other settings, or some positions are not
            known.
    """
    image_size = store.manifest.image_size or getattr(model, "image_size", None)
    settings = (config.normalize or "map", config.hubness, config.sequence, config.rerank)
    has_places = bool(np.isfinite(positions_m).all())
    is_adapted = isinstance(compared, AdaptedStore) and not compared.statistics.is_reduced
    is_usual = is_adapted and has_places and settings == ("map", "none", 1, None)
    if config.calibration is None:
        known = shipped_calibrations(store.manifest.model_id) if is_usual else []
        return of_score(known, search_score(image_size))
    if not has_places:
        raise ValueError(
            f"`calibration` needs a store whose photos all have positions. Received: {store.folder}"
            ", where some are missing. Leave `calibration` out, or take another store"
        )
    if not is_adapted and config.normalize is None:
        raise ValueError(
            "`calibration` needs statistics of the map with all dimensions. Received: "
            f"{store.folder} without. Fit them: `placevec index {store.folder}`"
        )
    known = read_calibrations(config.calibration, store.manifest.model_id)
    learned = of_score(known, search_score(image_size)) if is_usual else None
    if learned is None:
        raise ValueError(
            f"{shown(config.calibration)} must be learned with `placevec calibrate --of search` "
            "for photos of this size, and searched with the statistics of the map, without "
            "`hubness`, `sequence` and `rerank`. Received: other settings. Leave them out"
        )
    return learned


def _positions_m(store: DescriptorStore) -> NDArray[np.float64]:
    """Returns positions of all rows (M, 2), NaN if unknown or in units of unknown length."""
    columns = [store.photos[name].to_numpy(zero_copy_only=False) for name in ("east_m", "north_m")]
    positions_m = np.stack(columns, axis=1).astype(float)
    is_length = unit_of(store.manifest.frame or "") != "units"
    return positions_m if is_length else np.full_like(positions_m, np.nan)


def _is_one_map(store: DescriptorStore, photos: PlaceDataset) -> bool:
    return grid_of(photos.frame) == grid_of(store.manifest.frame or "")


def _photo_matcher(store: DescriptorStore, paths: list[Path], name: str) -> LocalMatcher:
    """Returns the matcher that compares query photos with photos of the store."""
    home, names = Path(store.manifest.root or "."), store.photos["name"]
    make = RERANKERS[name].find()
    return make(paths.__getitem__, lambda row: home / names[row].as_py(), store.manifest.image_size)


def find_model(store: DescriptorStore) -> Path:
    """Returns the file of the model that last described a store, as the store remembers it.

    Compare its id with that of the store, because the file may have been replaced.

    Raises:
        FileNotFoundError: If the store does not name the file, or the file is missing.
    """
    name, model_id = store.manifest.model_path, store.manifest.model_id
    if name is None:
        raise FileNotFoundError(
            f"{store.folder} does not say where its model is (id {shown(model_id)}). Name the "
            "file: `--model`"
        )
    path = model_path(name)
    if not path.is_file():
        raise FileNotFoundError(
            f"The model of {store.folder} (id {shown(model_id)}) was {shown(name)}, which is "
            "missing. Name its file: `--model`"
        )
    return path


def _own_names(store: DescriptorStore, photos: PlaceDataset) -> NDArray[np.object_] | None:
    """Returns the names that the store has for these photos, or None if they are elsewhere."""
    folder = photos.root.resolve()
    if store.manifest.root is None or not folder.is_relative_to(store.manifest.root):
        return None
    below = folder.relative_to(store.manifest.root)
    return np.array([(below / name).as_posix() for name in photos.names.tolist()], object)


def _filters(store: DescriptorStore, photos: PlaceDataset, config: SearchConfig) -> list[Filter]:
    """Returns the largest distance, its center, and the latest time for each query.

    Raises:
        ValueError: If a filter needs positions or times that are not known.
    """
    priors: list = [config.of] * len(photos)
    if config.radius_m is not None and config.of is None:
        if photos.positions_m is None:
            raise ValueError(
                "`radius_m` needs a center: give `of`, or photos with positions as READER:PATH"
            )
        store.require(frame=photos.frame)
        priors = [tuple(position) for position in photos.positions_m.tolist()]
    before_s = _before_s(config)
    before = [before_s] * len(photos)
    if config.earlier:
        if photos.times_s is None or not np.isfinite(photos.times_s).all():
            raise ValueError("`earlier` needs photos whose times are all known, as READER:PATH")
        limit = np.inf if before_s is None else before_s
        before = [min(time_s, limit) for time_s in photos.times_s.tolist()]
    filters = [(config.radius_m, *each) for each in zip(priors, before, strict=True)]
    for within_m, of, before_s in filters[:1]:
        Where(store).rows(within_m=within_m, of=of, before_s=before_s)  # or it is refused
    return filters


def _before_s(config: SearchConfig) -> float | None:
    """Returns the latest time of a match, in seconds since 1970, UTC."""
    if config.before is None:
        return None
    time_s = parse_time(config.before)
    if math.isnan(time_s):
        raise ValueError(
            "`before` must be a date or a time with its date, year first, such as 2014-06-30 or "
            f"2014-06-30T12:00:00Z. Received: {shown(repr(config.before), longest=100)}"
        )
    return time_s
