"""One shard of a store: some photos' descriptors as `.npy`, what is known of them as Parquet."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from placevec.archive import read_npy_header
from placevec.whole_file import whole_file

_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("east_m", pa.float64()),
        ("north_m", pa.float64()),
        ("time_s", pa.float64()),
    ]
)
DTYPES = ("float32", "float16")


@dataclass(frozen=True)
class Shard:
    """A shard as the manifest of a store names it; its files are named by its number alone.

    Args:
        number: int. Never given twice in a store.
        count: int. Photos.
        sha256: str. Of the descriptors' bytes, 64 hexadecimal digits.
    """

    number: int
    count: int
    sha256: str

    def __post_init__(self) -> None:
        whole = (self.number, self.count)
        if not all(type(each) is int and 0 <= each < 2**48 for each in whole) or not self.count:
            raise ValueError(f"A shard has a number and a count above 0. Received: {whole}")
        digits = self.sha256 if isinstance(self.sha256, str) else ""
        if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
            raise ValueError(f"`sha256` must be 64 hexadecimal digits. Received: {self.sha256!r}")

    def paths(self, folder: Path) -> tuple[Path, Path]:
        """Returns the files of descriptors and of what is known of the photos."""
        return folder / f"{self.number:06d}.npy", folder / f"{self.number:06d}.parquet"


def is_utf8(name: str) -> bool:
    """Returns whether a name can be stored: names of files may hold bytes that are no UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def write_shard(
    folder: Path,
    number: int,
    names: list[str],
    descriptors: np.ndarray,
    positions_m: np.ndarray,
    times_s: np.ndarray,
) -> Shard:
    """Writes the two files of a shard, each whole or not at all.

    Args:
        folder: Path. The store.
        number: int. The shard's number; files of that number are replaced.
        names: list of n str.
        descriptors: (n, D). As it is to be stored.
        positions_m: (n, 2) float64. NaN where unknown.
        times_s: (n,) float64. NaN where unknown.
    """
    descriptors = np.ascontiguousarray(descriptors)
    shard = Shard(number, len(names), hashlib.sha256(descriptors.data).hexdigest())
    numbers, photos = shard.paths(folder)
    with whole_file(numbers) as unfinished:
        np.save(unfinished, descriptors, allow_pickle=False)
    columns = [pa.array(names, pa.string())]
    columns += [
        pa.array(column, pa.float64(), from_pandas=True)  # NaN becomes null
        for column in (*positions_m.T, times_s)
    ]
    with whole_file(photos) as unfinished:
        pq.write_table(pa.table(columns, schema=_SCHEMA), unfinished, compression="zstd")
    return shard


def map_shard(folder: Path, shard: Shard, dim: int, dtype: str) -> np.ndarray:
    """Returns a shard's descriptors as a read-only memory map `(n, D)`.

    Raises:
        ValueError: If the file is a link, or not exactly what the manifest says.
        FileNotFoundError: If it is missing.
    """
    path, _ = shard.paths(folder)
    numbers = map_numbers(path, dtype)
    if numbers.shape != (shard.count, dim):
        raise ValueError(
            f"{path} must hold {(shard.count, dim)} numbers. Received: {numbers.shape}. Describe "
            "these photos again"
        )
    return numbers


def map_numbers(path: Path, dtype: str) -> np.ndarray:
    """Returns what a `.npy` file holds as a read-only memory map.

    Raises:
        ValueError: If the file is a link, of other numbers, or longer or shorter than it says.
        FileNotFoundError: If it is missing.
    """
    _refuse_links(path)
    with open(path, "rb") as file:
        try:
            shape, is_fortran, found = read_npy_header(file)
        except ValueError as error:
            raise ValueError(f"{path} cannot be read as numbers ({error})") from error
        offset = file.tell()
    bytes_wanted = offset + math.prod(shape) * np.dtype(dtype).itemsize
    bytes_found = path.stat().st_size
    if (is_fortran, found, bytes_found) != (False, np.dtype(dtype), bytes_wanted):
        raise ValueError(
            f"{path} must hold {shape} numbers of {dtype} in {bytes_wanted} bytes. Received: "
            f"{found} in {bytes_found} bytes"
        )
    if not math.prod(shape):
        return np.empty(shape, dtype)  # nothing to map
    return np.memmap(path, dtype, "r", offset, shape)


def read_photos(folder: Path, shard: Shard) -> pa.Table:
    """Returns what is known of a shard's photos: name, east_m, north_m, time_s.

    Raises:
        ValueError: If the file is a link, damaged, or not what the manifest says.
        FileNotFoundError: If it is missing.
    """
    _, path = shard.paths(folder)
    _refuse_links(path)
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} cannot be read as a shard's photos ({reason})") from error
    if len(table) != shard.count or table["name"].null_count:
        raise ValueError(f"{path} must name {shard.count} photos. Received: {len(table)} rows")
    return table


def _refuse_links(path: Path) -> None:
    if path.is_symlink():
        raise ValueError(f"{path} is a link. A store's files must lie in its folder")
