"""Recipes: complete training settings for known data sets.

Each file is one recipe. Its docstring says where the data come from, the command, what to expect
and what was measured; its `settings` turn the folder of the data into a `TrainConfig`.
"""

import difflib
from collections.abc import Callable
from pathlib import Path

from placevec.config import TrainConfig
from placevec.recipes import (
    cartwheel_mobilenetv2,
    dinov2_netvlad,
    gsv_cities_multisimilarity,
    lite0_netvlad,
    netvlad_pitts30k,
    netvlad_tokyotm,
)

RECIPES: dict[str, Callable[[Path], TrainConfig]] = {
    "cartwheel_mobilenetv2": cartwheel_mobilenetv2.settings,
    "dinov2_netvlad": dinov2_netvlad.settings,
    "gsv_cities_multisimilarity": gsv_cities_multisimilarity.settings,
    "lite0_netvlad": lite0_netvlad.settings,
    "netvlad_pitts30k": netvlad_pitts30k.settings,
    "netvlad_tokyotm": netvlad_tokyotm.settings,
}


def recipe(name: str, data: Path) -> TrainConfig:
    """Returns the settings of a recipe.

    Args:
        name: str. A name in `RECIPES`.
        data: Path. The folder that the recipe's docstring describes.

    Returns:
        TrainConfig, whose `out` is `runs/NAME`.

    Raises:
        ValueError: If `name` is unknown.

    Example:
    >>> recipe("lite0_netvlad", Path("cambridge")).places
    'table:cambridge/train'
    """
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ValueError(
            f"There is no recipe {name}. {hint}There are: {', '.join(sorted(RECIPES))}"
        )
    return RECIPES[name](Path(data))
