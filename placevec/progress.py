"""How library functions report progress: they pass what they iterate over to a callable.

The default of every `progress` argument is `no_progress`. The command line passes `tqdm`, which
draws a bar.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """The type of `progress` arguments: `tqdm`, or any callable with the same arguments."""

    def __call__(
        self, iterable: Iterable[Item], *, total: int, unit: str, desc: str
    ) -> Iterable[Item]:
        """Yields each item, and reports that it was asked for.

        Args:
            iterable: iterable. What the function iterates over.
            total: int. Number of its items.
            unit: str. Name of one item, such as `"photo"`.
            desc: str. What the function does, such as `"describe"`.
        """
        ...


def no_progress(iterable: Iterable[Item], *, total: int, unit: str, desc: str) -> Iterable[Item]:
    """Returns the items unchanged: a `Progress` that reports nothing."""
    return iterable
