"""Frames of videos, read by their number, without a video being unpacked."""

import logging
import re
import threading
import time
import zlib
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from placevec.images.metadata.header import MAX_PIXELS
from placevec.images.silent_opencv import listening, silent_opencv
from placevec.images.videos.frame_table import FrameTable
from placevec.images.videos.video_files import VIDEO_SUFFIXES, begins_like_a_video
from placevec.input_file import shown

_log = logging.getLogger(__name__)

_FRAME = re.compile(r"(.+)#(\d{1,9})", re.DOTALL)
_MOST_OPEN = 4  # videos of each thread
_FARTHEST_WALK = (
    32  # frames that are passed over rather than sought, see benchmarks/video_frames.py
)
_STEPS_BACK = (0, 64)  # frames before the wanted one at which a seek is tried
_ROWS_APART = 8  # every so many rows of a frame are in its checksum: two of each block of a codec
_NOWHERE = 1 << 62  # the next frame of a video whose place is lost


def frame_name(video: str, frame: int) -> str:
    """Returns the name of a frame, which can be used wherever a photo's name can.

    Args:
        video: str. File name of the video.
        frame: int. Number of the frame, from 0.

    Example:

    >>> frame_name("walks/monday.mp4", 120)
    'walks/monday.mp4#000120'
    """
    return f"{video}#{frame:06d}"


def parse_frame_name(name: str) -> tuple[str, int] | None:
    """Returns the video and the number that the name of a frame gives, None for other names.

    Args:
        name: str. Name or path, such as `frame_name` writes.

    Example:

    >>> parse_frame_name("walks/monday.mp4#000120")
    ('walks/monday.mp4', 120)
    """
    match = _FRAME.fullmatch(name)
    if not match or not match.group(1).lower().endswith(VIDEO_SUFFIXES):
        return None
    return match.group(1), int(match.group(2))


def find_frame(path: Path | str) -> tuple[str, int] | None:
    """Returns the video and the number of a frame; None for others, and if a file has that name.

    Args:
        path: Path. Path of a photo or a frame.
    """
    frame = parse_frame_name(str(path))
    return None if frame is None or Path(path).exists() else frame


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


def frame_times_s(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
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
    video = _open_video(Path(path), max_pixels)
    if not 0 <= frame < video.most_frames:
        raise _no_frame(path, frame, video)
    return video.rows, video.cols


def read_frame(path: Path | str, frame: int, *, max_pixels: int) -> np.ndarray:
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
    video = _open_video(Path(path), max_pixels)
    pixels = video.read(frame)
    if pixels is None:
        raise _no_frame(path, frame, video)
    return pixels


class _Video:
    """An open video and the frame that is decoded next."""

    def __init__(self, path: Path, table: FrameTable):
        if not begins_like_a_video(path):
            raise _not_a_video(path)
        self.table = table
        self._path = path
        self._restart()
        self.frames_per_s = self._capture.get(cv2.CAP_PROP_FPS)
        self.announced = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.rows = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.cols = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))

    @property
    def most_frames(self) -> int:
        """How many frames there are, or may be as long as not all were decoded."""
        if self.table.is_complete:
            return len(self.table)
        return self.announced if self.announced > 0 else _NOWHERE  # a raw stream announces none

    def read(self, frame: int) -> np.ndarray | None:
        """Returns the pixels of a frame, None if the video has no such frame."""
        if self.table.is_complete and frame >= len(self.table):
            return None
        with silent_opencv():
            if not self._next - 1 <= frame <= self._next + _FARTHEST_WALK:
                known = min(frame, len(self.table) - 1)
                if not self._return_to(known):
                    self._restart()
            return self._walk(frame)

    def read_to_the_end(self) -> None:
        with silent_opencv():
            if self._next:
                self._restart()
            self._walk(_NOWHERE - 1)

    def _restart(self) -> None:
        self._capture = _capture(self._path)
        self._next = 0

    def _return_to(self, frame: int) -> bool:
        """Seeks a frame that is noted, and returns whether it was found and is as noted."""
        if frame < 0 or self.announced <= 0:
            return False
        for back in _STEPS_BACK:
            landed = self._land(max(frame - back, 0))
            if landed is None or landed > frame:
                break
            pixels = self._walk(frame)
            if pixels is None:
                break
            is_same = _checksum(pixels) == self.table.checksums[frame]
            if is_same and self._time_ms() == self.table.times_ms[frame]:
                return True
        return False

    def _land(self, frame: int) -> int | None:
        """Seeks a noted frame and returns the one that was decoded then, None if that is unknown.

        OpenCV counts frames as if all were equally long, so the number that it is given is the
        time of the frame in frames of the mean length.
        """
        time_ms = self.table.times_ms[min(frame, self.table.num_rising - 1)]
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, round(time_ms * self.frames_per_s / 1000.0))
        landed = self.table.frame_at(self._time_ms()) if self._capture.grab() else None
        self._next = _NOWHERE if landed is None else landed + 1
        return landed

    def _walk(self, frame: int) -> np.ndarray | None:
        """Decodes all frames up to one, notes those that are new, and returns that one."""
        pixels = None
        while self._next <= frame:
            is_new = self._next == len(self.table)
            is_there = self._capture.grab()
            pixels = self._retrieve() if is_there and is_new else None
            if not is_there or (is_new and pixels is None):
                self.table.end(self._next)
                self._next = _NOWHERE
                return None
            if is_new:
                self._note(pixels)
            self._next += 1
        return self._retrieve() if pixels is None else pixels

    def _note(self, pixels: np.ndarray) -> None:
        """Notes the frame that was just decoded.

        When OpenCV 5 cannot convert a frame to colors, as those of interlaced videos, it hands
        over its memory as it is, which holds the frame before or nothing, and only FFmpeg's log
        says so.
        """
        checksum = _checksum(pixels)
        if not self._next or checksum == self.table.checksums[self._next - 1]:
            with listening() as lines:
                self._retrieve()
            if any("Cannot convert interlaced" in line for line in lines):
                raise ValueError(
                    f"{shown(self._path)} must not be interlaced, since OpenCV cannot convert its "
                    "frames. Convert it first, such as with `ffmpeg -i OLD -vf bwdif NEW.mp4`"
                )
        self.table.add(self._next, self._time_ms(), checksum)

    def _retrieve(self) -> np.ndarray | None:
        return self._capture.retrieve()[1]

    def _time_ms(self) -> float:
        return self._capture.get(cv2.CAP_PROP_POS_MSEC)


