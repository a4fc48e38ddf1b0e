"""`points.npz` beside photos: which points of the world each photo shows."""

import logging
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.archive import read_npy_header
from placevec.counted import counted
from placevec.input_file import open_input, shown
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)

POINTS_FILE = "points.npz"
_MAX_BYTES = 20_000_000_000
_ARRAYS = {"names": "U", "indptr": "iu", "indices": "iu", "num_points": "iu"}  # kinds of numbers


def write_points(
    root: Path | str, names: Sequence[str] | NDArray[np.str_], points_seen: "scipy.sparse.csr_array"
) -> None:
    """Writes `points.npz`, which points photos show, completely or not at all.

    The file holds `names` (N,) str, `indptr` (N + 1,) and `indices` (n,) of the compressed rows,
    and `num_points`, uncompressed. `folder:` and `table:` read it as `points_seen`.

    Args:
        root: Path. The photos' folder.
        names: (N,) str. Names of the photos, relative to it.
        points_seen: (N, M) scipy.sparse.csr_array of bool. See `PlaceDataset`.

    Raises:
        ValueError: If there is not one row for each name.
    """
    seen = scipy.sparse.csr_array(points_seen, dtype=bool)
    seen.sum_duplicates()
    seen.eliminate_zeros()
    if seen.shape[0] != len(names):
        raise ValueError(
            "`points_seen` must have one row for each name. Received: "
            f"{counted(seen.shape[0], 'row')}, {counted(len(names), 'name')}"
        )
    with whole_file(Path(root) / POINTS_FILE) as unfinished:
        np.savez(
            unfinished,
            names=np.asarray(names, dtype=np.str_),
            indptr=seen.indptr,
            indices=seen.indices,
            num_points=seen.shape[1],
        )


def read_points(root: Path, names: NDArray[np.str_]) -> "scipy.sparse.csr_array | None":
    """Reads which points photos show from `points.npz` in their folder.

    Args:
        root: Path. The photos' folder.
        names: (N,) str. Names of the photos to read.

    Returns:
        (N, M) scipy.sparse.csr_array of bool, a row for each name. Photos that are not in the file
        show no point, and their number is logged. None if the file does not exist.

    Raises:
        ValueError: If the file is damaged or inconsistent.
    """
    path = Path(root) / POINTS_FILE
    if not path.is_file():
        return None
    arrays = _read_arrays(path)
    seen = _rows(path, **arrays)
    order = np.argsort(arrays["names"], kind="stable")
    known = arrays["names"][order]
    place = np.minimum(np.searchsorted(known, names), len(known) - 1) if len(known) else None
    if place is None or not (there := known[place] == names).any():
        raise ValueError(f"{path} names none of the {counted(len(names), 'photo')} beside it")
    if not there.all():
        _log.warning("%s names %d of %s", path, there.sum(), counted(len(names), "photo"))
    nothing = scipy.sparse.csr_array((1, seen.shape[1]), dtype=bool)
    with_nothing = scipy.sparse.vstack([seen, nothing], format="csr")
    return with_nothing[np.where(there, order[place], len(known))]


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Returns the arrays of the file; none may be larger than the file itself."""
    try:
        with open_input(path, max_bytes=_MAX_BYTES) as file, zipfile.ZipFile(file) as archive:
            return {name: _read_array(archive, name, path) for name in _ARRAYS}
    except _NOT_READ as error:
        reason = shown(error) or type(error).__name__
        raise ValueError(f"{path} is not a complete file of points: {reason}") from None


_NOT_READ = (
    zipfile.BadZipFile, OSError, KeyError, ValueError, EOFError, NotImplementedError,
    RuntimeError, SyntaxError, MemoryError,
)  # fmt: skip


def _read_array(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    entry = archive.getinfo(f"{name}.npy")
    size = path.stat().st_size
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
        raise ValueError(f"`{name}` must be stored uncompressed, as numpy.savez does")
    with archive.open(entry) as file:
        shape, _, dtype = read_npy_header(file)
        length = math.prod(shape)
        if dtype.kind not in _ARRAYS[name] or len(shape) != (name != "num_points"):
            raise ValueError(f"`{name}` must not be {len(shape)}-dimensional of type {dtype}")
        if length * dtype.itemsize > size:
            raise ValueError(f"`{name}` is cut off")
        return np.frombuffer(file.read(length * dtype.itemsize), dtype, count=length).reshape(shape)


def _rows(
    path: Path,
    names: NDArray[np.str_],
    indptr: NDArray[Any],
    indices: NDArray[Any],
    num_points: NDArray[Any],
) -> "scipy.sparse.csr_array":
    """Returns the points that each photo in the file shows, after checking all bounds."""
    ends = indptr.astype(np.int64)
    points = indices.astype(np.int64)
    is_whole = len(ends) == len(names) + 1 and ends[0] == 0 and ends[-1] == len(points)
    if not is_whole or (np.diff(ends) < 0).any():
        raise ValueError(f"`indptr` of {path} must rise from 0 to the number of `indices`")
    count = int(num_points)
    if not 0 <= count < 2**62 or ((points < 0) | (points >= count)).any():
        raise ValueError(
            f"`indices` of {path} must be below `num_points`. Received: num_points={count}"
        )
    ones = np.ones(len(points), dtype=bool)
    seen = scipy.sparse.csr_array((ones, points, ends), shape=(len(names), count))
    seen.sum_duplicates()
    return seen
