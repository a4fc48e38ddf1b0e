from dataclasses import dataclass
from typing import Annotated

import pytest

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
