"""The text files of a kapture: sensors, rigs, trajectories, records of cameras and of GNSS."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.sources.files import tidy_name
from placevec.sources.poses.camera_poses import rotations_from_quaternions
from placevec.sources.poses.number_lines import text_lines
from placevec.sources.reconstructions.colmap_model import field_of_view_deg
from placevec.sources.values.cells import to_number

_DEGREES = ("", "EPSG:4326")
_MOST_DIGITS = 19


class Rigid(NamedTuple):
    """A rigid motion: a point `p` moves to `rotation p + translation`.

    Args:
        rotation: (3, 3) float64.
        translation: (3,) float64.
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def after(self, first: "Rigid") -> "Rigid":
        """Returns the motion `first` followed by this one."""
        with np.errstate(all="ignore"):
            return Rigid(
                self.rotation @ first.rotation,
                self.rotation @ first.translation + self.translation,
            )


@dataclass(frozen=True, eq=False)
class Kapture:
    """The content of the text files.

    Args:
        root: Path. The folder that the photos' names are relative to.
        source: Path. `records_camera.txt`, for messages.
        records: list of (time stamp, camera, photo), without those of depth sensors.
        trajectories: dict. (Time stamp, device) -> from the world to the device.
        rigs: dict. Device -> the rig that it is mounted on, and from the rig to the device.
        fixes: dict. Time stamp -> longitude, latitude, altitude.
        fields_of_view_deg: dict. Camera -> its horizontal field of view, if known.
    """

    root: Path
    source: Path
    records: list[tuple[int, str, str]]
    trajectories: dict[tuple[int, str], Rigid]
    rigs: dict[str, tuple[str, Rigid]]
    fixes: dict[int, tuple[float, float, float]]
    fields_of_view_deg: dict[str, float]


def read_kapture_files(sensors_dir: Path) -> Kapture:
    """Reads the text files in `sensors` of a kapture.

    Args:
        sensors_dir: Path. The folder `sensors`.

    Returns:
        Kapture.

    Raises:
        FileNotFoundError: If `sensors.txt` or `records_camera.txt` is missing.
        ValueError: If a line cannot be read, a photo, a pose or the mounting of a device appears
            twice, or GNSS is not in degrees.
    """
    kinds, fields_of_view_deg = _read_sensors(sensors_dir / "sensors.txt")
    source = sensors_dir / "records_camera.txt"
    records = [
        (stamp, device, tidy_name(name, source))
        for stamp, (device, name) in _stamped(source, 3)
        if kinds.get(device) != "depth"
    ]
    if not records:
        raise ValueError(f"{shown(source)} must name photos. Received: none")
    return Kapture(
        sensors_dir / "records_data",
        source,
        records,
        _read_trajectories(sensors_dir / "trajectories.txt"),
        _read_rigs(sensors_dir / "rigs.txt"),
        _read_fixes(sensors_dir / "records_gnss.txt", kinds),
        fields_of_view_deg,
    )


def _read_sensors(path: Path) -> tuple[dict[str, str], dict[str, float]]:
    """Returns the kind of each sensor, with the EPSG code for GNSS, and the fields of view."""
    kinds, fields_of_view_deg = {}, {}
    for number, (device, _, kind, *parameters) in _rows(path, 3, more=True):
        kinds[device] = kind
        if kind == "gnss":
            kinds[device] = f"gnss {(parameters or [''])[0].upper()}"
        if kind == "camera" and len(parameters) > 3:
            width, focal_length = (_float(cell, path, number) for cell in parameters[1:4:2])
            degrees = field_of_view_deg(parameters[0], width, focal_length)
            if degrees is not None:
                fields_of_view_deg[device] = degrees
    return kinds, fields_of_view_deg


def _read_trajectories(path: Path) -> dict[tuple[int, str], Rigid]:
    poses: dict[tuple[int, str], Rigid] = {}
    for stamp, (device, *cells) in _stamped(path, 9) if path.is_file() else ():
        if (stamp, device) in poses:
            raise ValueError(
                f"{shown(path)} must give each device one pose per time. Received: two for "
                f"{shown(device)} at {stamp}"
            )
        poses[stamp, device] = _rigid(cells, path)
    return poses


def _read_rigs(path: Path) -> dict[str, tuple[str, Rigid]]:
    rigs: dict[str, tuple[str, Rigid]] = {}
    for _, (rig, device, *cells) in _rows(path, 9) if path.is_file() else ():
        if device in rigs:
            raise ValueError(
                f"{shown(path)} must mount each sensor once. Received: {shown(device)} twice"
            )
        rigs[device] = (rig, _rigid(cells, path))
    return rigs


def _read_fixes(path: Path, kinds: dict[str, str]) -> dict[int, tuple[float, float, float]]:
    fixes: dict[int, tuple[float, float, float]] = {}
    for stamp, (device, *cells) in _stamped(path, 7) if path.is_file() else ():
        code = kinds.get(device, "gnss ").removeprefix("gnss ")
        if code not in _DEGREES:
            raise ValueError(
                f"GNSS of {shown(path)} must be in degrees (EPSG:4326). Received: {shown(code)} "
                f"for {shown(device)}. Convert it, or read the trajectories: "
                "PATH,positions=trajectories"
            )
        x, y, z = (_float(cell, path) for cell in cells[:3])
        fix = (x, y, z)
        if fixes.setdefault(stamp, fix) != fix:
            raise ValueError(
                f"{shown(path)} must give one position per time. Received: two at {stamp}. Keep "
                "one GNSS device"
            )
    return fixes


def _rigid(cells: list[str], path: Path) -> Rigid:
    """Returns the motion of qw, qx, qy, qz, tx, ty, tz; NaN for empty cells."""
    w, x, y, z, *translation = (_float(cell, path) for cell in cells)
    return Rigid(rotations_from_quaternions(np.array([[x, y, z, w]]))[0], np.array(translation))


def _stamped(path: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yields the time stamp and the other cells of each row."""
    for number, (stamp, *cells) in _rows(path, columns):
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _MOST_DIGITS):
            raise ValueError(
                f"Line {number} of {shown(path)} must begin with a whole time stamp. Received: "
                f"{shown(stamp, longest=40)!r}"
            )
        yield int(stamp), cells


def _rows(path: Path, columns: int, *, more: bool = False) -> Iterator[tuple[int, list[str]]]:
    for number, line in text_lines(path):
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) < columns or (len(cells) > columns and not more):
            raise ValueError(
                f"Line {number} of {shown(path)} must have {columns} cells with commas between "
                f"them. Received: {len(cells)}, {shown(line, longest=80)!r}"
            )
        yield number, cells


def _float(cell: str, path: Path, number: int = 0) -> float:
    try:
        return to_number(cell) if cell else math.nan
    except ValueError:
        where = f"Line {number} of {shown(path)}" if number else shown(path)
        raise ValueError(
            f"{where} must hold a number. Received: {shown(cell, longest=40)!r}"
        ) from None
