"""HDF5 files of weights that someone else may have written."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import h5py

from placevec.input_file import open_input, shown

MAX_WEIGHTS_BYTES = 2**34
"""Largest file of weights, packed and unpacked: 16 GiB."""

_LARGEST_RATIO = 100  # of the bytes of all arrays to those of the file
_SMALL = 2**24  # bytes of all arrays that any ratio is allowed for


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Opens an HDF5 file that holds nothing but arrays of its own.

    Args:
        path: Path. The file.

    Yields:
        h5py.File.

    Raises:
        ValueError: As `require_safe`, or if the file has more than 16 GiB.
        OSError: If it does not exist, cannot be opened or is not an HDF5 file.
    """
    with open_input(path, max_bytes=MAX_WEIGHTS_BYTES) as source:
        with h5py.File(source, "r") as file:
            require_safe(file, path.stat().st_size)
            yield file


def require_safe(file: h5py.File, num_bytes: int) -> int:
    """Refuses links, arrays that lie elsewhere, and arrays that are far larger than the file.

    Args:
        file: h5py.File.
        num_bytes: int. Size of the file.

    Returns:
        int. How many numbers its arrays hold.

    Raises:
        ValueError: If a link leads to another file or place, an array lies in another file or is
            put together of others, holds no numbers of fixed size, or all arrays together have
            more than 100 times the bytes of the file (above 16 MiB).
    """
    counts, sizes = [], []

    def problem_of(name: str, item: h5py.Group | h5py.Dataset) -> str | None:
        if not isinstance(item, h5py.Dataset):
            return None
        counts.append(math.prod(item.shape or ()) if item.shape is not None else 0)
        sizes.append(counts[-1] * item.dtype.itemsize)
        return _problem_of_array(name, item)

    # Not raised inside, which HDF5 does not pass on.
    if problem := file.visititems_links(_problem_of_link) or file.visititems(problem_of):
        raise ValueError(problem)
    most = min(MAX_WEIGHTS_BYTES, max(_SMALL, _LARGEST_RATIO * num_bytes))
    if sum(sizes) > most:
        raise ValueError(f"its arrays must have at most {most:,} bytes. Received: {sum(sizes):,}")
    return sum(counts)


def require_safe_inside(file: IO[bytes], num_bytes: int) -> int:
    """Does what `require_safe` does for a file in an archive, opened as bytes."""
    with h5py.File(file, "r") as weights:
        return require_safe(weights, num_bytes)


def _problem_of_link(
    name: str, link: h5py.HardLink | h5py.SoftLink | h5py.ExternalLink
) -> str | None:
    if isinstance(link, h5py.HardLink):
        return None
    return f"{shown(name)} in it is a link to {shown(link.path)}"


def _problem_of_array(name: str, array: h5py.Dataset) -> str | None:
    if array.external or array.is_virtual:
        return f"the numbers of {shown(name)} lie in another file"
    if array.dtype.hasobject:
        return f"{shown(name)} must hold numbers. Received: {array.dtype}"
    return None
