"""A threshold learned where truth is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import CalibrateConfig
from placevec.config import Engine as EngineName
from placevec.evaluation.threshold import Threshold, learn_threshold
from placevec.loops.threshold_file import write_threshold
from placevec.models.describe import Model, describe
from placevec.models.files.model_file import model_path
from placevec.places import PlaceDataset, may_answer, relevant_database
from placevec.progress import Progress, no_progress
from placevec.sources import open_places
from placevec.whole_file import require_writable


@dataclass(frozen=True)
class Calibration:
    """A threshold and what it was learned from; as text, a sentence for people.

    Args:
        threshold: Threshold.
        num_queries: int. Queries that it was learned from.
        out: Path. The file that it was written to.
    """

    threshold: Threshold
    num_queries: int
    out: Path

    def __str__(self) -> str:
        found, share = self.threshold, 100 * self.threshold.precision
        return (
            f"threshold {found.score:.4g}: it accepts {found.num_accepted} of {self.num_queries} "
            f"matches, {found.num_wrong} of them wrong, recall {100 * found.recall:.1f} %. With 95 "
            f"% confidence at least {share:g} % of the accepted matches of photos like these are "
            f"right. Written to {self.out}"
        )


def calibrate(
    places: PlaceDataset | Path | str,
    model: Model | Path | str | None = CalibrateConfig.model,
    *,
    out: Path | str = CalibrateConfig.out,
    precision: float = CalibrateConfig.precision,
    radius_m: float = CalibrateConfig.radius_m,
    wrong_beyond_m: float | None = CalibrateConfig.wrong_beyond_m,
    image_size: tuple[int, int] | None = CalibrateConfig.image_size,
    batch_size: int | None = CalibrateConfig.batch_size,
    engine: EngineName = CalibrateConfig.engine,
    progress: Progress = no_progress,
) -> Calibration:
    """Learns the gap above which matches are right with a stated precision.

    Args:
        places: PlaceDataset, or READER:PATH. Queries and database with positions.
        model: Path or str. A model's file or name; or an Engine.
        out: See `CalibrateConfig`, like the others. A `.json` file, which `find_loops` and
            `LoopDetector` read.
        precision: float. To promise.
        radius_m: float. Largest distance of a right match.
        wrong_beyond_m: float or None. Least distance of a wrong match.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        engine: str. What runs the model, if `model` is a file.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        Calibration.

    Raises:
        FileNotFoundError: If the photos or the model are missing.
        ValueError: If the photos have no positions, or do not carry the precision.
    """
    out = Path(out)
    settings = CalibrateConfig(
        model=None if model is None or callable(model) else Path(model),
        precision=precision,
        radius_m=radius_m,
        wrong_beyond_m=wrong_beyond_m,
    )
    require_writable(out, ".json")
    dataset = places if isinstance(places, PlaceDataset) else open_places(str(places))
    if dataset.positions_m is None:
        raise ValueError(f"A threshold is learned from positions. Received: none in {dataset.root}")
    if not callable(model):
        from placevec.models import open_engine

        model = open_engine(model_path(settings.model), engine=engine, image_size=image_size)
    descriptors, kept = describe(
        model, dataset.paths(), image_size=image_size, batch_size=batch_size, progress=progress
    )
    dataset = dataset.take(kept)
    best, gaps = best_and_gaps(dataset, descriptors, radius_m)
    right = relevant_database(dataset, radius_m)
    is_right = [match in rows for match, rows in zip(best.tolist(), right, strict=True)]
    positions_m = dataset.known("positions_m")
    apart_m = positions_m[dataset.queries] - positions_m[dataset.database[best]]
    distances = np.linalg.norm(apart_m, axis=1)
    is_far = distances > (radius_m if wrong_beyond_m is None else wrong_beyond_m)
    threshold = learn_threshold(
        gaps,
        is_right,
        [len(rows) > 0 for rows in right],
        ~np.array(is_right) & ~is_far,
        precision=precision,
    )
    write_threshold(
        out,
        threshold,
        getattr(model, "model_id", "unknown"),
        radius_m=radius_m,
        num_queries=len(best),
        num_database=len(dataset.database),
    )
    return Calibration(threshold, len(best), out)


def best_and_gaps(
    dataset: PlaceDataset, descriptors: NDArray[np.floating], radius_m: float
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Returns the best match of each query, and its gap to the best photo of any other place.

    The mean of each side, queries and database, is taken off first.

    Args:
        dataset: PlaceDataset, with positions.
        descriptors: (N, D) float, of unit L2 norm, of all its photos.
        radius_m: float. Photos within this of the match show the same place.

    Returns:
        (Q,) int64, rows of `dataset.database`, and (Q,) float; -infinity for a query that no photo
        may answer.
    """
    queries, database = dataset.queries, dataset.database
    sides = [_without_mean(descriptors[rows]) for rows in (queries, database)]
    places_m = dataset.known("positions_m")[database]
    best, gaps = np.zeros(len(queries), np.int64), np.full(len(queries), -np.inf)
    for row, query in enumerate(queries.tolist()):
        allowed = may_answer(dataset, np.full(len(database), query), database)
        similarities = np.where(allowed, sides[1] @ sides[0][row], -np.inf)
        best[row] = similarities.argmax()
        is_elsewhere = np.linalg.norm(places_m - places_m[best[row]], axis=1) > radius_m
        is_elsewhere &= allowed
        if is_elsewhere.any():
            gaps[row] = similarities[best[row]] - similarities[is_elsewhere].max()
    return best, gaps


def _without_mean(descriptors: NDArray[np.floating]) -> NDArray[np.floating]:
    centered = descriptors - descriptors.mean(axis=0)
    return centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-12)
