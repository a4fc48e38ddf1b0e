import importlib
import pkgutil
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import isclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest

import placevec.config
from placevec.config.limits import Above, AtLeast, Below, Between, PhotoSize
from placevec.config.refusals import settle


@pytest.mark.parametrize(
    ("limit", "inside", "outside", "words"),
    [
        (AtLeast(1), 1, 0, "at least 1"),
        (Above(0), 0.1, 0, "larger than 0"),
        (Below(1), 0.9, 1.0, "below 1"),
        (Between(0, 1), 1, 1.1, "between 0 and 1"),
        (Between(0, 1), 0, -0.1, "between 0 and 1"),
        (PhotoSize(32), (32, 40), (31, 40), "two whole numbers, rows and columns, of at least 32"),
    ],
)
def test_a_limit_holds_up_to_its_bound_and_never_for_nan(limit, inside, outside, words):
    assert limit.holds(inside)
    assert not limit.holds(outside)
    assert str(limit) == words
    if not isinstance(limit, PhotoSize):
        assert not limit.holds(float("nan"))


@dataclass(frozen=True)
class Settings:
    share: Annotated[float | None, Above(0), Below(1)] = None

    def __post_init__(self):
        settle(self)


def test_settings_are_held_to_all_limits_of_their_type_but_none_breaks_none():
    assert Settings().share is None
    assert Settings(0.5).share == 0.5
    with pytest.raises(ValueError, match="`share` must be larger than 0. Received: share=0"):
        Settings(0)
    with pytest.raises(ValueError, match="`share` must be below 1. Received: share=1.5"):
        Settings(1.5)
    with pytest.raises(ValueError, match="`share` must be of type float"):
        Settings("half")


@dataclass(frozen=True)
class Mixed:
    least: Annotated[float | Path | None, AtLeast(0)] = None
    place: tuple[float, float] | None = None

    def __post_init__(self):
        settle(self)


def test_a_limit_is_that_of_the_number_and_not_of_the_file_in_its_place():
    assert Mixed(least="a.json").least == Path("a.json")
    with pytest.raises(ValueError, match="`least` must be at least 0. Received: least=-0.1"):
        Mixed(least=-0.1)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_are_finite_also_within_tuples(number):
    with pytest.raises(ValueError, match="`least` must be (finite|at least 0). Received: least="):
        Mixed(least=number)
    with pytest.raises(ValueError, match="`place` must be finite. Received: place="):
        Mixed(place=(0.0, number))


def _float_settings():
    found = set()
    for module in pkgutil.walk_packages(placevec.config.__path__, "placevec.config."):
        for each in vars(importlib.import_module(module.name)).values():
            if isclass(each) and is_dataclass(each) and hasattr(each, "__post_init__"):
                found |= {(each, field.name) for field in fields(each) if _holds_float(field.type)}
    return sorted(found, key=str)


def _holds_float(kind: Any) -> bool:
    return kind is float or any(map(_holds_float, get_args(kind)))


@pytest.mark.parametrize(("config", "name"), _float_settings())
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_every_number_among_the_settings_is_finite(config, name, number):
    needed = {each.name: Path("a") for each in fields(config)
              if each.default is MISSING and each.default_factory is MISSING}  # fmt: skip
    kind = next(each.type for each in fields(config) if each.name == name)
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    count = next((len(get_args(each)) for each in (kind, *get_args(kind))
                  if get_origin(each) is tuple), 0)  # fmt: skip
    with pytest.raises(ValueError, match=f"`{name}` must be .*(nan|inf)"):
        config(**needed, **{name: (number,) * count or number})
