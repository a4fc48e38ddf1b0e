"""A model's recall on a data set."""

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from placevec.config import Engine as EngineName
from placevec.config import EvaluateConfig, Precision, TrainConfig
from placevec.config.choices import RERANKERS, Hubness, Normalization, Reranker
from placevec.evaluation.cautions import warn_of_own_run, warn_of_queries_in_database
from placevec.evaluation.evaluation import Evaluation
from placevec.images import image_size_of
from placevec.models.describe import describe
from placevec.models.model_file import model_path
from placevec.places import PlaceDataset, may_answer, most_barred, relevant_database
from placevec.progress import Progress, no_progress
from placevec.retrieval.hubness import depth, without_hubs
from placevec.retrieval.local_features import describe_with_features, require_features
from placevec.retrieval.normalize import Normalizer
from placevec.retrieval.rerank import LocalMatcher, map_matcher
from placevec.retrieval.rerank import rerank as order_again
from placevec.retrieval.sequences import nearest_by_sequence, runs_in_order
from placevec.sources import open_places
from placevec.store.map_statistics import ENOUGH_PHOTOS, fit_map_statistics
from placevec.store.search.exact import nearest

_log = logging.getLogger(__name__)
_NUM_NEIGHBORS = 20
_MOST_PAIRS = 20_000_000  # of a query and a neighbor, searched together
_EXACT = "float32"

Model = Callable[[np.ndarray], np.ndarray]


def evaluate(
    places: PlaceDataset | Path | str,
    model: Model | NDArray[np.floating] | Path | str | None = None,
    *,
    radius_m: float = EvaluateConfig.radius_m,
    min_time_difference_s: float | None = EvaluateConfig.min_time_difference_s,
    max_heading_difference_deg: float | None = EvaluateConfig.max_heading_difference_deg,
    image_size: tuple[int, int] | None = EvaluateConfig.image_size,
    batch_size: int | None = EvaluateConfig.batch_size,
    engine: EngineName = EvaluateConfig.engine,
    precision: Precision = EvaluateConfig.precision,
    skip_unreadable: bool = EvaluateConfig.skip_unreadable,
    normalize: Normalization | None = EvaluateConfig.normalize,
    hubness: Hubness = EvaluateConfig.hubness,
    sequence: int = EvaluateConfig.sequence,
    rerank: Reranker | None = EvaluateConfig.rerank,
    rerank_top: int = EvaluateConfig.rerank_top,
    progress: Progress = no_progress,
) -> Evaluation:
    """Describes all photos, searches each query in the database and measures recall.

    A photo that is query and database at once is never its own answer, nor is another one of the
    very same time; see `may_answer`.

    Args:
        places: PlaceDataset, or READER:PATH, which `open_places` opens.
        model: Path. A `.keras` file of this project, or an old `.h5` file. Or what is open: a
            keras.Model, an Engine, or any callable from `(B, H, W, C)` uint8 to `(B, D)`. Or the
            descriptors of all photos, `(N, D)` of unit length.
        radius_m: See `EvaluateConfig`, like the others.
        min_time_difference_s: float or None. Photos nearer in time to the query are no answers.
        max_heading_difference_deg: float or None. Answers that look elsewhere are wrong.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        engine: str. What runs the model, if `model` is a file.
        precision: str. What it computes with, if `model` is a file. With another than float32, the
            model is measured in float32, too.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        normalize: str or None. How queries are adapted to the database, whose statistics are
            fitted. Recall without is always measured, too.
        hubness: str. How photos that are similar to everything are held back.
        sequence: int. Photos of a run that are matched together; recall of single ones is
            measured, too.
        rerank: str or None. What orders the first answers again; recall without is measured, too.
            `"features"` needs the file of a model, or an Engine opened with `features`.
        rerank_top: int. Answers of a query that it compares.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        Evaluation. `print` shows it as a table.

    Raises:
        FileNotFoundError: If the model or photos are missing.
        ValueError: If no query has a right answer in the database, a setting is out of range, or
            photos cannot be read and `skip_unreadable` is false.
    """
    places, model = _places_first(places, model)
    path = None
    if not callable(model) and not isinstance(model, np.ndarray):
        path = model_path(model)
    EvaluateConfig(
        model=() if path is None else (path,),
        radius_m=radius_m,
        min_time_difference_s=min_time_difference_s,
        max_heading_difference_deg=max_heading_difference_deg,
        image_size=image_size,
        batch_size=batch_size,
        engine=engine,
        precision=precision,
        skip_unreadable=skip_unreadable,
        normalize=normalize,
        hubness=hubness,
        sequence=sequence,
        rerank=rerank,
        rerank_top=rerank_top,
    )
    if not isinstance(places, PlaceDataset):
        places = open_places(str(places), skip_unreadable=skip_unreadable)
    models: dict[str, Any] = {_EXACT: model}
    if path is not None:
        from placevec.models import open_engine

        # Refused without a model, if no query has an answer.
        _answers(places, radius_m, min_time_difference_s, max_heading_difference_deg)
        # All are opened before the first describes: what is missing is said before the long work.
        models = {
            each: open_engine(
                path,
                engine=engine,
                precision=each,
                image_size=image_size,
                features=rerank == "features",
            )
            for each in dict.fromkeys((precision, _EXACT))
        }
    elif (engine, precision) != (EvaluateConfig.engine, EvaluateConfig.precision):
        raise ValueError(
            "`engine` and `precision` only apply to the file of a model, not to a model that is "
            f"open. Received: engine={engine!r}, precision={precision!r}"
        )
    found = {
        each: evaluate_photos(
            places,
            opened,
            radius_m=radius_m,
            min_time_difference_s=min_time_difference_s,
            max_heading_difference_deg=max_heading_difference_deg,
            image_size=image_size,
            batch_size=batch_size,
            skip_unreadable=skip_unreadable,
            normalize=normalize,
            hubness=hubness,
            sequence=sequence,
            rerank=rerank,
            rerank_top=rerank_top,
            progress=progress,
            warn=each == precision,
        )
        for each, opened in models.items()
    }
    return replace(
        found[precision],
        engine=None if path is None else models[precision],
        in_float32=None if precision == _EXACT else found[_EXACT],
    )


