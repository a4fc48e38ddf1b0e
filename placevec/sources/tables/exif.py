"""Photos of phones and drones, which have their positions in their EXIF."""

import logging
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images.metadata.gps import GPS, read_gps
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import readable
from placevec.sources.missing import go_on_without
from placevec.sources.tables.rows.rows import whole_turn
from placevec.sources.values.null_island import among_them, at_zero
from placevec.sources.values.roles import roles_of
from placevec.sources.values.utm import metres_from_degrees
from placevec.sources.walk import list_photos, some_photos, walk_photos

_log = logging.getLogger(__name__)

NUM_LOOKED_AT = 20
"""Photos that are opened to recognize a folder."""

_LATITUDES = (-80.0, 84.0)  # where UTM is defined


def read_exif(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads a folder of photos and its subfolders; the EXIF says where the photos were taken.

    Latitudes and longitudes (WGS84) become metres of one UTM zone, that of their median. Altitudes
    are as the camera wrote them: metres above the sea or, in EXIF 3, possibly above the ellipsoid.
    Headings are directions of the optical axis, else those of a DJI gimbal. Headings from magnetic
    north are not corrected; a log line gives their number. Times are those of the satellites, else
    the camera's with its offset from UTC. A photo without an offset uses that of the other photos
    of its camera if they all have the same; otherwise its time is read as UTC. A log line counts
    both. The field of view follows from the 35 mm focal length. Only headers are read; no pixel is
    decoded.

    Photos below a folder `query` or `queries` are queries, those below `database` are the database,
    and all others are both.

    Args:
        path: Path. The folder.
        skip_unreadable: bool. Leave out empty photos and those without a position, and log how
            many they are. Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name; its root is the folder.

    Raises:
        FileNotFoundError: If the folder does not exist, or photos are empty.
        ValueError: If there are no photos, or a position is missing or out of UTM's range.
    """
    root = Path(path).expanduser()
    names = np.array(list_photos(root))
    kept = readable(root, names, source=root, skip_unreadable=skip_unreadable)
    photos = [
        read_gps(root / name) if there else GPS()
        for name, there in zip(names.tolist(), kept, strict=True)
    ]
    given = np.array([_has_position(photo) for photo in photos])
    num_at_zero = sum(_is_at_zero(photo) for photo in photos)
    go_on_without(
        names[~given],
        len(names),
        problem=f"No positions in the EXIF of {{}} in {root}{among_them(num_at_zero)}",
        way_out="Photos lose them when they are sent or edited: copy them from the camera, or "
        "give positions.csv (folder:)",
        skip_unreadable=skip_unreadable,
    )
    rows = np.flatnonzero(given)
    names, photos = names[rows], [photos[row] for row in rows]
    _warn(root, photos)
    positions_m, zone = metres_from_degrees(
        np.array([photo.lat_deg for photo in photos]), np.array([photo.lon_deg for photo in photos])
    )
    return PlaceDataset(
        root,
        names,
        positions_m=positions_m,
        headings_deg=whole_turn(np.array([photo.heading_deg for photo in photos])),
        times_s=_known(camera_times_s(root, photos)),
        altitudes_m=_known([photo.altitude_m for photo in photos]),
        fields_of_view_deg=_known([photo.field_of_view_deg for photo in photos]),
        frame=f"UTM {zone}",
        **roles_of(names),
    )


def recognize_exif(path: Path, *, whole: bool = False) -> str:
    """Says that photos at a path carry positions in their EXIF, or `""`.

    Args:
        path: Path.
        whole: bool. Look at all photos of a folder until one has a position, which takes 0.2 ms a
            photo. Defaults to `False`: at the first `NUM_LOOKED_AT`.
    """
    names = walk_photos(path) if whole and path.is_dir() else some_photos(path)[:NUM_LOOKED_AT]
    for name in names:
        try:
            if _has_position(read_gps(path / name)):
                return f"positions in the EXIF, such as that of {name}"
        except (OSError, ValueError):
            continue
    return ""


def _has_position(photo: GPS) -> bool:
    low, high = _LATITUDES
    return not _is_at_zero(photo) and low <= photo.lat_deg <= high and math.isfinite(photo.lon_deg)


def _is_at_zero(photo: GPS) -> bool:
    return bool(at_zero(np.array([[photo.lat_deg, photo.lon_deg]]), on_earth=True)[0])


def camera_times_s(root: Path, photos: list[GPS]) -> list[float]:
    """Returns the times of photos; a missing offset is that of the camera's other photos.

    Args:
        root: Path. The folder of the photos, for the log.
        photos: list of GPS.

    Returns:
        Seconds since 1970 of each; NaN if unknown. Times that are read as UTC are logged.
    """
    offsets: dict[str, set[float]] = {}
    for photo in photos:
        if not math.isnan(photo.offset_s):
            offsets.setdefault(photo.camera, set()).add(photo.offset_s)
    times_s, num_shared, num_mixed, num_local = [], 0, 0, 0
    for photo in photos:
        own = offsets.get(photo.camera, set()) if photo.without_offset else set()
        is_shared = len(own) == 1
        times_s.append(photo.time_s - (next(iter(own)) if is_shared else 0.0))
        num_shared += is_shared
        num_mixed += len(own) > 1
        num_local += photo.without_offset and not own
    for count, what in (
        (num_shared, "assumed to be that of the other photos of the same camera"),
        (num_mixed, "and other photos of the same camera have different ones: read as UTC"),
        (num_local, "read as UTC"),
    ):
        if count:
            _log.warning(
                "Times of %d of %s in %s have no offset from UTC: %s",
                count,
                counted(len(photos), "photo"),
                root,
                what,
            )
    return times_s


def _warn(root: Path, photos: list[GPS]) -> None:
    """Logs once for the whole folder what its values mean."""
    datums = {photo.datum for photo in photos} - {""}
    others = sorted(d for d in datums if re.sub(r"\W", "", d.upper()) not in ("WGS84", "WGS1984"))
    if others:
        _log.warning(
            "Photos in %s state the datum %s: read as WGS-84, which may be off by hundreds of "
            "metres",
            root,
            ", ".join(map(repr, others[:3])),
        )
    magnetic = sum(p.from_magnetic_north and not math.isnan(p.heading_deg) for p in photos)
    if magnetic:
        _log.warning(
            "Headings of %d of %s in %s are from magnetic north and not corrected: off by "
            "the declination there",
            magnetic,
            counted(len(photos), "photo"),
            root,
        )


def _known(values: list[float]) -> NDArray[np.float64] | None:
    return None if np.isnan(values).all() else np.array(values)
