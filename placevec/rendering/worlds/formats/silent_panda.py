"""Keeps the lines of Panda3D about bad files off stderr."""

import contextlib
from collections.abc import Iterator

from panda3d import core


@contextlib.contextmanager
def silent_panda() -> Iterator[None]:
    """Keeps Panda3D's own lines off stderr while the block runs: the error says what is wrong."""
    notify = core.Notify.ptr()
    before, said = notify.get_ostream_ptr(), core.StringStream()
    notify.set_ostream_ptr(said, False)
    try:
        yield
    finally:
        notify.set_ostream_ptr(before, False)