def evaluate_photos(
    photos: PlaceDataset,
    model: Model | NDArray[np.floating],
    *,
    radius_m: float,
    min_time_difference_s: float | None,
    max_heading_difference_deg: float | None = EvaluateConfig.max_heading_difference_deg,
    image_size: tuple[int, int] | None,
    batch_size: int | None = None,
    skip_unreadable: bool,
    normalize: Normalization | None = "none",
    hubness: Hubness = EvaluateConfig.hubness,
    sequence: int = EvaluateConfig.sequence,
    rerank: Reranker | None = None,
    rerank_top: int = EvaluateConfig.rerank_top,
    progress: Progress = no_progress,
    describe_photos: Callable[..., tuple[np.ndarray, np.ndarray]] = describe,
    warn: bool = True,
) -> Evaluation:
    """Measures recall as `evaluate` does, of a model that is open.

    Args:
        photos: PlaceDataset.
        model: See `evaluate`, like the others.
        radius_m: float. Largest distance of a right answer.
        min_time_difference_s: float or None. Least difference in time to a right answer.
        max_heading_difference_deg: float or None. Largest difference of a right answer's heading.
        image_size: (int, int) or None. Rows and columns.
        batch_size: int or None. Photos in a batch. None: as the model has it, or 8.
        skip_unreadable: bool. Leave out photos that cannot be read.
        normalize: str or None. How queries are adapted. Defaults to `"none"`.
        hubness: str. How photos that are similar to everything are held back.
        sequence: int. Photos of a run that are matched together.
        rerank: str or None. What orders the first answers again.
        rerank_top: int. Answers of a query that it compares.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.
        describe_photos: callable. `describe`, or what has its arguments and results.
        warn: bool. Whether to log that queries are also in the database, or that most right
            answers are the photos beside the query in its own run. Defaults to `True`.

    Returns:
        Evaluation.

    Raises:
        ValueError: As `evaluate`.
    """
    # Refused before the long work where possible.
    _answers(photos, radius_m, min_time_difference_s, max_heading_difference_deg)
    if rerank == "features":
        require_features(model)
        describe_photos = cast(Any, describe_with_features)
    if isinstance(model, np.ndarray):
        describe_photos = _as_given
    descriptors, *maps, kept = cast(Any, describe_photos)(
        model, photos.paths(), image_size=image_size, batch_size=batch_size, progress=progress
    )
    if len(kept) < len(photos) and not skip_unreadable:
        first = photos.names[np.setdiff1d(np.arange(len(photos)), kept)[0]]
        raise ValueError(
            f"{len(photos) - len(kept)} of {len(photos)} photos in {photos.root} cannot be read "
            f"(first: {first}). Mend them, or leave them out with `--skip-unreadable`"
        )
    photos = photos.take(kept)
    relevant = _answers(photos, radius_m, min_time_difference_s, max_heading_difference_deg)
    sides = descriptors[photos.database], descriptors[photos.queries]
    count = _NUM_NEIGHBORS if rerank is None else max(_NUM_NEIGHBORS, rerank_top)
    neighbors, similarities = _search(photos, *sides, min_time_difference_s, count)
    found = Evaluation(
        dataset=photos,
        neighbors=neighbors,
        similarities=similarities,
        relevant=relevant,
        descriptor_dim=descriptors.shape[1],
        radius_m=radius_m,
    )
    if warn:
        warn_of_queries_in_database(photos, neighbors, similarities, min_time_difference_s)
        warn_of_own_run(photos, neighbors, relevant)
    if normalize is None:
        normalize = "map" if len(photos.database) >= ENOUGH_PHOTOS else "none"
    if normalize != "none":
        statistics = fit_map_statistics(sides[0])
        sides = statistics.adapt(sides[0]), Normalizer(statistics, normalize)(sides[1])
    if (normalize, hubness) != ("none", "none"):
        neighbors, similarities = _search(photos, *sides, min_time_difference_s, count, hubness)
        adapted = replace(found, neighbors=neighbors, similarities=similarities)
        found = replace(found, adapted=adapted, adaptation=(normalize, hubness))
    if sequence > 1:
        neighbors, similarities = _search_by_sequence(
            photos, *sides, min_time_difference_s, sequence, count
        )
        together = replace(found, neighbors=neighbors, similarities=similarities)
        found = replace(found, in_sequence=together, sequence=sequence)
    if rerank is None:
        return found
    if maps:
        matcher = _feature_matcher(photos, maps[0])
    else:
        size = image_size_of(cast(Model, model), usual=TrainConfig.image_size, wanted=image_size)
        matcher = _photo_matcher(photos, rerank, size)
    better = order_again(neighbors, similarities, matcher, top=rerank_top)
    reranked = replace(found, neighbors=better.neighbors, similarities=better.scores)
    return replace(found, reranked=reranked, rerank=rerank)


