"""Finds the order in which photos were taken, and how far along the run each one lies."""

import numpy as np
from numpy.typing import NDArray

from placevec.places import PlaceDataset
from placevec.retrieval.sequences import runs_in_order
from placevec.store.map_statistics import MapStatistics

_LEAST_EXCLUSION = 10  # photos
_STILL_ALIKE = 0.1  # similarity, as a share of the way from any two photos (0) to neighbors (1)
_MOST_LAGS = 200


def order_of_run(dataset: PlaceDataset) -> NDArray[np.int64]:
    """Returns the rows of a data set in the order in which its photos were taken.

    The order is that of `runs_in_order`, with one difference in what a run is: without known
    sequences all photos are one run, even if they lie in several folders. A camera that begins a
    new folder is still at the same place.

    Args:
        dataset: PlaceDataset.

    Returns:
        (N,) int64.
    """
    return runs_in_order(dataset.names, dataset.times_s, _runs(dataset))[0]


def along_run(
    dataset: PlaceDataset, *, exclusion_s: float | None, exclusion_m: float | None
) -> NDArray[np.floating]:
    """Returns how far along the run each photo lies, in the order of the run.

    Args:
        dataset: PlaceDataset, in the order of `order_of_run`.
        exclusion_s: float or None. If given, the result is in seconds.
        exclusion_m: float or None. If given, the result is in metres travelled. Neither: photos.

    Returns:
        (N,) float64, rising. The gap between two sequences is larger than the exclusion, so that
        photos of two sequences are always compared.

    Raises:
        ValueError: If times or positions are needed and some are unknown.
    """
    along = np.arange(len(dataset), dtype=float)
    if exclusion_s is not None:
        if dataset.times_s is None or not np.isfinite(dataset.times_s).all():
            raise ValueError(
                f"`exclusion_s` needs photos whose times are all known. Received: {dataset.root}, "
                "where some are missing. Use `exclusion_frames`, or add a column `time`"
            )
        along = dataset.times_s - dataset.times_s.min(initial=np.inf)
    elif exclusion_m is not None:
        if dataset.positions_m is None or dataset.unit == "frames":
            raise ValueError(
                f"`exclusion_m` needs photos with positions. Received: none in {dataset.root}. Use "
                "`exclusion_frames`, or name the photos as READER:PATH"
            )
        steps_m = np.linalg.norm(np.diff(dataset.positions_m, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps_m)])[: len(dataset)]
    begins = np.flatnonzero(np.diff(_runs(dataset))) + 1
    apart = 2 * (exclusion_s or exclusion_m or len(dataset))
    for begin in begins.tolist():
        along[begin:] += along[begin - 1] + apart - along[begin]
    return along


def exclusion_of_run(descriptors: NDArray[np.floating]) -> int:
    """Estimates how many photos along a run show the same place, from their descriptors.

    The median similarity of photos `n` apart falls with `n`, from that of neighbors to that of any
    two photos of the run. After nine tenths of this fall, photos are taken not to overlap any more;
    the result is twice that `n`.

    Args:
        descriptors: (N, D) float, of unit L2 norm, in the order of the run.

    Returns:
        int, from 10 to a third of the run.
    """
    count = len(descriptors)
    if count <= _LEAST_EXCLUSION:
        return _LEAST_EXCLUSION
    mean = descriptors.mean(axis=0, dtype=np.float64)
    centered = MapStatistics(mean, None, count).adapt(descriptors)
    apart = np.unique(np.geomspace(1, max(1, 3 * count // 4), _MOST_LAGS).astype(int))
    alike = np.array(
        [np.median((centered[lag:] * centered[: count - lag]).sum(axis=1)) for lag in apart]
    )
    usual = np.median(alike)
    first = int(np.argmax(alike <= usual + _STILL_ALIKE * (alike[0] - usual)))
    return int(np.clip(2 * apart[first], _LEAST_EXCLUSION, max(_LEAST_EXCLUSION, count // 3)))


def _runs(dataset: PlaceDataset) -> NDArray[np.int64]:
    if dataset.sequence_ids is None:
        return np.zeros(len(dataset), np.int64)
    return dataset.sequence_ids
