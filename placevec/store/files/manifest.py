"""The manifest of a store: its model, photo size and data type, and which files are valid."""

import dataclasses
import hashlib
import json
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from placevec.config.choices import DTYPES, PRECISIONS
from placevec.input_file import read_json, shown
from placevec.kinds import MANIFEST, kind_of, refuse_kind
from placevec.store.files.saved_statistics import SavedStatistics
from placevec.store.files.shards import FEATURES_DTYPE, Shard, require_digest
from placevec.store.map_statistics import ADAPTATION
from placevec.whole_file import whole_file

_FORMAT = "placevec descriptors 2"
_FORMAT_WITHOUT_DIGEST = "placevec descriptors 1"
_MAX_DIM = 2**20
_MAX_FILES = 2**48
_MAX_SIDE = 2**16
_MAX_MANIFEST_BYTES = 2**30  # enough for millions of shards


@dataclass(frozen=True)
class RemovedRows:
    """The file that lists the rows of removed photos.

    Args:
        number: int. Number of the file, used once in a store.
        sha256: str or None. SHA-256 of the row numbers. None: an earlier version wrote the file.
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
        number: int. Number of the file, used once in a store.
        kind: str. See `IndexSettings`.
        effort: int. See `IndexSettings`.
        num_rows: int. The index holds this many rows, the first ones of the store.
        num_bytes: int. Size of the file.
        sha256: str. SHA-256 of the file.
        statistics: int or None. Number of the statistics that adapted the descriptors before
            indexing. None: descriptors are indexed as they are stored.
        adaptation: int. Number of the rule that adapted them, see `ADAPTATION`. Earlier versions
            did not write it.
    """

    number: int
    kind: str
    effort: int
    num_rows: int
    num_bytes: int
    sha256: str
    statistics: int | None = None
    adaptation: int = 1

    def __post_init__(self) -> None:
        counts = (self.effort, self.num_rows, self.num_bytes, self.adaptation)
        if not all(type(each) is int and 0 <= each < 2**48 for each in counts):
            raise ValueError(
                f"Effort, rows, bytes and rule of an index must be counts. Received: {counts}"
            )
        require_digest(self.sha256)

    @property
    def is_outdated(self) -> bool:
        """Whether the index holds descriptors that another version of placevec adapted."""
        return self.statistics is not None and self.adaptation != ADAPTATION

    def path(self, folder: Path) -> Path:
        """Returns the file."""
        return index_path(folder, self.number)


