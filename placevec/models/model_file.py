"""The file of a model, looked at before it is loaded."""

from pathlib import Path


def require_model_file(path: Path) -> None:
    """Refuses a path that is no file, and names the model inside the folder of a training.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if path.is_dir():
        inside = path / "model.keras"
        hint = f"Name the file in it: {inside}" if inside.is_file() else "Name a .keras file"
        raise FileNotFoundError(f"The model {path} is a folder. {hint}")
    if not path.is_file():
        raise FileNotFoundError(f"There is no model {path}")
