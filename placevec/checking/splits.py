"""Whether the splits of a data set keep apart what they should."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from placevec.checking.findings import Finding
from placevec.places import PlaceDataset
from placevec.places.leaks import find_photos_near_another_split, find_photos_of_split_places
from placevec.sources.files import tidy_name
from placevec.sources.rows import read_csv

SPLITS_FILE = "splits.csv"


class Splits(NamedTuple):
    """Which photo is in which split.

    Args:
        labels: list of str. Such as `["test", "train", "val"]`.
        ids: (N,) int64. Place in `labels` of each photo of the data set; -1 where it is in none.
        in_two: (n,) int64. Rows of photos that stand in more than one split.
    """

    labels: list[str]
    ids: np.ndarray
    in_two: np.ndarray


def read_splits(table_path: Path, dataset: PlaceDataset) -> Splits:
    """Reads the table that stands beside photos, with the columns `file` and `split`.

    Args:
        table_path: Path. A .csv file. Rows of other photos are passed over.
        dataset: PlaceDataset. The photos.

    Raises:
        ValueError: If a column is missing or it is no CSV file.
    """
    cells = read_csv(table_path)
    for column in ("file", "split"):
        if column not in cells:
            raise ValueError(
                f"No column `{column}` in {table_path} (it has: {', '.join(cells) or 'none'}). "
                "Make the splits again"
            )
    names = np.array([tidy_name(cell, table_path) for cell in cells["file"]], dtype=np.str_)
    labels, split_ids = np.unique(
        np.array([cell.strip() for cell in cells["split"]], np.str_), return_inverse=True
    )
    order = np.argsort(dataset.names)
    place = np.searchsorted(dataset.names, names, sorter=order)
    rows = order[np.minimum(place, len(order) - 1)]
    known = dataset.names[rows] == names
    rows, split_ids = rows[known], split_ids[known]
    ids = np.full(len(dataset), -1, dtype=np.int64)
    ids[rows] = split_ids
    return Splits(labels.tolist(), ids, np.unique(rows[ids[rows] != split_ids]))


def findings_of_splits(
    dataset: PlaceDataset, splits: Splits, same_pairs: np.ndarray, buffer_m: float
) -> list[Finding]:
    """Returns what one split tells about another.

    Args:
        dataset: PlaceDataset. The photos.
        splits: Splits. Of the same photos.
        same_pairs: (n, 2) int64. Rows of photos that are equal or look the same.
        buffer_m: float. Least distance between photos of two splits, in metres.
    """
    findings = []

    def add(kind: str, rows: np.ndarray, message: str, detail: Callable[[int], str]) -> None:
        if len(rows):
            findings.append(Finding(kind, len(rows), message, dataset.names[rows], detail))

    def label(row: int) -> str:
        return splits.labels[splits.ids[row]]

    add(
        "photos in two splits",
        splits.in_two,
        f"{len(splits.in_two)} photos stand in more than one split",
        lambda i: "",
    )
    shared = find_photos_of_split_places(dataset, splits.ids)
    add(
        "places in two splits",
        shared,
        f"{len(shared)} photos show places that more than one split has",
        lambda i: f"place {dataset.place_ids[shared[i]]}, {label(shared[i])}",
    )
    ids = splits.ids[same_pairs]
    across = same_pairs[(ids[:, 0] != ids[:, 1]) & (ids != -1).all(axis=1)]
    add(
        "equal photos in two splits",
        across[:, 1],
        f"{len(across)} pairs of equal or nearly equal photos lie in two splits",
        lambda i: f"{label(across[i, 1])}; {dataset.names[across[i, 0]]}, {label(across[i, 0])}",
    )
    near = find_photos_near_another_split(dataset, splits.ids, buffer_m)
    add(
        "splits too close",
        near,
        f"{len(near)} photos lie nearer than {buffer_m:g} m to a photo of another split",
        lambda i: label(near[i]),
    )
    return findings
