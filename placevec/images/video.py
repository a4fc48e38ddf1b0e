"""Frames of films, read by their number, without a film being unpacked."""

import os
import re
import threading
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from placevec.images.silent_opencv import silent_opencv

VIDEO_SUFFIXES = (".mp4", ".mkv")
"""File name endings, in lower case, of the films that `read_frame` reads."""

# FFmpeg prints lines of its own about bad films unless this is set before the first is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_FRAME = re.compile(r"(.+)#(\d{1,9})", re.DOTALL)
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
_MATROSKA = b"\x1a\x45\xdf\xa3"
_MOST_OPEN = 4  # films of each thread
_MOST_MISSING = 64  # frames at the end that a film may announce and not hold
_FARTHEST_WALK = (
    32  # frames that are passed over rather than sought, see benchmarks/video_frames.py
)


def frame_name(film: str, frame: int) -> str:
    """Returns the name of a frame, which stands wherever the name of a photo may stand.

    Args:
        film: str. File name of the film.
        frame: int. Number of the frame, from 0.

    Example:

    >>> frame_name("walks/monday.mp4", 120)
    'walks/monday.mp4#000120'
    """
    return f"{film}#{frame:06d}"


def parse_frame_name(name: str) -> tuple[str, int] | None:
    """Returns the film and the number that the name of a frame gives, None for other names.

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
    """Returns the film and the number of a frame; None for others, and where a file has that name.

    Args:
        path: Path. Path of a photo or a frame.
    """
    frame = parse_frame_name(str(path))
    return None if frame is None or Path(path).exists() else frame


def count_frames(path: Path | str) -> int:
    """Counts the frames of a film.

    Where a film announces more frames than it holds, as Matroska files may, the count is that of
    the frames that can be read.

    Args:
        path: Path. The film.

    Returns:
        int, at least 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no film, or broken.
    """
    film = _open_film(Path(path))
    for count in range(film.announced, max(film.announced - _MOST_MISSING, 0), -1):
        if film.read(count - 1) is not None:
            return count
    raise _no_film(Path(path))


def frame_size(path: Path | str, frame: int) -> tuple[int, int]:
    """Returns the rows and columns that a film declares for a frame, which is not decoded.

    Args:
        path: Path. The film.
        frame: int. Number of the frame, from 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no film or announces no such frame.
    """
    film = _open_film(Path(path))
    if not 0 <= frame < film.announced:
        raise _no_frame(path, frame, film.announced)
    return film.rows, film.cols


def read_frame(path: Path | str, frame: int, *, max_pixels: int) -> np.ndarray:
    """Reads one frame of a film, upright.

    Each thread keeps the last few films open, and goes on from where it last read one when the
    frame lies a little ahead, which is faster than seeking. In films whose frames are not evenly
    spaced in time, as those of some phones, a frame that is sought may lie beside its number.

    Args:
        path: Path. The film.
        frame: int. Number of the frame, from 0.
        max_pixels: int. Largest `rows * cols` that a film may declare.

    Returns:
        `(H, W, 3)` uint8, BGR.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no film, declares too many pixels or has no such frame.
    """
    film = _open_film(Path(path))
    if film.rows * film.cols > max_pixels:
        raise ValueError(
            f"{path} declares {film.rows} x {film.cols} pixels, more than {max_pixels}. Shrink the "
            "film, or pass a larger `max_pixels` if you trust it"
        )
    pixels = film.read(frame)
    if pixels is None:
        raise _no_frame(path, frame, film.announced)
    return pixels


class _Film:
    """An open film and the frame that is read next."""

    def __init__(self, path: Path):
        if not _begins_like_a_film(path):
            raise _no_film(path)
        # One thread each: the readers of photos are many threads themselves.
        options = [cv2.CAP_PROP_N_THREADS, 1]
        with silent_opencv():
            self._capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, options)
        if not self._capture.isOpened():
            raise _no_film(path)
        self.announced = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.rows = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.cols = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self._next = 0

    def read(self, frame: int) -> np.ndarray | None:
        if not 0 <= frame < self.announced:
            return None
        if not self._next <= frame <= self._next + _FARTHEST_WALK:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
            self._next = frame
        while self._next < frame:
            if not self._capture.grab():
                return self._lose_the_place()
            self._next += 1
        pixels = self._capture.read()[1]
        if pixels is None:
            return self._lose_the_place()
        self._next += 1
        return pixels

    def _lose_the_place(self) -> None:
        self._next = self.announced + 1  # so that the next read seeks


def _begins_like_a_film(path: Path) -> bool:
    """Keeps FFmpeg from playlists in the clothes of a film, which lead to other files."""
    with open(path, "rb") as file:
        start = file.read(8)
    return start[4:] in _MP4_BOXES or start[:4] == _MATROSKA


_open = threading.local()


def _open_film(path: Path) -> _Film:
    """Returns a film that this thread has open or opens, and closes the one it needed least."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"There is no film {path}. Check the folder and the name's upper and lower case"
        ) from None
    if not path.is_file():
        raise _no_film(path)
    films: OrderedDict = _open.__dict__.setdefault("films", OrderedDict())
    key = (str(path.absolute()), status.st_ino, status.st_size, status.st_mtime_ns)
    if key not in films:
        film = _Film(path)
        while len(films) >= _MOST_OPEN:
            films.popitem(last=False)
        films[key] = film
    films.move_to_end(key)
    return films[key]


def _no_film(path: Path) -> ValueError:
    return ValueError(f"{path} is no whole film. Fetch or export it again")


def _no_frame(path: Path | str, frame: int, announced: int) -> ValueError:
    return ValueError(
        f"Frame {frame} of {path} cannot be read; it announces {announced} frames. Name one of "
        "them, or fetch the film again"
    )
