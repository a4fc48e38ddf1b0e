"""Trajectories in the form of the TUM RGB-D benchmark, which most SLAM systems write."""

from pathlib import Path

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.sources.files import require_folder, some_photos
from placevec.sources.number_lines import first_numbers, read_numbers
from placevec.sources.path_options import number_option, split_options
from placevec.sources.poses import Poses, rotations_from_quaternions
from placevec.sources.trajectory import (
    TOLERANCE_S,
    nearest_poses,
    photos_by_stamp,
    places_of_poses,
    read_frame_list,
    seconds_of_stamps,
    up_option,
)

_TRAJECTORIES = (
    "groundtruth.txt",
    "trajectory.txt",
    "CameraTrajectory.txt",
    "KeyFrameTrajectory.txt",
)
_FOLDERS = ("rgb", "images")
_LIST = "rgb.txt"
_OPTIONS = ("images", "up", "within_s")


def read_tum(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads a trajectory of lines `time x y z qx qy qz qw` and the photos taken along it.

    A pose is that of the camera in the world: x right, y down, z along the optical axis. Photos
    are those that `rgb.txt` lists, a line `time file` each, or else those whose names are time
    stamps. Each gets the pose nearest in time. Time stamps are seconds, or milli-, micro- or
    nanoseconds, told by their size. Nothing says which way is up: it is found from how the
    cameras are held on the average (see `find_up`), unless the path names it.

    Args:
        path: Path. A folder with `groundtruth.txt`, `trajectory.txt`, `CameraTrajectory.txt` or
            `KeyFrameTrajectory.txt` and photos; or `FILE,images=DIR`. Behind it may stand `,up=z`,
            the axis of the world that points up, and `,within_s=0.1`, the longest time between a
            photo and its pose, otherwise 0.02 s.
        skip_unreadable: bool. Leave out photos without a file, time stamp or pose, and log how
            many they are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of time, in the frame `"SLAM metres"`.

    Raises:
        FileNotFoundError: If the trajectory or photos are missing.
        ValueError: If a line cannot be read, photos have no pose, or it cannot be told which way
            is up.
    """
    top, options = split_options(path, _OPTIONS)
    within_s = number_option(options, "within_s", TOLERANCE_S)
    up = up_option(options)
    trajectory_path = _find_trajectory(top)
    root = Path(options.get("images", trajectory_path.parent)).expanduser()
    root, names, times_s = _list_frames(root, skip_unreadable)
    numbers = read_numbers(trajectory_path, 8)
    poses = Poses(numbers[:, 1:4], rotations_from_quaternions(numbers[:, 4:8]))
    return places_of_poses(
        root,
        names,
        nearest_poses(
            poses,
            seconds_of_stamps(numbers[:, 0]),
            times_s,
            within_s=within_s,
            source=trajectory_path,
        ),
        up=up,
        frame="SLAM metres",
        source=trajectory_path,
        way_out=f"None is within {within_s:g} s (PATH,within_s=SECONDS)",
        skip_unreadable=skip_unreadable,
        times_s=times_s,
        sequence_ids=np.zeros(len(names), dtype=np.int64),
    )


def recognize_tum(path: Path) -> str:
    """Says which trajectory there is at a path, or `""`."""
    try:
        trajectory_path = _find_trajectory(path)
        count = len(first_numbers(trajectory_path))
    except (ValueError, OSError):
        return ""
    if count != 8 or not some_photos(trajectory_path.parent):
        return ""
    return f"{trajectory_path.name} with a time and a pose in each line, beside photos"


def _find_trajectory(top: Path) -> Path:
    if top.is_file():
        return top
    require_folder(top)
    found = [top / name for name in _TRAJECTORIES if (top / name).is_file()]
    if not found:
        raise FileNotFoundError(
            f"{top} must hold one of {', '.join(_TRAJECTORIES)}. Received: none. Name the file and "
            "the photos: FILE,images=DIR"
        )
    return found[0]


def _list_frames(root: Path, skip_unreadable: bool) -> tuple[Path, np.ndarray, np.ndarray]:
    """Returns the photos' folder, names and times, of a list or of the names."""
    require_folder(root)
    if not (root / _LIST).is_file():
        folder = next((root / name for name in _FOLDERS if (root / name).is_dir()), root)
        return folder, *photos_by_stamp(folder, skip_unreadable=skip_unreadable)
    names, stamps = read_frame_list(root / _LIST)
    times_s = seconds_of_stamps(stamps)
    order = np.argsort(times_s, kind="stable")
    return root, names[order], times_s[order]
