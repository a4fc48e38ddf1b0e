"""Finds and reads the textures that a 3-D model names."""

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from placevec.images.metadata.tag_sizes import check_tags
from placevec.images.read import MAX_BYTES, MAX_PIXELS, resize_image
from placevec.input_file import open_input, shown
from placevec.sources.files import tidy_name
from placevec.sources.walk import leads_out

MAX_SIDE = 1024
_FORMATS = ("PNG", "JPEG", "TGA", "BMP", "DDS", "TIFF", "WEBP")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".tga", ".bmp", ".dds", ".tif", ".tiff", ".webp")


class TextureFolder:
    """The textures in the folder of a model; nothing outside that folder is ever read.

    Args:
        root: Path. The folder.
        max_side: int. Larger textures are shrunk to this many pixels per side. Defaults to `1024`.
    """

    def __init__(self, root: Path, max_side: int = MAX_SIDE) -> None:
        self.root = root
        self.problems: list[str] = []
        self._max_side = max_side
        self._names: dict[Path, dict[str, str]] = {}
        self._paths: dict[str, Path | None] = {}
        self._read: dict[tuple[Path, Path | None], NDArray[np.uint8] | None] = {}

    def find(self, name: str, suffixes: Sequence[str] = ()) -> Path | None:
        """Returns the file that a model means by a name, or None.

        Upper and lower case may differ. A name that leads out of the folder means the file of
        that name inside it.

        Args:
            name: str. As in the model.
            suffixes: sequence of str. Other suffixes to try if no file has the given one.
        """
        name = name.strip().strip("\"'")
        try:
            parts = tidy_name(name, self.root).split("/")
        except ValueError:
            parts = []
        base = name.replace("\\", "/").rpartition("/")[2]
        for candidate in (parts, [base]):
            path = self._descend(candidate, suffixes)
            if path is not None:
                return path
        return None

    def read(self, name: str, alpha_name: str | None = None) -> NDArray[np.uint8] | None:
        """Reads a texture; if it is missing or broken, `problems` lists it once.

        Each file is read once, even if a model has several names for it.

        Args:
            name: str. As in the model.
            alpha_name: str or None. A second picture with the transparency of the first.

        Returns:
            (rows, cols, 3 or 4) uint8 RGB or RGBA with sides that are powers of two, or None.
        """
        path = self._locate(name)
        if path is None:
            return None
        alpha_path = self._locate(alpha_name) if alpha_name else None
        key = (path, alpha_path)
        if key not in self._read:
            pixels = self._load(path)
            alpha = self._load(alpha_path) if alpha_path and pixels is not None else None
            if pixels is not None and alpha is not None:
                pixels = _with_alpha(pixels, alpha)
            self._read[key] = None if pixels is None else fit_texture(pixels, self._max_side)
        return self._read[key]

    def decode(self, content: bytes, name: str) -> NDArray[np.uint8] | None:
        """Returns a texture from the bytes of its file, as `read` does."""
        try:
            return fit_texture(_decode(io.BytesIO(content)), self._max_side)
        except ValueError as error:
            self.problems.append(f"The texture {name} {error}: drawn plain")
            return None

    def _locate(self, name: str) -> Path | None:
        if name not in self._paths:
            self._paths[name] = self.find(name, _SUFFIXES)
            if self._paths[name] is None:
                missing = f"There is no texture {shown(name)!r} in {self.root}: drawn plain"
                self.problems.append(missing)
        return self._paths[name]

    def _load(self, path: Path) -> NDArray[np.uint8] | None:
        try:
            with open_input(path, max_bytes=MAX_BYTES) as file:
                return _decode(file)
        except (ValueError, OSError) as error:
            self.problems.append(f"The texture {shown(path)} {error}: drawn plain")
            return None

    def _descend(self, parts: list[str], suffixes: Sequence[str]) -> Path | None:
        path = self.root
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            found = self._match(path, part, suffixes if is_last else ())
            if found is None or leads_out(path / found, self.root):
                return None
            path = path / found
        return path if parts and path.is_file() else None

    def _match(self, folder: Path, name: str, suffixes: Sequence[str]) -> str | None:
        if folder not in self._names:
            names = sorted(os.listdir(folder)) if folder.is_dir() else []
            self._names[folder] = {each.lower(): each for each in names}
            self._names[folder] |= {each: each for each in names}
        names = self._names[folder]
        wanted = [name, name.lower()]
        wanted += [os.path.splitext(name)[0].lower() + suffix for suffix in suffixes]
        return next((names[each] for each in wanted if each in names), None)


def fit_texture(pixels: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """Returns a picture resized to the nearest powers of two, at most `max_side` per side."""
    bound = int(np.log2(max_side))
    rows, cols = (2 ** min(bound, round(float(np.log2(side)))) for side in pixels.shape[:2])
    return np.ascontiguousarray(resize_image(pixels, rows, cols))


def _decode(file: BinaryIO) -> NDArray[np.uint8]:
    """Reads a picture as (rows, cols, 3 or 4) uint8; a ValueError says what is wrong with it."""
    try:
        check_tags(file)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"declares more than {MAX_PIXELS} pixels")
                if image.mode.startswith("I"):
                    return np.repeat(_upper_bits(image)[..., None], 3, axis=2)
                has_alpha = image.has_transparency_data
                return np.array(image.convert("RGBA" if has_alpha else "RGB"))
    except Exception as error:  # a decoder may raise anything if a file is damaged
        reason = shown(error, longest=120) or type(error).__name__
        raise ValueError(f"cannot be read ({reason})") from error


def _upper_bits(image: Image.Image) -> NDArray[np.uint8]:
    return (np.clip(np.array(image, np.int64), 0, 65535) >> 8).astype(np.uint8)


def _with_alpha(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    levels = alpha[..., 3] if alpha.shape[2] == 4 else alpha[..., 0]
    levels = resize_image(levels, *pixels.shape[:2])
    return np.dstack([pixels[..., :3], levels])
