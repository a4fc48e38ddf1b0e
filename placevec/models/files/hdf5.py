"""Opens HDF5 files of weights that a stranger may have written."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import h5py

from placevec.input_file import open_input, shown

MAX_WEIGHTS_BYTES = 2**34
"""Maximum size of a file of weights, both packed and unpacked: 16 GiB."""

HLOC_DESCRIPTOR = "global_descriptor"
"""What a file of hloc calls the descriptor of a photo."""

_MAX_EXPANSION = 100
_ALWAYS_ALLOWED_BYTES = 2**24


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Opens an HDF5 file, and refuses one that holds anything but its own arrays.

    Args:
        path: Path. The file.

    Yields:
        h5py.File.

    Raises:
        ValueError: As `require_safe`, or if the file is larger than 16 GiB.
        OSError: If it does not exist, cannot be opened or is not an HDF5 file.
    """
    with open_input(path, max_bytes=MAX_WEIGHTS_BYTES) as source:
        with h5py.File(source, "r") as file:
            require_safe(file, path.stat().st_size)
            yield file


def require_safe(file: h5py.File, num_bytes: int) -> int:
    """Refuses links, arrays in other files, and arrays that are far larger than the file.

    Args:
        file: h5py.File.
        num_bytes: int. Size of the file.

    Returns:
        int. Number of values in its arrays.

    Raises:
        ValueError: If a link points to another file or object, an array is in another file, is
            composed of other arrays or does not hold numbers of fixed size, or all arrays together
            take more than 16 MiB and more than 100 times the bytes of the file.
    """
    counts, sizes = [], []

    def problem_of(name: str, item: h5py.Group | h5py.Dataset) -> str | None:
        if not isinstance(item, h5py.Dataset):
            return None
        counts.append(math.prod(item.shape or ()) if item.shape is not None else 0)
        sizes.append(counts[-1] * item.dtype.itemsize)
        return _problem_of_array(name, item)

    # Raised out here, because HDF5 does not pass on errors from inside its callback.
    if problem := file.visititems_links(_problem_of_link) or file.visititems(problem_of):
        raise ValueError(problem)
    most = min(MAX_WEIGHTS_BYTES, max(_ALWAYS_ALLOWED_BYTES, _MAX_EXPANSION * num_bytes))
    if sum(sizes) > most:
        raise ValueError(f"its arrays must have at most {most:,} bytes. Received: {sum(sizes):,}")
    return sum(counts)


def require_safe_inside(file: IO[bytes], num_bytes: int) -> int:
    """Checks an HDF5 file inside an archive, opened as bytes, as `require_safe` does."""
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
        return f"the values of {shown(name)} are in another file"
    if array.dtype.hasobject:
        return f"{shown(name)} must hold numbers. Received: {array.dtype}"
    return None