def _capture(path: Path) -> cv2.VideoCapture:
    # One thread each: the readers of photos are many threads themselves.
    options = [cv2.CAP_PROP_N_THREADS, 1]
    with silent_opencv():
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, options)
    if not capture.isOpened():
        raise _not_a_video(path)
    return capture


def _checksum(pixels: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels[::_ROWS_APART]))


def _decode_all(path: Path | str, max_pixels: int) -> _Video:
    """Returns a video all of whose frames are noted."""
    video = _open_video(Path(path), max_pixels)
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


def _lost_end(path: Path | str, video: _Video) -> str:
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


_open = threading.local()
_tables: dict[str, FrameTable] = {}
_tables_lock = threading.Lock()


def _open_video(path: Path, max_pixels: int) -> _Video:
    """Returns a video that this thread has open or opens, and closes the one it needed least."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"There is no video {shown(path)}. Check the folder and the name's upper and lower case"
        ) from None
    name, key = str(path.absolute()), (status.st_ino, status.st_size, status.st_mtime_ns)
    videos: OrderedDict = _open.__dict__.setdefault("videos", OrderedDict())
    if (name, key) not in videos:
        video = _Video(path, _table_of(name, key))
        while len(videos) >= _MOST_OPEN:
            videos.popitem(last=False)
        videos[name, key] = video
    videos.move_to_end((name, key))
    video = videos[name, key]
    if video.rows * video.cols > max_pixels:
        raise ValueError(
            f"{shown(path)} declares {video.rows} x {video.cols} pixels, more than {max_pixels}. "
            "Shrink the video, or pass a larger `max_pixels` if you trust it"
        )
    return video


def _table_of(name: str, key: tuple[int, ...]) -> FrameTable:
    with _tables_lock:
        if name not in _tables or _tables[name].key != key:
            _tables[name] = FrameTable(key)
        return _tables[name]


def _not_a_video(path: Path) -> ValueError:
    return ValueError(f"{shown(path)} is not a whole video. Fetch or export it again")


def _no_frame(path: Path | str, frame: int, video: _Video) -> ValueError:
    if video.table.is_complete:
        held = f"it holds {len(video.table)} frames"
    else:
        held = f"it announces {video.announced} frames"
    return ValueError(
        f"Frame {frame} of {shown(path)} cannot be read; {held}. Name one of them, or fetch the "
        "video again"
    )
