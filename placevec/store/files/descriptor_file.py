"""Descriptors in one `.npz` file: names, vectors and the model that they came from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.archive import read_npz
from placevec.input_file import shown
from placevec.store.unit_length import to_unit
from placevec.whole_file import require_writable, whole_file


def save_descriptors(
    path: Path, names: NDArray[np.str_], descriptors: NDArray[np.floating], model_id: str
) -> None:
    """Writes a complete file of descriptors, or none.

    Args:
        path: Path. A file that ends in `.npz`.
        names: (N,) str. Names of the photos.
        descriptors: (N, D) float, of unit length. Others are scaled, with a warning.
        model_id: str. Id of the model, see `placevec.models.model_id`.

    Raises:
        ValueError: If `path` does not end in `.npz`, the rows do not fit, or a descriptor is zero
            or not finite.
        OSError: If the folder is missing or the disk is full. An older file stays.
    """
    path = Path(path)
    require_writable(path, ".npz")
    names, descriptors = np.asarray(names, np.str_), np.asarray(descriptors, np.float32)
    if descriptors.ndim != 2 or names.shape != (len(descriptors),):
        raise ValueError(
            "`names` and `descriptors` must be (N,) and (N, D). Received: "
            f"{names.shape} and {descriptors.shape}"
        )
    descriptors = to_unit(descriptors, str(path), names.__getitem__)
    with whole_file(path) as unfinished:
        np.savez(unfinished, names=names, descriptors=descriptors, model_id=np.array(model_id))


def load_descriptors(path: Path) -> tuple[NDArray[np.str_], NDArray[np.float32], str]:
    """Reads a file that `save_descriptors` wrote.

    Args:
        path: Path. The `.npz` file.

    Returns:
        names `(N,)` str, descriptors `(N, D)` float32, and the model's id.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged, an array is missing, the rows do not fit, or a
            descriptor is zero or not finite. Other lengths are scaled to 1, with a warning.
    """
    names, descriptors, model_id = load_named_descriptors(path)
    if model_id is None:
        raise ValueError(f"{path} cannot be read as descriptors (`model_id` is missing)")
    return names, descriptors, model_id


def load_named_descriptors(
    path: Path,
) -> tuple[NDArray[np.str_], NDArray[np.float32], str | None]:
    """Reads a file of `save_descriptors`, or one that other programs wrote without a model's id.

    Args:
        path: Path. The `.npz` file.

    Returns:
        As `load_descriptors`, with None for the id if it is missing.

    Raises:
        FileNotFoundError, ValueError: As `load_descriptors`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path} of descriptors")
    try:
        arrays = read_npz(path)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as descriptors ({error})") from error
    if not {"names", "descriptors"} <= arrays.keys():
        held = shown(", ".join(arrays) or "none")
        raise ValueError(
            f"{path} cannot be read as descriptors: its arrays must be `names` (N,) and "
            f"`descriptors` (N, D). Received: {held}"
        )
    names, descriptors = arrays["names"], arrays["descriptors"]
    model_id = str(arrays["model_id"]) if "model_id" in arrays else None
    kinds = names.dtype.kind + descriptors.dtype.kind
    if kinds != "Uf" or descriptors.ndim != 2 or names.shape != (len(descriptors),):
        raise ValueError(
            f"{path} must hold names (N,) of text and descriptors (N, D) of floats. Received: "
            f"{names.shape} of {names.dtype} and {descriptors.shape} of {descriptors.dtype}"
        )
    return names, to_unit(descriptors, str(path), names.__getitem__), model_id
