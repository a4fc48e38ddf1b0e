"""Checks whether all photos that a source names exist."""

import logging
import os
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.sources.listing import Listing
from placevec.sources.missing import go_on_without, noted_missing
from placevec.sources.walk import is_text

_log = logging.getLogger(__name__)
_LONGEST_NAME = 1000


def tidy_name(name: str, source: Path) -> str:
    """Returns a file name from a table or a .mat as a relative path without `.` and `..`.

    Args:
        name: str. Name relative to the photos' folder, with slashes or backslashes between folders.
        source: Path. The file that contains the name, for the error.

    Raises:
        ValueError: If the name is empty, is not UTF-8, contains control characters such as a line
            end, or leads out of the photos' folder.
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
            "A photo's name must be UTF-8 text without control characters, and not empty. "
            f"Received: {name!r} in {source}"
        )
    return tidy


def readable(
    root: Path, names: Sequence[str] | NDArray[np.str_], *, source: Path, skip_unreadable: bool
) -> NDArray[np.bool_]:
    """Returns which photos exist and are not empty, and raises an error if some do not.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. Names of the photos.
        source: Path. The file that names them, for the messages.
        skip_unreadable: bool. Continue without missing files, and log how many they are.

    Returns:
        (N,) bool. Within `note_missing`, all are True.

    Raises:
        FileNotFoundError: If a file is missing and `skip_unreadable` is false, or if all are.
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


def names_on_disk(root: Path, names: NDArray[np.str_], *, source: Path) -> NDArray[np.str_]:
    """Returns the names of photos as on disk, and logs how many differ from the list.

    Photos of a run are often converted to another format or moved out of their folder, while its
    list stays unchanged.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. Names that a list gives.
        source: Path. The list.

    Returns:
        (N,) str: each name as given; or with another suffix or without its folder, if only that
        file exists.
    """
    listing = Listing(root)
    found = [
        listing.find(name) or listing.find(name.rpartition("/")[2]) or name
        for name in map(str, names)
    ]
    other = [(name, file) for name, file in zip(names, found, strict=True) if name != file]
    if other:
        _log.info(
            "%s a different ending or folder than %s says (first: %s is %s)",
            counted(len(other), "photo has", "photos have"),
            shown(source),
            *map(shown, other[0]),
        )
    return np.array(found, dtype=np.str_)


def tell_unnamed(root: Path, names: Sequence[str] | NDArray[np.str_], *, source: Path) -> None:
    """Logs how many photos beside those of a source are not named in it.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. All photos that the source names.
        source: Path. The file that names them.
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
            "%s beside those of %s: not named in it (first: %s), left out. Add what belongs to it",
            counted(len(unnamed), "photo"),
            shown(source),
            shown(min(unnamed)),
        )


def files_like(folder: Path, *patterns: str) -> list[Path]:
    """Returns the files of a folder that match one of some patterns, such as `*.mat`, sorted.

    Folders, pipes, devices and broken links do not count.
    """
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if os.path.isfile(path))


def files_there(root: Path, names: Sequence[str] | NDArray[np.str_]) -> NDArray[np.bool_]:
    """Returns (N,) bool: which names are existing, non-empty files below a folder."""
    listing = Listing(root)
    there = (is_text(name) and listing.holds(name) for name in map(str, names))
    return np.fromiter(there, dtype=bool, count=len(names))


def keep_files(
    root: Path,
    names: NDArray[np.str_],
    there: NDArray[np.bool_],
    *,
    source: Path,
    detail: str,
    way_out: str,
    skip_unreadable: bool,
) -> NDArray[np.bool_]:
    """Returns which photos to keep, given which files exist, and refuses missing ones.

    Links that lead out of the folder, and names that no table can hold, have their own messages.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. Names of the photos.
        there: (N,) bool. Which of them are non-empty files.
        source: Path. The file that names them, for the messages.
        detail: str. Where placevec looked for them.
        way_out: str. What to do about it.
        skip_unreadable: bool. Continue without missing files, and log how many they are.

    Returns:
        (N,) bool: `there` or, within `note_missing`, True for all.

    Raises:
        FileNotFoundError: If a file is missing and `skip_unreadable` is false, or if all are.
    """
    listing = Listing(root)
    missing = names[~there].tolist()
    bad = [name for name in missing if not is_text(name)]
    linked = [name for name in missing if is_text(name) and listing.leads_out(name)]
    known = {*bad, *linked}
    problems = (
        (
            [name for name in missing if name not in known],
            "Missing or empty: {} of ",
            way_out,
        ),
        (
            linked,
            "Links that lead out, which only PLACEVEC_FOLLOW_LINKS=1 follows: {} of ",
            "Set the environment variable PLACEVEC_FOLLOW_LINKS=1",
        ),
        (bad, "Names are not UTF-8 or contain control characters: {} of ", "Rename them"),
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
    return there if noted_missing() is None else np.ones(len(names), dtype=bool)
