"""Photos or videos with a GPS track that was recorded at the same time."""

import logging
import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images.metadata.gps import read_gps
from placevec.images.videos.frame_names import frame_name
from placevec.images.videos.video import frame_times_s
from placevec.images.videos.video_start import creation_time_s
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import readable
from placevec.sources.missing import go_on_without
from placevec.sources.path_options import number_option, seconds_option, split_options
from placevec.sources.tables.exif import camera_times_s
from placevec.sources.tables.rows.rows import whole_turn
from placevec.sources.tracks.fixes import Fixes, Placed, clock, fixes_of, log_gaps, place_at
from placevec.sources.tracks.gpx import read_gpx
from placevec.sources.tracks.nmea import read_nmea
from placevec.sources.tracks.track_table import read_track_table
from placevec.sources.tracks.video import countable_videos, is_video, list_videos, stride_of
from placevec.sources.values.roles import roles_of
from placevec.sources.values.times import parse_time
from placevec.sources.walk import list_photos, require_folder, some_photos

_log = logging.getLogger(__name__)

MAX_GAP_S = 10.0
"""Default of `max_gap_s`, the longest time between two fixes that is interpolated."""

_READERS = {
    ".gpx": read_gpx,
    ".nmea": read_nmea,
    ".nma": read_nmea,
    ".csv": read_track_table,
}
# Of tracks that are found automatically; a .csv may be any table.
_SUFFIXES = (".gpx", ".nmea", ".nma")
_OPTIONS = ("track", "offset_s", "max_gap_s", "start", "stride")
_NAMED_TIME = re.compile(r"(?<!\d)((?:19|20)\d{6})[_-]?(\d{6})(?!\d{4})")


class _Timed(NamedTuple):
    root: Path
    names: NDArray[np.str_]  # (N,) str
    times_s: NDArray[np.float64]  # (N,) float64, by the camera's clock; NaN if unknown
    fields: dict  # other fields of PlaceDataset, of length N