def _search_by_sequence(
    photos: PlaceDataset,
    database: np.ndarray,
    queries: np.ndarray,
    min_time_difference_s: float | None,
    length: int,
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the database photos that may answer and whose runs are the most similar."""
    sides = [
        runs_in_order(
            photos.names[rows],
            None if photos.times_s is None else photos.times_s[rows],
            None if photos.sequence_ids is None else photos.sequence_ids[rows],
        )
        for rows in (photos.queries, photos.database)
    ]

    def similarities() -> Iterator[np.ndarray]:
        for place in sides[0][0]:
            query = photos.queries[place, None]
            is_allowed = may_answer(photos, query, photos.database, min_time_difference_s)
            yield np.where(is_allowed, database @ queries[place], np.float32(-np.inf))

    query_runs, database_runs = sides
    return nearest_by_sequence(similarities(), query_runs, database_runs, length, count)


def _as_given(
    descriptors: NDArray[np.floating], paths: Sequence[Path], **_: object
) -> tuple[np.ndarray, np.ndarray]:
    """Returns descriptors that were made elsewhere, as `describe` does."""
    if descriptors.ndim != 2 or len(descriptors) != len(paths):
        raise ValueError(
            f"Descriptors must be (N, D), a row for each of {len(paths)} photos. Received: shape "
            f"{descriptors.shape}"
        )
    return descriptors, np.arange(len(paths))


def _feature_matcher(photos: PlaceDataset, maps: np.ndarray) -> LocalMatcher:
    """Returns what compares queries with the database by the maps of all photos."""
    queries, database = photos.queries, photos.database
    return map_matcher(
        lambda query: maps[queries[query]], lambda rows: maps[database[rows]], maps.shape[1:3]
    )


def _photo_matcher(photos: PlaceDataset, name: str, image_size: tuple[int, int]) -> LocalMatcher:
    """Returns what compares queries with the database by their pixels."""
    paths, queries, database = photos.paths(), photos.queries, photos.database
    make = RERANKERS[name].find()
    return make(lambda query: paths[queries[query]], lambda row: paths[database[row]], image_size)


def _places_first(places: object, model: object) -> tuple:
    """Returns both in their order, also if they are in that of the version before."""
    is_file = isinstance(places, Path | str) and Path(places).suffix in (".keras", ".h5")
    if isinstance(model, np.ndarray) or not (callable(places) or is_file):
        return places, model
    _log.warning("`evaluate` takes the places first, then the model: evaluate(places, model)")
    return model, places


def _answers(
    dataset: PlaceDataset,
    radius_m: float,
    min_time_difference_s: float | None,
    max_heading_difference_deg: float | None,
) -> list[np.ndarray]:
    """Returns the right answers of each query, and refuses a data set where none has one."""
    num_queries, num_database = len(dataset.queries), len(dataset.database)
    relevant = []
    if num_database:
        relevant = relevant_database(dataset, radius_m, min_time_difference_s)
    if max_heading_difference_deg is not None:
        relevant = _looking_alike(dataset, relevant, max_heading_difference_deg)
    if not any(len(right) for right in relevant):
        raise ValueError(
            "Recall needs a query with a right answer in the database. Received: "
            f"{num_queries} queries, {num_database} database photos in {dataset.root}, none "
            f"within {radius_m:g} {dataset.unit} of a query and of another time. Enlarge the "
            "radius or take other photos"
        )
    return relevant


def _looking_alike(
    dataset: PlaceDataset, relevant: list[np.ndarray], most_deg: float
) -> list[np.ndarray]:
    """Returns the answers that look in the direction of the query, within `most_deg`."""
    headings_deg = dataset.headings_deg
    if headings_deg is None or not np.isfinite(headings_deg).all():
        raise ValueError(
            "`max_heading_difference_deg` needs photos whose headings are all known. Received: "
            f"{dataset.root}, where some are missing. Leave it out, or add a column `heading_deg`"
        )
    found_deg = headings_deg[dataset.database]
    kept = []
    for query_deg, rows in zip(headings_deg[dataset.queries], relevant, strict=True):
        turn_deg = np.abs((found_deg[rows] - query_deg + 180) % 360 - 180)
        kept.append(rows[turn_deg <= most_deg])
    return kept


def _search(
    photos: PlaceDataset,
    database: np.ndarray,
    queries: np.ndarray,
    min_time_difference_s: float | None,
    count: int,
    hubness: str = EvaluateConfig.hubness,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the most similar database photos that may answer; -1 where there are no more."""
    deep = depth(hubness, count) + most_barred(photos, min_time_difference_s)
    deep = min(deep, len(database))
    rows = np.arange(len(queries))
    found = []
    for part in np.array_split(rows, max(1, -(-len(queries) * deep // _MOST_PAIRS))):
        neighbors, similarities = nearest(database, queries[part], deep)
        allowed = may_answer(
            photos,
            photos.queries[part, None],
            photos.database[neighbors],
            min_time_difference_s,
        )
        order = np.argsort(~allowed, axis=1, kind="stable")
        neighbors = np.where(allowed, neighbors, -1)
        similarities = np.where(allowed, similarities, np.float32(-np.inf))
        neighbors, similarities = (
            np.take_along_axis(each, order, 1) for each in (neighbors, similarities)
        )
        find = functools.partial(nearest, database)
        take = database.__getitem__
        best = without_hubs(hubness, neighbors, similarities, queries, find, take)
        found.append([each[:, :count] for each in best])
    neighbors, similarities = map(np.concatenate, zip(*found, strict=True))
    return neighbors, similarities
