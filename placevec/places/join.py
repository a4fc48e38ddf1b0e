"""Joins several data sets to one."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.frame import grid_of, is_zone_frame

_log = logging.getLogger(__name__)
_APART_M = 100_000.0
_NUMBERS = ("place_ids", "sequence_ids")
_MEASURES = ("headings_deg", "times_s", "altitudes_m", "fields_of_view_deg")


def join_datasets(datasets: Sequence[PlaceDataset]) -> PlaceDataset:
    """Joins data sets of different areas, so that a training uses all of them.

    Sets in one UTM zone keep their positions. Latitude bands of one hemisphere, such as 32T and
    32U, are one zone. Other sets are moved apart, with 100 km from the east end of one to the west
    end of the next, so that no photo is a positive of a photo from another set. placevec logs this.

    Args:
        datasets: sequence of PlaceDataset with positions in metres.

    Returns:
        PlaceDataset with the photos of the first set first. Its root is the folder that contains
        all roots. If only some sets have a value, it is unknown for the photos of the others.

    Raises:
        ValueError: If there is no set, or a set has no positions or other units than the first.

    Example:

    >>> one = PlaceDataset("a", ["1.jpg"], positions_m=[[0.0, 0.0]])
    >>> other = PlaceDataset("b", ["1.jpg"], positions_m=[[5.0, 7.0]], headings_deg=[90.0])
    >>> both = join_datasets([one, other])
    >>> both.names.tolist(), both.positions_m.tolist(), both.headings_deg.tolist()
    (['a/1.jpg', 'b/1.jpg'], [[0.0, 0.0], [100000.0, 7.0]], [nan, 90.0])
    """
    _refuse_strangers(datasets)
    roots = [os.path.abspath(dataset.root) for dataset in datasets]
    root = os.path.commonpath(roots)
    names = [
        f"{prefix}{name}"
        for dataset, folder in zip(datasets, roots, strict=True)
        for prefix in ["" if folder == root else f"{Path(folder).relative_to(root).as_posix()}/"]
        for name in dataset.names
    ]
    frames = list(dict.fromkeys(dataset.frame for dataset in datasets))
    is_one_zone = is_zone_frame(frames[0]) and len(set(map(grid_of, frames))) == 1
    if len(datasets) > 1 and not is_one_zone:
        _log.warning(
            "%d sets are placed %.0f km apart, because they are not in one known UTM zone (%s)",
            len(datasets),
            _APART_M / 1000,
            ", ".join(frames),
        )
    known: dict[str, Any] = {name: _join_measures(datasets, name) for name in _MEASURES}
    known |= {name: _join_numbers(datasets, name) for name in _NUMBERS}
    return PlaceDataset(
        Path(root),
        np.array(names),
        positions_m=np.concatenate(
            [d.known("positions_m") for d in datasets] if is_one_zone else _apart(datasets)
        ),
        points_seen=_join_points(datasets),
        is_query=np.concatenate([dataset.is_query for dataset in datasets]),
        is_database=np.concatenate([dataset.is_database for dataset in datasets]),
        frame=datasets[0].frame if is_one_zone or len(datasets) == 1 else "local",
        **known,
    )


def _refuse_strangers(datasets: Sequence[PlaceDataset]) -> None:
    if not datasets:
        raise ValueError("`datasets` must name at least one data set. Received: none")
    for dataset in datasets:
        if dataset.positions_m is None or dataset.unit != datasets[0].unit:
            received = "no positions" if dataset.positions_m is None else f"`{dataset.unit}`"
            raise ValueError(
                f"Data sets to join must all have positions in `{datasets[0].unit}`. Received: "
                f"{received} in {dataset.root}"
            )


def _apart(datasets: Sequence[PlaceDataset]) -> list[NDArray[np.float64]]:
    moved: list[NDArray[np.float64]] = []
    for dataset in datasets:
        positions_m, shift_m = dataset.known("positions_m"), np.zeros(2)
        if moved and len(dataset):
            shift_m[0] = moved[-1][:, 0].max() + _APART_M - positions_m[:, 0].min()
        moved.append(positions_m + shift_m)
    return moved


def _join_measures(datasets: Sequence[PlaceDataset], name: str) -> NDArray[np.float64] | None:
    columns = [getattr(dataset, name) for dataset in datasets]
    if all(column is None for column in columns):
        return None
    return np.concatenate(
        [
            np.full(len(dataset), np.nan) if column is None else column
            for dataset, column in zip(datasets, columns, strict=True)
        ]
    )


def _join_numbers(datasets: Sequence[PlaceDataset], name: str) -> NDArray[np.int64] | None:
    columns = [getattr(dataset, name) for dataset in datasets]
    if all(column is None for column in columns):
        return None
    joined, used = [], 0
    for dataset, column in zip(datasets, columns, strict=True):
        numbers = np.full(len(dataset), -1, dtype=np.int64)
        if column is not None and (known := column != -1).any():
            _, numbers[known] = np.unique(column[known], return_inverse=True)
            numbers[known] += used
            used = int(numbers.max()) + 1
        joined.append(numbers)
    return np.concatenate(joined)


def _join_points(datasets: Sequence[PlaceDataset]) -> "scipy.sparse.csr_array | None":
    if all(dataset.points_seen is None for dataset in datasets):
        return None
    blocks = [
        scipy.sparse.csr_array((len(dataset), 0), dtype=bool)
        if dataset.points_seen is None
        else dataset.points_seen
        for dataset in datasets
    ]
    width = sum(block.shape[1] for block in blocks)
    starts = np.cumsum([0, *(block.shape[1] for block in blocks)])
    wide = [
        scipy.sparse.csr_array(
            (block.data, block.indices + start, block.indptr), (block.shape[0], width)
        )
        for block, start in zip(blocks, starts[:-1], strict=True)
    ]
    return scipy.sparse.csr_array(scipy.sparse.vstack(wide, format="csr"), dtype=bool)
