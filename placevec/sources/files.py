"""Whether all photos that a source names are there."""

import contextlib
import logging
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from placevec.images.formats import PHOTO_SUFFIXES, is_photo
from placevec.images.videos.frame_names import parse_frame_name
from placevec.input_file import shown
from placevec.sources.lacks import Lack, noted
from placevec.sources.walk import Inside, is_text

_log = logging.getLogger(__name__)
_LONGEST_NAME = 1000


def tidy_name(name: str, source: Path) -> str:
    """Returns a file name as a table or a .mat gives it, relative and without detours.

    Args:
        name: str. Name relative to the photos' folder, with slashes or backslashes between folders.
        source: Path. The file that holds the name, for the error.

    Raises:
        ValueError: If the name is empty, contains control characters such as a line's end or
            characters that UTF-8 does not have, or leads out of the photos' folder.
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
    if tidy == "." or not is_text(tidy):
        raise ValueError(
            "A photo's name must not be empty, nor hold control characters, and must be UTF-8. "
            f"Received: {name!r} in {source}"
        )
    return tidy


class Listing:
    """The files below a folder, each subfolder listed once, when the first file in it is sought.

    Links that lead out of the folder are not there, see `list_photos`.

    Args:
        root: Path. The folder that names are relative to.
    """

    def __init__(self, root: Path):
        self.root = root
        self._inside = Inside(root)
        self._folders: dict[str, dict[str, os.DirEntry]] = {}
        self._out: set[str] = set()
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
        """Returns whether a file of this name, or a frame's video, is there and not empty."""
        folder, _, base = name.rpartition("/")
        files = self._list(folder)
        if base not in files:
            base = (parse_frame_name(base) or (base,))[0]
        return base in files and _has_content(files[base])

    def photos_in(self, folder: str) -> list[str]:
        """Returns the names of the files in a folder that are photos by their ending."""
        prefix = f"{folder}/" if folder else ""
        return [prefix + base for base in self._list(folder) if is_photo(base)]

    def leads_out(self, name: str) -> bool:
        """Returns whether a file, or the folder it is in, is a link that leads out."""
        folder, _, base = name.rpartition("/")
        self._list(folder)
        base = (parse_frame_name(base) or (base,))[0]
        return folder in self._out or (f"{folder}/{base}" if folder else base) in self._out

    def _spelling(self, folder: str, base: str) -> str:
        """Returns a file name as it is on disk, with another suffix if only that exists."""
        files = self._list(folder)
        if base in files:
            return base
        if folder not in self._stems:
            self._stems[folder] = _photos_by_stem(files)
        return self._stems[folder].get(os.path.splitext(base)[0], "")

    def _list(self, folder: str) -> dict[str, os.DirEntry]:
        """Returns the entries of a folder; none if it cannot be opened."""
        if folder in self._folders:
            return self._folders[folder]
        self._folders[folder] = found = {}
        path = self.root / folder
        if path.exists() and not self._inside.holds(path):
            self._out.add(folder)
            return found
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                if not entry.is_symlink() or self._inside.holds(entry.path):
                    found[entry.name] = entry
                elif os.path.exists(entry.path):
                    self._out.add(f"{folder}/{entry.name}" if folder else entry.name)
        return found


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
        root,
        np.asarray(names),
        files_there(root, names),
        source=source,
        detail=f"looked in {root}",
        way_out="Put them there",
        skip_unreadable=skip_unreadable,
    )


def names_on_disk(root: Path, names: np.ndarray, *, source: Path) -> np.ndarray:
    """Returns the names of photos as their files are called, and logs which are called otherwise.

    Photos of a run are often shrunk to another format or moved out of their folder, and its list
    stays as it was.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. Names that a list gives.
        source: Path. The list.

    Returns:
        (N,) str: each name as given, with another suffix or without its folder if only that
        exists; as given if none does.
    """
    listing = Listing(root)
    found = [
        listing.find(name) or listing.find(name.rpartition("/")[2]) or name
        for name in map(str, names)
    ]
    other = [(name, file) for name, file in zip(names, found, strict=True) if name != file]
    if other:
        _log.info(
            "%d photos of %s have another ending or folder than it says (first: %s is %s)",
            len(other),
            shown(source),
            *map(shown, other[0]),
        )
    return np.array(found, dtype=np.str_)


