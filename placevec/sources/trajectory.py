"""Photos along a trajectory: which pose belongs to which photo."""

import posixpath
import re
from pathlib import Path

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.sources.files import go_on_without, list_photos, readable, tidy_name
from placevec.sources.number_lines import text_lines
from placevec.sources.poses import WORLD_AXES, Poses, find_up, on_the_ground

TOLERANCE_S = 0.02
"""Longest time between a photo and its pose, unless `within_s` says otherwise."""

# What a time stamp counts, told by its size: 1e17 is the year 1973 in nanoseconds and the year
# three thousand million in seconds.
_UNITS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))


def seconds_of_stamps(stamps: np.ndarray) -> np.ndarray:
    """Returns the time stamps of one file as seconds, whatever part of a second they count.

    Args:
        stamps: (N,) float64. Seconds; where the largest is 1e11, 1e14 or 1e17 at least, all are
            milli-, micro- or nanoseconds.

    Returns:
        (N,) float64. Seconds.
    """
    seconds = np.array(stamps, dtype=np.float64)
    largest = np.abs(seconds[np.isfinite(seconds)]).max(initial=0)
    unit = next((unit for least, unit in _UNITS if largest >= least), 1.0)
    return seconds * unit


def photos_by_stamp(root: Path, *, skip_unreadable: bool) -> tuple[np.ndarray, np.ndarray]:
    """Lists the photos of a folder whose names are time stamps, such as `1305031102.175304.png`.

    Args:
        root: Path. The folder.
        skip_unreadable: bool. Leave out photos with other names, and log how many they are.

    Returns:
        names, (N,) str, and times_s, (N,) float64, in the order of time.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there are no photos, or names are no time stamps.
    """
    names = np.array(list_photos(root))
    times_s = seconds_of_stamps(
        np.array([_number(posixpath.splitext(posixpath.basename(name))[0]) for name in names])
    )
    stamped = np.isfinite(times_s)
    go_on_without(
        names[~stamped],
        len(names),
        problem=f"No time stamps as names of {{}} photos in {root}",
        way_out="Name each by its seconds or nanoseconds, such as 1305031102.175304.png",
        skip_unreadable=skip_unreadable,
    )
    rows = np.flatnonzero(stamped)
    rows = rows[np.argsort(times_s[rows], kind="stable")]
    return names[rows], times_s[rows]


def read_frame_list(list_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a list of photos, a time stamp and a file name in each line.

    Args:
        list_path: Path. A text file; a blank or a comma parts the two.

    Returns:
        names, (N,) str, and stamps, (N,) float64, in the list's order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is something else, or a name leads out of the folder.
    """
    names, stamps = [], []
    for number, line in text_lines(list_path):
        stamp, *rest = re.split(r"[\s,]+", line, maxsplit=1)
        if not rest or not np.isfinite(_number(stamp)):
            raise ValueError(
                f"Line {number} of {list_path} must be a time stamp and a file. Received: "
                f"{line[:80]!r}"
            )
        stamps.append(float(stamp))
        names.append(tidy_name(rest[0], list_path))
    if not names:
        raise ValueError(f"{list_path} must name photos. Received: no line")
    return np.array(names), np.array(stamps)


def nearest_poses(
    poses: Poses, pose_times_s: np.ndarray, times_s: np.ndarray, *, within_s: float, source: Path
) -> Poses:
    """Returns the pose nearest in time to each photo.

    Args:
        poses: Poses. In any order; of those with one and the same time, all must be equal.
        pose_times_s: (M,) float64. Their times.
        times_s: (N,) float64. Those of the photos.
        within_s: float. Longest time between a photo and its pose.
        source: Path. The trajectory, for the error.

    Returns:
        Poses, N; unknown where none is near enough.

    Raises:
        ValueError: If a time stands twice with two poses, or is not finite.
    """
    if not np.isfinite(pose_times_s).all():
        raise ValueError(
            f"Time stamps must be finite. Received: "
            f"{pose_times_s[~np.isfinite(pose_times_s)][0]} in {source}"
        )
    order = np.argsort(pose_times_s, kind="stable")
    times = pose_times_s[order]
    repeated = np.flatnonzero(times[1:] == times[:-1])
    for field in (poses.centers, poses.rotations):
        one, other = field[order[repeated]], field[order[repeated + 1]]
        if not np.array_equal(one, other, equal_nan=True):
            raise ValueError(
                f"{source} gives two poses for the time {times[repeated[0]]:.9f}. Keep one"
            )
    after = np.searchsorted(times, times_s).clip(1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    nearer = np.abs(times[after] - times_s) < np.abs(times[before] - times_s)
    nearest = np.where(nearer, after, before)
    near = np.abs(times[nearest] - times_s) <= within_s
    return poses.at(np.where(near, order[nearest], -1))


def places_of_poses(
    root: Path,
    names: np.ndarray,
    poses: Poses,
    *,
    up: np.ndarray | None,
    frame: str,
    source: Path,
    way_out: str,
    skip_unreadable: bool,
    **fields,
) -> PlaceDataset:
    """Makes a data set of photos and their poses.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. The photos.
        poses: Poses. N; photos without one are refused or left out.
        up: (3,) float64 or None. Which way is up in the world. None: found from the cameras.
        frame: str. What the world is measured in.
        source: Path. What gives the poses, for the messages.
        way_out: str. What to do about a photo without a pose.
        skip_unreadable: bool. Leave out photos without a file or pose, and log how many they are.
        **fields: other fields of PlaceDataset, N long.

    Returns:
        PlaceDataset, with positions, headings and altitudes.

    Raises:
        FileNotFoundError: If photos are missing or empty.
        ValueError: If poses are missing, or it cannot be told which way is up.
    """
    kept = readable(root, names, source=source, skip_unreadable=skip_unreadable)
    go_on_without(
        names[~poses.known],
        len(names),
        problem=f"No pose for {{}} photos of {source}",
        way_out=way_out,
        skip_unreadable=skip_unreadable,
    )
    kept &= poses.known
    if not kept.any():
        raise ValueError(f"None of the {len(names)} photos of {source} has a file and a pose")
    positions, headings_deg, altitudes = on_the_ground(poses, find_up(poses) if up is None else up)
    return PlaceDataset(
        root,
        names,
        positions_m=np.nan_to_num(positions),
        headings_deg=headings_deg,
        altitudes_m=altitudes,
        frame=frame,
        **fields,
    ).take(np.flatnonzero(kept))


def up_option(options: dict[str, str]) -> np.ndarray | None:
    """Returns the direction that the option `up` of a path names, or None without one.

    Raises:
        ValueError: If it is no axis.
    """
    if "up" not in options:
        return None
    if options["up"] not in WORLD_AXES:
        raise ValueError(
            f"`up` must be one of {', '.join(WORLD_AXES)}. Received: up={options['up']}"
        )
    return WORLD_AXES[options["up"]]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
