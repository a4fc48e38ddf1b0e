"""`splits.csv` beside photos: which photos are train, val and test."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.places.split import SPLITS
from placevec.sources.files import tidy_name
from placevec.sources.tables.photo_table import write_photo_table
from placevec.sources.tables.rows.csv_file import in_words
from placevec.sources.tables.rows.rows import read_csv
from placevec.sources.values.cells import ROLES

_log = logging.getLogger(__name__)

SPLITS_FILE = "splits.csv"


def write_splits(
    root: Path | str,
    names: Sequence[str] | NDArray[np.str_],
    splits: Sequence[str] | NDArray[np.str_],
    roles: Sequence[str] | NDArray[np.str_],
    buffer_m: float | None = None,
) -> None:
    """Writes `splits.csv` in the photos' folder, completely or not at all.

    Args:
        root: Path. The photos' folder.
        names: (N,) str. Names of the photos, relative to it.
        splits: (N,) str. `"train"`, `"val"`, `"test"`, or `""` for a photo that is left out.
        roles: (N,) str. `"query"`, `"database"`, `"both"`, or `""`: the role from the photos'
            reader.
        buffer_m: float or None. Minimum distance between photos of two splits, which is written
            into each row. None: unknown, so the column is not written.
    """
    columns: dict[str, Any] = {"file": names, "split": splits, "role": roles}
    if buffer_m is not None:
        columns["buffer_m"] = [f"{buffer_m:g}"] * len(names)
    write_photo_table(Path(root) / SPLITS_FILE, columns)


def take_split(dataset: PlaceDataset, split: str) -> PlaceDataset:
    """Returns the photos of one split, as `splits.csv` beside the photos defines it.

    Positions do not change: all splits of a set are in one frame.

    Args:
        dataset: PlaceDataset. The whole set.
        split: str. `"train"`, `"val"` or `"test"`.

    Returns:
        PlaceDataset, in the set's order.

    Raises:
        FileNotFoundError: If the table does not exist.
        ValueError: If it cannot be read, or has no photo in this split.
    """
    table_path = dataset.root / SPLITS_FILE
    if not table_path.is_file():
        raise FileNotFoundError(
            f"There is no {SPLITS_FILE} in {dataset.root} that says which photos are {split}. "
            "Make it: `placevec split`"
        )
    splits, roles = _by_name(table_path)
    names = [str(name) for name in dataset.names]
    unnamed = sum(name not in splits for name in names)
    if unnamed:
        _log.warning("Not in %s: %d of %s", table_path, unnamed, counted(len(names), "photo"))
    rows = np.array([i for i, name in enumerate(names) if splits.get(name) == split], dtype=int)
    if not len(rows):
        raise ValueError(
            f"{table_path} has none of {counted(len(names), 'photo')} in the split {split}"
        )
    taken = dataset.take(rows)
    role = np.array([roles[str(name)] for name in taken.names])
    return dataclasses.replace(
        taken,
        is_query=np.where(role == "", taken.is_query, role != "database"),
        is_database=np.where(role == "", taken.is_database, role != "query"),
    )


def read_splits(table_path: Path) -> dict[str, list[str]]:
    """Reads the rows of `splits.csv`.

    Args:
        table_path: Path. The table.

    Returns:
        `file`, as names relative to the photos' folder; `split` and `role`, each one of `SPLITS` or
        `ROLES`, or `""`. If they exist, also the cells of `buffer_m`, unchanged.

    Raises:
        ValueError: If a column is missing or a cell has another value.
    """
    cells = read_csv(table_path)
    for column, choices in (("file", None), ("split", ("", *SPLITS)), ("role", ROLES)):
        if column not in cells:
            raise ValueError(
                f"{table_path} must have the columns file, split and role. Received: "
                f"{in_words(cells)}"
            )
        wrong = [cell for cell in cells[column] if choices and cell.strip() not in choices]
        if wrong:
            raise ValueError(
                f"`{column}` must be one of {', '.join(filter(None, choices or ()))} or empty. "
                f"Received: {shown(repr(wrong[0]))} in {table_path}"
            )
    columns = {column: [cell.strip() for cell in cells[column]] for column in ("split", "role")}
    if "buffer_m" in cells:
        columns["buffer_m"] = cells["buffer_m"]
    return {"file": [tidy_name(cell, table_path) for cell in cells["file"]], **columns}


def _by_name(table_path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the split and the role of each file."""
    columns = read_splits(table_path)
    names = columns["file"]
    if len(set(names)) < len(names):
        raise ValueError(f"Each file must appear once in {table_path}")
    splits, roles = (dict(zip(names, columns[each], strict=True)) for each in ("split", "role"))
    return splits, roles
