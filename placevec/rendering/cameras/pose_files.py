"""Opens trajectories, with photos or without."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.places import PlaceDataset
from placevec.rendering.cameras.trajectory import Turns
from placevec.sources import find_reader, open_places, split_options
from placevec.sources.poses.camera_poses import WORLD_AXES, Poses, find_up, on_the_ground
from placevec.sources.poses.number_lines import read_numbers
from placevec.sources.poses.trajectory import flaw_of, read_track, up_option
from placevec.sources.tables.rows.rows import TABLE_SUFFIXES, read_csv, read_rows
from placevec.sources.values.cells import to_number

_WITHOUT_PHOTOS = ("tum", "kitti")


def open_trajectory(name: str) -> tuple[PlaceDataset, Turns | None]:
    """Opens the poses of a trajectory.

    Three kinds of file need no photos: `tum:FILE` (lines `time x y z qx qy qz qw`; it may be
    followed by `,up=z`), `kitti:FILE` (lines of 12 numbers) and `table:FILE.csv` (columns `file`
    with any names, `east`, `north`, and optionally `altitude_m`, `heading_deg`, `pitch_deg` and
    `roll_deg`). They also give pitch and roll. Any other source is opened with its photos, and its
    cameras are level.

    Args:
        name: str. `READER:PATH`, as for `placevec.sources.open_places`.

    Returns:
        PlaceDataset, in the order of the way, and `Turns`, or None if pitch and roll are unknown.

    Raises:
        FileNotFoundError: If the path is missing.
        ValueError: If the poses cannot be read.
    """
    reader, colon, path = str(name).partition(":")
    front = path.split(",")[0]
    if colon and Path(front).expanduser().is_file() and ",images=" not in path:
        if reader in _WITHOUT_PHOTOS:
            return _read_poses(path, reader)
        if reader == "table" and Path(front).suffix.lower() in TABLE_SUFFIXES:
            return _read_table(Path(front).expanduser())
    find_reader(name)
    return open_places(name), None


def _read_poses(path: str, reader: str) -> tuple[PlaceDataset, Turns]:
    file, options = split_options(path, ("up",))
    if reader == "tum":
        track = read_track(file, w_first=False)
        flaw = track.flaw
        poses = track.poses.at(np.argsort(track.stamps.values, kind="stable"))
    else:
        matrices = read_numbers(file, 12).reshape(-1, 3, 4)
        poses = Poses(matrices[:, :, 3], matrices[:, :, :3])
        flaw = flaw_of(poses, matrices[:, :, 3], matrices[:, :, :3])
    if flaw:
        raise ValueError(
            f"Each line of {file} must be the pose of a camera. Received: "
            f"{int((~poses.known).sum())} of {len(poses.centers)} that are none. {flaw}. Take "
            "them out"
        )
    up = up_option(options)
    if up is None:
        up = WORLD_AXES["-y"] if reader == "kitti" else find_up(poses)
    positions_m, headings_deg, heights_m = on_the_ground(poses, up)
    right, down, ahead = (poses.rotations[:, :, k] @ up for k in range(3))
    turns = Turns(
        np.rad2deg(np.arcsin(np.clip(ahead, -1, 1))), np.rad2deg(np.arctan2(-right, -down))
    )
    dataset = PlaceDataset(
        file.parent,
        np.array([f"{i:06d}" for i in range(len(poses.centers))]),
        positions_m=positions_m,
        headings_deg=headings_deg,
        altitudes_m=heights_m,
        frame="SLAM metres",
    )
    return dataset, turns


def _read_table(file: Path) -> tuple[PlaceDataset, Turns | None]:
    rows = read_rows(file)
    if rows.positions is None or rows.in_degrees or np.isnan(rows.positions).any():
        raise ValueError(
            f"A trajectory in the frame of a model needs `east,north` in each row. Received: {file}"
        )
    dataset = PlaceDataset(
        file.parent,
        rows.names,
        positions_m=rows.positions,
        headings_deg=rows.headings_deg,
        altitudes_m=rows.altitudes_m,
        sequence_ids=rows.sequence_ids,
    )
    cells = read_csv(file) if file.suffix.lower() == ".csv" else {}
    if not {"pitch_deg", "roll_deg"} & set(cells):
        return dataset, None
    pitch_deg, roll_deg = (_angles(cells, column, file) for column in ("pitch_deg", "roll_deg"))
    return dataset, Turns(pitch_deg, roll_deg)


def _angles(cells: dict[str, list[str]], column: str, file: Path) -> NDArray[np.float64]:
    texts = cells.get(column, ["0"] * len(cells["file"]))
    try:
        angles_deg = np.array([to_number(text.strip() or 0) for text in texts])
    except ValueError:
        angles_deg = np.array([np.nan])
    if not (np.abs(angles_deg) <= 180).all():
        raise ValueError(
            f"`{column}` must hold degrees from -180 to 180. Received: something else in {file}"
        )
    return angles_deg
