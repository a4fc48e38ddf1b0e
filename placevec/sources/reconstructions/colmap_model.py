"""The files of a COLMAP model, text and binary: cameras and images."""

import logging
import math
import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import open_text, shown
from placevec.sources.poses.number_lines import has_decimal_commas
from placevec.sources.values.cells import to_number, to_whole_number

_log = logging.getLogger(__name__)

# The camera model of each number in a binary file, and how many parameters follow.
_MODELS = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
    11: ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
}
_STRAIGHT = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
_LONGEST_NAME = 4096  # bytes
_LONGEST_LINE = 16_000_000  # characters
_LARGEST_TEXT = 2**36  # bytes
_IMAGE = "<I7dI"
_POINT_BYTES = 24
_NUM_IMAGES = re.compile(r"Number of images: (\d{1,18})\b")
_NO_POINTS = np.empty(0, dtype=np.int64)


class ColmapImage(NamedTuple):
    """A photo that is registered in a COLMAP model.

    Args:
        name: str. As written in the file.
        quaternion: tuple of 4 float. w, x, y, z, from the world to the camera.
        translation: tuple of 3 float. From the world to the camera.
        camera: int. Number of its camera.
        points: (M,) int64. Different world points that it shows, sorted.
    """

    name: str
    quaternion: tuple[float, ...]
    translation: tuple[float, ...]
    camera: int
    points: NDArray[np.int64]


def read_images(model_dir: Path) -> list[ColmapImage]:
    """Reads `images.bin` or, without it, `images.txt`.

    Args:
        model_dir: Path. The model's folder.

    Returns:
        list of ColmapImage, in the file's order.

    Raises:
        FileNotFoundError: If neither exists.
        ValueError: If the file is truncated or has another format.
    """
    binary = model_dir / "images.bin"
    images = _images_of_bytes(binary) if binary.is_file() else _images_of_text(model_dir)
    if not images:
        raise ValueError(f"The model in {model_dir} must hold images. Received: none")
    return images


def read_fields_of_view(model_dir: Path) -> dict[int, float]:
    """Reads the horizontal field of view of every camera in `cameras.bin` or `cameras.txt`.

    It follows from the focal length and the width: `2 atan(width / 2 f)`, or `width / f` for
    fisheye lenses. The other distortion parameters are not used.

    Args:
        model_dir: Path. The model's folder.

    Returns:
        Camera's number -> degrees; cameras of unknown models are missing.

    Raises:
        FileNotFoundError: If neither exists.
        ValueError: If the file is truncated or has another format.
    """
    binary = model_dir / "cameras.bin"
    found = _cameras_of_bytes(binary) if binary.is_file() else _cameras_of_text(model_dir)
    return {camera: degrees for camera, degrees in found if degrees is not None}


def field_of_view_deg(model: str, width: float, focal_length: float) -> float | None:
    """Returns the horizontal field of view of a camera of COLMAP, or None if unknown."""
    if not (0.0 < focal_length < math.inf and 0 < width < math.inf):
        return None
    if model in _STRAIGHT:
        return math.degrees(2 * math.atan(width / (2 * focal_length)))
    if model.endswith("FISHEYE"):
        return min(math.degrees(width / focal_length), 360.0)
    return None


class _Bytes:
    """Reads little-endian numbers one after another, never beyond the end of the file."""

    def __init__(self, path: Path, content: mmap.mmap):
        self.path, self.content, self.at = path, content, 0

    def take(self, form: str) -> tuple:
        start = self._advance(struct.calcsize(form))
        return struct.unpack_from(form, self.content, start)

    def count(self, least_bytes: int) -> int:
        """Reads how many items follow, each of at least `least_bytes` bytes."""
        (count,) = self.take("<Q")
        if count * least_bytes > len(self.content) - self.at:
            raise self.broken(f"{count} items from byte {self.at} on")
        return count

    def text(self) -> str:
        end = self.content.find(b"\0", self.at, self.at + _LONGEST_NAME)
        if end < 0:
            raise self.broken(f"a name without an end at byte {self.at}")
        start = self._advance(end + 1 - self.at)
        try:
            return self.content[start:end].decode()
        except UnicodeDecodeError:
            raise self.broken(f"a name that is not UTF-8 at byte {start}") from None

    def points(self, count: int) -> NDArray[np.int64]:
        start = self._advance(count * _POINT_BYTES)
        return np.frombuffer(self.content[start : self.at], dtype="<i8").reshape(-1, 3)[:, 2]

    def broken(self, what: str) -> ValueError:
        return ValueError(
            f"{self.path} is not a complete file of COLMAP: it has {len(self.content)} bytes. "
            f"Received: {what}"
        )

    def _advance(self, size: int) -> int:
        start = self.at
        if start + size > len(self.content):
            raise self.broken(f"{size} bytes from byte {start} on")
        self.at += size
        return start


