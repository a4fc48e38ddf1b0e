"""MATLAB files of version 5 to 7, checked before SciPy reads them."""

import functools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import scipy
from numpy.typing import NDArray

from placevec.input_file import open_input, shown
from placevec.sources.benchmarks.mat_structure import check_structure, unpack

MAX_BYTES = 1_000_000_000
"""Maximum size of a file, and of all its variables when unpacked."""

# A header, then a tag (type and size) before each variable.
_HEADER_BYTES, _TAG_BYTES, _COMPRESSED = 128, 8, 15
_VERSION_7_3 = (b"\x00\x02", b"\x02\x00")

Read = TypeVar("Read")


def read_mat(mat_path: Path, variable: str) -> NDArray[Any] | None:
    """Reads one variable.

    Args:
        mat_path: Path. The file.
        variable: str. Its name.

    Returns:
        The array; None if the file has no such variable.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is truncated or damaged, of version 7.3, not a regular file, or larger
            than 1 GB, before or after unpacking.
    """
    read = functools.partial(scipy.io.loadmat, variable_names=[variable])
    return _read(mat_path, variable, read).get(variable)


def variables_of_mat(mat_path: Path) -> set[str]:
    """Returns the names of the variables, without reading them.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: As `read_mat`.
    """
    return {name for name, _, _ in _read(mat_path, "", scipy.io.whosmat)}


def _read(mat_path: Path, variable: str, function: Callable[[BinaryIO], Read]) -> Read:
    with open_input(mat_path, max_bytes=MAX_BYTES) as file:
        try:
            _check(file, variable)
            return function(file)
        except NotImplementedError:
            raise ValueError(
                f"{shown(mat_path)} is a MATLAB 7.3 file. Save it again in MATLAB with `-v7`"
            ) from None
        except Exception as error:  # SciPy may raise anything, depending on where a file ends
            why = shown((str(error).splitlines() or [type(error).__name__])[0])
            raise ValueError(
                f"{shown(mat_path)} is not a complete MATLAB file ({why}). Get the file again"
            ) from None


def _check(file: BinaryIO, variable: str) -> None:
    """Checks all headers and one variable: damaged ones could make SciPy crash the process."""
    header = file.read(_HEADER_BYTES)
    order = ">" if header[-2:] == b"MI" else "<"
    if header[-4:-2] in _VERSION_7_3:
        raise NotImplementedError
    left = MAX_BYTES
    while tag := file.read(_TAG_BYTES):
        kind, size = struct.unpack(f"{order}II", tag)
        content = file.read(min(size, MAX_BYTES))
        if len(content) < size:
            raise EOFError("it breaks off")
        data = unpack(content, left) if kind == _COMPRESSED else tag + content
        left -= len(data)
        check_structure(data, order, variable)
    file.seek(0)