@dataclass(frozen=True)
class Manifest:
    """The state of a store. Files that it does not name are not part of the store.

    Args:
        model_id: str. The model of all descriptors.
        dtype: str. `"float32"` or `"float16"`.
        image_size: (int, int) or None. Rows and columns that photos were resized to.
        frame: str or None. The frame that positions are measured in.
        root: str or None. The folder that the photos' names are relative to.
        dim: int or None. `D`. None before the first photo.
        next_number: int. The next shard's number. Each number is used once.
        shards: tuple of Shard. In the order of their rows.
        removed: RemovedRows or None. The file that lists the removed rows. None: no row is removed.
        precision: str. Precision that the model computed in: `"float32"`, `"bf16"` or `"int8"`.
        model_path: str or None. Where the model's file was when it last described photos, or the
            name of a network that ships with placevec. Compare the model there with `model_id`.
        index: SavedIndex or None. None: each search compares all photos.
        statistics: SavedStatistics or None. What the map's descriptors have in common.
        feature_shape: (int, int, int) or None. Rows, columns and dimensions of a photo's local
            features, in float16. None: the store keeps no local features.
        is_signed: bool. False: an earlier version wrote the manifest, without a digest of itself.
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
            raise ValueError(f"`model_id` must be text. Received: {self.model_id!r}")
        if self.dtype not in DTYPES:
            raise ValueError(f"`dtype` must be one of {', '.join(DTYPES)}. Received: {self.dtype}")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"`precision` must be one of {', '.join(PRECISIONS)}. Received: {self.precision}"
            )
        for name in ("frame", "root", "model_path"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"`{name}` must be text. Received: {getattr(self, name)!r}")
        size = self.image_size
        if size is not None and not (
            len(size) == 2 and all(type(each) is int and 0 < each <= _MAX_SIDE for each in size)
        ):
            raise ValueError(
                f"`image_size` must be two whole numbers, 1 to {_MAX_SIDE}. Received: {size}"
            )
        if self.dim is not None and not (type(self.dim) is int and 0 < self.dim <= _MAX_DIM):
            raise ValueError(f"`dim` must be 1 to {_MAX_DIM}. Received: {self.dim}")
        if not (type(self.next_number) is int and 0 <= self.next_number < _MAX_FILES):
            raise ValueError(
                f"`next_number` must be a whole number, 0 to {_MAX_FILES - 1}. Received: "
                f"{self.next_number!r}"
            )
        numbers = [shard.number for shard in self.shards]
        numbers += [each.number for each in self._single_files]
        is_below = all(type(each) is int and 0 <= each < self.next_number for each in numbers)
        if len(set(numbers)) < len(numbers) or not is_below:
            raise ValueError(
                f"Numbers of files must differ and be below {self.next_number}. Received: {numbers}"
            )
        shape = self.feature_shape
        if shape is not None and not (
            len(shape) == 3 and all(type(each) is int and 0 < each < 2**16 for each in shape)
        ):
            raise ValueError(
                f"`feature_shape` must be three whole numbers, 1 to {2**16 - 1}. Received: {shape}"
            )
        if any((shard.features_sha256 is None) != (shape is None) for shard in self.shards):
            raise ValueError("A store must keep local features of all photos or of none")
        if self.shards and self.dim is None:
            raise ValueError("A store with shards must have a `dim`. Received: dim=None")
        built_with = self.index and self.index.statistics
        if built_with is not None and built_with != (self.statistics and self.statistics.number):
            raise ValueError(f"An index must be built with statistics {built_with} of the store")

    @property
    def feature_bytes(self) -> int:
        """Size of one photo's local features."""
        shape = self.feature_shape
        return 0 if shape is None else math.prod(shape) * np.dtype(FEATURES_DTYPE).itemsize

    def index_command(self, folder: Path) -> str:
        """Returns the command that builds the index and the statistics again, as they are."""
        parts = ["placevec index", shlex.quote(shown(folder))]
        if self.index is not None:
            parts += ["--kind", self.index.kind]
            parts += ["--no-statistics"] if self.index.statistics is None else []
        if self.statistics is not None and self.dim is not None and self.statistics.dim < self.dim:
            parts += ["--dim", str(self.statistics.dim)]
        return " ".join(parts)

    def paths(self, folder: Path) -> set[Path]:
        """Returns all files that the manifest names."""
        named = {path for shard in self.shards for path in shard.files(folder)}
        return named | {each.path(folder) for each in self._single_files}

    @property
    def _single_files(self) -> list[RemovedRows | SavedIndex | SavedStatistics]:
        return [each for each in (self.removed, self.index, self.statistics) if each]


def index_path(folder: Path, number: int) -> Path:
    """Returns the file of an index."""
    return folder / f"index-{number:06d}.faiss"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the complete manifest or nothing. It makes the files written before it valid."""
    values = {"format": _FORMAT, **dataclasses.asdict(manifest)}
    del values["is_signed"]
    values["digest"] = _digest(values)
    with whole_file(folder / MANIFEST) as unfinished:
        unfinished.write_text(json.dumps(values), encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Reads and checks the manifest of a store.

    Raises:
        FileNotFoundError: If there is no store.
        ValueError: If it is something else, damaged, or of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        from placevec.sources.walk import photos_at  # for an error alone: sources are many

        refuse_kind(folder, kind_of(folder) or photos_at(folder), "a store of descriptors")
        raise FileNotFoundError(
            f"There is no store of descriptors in {folder}. "
            "`placevec describe PHOTOS --out FOLDER` makes one"
        )
    try:
        return _manifest(read_json(path, max_bytes=_MAX_MANIFEST_BYTES))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as a store's manifest ({shown(error)})") from error


def _manifest(values: Any) -> Manifest:
    if not isinstance(values, dict):
        raise ValueError(f"it must hold values by name. Received: {type(values).__name__}")
    found = values.pop("format", None)
    if found == _FORMAT:
        if values.pop("digest", None) != _digest({"format": found, **values}):
            raise ValueError("it is damaged: its digest does not fit")
        values.setdefault("statistics", None)  # an earlier version did not write it
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
    """Returns the SHA-256 of a manifest's values, which does not depend on their order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
