"""Reads frames of videos by their number, without unpacking the video."""

import logging
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images.metadata.header import MAX_PIXELS
from placevec.images.videos.open_video import Video, open_video
from placevec.input_file import shown

_log = logging.getLogger(__name__)


def count_frames(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> int:
    """Counts the frames of a video that can be decoded.

    The first call decodes the whole video. If the video announces more frames than can be decoded,
    as a video that was cut off does, a warning is logged.

    Args:
        path: Path. The video.
        max_pixels: int. Largest `rows * cols` that the video may declare.

    Returns:
        int, at least 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a video, declares too many pixels or contains no frame.
    """
    return len(_decode_all(path, max_pixels).table)


def lost_end(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> str:
    """Returns a sentence on how many announced frames can be decoded, or `""` if all can.

    Args:
        path: Path. The video.
        max_pixels: int. See `count_frames`.

    Raises:
        FileNotFoundError: See `count_frames`.
        ValueError: See `count_frames`.
    """
    return _lost_end(path, _decode_all(path, max_pixels))


def frame_times_s(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.float64]:
    """Returns the times at which the frames of a video are shown.

    Args:
        path: Path. The video.
        max_pixels: int. See `count_frames`.

    Returns:
        (F,) float64, rising. Seconds since the first frame. These are the video's own time stamps
        or, if they do not rise, the frame number divided by the frame rate.

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
    """Returns the rows and columns that a video declares for a frame, without decoding it.

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

    Frame n is the n-th frame that can be decoded, whatever the order in which frames are read and
    the times between them. Each thread keeps the last few videos open. If the wanted frame is a
    little ahead of the last one read, the thread decodes up to it, which is faster than seeking.
    Time stamps and checksums of frames that were decoded in order are recorded, and a frame that is
    sought is compared with them. If it differs, or if the video has no time stamps to seek by, the
    video is decoded from its beginning.

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
    """Returns a video after all of its frames are recorded."""
    video = open_video(Path(path), max_pixels)
    if not video.table.is_complete:
        start = time.perf_counter()
        video.read_to_the_end()
        seconds = time.perf_counter() - start
        _log.info(
            "Counted %s of %s in %.1f s", counted(len(video.table), "frame"), shown(path), seconds
        )
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
    if video.announced / rate - held_s <= 1.5 / rate:  # Uneven frame lengths inflate the number.
        return ""
    return (
        f"{shown(path)} announces {counted(video.announced, 'frame')}, but only {count} can be "
        "decoded. The rest is left out. If the video was cut off, fetch it again"
    )


def _no_frame(path: Path | str, frame: int, video: Video) -> ValueError:
    if video.table.is_complete:
        held = f"it holds {counted(len(video.table), 'frame')}"
    else:
        held = f"it announces {counted(video.announced, 'frame')}"
    return ValueError(
        f"Frame {frame} of {shown(path)} cannot be read; {held}. Choose another frame, or fetch "
        "the video again"
    )
