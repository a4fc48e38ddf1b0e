"""Finds files below a folder by the names in a source."""

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from placevec.images.formats import PHOTO_SUFFIXES, is_photo
from placevec.images.videos.frame_names import parse_frame_name
from placevec.sources.walk import Inside


class Listing:
    """The files below a folder. Each subfolder is listed once, on the first search in it.

    Links that lead out of the folder count as missing, see `list_photos`.

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
        """Returns the name of the file as given, or with another suffix if only that exists.

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
        """Returns whether an entry with this name or another suffix exists, even if empty."""
        folder, _, base = name.rpartition("/")
        return self._spelling(folder, base) in self._list(folder)

    def holds(self, name: str) -> bool:
        """Returns whether a file with this name, or a frame's video, exists and is not empty."""
        folder, _, base = name.rpartition("/")
        files = self._list(folder)
        if base not in files:
            base = (parse_frame_name(base) or (base,))[0]
        return base in files and _has_content(files[base])

    def photos_in(self, folder: str) -> list[str]:
        """Returns the names of the files in a folder that have the suffix of a photo."""
        prefix = f"{folder}/" if folder else ""
        return [prefix + base for base in self._list(folder) if is_photo(base)]

    def leads_out(self, name: str) -> bool:
        """Returns whether a file, or its folder, is a link that leads out."""
        folder, _, base = name.rpartition("/")
        self._list(folder)
        base = (parse_frame_name(base) or (base,))[0]
        return folder in self._out or (f"{folder}/{base}" if folder else base) in self._out

    def _spelling(self, folder: str, base: str) -> str:
        """Returns a file name as on disk, with another suffix if only that exists."""
        files = self._list(folder)
        if base in files:
            return base
        if folder not in self._stems:
            self._stems[folder] = _photos_by_stem(files)
        return self._stems[folder].get(os.path.splitext(base)[0], "")

    def _list(self, folder: str) -> dict[str, os.DirEntry]:
        """Returns the entries of a folder, or none if it cannot be opened."""
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
