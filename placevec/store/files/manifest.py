"""What a store of descriptors says of itself: model, size, type, and which shards are valid."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from placevec.config.choices import DTYPES, PRECISIONS
from placevec.input_file import read_json, shown
from placevec.store.files.saved_statistics import SavedStatistics
from placevec.store.files.shards import FEATURES_DTYPE, Shard, require_digest
from placevec.whole_file import whole_file

MANIFEST = "manifest.json"
_FORMAT = "placevec descriptors 2"
_FORMAT_WITHOUT_DIGEST = "placevec descriptors 1"
_MOST_NUMBERS = 2**20  # of a descriptor
_MOST_FILES = 2**48  # numbers that are given to files
_LARGEST_SIDE = 2**16  # of a photo, in pixels
_LARGEST_MANIFEST = 2**30  # bytes; some millions of shards


@dataclass(frozen=True)
class RemovedRows:
    """The file that lists the rows of removed photos.

    Args:
        number: int. Never given twice in a store.
        sha256: str or None. Of its numbers; None: an earlier version wrote it.
    """

    number: int
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None:
            require_digest(self.sha256)

    def path(self, folder: Path) -> Path:
        """Returns the file."""
        return folder / f"removed-{self.number:06d}.npy"


@dataclass(frozen=True)
class SavedIndex:
    """The file of an index.

    Args:
        number: int. Never given twice in a store.
        kind: str. See `IndexSettings`.
        effort: int. See `IndexSettings`.
        num_rows: int. The first rows of the store, of which it is.
        num_bytes: int. Its size.
        sha256: str. Of its bytes.
        statistics: int or None. The number of the statistics by which the descriptors were adapted
            before they were indexed. None: they are indexed as they are stored.
    """

    number: int
    kind: str
    effort: int
    num_rows: int
    num_bytes: int
    sha256: str
    statistics: int | None = None

    def __post_init__(self) -> None:
        counts = (self.effort, self.num_rows, self.num_bytes)
        if not all(type(each) is int and 0 <= each < 2**48 for each in counts):
            raise ValueError(f"Effort, rows and bytes of an index are counts. Received: {counts}")
        require_digest(self.sha256)

    def path(self, folder: Path) -> Path:
        """Returns the file."""
        return index_path(folder, self.number)


@dataclass(frozen=True)
class Manifest:
    """The state of a store. What is not named here does not count.

    Args:
        model_id: str. The model of all descriptors.
        dtype: str. `"float32"` or `"float16"`.
        image_size: (int, int) or None. Rows and columns that photos were resized to.
        frame: str or None. What positions are measured in.
        root: str or None. The folder that the photos' names are relative to.
        dim: int or None. `D`; None before the first photo.
        next_number: int. The next shard's number; none is given twice.
        shards: tuple of Shard. In the order of their rows.
        removed: RemovedRows or None. The file that lists the removed rows; None: none are.
        precision: str. `"float32"`, `"bf16"` or `"int8"`, what the model computed with.
        model_path: str or None. Where the model's file was when it described last, or the name of
            a network that ships with placevec; a hint, to be held against `model_id`.
        index: SavedIndex or None. None: each search compares all photos.
        statistics: SavedStatistics or None. What the map's descriptors have in common.
        feature_shape: (int, int, int) or None. Rows, columns and dimensions of a photo's local
            features, in float16; None: none are kept.
        is_signed: bool. False: an earlier version wrote it, without a digest of itself.
    """

    model_id: str
    dtype: str = "float32"
    image_size: tuple[int, int] | None = None
    frame: str | None = None
    root: str | None = None
    dim: int | None = None
    next_number: int = 0
    shards: tuple[Shard, ...] = ()
    removed: RemovedRows | None = None
    precision: str = "float32"
    model_path: str | None = None
    index: SavedIndex | None = None
    statistics: SavedStatistics | None = None
    feature_shape: tuple[int, int, int] | None = None
    is_signed: bool = True

    def __post_init__(self) -> None:
        if not (isinstance(self.model_id, str) and self.model_id):
            raise ValueError(f"`model_id` must be a text. Received: {self.model_id!r}")
        if self.dtype not in DTYPES:
            raise ValueError(f"`dtype` must be one of {', '.join(DTYPES)}. Received: {self.dtype}")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"`precision` must be one of {', '.join(PRECISIONS)}. Received: {self.precision}"
            )
        for name in ("frame", "root", "model_path"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"`{name}` must be a text. Received: {getattr(self, name)!r}")
        size = self.image_size
        if size is not None and not (
            len(size) == 2 and all(type(each) is int and 0 < each <= _LARGEST_SIDE for each in size)
        ):
            raise ValueError(
                f"`image_size` must be two whole numbers, 1 to {_LARGEST_SIDE}. Received: {size}"
            )
        if self.dim is not None and not (type(self.dim) is int and 0 < self.dim <= _MOST_NUMBERS):
            raise ValueError(f"`dim` must be 1 to {_MOST_NUMBERS}. Received: {self.dim}")
        if not (type(self.next_number) is int and 0 <= self.next_number < _MOST_FILES):
            raise ValueError(
                f"`next_number` must be a whole number, 0 to {_MOST_FILES - 1}. Received: "
                f"{self.next_number!r}"
            )
        numbers = [shard.number for shard in self.shards]
        numbers += [each.number for each in self._single_files]
        is_below = all(type(each) is int and 0 <= each < self.next_number for each in numbers)
        if len(set(numbers)) < len(numbers) or not is_below:
            raise ValueError(f"Numbers must differ and be below {self.next_number}: {numbers}")
        shape = self.feature_shape
        if shape is not None and not (
            len(shape) == 3 and all(type(each) is int and 0 < each < 2**16 for each in shape)
        ):
            raise ValueError(
                f"`feature_shape` must be three whole numbers, 1 to {2**16 - 1}. Received: {shape}"
            )
        if any((shard.features_sha256 is None) != (shape is None) for shard in self.shards):
            raise ValueError("Local features are kept of all photos or of none")
        if self.shards and self.dim is None:
            raise ValueError("A store with shards must have a `dim`. Received: dim=None")
        built_with = self.index and self.index.statistics
        if built_with is not None and built_with != (self.statistics and self.statistics.number):
            raise ValueError(f"An index must be built with statistics {built_with} of the store")

    @property
    def feature_bytes(self) -> int:
        """Bytes of local features that are kept of each photo."""
        shape = self.feature_shape
        return 0 if shape is None else math.prod(shape) * np.dtype(FEATURES_DTYPE).itemsize

    def paths(self, folder: Path) -> set[Path]:
        """Returns all files that are named."""
        named = {path for shard in self.shards for path in shard.files(folder)}
        return named | {each.path(folder) for each in self._single_files}

    @property
    def _single_files(self) -> list[RemovedRows | SavedIndex | SavedStatistics]:
        return [each for each in (self.removed, self.index, self.statistics) if each]


def index_path(folder: Path, number: int) -> Path:
    """Returns the file of an index."""
    return folder / f"index-{number:06d}.faiss"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest, whole or not at all: with it, what was written before becomes valid."""
    values = {"format": _FORMAT, **dataclasses.asdict(manifest)}
    del values["is_signed"]
    values["digest"] = _digest(values)
    with whole_file(folder / MANIFEST) as unfinished:
        unfinished.write_text(json.dumps(values), encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Reads and checks the manifest of a store.

    Raises:
        FileNotFoundError: If there is no store.
        ValueError: If it is damaged, or of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no store of descriptors in {folder}. "
            "`placevec describe PHOTOS --out FOLDER` makes one"
        )
    try:
        return _manifest(read_json(path, max_bytes=_LARGEST_MANIFEST))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as a store's manifest ({shown(error)})") from error


def _manifest(values: Any) -> Manifest:
    if not isinstance(values, dict):
        raise ValueError(f"it must hold values by name. Received: {type(values).__name__}")
    found = values.pop("format", None)
    if found == _FORMAT:
        if values.pop("digest", None) != _digest({"format": found, **values}):
            raise ValueError("it is damaged: it does not fit its own digest")
        values.setdefault("statistics", None)  # an earlier version knew none
        kinds = {"removed": RemovedRows, "index": SavedIndex, "statistics": SavedStatistics}
        for name, kind in kinds.items():
            values[name] = values[name] and kind(**values[name])
    elif found == _FORMAT_WITHOUT_DIGEST:
        removed = values["removed"]
        values["removed"] = None if removed is None else RemovedRows(removed)
        values["is_signed"] = False
    else:
        raise ValueError(f"it does not say {_FORMAT!r}")
    values["shards"] = tuple(Shard(**shard) for shard in values["shards"])
    for name in ("image_size", "feature_shape"):
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return Manifest(**values)


def _digest(values: dict) -> str:
    """Returns the SHA-256 of what a manifest says, in whatever order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
