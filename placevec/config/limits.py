"""Limits of settings, which are part of their types: `Annotated[int, AtLeast(1)]`."""

from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class AtLeast:
    """A number that is not smaller than `least`."""

    least: float

    def holds(self, value: Any) -> bool:
        """Returns whether a value is within the limit."""
        return value >= self.least

    def __str__(self) -> str:
        return f"at least {self.least}"


@dataclass(frozen=True)
class Above:
    """A number that is larger than `bound`."""

    bound: float

    def holds(self, value: Any) -> bool:
        """Returns whether a value is within the limit."""
        return value > self.bound

    def __str__(self) -> str:
        return f"larger than {self.bound}"


@dataclass(frozen=True)
class Below:
    """A number that is smaller than `bound`."""

    bound: float

    def holds(self, value: Any) -> bool:
        """Returns whether a value is within the limit."""
        return value < self.bound

    def __str__(self) -> str:
        return f"below {self.bound}"


@dataclass(frozen=True)
class Between:
    """A number from `least` to `most`."""

    least: float
    most: float

    def holds(self, value: Any) -> bool:
        """Returns whether a value is within the limit."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"between {self.least} and {self.most}"


@dataclass(frozen=True)
class PhotoSize:
    """Rows and columns of a photo that a network can take."""

    least: int

    def holds(self, value: Any) -> bool:
        """Returns whether a value is within the limit."""
        return min(value) >= self.least

    def __str__(self) -> str:
        return f"two whole numbers, rows and columns, of at least {self.least}"


_PHOTO = PhotoSize(32)
ImageSize = Annotated[tuple[int, int], _PHOTO]
ImageSizeOrNone = Annotated[tuple[int, int] | None, _PHOTO]

Limit = AtLeast | Above | Below | Between | PhotoSize
