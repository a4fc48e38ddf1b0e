"""Hides Panda3D's own lines about bad files."""

import contextlib
from collections.abc import Iterator

from panda3d import core


@contextlib.contextmanager
def silent_panda() -> Iterator[None]:
    """Hides Panda3D's own lines on stderr in a block, because the error says what is wrong."""
    notify = core.Notify.ptr()
    before, said = notify.get_ostream_ptr(), core.StringStream()
    notify.set_ostream_ptr(said, False)
    try:
        yield
    finally:
        notify.set_ostream_ptr(before, False)
