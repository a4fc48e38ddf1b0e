"""Finds photos that appear twice: the same file, the same bytes or the same pixels."""

import functools
import hashlib
import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.images.read import UnreadableImageError, read_image
from placevec.images.videos.frame_names import find_frame
from placevec.input_file import open_input

_TAIL_BYTES = 4096
_MOST_COMPARED = 200  # Pixels are compared for at most this many pairs.
_LARGEST_FILE = 1 << 40  # Large files are allowed, because they are read piece by piece.


class Same(NamedTuple):
    """A photo that is the same as another one.

    Args:
        row: int. Row of the photo.
        other: int. Row of the other photo.
        how: str. What the two share: `"file"`, `"bytes"` or `"pixels"`.
    """

    row: int
    other: int
    how: str


def same_photos(
    paths: Sequence[Path],
    rows: NDArray[np.integer],
    others: NDArray[np.integer],
    alike: Iterable[tuple[int, int]] = (),
) -> list[Same]:
    """Finds photos that are also among others: the same file, a copy, or the same pixels.

    Links to one file count as the same file. Bytes are compared if file sizes are equal. Pixels are
    compared only for the pairs in `alike`, and for at most 200 of these, evenly spread. Files that
    cannot be read never count as the same.

    Args:
        paths: sequence of Path. Photos, or frames of videos.
        rows: (n,) int. Photos to look for.
        others: (m,) int. Photos to search. A photo is never compared with itself.
        alike: iterable of (int, int). Pairs of a row and another row whose pixels may be equal.

    Returns:
        List of Same, at most one for each of `rows`, in the order of `rows`.
    """
    videos = {row: find_frame(paths[row]) or (paths[row], -1) for row in {*rows, *others}}
    each = {row: _status(video) for row, (video, _) in videos.items()}
    there = {row: status for row, status in each.items() if status is not None}
    identity = {
        row: (status.st_dev, status.st_ino, videos[row][1]) for row, status in there.items()
    }
    found = {row: Same(row, other, "file") for row, other in _pairs(rows, others, identity)}
    keys = {row: (status.st_size, videos[row][1]) for row, status in there.items()}
    for digest in (_digest_of_tail, _digest):
        pending = [row for row in rows if row not in found]
        shared = {keys[row] for row, _ in _pairs(pending, others, keys)}
        digest = functools.cache(digest)
        keys = {row: (key, digest(videos[row][0])) for row, key in keys.items() if key in shared}
    found |= {row: Same(row, other, "bytes") for row, other in _pairs(pending, others, keys)}
    unequal = [pair for pair in dict.fromkeys(alike) if pair[0] not in found]
    for row, other in unequal[:: -(-len(unequal) // _MOST_COMPARED) or 1]:
        if row not in found and row != other and _have_equal_pixels(paths[row], paths[other]):
            found[row] = Same(row, other, "pixels")
    return [found[row] for row in rows if row in found]


def _pairs(
    rows: Iterable[int], others: Iterable[int], keys: Mapping[int, Hashable]
) -> list[tuple[int, int]]:
    """Returns each row with the first other row that has an equal key, if there is one."""
    by_key = defaultdict(list)
    for other in others:
        if other in keys and len(by_key[keys[other]]) < 2:  # two, as one may be the row itself
            by_key[keys[other]].append(other)
    partners = ((row, by_key[keys[row]]) for row in rows if keys.get(row) in by_key)
    firsts = ((row, [other for other in found if other != row]) for row, found in partners)
    return [(row, found[0]) for row, found in firsts if found]


def _status(path: Path | str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _digest_of_tail(path: Path | str) -> bytes | None:
    return _digest(path, last=_TAIL_BYTES)


def _digest(path: Path | str, last: int | None = None) -> bytes | None:
    """Returns a digest of a file or of its last bytes; None if it cannot be read."""
    try:
        with open_input(path, max_bytes=_LARGEST_FILE) as file:
            if last is not None:
                file.seek(max(os.fstat(file.fileno()).st_size - last, 0))
            return hashlib.file_digest(file, "blake2b").digest()
    except (OSError, ValueError):
        return None


def _have_equal_pixels(one: Path, other: Path) -> bool:
    try:
        return np.array_equal(read_image(one), read_image(other))
    except (OSError, UnreadableImageError):
        return False
