"""A folder of photos with their positions in their names, or in positions.csv beside them."""

import logging
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.places.frame import grid_of, is_zone_frame, parse_zone
from placevec.sources.files import readable
from placevec.sources.missing import go_on_without
from placevec.sources.tables.points import read_points
from placevec.sources.tables.rows.rows import PhotoRows, read_rows, whole_turn
from placevec.sources.values.cells import to_number
from placevec.sources.values.null_island import among_them, at_zero
from placevec.sources.values.roles import roles_of
from placevec.sources.values.times import parse_time
from placevec.sources.values.utm import refuse_hemisphere_letters
from placevec.sources.walk import list_photos, some_photos

_log = logging.getLogger(__name__)

POSITIONS_FILE = "positions.csv"

_Number = TypeVar("_Number", np.float64, np.int64)

_NUM_FIELDS = 14  # of a complete name
_TIME_FIELD = 12
_ZONE = re.compile(r"(\d+) ?([A-Z]?)")
_MEANS_ZONE = re.compile(
    r"(UTM|EPSG|ZONE)[ _:-]*\d+.*|[-+]?\d+(\.\d+)?@[A-Z]|[A-Z]@\d+|\d+@.*(NORTH|SOUTH).*"
)


@dataclass(frozen=True)
class PhotoName:
    """The content of a photo's name, `@east@north@zone@letter@lat@lon@...@.jpg`.

    Args:
        east_m: float. Metres east.
        north_m: float. Metres north.
        zone: str. UTM zone and latitude band, such as `"17T"`; empty if not given.
        heading_deg: float. Compass direction of the optical axis; NaN if not given.
        time_s: float. Seconds since 1970, UTC; NaN if not given.
    """

    east_m: float
    north_m: float
    zone: str = ""
    heading_deg: float = math.nan
    time_s: float = math.nan


def parse_photo_name(name: str) -> PhotoName | None:
    """Reads the position and more from the name of a photo.

    The fields are between `@`: east, north, UTM zone, latitude band, latitude, longitude,
    panorama, tile, heading, pitch, roll, height, time as YYYYMMDD_hhmmss, note. Only the first
    two are required; the others may be empty or missing. The zone may be in one field, `31U`, or
    in two, `31@U`; a number alone means the northern half. In a short name, any other text after
    north is a note.

    Args:
        name: str. File name; folders before it are ignored.

    Returns:
        PhotoName, or None if the name has no position.

    Raises:
        ValueError: If the name states a UTM zone that does not exist.

    Example:

    >>> parse_photo_name("database/@0585001.41@4477241.39@17@T@@@@@090@.jpg")
    PhotoName(east_m=585001.41, north_m=4477241.39, zone='17T', heading_deg=90.0, time_s=nan)
    """
    before, *fields = name.rpartition("/")[2].split("@")
    if before or len(fields) < 3:
        return None
    east_m, north_m = _number(fields[0]), _number(fields[1])
    if not math.isfinite(east_m + north_m):
        return None
    is_full = len(fields) > _NUM_FIELDS
    fields = fields[:-1] + [""] * _NUM_FIELDS  # the last one is the suffix
    zone = _zone(fields[2].strip().upper(), fields[3].strip().upper(), is_full)
    if zone is None:
        raise ValueError(
            "A UTM zone in a photo's name must be 1 to 60 and a letter from C to X, such as "
            f"`@31@U@`. Received: {shown(name)!r}. Rename the photo, or leave both fields empty if "
            "its metres are local"
        )
    return PhotoName(
        east_m,
        north_m,
        zone=zone,
        heading_deg=_number(fields[8]),
        time_s=parse_time(fields[_TIME_FIELD]),
    )


def photo_name(photo: PhotoName, *, note: str = "", suffix: str = ".jpg") -> str:
    """Returns the name of a photo that `parse_photo_name` reads back, to the centimetre.

    Args:
        photo: PhotoName.
        note: str. Last field: any text without `@` and `/`, to make names unique.
        suffix: str. Defaults to `".jpg"`.

    Returns:
        str. The file name.

    Raises:
        ValueError: If the note contains `@` or `/`, or the zone does not exist.

    Example:

    >>> photo_name(PhotoName(12.5, -3.0, heading_deg=90.0), note="7")
    '@0000012.50@-000003.00@@@@@@@090.0@@@@@7@.jpg'
    """
    if "@" in note or "/" in note:
        raise ValueError(f"`note` must contain neither `@` nor `/`. Received: note={note!r}")
    zone = parse_zone(photo.zone)
    if photo.zone and zone is None:
        raise ValueError(f"A UTM zone is 1 to 60 and a letter. Received: zone={photo.zone!r}")
    heading = "" if math.isnan(photo.heading_deg) else f"{photo.heading_deg:05.1f}"
    time = ""
    if not math.isnan(photo.time_s):
        time = f"{datetime.fromtimestamp(photo.time_s, UTC):%Y%m%d_%H%M%S}"
    fields = [f"{photo.east_m:010.2f}", f"{photo.north_m:010.2f}", *map(str, zone or ("", ""))]
    fields += ["", "", "", "", heading, "", "", "", time, note]
    return f"@{'@'.join(fields)}@{suffix}"


