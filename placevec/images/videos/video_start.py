"""Reads from the header when a video was recorded."""

import math
import os
import struct
from pathlib import Path
from typing import BinaryIO

from placevec.images.videos.video_files import ANY_SIZE
from placevec.input_file import open_input

_SECONDS_1904_TO_1970 = 2_082_844_800
_MOST_BOXES = 10_000
_EARLIEST_S = 0.0  # Cameras whose clock was never set write 1904 or 1970.


def creation_time_s(path: Path | str) -> float:
    """Returns the creation time of an MP4 or QuickTime file.

    The standard says UTC, but some cameras write local time. Phones write the time when the
    recording began or when it ended.

    Args:
        path: Path. The video.

    Returns:
        Seconds since 1970. NaN if the file does not say, as with other containers.

    Raises:
        ValueError: If it is not a regular file.
        OSError: If it cannot be opened.
    """
    with open_input(path, max_bytes=ANY_SIZE) as file:
        end = os.fstat(file.fileno()).st_size
        movie = _find_box(file, b"moov", 0, end)
        header = _find_box(file, b"mvhd", *movie) if movie else None
        if header is None:
            return math.nan
        file.seek(header[0])
        start = file.read(12)
    if len(start) < 12:
        return math.nan
    created = struct.unpack_from(">Q" if start[0] == 1 else ">I", start, 4)[0]
    time_s = float(created - _SECONDS_1904_TO_1970)
    return time_s if time_s > _EARLIEST_S else math.nan


def _find_box(file: BinaryIO, kind: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Returns where the content of the first box of a kind begins and ends."""
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(16)
        if start + 8 > end or len(head) < 8:
            return None
        size, name = struct.unpack_from(">I4s", head)
        begin = start + 8
        if size == 1 and len(head) == 16:
            size, begin = struct.unpack_from(">Q", head, 8)[0], start + 16
        stop = end if size == 0 else start + size
        if name == kind:
            return begin, min(stop, end)
        if stop <= start:
            return None
        start = stop
    return None
