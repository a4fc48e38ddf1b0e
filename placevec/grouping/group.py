"""Sorts photos by the places that they show."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import Engine as EngineName
from placevec.config import GroupConfig
from placevec.grouping.groups import Groups
from placevec.grouping.linkage import Linkage, link
from placevec.grouping.write import GROUPS_FILES, write_groups
from placevec.loops.own_threshold import OwnThreshold
from placevec.loops.threshold import find_threshold
from placevec.models.describe import Model
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.calibration import loops_score
from placevec.retrieval.described import describe_dataset, open_model
from placevec.sources.photos import open_photos
from placevec.store.map_statistics import MapStatistics
from placevec.store.unit_length import to_unit
from placevec.whole_file import require_free_names, require_new_folder

_LEAST_SPREAD = 1e-5  # Below this, unit descriptors count as equal.
_PHOTOS_AT_A_TIME = 256


def group(
    photos: PlaceDataset | Path | str,
    model: Model | Path | str | None = GroupConfig.model,
    *,
    out: Path | str | None = GroupConfig.out,
    overwrite: bool = GroupConfig.overwrite,
    threshold: float | Path | str | None = GroupConfig.threshold,
    precision: float = GroupConfig.precision,
    image_size: tuple[int, int] | None = GroupConfig.image_size,
    batch_size: int | None = GroupConfig.batch_size,
    engine: EngineName = GroupConfig.engine,
    progress: Progress = no_progress,
) -> Groups:
    """Groups photos of the same place, without knowing where or when they were taken.

    It subtracts the mean of all places from the descriptors and joins the most similar photos
    first. The gap of a group is at least the threshold: each photo has a match in the group whose
    similarity exceeds that of any photo outside by that much. A group is as large as the threshold
    allows. Memory holds the descriptors a second time. Time grows with the square of the number of
    photos.

    Args:
        photos: PlaceDataset, Path or str. A folder of photos, a video, or READER:PATH.
        model: Path or str. File or name of a model, or an open model: an Engine, or any callable
            from `(B, H, W, C)` uint8 to `(B, D)`.
        out: Path or None. See `GroupConfig`, as for the others.
        overwrite: bool. Replace the files of an earlier run in `out`.
        threshold: float, Path or None. Smallest gap of a group.
        precision: float. Precision that the threshold is chosen for, unless it is a number.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        engine: str. Library that runs the model, if `model` is a file.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Groups.

    Raises:
        FileExistsError: If `out` has files of the same names, and `overwrite` is not set.
        FileNotFoundError: If the photos, the model or the folder that `out` lies in are missing.
        ValueError: If a setting is out of range, no photo can be read, or the threshold was made
            for another model or other settings.
    """
    settings = GroupConfig(
        model=None if model is None or callable(model) else Path(model),
        out=None if out is None else Path(out),
        overwrite=overwrite,
        threshold=threshold if isinstance(threshold, int | float | None) else Path(threshold),
        precision=precision,
    )
    if settings.out is not None:
        require_new_folder(settings.out)
        require_free_names(settings.out, GROUPS_FILES, overwrite=overwrite)
    dataset = open_photos(photos)
    opened = open_model(model, engine=engine, image_size=image_size)
    least_gap = settings.threshold
    if isinstance(least_gap, Path):
        size = image_size or getattr(opened, "image_size", None)
        score = loops_score(size, sequence=1, rerank=None, min_inliers=None)
        model_id = getattr(opened, "model_id", None)
        least_gap = find_threshold(least_gap, precision, score, model_id)[0]
    described = describe_dataset(
        opened, dataset, image_size=image_size, batch_size=batch_size, progress=progress
    )
    found = group_descriptors(
        described.dataset, described.descriptors, least_gap, precision=precision
    )
    if settings.out is not None:
        write_groups(found, settings.out)
    return found


def group_descriptors(
    dataset: PlaceDataset,
    descriptors: NDArray[np.floating],
    threshold: float | None,
    *,
    precision: float,
) -> Groups:
    """Groups photos by their descriptors.

    Args:
        dataset: PlaceDataset. The N photos.
        descriptors: (N, D) float, of unit L2 norm.
        threshold: float or None. Smallest gap of a group. None: it is estimated from the photos.
        precision: float in (0, 1). Precision that it is estimated for.

    Returns:
        Groups.

    Raises:
        ValueError: If a descriptor is zero or not finite.
    """
    vectors = to_unit(np.asarray(descriptors), "the descriptors")
    places = _places(_joins(link(vectors), vectors, threshold, precision)[0])
    mean = _mean_of_places(vectors, places)
    learned = precision if threshold is None else None
    count = len(vectors)
    if np.linalg.norm(vectors - mean, axis=1).max() < _LEAST_SPREAD:
        numbers = np.full(count, int(count > 1))
        similarities = np.where(numbers > 0, 1.0, np.nan)
        return Groups(dataset, numbers, similarities, math.nan, learned, math.nan)
    vectors = MapStatistics(mean, None, count).adapt(vectors)
    linkage = link(vectors)
    joins, least_gap = _joins(linkage, vectors, threshold, precision)
    largest_gap = float(linkage.gaps.max())
    return Groups(dataset, *_numbered(vectors, joins), least_gap, learned, largest_gap)


def _joins(
    linkage: Linkage, vectors: NDArray[np.floating], threshold: float | None, precision: float
) -> tuple[NDArray[np.int64], float]:
    """Returns each photo's largest group whose gap reaches the threshold, and the threshold."""
    if threshold is None:
        threshold = _own_threshold(vectors, linkage, precision)
    return linkage.groups_of(linkage.gaps >= threshold), threshold


