"""Handles missing photos and positions: refused, left out, or noted for `placevec check`."""

import contextlib
import contextvars
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Missing:
    """Photos of a source that are missing or incomplete, as `note_missing` notes them.

    Args:
        names: (n,) str. The photos, as the source names them.
        count: int. Number of all photos of the source.
        message: str. What is wrong, with the count and the first name.
        of_files: bool. Whether the files are missing. If not, something else is, such as the
            position.
        left_out: bool. Whether these are not photos of the source but entries beside them. Then
            `names` has at most the first thousand. Defaults to `False`.
    """

    names: NDArray[np.str_]
    count: int
    message: str
    of_files: bool
    left_out: bool = False


_notes: contextvars.ContextVar[list[Missing] | None] = contextvars.ContextVar("notes", default=None)


@contextlib.contextmanager
def note_missing() -> Iterator[list[Missing]]:
    """Lets readers return all photos of a source, and notes what is missing.

    Photos whose files are missing or empty stay in the data set. Photos without something else,
    such as the position, are left out. Every reader that calls `readable`, `keep_files` or
    `go_on_without` notes both. Readers still refuse a source without any position.

    Yields:
        The list of notes.
    """
    notes: list[Missing] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def noted_missing() -> list[Missing] | None:
    """Returns the list of notes, or None if readers refuse missing things."""
    return _notes.get()


def go_on_without(
    names: Sequence[str] | NDArray[np.str_],
    count: int,
    *,
    problem: str,
    way_out: str,
    skip_unreadable: bool,
    what: str = "photo",
    detail: str = "",
    error: type[Exception] = ValueError,
) -> None:
    """Raises a one-line error, or logs it and continues, if some photos cannot be used.

    Args:
        names: names of the photos that cannot be used; with none, nothing happens.
        count: int. Number of all photos.
        problem: str. What is wrong; `{}` becomes "3 of 120 photos".
        way_out: str. What to do about it.
        skip_unreadable: bool. Log a warning in place of the error, unless no photo is left.
        what: str. What one of them is. Defaults to `"photo"`.
        detail: str. More about it, set beside the first name.
        error: type of the error; `FileNotFoundError` says that files are missing. Defaults to
            `ValueError`.

    Raises:
        error: If some photos cannot be used and `skip_unreadable` is false, or if none can be used.
            Within `note_missing`, only if none can be used for another reason than missing files.
    """
    if len(names) == 0:
        return
    notes, of_files = noted_missing(), issubclass(error, FileNotFoundError)
    are_all = len(names) == count
    if notes and not of_files and not are_all:
        names = _without_missing(names, notes)
        if not len(names):
            return
    detail = f"; {detail}" if detail else ""
    share = f"{len(names)} of {counted(count, what)}"
    message = f"{problem.replace('{}', share, 1)} (first: {shown(names[0])}{detail})"
    if notes is not None and (of_files or not are_all):
        notes.append(Missing(np.asarray(names), count, message, of_files))
        return
    if are_all:
        raise error(f"{message}. {way_out}")
    if not skip_unreadable:
        raise error(f"{message}. {way_out}, or continue without them: `--skip-unreadable`")
    _log.warning("%s: left out", message)


def _without_missing(
    names: Sequence[str] | NDArray[np.str_], notes: list[Missing]
) -> NDArray[np.str_]:
    """Returns the names that are not noted as missing files, so that each counts once."""
    missing = {
        name
        for note in notes
        if note.of_files and not note.left_out and len(note.names) < note.count
        for name in note.names.tolist()
    }
    return np.array([name for name in map(str, names) if name not in missing], dtype=np.str_)
