"""One shard of a store: descriptors and local features as `.npy`, photos as Parquet."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from placevec.archive import read_npy_header
from placevec.counted import counted
from placevec.input_file import open_input, read_bytes
from placevec.whole_file import whole_file

_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("east_m", pa.float64()),
        ("north_m", pa.float64()),
        ("time_s", pa.float64()),
    ]
)
_MAX_NAME_BYTES = 4096  # as for a path on Linux
# Limits of a Parquet file, for both its packed and its unpacked size.
_MAX_BYTES_PER_PHOTO = _MAX_NAME_BYTES + 64
_MAX_OTHER_BYTES = 2**20
_LARGEST_FILE = 2**48
FEATURES_DTYPE = "float16"
_AGAIN = "Describe these photos again, into another store"


@dataclass(frozen=True)
class Shard:
    """A shard as the manifest of a store names it. Its files are named after its number.

    Args:
        number: int. Number of the shard, used once in a store.
        count: int. Number of photos.
        sha256: str. SHA-256 of the descriptors' bytes, 64 hexadecimal digits.
        photos_sha256: str or None. SHA-256 of the Parquet file. None: an earlier version wrote it.
        features_sha256: str or None. SHA-256 of the local features' bytes. None: the store keeps no
            local features.
    """

    number: int
    count: int
    sha256: str
    photos_sha256: str | None = None
    features_sha256: str | None = None

    def __post_init__(self) -> None:
        whole = (self.number, self.count)
        if not all(type(each) is int and 0 <= each < 2**48 for each in whole) or not self.count:
            raise ValueError(f"A shard must have a number and a count above 0. Received: {whole}")
        require_digest(self.sha256)
        for digest in (self.photos_sha256, self.features_sha256):
            if digest is not None:
                require_digest(digest)

    def paths(self, folder: Path) -> tuple[Path, Path]:
        """Returns the files of descriptors and of photos' names, positions and times."""
        return folder / f"{self.number:06d}.npy", folder / f"{self.number:06d}.parquet"

    def features_path(self, folder: Path) -> Path:
        """Returns the file of local features, which exists only if the store keeps them."""
        return folder / f"features-{self.number:06d}.npy"

    def files(self, folder: Path) -> set[Path]:
        """Returns all files of the shard."""
        features = set() if self.features_sha256 is None else {self.features_path(folder)}
        return {*self.paths(folder), *features}


def is_storable(name: str) -> bool:
    """Returns whether Parquet can hold a name, because file names may not be UTF-8."""
    try:
        return len(name.encode("utf-8")) <= _MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False


def require_digest(sha256: object) -> None:
    """Refuses text that is not a SHA-256 in hexadecimal digits."""
    digits = sha256 if isinstance(sha256, str) else ""
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise ValueError(f"`sha256` must be 64 hexadecimal digits. Received: {sha256!r}")


