"""Finds the photos below a folder, and logs what else is in it: nothing is skipped silently."""

import logging
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from placevec.counted import counted
from placevec.images.formats import PHOTO_SUFFIXES, is_photo
from placevec.images.videos.frame_names import parse_frame_name
from placevec.images.videos.video_files import VIDEO_SUFFIXES
from placevec.input_file import shown
from placevec.kinds import Kind, kind_of, refuse_kind
from placevec.sources.missing import Missing, noted_missing

_log = logging.getLogger(__name__)
_BAD_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST_NAMES = 1000  # kept for each reason

# Files that may be beside photos: tables, poses, models, notes, files that cameras write.
_COMPANIONS = frozenset(
    """.aae .bag .bin .csv .db .db3 .egg .geojson .glb .gltf .gpx .gz .h5 .hdf5 .html .ini .ipynb
    .json .jsonl .keras .kml .log .mat .mcap .md .mtl .nma .nmea .npy .npz .obj .onnx .parquet .pdf
    .ply .pth .py .rst .sh .svg .tar .tfw .thm .toml .tsv .txt .xml .xmp .yaml .yml .zip""".split()
)

# Reason to leave something out -> text for one, text for several, and the way out.
_REASONS = {
    "link": (
        "link leads out of {root}",
        "links lead out of {root}",
        "Set PLACEVEC_FOLLOW_LINKS=1 to follow them",
    ),
    "odd": (
        "entry named like a photo or video in {root} is not a file",
        "entries named like photos or videos in {root} are not files",
        "Remove these broken links, pipes or devices, or put the files there",
    ),
    "closed": (
        "folder in {root} cannot be opened",
        "folders in {root} cannot be opened",
        "Allow reading them, or remove them",
    ),
    "name": (
        "name in {root} is not UTF-8 or contains control characters",
        "names in {root} are not UTF-8 or contain control characters",
        "Rename them: tables and stores cannot hold such names",
    ),
    "number": (
        "photo in {root} is not named by a number",
        "photos in {root} are not named by a number",
        "Name each by its frame, such as 000012.png",
    ),
    "cutout": (
        "photo in {root} is not named as a cut-out",
        "photos in {root} are not named as cut-outs",
        "Name them like 000123_pitch1_yaw7.jpg, or read them with `folder:`",
    ),
    "depth": (
        "image in {root} is depth, a mask or a label",
        "images in {root} are depth, masks or labels",
        "If they are photos, name their own folder: PATH,images=DIR",
    ),
    "traverse": (
        "photo lies beside the traverses in {root}",
        "photos lie beside the traverses in {root}",
        "Put them in a folder of their own",
    ),
    "video": (
        "video is among the photos in {root}",
        "videos are among the photos in {root}",
        "Open videos with `video:`",
    ),
    "photo": (
        "photo is among the videos in {root}",
        "photos are among the videos in {root}",
        "Open photos with `folder:`",
    ),
    "renamed": (
        "file in {root} is a video with another ending",
        "files in {root} are videos with another ending",
        "Rename them, such as to .mp4",
    ),
    "below": (
        "folder in {root} holds videos",
        "folders in {root} hold videos",
        "Name each: `video:FOLDER`",
    ),
    "ending": (
        "file in {root} does not have the ending of a photo",
        "files in {root} do not have the ending of a photo",
        f"Convert them if they are photos. Photos end in {', '.join(PHOTO_SUFFIXES)}",
    ),
}


class LeftOut:
    """Entries that a walk leaves out, counted by reason.

    Args:
        root: Path. The folder that names are relative to.
    """

    def __init__(self, root: Path):
        self._root = root
        self._counts: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        """Counts an entry for a reason, one of `_REASONS`.

        Messages name the first entry of each reason, in sorted order.
        """
        self._counts[reason] += 1
        if self._counts[reason] <= _MOST_NAMES:
            self._names.setdefault(reason, []).append(name)

    def warn(self) -> None:
        """Logs one line for each reason: the count, the first name and the way out.

        Within `note_missing`, the entries are noted instead.
        """
        notes = noted_missing()
        for reason in self._reasons():
            message = f"{self._what(reason)}: left out. {_REASONS[reason][2]}"
            if notes is None:
                _log.warning(message)
            else:
                names = np.array(sorted(self._names[reason]), dtype=np.str_)
                notes.append(Missing(names, self._counts[reason], message, True, left_out=True))

    def __bool__(self) -> bool:
        """Returns whether anything was left out."""
        return bool(self._counts)

    def __str__(self) -> str:
        """Returns the same text as part of one line; empty if nothing was left out."""
        return "; ".join(f"{self._what(each)}. {_REASONS[each][2]}" for each in self._reasons())

    def _reasons(self) -> list[str]:
        return [reason for reason in _REASONS if self._counts[reason]]

    def _what(self, reason: str) -> str:
        count, first = self._counts[reason], min(self._names[reason])
        one, several = (each.format(root=shown(self._root)) for each in _REASONS[reason][:2])
        return f"{counted(count, one, several)} (first: {shown(first)})"


