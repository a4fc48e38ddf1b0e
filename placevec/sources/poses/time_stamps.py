"""Time stamps: their unit, and photos that are named by them."""

import logging
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.sources.files import tidy_name
from placevec.sources.missing import go_on_without
from placevec.sources.poses.depth_images import without_depth_images
from placevec.sources.poses.number_lines import has_decimal_commas, text_lines
from placevec.sources.walk import list_photos

_log = logging.getLogger(__name__)

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of time stamps, and how many of each are in a second."""

_DATES_S = (6e8, 4.2e9)  # 1989 to 2103
_STEPS_S = (1e-5, 1e7)  # between neighbors, for stamps that are dates
# The typical step between whole stamps that are not dates, and the unit that it implies: nobody
# takes a photo or a pose only every half hour, and 2 ms in nanoseconds is 2 s in microseconds.
_STEPS = ((2e6, "ns"), (2e3, "us"))
_LARGEST_COUNTING_STEP = 2.0
_SMALLEST_MS = 5.0
# If one side is in micro- or nanoseconds: the minimum step of the other, and the maximum ratio.
_SMALLEST_BESIDE, _MOST_TIMES = 100.0, 1000.0
_HEADER = re.compile(r"[a-z_]*(time|stamp|frame|id)[a-z_]*(\[.*)?", re.IGNORECASE)


class Stamps(NamedTuple):
    """Time stamps as written in a source.

    Args:
        values: (N,) float64.
        whole: bool. Whether all are written without a decimal point, like frame numbers.
    """

    values: NDArray[np.float64]
    whole: bool


def stamps_of(texts: Iterable[str]) -> Stamps:
    """Returns the time stamps in texts; NaN if one is not a finite number."""
    texts = list(texts)
    values = np.array([_number(text) for text in texts], dtype=np.float64)
    return Stamps(values, not any("." in text for text in texts if np.isfinite(_number(text))))


def dates_of_stamps(stamps: Stamps) -> NDArray[np.float64] | None:
    """Returns seconds since 1970 if the stamps are large enough to be dates, else None."""
    unit = _unit_of_dates(stamps)
    return None if unit is None else stamps.values / UNITS[unit]


def seconds_alone(stamps: Stamps) -> NDArray[np.float64]:
    """Returns the time stamps of one file in seconds.

    Their unit is found as in `seconds_together`; whole stamps with small steps are seconds.
    """
    unit = _unit_of_dates(stamps)
    if unit is None and stamps.whole:
        unit = _unit_of_step(_typical_step(stamps))
    return stamps.values / UNITS[unit or "s"]


def seconds_together(
    photos: Stamps, poses: Stamps, *, unit: str | None, source: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the time stamps of photos and of poses in seconds, whatever the unit of each.

    Stamps are dates if one unit puts them between 1989 and 2103; then this is their unit. Other
    stamps, which start near zero, are seconds if they have decimals. Whole stamps are nano- or
    microseconds if their typical step is at least 2,000,000 or 2,000; two whole sides have the same
    unit. If both sides are whole with smaller steps, steps of 1 or 2 are frame numbers or seconds,
    which makes no difference for finding a photo's pose. Larger steps are milliseconds, which is
    logged, if they are at least 5 and those of the photos are at least half those of the poses. Any
    other whole side with small steps is refused, because frame numbers are not seconds.

    Args:
        photos: Stamps. N stamps of the photos.
        poses: Stamps. M stamps of the poses.
        unit: str or None. Unit of whole stamps that are not dates, one of `UNITS`. None: found as
            above.
        source: Path. The trajectory, for messages.

    Returns:
        (N,) and (M,) float64. Seconds.

    Raises:
        ValueError: If the unit of a side cannot be found.
    """
    sides = {"photos": photos, "poses": poses}
    units: dict[str, Any] = {name: _unit_of_dates(side) for name, side in sides.items()}
    counted = [name for name, side in sides.items() if not units[name] and side.whole]
    for name in sides.keys() - counted:
        units[name] = units[name] or "s"
    if counted:
        told = unit or _unit_of_counts({name: sides[name] for name in counted}, source)
        units |= dict.fromkeys(counted, told)
    elif unit is not None and unit not in units.values():
        raise ValueError(
            f"`unit` must fit the time stamps of {shown(source)}, which count {units['poses']} by "
            f"their size, and the photos {units['photos']}. Received: unit={unit}"
        )
    return photos.values / UNITS[units["photos"]], poses.values / UNITS[units["poses"]]


def unit_option(options: dict[str, str]) -> str | None:
    """Returns the unit that the option `unit` of a path names, or None without one.

    Raises:
        ValueError: If the unit is unknown.
    """
    unit = options.get("unit")
    if unit is not None and unit not in UNITS:
        raise ValueError(f"`unit` must be one of {', '.join(UNITS)}. Received: unit={shown(unit)}")
    return unit


