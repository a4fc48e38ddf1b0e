"""Accepts `placevec render WORLD`, the spelling of an earlier version, for one more release."""

import sys
from dataclasses import dataclass
from typing import Annotated

from placevec.cli.arguments import Flags, World
from placevec.cli.command_line import read_command_line
from placevec.cli.settings import EarlierRendering
from placevec.config import ModelRenderConfig, TownRenderConfig


@dataclass(frozen=True)
class _RenderFlags(ModelRenderConfig, TownRenderConfig):
    """The flags that `render` had for all worlds."""

    def __post_init__(self) -> None:
        """Checks nothing: the flags are read again, into settings that do check them."""


def _old_render(
    world: World = "town",
    /,
    earlier: Annotated[EarlierRendering, Flags] = EarlierRendering(),  # noqa: B008
    settings: Annotated[_RenderFlags, Flags] = _RenderFlags(),  # noqa: B008
) -> str:
    return world


def render_in_new_spelling(arguments: list[str]) -> list[str]:
    """Returns `render WORLD ...` as `render town ...` or `render model WORLD ...`.

    Args:
        arguments: list of str. `render ...`.

    Example:
    >>> render_in_new_spelling(["render", "model", "a.obj", "--seed", "3"])
    ['render', 'model', 'a.obj', '--seed', '3']
    """
    if arguments[1:2] in (["town"], ["model"]) or {"-h", "--help"} & set(arguments):
        return arguments
    rest = arguments[1:]
    world = read_command_line(_old_render, rest, prog="placevec render")
    before = "placevec render"
    if world in rest:
        rest.remove(world)
        before += f" {world}"
    way = ["town"] if world == "town" else ["model", world]
    now = f"placevec render {' '.join(way)}"
    if now != before:  # equal if flags stood in front of `town`
        print(f"placevec: `{before}` is now `{now}`", file=sys.stderr)
    return ["render", *way, *rest]