def list_photos(root: Path, *, named: Collection[str] = ()) -> list[str]:
    """Lists the photos below a folder, its subfolders included, and logs what is left out.

    Files and folders whose names begin with a dot are left out. Links are followed, and each folder
    is entered once. The following entries are left out with a line in the log that gives their
    number, the first name and what to do: links that lead out of `root`, unless the environment
    variable PLACEVEC_FOLLOW_LINKS is set; broken links, pipes and devices; folders that cannot be
    opened; names that are not UTF-8 or contain control characters; videos; and files with other
    suffixes, except those that usually accompany photos, such as tables.

    Args:
        root: Path. The folder.
        named: collection of str. Photos that a table names. They, and the videos of frames among
            them, are not left out.

    Returns:
        Names relative to `root`, with `/` between folders, sorted.

    Raises:
        FileNotFoundError: If `root` is not a folder.
        ValueError: If it has no photo and `named` is empty.
    """
    require_folder(root)
    left_out = LeftOut(root)
    videos = {frame[0] for frame in map(parse_frame_name, named) if frame}
    names = sorted(walk_photos(root, left_out, named=videos.union(named)))
    if not names and not named:
        refuse_kind(root, kind_of(root), "photos")
        why = str(left_out) or f"A photo's name ends in {', '.join(PHOTO_SUFFIXES)}"
        raise ValueError(f"No photos in {root}. {why}")
    left_out.warn()
    return names


def walk_photos(
    root: Path,
    left_out: LeftOut | None = None,
    *,
    folder: str = "",
    named: Collection[str] = (),
    recursive: bool = True,
    keep_odd: bool = False,
) -> Iterator[str]:
    """Yields the photos below a folder as `list_photos` lists them, but in no particular order.

    Args:
        root: Path. The folder.
        left_out: LeftOut or None. Counts what is left out.
        folder: str. Subfolder to walk, relative to `root`; names stay relative to `root`. Defaults
            to `""`.
        named: collection of str. Other files that are not left out, because a table names them.
        recursive: bool. Whether to enter subfolders. Defaults to `True`.
        keep_odd: bool. Whether to also yield entries that are named like a photo but cannot be one:
            links that lead out, entries that are not files, bad names. Use it if the rank of a
            photo matters. Defaults to `False`.
    """
    left_out = LeftOut(root) if left_out is None else left_out
    top = f"{folder}/" if folder else ""
    inside, entered, folders = Inside(root), set(), [top]
    while folders:
        prefix = folders.pop()
        try:
            status = os.stat(root / prefix)
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(root / prefix) as found:
                entries = [entry for entry in found if not entry.name.startswith(".")]
        except OSError:
            if not prefix:
                raise
            left_out.add("closed", prefix.removesuffix("/"))
            continue
        subfolders = []
        for entry in entries:
            name, is_folder = prefix + entry.name, _is_folder(entry)
            reason = _why_not(entry, is_folder, inside)
            if reason in ("video", "ending") and name in named:
                continue
            if reason and not (keep_odd and is_photo(name) and not is_folder):
                left_out.add(reason, name)
            elif not is_folder and is_photo(name):
                yield name
            elif is_folder and recursive:
                subfolders.append(f"{name}/")
        folders += sorted(subfolders, reverse=True)


def some_photos(root: Path) -> list[str]:
    """Returns the names of at most 100 photos below a folder, or none if it is not a folder."""
    return list(islice(walk_photos(root), 100)) if root.is_dir() else []


def photos_at(path: Path) -> Kind | None:
    """Returns that a path is a photo or a folder of photos; None for others.

    Args:
        path: Path.
    """
    use = "`placevec describe {path} --out STORE` makes a store of descriptors of "
    if path.is_file() and is_photo(path.name):
        return Kind("a photo", f"{use}it")
    return Kind("a folder of photos", f"{use}them") if some_photos(path) else None


def require_folder(path: Path) -> None:
    """Raises a one-line FileNotFoundError if `path` is not a folder."""
    if not path.is_dir():
        what = "is a file, not a folder" if path.is_file() else "is a pipe or a device"
        what = what if path.exists() else "does not exist"
        raise FileNotFoundError(f"{path} {what}. Give the folder that holds the photos")


def is_text(name: str) -> bool:
    """Returns whether a name can be in tables and stores: UTF-8 without control characters."""
    return _BAD_CHARACTER.search(name) is None


class Inside:
    """The paths below a folder, except through links that lead out.

    With PLACEVEC_FOLLOW_LINKS, all paths count.

    Args:
        root: Path. The folder.
    """

    def __init__(self, root: Path):
        self._root = os.path.realpath(root)
        self._follows = bool(os.environ.get("PLACEVEC_FOLLOW_LINKS"))

    def __contains__(self, path: str | Path) -> bool:
        """Returns whether a path is inside, given that its folder is inside."""
        return not os.path.islink(path) or self.holds(path)

    def holds(self, path: str | Path) -> bool:
        """Returns whether a path is inside, including the folders on the way."""
        return self._follows or Path(os.path.realpath(path)).is_relative_to(self._root)


def leads_out(path: Path, root: Path) -> bool:
    """Returns whether a path is a link that leads out of a folder and must not be followed."""
    return path not in Inside(root)


def _why_not(entry: os.DirEntry, is_folder: bool, inside: Inside) -> str:
    """Returns why an entry is left out, one of `_REASONS`, or `""` for photos and folders."""
    if not is_folder and not is_photo(entry.name):
        suffix = os.path.splitext(entry.name)[1].lower()
        if suffix in _COMPANIONS:
            return ""
        return "video" if suffix in VIDEO_SUFFIXES else "ending"
    if not is_text(entry.name):
        return "name"
    if not is_folder and not _is_file(entry):
        return "odd"
    return "link" if entry.is_symlink() and not inside.holds(entry.path) else ""


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