def photos_by_stamp(root: Path, *, skip_unreadable: bool) -> tuple[NDArray[np.str_], Stamps]:
    """Lists the photos of a folder whose names are time stamps, such as `1305031102.175304.png`.

    Depth images, masks and labels are left out, see `without_depth_images`.

    Args:
        root: Path. The folder.
        skip_unreadable: bool. Leave out photos with other names, and log how many they are.

    Returns:
        names, (N,) str, and their stamps, in the order of time.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If there are no photos, or names are not time stamps.
    """
    names = np.array(without_depth_images(root, list_photos(root)))
    texts = np.array([posixpath.splitext(posixpath.basename(name))[0] for name in names])
    values = stamps_of(texts).values
    stamped = np.isfinite(values)
    go_on_without(
        names[~stamped],
        len(names),
        problem=f"No time stamps as names of {{}} in {root}",
        way_out="Name each by its seconds or nanoseconds, such as 1305031102.175304.png",
        skip_unreadable=skip_unreadable,
    )
    rows = np.flatnonzero(stamped)
    rows = rows[np.argsort(values[rows], kind="stable")]
    return names[rows], stamps_of(texts[rows])


def read_frame_list(list_path: Path) -> tuple[NDArray[np.str_], Stamps]:
    """Reads a list of photos with a time stamp and a file name in each line.

    Args:
        list_path: Path. A text file; spaces, a comma or a semicolon separate the two. A first line
            with column names is skipped.

    Returns:
        names, (N,) str, and their stamps, in the list's order.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If a line has another form, a file is named twice, or a name leads out of the
            folder.
    """
    names: dict[str, int] = {}
    texts = []
    for number, line in text_lines(list_path):
        stamp, *rest = re.split(r"\s*[,;]\s*|\s+", line, maxsplit=1)
        if not names and _HEADER.fullmatch(stamp):
            continue
        commas = has_decimal_commas(line)
        if not rest or not rest[0].strip() or not np.isfinite(_number(stamp)) or commas:
            raise ValueError(
                f"Line {number} of {shown(list_path)} must be a time stamp and a file. Received: "
                f"{'decimal commas, ' if commas else ''}{shown(line, longest=80)!r}"
            )
        name = tidy_name(rest[0].strip("\"'"), list_path)
        if name in names:
            raise ValueError(
                f"{shown(list_path)} must name each photo once. Received: {shown(name)} in lines "
                f"{names[name]} and {number}"
            )
        names[name] = number
        texts.append(stamp)
    if not names:
        raise ValueError(f"{shown(list_path)} must name photos. Received: no line")
    return np.array(list(names)), stamps_of(texts)


def _unit_of_dates(stamps: Stamps) -> str | None:
    """Returns the only unit that puts stamps between 1989 and 2103, or None."""
    known = np.unique(np.abs(stamps.values[np.isfinite(stamps.values)]))
    if not len(known):
        return None
    middle, step = float(np.median(known)), _typical_step(stamps)
    for unit, per_second in UNITS.items():
        is_date = _DATES_S[0] <= middle / per_second < _DATES_S[1]
        if is_date and (len(known) == 1 or _STEPS_S[0] <= step / per_second < _STEPS_S[1]):
            return unit
    return None


def _unit_of_counts(sides: dict[str, Stamps], source: Path) -> str:
    """Returns the unit of one or two whole sides."""
    steps = {name: _typical_step(side) for name, side in sides.items()}
    smallest, largest = min(steps.values()), max(steps.values())
    name = min(steps, key=steps.__getitem__)
    unit = _unit_of_step(largest)
    if unit is not None and smallest < max(_SMALLEST_BESIDE, largest / _MOST_TIMES):
        raise ValueError(_not_times(name, sides[name], source))
    if unit is not None:
        return unit
    if len(sides) == 2 and largest <= _LARGEST_COUNTING_STEP:
        return "s"
    if len(sides) == 1 or smallest < _SMALLEST_MS or steps["photos"] < steps["poses"] / 2:
        raise ValueError(_not_times(name, sides[name], source))
    _log.warning(
        "Times of %s are whole numbers, %g apart and not dates: read as milliseconds. If they "
        "count something else, say so: PATH,unit=s",
        shown(source),
        largest,
    )
    return "ms"


def _unit_of_step(step: float) -> str | None:
    return next((unit for least, unit in _STEPS if step >= least), None)


def _not_times(name: str, side: Stamps, source: Path) -> str:
    first = f"{side.values[np.isfinite(side.values)][0]:.0f}" if len(side.values) else "none"
    way_out = "Or say what they count: PATH,unit=ms (or s, us, ns)"
    if name == "poses":
        return (
            f"Times of {shown(source)} must be seconds, or whole milli-, micro- or nanoseconds as "
            f"the photos have them. Received: {first}, which may be a frame number. {way_out}"
        )
    return (
        f"Photos must have times to get a pose of {shown(source)}; a frame number is not a time. "
        f"Received: {first}. Write seconds instead, for tum: in rgb.txt, `seconds file` a line. "
        f"{way_out}"
    )


def _typical_step(stamps: Stamps) -> float:
    """Returns the median step between neighboring stamps; for a single stamp, its step from 0."""
    known = np.unique(np.abs(stamps.values[np.isfinite(stamps.values)]))
    return float(np.median(np.diff(known) if len(known) > 1 else known)) if len(known) else 0.0


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return np.nan
    return number if np.isfinite(number) and "_" not in text else np.nan
