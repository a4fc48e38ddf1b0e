"""Renders the photos of `placevec demo`: places of the synthetic town, by day and otherwise."""

import dataclasses
import shutil
import tempfile
from pathlib import Path

import numpy as np

from placevec.config import TownRenderConfig
from placevec.places import PlaceDataset
from placevec.rendering import render
from placevec.sources import open_places

_TOWN = TownRenderConfig(
    seed=7, jpeg_quality=75, num_streets=1, num_validation_streets=2, points=False
)  # fmt: skip
_NUM_PLACES = 12


def draw_photos(
    out: Path, *, town: TownRenderConfig = _TOWN, num_places: int = _NUM_PLACES
) -> Path:
    """Renders two photos of each place: one by day and one in other weather.

    Args:
        out: Path. Folder for `database` and `queries`, which are replaced if they exist.
        town: TownRenderConfig. The town, whose validation streets are used.
        num_places: int. How many places.

    Returns:
        Path, `out`.
    """
    out = Path(out)
    with tempfile.TemporaryDirectory() as folder:
        render("town", dataclasses.replace(town, out=Path(folder, "town")))
        photos = open_places(f"folder:{folder}/town/val")
        queries = _spread(photos, num_places)
        for row in (*queries, *(_same_place(photos, query) for query in queries)):
            path = out / photos.names[row]
            if row == queries[0]:
                shutil.rmtree(out, ignore_errors=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photos.path(row), path)
    return out


def _spread(photos: PlaceDataset, count: int) -> list[int]:
    """Returns queries that are as far apart as their order along the streets allows."""
    order = np.lexsort(photos.known("positions_m")[photos.queries].T)
    places = np.linspace(0, len(order) - 1, count).round().astype(int)
    return photos.queries[order[places]].tolist()


def _same_place(photos: PlaceDataset, query: int) -> int:
    positions_m = photos.known("positions_m")
    apart_m = np.linalg.norm(positions_m[photos.database] - positions_m[query], axis=1)
    return int(photos.database[apart_m.argmin()])
