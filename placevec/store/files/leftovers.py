"""Deletes superseded files of a store, and sets aside others that its manifest does not name."""

import logging
import os
import re
from pathlib import Path

from placevec.counted import counted
from placevec.store.files.manifest import Manifest

_log = logging.getLogger(__name__)
SET_ASIDE = "set-aside"
_FILES = re.compile(
    r"(?:removed-|map-|features-)?(\d{6,15})\.npy|(\d{6,15})\.parquet|index-(\d{6,15})\.faiss"
)
_INDEX_WITHOUT_DIGEST = re.compile(r"index\.json|index-[a-z0-9_]+-[0-9a-f]{16,32}\.faiss")


def unnamed_files(folder: Path, manifest: Manifest) -> tuple[list[Path], list[Path]]:
    """Returns files of a store that its manifest does not name.

    Each number is used for one file only. If the manifest has used the number of an unnamed file, a
    later change of the store superseded that file. If the number is higher, a killed writer left
    the file, or it belongs to a later manifest that was replaced by an older one.

    Args:
        folder: Path. The store.
        manifest: Manifest.

    Returns:
        The superseded files, and the others. If the manifest has no digest of itself, no file
        counts as superseded.
    """
    superseded, others = [], []
    named = manifest.paths(folder)
    for name in sorted(os.listdir(folder)):
        path, found = folder / name, _FILES.fullmatch(name)
        if path in named:
            continue
        if found:
            number = int(next(filter(None, found.groups())))
            is_old = manifest.is_signed and number < manifest.next_number
            (superseded if is_old else others).append(path)
        elif manifest.is_signed and _INDEX_WITHOUT_DIGEST.fullmatch(name):
            superseded.append(path)
    return superseded, others


def clear_leftovers(folder: Path, manifest: Manifest) -> None:
    """Deletes superseded files, and moves other unnamed files into `set-aside`.

    Only call it if every file that the manifest names exists and fits. The index may be missing,
    because it can be built again, but then nothing is deleted.

    Raises:
        ValueError: If `set-aside` is a link.
    """
    superseded, others = unnamed_files(folder, manifest)
    if manifest.index is not None and not manifest.index.path(folder).is_file():
        superseded = []
    for path in superseded:
        path.unlink()
    if superseded:
        _log.info("deleted %s in %s", counted(len(superseded), "superseded file"), folder)
    if not others:
        return
    aside = folder / SET_ASIDE
    if aside.is_symlink():
        raise ValueError(f"{aside} must be a folder. Received: a link. Remove it")
    aside.mkdir(exist_ok=True)
    for path in others:
        target, number = aside / path.name, 1
        while os.path.lexists(target):
            target, number = aside / f"{path.stem}-{number}{path.suffix}", number + 1
        path.rename(target)
    _log.warning(
        "moved %s that %s does not name into %s: of a killed writer, or of a newer manifest than "
        "this one. Delete those files if the store is complete",
        counted(len(others), "file"), folder, aside,
    )  # fmt: skip
