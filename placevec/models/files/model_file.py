"""Finds the file of a model before it is loaded."""

import difflib
from pathlib import Path

from placevec.config.networks import DEFAULT_NETWORK, NETWORKS
from placevec.input_file import shown
from placevec.kinds import HDF5, MODEL, kind_of, refuse_kind
from placevec.models.files.shipped import shipped_model, shipped_name


def model_path(model: Path | str | None) -> Path:
    """Returns the path of the model that `--model` names.

    Args:
        model: Path or None. The name of a network that ships with placevec, or a file, which may
            be missing. None: the default network.
    """
    path = closed_model(DEFAULT_NETWORK if model is None else model)
    return shipped_model(str(path)) if str(path) in NETWORKS else path


def closed_model(model: Path | str) -> Path:
    """Returns the file or name of a model, for functions that cannot use an open one.

    Raises:
        ValueError: If it is an open model, such as `load_model` returns.
    """
    if isinstance(model, Path | str):
        return Path(model)
    raise ValueError(
        "`model` must be a file or the name of a network, which is kept with the results. "
        f"Received: {type(model).__name__}, which is open. Give what it was opened from, such as "
        f"{DEFAULT_NETWORK!r}"
    )


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
        FileNotFoundError: If there is no such file; the message names the networks that ship with
            placevec.
        ValueError: If it is something else, see `kind_of`, or several models in one name.
    """
    path = model_path(model)
    kind = kind_of(path)
    if kind is None and path.exists():
        from placevec.sources.walk import photos_at  # for an error alone: sources are many

        kind = photos_at(path)
    refuse_kind(path, None if kind in (MODEL, HDF5) else kind, "a model")
    if path.is_dir():
        raise FileNotFoundError(f"The model {path} is a folder. Name a .keras file")
    if not path.is_file():
        refuse_several(path)
        near = difflib.get_close_matches(path.name, NETWORKS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise FileNotFoundError(
            f"There is no model {path}. {hint}Name a .keras file, or a network that ships with "
            f"placevec: {', '.join(NETWORKS)}"
        )
    return path


def refuse_several(model: Path) -> None:
    """Refuses models whose names are joined by commas, such as `tiny,small`.

    Raises:
        ValueError: If each part is a model, or a file that exists.
    """
    names = [name.strip() for name in str(model).split(",")]
    if len(names) > 1 and not model.exists() and all(model_path(name).is_file() for name in names):
        raise ValueError(
            "`--model` must be one model, or several separated by spaces for `evaluate`: "
            f"`--model {shown(' '.join(names))}`. Received: {shown(model)}"
        )
