"""Settings that the arguments name: those of an earlier run, or of a recipe."""

from pathlib import Path

from placevec.cli.arguments import Config
from placevec.config import RenderConfig, TrainConfig, from_dict
from placevec.input_file import read_json
from placevec.recipes import RECIPES, recipe

_LARGEST_SETTINGS = 2**20  # bytes
_FOR_ONE_RUN = ("resume", "overwrite")


def take_settings(arguments: list[str]) -> tuple[list[str], TrainConfig, RenderConfig]:
    """Takes `--config FILE` or `--recipe NAME --data DIR` out of the arguments.

    Returns:
        The arguments that are left, and the settings that flags of `train` and of `render` go
        over.
    """
    training, rendering = TrainConfig(), RenderConfig()
    if arguments[:1] == ["train"]:
        arguments, training = _take_training(arguments)
    elif arguments[:1] == ["render"]:
        what = "a file: the world.json of an earlier rendering"
        arguments, path = _take(arguments, "--config", what)
        rendering = _read_config(RenderConfig, None if path is None else Path(path))
    return arguments, training, rendering


def _take_training(arguments: list[str]) -> tuple[list[str], TrainConfig]:
    given = {}
    for flag, what in (
        ("--config", "a file: the config.json of an earlier run"),
        ("--recipe", f"a name: {', '.join(sorted(RECIPES))}"),
        ("--data", "the folder of the recipe's data"),
    ):
        arguments, given[flag] = _take(arguments, flag, what)
    config_path, name, data = given.values()
    if name is None and data is None:
        return arguments, _read_config(
            TrainConfig, None if config_path is None else Path(config_path)
        )
    if config_path is not None or name is None or data is None:
        raise ValueError(
            "`--recipe NAME` and `--data DIR` go together, without `--config`. Received: "
            f"{', '.join(flag for flag, value in given.items() if value is not None)}"
        )
    return arguments, recipe(name, Path(data))


def _take(arguments: list[str], flag: str, what: str) -> tuple[list[str], str | None]:
    """Takes `FLAG VALUE` or `FLAG=VALUE` out of the arguments."""
    arguments = [
        part
        for each in arguments
        for part in (each.split("=", 1) if each.startswith(f"{flag}=") else [each])
    ]
    if flag not in arguments:
        return arguments, None
    place = arguments.index(flag)
    if place + 1 == len(arguments):
        raise ValueError(f"`{flag}` needs {what}")
    return arguments[:place] + arguments[place + 2 :], arguments[place + 1]


def _read_config(kind: type[Config], path: Path | None) -> Config:
    if path is None:
        return kind()
    if not path.is_file():
        raise FileNotFoundError(f"There is no settings file {path}")
    values = _by_name(read_json(path, max_bytes=_LARGEST_SETTINGS), path)
    if kind is RenderConfig:  # world.json says more than the settings
        values = dict(_by_name(values.get("settings", {}), path))
        values.pop("world", None)
    # What a run was told to do with its folder holds for that run alone.
    values = {name: value for name, value in values.items() if name not in _FOR_ONE_RUN}
    return from_dict(kind, values)


def _by_name(values: object, path: Path) -> dict:
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold settings by name. Received: {type(values).__name__}")
    return values
