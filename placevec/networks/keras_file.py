"""Writes a `.keras` file whose bytes only depend on the model."""

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can store
_METADATA, _CONFIG = "metadata.json", "config.json"
_LEVEL = 9


def write_keras(model: keras.Model, path: Path) -> None:
    """Writes a model, compressed and without timestamps, so that equal models give equal files.

    Weights that are exact in float16 take half the bytes after compression.

    Args:
        model: keras.Model.
        path: Path. File to write, which `keras.saving.load_model` reads.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        model.save(saved)
        with zipfile.ZipFile(saved) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(members[_METADATA])
    del metadata["date_saved"]
    members[_METADATA] = json.dumps(metadata).encode()
    members[_CONFIG] = _renumbered(members[_CONFIG])
    _write_zip(path, members)


def write_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Writes an `.npz` file without timestamps.

    Args:
        path: Path. File to write.
        arrays: dict of name -> array.
    """
    members = {}
    for name, array in arrays.items():
        member = io.BytesIO()
        np.save(member, array, allow_pickle=False)
        members[f"{name}.npy"] = member.getvalue()
    _write_zip(path, members)


def _renumbered(config: bytes) -> bytes:
    """Returns settings whose shared objects are numbered in order, not by memory address."""
    numbers: dict[bytes, int] = {}
    return re.sub(
        rb'(?<="shared_object_id": )\d+',
        lambda found: b"%d" % numbers.setdefault(found[0], len(numbers)),
        config,
    )


def _write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=_LEVEL)
