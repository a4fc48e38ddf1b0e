"""Measures the recall of a model on a data set."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from placevec.config import Engine as EngineName
from placevec.config import EvaluateConfig, Precision, TrainConfig
from placevec.config.choices import RERANKERS, Hubness, Normalization, Reranker
from placevec.config.networks import DEFAULT_NETWORK
from placevec.counted import counted
from placevec.evaluation.answers import AnswerRules, right_answers, search_answers, search_runs
from placevec.evaluation.cautions import warn_of_own_run, warn_of_queries_in_database
from placevec.evaluation.evaluation import Evaluation
from placevec.evaluation.foreign import foreign_descriptors, is_foreign
from placevec.evaluation.report import REPORT_FILES, ClusterMaps, write_report
from placevec.images import image_size_of, is_keras_model
from placevec.kinds import MODEL_FILE
from placevec.models.describe import Model, describe
from placevec.models.files.model_file import model_path
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.normalize import Normalizer
from placevec.retrieval.reranking.local_features import describe_with_features, require_features
from placevec.retrieval.reranking.rerank import LocalMatcher, map_matcher
from placevec.retrieval.reranking.rerank import rerank as order_again
from placevec.sources import open_places
from placevec.store.map_statistics import ENOUGH_PHOTOS, fit_map_statistics
from placevec.whole_file import require_free_names, require_new_folder

_log = logging.getLogger(__name__)
_NUM_NEIGHBORS = 100
_EXACT = "float32"
_NOT_SHOWN = ("model", "out", "overwrite", "json")  # settings that the report omits
_NO_POINTS = np.zeros((0, 4), np.float32)


def evaluate(
    places: PlaceDataset | Path | str,
    model: Model | NDArray[np.floating] | Path | str | None = None,
    *,
    out: Path | str | None = EvaluateConfig.out,
    overwrite: bool = EvaluateConfig.overwrite,
    radius_m: float = EvaluateConfig.radius_m,
    min_time_difference_s: float | None = EvaluateConfig.min_time_difference_s,
    max_heading_difference_deg: float | None = EvaluateConfig.max_heading_difference_deg,
    one_answer_per_position: bool = EvaluateConfig.one_answer_per_position,
    wrong_beyond_m: float | None = EvaluateConfig.wrong_beyond_m,
    cluster_maps: int = EvaluateConfig.cluster_maps,
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

    To measure several models side by side, use `compare`.

    A photo that is both query and database photo is never its own answer. Nor is another photo of
    exactly the same time, see `may_answer`.

    Args:
        places: PlaceDataset, or READER:PATH, which `open_places` opens.
        model: Path. A `.keras` file of this project, or an old `.h5` file. Or an open model: a
            keras.Model, an Engine, or any callable from `(B, H, W, C)` uint8 to `(B, D)`. Or the
            descriptors of all photos, `(N, D)` of unit length, or a file with descriptors from
            another program, see `foreign_descriptors`. None: the network that ships with placevec.
        out: Path or None. Folder for the report, see `write_report`. None: nothing is written.
        overwrite: bool. Replace an earlier report in `out`.
        radius_m: float or None. See `EvaluateConfig`, as for the others.
        min_time_difference_s: float or None. Photos closer in time to the query are not answers.
        max_heading_difference_deg: float or None. Answers that look in another direction by more
            than this are wrong.
        one_answer_per_position: bool. Only the most similar photo of each position is an answer.
        wrong_beyond_m: float or None. Answers between the radius and this distance count neither
            as right nor as wrong in the precision that the report shows.
        cluster_maps: int. Number of photo pairs for which the report shows where each cluster
            looks.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        engine: str. Library that runs the model, if `model` is a file.
        precision: str. Precision of the computation, if `model` is a file. If it is not float32,
            the model is measured in float32, too.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        normalize: str or None. How to adapt the queries to the statistics of the database. Recall
            without it is always measured, too.
        hubness: str. How to hold back photos that are similar to everything.
        sequence: int. Number of photos of a run to match together. Recall of single photos is
            measured, too.
        rerank: str or None. How to reorder the first answers. Recall without it is measured, too.
            `"features"` needs the file of a model, or an Engine opened with `features`.
        rerank_top: int. Number of answers of a query to reorder.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Evaluation. `print` shows it as a table.

    Raises:
        FileExistsError: If `out` has files of the same names, and `overwrite` is not set.
        FileNotFoundError: If the model, photos or the folder that `out` lies in are missing.
        ValueError: If no query has a right answer in the database, a setting is out of range, or
            photos cannot be read and `skip_unreadable` is false.
    """
    places, model = _places_first(places, model)
    given, path = model, None
    if not callable(model) and not isinstance(model, np.ndarray):
        path = model_path(model)
    settings = EvaluateConfig(
        model=() if path is None else (path,),
        out=None if out is None else Path(out),
        overwrite=overwrite,
        radius_m=radius_m,
        min_time_difference_s=min_time_difference_s,
        max_heading_difference_deg=max_heading_difference_deg,
        one_answer_per_position=one_answer_per_position,
        wrong_beyond_m=wrong_beyond_m,
        cluster_maps=cluster_maps,
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
    if out is not None:
        require_new_folder(Path(out))
        require_free_names(Path(out), REPORT_FILES, overwrite=overwrite)
    if not isinstance(places, PlaceDataset):
        places = open_places(str(places), skip_unreadable=skip_unreadable)
    if path is not None and is_foreign(path):
        model, path = foreign_descriptors(path, places), None
    models: dict[str, Any] = {_EXACT: model}
    if path is not None:
        from placevec.models import open_engine

        rules = AnswerRules(
            radius_m, min_time_difference_s, max_heading_difference_deg, one_answer_per_position
        )
        # Refuse the data set before any model is opened, if no query has an answer.
        right_answers(places, rules)
        # Open all models before the first one describes, so that errors come before the long work.
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
    measured = {
        each: evaluate_photos(
            places,
            opened,
            radius_m=radius_m,
            min_time_difference_s=min_time_difference_s,
            max_heading_difference_deg=max_heading_difference_deg,
            one_answer_per_position=one_answer_per_position,
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
    found = replace(
        measured[precision],
        engine=None if path is None else models[precision],
        in_float32=None if precision == _EXACT else measured[_EXACT],
    )
    if out is not None:
        label = label_of(given)
        shown = {"model": label} | {k: v for k, v in vars(settings).items() if k not in _NOT_SHOWN}
        write_report(
            {label: found},
            out,
            wrong_beyond_m=wrong_beyond_m,
            cluster_maps=ClusterMaps.of(given, cluster_maps, image_size),
            settings=shown,
        )
    return found


def label_of(model: Model | NDArray[np.floating] | Path | str | None) -> str:
    """Returns the name of a model among others: that of its file, else its id, name or type."""
    if model is None:
        return DEFAULT_NETWORK
    if isinstance(model, np.ndarray):
        return "descriptors"
    if is_keras_model(cast(Model, model)):
        from placevec.models import model_id

        return model_id(cast(Any, model))
    if not isinstance(model, Path | str):
        names = (getattr(model, name, None) for name in ("model_id", "__name__"))
        return next((name for name in names if name), type(model).__name__)
    path = Path(model)
    # Every training names its file `model.keras`, so the folder tells two of them apart.
    return path.parent.name if path.name == MODEL_FILE and path.parent.name else path.stem


def evaluate_photos(
    photos: PlaceDataset,
    model: Model | NDArray[np.floating],
    *,
    radius_m: float,
    min_time_difference_s: float | None,
    max_heading_difference_deg: float | None = EvaluateConfig.max_heading_difference_deg,
    one_answer_per_position: bool = EvaluateConfig.one_answer_per_position,
    image_size: tuple[int, int] | None,
    batch_size: int | None = None,
    skip_unreadable: bool,
    normalize: Normalization | None = "none",
    hubness: Hubness = EvaluateConfig.hubness,
    sequence: int = EvaluateConfig.sequence,
    rerank: Reranker | None = None,
    rerank_top: int = EvaluateConfig.rerank_top,
    progress: Progress = no_progress,
    describe_photos: Callable[..., tuple[NDArray[np.floating], NDArray[np.int64]]] = describe,
    warn: bool = True,
) -> Evaluation:
    """Measures recall of an open model, as `evaluate` does.

    Args:
        photos: PlaceDataset.
        model: See `evaluate`, as for the others.
        radius_m: float. Largest distance of a right answer.
        min_time_difference_s: float or None. Smallest time difference to a right answer.
        max_heading_difference_deg: float or None. Largest difference of a right answer's heading.
        one_answer_per_position: bool. Only the most similar photo of each position is an answer.
        image_size: (int, int) or None. Rows and columns.
        batch_size: int or None. Photos in a batch. None: the model's own number, or 8.
        skip_unreadable: bool. Leave out photos that cannot be read.
        normalize: str or None. How to adapt the queries. Defaults to `"none"`.
        hubness: str. How to hold back photos that are similar to everything.
        sequence: int. Number of photos of a run to match together.
        rerank: str or None. How to reorder the first answers.
        rerank_top: int. Number of answers of a query to reorder.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.
        describe_photos: callable. `describe`, or a function with the same arguments and results.
        warn: bool. Whether to warn if queries are also in the database, or if most right answers
            are the photos beside the query in its own run. Defaults to `True`.

    Returns:
        Evaluation.

    Raises:
        ValueError: As `evaluate`.
    """
    rules = AnswerRules(
        radius_m, min_time_difference_s, max_heading_difference_deg, one_answer_per_position
    )
    # Refuse what can be refused before the long work.
    right_answers(photos, rules)
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
            f"{len(photos) - len(kept)} of {counted(len(photos), 'photo')} in {photos.root} cannot "
            f"be read (first: {first}). Fix them, or skip them with `--skip-unreadable`"
        )
    photos = photos.take(kept)
    relevant = right_answers(photos, rules)
    sides = descriptors[photos.database], descriptors[photos.queries]
    count = _NUM_NEIGHBORS if rerank is None else max(_NUM_NEIGHBORS, rerank_top)
    neighbors, similarities = search_answers(photos, *sides, rules, count)
    found = Evaluation(
        dataset=photos,
        neighbors=neighbors,
        similarities=similarities,
        relevant=relevant,
        descriptor_dim=descriptors.shape[1],
        radius_m=radius_m,
        rules=rules.notes(photos),
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
        neighbors, similarities = search_answers(photos, *sides, rules, count, hubness)
        adapted = replace(found, neighbors=neighbors, similarities=similarities)
        found = replace(found, adapted=adapted, adaptation=(normalize, hubness))
    if sequence > 1:
        neighbors, similarities = search_runs(photos, *sides, rules, count, sequence)
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
    points = [each[0] if each else _NO_POINTS for each in better.points]
    reranked = replace(found, neighbors=better.neighbors, similarities=better.scores, points=points)
    return replace(found, reranked=reranked, rerank=rerank)


def _as_given(
    descriptors: NDArray[np.floating], paths: Sequence[Path], **_: object
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Returns given descriptors in the form that `describe` returns."""
    if descriptors.ndim != 2 or len(descriptors) != len(paths):
        raise ValueError(
            f"Descriptors must be (N, D), a row for each of {counted(len(paths), 'photo')}. "
            f"Received: shape {descriptors.shape}"
        )
    return descriptors, np.arange(len(paths))


def _feature_matcher(photos: PlaceDataset, maps: NDArray[np.float16]) -> LocalMatcher:
    """Returns a matcher of queries and database photos by their feature maps."""
    queries, database = photos.queries, photos.database
    return map_matcher(
        lambda query: maps[queries[query]], lambda rows: maps[database[rows]], maps.shape[1:3]
    )


def _photo_matcher(photos: PlaceDataset, name: str, image_size: tuple[int, int]) -> LocalMatcher:
    """Returns a matcher of queries and database photos by their pixels."""
    paths, queries, database = photos.paths(), photos.queries, photos.database
    make = RERANKERS[name].find()
    return make(lambda query: paths[queries[query]], lambda row: paths[database[row]], image_size)


def _places_first(places: object, model: object) -> tuple:
    """Returns places and model in this order, even if they come in the order of old versions."""
    is_file = isinstance(places, Path | str) and Path(places).suffix in (".keras", ".h5")
    if model is None or isinstance(model, np.ndarray) or not (callable(places) or is_file):
        return places, model
    _log.warning("`evaluate` takes the places first, then the model: evaluate(places, model)")
    return model, places
