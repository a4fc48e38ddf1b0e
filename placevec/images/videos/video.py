"""Frames of videos, read by their number, without a video being unpacked."""

import logging
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.images.metadata.header import MAX_PIXELS
from placevec.images.videos.open_video import Video, open_video
from placevec.input_file import shown

_log = logging.getLogger(__name__)


def count_frames(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> int:
    """Counts the frames of a video that can be decoded.

    Decodes the whole video the first time. If it announces more frames than that, as a video does
    that was cut off, a warning is logged.

    Args:
        path: Path. The video.
        max_pixels: int. Largest `rows * cols` that the video may declare.

    Returns:
        int, at least 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a video, declares too many pixels or holds no frame.
    """
    return len(_decode_all(path, max_pixels).table)


def lost_end(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> str:
    """Says how many of the frames that a video announces can be decoded; `""` if all can.

    Args:
        path: Path. The video.
        max_pixels: int. See `count_frames`.

    Raises:
        FileNotFoundError: See `count_frames`.
        ValueError: See `count_frames`.
    """
    return _lost_end(path, _decode_all(path, max_pixels))


def frame_times_s(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.float64]:
    """Returns when the frames of a video are shown.

    Args:
        path: Path. The video.
        max_pixels: int. See `count_frames`.

    Returns:
        (F,) float64, rising. Seconds since the first frame: the video's own time stamps, or, if
        they do not rise, the number of the frame divided by the frame rate.

    Raises:
        FileNotFoundError: See `count_frames`.
        ValueError: See `count_frames`, or if there is neither a time stamp nor a frame rate.
    """
    video = _decode_all(path, max_pixels)
    count = len(video.table)
    if video.table.num_rising == count:
        times_s = np.array(video.table.times_ms) / 1000.0
        return times_s - times_s[0]
    if not video.frames_per_s > 0:
        raise ValueError(
            f"{shown(path)} must have time stamps or a frame rate. Received: neither. Export it "
            "again"
        )
    return np.arange(count) / video.frames_per_s


def frame_size(path: Path | str, frame: int, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Returns the rows and columns that a video declares for a frame, which is not decoded.

    Args:
        path: Path. The video.
        frame: int. Number of the frame, from 0.
        max_pixels: int. Largest `rows * cols` that the video may declare.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a video, declares too many pixels or announces no such frame.
    """
    video = open_video(Path(path), max_pixels)
    if not 0 <= frame < video.most_frames:
        raise _no_frame(path, frame, video)
    return video.rows, video.cols


def read_frame(path: Path | str, frame: int, *, max_pixels: int) -> NDArray[np.uint8]:
    """Reads one frame of a video, upright.

    Frame n is the n-th frame that can be decoded, in whatever order frames are read and however
    they are spaced in time. Each thread keeps the last few videos open and goes on from the frame
    that it last read if the wanted one is a little ahead, which is faster than seeking. What a
    video was decoded to in order is noted (time stamps and checksums), and a frame that is sought
    is compared with it. If it differs, or if the video has no time stamps to seek by, the video is
    decoded from its beginning.

    Args:
        path: Path. The video.
        frame: int. Number of the frame, from 0.
        max_pixels: int. Largest `rows * cols` that the video may declare.

    Returns:
        `(H, W, 3)` uint8, BGR.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a video, declares too many pixels or has no such frame.
    """
    video = open_video(Path(path), max_pixels)
    pixels = video.read(frame)
    if pixels is None:
        raise _no_frame(path, frame, video)
    return pixels


def _decode_all(path: Path | str, max_pixels: int) -> Video:
    """Returns a video all of whose frames are noted."""
    video = open_video(Path(path), max_pixels)
    if not video.table.is_complete:
        start = time.perf_counter()
        video.read_to_the_end()
        seconds = time.perf_counter() - start
        _log.info("Counted %d frames of %s in %.1f s", len(video.table), shown(path), seconds)
        if lost := _lost_end(path, video):
            _log.warning(lost)
    if not len(video.table):
        raise ValueError(
            f"{shown(path)} must hold at least one frame that can be decoded. Received: none. "
            "Fetch or export it again"
        )
    return video


def _lost_end(path: Path | str, video: Video) -> str:
    count, rate = len(video.table), video.frames_per_s
    if video.announced <= count or not rate > 0:
        return ""
    held_s = count / rate
    if count and video.table.num_rising == count:
        held_s = (video.table.times_ms[-1] - video.table.times_ms[0]) / 1000.0 + 1 / rate
    if video.announced / rate - held_s <= 1.5 / rate:  # frames of other lengths announce too many
        return ""
    return (
        f"{shown(path)} announces {video.announced} frames, of which {count} can be decoded: the "
        "rest is left out. If the video was cut off, fetch it again"
    )


def _no_frame(path: Path | str, frame: int, video: Video) -> ValueError:
    if video.table.is_complete:
        held = f"it holds {len(video.table)} frames"
    else:
        held = f"it announces {video.announced} frames"
    return ValueError(
        f"Frame {frame} of {shown(path)} cannot be read; {held}. Name one of them, or fetch the "
        "video again"
    )
