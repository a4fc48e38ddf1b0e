"""4Seasons: drives with a stereo camera, with poses from a fusion with GNSS."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.path_options import split_options
from placevec.sources.poses.camera_poses import WORLD_AXES, Poses, rotations_from_quaternions
from placevec.sources.poses.georeference import geodetic, on_earth
from placevec.sources.poses.number_lines import read_numbers, text_lines
from placevec.sources.poses.time_stamps import Stamps, dates_of_stamps, stamps_of
from placevec.sources.poses.trajectory import flaw_of, places_of_poses
from placevec.sources.values.cells import to_number
from placevec.sources.walk import list_photos, require_folder

_log = logging.getLogger(__name__)

_POSES = "GNSSPoses.txt"
_TRANSFORMATIONS = "Transformations.txt"
_CAMERAS = ("undistorted_images/cam0", "distorted_images/cam0")
_OPTIONS = ("images",)
_NUM_TRANSFORMATIONS = 5
# Lines of the file: to the scaled world, from the GPS world to it, to the Earth.
_SCALED, _GPS_WORLD, _EARTH = 0, 2, 4


def read_four_seasons(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads the keyframes of a recording of 4Seasons.

    `GNSSPoses.txt` has a line `frame x y z qx qy qz qw scale ...` for each keyframe, from the left
    camera to the drive's world; positions are multiplied by the scale. A photo is named by its
    frame, which is its time in nanoseconds. `Transformations.txt` says where that world is on
    Earth: positions are then on the UTM grid and headings from north, so that recordings can be
    joined and compared. Without it, the world has z up and its x axis counts as east. Frames
    between keyframes have no such pose; they are left out with a log line.

    Args:
        path: Path. The folder of a recording. You can append `,images=DIR`, the left camera's
            photos (by default `undistorted_images/cam0`, else `distorted_images/cam0`).
        skip_unreadable: bool. Leave out keyframes without a file or pose, and log how many they
            are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of time, in the frame `"UTM 32U"` or the like, or
        `"SLAM metres"`.

    Raises:
        FileNotFoundError: If the poses or photos are missing.
        ValueError: If a line cannot be read.
    """
    top, options = split_options(path, _OPTIONS)
    require_folder(top)
    root = _find_photos(top, options)
    source = top / _POSES
    numbers = read_numbers(source, 9, exactly=False)
    names, frames = _list_frames(root)
    rows = _rows_of_frames(numbers[:, 0], frames.values, source)
    posed = rows >= 0
    if not posed.any():
        raise ValueError(
            f"Photos in {shown(root)} must be named by the frames of {shown(source)}, such as "
            f"{numbers[0, 0]:.0f}.png. Received: {len(names)} that are not (first: "
            f"{shown(names[0])})"
        )
    if not posed.all():
        _log.warning(
            "%d of %d photos in %s are keyframes with a pose in %s: the others are left out",
            posed.sum(),
            len(names),
            shown(root),
            _POSES,
        )
    rows, kept = rows[posed], np.flatnonzero(posed)
    with np.errstate(all="ignore"):
        centers = numbers[rows, 1:4] * numbers[rows, 8:9]
    poses = Poses(centers, rotations_from_quaternions(numbers[rows, 4:8]))
    flaw = flaw_of(poses, centers, numbers[rows, 4:8])
    origin = None
    if (top / _TRANSFORMATIONS).is_file():
        poses, origin = _around_origin(poses, top / _TRANSFORMATIONS)
    times_s = dates_of_stamps(frames)
    dataset = places_of_poses(
        root,
        names[kept],
        poses,
        up=WORLD_AXES["z"],
        frame="SLAM metres",
        source=source,
        way_out="Get the file again",
        flaw=flaw,
        skip_unreadable=skip_unreadable,
        times_s=None if times_s is None else times_s[kept],
        sequence_ids=np.zeros(len(kept), dtype=np.int64),
    )
    return dataset if origin is None else on_earth(dataset, *origin)


def recognize_four_seasons(path: Path) -> str:
    """Names the files of 4Seasons at a path, or returns `""`."""
    there = (path / _POSES).is_file() and any((path / name).is_dir() for name in _CAMERAS)
    return f"{_POSES} beside images of cam0" if there else ""


def _find_photos(top: Path, options: dict[str, str]) -> Path:
    if "images" in options:
        return Path(options["images"]).expanduser()
    root = next((top / name for name in _CAMERAS if (top / name).is_dir()), None)
    if root is None:
        raise FileNotFoundError(
            f"{shown(top)} must hold {' or '.join(_CAMERAS)}. Received: none. Name the photos: "
            "PATH,images=DIR"
        )
    return root


def _list_frames(root: Path) -> tuple[NDArray[np.str_], Stamps]:
    """Returns the photos and their frames, in the order of time."""
    names = np.array(list_photos(root))
    frames = stamps_of(Path(name).stem for name in names)
    order = np.argsort(frames.values, kind="stable")
    return names[order], frames._replace(values=frames.values[order])


def _rows_of_frames(
    posed: NDArray[np.float64], frames: NDArray[np.float64], source: Path
) -> NDArray[np.int64]:
    """Returns the line of each frame, -1 for none; equal texts mean equal frames."""
    order = np.argsort(posed, kind="stable")
    known = posed[order]
    repeated = np.flatnonzero(known[1:] == known[:-1])
    if len(repeated):
        raise ValueError(
            f"{shown(source)} must give each frame one pose. Received: two for frame "
            f"{known[repeated[0]]:.0f}"
        )
    at = np.searchsorted(known, frames).clip(0, len(known) - 1)
    return np.where(known[at] == frames, order[at], -1)


def _around_origin(poses: Poses, path: Path) -> tuple[Poses, tuple[float, float, float]]:
    """Returns the poses in metres east, north and up of a point, and that point.

    The drive's world is transformed to the scaled world and then to the GPS world, whose origin is
    on the Earth's surface.
    """
    lines = [line for _, line in text_lines(path)][:_NUM_TRANSFORMATIONS]
    numbers = _read_transformations(lines, path)
    rotations = rotations_from_quaternions(numbers[:, 3:])
    if np.isnan(rotations).any():
        raise ValueError(f"Quaternions of {shown(path)} must have length 1")
    scaled, gps = rotations[_SCALED], rotations[_GPS_WORLD]
    offset = gps.T @ (numbers[_SCALED, :3] - numbers[_GPS_WORLD, :3])
    turn = gps.T @ scaled
    moved = Poses(poses.centers @ turn.T + offset, turn @ poses.rotations)
    latitude_deg, longitude_deg, altitude_m = (
        float(each[0]) for each in geodetic(numbers[_EARTH : _EARTH + 1, :3])
    )
    return moved, (latitude_deg, longitude_deg, altitude_m)


def _read_transformations(lines: list[str], path: Path) -> NDArray[np.float64]:
    """Returns the (5, 7) translations and quaternions x, y, z, w."""
    try:
        numbers = [[to_number(cell) for cell in line.split(",")] for line in lines]
    except ValueError:
        numbers = []
    if len(numbers) != _NUM_TRANSFORMATIONS or any(len(row) != 7 for row in numbers):
        raise ValueError(
            f"{shown(path)} must hold {_NUM_TRANSFORMATIONS} lines of 7 numbers, a translation and "
            "a quaternion each, with commas between them. Get the file again"
        )
    values = np.array(numbers)
    if not np.isfinite(values).all():
        raise ValueError(f"Numbers of {shown(path)} must be finite. Get the file again")
    return values
