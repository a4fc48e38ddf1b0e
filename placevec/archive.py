"""Reads zip files and arrays that someone else may have written.

Sizes are bounded, and nothing in the files is run.
"""

import contextlib
import io
import math
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import open_input, shown

MAX_ARCHIVE_BYTES = 2**36
"""Largest size of an archive, packed and unpacked: 64 GiB."""

_MOST_MEMBERS = 100_000
_LARGEST_RATIO = 100  # bytes of a member when unpacked, to bytes when packed
_SMALL = 2**24  # unpacked bytes up to which any ratio is allowed
_ENCRYPTED = 0x1


@contextlib.contextmanager
def open_archive(path: Path, *, max_bytes: int = MAX_ARCHIVE_BYTES) -> Iterator[zipfile.ZipFile]:
    """Opens a zip file whose members are safe to unpack.

    Args:
        path: Path. The file.
        max_bytes: int. Largest size of the file, and of its members unpacked.

    Yields:
        zipfile.ZipFile.

    Raises:
        ValueError: If it is not a zip file; if it is larger than `max_bytes`; if a member is
            encrypted, is a link, occurs twice, or unpacks to more than 100 times its packed size
            (above 16 MiB); or if a member's name leads out of the archive.
        OSError: If it does not exist or cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_input(path, max_bytes=max_bytes))
        try:
            archive = stack.enter_context(zipfile.ZipFile(file))
        except Exception as error:  # whatever zipfile makes of a damaged file
            raise ValueError(f"it is not a complete zip file: {_reason(error)}") from error
        _require_safe(archive.infolist(), max_bytes)
        yield archive


def read_npz(path: Path, *, max_bytes: int = MAX_ARCHIVE_BYTES) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an `.npz` file by name, without unpickling anything.

    Args:
        path: Path. The file.
        max_bytes: int. See `open_archive`.

    Raises:
        ValueError: As `open_archive`, or if an array is damaged, holds Python objects, or has
            another size than its header says.
        OSError: If it does not exist or cannot be opened.
    """
    arrays = {}
    with open_archive(path, max_bytes=max_bytes) as archive:
        for info in archive.infolist():
            try:
                with cast(io.BufferedIOBase, archive.open(info)) as member:
                    array = read_npy(member, info.file_size)
            except Exception as error:  # whatever zipfile and zlib make of a damaged file
                raise ValueError(f"{shown(info.filename)}: {_reason(error)}") from error
            arrays[info.filename.removesuffix(".npy")] = array
    return arrays


def read_npy(file: io.BufferedIOBase, num_bytes: int) -> NDArray[Any]:
    """Returns the array of an open `.npy` file, without unpickling anything.

    Args:
        file: File of bytes, at its beginning.
        num_bytes: int. Number of bytes in it.

    Raises:
        ValueError: If the file is damaged, holds Python objects, or has another size than its
            header says.
    """
    shape, is_fortran, dtype = read_npy_header(file)
    if dtype.hasobject:
        raise ValueError("it must hold numbers or text. Received: Python objects")
    count, held = math.prod(shape), num_bytes - file.tell()
    if count * dtype.itemsize != held:
        raise ValueError(f"{held:,} bytes must be {shape} of {dtype}. Its header is wrong")
    array = np.empty(count, dtype)
    if held:
        rest = array.view(np.uint8).data
        while rest:
            num_read = file.readinto(rest)
            if not num_read:
                raise ValueError("it ends too early")
            rest = rest[num_read:]
    return array.reshape(shape, order="F" if is_fortran else "C")


def read_npy_header(file: IO[bytes] | io.BufferedIOBase) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads the header of an open `.npy` file: shape, whether columns come first, and dtype.

    Raises:
        ValueError: If the header is damaged.
    """
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        header = readers[np.lib.format.read_magic(file)](file)
    except Exception as error:  # NumPy raises SyntaxError, TokenError, MemoryError and others
        raise ValueError(f"its header is damaged ({_reason(error)})") from error
    if any(each < 0 for each in header[0]):
        raise ValueError(f"its header is damaged (shape {header[0]})")
    return header


def _require_safe(members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    if len(members) > _MOST_MEMBERS:
        raise ValueError(
            f"it must hold at most {_MOST_MEMBERS:,} files. Received: {len(members):,}"
        )
    total, names = 0, set()
    for each in members:
        total += each.file_size
        problem = _problem(each) or ("its name occurs twice" if each.filename in names else "")
        if problem:
            raise ValueError(f"{shown(each.filename)} in it is refused: {problem}")
        names.add(each.filename)
    if total > max_bytes:
        raise ValueError(f"it must unpack to at most {max_bytes:,} bytes. Received: {total:,}")


def _problem(member: zipfile.ZipInfo) -> str:
    """Returns what makes a member unsafe, or `""` if it is safe."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return "its name leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a link"
    if member.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if member.file_size > max(_SMALL, _LARGEST_RATIO * member.compress_size):
        return f"it unpacks from {member.compress_size:,} to {member.file_size:,} bytes"
    return ""


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
