"""Keeps videos open, each with the position of the next frame."""

import threading
import zlib
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images.silent_opencv import listening, silent_opencv
from placevec.images.videos.frame_table import FrameTable
from placevec.images.videos.video_files import begins_like_a_video
from placevec.input_file import shown

_MOST_OPEN = 4  # open videos per thread
# Up to this distance, decoding frames is faster than seeking, see benchmarks/video_frames.py.
_FARTHEST_WALK = 32
_STEPS_BACK = (0, 64)  # A seek is tried this many frames before the wanted frame.
_ROWS_APART = 8  # Every eighth row enters the checksum: two rows of each block of a codec.
_NOWHERE = 1 << 62  # Next frame of a video whose position is unknown.

_open = threading.local()
_tables: dict[str, FrameTable] = {}
_tables_lock = threading.Lock()


class Video:
    """An open video, and the number of the frame that is decoded next.

    Args:
        path: Path. The video.
        table: FrameTable. What is known of its frames; it grows as frames are decoded.

    Raises:
        ValueError: If it is not a complete video.
    """

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
        """Number of frames. Until all are decoded, the number that the video announces."""
        if self.table.is_complete:
            return len(self.table)
        return self.announced if self.announced > 0 else _NOWHERE  # Raw streams announce none.

    def read(self, frame: int) -> NDArray[np.uint8] | None:
        """Returns the pixels of a frame, or None if the video has no such frame."""
        if self.table.is_complete and frame >= len(self.table):
            return None
        with silent_opencv():
            if not self._next - 1 <= frame <= self._next + _FARTHEST_WALK:
                known = min(frame, len(self.table) - 1)
                if not self._return_to(known):
                    self._restart()
            return self._walk(frame)

    def read_to_the_end(self) -> None:
        """Decodes all frames in order, and records each."""
        with silent_opencv():
            if self._next:
                self._restart()
            self._walk(_NOWHERE - 1)

    def _restart(self) -> None:
        self._capture = _capture(self._path)
        self._next = 0

    def _return_to(self, frame: int) -> bool:
        """Seeks a recorded frame, and returns whether it was found and matches its record."""
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
        """Seeks a recorded frame, and returns the frame it landed on; None if that is unknown.

        OpenCV counts frames as if all had the same length. So it is given the time of the frame,
        divided by the mean length of a frame.
        """
        time_ms = self.table.times_ms[min(frame, self.table.num_rising - 1)]
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, round(time_ms * self.frames_per_s / 1000.0))
        landed = self.table.frame_at(self._time_ms()) if self._capture.grab() else None
        self._next = _NOWHERE if landed is None else landed + 1
        return landed

    def _walk(self, frame: int) -> NDArray[np.uint8] | None:
        """Decodes all frames up to one, records those that are new, and returns that one."""
        pixels = None
        while self._next <= frame:
            is_new = self._next == len(self.table)
            is_there = self._capture.grab()
            pixels = self._retrieve() if is_there and is_new else None
            if not is_there or (is_new and pixels is None):
                self.table.end(self._next)
                self._next = _NOWHERE
                return None
            if pixels is not None:
                self._note(pixels)
            self._next += 1
        return self._retrieve() if pixels is None else pixels

    def _note(self, pixels: NDArray[np.uint8]) -> None:
        """Records the frame that was just decoded.

        If OpenCV 5 cannot convert a frame to colors, such as a frame of an interlaced video, it
        returns its memory as it is. That holds the frame before or nothing, and only FFmpeg's log
        says so.
        """
        checksum = _checksum(pixels)
        if not self._next or checksum == self.table.checksums[self._next - 1]:
            with listening() as lines:
                self._retrieve()
            if any("Cannot convert interlaced" in line for line in lines):
                raise ValueError(
                    f"{shown(self._path)} must not be interlaced, because OpenCV cannot convert "
                    "its frames. Convert it first, such as with `ffmpeg -i OLD -vf bwdif NEW.mp4`"
                )
        self.table.add(self._next, self._time_ms(), checksum)

    def _retrieve(self) -> NDArray[np.uint8] | None:
        pixels = self._capture.retrieve()[1]
        return None if pixels is None else np.asarray(pixels, np.uint8)

    def _time_ms(self) -> float:
        return self._capture.get(cv2.CAP_PROP_POS_MSEC)


def open_video(path: Path, max_pixels: int) -> Video:
    """Returns an open video of this thread; it may close the one that was used least recently.

    Args:
        path: Path. The video.
        max_pixels: int. Largest `rows * cols` that the video may declare.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a video, or declares too many pixels.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"There is no video {shown(path)}. Check the folder and the name's upper and lower case"
        ) from None
    name, key = str(path.absolute()), (status.st_ino, status.st_size, status.st_mtime_ns)
    videos: OrderedDict = _open.__dict__.setdefault("videos", OrderedDict())
    if (name, key) not in videos:
        video = Video(path, _table_of(name, key))
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


def _capture(path: Path) -> cv2.VideoCapture:
    # One thread per video, because photos are already read by many threads.
    options = [cv2.CAP_PROP_N_THREADS, 1]
    with silent_opencv():
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, options)
    if not capture.isOpened():
        raise _not_a_video(path)
    return capture


def _checksum(pixels: NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels[::_ROWS_APART]).data)


def _table_of(name: str, key: tuple[int, ...]) -> FrameTable:
    with _tables_lock:
        if name not in _tables or _tables[name].key != key:
            _tables[name] = FrameTable(key)
        return _tables[name]


def _not_a_video(path: Path) -> ValueError:
    return ValueError(f"{shown(path)} is not a complete video. Fetch or export it again")
