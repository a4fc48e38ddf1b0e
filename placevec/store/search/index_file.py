"""The file of an index in a store, which is checked before FAISS reads it."""

import hashlib
from pathlib import Path
from typing import Any

import faiss

from placevec.counted import counted
from placevec.input_file import open_input
from placevec.store.files.manifest import SavedIndex, index_path
from placevec.store.map_statistics import ADAPTATION
from placevec.store.search.index_kinds import IndexSettings, index_bytes
from placevec.store.store import DescriptorStore
from placevec.whole_file import whole_file

# The type stubs of FAISS do not know all arguments.
_faiss: Any = faiss
_MAX_EXTRA_BYTES = 2**26  # beyond twice the likely size of an index of its kind


def write_index(
    store: DescriptorStore,
    index: faiss.Index,
    settings: IndexSettings,
    number: int,
    statistics: int | None,
) -> SavedIndex:
    """Writes the complete file of an index, or none.

    Args:
        store: DescriptorStore. The store whose first rows are in the index.
        index: faiss.Index.
        settings: IndexSettings.
        number: int. Number of the file, used once in a store.
        statistics: int or None. Number of the statistics that adapted the indexed descriptors.

    Returns:
        The entry for the manifest.
    """
    path = index_path(store.folder, number)
    with whole_file(path) as unfinished:
        with unfinished.open("wb") as file:  # FAISS would only print a message if the disk is full
            _faiss.write_index(index, _faiss.PyCallbackIOWriter(file.write))
        size, digest = unfinished.stat().st_size, _file_digest(unfinished)
    return SavedIndex(
        number, settings.kind, settings.effort, index.ntotal, size, digest, statistics, ADAPTATION
    )


def read_index(store: DescriptorStore, about: SavedIndex, again: str) -> faiss.Index:
    """Reads the index that the manifest of a store names.

    Args:
        store: DescriptorStore. The store as the index compares it.
        about: SavedIndex. The entry of the manifest.
        again: str. How to build the index again, for errors.

    Raises:
        ValueError: If the file is missing, damaged, does not fit the manifest, or is of
            descriptors that another version of placevec adapted.
    """
    path = about.path(store.folder)
    if about.is_outdated:
        raise ValueError(
            f"{path} holds descriptors that another version of placevec adapted in another way. "
            f"{again}"
        )
    _require_whole(path, about, store, again)
    try:
        index = faiss.read_index(str(path))
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"{path} cannot be read as an index. {again}") from error
    if (index.d, index.ntotal) != (store.dim, about.num_rows):
        raise ValueError(
            f"{path} must index {counted(about.num_rows, 'photo')} of "
            f"{counted(store.dim or 0, 'dimension')}. Received: {index.ntotal} of {index.d}. "
            f"{again}"
        )
    return index


def _require_whole(path: Path, about: SavedIndex, store: DescriptorStore, again: str) -> None:
    """Refuses a changed file before FAISS reads it."""
    if about.num_rows > store.num_rows:
        raise ValueError(f"{path} must index {counted(store.num_rows, 'photo')} at most. {again}")
    likely = index_bytes(about.kind, store.dim or 0, about.num_rows, 4)
    if about.num_bytes > _MAX_EXTRA_BYTES + 2 * likely:
        raise ValueError(
            f"{path} must have at most {_MAX_EXTRA_BYTES + 2 * likely} bytes. Received: "
            f"{about.num_bytes}. {again}"
        )
    if path.is_symlink() or not path.is_file() or path.stat().st_size != about.num_bytes:
        raise ValueError(f"{path} must be a file of {about.num_bytes} bytes. {again}")
    if _file_digest(path) != about.sha256:
        raise ValueError(f"{path} is damaged: it does not fit its SHA-256. {again}")


def _file_digest(path: Path) -> str:
    with open_input(path, max_bytes=2**48) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
