"""Writes the tables beside rendered photos: positions, points, splits."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places import PlaceDataset, points_matrix, split_photos
from placevec.rendering.scenes.shot import Shot
from placevec.sources import write_points, write_splits
from placevec.sources.tables.folder import POSITIONS_FILE
from placevec.sources.tables.photo_table import write_photo_table

_log = logging.getLogger(__name__)


def write_positions(folder: Path, shots: Sequence[Shot], field_of_view_deg: float) -> None:
    """Writes `positions.csv` into the folder of each data set."""
    visits = {seed: number for number, seed in enumerate(sorted({s.visit.seed for s in shots}))}
    for root in {shot.root for shot in shots}:
        rows = sorted((s for s in shots if s.root == root), key=lambda shot: shot.name)
        columns = {
            "file": [shot.name for shot in rows],
            "east": [round(shot.camera.east_m, 2) for shot in rows],
            "north": [round(shot.camera.north_m, 2) for shot in rows],
            "altitude_m": [round(shot.camera.pose.position_m[2], 3) for shot in rows],
            "heading_deg": [round(shot.camera.heading_deg, 3) % 360.0 for shot in rows],
            "pitch_deg": [round(shot.camera.pose.pitch_deg, 3) for shot in rows],
            "roll_deg": [round(shot.camera.pose.roll_deg, 3) for shot in rows],
            "fov_deg": [field_of_view_deg] * len(rows),
            "time": [shot.visit.time_s for shot in rows],
            "place": [f"{shot.part} {shot.place}".strip() for shot in rows],
            "sequence": [visits[shot.visit.seed] for shot in rows],
            "weather": [shot.visit.weather.name for shot in rows],
            "role": [shot.role for shot in rows],
        }
        write_photo_table(folder / root / POSITIONS_FILE, columns)


def write_points_seen(
    folder: Path, shots: Sequence[Shot], points: dict[Shot, NDArray[np.int64]]
) -> None:
    """Writes `points.npz` into the folder of each data set."""
    of_root: dict[Path, list[Shot]] = {}
    for shot in shots:
        of_root.setdefault(shot.root, []).append(shot)
    for root, group in of_root.items():
        seen = points_matrix([points[shot] for shot in group])
        write_points(folder / root, [shot.name for shot in group], seen)


def write_split(
    folder: Path, shots: Sequence[Shot], *, val_share: float, buffer_m: float, seed: int
) -> list[str]:
    """Writes `splits.csv`, and returns the names of its parts to append to the folder."""
    names = [shot.name for shot in shots]
    positions_m = [(shot.camera.east_m, shot.camera.north_m) for shot in shots]
    dataset = PlaceDataset(folder, np.array(names), positions_m=np.array(positions_m))
    try:
        split = split_photos(
            dataset,
            by="area",
            val_share=val_share,
            test_share=0.0,
            buffer_m=buffer_m,
            seed=seed,
        )
    except ValueError as error:
        _log.warning("No split: %s. Set `--val-share 0` or a smaller `--buffer-m`", error)
        return [""]
    write_splits(folder, names, split.names, [shot.role for shot in shots], buffer_m)
    _log.info(
        "%s to train on, %d to validate with, %d in neither, within %g m of the others",
        counted((split.names == "train").sum(), "photo"),
        *((split.names == part).sum() for part in ("val", "")), buffer_m,
    )  # fmt: skip
    return ["#train", "#val"]
