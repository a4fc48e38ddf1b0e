"""What a store of descriptors says of itself: model, size, type, and which shards are valid."""

import dataclasses
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from placevec.config.choices import Precision
from placevec.retrieval.shards import DTYPES, Shard
from placevec.whole_file import whole_file

MANIFEST = "manifest.json"
INDEX = "index.json"
_FORMAT = "placevec descriptors 1"
_MOST_NUMBERS = 2**20  # of a descriptor
_UNFINISHED = ".unfinished-"  # what `whole_file` begins its files with


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
        removed: int or None. Number of the file that lists the removed rows; None: none are.
        precision: str. `"float32"`, `"bf16"` or `"int8"`, what the model computed with.
        model_path: str or None. Where the model's file was when it described last; a hint, to be
            held against `model_id`.
    """

    model_id: str
    dtype: str = "float32"
    image_size: tuple[int, int] | None = None
    frame: str | None = None
    root: str | None = None
    dim: int | None = None
    next_number: int = 0
    shards: tuple[Shard, ...] = ()
    removed: int | None = None
    precision: str = "float32"
    model_path: str | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.model_id, str) and self.model_id):
            raise ValueError(f"`model_id` must be a text. Received: {self.model_id!r}")
        if self.dtype not in DTYPES:
            raise ValueError(f"`dtype` must be one of {', '.join(DTYPES)}. Received: {self.dtype}")
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"`precision` must be one of {', '.join(get_args(Precision))}. "
                f"Received: {self.precision}"
            )
        for name in ("frame", "root", "model_path"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"`{name}` must be a text. Received: {getattr(self, name)!r}")
        size = self.image_size
        if size is not None and not (len(size) == 2 and all(type(each) is int for each in size)):
            raise ValueError(f"`image_size` must be two whole numbers. Received: {size}")
        if self.dim is not None and not (type(self.dim) is int and 0 < self.dim <= _MOST_NUMBERS):
            raise ValueError(f"`dim` must be 1 to {_MOST_NUMBERS}. Received: {self.dim}")
        numbers = [shard.number for shard in self.shards]
        numbers += [] if self.removed is None else [self.removed]
        is_below = all(type(each) is int and 0 <= each < self.next_number for each in numbers)
        if len(set(numbers)) < len(numbers) or not is_below:
            raise ValueError(f"Numbers must differ and be below {self.next_number}: {numbers}")
        if self.shards and self.dim is None:
            raise ValueError("A store with shards must have a `dim`. Received: dim=None")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest, whole or not at all: with it, what was written before becomes valid."""
    values = {"format": _FORMAT, **dataclasses.asdict(manifest)}
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
        raise FileNotFoundError(f"There is no store of descriptors in {folder}")
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.pop("format", None) != _FORMAT:
            raise ValueError(f"it does not say {_FORMAT!r}")
        values["shards"] = tuple(Shard(**shard) for shard in values["shards"])
        if values["image_size"] is not None:
            values["image_size"] = tuple(values["image_size"])
        return Manifest(**values)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as a store's manifest ({error})") from error


def removed_path(folder: Path, number: int) -> Path:
    """Returns the file that lists removed rows."""
    return folder / f"removed-{number:06d}.npy"


def index_files(folder: Path) -> list[Path]:
    """Returns the files of FAISS in a store, those of killed writers included."""
    return [
        *folder.glob("index-*.faiss"),
        *folder.glob(f"{_UNFINISHED}index-*.faiss"),
    ]


def delete_leftovers(folder: Path, manifest: Manifest) -> int:
    """Deletes what killed writers left: files of shards that the manifest does not name.

    Returns:
        How many there were.
    """
    named = {path.name for shard in manifest.shards for path in shard.paths(folder)}
    if manifest.removed is not None:
        named.add(removed_path(folder, manifest.removed).name)
    leftovers = [
        name
        for name in os.listdir(folder)
        if re.fullmatch(r"(removed-)?\d{6,}\.npy|\d{6,}\.parquet", name.removeprefix(_UNFINISHED))
        and name not in named
        or name == _UNFINISHED + MANIFEST
    ]
    for name in leftovers:
        (folder / name).unlink()
    return len(leftovers)
