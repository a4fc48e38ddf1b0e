"""GPS fixes in the order of time, and positions between them."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.sources.values.null_island import at_zero
from placevec.sources.values.utm import metres_from_degrees

_log = logging.getLogger(__name__)

_LATITUDES = (-80.0, 84.0)  # where UTM is defined
_LONGEST_PAUSE_S = 600.0
_PAUSE_M = 10.0  # a receiver within this distance of where it paused counts as not moving
_MOST_APART_M = 100.0  # fixes of one time, which are averaged
_SECOND_TRACK = "Keep one of the tracks, such as in a file of its own"


class Piece(NamedTuple):
    """Consecutive fixes without a break, such as a segment of a GPX track.

    Args:
        times_s: (M,) float64. Seconds since 1970, UTC.
        degrees: (M, 2) float64. Latitude and longitude, WGS84.
        altitudes_m: (M,) float64. NaN if unknown.
    """

    times_s: NDArray[np.float64]
    degrees: NDArray[np.float64]
    altitudes_m: NDArray[np.float64]


class Fixes(NamedTuple):
    """All fixes of a track in ascending order of time, each time once.

    Args:
        times_s: (M,) float64. Seconds since 1970, UTC.
        positions_m: (M, 2) float64. East and north.
        altitudes_m: (M,) float64. NaN if unknown.
        frame: str. Such as `"UTM 31U"`.
    """

    times_s: NDArray[np.float64]
    positions_m: NDArray[np.float64]
    altitudes_m: NDArray[np.float64]
    frame: str


class Placed(NamedTuple):
    """Where a receiver was at some times.

    Args:
        positions_m: (N, 2) float64. NaN if unknown.
        altitudes_m: (N,) float64. NaN if unknown.
        is_before: (N,) bool. Which times are before the first fix.
        is_after: (N,) bool. Which times are after the last fix.
        is_in_gap: (N,) bool. Which times are in a gap between fixes.
    """

    positions_m: NDArray[np.float64]
    altitudes_m: NDArray[np.float64]
    is_before: NDArray[np.bool_]
    is_after: NDArray[np.bool_]
    is_in_gap: NDArray[np.bool_]


def fixes_of(pieces: Sequence[Piece], source: Path) -> Fixes:
    """Puts the pieces of a track in the order of time.

    Fixes at 0, 0 are left out and counted in the log. A piece whose times all descend is reversed.
    Fixes of one time are averaged.

    Args:
        pieces: sequence of Piece.
        source: Path. The file, for messages.

    Raises:
        ValueError: If there is no fix, a latitude or longitude is out of range, the times of a
            piece are not sorted, two pieces overlap in time, or fixes of one time are far apart.
    """
    pieces = [_in_order(piece, source) for piece in pieces if len(piece.times_s)]
    pieces.sort(key=lambda piece: piece.times_s[0])
    for before, after in zip(pieces[:-1], pieces[1:], strict=True):
        if after.times_s[0] < before.times_s[-1]:
            raise ValueError(
                f"The tracks or segments of {shown(source)} must not overlap in time. Received: "
                f"one that ends at {clock(before.times_s[-1])} and one that begins at "
                f"{clock(after.times_s[0])}. {_SECOND_TRACK}"
            )
    times_s, degrees, altitudes_m = (
        np.concatenate([piece[field] for piece in pieces] or [np.empty(shape)])
        for field, shape in enumerate(((0,), (0, 2), (0,)))
    )
    known = ~at_zero(degrees, on_earth=True)
    if not known.all():
        _log.warning(
            "%s has %s at 0, 0: left out", shown(source), counted((~known).sum(), "fix", "fixes")
        )
    if not known.any():
        raise ValueError(f"{shown(source)} must hold at least one fix. Received: none")
    times_s, degrees, altitudes_m = times_s[known], degrees[known], altitudes_m[known]
    _refuse_out_of_range(degrees, times_s, source)
    positions_m, zone = metres_from_degrees(*degrees.T)
    return _each_time_once(times_s, positions_m, altitudes_m, f"UTM {zone}", source)


def place_at(fixes: Fixes, times_s: NDArray[np.float64], max_gap_s: float) -> Placed:
    """Returns where a receiver was, on the straight line between the fixes before and after.

    The position is unknown before the first fix, after the last one, and between fixes that are
    more than `max_gap_s` apart, unless the receiver paused: up to 10 minutes within 10 m.

    Args:
        fixes: Fixes.
        times_s: (N,) float64. Seconds since 1970, UTC.
        max_gap_s: float. Longest time between two fixes that is bridged.
    """
    is_before, is_after = times_s < fixes.times_s[0], times_s > fixes.times_s[-1]
    after = np.searchsorted(fixes.times_s, times_s).clip(1, max(len(fixes.times_s) - 1, 1))
    after = np.minimum(after, len(fixes.times_s) - 1)
    before = np.maximum(after - 1, 0)
    is_fix = fixes.times_s[after] == times_s  # the first fix too, since 1 is the least of `after`
    is_fix |= fixes.times_s[before] == times_s
    is_in_gap = _is_gap(fixes, max_gap_s)[before] & ~is_fix & ~is_before & ~is_after
    columns = [*fixes.positions_m.T, fixes.altitudes_m]
    values = np.stack([np.interp(times_s, fixes.times_s, column) for column in columns], axis=1)
    values[is_before | is_after | is_in_gap | np.isnan(times_s)] = np.nan
    return Placed(values[:, :2], values[:, 2], is_before, is_after, is_in_gap)


def log_gaps(fixes: Fixes, max_gap_s: float, source: Path) -> None:
    """Logs how many gaps without positions a track has."""
    starts = np.flatnonzero(_is_gap(fixes, max_gap_s))
    if len(starts):
        lengths_s = np.diff(fixes.times_s)[starts]
        longest = starts[np.argmax(lengths_s)]
        _log.warning(
            "%s has %s of more than %g s (the longest lasts %.0f s, from %s): no position is known "
            "there",
            shown(source),
            counted(len(starts), "gap"),
            max_gap_s,
            lengths_s.max(),
            clock(fixes.times_s[longest]),
        )


def clock(time_s: float | NDArray[np.floating]) -> str:
    """Returns a time as text, `2024-05-06 12:30:15 UTC`."""
    return f"{datetime.fromtimestamp(float(time_s), UTC):%Y-%m-%d %H:%M:%S} UTC"


def _in_order(piece: Piece, source: Path) -> Piece:
    steps_s = np.diff(piece.times_s)
    if len(steps_s) and (steps_s <= 0).all() and (steps_s < 0).any():
        return Piece(*(values[::-1] for values in piece))
    back = np.flatnonzero(steps_s < 0)
    if len(back):
        raise ValueError(
            f"Times in {shown(source)} must rise. Received: {len(back)} that go back (first: from "
            f"{clock(piece.times_s[back[0]])} to {clock(piece.times_s[back[0] + 1])}). "
            f"{_SECOND_TRACK}, and sort its fixes by time"
        )
    return piece


def _refuse_out_of_range(
    degrees: NDArray[np.float64], times_s: NDArray[np.float64], source: Path
) -> None:
    low, high = _LATITUDES
    is_inside = (degrees[:, 0] >= low) & (degrees[:, 0] <= high) & (np.abs(degrees[:, 1]) <= 180)
    bad = np.flatnonzero(~is_inside)
    if len(bad):
        lat, lon = degrees[bad[0]]
        raise ValueError(
            f"Fixes must be in [{low:g}, {high:g}] degrees north and [-180, 180] degrees east. "
            f"Received: {lat:g}, {lon:g} at {clock(times_s[bad[0]])} in {shown(source)}"
        )


def _each_time_once(
    times_s: NDArray[np.float64],
    positions_m: NDArray[np.float64],
    altitudes_m: NDArray[np.float64],
    frame: str,
    source: Path,
) -> Fixes:
    each, which, counts = np.unique(times_s, return_inverse=True, return_counts=True)
    mean_m = np.zeros((len(each), 2))
    np.add.at(mean_m, which, positions_m)
    mean_m /= counts[:, None]
    apart_m = np.linalg.norm(positions_m - mean_m[which], axis=1)
    if apart_m.max() > _MOST_APART_M:
        row = int(np.argmax(apart_m))
        raise ValueError(
            f"{shown(source)} must give one place for a time. Received: places more than "
            f"{_MOST_APART_M:g} m apart at {clock(times_s[row])}. {_SECOND_TRACK}"
        )
    last = np.searchsorted(times_s, each, side="right") - 1
    return Fixes(each, mean_m, altitudes_m[last], frame)


def _is_gap(fixes: Fixes, max_gap_s: float) -> NDArray[np.bool_]:
    """Returns (M,) bool: after which fixes the position is unknown until the next one."""
    lengths_s = np.diff(fixes.times_s)
    apart_m = np.linalg.norm(np.diff(fixes.positions_m, axis=0), axis=1)
    is_pause = (lengths_s <= _LONGEST_PAUSE_S) & (apart_m <= _PAUSE_M)
    return np.append((lengths_s > max_gap_s) & ~is_pause, False)
