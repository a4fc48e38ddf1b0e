"""Finds the pose of each photo along a trajectory."""

import logging
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import readable
from placevec.sources.missing import go_on_without
from placevec.sources.poses.camera_poses import (
    LONGEST,
    WORLD_AXES,
    Poses,
    find_up,
    on_the_ground,
    rotations_from_quaternions,
)
from placevec.sources.poses.number_lines import column_names, read_numbers, starts_are_whole
from placevec.sources.poses.time_stamps import Stamps, seconds_together
from placevec.sources.values.roles import roles_of

_log = logging.getLogger(__name__)

TOLERANCE_S = 0.02
"""Default of `within_s`, the longest time between a photo and its pose."""

_QUATERNION = re.compile(r"(?:q|quat\w*|.*orientation\w*|rot\w*)[._]?\w*?([wxyz])|(w)")
_POSED = 8  # time, position, quaternion


class Track(NamedTuple):
    """The poses of a trajectory and their times.

    Args:
        source: Path. The file that they come from, for messages.
        stamps: Stamps. M stamps, in any order.
        poses: Poses. M poses; poses with the same time must be equal.
        flaw: str. What is wrong with the first unknown pose; `""` if all are known.
    """

    source: Path
    stamps: Stamps
    poses: Poses
    flaw: str = ""


class Timed(NamedTuple):
    """The times and poses that a trajectory gives photos.

    Args:
        times_s: (N,) float64. The photos' times.
        poses: Poses. N poses, unknown for photos without one.
        is_near: (N,) bool. Which photos have a pose near in time, known or not.
        way_out: str. What to do about a photo without a pose near in time.
        flaw: str. The flaw of the track.
    """

    times_s: NDArray[np.float64]
    poses: Poses
    is_near: NDArray[np.bool_]
    way_out: str
    flaw: str


def read_track(path: Path, *, w_first: bool, exactly: bool = True) -> Track:
    """Reads lines with a time, a position and a quaternion.

    Args:
        path: Path. A text file, see `read_numbers`.
        w_first: bool. Whether the quaternion is w, x, y, z rather than x, y, z, w. If a line above
            the numbers names the columns, that order counts.
        exactly: bool. Refuse lines with more than 8 numbers.

    Returns:
        Track.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If a line cannot be read, or the names of the columns have another order.
    """
    numbers = read_numbers(path, _POSED, exactly=exactly)
    quaternions = numbers[:, 4:8]
    if _is_w_first(path, w_first):
        quaternions = quaternions[:, [1, 2, 3, 0]]
    poses = Poses(numbers[:, 1:4], rotations_from_quaternions(quaternions))
    stamps = Stamps(numbers[:, 0], starts_are_whole(path))
    return Track(path, stamps, poses, flaw_of(poses, numbers[:, 1:4], quaternions))


def flaw_of(poses: Poses, centers: NDArray[np.float64], rotations: NDArray[np.float64]) -> str:
    """Says what is wrong with the first unknown pose, or returns `""`.

    Args:
        poses: Poses. N poses.
        centers: (N, 3) float64. The positions as written.
        rotations: (N, 4) float64 quaternions, or (N, 3, 3) float64 matrices, as written.
    """
    if poses.known.all():
        return ""
    row = int(np.argmin(poses.known))
    if not np.isfinite([*centers[row], *rotations[row].ravel()]).all():
        what = "a number that is not finite"
    elif np.abs(centers[row]).max() >= LONGEST:
        what = f"a coordinate beyond {LONGEST:g}"
    elif rotations.ndim == 2:
        what = f"a quaternion of length {math.hypot(*rotations[row]):.3g}, not 1"
    else:
        what = "a matrix that is not a rotation"
    return f"The first bad pose is number {row + 1}: {what}"


def poses_in_time(
    track: Track,
    photos: Stamps,
    *,
    within_s: float,
    unit: str | None,
) -> Timed:
    """Gives each photo the pose nearest in time.

    Logs how many photos share a pose with another photo.

    Args:
        track: Track. M poses.
        photos: Stamps. Stamps of N photos.
        within_s: float. Longest time between a photo and its pose.
        unit: str or None. Unit of whole stamps, see `seconds_together`.

    Returns:
        Timed.

    Raises:
        ValueError: If a time has two poses or is not finite, or the unit of stamps cannot be found.
    """
    stamps = track.stamps.values
    if not np.isfinite(stamps).all():
        raise ValueError(
            f"Time stamps must be finite. Received: {stamps[~np.isfinite(stamps)][0]} in "
            f"{shown(track.source)}"
        )
    times_s, pose_times_s = seconds_together(photos, track.stamps, unit=unit, source=track.source)
    rows = nearest_rows(track, pose_times_s, times_s, within_s=within_s)
    tell_shared_poses(rows, track.source)
    way_out = (
        f"None is within {within_s:g} s: the photos are of {_span(times_s)}, the poses of "
        f"{_span(pose_times_s)}. Check the clocks and units, or allow more: PATH,within_s=SECONDS"
    )
    return Timed(times_s, track.poses.at(rows), rows >= 0, way_out, track.flaw)


