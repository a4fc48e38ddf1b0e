"""Lists of photos beside an .npz of their positions, as Patch-NetVLAD keeps its data sets."""

import logging
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from placevec.archive import read_npy_header
from placevec.counted import counted
from placevec.input_file import bounded_lines, open_text
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import files_like, readable, tell_unnamed, tidy_name
from placevec.sources.missing import go_on_without
from placevec.sources.path_options import split_options
from placevec.sources.values.null_island import among_them, at_zero
from placevec.sources.values.roles import warn_of_both

_log = logging.getLogger(__name__)

_OPTIONS = ("query", "database", "images")
_LISTS = {"query": ("*_query.txt",), "database": ("*_index.txt", "*_database.txt")}
_ARRAYS = {"query": "utmQ", "database": "utmDb"}
_SAME_PLACE_M = 1.0
_MAX_LIST_BYTES = 10_000_000_000
_LONGEST_LINE = 10_000  # characters


def read_utm_lists(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads two lists of photos and their positions, row by row.

    The `.npz` has `utmQ` (Q, 2) and `utmDb` (M, 2), metres east and north, and `posDistThr`, the
    radius in which its authors count an answer as right. The radius is logged but not used. Two
    text files beside it name the photos, one per line. A photo in both lists is one photo with both
    roles.

    Args:
        path: Path. The `.npz`, or a folder that holds exactly one. Its lists are `*_query.txt` and
            `*_index.txt` (or `*_database.txt`): the only ones beside it, or those whose names begin
            like the `.npz`. Name others with `FILE.npz,query=FILE.txt,database=FILE.txt`. The
            photos must be in the folder of the `.npz`, or in `DIR` of `FILE.npz,images=DIR`.
        skip_unreadable: bool. Leave out photos that are missing, empty or without a position, and
            log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name, in the frame `"UTM"` (the file names no zone).

    Raises:
        FileNotFoundError: If the `.npz`, a list or photos are missing.
        ValueError: If the `.npz` is damaged, has other arrays or objects, or does not have one
            position for each name.
    """
    npz_path, options = split_options(path, _OPTIONS)
    npz_path = _find_npz(npz_path)
    root = Path(options["images"]).expanduser() if "images" in options else npz_path.parent
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a folder. Give the one that holds the photos")
    lists = {
        role: Path(options[role]).expanduser() if role in options else _find_list(npz_path, role)
        for role in _ARRAYS
    }
    names = {role: _read_names(list_path) for role, list_path in lists.items()}
    positions_m = _read_positions(npz_path, {role: len(own) for role, own in names.items()})
    all_names = np.concatenate([names["query"], names["database"]])
    all_positions_m = np.concatenate([positions_m["query"], positions_m["database"]])
    unique, first, row_of = np.unique(all_names, return_index=True, return_inverse=True)
    _refuse_two_places(all_names, all_positions_m, first[row_of], npz_path)
    is_query, is_database = np.zeros((2, len(unique)), dtype=bool)
    is_query[row_of[: len(names["query"])]] = True
    is_database[row_of[len(names["query"]) :]] = True
    tell_unnamed(root, unique, source=npz_path)
    warn_of_both(unique, is_query, is_database, npz_path)
    kept = readable(root, unique, source=npz_path, skip_unreadable=skip_unreadable)
    is_zero = at_zero(all_positions_m[first], on_earth=False)
    given = np.isfinite(all_positions_m[first]).all(axis=1) & ~is_zero
    go_on_without(
        unique[~given],
        len(unique),
        problem=f"No positions for {{}} of {npz_path}{among_them(is_zero.sum())}",
        way_out="Get the file again",
        skip_unreadable=skip_unreadable,
    )
    if not (kept & given).any():
        raise ValueError(
            f"None of the {counted(len(unique), 'photo')} of {npz_path} has a file and a position"
        )
    return PlaceDataset(
        root,
        unique,
        positions_m=np.where(given[:, None], all_positions_m[first], 0.0),
        is_query=is_query,
        is_database=is_database,
        frame="UTM",
    ).take(np.flatnonzero(kept & given))


def recognize_utm_lists(path: Path) -> str:
    """Names the positions and lists at a path, or returns `""`."""
    try:
        npz_path = _find_npz(path)
        lists = [_find_list(npz_path, role) for role in _ARRAYS]
        with zipfile.ZipFile(npz_path) as archive:
            if not {f"{array}.npy" for array in _ARRAYS.values()} <= set(archive.namelist()):
                return ""
    except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError):
        return ""
    return f"{npz_path.name} with {' and '.join(_ARRAYS.values())}, {lists[0].name}"


def _find_npz(path: Path) -> Path:
    if path.is_file():
        return path
    found = files_like(path, "*.npz")
    if len(found) != 1:
        names = ", ".join(p.name for p in found[:9]) or ("none" if path.is_dir() else "no folder")
        raise FileNotFoundError(f"{path} must be or hold one .npz. Received: {names}. Name it")
    return found[0]


def _find_list(npz_path: Path, role: str) -> Path:
    found = files_like(npz_path.parent, *_LISTS[role])
    if len(found) > 1:
        found = [p for p in found if p.name.startswith(npz_path.stem)]
    if len(found) != 1:
        raise FileNotFoundError(
            f"The list {' or '.join(_LISTS[role])} must be beside {npz_path}, once. Received: "
            f"{len(found)}. Name it, {npz_path.name},{role}=FILE.txt"
        )
    return found[0]


def _read_names(list_path: Path) -> NDArray[np.str_]:
    if not list_path.is_file():
        raise FileNotFoundError(f"{list_path} does not exist. Give a list of photos, one per line")
    try:
        with open_text(list_path, max_bytes=_MAX_LIST_BYTES) as file:
            lines = bounded_lines(file, list_path, longest=_LONGEST_LINE)
            given = [tidy_name(line, list_path) for line in lines if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{list_path} is not UTF-8 text: {error}") from None
    names = np.array(given, dtype=np.str_)
    if not len(names):
        raise ValueError(f"{list_path} must name at least one photo. Received: none")
    unique, counts = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(f"{list_path} names {unique[counts > 1][0]} more than once. Name it once")
    return names


def _read_positions(npz_path: Path, counts: dict[str, int]) -> dict[str, NDArray[np.float64]]:
    """Returns (count, 2) positions of each role; larger arrays are never unpacked."""
    try:
        with zipfile.ZipFile(npz_path) as archive:
            found = {}
            for role, array in _ARRAYS.items():
                with archive.open(f"{array}.npy") as file:
                    found[role] = _read_array(file, (counts[role], 2), array, npz_path)
            if "posDistThr.npy" in archive.namelist():
                with archive.open("posDistThr.npy") as file:
                    radius_m = _read_array(file, (), "posDistThr", npz_path)
                _log.info("%s counts answers within %g m as right", npz_path, radius_m.item())
    except KeyError as error:
        raise ValueError(
            f"{npz_path} must hold {' and '.join(_ARRAYS.values())}. Received: {error.args[0]}"
        ) from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ValueError(
            f"{npz_path} is not a complete .npz ({error}). Get the file again"
        ) from None
    return found


def _read_array(file: IO[bytes], shape: tuple, array: str, npz_path: Path) -> NDArray[np.float64]:
    """Reads an array after checking its header."""
    try:
        declared, fortran, dtype = read_npy_header(file)
    except ValueError as error:
        raise ValueError(f"`{array}` of {npz_path}: {error}") from None
    if dtype.kind not in "fiu" or (declared != shape and (shape or np.prod(declared) != 1)):
        raise ValueError(
            f"`{array}` of {npz_path} must hold numbers of shape {shape}, a position for each line "
            f"of the list. Received: {dtype} of shape {declared}"
        )
    size = int(np.prod(declared, dtype=np.int64)) * dtype.itemsize
    data = file.read(size)
    if len(data) < size:
        raise EOFError(f"`{array}` breaks off")
    values = np.frombuffer(data, dtype).reshape(declared, order="F" if fortran else "C")
    return values.astype(np.float64)


def _refuse_two_places(
    names: NDArray[np.str_],
    positions_m: NDArray[np.float64],
    first: NDArray[np.int64],
    npz_path: Path,
) -> None:
    apart_m = np.abs(positions_m - positions_m[first]).max(axis=1)
    bad = np.flatnonzero(apart_m > _SAME_PLACE_M)
    if len(bad):
        raise ValueError(
            f"{npz_path} gives {names[bad[0]]} two places, {apart_m[bad[0]]:.0f} m apart, as query "
            "and in the database. Name each photo once, with its folder"
        )