def digest_of(numbers: NDArray[np.generic]) -> str:
    """Returns the SHA-256 of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(numbers).reshape(-1).view(np.uint8).data).hexdigest()


def require_same(path: Path, found: str, wanted: str) -> None:
    """Refuses a file whose SHA-256 is not the one that the manifest names.

    Raises:
        ValueError: If they differ.
    """
    if found != wanted:
        raise ValueError(
            f"{path} is damaged: its SHA-256 must be {wanted[:12]}..., as it was written. "
            f"Received: {found[:12]}.... {_AGAIN}, or take a copy of the file"
        )


def write_shard(
    folder: Path,
    number: int,
    names: list[str],
    descriptors: NDArray[np.floating],
    positions_m: NDArray[np.float64],
    times_s: NDArray[np.float64],
    feature_shape: tuple[int, int, int] | None = None,
    features: Iterable[NDArray[np.floating]] = (),
) -> Shard:
    """Writes the files of a shard, each completely or not at all.

    Args:
        folder: Path. The store.
        number: int. The shard's number, which no file in the store has yet.
        names: list of n str.
        descriptors: (n, D), in the store's data type.
        positions_m: (n, 2) float64. NaN if unknown.
        times_s: (n,) float64. NaN if unknown.
        feature_shape: (int, int, int) or None. Rows, columns and dimensions of a photo's local
            features. None: the store keeps none.
        features: iterable of (m, *feature_shape) float. Local features of all photos, in parts.
    """
    descriptors = np.ascontiguousarray(descriptors)
    columns = [pa.array(names, pa.string())]
    columns += [
        pa.array(column, pa.float64(), from_pandas=True)  # NaN becomes null
        for column in (*positions_m.T, times_s)
    ]
    table = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=_SCHEMA), table, compression="zstd")
    table = table.getvalue()
    digests = digest_of(descriptors), hashlib.sha256(table).hexdigest()
    shard = Shard(number, len(names), *digests)
    numbers, photos = shard.paths(folder)
    try:
        if feature_shape is not None:
            path = shard.features_path(folder)
            sha256 = _write_features(path, (len(names), *feature_shape), features)
            shard = replace(shard, features_sha256=sha256)
        with whole_file(numbers) as unfinished:
            np.save(unfinished, descriptors, allow_pickle=False)
        with whole_file(photos) as unfinished:
            unfinished.write_bytes(table)
    except BaseException:
        delete_shard(folder, shard)
        raise
    return shard


def delete_shard(folder: Path, shard: Shard) -> None:
    """Deletes the files of a shard that the manifest no longer names, if they exist."""
    for path in (*shard.paths(folder), shard.features_path(folder)):
        path.unlink(missing_ok=True)


def _write_features(
    path: Path, shape: tuple[int, ...], parts: Iterable[NDArray[np.floating]]
) -> str:
    """Writes local features part by part, and returns the digest of their bytes."""
    digest, count = hashlib.sha256(), 0
    with whole_file(path) as unfinished, open(unfinished, "wb") as file:
        header = {"descr": np.dtype(FEATURES_DTYPE).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            part = np.ascontiguousarray(part, FEATURES_DTYPE)
            data = part.reshape(-1).view(np.uint8).data
            digest.update(data)
            file.write(data)
            count += len(part)
    if count != shape[0]:
        raise ValueError(
            f"Each of {counted(shape[0], 'photo')} must have local features. Received: {count}"
        )
    return digest.hexdigest()


def map_features(
    folder: Path, shard: Shard, feature_shape: tuple[int, int, int]
) -> NDArray[np.float16]:
    """Returns a shard's local features as a read-only memory map `(n, *feature_shape)` float16.

    Raises:
        ValueError: If the file is a link, or does not fit the manifest exactly.
        FileNotFoundError: If the file is missing.
    """
    path, shape = shard.features_path(folder), (shard.count, *feature_shape)
    numbers = map_numbers(path, FEATURES_DTYPE)
    if numbers.shape != shape:
        raise ValueError(f"{path} must hold {shape} numbers. Received: {numbers.shape}. {_AGAIN}")
    return numbers


def map_shard(folder: Path, shard: Shard, dim: int, dtype: str) -> NDArray[np.floating]:
    """Returns a shard's descriptors as a read-only memory map `(n, D)`.

    Raises:
        ValueError: If the file is a link, or does not fit the manifest exactly.
        FileNotFoundError: If the file is missing.
    """
    path, _ = shard.paths(folder)
    numbers = map_numbers(path, dtype)
    if numbers.shape != (shard.count, dim):
        raise ValueError(
            f"{path} must hold {(shard.count, dim)} numbers. Received: {numbers.shape}. {_AGAIN}"
        )
    return numbers


def map_numbers(path: Path, dtype: str) -> NDArray[Any]:
    """Returns the array of a `.npy` file as a read-only memory map.

    Raises:
        ValueError: If the file is a link, has another data type, or is longer or shorter than its
            header says.
        FileNotFoundError: If the file is missing.
    """
    _refuse_links(path)
    with open_input(path, max_bytes=_LARGEST_FILE) as file:
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
        return np.empty(shape, dtype)  # an empty file cannot be mapped
    return np.memmap(path, dtype, "r", offset, shape)


def read_photos(folder: Path, shard: Shard) -> pa.Table:
    """Returns the table of a shard's photos: name, east_m, north_m, time_s.

    Raises:
        ValueError: If the file is a link, is damaged, or does not fit the manifest.
        FileNotFoundError: If the file is missing.
    """
    _, path = shard.paths(folder)
    _refuse_links(path)
    most = _MAX_OTHER_BYTES + shard.count * _MAX_BYTES_PER_PHOTO
    data = read_bytes(path, max_bytes=most)
    if shard.photos_sha256 is not None:
        require_same(path, hashlib.sha256(data).hexdigest(), shard.photos_sha256)
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        if file.metadata.num_rows != shard.count or not 0 <= unpacked <= most:
            raise ValueError(
                f"{path} must name {counted(shard.count, 'photo')} in {most} bytes. Received: "
                f"{counted(file.metadata.num_rows, 'row')} in {unpacked} bytes"
            )
        table = pq.read_table(pa.BufferReader(data), schema=_SCHEMA)
    except (pa.ArrowException, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path} cannot be read as a shard's photos ({reason})") from error
    if len(table) != shard.count or table["name"].null_count:
        raise ValueError(
            f"{path} must name {counted(shard.count, 'photo')}. Received: "
            f"{counted(len(table), 'row')}"
        )
    return table


def _refuse_links(path: Path) -> None:
    if path.is_symlink():
        raise ValueError(f"{path} is a link. A store's files must be in its folder")
