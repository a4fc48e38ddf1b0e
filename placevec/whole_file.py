"""Files that are there as a whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Gives a path to write to, and moves what was written to `path` when all went well.

    Whatever happens before, an error, a full disk, SIGKILL or power loss, an older file at `path`
    stays as it was. What a killed process leaves is replaced by the next writer of `path`.

    Args:
        path: Path. The file to write, in a folder that is there.

    Yields:
        Path. A file beside it that ends in the same name.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as unfinished:
    ...         _ = unfinished.write_text("all of it")
    ...     print([path.name for path in Path(folder).iterdir()])
    ['a.txt']
    """
    path = Path(path)
    unfinished = path.with_name(f".unfinished-{path.name}")
    try:
        yield unfinished
        _to_disk(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # some network disks cannot, and the file is there
        _to_disk(path.parent)


def require_writable(path: Path | str, suffix: str) -> None:
    """Refuses a path that could not be written to; called before the long work.

    Args:
        path: Path. The file to write, in a folder that is there.
        suffix: str. What its name must end in, such as `".npz"`.

    Raises:
        ValueError: If `path` ends otherwise.
        FileNotFoundError: If the folder is missing.
        OSError: If `path` is a folder, or its folder read-only.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"The file to write must be one that ends in {suffix}. Received: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for {path.name}. Make it")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Name a file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {path.parent} must be writable for {path.name}")


def _to_disk(path: Path) -> None:
    """Waits until the system has written a file or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