def _images_of_bytes(path: Path) -> list[ColmapImage]:
    with open(path, "rb") as file, _mapped(file, path) as content:
        source = _Bytes(path, content)
        images = []
        for _ in range(source.count(struct.calcsize(_IMAGE) + 9)):
            _, *pose, camera = source.take(_IMAGE)
            name = source.text()
            points = _shown(source.points(source.count(_POINT_BYTES)))
            images.append(ColmapImage(name, tuple(pose[:4]), tuple(pose[4:]), camera, points))
        if source.at < len(content):
            raise source.broken(
                f"{counted(len(images), 'image')}, and more from byte {source.at} on"
            )
    return images


def _cameras_of_bytes(path: Path) -> Iterator[tuple[int, float | None]]:
    with open(path, "rb") as file, _mapped(file, path) as content:
        source = _Bytes(path, content)
        for _ in range(source.count(24)):
            camera, number, width, _ = source.take("<IiQQ")
            if number not in _MODELS:
                _log.warning("%s: camera model %d is not known, no fields of view", path, number)
                return
            model, count = _MODELS[number]
            focal_length, *_ = source.take(f"<{count}d")
            yield camera, field_of_view_deg(model, width, focal_length)


def _mapped(file, path: Path) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise ValueError(f"{path} is empty. Write the model again") from None


def _images_of_text(model_dir: Path) -> list[ColmapImage]:
    """Reads a line for each image, and its line of points if the next line has that form."""
    path = model_dir / "images.txt"
    images: list[ColmapImage] = []
    has_points = True  # nothing more may follow
    num_without, told = 0, None
    for number, line in _lines(path):
        if line.startswith("#"):
            told = _NUM_IMAGES.search(line) or told
            continue
        shown_points = None if has_points else _points_of_line(line)
        if shown_points is not None:
            images[-1] = images[-1]._replace(points=_shown(shown_points))
            has_points = True
        elif line:
            num_without += not has_points
            images.append(_image_of_line(line, f"Line {number} of {path}"))
            has_points = False
    num_without += not has_points
    if told and int(told[1]) != len(images):
        _log.warning(
            "%s says that it has %s. Received: %d",
            path,
            counted(int(told[1]), "image"),
            len(images),
        )
    if num_without:
        _log.warning("%s: no line of points for %d of %d images", path, num_without, len(images))
    return images


def _image_of_line(line: str, where: str) -> ColmapImage:
    cells = line.split(None, 9)
    try:
        pose = tuple(map(to_number, cells[1:8]))
        to_whole_number(cells[0])
        return ColmapImage(cells[9], pose[:4], pose[4:], to_whole_number(cells[8]), _NO_POINTS)
    except (ValueError, IndexError, OverflowError):
        raise ValueError(
            f"{where} must be `ID QW QX QY QZ TX TY TZ CAMERA NAME`, and the next its points "
            f"`X Y POINT` or empty. Received: {_received(line)}"
        ) from None


def _received(line: str) -> str:
    commas = "decimal commas, " if has_decimal_commas(line) else ""
    return f"{commas}{shown(line, longest=80)!r}"


def _points_of_line(line: str) -> NDArray[np.int64] | None:
    """Returns the points of a line `X Y POINT X Y POINT ...`, or None if it has another form."""
    cells = line.split()
    if len(cells) % 3 or "_" in line:
        return None
    try:
        places = [float(cell) for column in (cells[::3], cells[1::3]) for cell in column]
        points = np.array([int(cell) for cell in cells[2::3]], dtype=np.int64)
    except (ValueError, OverflowError):
        return None
    return points if all(map(math.isfinite, places)) else None


def _cameras_of_text(model_dir: Path) -> Iterator[tuple[int, float | None]]:
    path = model_dir / "cameras.txt"
    for number, line in _lines(path):
        if not line or line.startswith("#"):
            continue
        cells = line.split()
        try:
            camera, width = map(to_whole_number, (cells[0], cells[2]))
            yield camera, field_of_view_deg(cells[1], width, to_number(cells[4]))
        except (ValueError, IndexError, OverflowError):
            raise ValueError(
                f"Line {number} of {path} must be `ID MODEL WIDTH HEIGHT PARAMETERS`. Received: "
                f"{_received(line)}"
            ) from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the number and text of every line, including empty lines."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} and its .bin are missing. Give the folder of the model")
    with open_text(path, max_bytes=_LARGEST_TEXT) as file:
        try:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    raise ValueError(f"Line {number} of {path} is too long for one image")
                yield number, line.strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not UTF-8 text: {error}") from None


def _shown(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the different points, without -1 (a feature that has no point)."""
    return np.unique(points[points != -1])