def tell_unnamed(root: Path, names: Sequence[str] | np.ndarray, *, source: Path) -> None:
    """Logs how many photos beside those that a source names are not named by it.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. All photos that the source names.
        source: Path. What names them.
    """
    named = set(map(str, names))
    listing = Listing(root)
    unnamed = [
        name
        for folder in sorted({name.rpartition("/")[0] for name in named})
        for name in listing.photos_in(folder)
        if name not in named
    ]
    if unnamed:
        _log.info(
            "%d photos beside those of %s are not named in it (first: %s): left out. Add them if "
            "they belong to it",
            len(unnamed),
            shown(source),
            shown(min(unnamed)),
        )


def files_like(folder: Path, *patterns: str) -> list[Path]:
    """Returns the files of a folder that match one of some patterns, such as `*.mat`, sorted.

    Folders, pipes, devices and broken links are none.
    """
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if os.path.isfile(path))


def files_there(root: Path, names: Sequence[str] | np.ndarray) -> np.ndarray:
    """Returns (N,) bool: which names below a folder are files that are not empty."""
    listing = Listing(root)
    there = (is_text(name) and listing.holds(name) for name in map(str, names))
    return np.fromiter(there, dtype=bool, count=len(names))


def keep_files(
    root: Path,
    names: np.ndarray,
    there: np.ndarray,
    *,
    source: Path,
    detail: str,
    way_out: str,
    skip_unreadable: bool,
) -> np.ndarray:
    """Tells which photos to go on with, given which files are there, and refuses a lack.

    Links that lead out of the folder, and names that no table can hold, are told from files that
    are missing or empty.

    Args:
        root: Path. Folder that the names are relative to.
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
    listing = Listing(root)
    lacking = names[~there].tolist()
    bad = [name for name in lacking if not is_text(name)]
    linked = [name for name in lacking if is_text(name) and listing.leads_out(name)]
    known = {*bad, *linked}
    problems = (
        (
            [name for name in lacking if name not in known],
            "Missing or empty: {} photos of ",
            way_out,
        ),
        (
            linked,
            "Links that lead out, which only PLACEVEC_FOLLOW_LINKS=1 follows: {} photos of ",
            "Set the environment variable PLACEVEC_FOLLOW_LINKS=1",
        ),
        (bad, "Names are not UTF-8 or contain control characters: {} photos of ", "Rename them"),
    )
    for those, problem, remedy in problems:
        go_on_without(
            those,
            len(names),
            problem=problem + str(source),
            detail=detail,
            way_out=remedy,
            skip_unreadable=skip_unreadable,
            error=FileNotFoundError,
        )
    return there if noted() is None else np.ones(len(names), dtype=bool)


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
    lacks, of_files = noted(), issubclass(error, FileNotFoundError)
    all_lack = len(lacking) == count
    if lacks and not of_files and not all_lack:
        lacking = _without_missing(lacking, lacks)
        if not len(lacking):
            return
    detail = f"; {detail}" if detail else ""
    first = shown(lacking[0])
    message = f"{problem.replace('{}', f'{len(lacking)} of {count}', 1)} (first: {first}{detail})"
    if lacks is not None and (of_files or not all_lack):
        lacks.append(Lack(np.asarray(lacking), count, message, of_files))
        return
    if all_lack:
        raise error(f"{message}. {way_out}")
    if not skip_unreadable:
        raise error(f"{message}. {way_out}, or go on without them: `--skip-unreadable`")
    _log.warning("%s: left out", message)


def _without_missing(names: Sequence[str] | np.ndarray, lacks: list[Lack]) -> np.ndarray:
    """Returns the names that are not noted as single missing files, to be counted once."""
    missing = {
        name
        for lack in lacks
        if lack.of_files and not lack.left_out and len(lack.names) < lack.count
        for name in lack.names.tolist()
    }
    return np.array([name for name in map(str, names) if name not in missing], dtype=np.str_)


def _photos_by_stem(files: Iterable[str]) -> dict[str, str]:
    photos = [name for name in files if is_photo(name)]
    photos.sort(key=lambda name: PHOTO_SUFFIXES.index(os.path.splitext(name)[1].lower()))
    return {os.path.splitext(name)[0]: name for name in reversed(photos)}


def _has_content(entry: os.DirEntry) -> bool:
    try:
        status = entry.stat()
    except OSError:  # a link that leads nowhere or to itself
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > 0