def read_track(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads photos or videos, and finds the position of each photo on a GPX or NMEA track by time.

    The position is on the straight line between the fixes before and after. The time of a photo
    comes from its EXIF, else from a date and time in its name such as `IMG_20240506_123015.jpg`.
    The time of a frame is the start of its video, from its header or `start=`, plus the time since
    its first frame. Headings and fields of view come from the EXIF, because a track does not say
    where a camera looks.

    Args:
        path: Path. A folder of photos, including subfolders, a video, or a folder of videos. You
            can append `,track=FILE`, the track (.gpx, .nmea or a .csv with the columns time, lat,
            lon; by default the only .gpx or .nmea file in the folder, or the one that is named like
            the video); `,offset_s=3600`, how far the camera's clock is ahead of UTC in seconds;
            `,max_gap_s=30`, the longest time between two fixes that is interpolated (by default
            10 s); and for videos `,start=2024-05-06T12:30:15Z`, the time of the first frame, and
            `,stride=10`, to read every tenth frame.
        skip_unreadable: bool. Leave out photos that are not on the track or have no time, and log
            how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, in the frame of a UTM zone, with times in UTC and the altitudes of the track.

    Raises:
        FileNotFoundError: If the photos or the track are missing.
        ValueError: If the track cannot be read, or photos have no time or no position on it.
    """
    top, options = split_options(path, _OPTIONS)
    offset_s = seconds_option(options, "offset_s")
    max_gap_s = number_option(options, "max_gap_s", MAX_GAP_S)
    track_path = _find_track(top, options.get("track"))
    if is_video(top) or (top.is_dir() and not some_photos(top)):
        timed = _frames(top, options, skip_unreadable)
    else:
        timed = _photos(top, options, skip_unreadable)
    fixes = fixes_of(_READERS[track_path.suffix.lower()](track_path), track_path)
    log_gaps(fixes, max_gap_s, track_path)
    times_s = timed.times_s - offset_s
    placed = place_at(fixes, times_s, max_gap_s)
    is_known = ~np.isnan(placed.positions_m).any(axis=1)
    go_on_without(
        timed.names[~is_known],
        len(timed.names),
        problem=f"Not on the track {shown(track_path)}: {{}} of {shown(top)}",
        detail=_detail(fixes, times_s, placed, max_gap_s),
        way_out="If the camera's clock is ahead of UTC, say by how much: PATH,offset_s=SECONDS; to "
        "bridge longer gaps: PATH,max_gap_s=SECONDS",
        skip_unreadable=skip_unreadable,
    )
    altitudes_m = placed.altitudes_m
    return PlaceDataset(
        timed.root,
        timed.names,
        positions_m=np.nan_to_num(placed.positions_m),
        times_s=times_s,
        altitudes_m=None if np.isnan(altitudes_m).all() else altitudes_m,
        frame=fixes.frame,
        **timed.fields,
    ).take(np.flatnonzero(is_known))


def recognize_track(path: Path) -> str:
    """Names the track beside the photos or the video at a path, or returns `""`."""
    if path.is_dir():
        tracks = _tracks_in(path)
        there = len(tracks) == 1 and (some_photos(path) or any(map(is_video, path.iterdir())))
        return f"{tracks[0].name} beside photos or videos" if there else ""
    beside = _tracks_beside(path) if is_video(path) else []
    return f"{beside[0].name} beside the video" if len(beside) == 1 else ""


def is_track(path: Path) -> bool:
    """Returns whether a path is a file with the name of a track."""
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def _find_track(top: Path, named: str | None) -> Path:
    if named is not None:
        folder = top if top.is_dir() else top.parent
        paths = [Path(named).expanduser(), folder / named]
        found = [p for p in paths if p.is_file()][:1]
        if not found:
            raise FileNotFoundError(f"There is no track {shown(named)}, here or in {shown(folder)}")
        if found[0].suffix.lower() not in _READERS:
            raise ValueError(
                f"A track must end in {', '.join(_READERS)}. Received: {shown(named)}. Export it "
                "as GPX"
            )
        return found[0]
    if not top.is_file():
        require_folder(top)
    found = _tracks_in(top) if top.is_dir() else _tracks_beside(top)
    if len(found) != 1:
        received = ", ".join(shown(p.name) for p in found[:5]) or "none"
        raise ValueError(
            f"There must be one track ({', '.join(_SUFFIXES)}) beside {shown(top)}. Received: "
            f"{received}. Name it: PATH,track=FILE"
        )
    return found[0]


def _tracks_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if is_track(p) and not p.name.startswith("."))


def _tracks_beside(video: Path) -> list[Path]:
    return [p for p in _tracks_in(video.parent) if p.stem.lower() == video.stem.lower()]


def _photos(top: Path, options: dict[str, str], skip_unreadable: bool) -> _Timed:
    """Returns the photos of a folder with the times from their EXIF or their names."""
    for name in ("start", "stride"):
        if name in options:
            raise ValueError(
                f"`{name}` is for videos, not for photos, which have times of their own. Received: "
                f"{name}={shown(options[name])}"
            )
    names = np.array(list_photos(top))
    kept = readable(top, names, source=top, skip_unreadable=skip_unreadable)
    names = names[kept]
    photos = [read_gps(top / name) for name in names.tolist()]
    times_s = np.array(camera_times_s(top, photos))
    unknown = np.flatnonzero(np.isnan(times_s))
    times_s[unknown] = [_time_in_name(name) for name in names[unknown].tolist()]
    from_names = np.count_nonzero(~np.isnan(times_s[unknown]))
    if from_names:
        _log.warning(
            "Times of %d of %s in %s are those of their names, read as UTC. If the clock "
            "was ahead, say by how much: PATH,offset_s=SECONDS",
            from_names,
            counted(len(names), "photo"),
            shown(top),
        )
    is_timed = ~np.isnan(times_s)
    go_on_without(
        names[~is_timed],
        len(names),
        problem=f"No times in the EXIF and names of {{}} in {shown(top)}",
        way_out="Copy them from the camera again, or name them like IMG_20240506_123015.jpg",
        skip_unreadable=skip_unreadable,
    )
    photos = [photo for photo, known in zip(photos, is_timed, strict=True) if known]
    names, times_s = names[is_timed], times_s[is_timed]
    angles_deg = np.array([photo.field_of_view_deg for photo in photos])
    fields = {
        "headings_deg": whole_turn(np.array([photo.heading_deg for photo in photos])),
        "fields_of_view_deg": None if np.isnan(angles_deg).all() else angles_deg,
        **roles_of(names),
    }
    return _Timed(top, names, times_s, fields)


def _frames(top: Path, options: dict[str, str], skip_unreadable: bool) -> _Timed:
    """Returns the frames of videos with their times."""
    stride = stride_of(options)
    if "start" in options and top.is_dir() and len(list_videos(top)) > 1:
        raise ValueError(
            f"`start` is the time of one video. Received: start={shown(options['start'])} for the "
            f"videos of {shown(top)}. Name one video"
        )
    videos, counts = countable_videos(top, skip_unreadable=skip_unreadable)
    names, times_s = [], []
    for video, count in zip(videos, counts, strict=True):
        frames = np.arange(0, count, stride)
        names.append([frame_name(video.name, frame) for frame in frames.tolist()])
        times_s.append(_start_s(video, options.get("start")) + frame_times_s(video)[frames])
    sequence_ids = np.repeat(np.arange(len(videos)), [len(each) for each in names])
    return _Timed(
        videos[0].parent,
        np.concatenate(names),
        np.concatenate(times_s),
        {"sequence_ids": sequence_ids},
    )


def _start_s(video: Path, told: str | None) -> float:
    if told is not None:
        start_s = parse_time(told)
        if math.isnan(start_s):
            raise ValueError(
                "`start` must be a date and a time, such as 2024-05-06T12:30:15Z. Received: "
                f"start={shown(told)}"
            )
        return start_s
    start_s = creation_time_s(video)
    if math.isnan(start_s):
        raise ValueError(
            f"The header of {shown(video)} does not say when it was recorded. Say when its first "
            "frame was: PATH,start=2024-05-06T12:30:15Z"
        )
    _log.info("%s begins at %s, as its header says", shown(video), clock(start_s))
    return start_s


def _time_in_name(name: str) -> float:
    found = _NAMED_TIME.search(name.rpartition("/")[2])
    return parse_time(f"{found[1]}_{found[2]}") if found else math.nan


def _detail(fixes: Fixes, times_s: NDArray[np.float64], placed: Placed, max_gap_s: float) -> str:
    parts = [
        f"{count} {where}"
        for count, where in (
            (placed.is_before.sum(), "before it begins"),
            (placed.is_after.sum(), "after it ends"),
            (placed.is_in_gap.sum(), f"in gaps of more than {max_gap_s:g} s"),
        )
        if count
    ]
    spans = [f"{clock(each.min())} to {clock(each.max())}" for each in (times_s, fixes.times_s)]
    return f"{', '.join(parts)}; the photos are from {spans[0]}, the track is from {spans[1]}"
