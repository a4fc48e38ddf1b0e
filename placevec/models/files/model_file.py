"""Finds the file of a model before it is loaded."""

import difflib
from pathlib import Path

from placevec.config.networks import DEFAULT_NETWORK, NETWORKS
from placevec.models.files.shipped import shipped_model, shipped_name


def model_path(model: Path | str | None) -> Path:
    """Returns the path of the model that `--model` names.

    Args:
        model: Path or None. The name of a network that ships with placevec, or a file, which may
            be missing. None: the default network.
    """
    model = DEFAULT_NETWORK if model is None else model
    return shipped_model(str(model)) if str(model) in NETWORKS else Path(model)


def lasting_name(path: Path) -> str:
    """Returns a name for a model's file that `model_path` still understands later and elsewhere.

    Args:
        path: Path. The file of a model.

    Returns:
        The name of a network that ships with placevec, or the absolute path of another file.
    """
    return shipped_name(path) or str(Path(path).absolute())


def find_model_file(model: Path | str | None) -> Path:
    """Returns the path of a model as `model_path` does, and refuses a missing file.

    Args:
        model: Path or None. See `model_path`.

    Raises:
        FileNotFoundError: If the file does not exist. The message names the networks that ship
            with placevec, or the model inside the folder of a training.
    """
    path = model_path(model)
    if path.is_dir():
        inside = path / "model.keras"
        hint = f"Name the file in it: {inside}" if inside.is_file() else "Name a .keras file"
        raise FileNotFoundError(f"The model {path} is a folder. {hint}")
    if not path.is_file():
        near = difflib.get_close_matches(path.name, NETWORKS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise FileNotFoundError(
            f"There is no model {path}. {hint}Name a .keras file, or a network that ships with "
            f"placevec: {', '.join(NETWORKS)}"
        )
    return path
