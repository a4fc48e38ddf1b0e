"""Checks that the splits of a data set keep photos and places apart."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.checking.findings import Finding
from placevec.counted import counted
from placevec.places import PlaceDataset
from placevec.places.leaks import find_photos_near_another_split, find_photos_of_split_places
from placevec.places.split import SPLITS
from placevec.sources.tables.splits import SPLITS_FILE, read_splits

_BUFFER_M = 25.0  # used if the table does not give the buffer


class PhotoSplits(NamedTuple):
    """The split of each photo.

    Args:
        ids: (N,) int64. Index in `SPLITS` of each photo of the data set; -1 if it is in none.
        in_two: (n,) int64. Rows of photos that are in more than one split.
        buffer_m: float. Distance that the splits were made to keep, in metres; 25 if the table
            does not give it.
    """

    ids: NDArray[np.int64]
    in_two: NDArray[np.int64]
    buffer_m: float = _BUFFER_M


def splits_of(dataset: PlaceDataset) -> PhotoSplits | None:
    """Reads the splits from `splits.csv` beside the photos. Returns None if there is no such file.

    Args:
        dataset: PlaceDataset. Rows of the table with other photos are skipped.

    Raises:
        ValueError: If the table cannot be read.
    """
    table_path = dataset.root / SPLITS_FILE
    if not table_path.is_file():
        return None
    columns = read_splits(table_path)
    names = np.array(columns["file"], dtype=np.str_)
    split_ids = np.array([("", *SPLITS).index(split) - 1 for split in columns["split"]], np.int64)
    order = np.argsort(dataset.names)
    place = np.searchsorted(dataset.names, names, sorter=order)
    rows = order[np.minimum(place, len(order) - 1)]
    known = dataset.names[rows] == names
    rows, split_ids = rows[known], split_ids[known]
    ids = np.full(len(dataset), -1, dtype=np.int64)
    ids[rows] = split_ids
    in_two = np.unique(rows[ids[rows] != split_ids])
    return PhotoSplits(ids, in_two, _buffer_m(columns.get("buffer_m", []), table_path))


def findings_of_splits(
    dataset: PlaceDataset, splits: PhotoSplits, same_pairs: NDArray[np.int64], buffer_m: float
) -> list[Finding]:
    """Returns the photos by which one split gives away another.

    Args:
        dataset: PlaceDataset. The photos.
        splits: PhotoSplits. Splits of the same photos.
        same_pairs: (n, 2) int64. Rows of a photo and of a photo of another split that looks the
            same.
        buffer_m: float. Smallest allowed distance between photos of two splits, in metres.
    """
    findings = []

    def add(kind: str, rows: NDArray[np.int64], message: str, detail: Callable[[int], str]) -> None:
        if len(rows):
            findings.append(Finding(kind, len(rows), message, dataset.names[rows], detail))

    def label(row: int) -> str:
        return SPLITS[splits.ids[row]]

    add(
        "photos in two splits",
        splits.in_two,
        f"{counted(len(splits.in_two), 'photo is', 'photos are')} in more than one split",
        lambda i: "",
    )
    shared = find_photos_of_split_places(dataset, splits.ids)
    add(
        "places in two splits",
        shared,
        f"{counted(len(shared), 'photo shows', 'photos show')} places of more than one split",
        lambda i: f"place {dataset.known('place_ids')[shared[i]]}, {label(shared[i])}",
    )
    add(
        "equal photos in two splits",
        same_pairs[:, 0],
        f"{counted(len(same_pairs), 'photo is', 'photos are')} equal or nearly equal to a photo of "
        "another split",
        lambda i: ", ".join(
            f"{label(row)} {dataset.names[row]}".strip() for row in same_pairs[i].tolist()
        ),
    )
    near = find_photos_near_another_split(dataset, splits.ids, buffer_m)
    add(
        "splits too close",
        near,
        f"{counted(len(near), 'photo lies', 'photos lie')} less than {buffer_m:g} "
        f"{dataset.unit} from "
        "a photo of another split",
        lambda i: label(near[i]),
    )
    return findings


def _buffer_m(cells: list[str], table_path: Path) -> float:
    """Returns the smallest number in the column. Empty cells are skipped."""
    told = [cell for cell in set(cells) if cell.strip()]
    try:
        buffer_m = min(map(float, told), default=_BUFFER_M)
    except ValueError:
        buffer_m = -1.0
    if not 0 <= buffer_m < float("inf"):
        raise ValueError(f"`buffer_m` must be a number of metres from 0 on, in {table_path}")
    return buffer_m
