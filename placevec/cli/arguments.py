"""The positional arguments of verbs, named as in the help, and flags made from settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from placevec.cli.command_line import read_command_line
from placevec.cli.old_spellings import in_new_spelling
from placevec.cli.surroundings import without_debug_flag
from placevec.config import TrainConfig

Config = TypeVar("Config")
Flags = tyro.conf.arg(name="")
Photos = Annotated[str, tyro.conf.arg(metavar="PHOTOS")]
Places = Annotated[str, tyro.conf.arg(metavar="PLACES")]
World = Annotated[str, tyro.conf.arg(metavar="WORLD")]
Store = Annotated[Path, tyro.conf.arg(metavar="STORE")]
Names = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAMES")]
Model = Annotated[Path, tyro.conf.arg(metavar="MODEL")]


def flags_over(config: Config, arguments: Sequence[str] | None = None) -> Config:
    """Returns settings, overridden by the flags of the command line.

    Args:
        config: dataclass instance of `placevec.config`; the values without a flag.
        arguments: sequence of str or None. Flags. None: those of this process.
    """
    arguments = without_debug_flag(arguments)
    if isinstance(config, TrainConfig):
        _, *arguments = in_new_spelling(["train", *arguments])
    return read_command_line(type(config), arguments, default=config)
