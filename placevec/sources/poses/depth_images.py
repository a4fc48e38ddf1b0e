"""Finds images beside photos that are not photos: depth, masks, labels."""

import posixpath
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from placevec.input_file import open_input, shown
from placevec.sources.walk import LeftOut

# Words in a folder's or file's name that say what the image is. Masked or labeled photos stay.
_NO_PHOTO = re.compile(
    r".*depth.*|.*masks?|labels?|labelids?|labelmaps?|semantics?|segmentations?|instances?|panoptic"
    r"|disp|disparit(y|ies)|normals|confidence|annotations?"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_PNG_START = 26  # bytes up to the color type
_LARGEST_PNG = 2**40  # bytes; only the beginning is read


def without_depth_images(root: Path, names: Sequence[str]) -> list[str]:
    """Returns the names of photos, without those of depth images, masks and labels.

    A word in the name of the file or of a folder below `root` marks them, such as `depth`,
    `aligned_depth_to_color`, `masks` or `frame-000001.depth.png`. If other photos remain, a folder
    whose first PNG is 16-bit gray, as depth cameras write it, is left out too. The number of images
    that are left out is logged.

    Args:
        root: Path. Folder that the names are relative to. Its own name does not count.
        names: sequence of str. With `/` between folders.

    Raises:
        ValueError: If no image is left.
    """
    left_out = LeftOut(root)
    kept = [name for name in names if not _says_depth(name)]
    kept = _without_deep_folders(root, kept)
    for name in sorted(set(names).difference(kept)):
        left_out.add("depth", name)
    if not kept:
        raise ValueError(f"{shown(root)} must hold photos. Received: {left_out}")
    left_out.warn()
    return kept


def _says_depth(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(posixpath.splitext(name)[0])]
    return any(map(_NO_PHOTO.fullmatch, words))


def _without_deep_folders(root: Path, names: list[str]) -> list[str]:
    """Returns the names outside folders whose first PNG is 16-bit gray, if there are any."""
    first = {}
    for name in sorted(names):
        if name.lower().endswith(".png"):
            first.setdefault(posixpath.dirname(name), name)
    deep = {folder for folder, name in first.items() if _is_deep(root / name)}
    return [name for name in names if posixpath.dirname(name) not in deep] or names


def _is_deep(path: Path) -> bool:
    try:
        with open_input(path, max_bytes=_LARGEST_PNG) as file:
            start = file.read(_PNG_START)
        bits, color = struct.unpack_from("BB", start, 24)
    except (OSError, ValueError, struct.error):
        return False
    return start.startswith(b"\x89PNG\r\n\x1a\n") and (bits, color) == (16, 0)
