"""Which photos lie on disk, and whether all that a source names are there."""

import contextlib
import contextvars
import logging
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from placevec.images.video import parse_frame_name

log = logging.getLogger(__name__)
_LONGEST_NAME = 1000

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def is_photo(name: str) -> bool:
    """Returns whether a file is a photo, told by the end of its name."""
    return name.lower().endswith(PHOTO_SUFFIXES)


def list_photos(root: Path) -> list[str]:
    """Lists the photos below a folder, its subfolders included.

    Files and folders whose names begin with a dot are left out. Links are followed, each folder
    is entered once; those that lead out of `root` are left out and logged, unless the environment
    variable PLACEVEC_FOLLOW_LINKS is set.

    Args:
        root: Path. The folder.

    Returns:
        Names relative to `root`, with `/` between folders, sorted.

    Raises:
        FileNotFoundError: If `root` is no folder.
        ValueError: If it holds no photo.
    """
    require_folder(root)
    names = sorted(walk_photos(root))
    if not names:
        raise ValueError(f"No photos in {root}. A photo's name ends in {', '.join(PHOTO_SUFFIXES)}")
    return names


def walk_photos(root: Path) -> Iterator[str]:
    """Yields the photos below a folder as `list_photos` lists them, but in no order."""
    entered = set()
    inside, out = _Inside(root), []
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=_raise):
        if folder not in inside:
            out.append(folder)
            subfolders.clear()
            continue
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        prefix = Path(folder).relative_to(root).as_posix()
        prefix = "" if prefix == "." else f"{prefix}/"
        for name in files:
            if is_photo(name) and not name.startswith("."):
                if os.path.join(folder, name) in inside:
                    yield prefix + name
                else:
                    out.append(prefix + name)
    if out:
        log.warning(
            "%d links lead out of %s (first: %s): left out. Set PLACEVEC_FOLLOW_LINKS=1 to "
            "follow them",
            len(out),
            root,
            out[0],
        )


def some_photos(root: Path) -> list[str]:
    """Returns the names of some photos below a folder, 100 at most; none where it is no folder."""
    return list(islice(walk_photos(root), 100)) if root.is_dir() else []


def require_folder(path: Path) -> None:
    """Raises FileNotFoundError, in one line, where `path` is no folder."""
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise FileNotFoundError(f"{path} {what}. Give the folder that holds the photos")


def tidy_name(name: str, source: Path) -> str:
    """Returns a file name as a table or a .mat gives it, relative and without detours.

    Args:
        name: str. Name relative to the photos' folder, with slashes or backslashes between folders.
        source: Path. The file that holds the name, for the error.

    Raises:
        ValueError: If the name is empty, holds control characters such as a line's end, or leads
            out of the photos' folder.
    """
    tidy = posixpath.normpath(name.strip().replace("\\", "/"))
    if tidy == ".." or tidy.startswith(("../", "/")) or re.match(r"[A-Za-z]:", tidy):
        raise ValueError(
            f"A photo's name must be relative to its folder and stay inside. Received: {name!r} "
            f"in {source}"
        )
    if len(tidy) > _LONGEST_NAME:
        raise ValueError(
            f"A photo's name must have at most {_LONGEST_NAME} characters. Received: {len(tidy)}, "
            f"{name[:40]!r}... in {source}"
        )
    if tidy == "." or min(tidy) < " ":
        raise ValueError(
            f"A photo's name must not be empty, nor hold control characters. Received: {name!r} in "
            f"{source}"
        )
    return tidy


class _Inside:
    """The paths below a folder that no link leads out of; all, with PLACEVEC_FOLLOW_LINKS."""

    def __init__(self, root: Path):
        self._root = os.path.realpath(root)
        self._follows = bool(os.environ.get("PLACEVEC_FOLLOW_LINKS"))

    def __contains__(self, path: str | Path) -> bool:
        """Returns whether a path in a folder that is inside is so too."""
        return not os.path.islink(path) or self.holds(path)

    def holds(self, path: str | Path) -> bool:
        """Returns whether a path is inside, whatever folders lead to it."""
        return self._follows or Path(os.path.realpath(path)).is_relative_to(self._root)


