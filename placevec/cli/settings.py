"""Reads settings that flags override, from an earlier run, an earlier rendering, or a recipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from placevec.cli.arguments import Config
from placevec.cli.command_line import read_command_line
from placevec.config import (
    ModelRenderConfig,
    RenderConfig,
    TownRenderConfig,
    TrainConfig,
    from_dict,
    to_dict,
)
from placevec.input_file import read_json
from placevec.recipes import RECIPES, recipe

_MAX_SETTINGS_BYTES = 2**20
_FOR_ONE_RUN = ("resume", "overwrite")
_File = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]
_Recipe = Annotated[str | None, tyro.conf.arg(metavar=f"{{{','.join(sorted(RECIPES))}}}")]


@dataclass(frozen=True)
class EarlierSettings:
    """Where settings of a training come from if no flag sets them."""

    config: _File = None
    """Read the settings of an earlier run from its config.json; flags override them."""
    recipe: _Recipe = None
    """Use the settings of a recipe, see placevec/recipes; flags override them."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder with the data of the recipe."""

    def read(self) -> TrainConfig:
        """Returns the settings."""
        if self.recipe is None and self.data is None:
            return _read_config(TrainConfig, self.config)
        if self.config is not None or self.recipe is None or self.data is None:
            given = [f"--{name}" for name, value in vars(self).items() if value is not None]
            raise ValueError(
                "`--recipe NAME` and `--data DIR` go together, without `--config`. Received: "
                f"{', '.join(given)}"
            )
        return recipe(self.recipe, self.data)


@dataclass(frozen=True)
class EarlierRendering:
    """Where settings of a rendering come from if no flag sets them."""

    config: _File = None
    """Read the settings of an earlier rendering from its world.json; flags override them."""

    def read(self, kind: type[RenderConfig]) -> RenderConfig:
        """Returns the settings, which are those of the town or those of a model."""
        return _read_config(kind, self.config)


def earlier_settings(
    kind: type[EarlierSettings] | type[EarlierRendering],
    verb: str,
    arguments: list[str],
    *of: type[RenderConfig],
) -> Any:  # noqa: ANN401
    """Returns the settings that a verb's flags override: the defaults if another verb is called.

    Args:
        kind: type. `EarlierSettings` or `EarlierRendering`.
        verb: str. Name of the verb.
        arguments: list of str. The command line, from the called verb on.
        *of: type. The class of the settings, for a rendering only.
    """
    given = arguments[1:] if arguments[:1] == [verb] else []
    return read_command_line(
        kind, given, prog=f"placevec {verb}", return_unknown_args=True, add_help=False
    )[0].read(*of)


def _read_config(kind: type[Config], path: Path | None) -> Config:
    if path is None:
        return kind()
    if not path.is_file():
        raise FileNotFoundError(f"There is no settings file {path}")
    values = _by_name(read_json(path, max_bytes=_MAX_SETTINGS_BYTES), path)
    if issubclass(kind, RenderConfig):  # world.json says more than the settings
        values = _of_rendering(kind, _by_name(values.get("settings", {}), path))
    # An earlier run's settings about its own folder, such as `overwrite`, must not act on this one.
    values = {name: value for name, value in values.items() if name not in _FOR_ONE_RUN}
    return from_dict(kind, values)


def _of_rendering(kind: type[RenderConfig], values: dict) -> dict:
    """Leaves out the world's name, and defaults of the other kind, which old versions wrote too."""
    own = to_dict(kind())
    others = to_dict(TownRenderConfig()) | to_dict(ModelRenderConfig())
    return {
        name: value
        for name, value in values.items()
        if name != "world" and (name in own or others.get(name, value is None) != value)
    }


def _by_name(values: object, path: Path) -> dict:
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold settings by name. Received: {type(values).__name__}")
    return values