def _mean_of_places(
    vectors: NDArray[np.floating], places: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Returns the mean (D,) over places, so that a place with many photos counts once."""
    _, place, counts = np.unique(places, return_inverse=True, return_counts=True)
    weights = 1 / counts[place]
    return (weights @ vectors / weights.sum()).astype(vectors.dtype)


def _places(joins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the place of each photo: its group, or a place of its own."""
    return np.where(joins < 0, len(joins) + np.arange(len(joins)), joins)


def _own_threshold(vectors: NDArray[np.floating], linkage: Linkage, precision: float) -> float:
    """Estimates the smallest gap from the photos themselves, see `OwnThreshold`.

    The gap of a photo is the largest gap of its groups, or 0 if it has none. The gap of a wrong
    match is estimated as the lead of the best photo outside that group over any third place.
    """
    own = OwnThreshold(precision)
    joins = linkage.groups_of(linkage.stand_out())
    count, places = len(joins), _places(joins)
    for first in range(0, count, _PHOTOS_AT_A_TIME):
        rows = np.arange(first, min(first + _PHOTOS_AT_A_TIME, count))
        values = vectors[rows] @ vectors.T
        values[places[rows][:, None] == places] = -np.inf
        second = values.argmax(axis=1)
        ahead = values.max(axis=1)
        values[places[second][:, None] == places] = -np.inf
        third = values.max(axis=1)
        for row in np.flatnonzero(np.isfinite(third)).tolist():  # only if there is a third place
            join = joins[rows[row]]
            gap = float(linkage.gaps[join]) if join >= 0 else 0.0
            own.add(gap, float(ahead[row] - third[row]))
    return own.value()


def _numbered(
    vectors: NDArray[np.floating], joins: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Numbers the groups from 1, the largest first; also returns similarities to medoids."""
    numbers, similarities = np.zeros(len(joins), np.int64), np.full(len(joins), np.nan)
    groups = [np.flatnonzero(joins == join) for join in np.unique(joins[joins >= 0])]
    groups.sort(key=lambda rows: (-len(rows), rows[0]))
    for number, rows in enumerate(groups, start=1):
        members = vectors[rows]
        medoid = int((members @ members.sum(axis=0)).argmax())
        numbers[rows], similarities[rows] = number, members @ members[medoid]
    return numbers, similarities