def leads_out(path: Path, root: Path) -> bool:
    """Returns whether a path is a link that leads out of a folder, and may not be followed."""
    return path not in _Inside(root)


class Listing:
    """The files below a folder, each subfolder listed once, when the first file in it is sought.

    Links that lead out of the folder are not there, see `list_photos`.

    Args:
        root: Path. The folder that names are relative to.
    """

    def __init__(self, root: Path):
        self.root = root
        self._inside = _Inside(root)
        self._folders: dict[str, dict[str, os.DirEntry]] = {}
        self._stems: dict[str, dict[str, str]] = {}

    def find(self, name: str) -> str | None:
        """Returns the name of the file: as given or, where only that exists, with another suffix.

        Args:
            name: str. Name relative to the root.

        Returns:
            The name of a file that exists and is not empty, or None.
        """
        folder, _, base = name.rpartition("/")
        base, files = self._spelling(folder, base), self._list(folder)
        if base not in files or not _has_content(files[base]):
            return None
        return f"{folder}/{base}" if folder else base

    def mentions(self, name: str) -> bool:
        """Returns whether an entry of this name or with another suffix exists, empty or not."""
        folder, _, base = name.rpartition("/")
        return self._spelling(folder, base) in self._list(folder)

    def holds(self, name: str) -> bool:
        """Returns whether a file of this name, or a frame's film, is there and not empty."""
        folder, _, base = name.rpartition("/")
        files = self._list(folder)
        if base not in files:
            base = (parse_frame_name(base) or (base,))[0]
        return base in files and _has_content(files[base])

    def _spelling(self, folder: str, base: str) -> str:
        """Returns a file name as it is on disk, with another suffix if only that exists."""
        files = self._list(folder)
        if base in files:
            return base
        if folder not in self._stems:
            self._stems[folder] = _photos_by_stem(files)
        return self._stems[folder].get(os.path.splitext(base)[0], "")

    def _list(self, folder: str) -> dict[str, os.DirEntry]:
        if folder not in self._folders:
            self._folders[folder] = {}
            path = self.root / folder
            if path.is_dir() and self._inside.holds(path):
                with os.scandir(path) as entries:
                    self._folders[folder] = {
                        entry.name: entry for entry in entries if entry.path in self._inside
                    }
        return self._folders[folder]


@dataclass(frozen=True, eq=False)
class Lack:
    """Photos of a source that lack something, as `surveying` notes them.

    Args:
        names: (n,) str. The photos, as the source names them.
        count: int. Number of all photos of the source.
        message: str. What is wrong, with the count and the first name.
        of_files: bool. Whether the files lack; if not, something that is known of the photos.
    """

    names: np.ndarray
    count: int
    message: str
    of_files: bool


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


def readable(
    root: Path, names: Sequence[str] | np.ndarray, *, source: Path, skip_unreadable: bool
) -> np.ndarray:
    """Tells which photos are there and not empty, and refuses a lack unless told to go on.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. Names of the photos.
        source: Path. What names them, for the messages.
        skip_unreadable: bool. Go on without those that lack, and log how many they are.

    Returns:
        (N,) bool. All of them while `surveying`.

    Raises:
        FileNotFoundError: If a photo lacks and `skip_unreadable` is false, or if all lack.
    """
    return keep_files(
        np.asarray(names),
        files_there(root, names),
        source=source,
        detail=f"looked in {root}",
        way_out="Put them there",
        skip_unreadable=skip_unreadable,
    )


def files_there(root: Path, names: Sequence[str] | np.ndarray) -> np.ndarray:
    """Returns (N,) bool: which names below a folder are files that are not empty."""
    listing = Listing(root)
    return np.fromiter((listing.holds(str(name)) for name in names), dtype=bool, count=len(names))