def nearest_rows(
    track: Track,
    pose_times_s: NDArray[np.float64],
    times_s: NDArray[np.float64],
    *,
    within_s: float,
) -> NDArray[np.int64]:
    """Returns which pose is nearest in time to each photo.

    Args:
        track: Track. M poses.
        pose_times_s: (M,) float64. Times of the poses.
        times_s: (N,) float64. Times of the photos.
        within_s: float. Longest time between a photo and its pose.

    Returns:
        (N,) int64. Rows of the track; -1 if none is near enough.

    Raises:
        ValueError: If a time appears twice with two poses.
    """
    order = np.argsort(pose_times_s, kind="stable")
    times = pose_times_s[order]
    repeated = np.flatnonzero(times[1:] == times[:-1])
    for field in (track.poses.centers, track.poses.rotations):
        one, other = field[order[repeated]], field[order[repeated + 1]]
        if not np.array_equal(one, other, equal_nan=True):
            raise ValueError(
                f"{shown(track.source)} gives two poses for the time {times[repeated[0]]:.9f}. "
                "Keep one"
            )
    after = np.searchsorted(times, times_s).clip(1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    nearer = np.abs(times[after] - times_s) < np.abs(times[before] - times_s)
    nearest = np.where(nearer, after, before)
    near = np.abs(times[nearest] - times_s) <= within_s
    return np.where(near, order[nearest], -1)


def places_of_poses(
    root: Path,
    names: NDArray[np.str_],
    poses: Poses,
    *,
    up: NDArray[np.float64] | None,
    frame: str,
    source: Path,
    way_out: str,
    skip_unreadable: bool,
    flaw: str = "",
    is_near: NDArray[np.bool_] | None = None,
    **fields,
) -> PlaceDataset:
    """Makes a data set from photos and their poses.

    The folders in the names give the roles, unless `fields` does.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. The photos.
        poses: Poses. N poses; photos without one are refused or left out.
        up: (3,) float64 or None. Which way is up in the world. None: found from the cameras.
        frame: str. Frame of the positions.
        source: Path. The file of the poses, for the messages.
        way_out: str. What to do about a photo for which the source has no pose.
        skip_unreadable: bool. Leave out photos without a file or pose, and log how many they are.
        flaw: str. What is wrong with the first unknown pose of the source, see `flaw_of`.
        is_near: (N,) bool or None. For which photos the source has a pose, known or not. None:
            for all.
        **fields: other fields of PlaceDataset, of length N.

    Returns:
        PlaceDataset, with positions, headings and altitudes.

    Raises:
        FileNotFoundError: If photos are missing or empty.
        ValueError: If poses are missing, or the up direction cannot be found.
    """
    kept = readable(root, names, source=source, skip_unreadable=skip_unreadable)
    is_near = np.ones(len(names), dtype=bool) if is_near is None else is_near
    for is_bad, what in ((~is_near, way_out), (is_near & ~poses.known, f"{flaw}. Fix the poses")):
        go_on_without(
            names[is_bad],
            len(names),
            problem=f"No pose for {{}} of {source}",
            way_out=what,
            skip_unreadable=skip_unreadable,
        )
    kept &= poses.known
    if not kept.any():
        raise ValueError(
            f"None of the {counted(len(names), 'photo')} of {source} has a file and a pose"
        )
    others: dict[str, Any] = {**roles_of(names), **fields}
    positions, headings_deg, altitudes = on_the_ground(poses, find_up(poses) if up is None else up)
    return PlaceDataset(
        root,
        names,
        positions_m=np.nan_to_num(positions),
        headings_deg=headings_deg,
        altitudes_m=altitudes,
        frame=frame,
        **others,
    ).take(np.flatnonzero(kept))


def up_option(options: dict[str, str]) -> NDArray[np.float64] | None:
    """Returns the direction that the option `up` of a path names, or None without one.

    Raises:
        ValueError: If it is not an axis.
    """
    if "up" not in options:
        return None
    if options["up"] not in WORLD_AXES:
        raise ValueError(
            f"`up` must be one of {', '.join(WORLD_AXES)}. Received: up={shown(options['up'])}"
        )
    return WORLD_AXES[options["up"]]


def tell_shared_poses(rows: NDArray[np.int64], source: Path) -> None:
    """Logs how many photos share a pose with another photo.

    Args:
        rows: (N,) int64. The pose of each photo, -1 for none.
        source: Path. The file of the poses.
    """
    _, counts = np.unique(rows[rows >= 0], return_counts=True)
    if (counts > 1).any():
        _log.warning(
            "%d of %d photos share a pose of %s with another photo: %s, up to %d photos each",
            counts[counts > 1].sum(),
            len(rows),
            shown(source),
            counted(len(counts), "pose"),
            counts.max(),
        )


def _is_w_first(path: Path, w_first: bool) -> bool:
    """Returns whether quaternions begin with w, by the columns' names, else by `w_first`."""
    names = column_names(path)
    matches = [_QUATERNION.fullmatch(name) for name in names]
    letters = "".join(match[1] or match[2] for match in matches if match)
    if len(letters) != 4 or sorted(letters) != sorted("wxyz"):
        return w_first
    first = next(row for row, match in enumerate(matches) if match)
    if letters not in ("wxyz", "xyzw") or first != 4:
        raise ValueError(
            f"Columns of {shown(path)} must be time, x, y, z and a quaternion, w first or last. "
            f"Received: {shown(', '.join(names), longest=200)}. Put them in this order"
        )
    if (letters == "wxyz") != w_first:
        _log.warning("Quaternions of %s are %s, as its columns' names say", shown(path), letters)
    return letters == "wxyz"


def _span(times_s: NDArray[np.float64]) -> str:
    return f"{times_s.min():.3f} to {times_s.max():.3f} s" if len(times_s) else "no time"
