"""What photos of a source lack, noted instead of refused while a data set is checked."""

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Lack:
    """Photos of a source that lack something, as `surveying` notes them.

    Args:
        names: (n,) str. The photos, as the source names them.
        count: int. Number of all photos of the source.
        message: str. What is wrong, with the count and the first name.
        of_files: bool. Whether the files lack; if not, something that is known of the photos.
        left_out: bool. Whether these are no photos of the source but entries beside them. Then
            `names` are at most the first thousand. Defaults to `False`.
    """

    names: np.ndarray
    count: int
    message: str
    of_files: bool
    left_out: bool = False


_noted: contextvars.ContextVar[list[Lack] | None] = contextvars.ContextVar("noted", default=None)


@contextlib.contextmanager
def surveying() -> Iterator[list[Lack]]:
    """Lets readers hand over all that they know of, and notes what lacks instead of refusing it.

    Photos whose files are missing or empty stay in the data set; those of which something else
    lacks, such as the position, are left out of it. Both are noted, by every reader that asks
    `readable`, `keep_files` or `go_on_without`. Only where no position is known at all do readers
    refuse as ever.

    Yields:
        The list that they are noted in.
    """
    lacks: list[Lack] = []
    token = _noted.set(lacks)
    try:
        yield lacks
    finally:
        _noted.reset(token)


def noted() -> list[Lack] | None:
    """Returns the list that lacks are noted in, or None if they are refused."""
    return _noted.get()