def read_folder(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads a folder of photos and its subfolders.

    A photo's position is in its name, `@east@north@...@.jpg` (see `parse_photo_name`), or in
    `positions.csv` in the folder, a table as for `read_table`. The table has priority over the
    name. Photos below a folder `query` or `queries` are queries, those below `database` are the
    database, and all others are both, unless positions.csv gives a `role`. The points that photos
    see come from `points.npz` in the folder (see `write_points`).

    Args:
        path: Path. The folder.
        skip_unreadable: bool. Leave out empty photos and those without a position, and log how
            many they are. Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name; its root is the folder.

    Raises:
        FileNotFoundError: If the folder does not exist, or photos are missing or empty.
        ValueError: If there are no photos, positions are missing or in more than one UTM zone, or
            positions.csv cannot be read.
    """
    root = Path(path).expanduser()
    table_path = root / POSITIONS_FILE
    if os.path.lexists(table_path) and not table_path.is_file():
        raise FileNotFoundError(
            f"{shown(table_path)} must be a regular file. Received: a broken link, a pipe, "
            "a device or a folder. Remove it, or put the table there"
        )
    rows = read_rows(table_path) if table_path.is_file() else None
    named = [] if rows is None else rows.names.tolist()
    names = np.unique([*list_photos(root, named=named), *named])
    kept = readable(root, names, source=root, skip_unreadable=skip_unreadable)
    photos = [parse_photo_name(str(name)) or _UNKNOWN for name in names]
    frame = _frame(root, names, photos)
    _warn_of_times(root, names, photos)
    positions_m = np.array([(photo.east_m, photo.north_m) for photo in photos])
    headings_deg = np.array([photo.heading_deg for photo in photos])
    times_s = np.array([photo.time_s for photo in photos])
    roles = np.full(len(names), "", dtype="U8")
    place_ids = sequence_ids = altitudes_m = fields_of_view_deg = None
    if rows is not None:
        at = np.searchsorted(names, rows.names)
        frame = _take_positions(rows, at, positions_m, frame)
        _take(rows.headings_deg, at, headings_deg)
        _take(rows.times_s, at, times_s)
        roles[at] = rows.roles
        place_ids = _spread(rows.place_ids, at, len(names), -1)
        sequence_ids = _spread(rows.sequence_ids, at, len(names), -1)
        altitudes_m = _spread(rows.altitudes_m, at, len(names), np.nan)
        fields_of_view_deg = _spread(rows.fields_of_view_deg, at, len(names), np.nan)
    is_zero = at_zero(positions_m, on_earth=is_zone_frame(frame))
    positions_m[is_zero] = np.nan
    num_at_zero = int(is_zero.sum()) + (0 if rows is None else rows.num_at_zero)
    given = ~np.isnan(positions_m).any(axis=1)
    if not given.any() and place_ids is not None:
        positions_m, given = None, place_ids != -1
    go_on_without(
        names[~given],
        len(names),
        problem=f"No positions for {{}} in {root}{among_them(num_at_zero)}",
        way_out=f"Put `east,north` in {POSITIONS_FILE} or `@east@north@` in the file name; "
        "positions that a phone wrote are read with exif:",
        skip_unreadable=skip_unreadable,
    )
    if not (kept & given).any():
        raise ValueError(
            f"None of the {counted(len(names), 'photo')} in {root} has content and a position"
        )
    return PlaceDataset(
        root,
        names,
        points_seen=read_points(root, names),
        positions_m=None if positions_m is None else np.nan_to_num(positions_m),
        headings_deg=whole_turn(headings_deg),
        times_s=None if np.isnan(times_s).all() else times_s,
        place_ids=place_ids,
        sequence_ids=sequence_ids,
        altitudes_m=altitudes_m,
        fields_of_view_deg=fields_of_view_deg,
        frame=frame,
        **roles_of(names, roles),
    ).take(np.flatnonzero(kept & given))


def recognize_folder(path: Path) -> str:
    """Names where a folder of photos has its positions, or returns `""`."""
    if path.is_dir() and (path / POSITIONS_FILE).is_file():
        return POSITIONS_FILE
    return "photos named @east@north@...@" if names_positions(some_photos(path)) else ""


def names_positions(names: Iterable[str]) -> bool:
    """Returns whether any photo has a position in its name, even a damaged one."""
    try:
        return any(map(parse_photo_name, names))
    except ValueError:
        return True


_UNKNOWN = PhotoName(math.nan, math.nan)


def _zone(number: str, letter: str, is_full: bool) -> str | None:
    """Returns the UTM zone in two fields, "" if they are empty, None if the zone does not exist."""
    match = _ZONE.fullmatch(number)
    has_letter = len(letter) == 1 and letter.isalpha()
    if match is None or (letter and not has_letter and not match.group(2)):
        if _MEANS_ZONE.fullmatch(f"{number}@{letter}".removesuffix("@")):
            return None
        is_note = not is_full and not (has_letter and not number)
        return "" if is_note or not (number or letter) else None
    bands = {match.group(2), letter if has_letter else ""} - {""}
    zone = parse_zone(f"{match.group(1)}{''.join(bands)}")
    if zone is None:
        return None if bands or is_full else ""
    return f"{zone[0]}{zone[1]}"


def _number(field: str) -> float:
    try:
        return to_number(field)
    except ValueError:
        return math.nan


def _frame(root: Path, names: NDArray[np.str_], photos: list[PhotoName]) -> str:
    """Returns the frame of the names' positions; all bands of one hemisphere share one grid."""
    first: dict[str, int] = {}
    for i, photo in enumerate(photos):
        if photo is not _UNKNOWN:
            first.setdefault(grid_of(f"UTM {photo.zone}") if photo.zone else "", i)
    if len(first) > 1:
        one, other = list(first.values())[:2]
        raise ValueError(
            f"The photos in {root} must be in one UTM zone. Received: zone "
            f"{photos[one].zone or '(none)'} of {names[one]}, zone {photos[other].zone or '(none)'}"
            f" of {names[other]}. Open one folder for each zone"
        )
    zones = np.array([photo.zone for photo in photos])
    positions_m = np.array([(photo.east_m, photo.north_m) for photo in photos])
    refuse_hemisphere_letters(zones, positions_m, names, root)
    zone = photos[next(iter(first.values()))].zone if first else ""
    return f"UTM {zone}" if zone else "local"


def _warn_of_times(root: Path, names: NDArray[np.str_], photos: list[PhotoName]) -> None:
    """Logs how many names have a time that is not read."""
    texts = []
    for name, photo in zip(names.tolist(), photos, strict=True):
        fields = name.rpartition("/")[2].split("@")[1:-1]
        if photo is not _UNKNOWN and math.isnan(photo.time_s) and len(fields) > _TIME_FIELD:
            texts += [fields[_TIME_FIELD]] if fields[_TIME_FIELD].strip() else []
    if texts:
        _log.warning(
            "Times of %d of %s in %s are not read (first: %s). Write them as "
            "YYYYMMDD_hhmmss, or put `time` in %s",
            len(texts),
            counted(len(names), "photo"),
            root,
            shown(texts[0], longest=40),
            POSITIONS_FILE,
        )


def _take_positions(
    rows: PhotoRows, at: NDArray[np.int64], positions_m: NDArray[np.float64], frame: str
) -> str:
    """Replaces positions from names by those of positions.csv, and returns the frame."""
    if rows.positions is None:
        return frame
    zone = frame.removeprefix("UTM ") if frame.startswith("UTM ") else None
    table_positions_m, table_frame = rows.metres(zone)
    given = ~np.isnan(table_positions_m).any(axis=1)
    if not given.any():
        return frame
    positions_m[at[given]] = np.nan
    from_names = ~np.isnan(positions_m).any(axis=1)
    positions_m[at[given]] = table_positions_m[given]
    if not from_names.any():
        return table_frame
    if table_frame != "local" and grid_of(table_frame) != grid_of(frame):
        what = "`lat,lon`" if rows.in_degrees else f"metres of zone {table_frame[4:]}"
        theirs = f"metres of zone {zone}" if zone else "metres of no UTM zone"
        raise ValueError(
            f"{rows.source} gives {what}, the other photos' names {theirs}. Give `east,north` of "
            f"one zone in {POSITIONS_FILE}, or the zone in the names"
        )
    return frame


def _take(
    values: NDArray[np.float64] | None, at: NDArray[np.int64], into: NDArray[np.float64]
) -> None:
    if values is not None:
        known = ~np.isnan(values)
        into[at[known]] = values[known]


def _spread(
    values: NDArray[_Number] | None, at: NDArray[np.int64], count: int, unknown: float
) -> NDArray[_Number] | None:
    """Returns the values of a table's rows as values for all photos."""
    if values is None:
        return None
    spread = np.full(count, unknown, dtype=values.dtype)
    spread[at] = values
    return spread
