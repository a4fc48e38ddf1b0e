"""Trajectories in the form of the TUM RGB-D benchmark, which most SLAM systems write."""

from pathlib import Path

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.sources.files import leads_out, require_folder, some_photos
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
_OPTIONS = ("images", "up", "within_s", "same_world")


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
            photo and its pose, otherwise 0.02 s. A folder of several such folders, runs of one
            map, as `FOLDER,same_world=yes`; each is a sequence.
        skip_unreadable: bool. Leave out photos without a file, time stamp or pose, and log how
            many they are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of time, in the frame `"SLAM metres"`.

    Raises:
        FileNotFoundError: If the trajectory or photos are missing.
        ValueError: If a line cannot be read, photos have no pose, it cannot be told which way is
            up, or there are several runs and nothing says that they are of one world.
    """
    top, options = split_options(path, _OPTIONS)
    within_s = number_option(options, "within_s", TOLERANCE_S)
    up = up_option(options)
    runs = _find_runs(top)
    if len(runs) > 1 and options.get("same_world") != "yes":
        names = ", ".join(run.parent.name for run in runs[:5])
        raise ValueError(
            f"Positions of runs are measured from different origins. Received: {len(runs)} runs in "
            f"{top} ({names}). Name one, {runs[0].parent}, or say that all stand in one map: "
            f"{top},same_world=yes"
        )
    if len(runs) > 1:
        root, parts = top, [_read_run(run, run.parent, within_s, skip_unreadable) for run in runs]
        names = [
            [f"{folder.relative_to(top).as_posix()}/{name}" for name in names]
            for folder, names, *_ in parts
        ]
    else:
        root = Path(options.get("images", runs[0].parent)).expanduser()
        parts = [_read_run(runs[0], root, within_s, skip_unreadable)]
        root, names = parts[0][0], [parts[0][1]]
    _, _, times_s, poses = zip(*parts, strict=True)
    return places_of_poses(
        root,
        np.concatenate(names),
        Poses(
            np.concatenate([each.centers for each in poses]),
            np.concatenate([each.rotations for each in poses]),
        ),
        up=up,
        frame="SLAM metres",
        source=top,
        way_out=f"None is within {within_s:g} s (PATH,within_s=SECONDS)",
        skip_unreadable=skip_unreadable,
        times_s=np.concatenate(times_s),
        sequence_ids=np.repeat(np.arange(len(runs)), [len(each) for each in times_s]),
    )


def recognize_tum(path: Path) -> str:
    """Says which trajectory there is at a path, or `""`."""
    try:
        trajectory_path = _find_runs(path)[0]
        count = len(first_numbers(trajectory_path))
    except (ValueError, OSError):
        return ""
    if count != 8 or not some_photos(trajectory_path.parent):
        return ""
    return f"{trajectory_path.name} with a time and a pose in each line, beside photos"


def _find_runs(top: Path) -> list[Path]:
    """Returns the trajectory at a path, or those of the folders in it."""
    if not top.is_dir() or any((top / name).is_file() for name in _TRAJECTORIES):
        return [_find_trajectory(top)]
    inside = sorted(p for p in top.iterdir() if p.is_dir() and not leads_out(p, top))
    runs = [p for p in inside if any((p / name).is_file() for name in _TRAJECTORIES)]
    return [_find_trajectory(run) for run in runs or [top]]


def _read_run(
    trajectory_path: Path, root: Path, within_s: float, skip_unreadable: bool
) -> tuple[Path, np.ndarray, np.ndarray, Poses]:
    """Returns the photos' folder, their names, times and poses."""
    root, names, times_s = _list_frames(root, skip_unreadable)
    numbers = read_numbers(trajectory_path, 8)
    poses = nearest_poses(
        Poses(numbers[:, 1:4], rotations_from_quaternions(numbers[:, 4:8])),
        seconds_of_stamps(numbers[:, 0]),
        times_s,
        within_s=within_s,
        source=trajectory_path,
    )
    return root, names, times_s, poses


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
