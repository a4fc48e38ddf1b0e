"""How library functions report progress: they hand what they go over to a callable.

The default of every `progress` argument is `no_progress`; the command line gives `tqdm`, which
draws a bar.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """What `progress` arguments take: `tqdm`, or what has its arguments."""

    def __call__(
        self, iterable: Iterable[Item], *, total: int, unit: str, desc: str
    ) -> Iterable[Item]:
        """Yields each item, and reports that it was asked for.

        Args:
            iterable: iterable. What a function goes over.
            total: int. How many items it has.
            unit: str. What one item is, such as `"photo"`.
            desc: str. What the function does, such as `"describe"`.
        """
        ...


def no_progress(iterable: Iterable[Item], *, total: int, unit: str, desc: str) -> Iterable[Item]:
    """Returns the items as they are: a `Progress` that reports nothing."""
    return iterable
