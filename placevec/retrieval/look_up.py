"""Photos looked up in a store: what `placevec search` prints."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.config import SearchConfig
from placevec.config.choices import Hubness, Normalization
from placevec.input_file import shown
from placevec.models.describe import describe
from placevec.models.model_file import model_path
from placevec.places import PlaceDataset
from placevec.places.frame import is_zone_frame, unit_of
from placevec.progress import Progress, no_progress
from placevec.retrieval.draw_found import draw_found
from placevec.retrieval.hubness import depth, without_hubs
from placevec.retrieval.normalize import Normalizer
from placevec.sources.photos import open_photos
from placevec.sources.values.times import parse_time
from placevec.sources.values.utm import degrees_from_metres
from placevec.store.adapted import AdaptedStore
from placevec.store.search.index import StoreIndex
from placevec.store.store import DescriptorStore
from placevec.store.where import Where

if TYPE_CHECKING:
    import pandas as pd

_DECIMALS_OF_METRES, _DECIMALS_OF_DEGREES = 2, 7  # a centimetre each
_DECIMALS_OF_SECONDS = 3


def search(
    store: DescriptorStore | Path | str,
    photos: PlaceDataset | Path | str,
    model: Path | str | None = SearchConfig.model,
    *,
    matches: int = SearchConfig.matches,
    radius_m: float | None = SearchConfig.radius_m,
    of: tuple[float, float] | None = SearchConfig.of,
    before: str | None = SearchConfig.before,
    earlier: bool = SearchConfig.earlier,
    normalize: Normalization | None = SearchConfig.normalize,
    hubness: Hubness = SearchConfig.hubness,
    picture: Path | str | None = SearchConfig.picture,
    batch_size: int = SearchConfig.batch_size,
    progress: Progress = no_progress,
) -> "pd.DataFrame":
    """Finds the photos of a store that are most similar to other photos.

    Args:
        store: DescriptorStore or Path. A store that `describe_to` made.
        photos: PlaceDataset, Path or str. A photo, a folder of photos, or READER:PATH.
        model: Path or None. The model that described the store. None: where it was then.
        matches: int. See `SearchConfig`, like the others.
        radius_m: float or None. Greatest distance of a match, in metres.
        of: (float, float) or None. From where, in metres east and north in the store's frame.
        before: str or None. The moment before which a match was taken.
        earlier: bool. Only matches that were taken before the query.
        normalize: str or None. What is taken off the queries. None: map, if the map is large
            enough.
        hubness: str. How photos that are similar to everything are held back.
        picture: Path or None. A picture to draw of the first queries beside their matches.
        batch_size: int. Photos in a batch.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        DataFrame, as `search_photos` returns it.

    Raises:
        FileNotFoundError: If the store, the photos or the model are missing.
        ValueError: If the model is not that of the store, or as `search_photos`.
    """
    settings = SearchConfig(
        model=None if model is None else Path(model),
        matches=matches,
        radius_m=radius_m,
        of=of,
        before=before,
        earlier=earlier,
        normalize=normalize,
        hubness=hubness,
        picture=None if picture is None else Path(picture),
        batch_size=batch_size,
    )
    _before_s(settings)  # or it is refused after the long work
    photos = open_photos(photos)
    if not isinstance(store, DescriptorStore):
        store = DescriptorStore.open(Path(store))
    manifest = store.manifest
    path = find_model(store) if settings.model is None else model_path(settings.model)
    from placevec.models import open_engine  # after what can be refused without Keras

    opened = open_engine(path, precision=manifest.precision, image_size=manifest.image_size)
    if settings.model is None and opened.model_id != manifest.model_id:
        raise ValueError(
            f"The model of {store.folder} (id {manifest.model_id}) was {path}, which holds another "
            f"model now (id {opened.model_id}). Name the file of the first: `--model`"
        )
    store.require(model_id=opened.model_id)
    found = search_photos(store, opened, photos, settings, progress=progress)
    if settings.picture is not None:
        draw_found(found, photos.root, Path(manifest.root or "."), settings.picture)
    return found


def search_photos(
    store: DescriptorStore,
    model: Callable[[np.ndarray], np.ndarray],
    photos: PlaceDataset,
    config: SearchConfig,
    progress: Progress = no_progress,
) -> "pd.DataFrame":
    """Finds the photos of a store that are most similar to others, by its index where it has one.

    A photo that the store knows by the same name and folder is not its own match.

    Args:
        store: DescriptorStore.
        model: keras.Model, or any callable that `describe` takes; that of the store.
        photos: PlaceDataset. What is looked up.
        config: SearchConfig. Number of matches and filters.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        DataFrame with `query`, `rank` from 1, `match`, `similarity`, and of the match `east_m` and
        `north_m` to the centimetre (`east_frames` and `north_frames` for frames of videos and
        sequences, `east_units` and `north_units` for SLAM units), `lat` and `lon` in degrees,
        WGS84 (NaN unless positions are measured in a UTM zone), and `time_s` to the millisecond;
        best first. With `hubness` the similarity is the score of `csls`. No row if no photo passes
        the filters.

    Raises:
        ValueError: If a filter asks for positions or times that are not known, or `normalize` for
            statistics that the store does not have.
    """
    filters = _filters(store, photos, config)
    is_adapted = None if config.normalize is None else config.normalize != "none"
    index, where = StoreIndex.load(store, is_adapted=is_adapted), Where(store)
    descriptors, kept = describe(
        model,
        photos.paths(),
        image_size=store.manifest.image_size,
        batch_size=config.batch_size,
        progress=progress,
    )
    own_names = _own_names(store, photos)
    is_own = own_names is not None
    wanted = config.matches + is_own
    queries = descriptors
    if isinstance(index.store, AdaptedStore):
        queries = Normalizer(index.store.statistics, config.normalize or "map")(descriptors)
    neighbors = np.full((len(kept), wanted), -1, np.int64)
    similarities = np.full((len(kept), wanted), -np.inf, np.float32)
    of_kept = [filters[place] for place in kept.tolist()]
    for each in set(of_kept):  # photos of equal filters are one batch
        rows = [row for row, other in enumerate(of_kept) if other == each]
        radius_m, of, before_s = each
        allowed = where.rows(within_m=radius_m, of=of, before_s=before_s)
        found = index.search(queries[rows], depth(config.hubness, wanted), is_allowed=allowed)
        found = without_hubs(config.hubness, *found, queries, index.search, index.store.take)
        neighbors[rows], similarities[rows] = (part[:, :wanted] for part in found)
    table = _table(store, photos.names[kept], neighbors, similarities)
    if is_own:
        own_of = dict(zip(photos.names.tolist(), own_names, strict=True))
        table = table[table["query"].map(own_of) != table["match"]].copy()
        table["rank"] = table.groupby("query").cumcount() + 1
        table = table[table["rank"] <= config.matches]
    return table.reset_index(drop=True)


def find_model(store: DescriptorStore) -> Path:
    """Returns the file of the model that described a store last, as the store remembers it.

    Its id is to be held against that of the store: the file may be another by now.

    Raises:
        FileNotFoundError: If the store does not know it, or it is not there now.
    """
    path, model_id = store.manifest.model_path, store.manifest.model_id
    if path is None:
        raise FileNotFoundError(
            f"{store.folder} does not say where its model is (id {shown(model_id)}). Name the "
            "file: `--model`"
        )
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"The model of {store.folder} (id {shown(model_id)}) was {shown(path)}, which is not "
            "there now. Name the file: `--model`"
        )
    return Path(path)


def _own_names(store: DescriptorStore, photos: PlaceDataset) -> list[str] | None:
    """Returns the names that the store has for these photos; None where they lie elsewhere."""
    folder = photos.root.resolve()
    if store.manifest.root is None or not folder.is_relative_to(store.manifest.root):
        return None
    below = folder.relative_to(store.manifest.root)
    return [(below / name).as_posix() for name in photos.names.tolist()]


_Filter = tuple[float | None, tuple[float, float] | None, float | None]


def _filters(store: DescriptorStore, photos: PlaceDataset, config: SearchConfig) -> list[_Filter]:
    """Returns distance, prior and latest time of each query."""
    priors: list = [config.of] * len(photos)
    if config.radius_m is not None and config.of is None:
        if photos.positions_m is None:
            raise ValueError(
                "`radius_m` needs a prior: give `of`, or photos with positions as READER:PATH"
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
    return [(config.radius_m, *each) for each in zip(priors, before, strict=True)]


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


def _table(
    store: DescriptorStore, names: np.ndarray, neighbors: np.ndarray, similarities: np.ndarray
) -> "pd.DataFrame":
    import pandas as pd

    places, ranks = np.nonzero(neighbors >= 0)
    rows = neighbors[places, ranks]
    photos = store.photos.take(rows).to_pandas()
    positions_m = photos[["east_m", "north_m"]].to_numpy(float)
    degrees, frame = np.full_like(positions_m, np.nan), store.manifest.frame or ""
    if is_zone_frame(frame):
        zone = frame.removeprefix("UTM ")
        degrees = degrees_from_metres(positions_m, zone).round(_DECIMALS_OF_DEGREES)
    positions_m, unit = positions_m.round(_DECIMALS_OF_METRES), unit_of(frame)
    return pd.DataFrame(
        {
            "query": names[places],
            "rank": ranks + 1,
            "match": photos["name"].to_numpy(),
            "similarity": similarities[places, ranks].round(4),
            f"east_{unit}": positions_m[:, 0],
            f"north_{unit}": positions_m[:, 1],
            "lat": degrees[:, 0],
            "lon": degrees[:, 1],
            "time_s": photos["time_s"].to_numpy().round(_DECIMALS_OF_SECONDS),
        }
    )
