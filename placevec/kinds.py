"""What a path is, if it is not what a verb needs: a store, a model or descriptors."""

from pathlib import Path
from typing import NamedTuple

from placevec.folder_lock import LOCK
from placevec.input_file import shown

MANIFEST = "manifest.json"
"""The file of a store that says what belongs to it."""
MODEL_FILE = "model.keras"
"""The model in the folder of a training, and in that of a network that ships with placevec."""

NETWORKS_FOLDER = Path(__file__).resolve().parent / "networks"
"""Holds a folder for each network that ships with placevec, and one of photos."""


class Kind(NamedTuple):
    """Something that a path may be.

    Args:
        what: str. What it is.
        use: str. What to do with it; `{path}` stands for the path.
    """

    what: str
    use: str


STORE = Kind(
    "a store of descriptors",
    "`placevec search {path} PHOTOS` searches it, and `placevec info {path}` names its photos and "
    "its model",
)
MODEL = Kind(
    "a model", "`--model {path}` takes it after the photos, and `placevec info {path}` describes it"
)
TRAINING = Kind("the folder of a training", f"Its model is {{path}}/{MODEL_FILE}")
DESCRIPTORS = Kind(
    "a file of descriptors", "`placevec evaluate PLACES --model {path}` measures recall with them"
)
HDF5 = Kind("a file of a model or of descriptors", "`--model {path}` takes it after the photos")
_OF_SUFFIX = {".keras": MODEL, ".npz": DESCRIPTORS, ".npy": DESCRIPTORS, ".h5": HDF5}


def is_store(path: Path) -> bool:
    """Returns whether a path is a store, damaged or not: a folder with a manifest and a lock."""
    return (Path(path) / MANIFEST).is_file() and (Path(path) / LOCK).is_file()


def kind_of(path: Path | str) -> Kind | None:
    """Returns what a path is, or None if it is none of these or does not exist.

    Names and endings of files decide; no file is opened. The name of a network that ships with
    placevec is a model, unless there is a file or folder of that name.

    Args:
        path: Path or str.
    """
    path = Path(path).expanduser()
    if is_store(path):
        return STORE
    if path.is_dir():
        return TRAINING if (path / MODEL_FILE).is_file() else None
    if path.is_file():
        return _OF_SUFFIX.get(path.suffix.lower())
    is_network = len(path.parts) == 1 and (NETWORKS_FOLDER / path / MODEL_FILE).is_file()
    return MODEL if is_network and not path.exists() else None


def refuse_kind(path: Path | str, kind: Kind | None, wanted: str) -> None:
    """Raises ValueError, which says what a path is and what to do with it; nothing for None.

    Args:
        path: Path or str.
        kind: Kind or None. What it is.
        wanted: str. What is needed in its place, such as `"photos"`.
    """
    if kind is not None:
        name = shown(path)
        raise ValueError(f"{name} is {kind.what}, not {wanted}. {kind.use.format(path=name)}")
