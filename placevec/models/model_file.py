"""The file of a model, looked at before it is loaded."""

from pathlib import Path


def model_path(model: Path | str | None) -> Path:
    """Returns the path of a model, by whatever `--model` names it.

    Args:
        model: Path or None. The file; whether it exists is not checked.

    Raises:
        ValueError: If it is None.
    """
    if model is None:
        raise ValueError("Name a model, a .keras file or an old .h5 file: `--model`")
    return Path(model)


def find_model_file(model: Path | str | None) -> Path:
    """Returns the path of a model as `model_path` does, if there is a file.

    Args:
        model: Path or None. See `model_path`.

    Raises:
        ValueError: If it is None.
        FileNotFoundError: If there is no such file; the message names the model inside the folder
            of a training.
    """
    path = model_path(model)
    if path.is_dir():
        inside = path / "model.keras"
        hint = f"Name the file in it: {inside}" if inside.is_file() else "Name a .keras file"
        raise FileNotFoundError(f"The model {path} is a folder. {hint}")
    if not path.is_file():
        raise FileNotFoundError(f"There is no model {path}")
    return path