def keep_files(
    names: np.ndarray,
    there: np.ndarray,
    *,
    source: Path,
    detail: str,
    way_out: str,
    skip_unreadable: bool,
) -> np.ndarray:
    """Tells which photos to go on with, given which files are there, and refuses a lack.

    Args:
        names: (N,) str. Names of the photos.
        there: (N,) bool. Which of them are files that are not empty.
        source: Path. What names them, for the messages.
        detail: str. Where they were sought.
        way_out: str. What to do about it.
        skip_unreadable: bool. Go on without those that lack, and log how many they are.

    Returns:
        (N,) bool: `there`, or all of them while `surveying`.

    Raises:
        FileNotFoundError: If a photo lacks and `skip_unreadable` is false, or if all lack.
    """
    go_on_without(
        names[~there],
        len(names),
        problem="Missing or empty: {} photos of " + str(source),
        detail=detail,
        way_out=way_out,
        skip_unreadable=skip_unreadable,
        error=FileNotFoundError,
    )
    return there if _noted.get() is None else np.ones(len(names), dtype=bool)


def go_on_without(
    lacking: Sequence[str] | np.ndarray,
    count: int,
    *,
    problem: str,
    way_out: str,
    skip_unreadable: bool,
    detail: str = "",
    error: type[Exception] = ValueError,
) -> None:
    """Raises, or logs and goes on, in one line, where some photos of a source cannot be used.

    Args:
        lacking: names of the photos that cannot be used; with none, nothing happens.
        count: int. Number of all photos.
        problem: str. What is wrong; `{}` stands for "3 of 120".
        way_out: str. What to do about it.
        skip_unreadable: bool. Log a warning in place of the error, unless no photo is left.
        detail: str. More about it, set beside the first name.
        error: type of the error; `FileNotFoundError` says that files lack. Defaults to
            `ValueError`.

    Raises:
        error: If a photo lacks and `skip_unreadable` is false, or if all lack. While `surveying`
            only if all lack something other than their files.
    """
    if len(lacking) == 0:
        return
    lacks, of_files = _noted.get(), issubclass(error, FileNotFoundError)
    all_lack = len(lacking) == count
    if lacks and not of_files and not all_lack:
        lacking = _without_missing(lacking, lacks)
        if not len(lacking):
            return
    detail = f"; {detail}" if detail else ""
    first = re.sub(r"[\r\n]", "?", str(lacking[0]))
    message = f"{problem.replace('{}', f'{len(lacking)} of {count}', 1)} (first: {first}{detail})"
    if lacks is not None and (of_files or not all_lack):
        lacks.append(Lack(np.asarray(lacking), count, message, of_files))
        return
    if all_lack:
        raise error(f"{message}. {way_out}")
    if not skip_unreadable:
        raise error(f"{message}. {way_out}, or go on without them: `--skip-unreadable`")
    log.warning("%s: left out", message)


def _without_missing(names: Sequence[str] | np.ndarray, lacks: list[Lack]) -> np.ndarray:
    """Returns the names that are not noted as single missing files, to be counted once."""
    missing = {
        name
        for lack in lacks
        if lack.of_files and len(lack.names) < lack.count
        for name in lack.names.tolist()
    }
    return np.array([name for name in map(str, names) if name not in missing], dtype=np.str_)


def _raise(error: OSError) -> None:
    raise error


def _photos_by_stem(files: Iterable[str]) -> dict[str, str]:
    photos = [name for name in files if is_photo(name)]
    photos.sort(key=lambda name: PHOTO_SUFFIXES.index(os.path.splitext(name)[1].lower()))
    return {os.path.splitext(name)[0]: name for name in reversed(photos)}


def _has_content(entry: os.DirEntry) -> bool:
    try:
        status = entry.stat()
    except FileNotFoundError:  # a link that leads nowhere
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > 0
