"""Names of video frames. You can use them wherever you can name a photo."""

import re
from pathlib import Path

from placevec.images.videos.video_files import VIDEO_SUFFIXES

_FRAME = re.compile(r"(.+)#(\d{1,9})", re.DOTALL)


def frame_name(video: str, frame: int) -> str:
    """Returns the name of a frame. You can use it wherever you can name a photo.

    Args:
        video: str. File name of the video.
        frame: int. Number of the frame, from 0.

    Example:

    >>> frame_name("walks/monday.mp4", 120)
    'walks/monday.mp4#000120'
    """
    return f"{video}#{frame:06d}"


def parse_frame_name(name: str) -> tuple[str, int] | None:
    """Returns the video and frame number in the name of a frame, or None for other names.

    Args:
        name: str. Name or path, as `frame_name` writes it.

    Example:

    >>> parse_frame_name("walks/monday.mp4#000120")
    ('walks/monday.mp4', 120)
    """
    match = _FRAME.fullmatch(name)
    if not match or not match.group(1).lower().endswith(VIDEO_SUFFIXES):
        return None
    return match.group(1), int(match.group(2))


def find_frame(path: Path | str) -> tuple[str, int] | None:
    """Returns the video and number of a frame; None if it is not one, or if such a file exists.

    Args:
        path: Path. Path of a photo or a frame.
    """
    frame = parse_frame_name(str(path))
    return None if frame is None or Path(path).exists() else frame
