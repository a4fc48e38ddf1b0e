"""Reads descriptors that other programs made, to use them instead of a model."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.archive import MAX_ARCHIVE_BYTES, read_npy
from placevec.counted import counted
from placevec.input_file import open_input, shown
from placevec.models.files.model_file import refuse_several
from placevec.places import PlaceDataset
from placevec.store.files.descriptor_file import load_named_descriptors

_MOST_NAMED = 3


def is_foreign(path: Path) -> bool:
    """Returns whether a file holds descriptors instead of a model.

    Args:
        path: Path. `.npz` and `.npy` files do. An `.h5` file does unless Keras wrote it.
    """
    if path.suffix in (".npz", ".npy"):
        return True
    if path.suffix != ".h5" or not path.is_file():
        return False
    from placevec.models.files.hdf5 import open_hdf5  # imported here because HDF5 loads slowly

    with open_hdf5(path) as file:
        return "keras_version" not in file.attrs and "model_weights" not in file


def foreign_descriptors(path: Path, dataset: PlaceDataset) -> NDArray[np.float32]:
    """Reads the descriptors of the photos of a data set, scaled to unit length.

    Args:
        path: Path. One of: an `.npz` file with `names` (M,) and `descriptors` (M, D), as `placevec
            describe` writes it; an `.npy` file (N, D) with a row for each photo in the order of
            the data set; an `.h5` file of hloc, with a group per name that holds
            `global_descriptor`.
        dataset: PlaceDataset. The names in the file are those of its photos.

    Returns:
        (N, D) float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If photos have no descriptor in the file (they are listed), or numbers are not
            finite.
    """
    refuse_several(path)
    if path.suffix == ".npy":
        with open_input(path, max_bytes=MAX_ARCHIVE_BYTES) as file:
            found = np.asarray(read_npy(file, path.stat().st_size), np.float32)
        if found.ndim != 2 or len(found) != len(dataset):
            raise ValueError(
                f"{shown(path)} must hold a row for each of the {counted(len(dataset), 'photo')}. "
                f"Received: shape {found.shape}. If some are missing, use a .npz file with `names`"
            )
    else:
        by_name = _from_npz(path) if path.suffix == ".npz" else _from_h5(path, dataset)
        missing = [name for name in dataset.names.tolist() if name not in by_name]
        if missing:
            first = _first_names(path) if path.suffix == ".h5" else list(by_name)
            few = ", ".join(shown(name) for name in missing[:_MOST_NAMED])
            others = ", ".join(shown(name) for name in first[:_MOST_NAMED])
            raise ValueError(
                f"{shown(path)} must hold a descriptor for each of the "
                f"{counted(len(dataset), 'photo')}. Received: none for {len(missing)} of them "
                f"(first: {few}); its first names are {others or 'none'}. Names must be relative "
                f"to {dataset.root}"
            )
        found = np.stack([by_name[name] for name in dataset.names.tolist()]).astype(np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    bad = ~(np.isfinite(lengths) & (lengths > 0))[:, 0]
    if bad.any():
        raise ValueError(
            f"Descriptors must be finite and not zero. Received: {bad.sum()} in {shown(path)} that "
            f"are not (first: {shown(dataset.names[bad][0])})"
        )
    return found / lengths


def _from_npz(path: Path) -> dict[str, NDArray[np.floating]]:
    names, descriptors, *_ = load_named_descriptors(path)
    return dict(zip(names.tolist(), descriptors, strict=True))


def _from_h5(path: Path, dataset: PlaceDataset) -> dict[str, NDArray[np.floating]]:
    from placevec.models.files.hdf5 import HLOC_DESCRIPTOR, open_hdf5

    found = {}
    with open_hdf5(path) as file:
        for name in dataset.names.tolist():
            if (key := f"{name}/{HLOC_DESCRIPTOR}") in file:
                found[name] = np.asarray(file[key], np.float32).reshape(-1)
    return found


def _first_names(path: Path) -> list[str]:
    """Returns the first names in a file of hloc."""
    from placevec.models.files.hdf5 import HLOC_DESCRIPTOR, open_hdf5

    names: list[str] = []

    def note(key: str) -> bool | None:
        if key.endswith(f"/{HLOC_DESCRIPTOR}"):
            names.append(key.removesuffix(f"/{HLOC_DESCRIPTOR}"))
        return len(names) >= _MOST_NAMED or None  # anything but None ends the visit

    with open_hdf5(path) as file:
        file.visit(note)
    return names
