"""Removes photos from a store, as `placevec remove` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from placevec.counted import counted
from placevec.input_file import shown
from placevec.store.store_writer import StoreWriter


@dataclass(frozen=True)
class Removed:
    """The result of `remove`. Its text is a sentence for people.

    Args:
        store: Path. The store.
        num_photos: int. Number of photos that are left.
        num_removed: int. Number of photos that were removed.
    """

    store: Path
    num_photos: int
    num_removed: int

    def __str__(self) -> str:
        photos = counted(self.num_photos, "photo")
        return f"{photos} in {shown(self.store)}, {self.num_removed} removed"


def remove(store: Path | str, names: Sequence[str], *, compact: bool = False) -> Removed:
    """Removes photos from a store.

    Args:
        store: Path. A store that `describe_to` made.
        names: sequence of str. Names of photos as the store has them.
        compact: bool. Write the store again, smaller and in large files. This deletes its index.

    Returns:
        Removed.

    Raises:
        FileNotFoundError: If the store does not exist.
        BlockingIOError: If another process writes to the store.
        ValueError: If the store is damaged, or does not have one of the names. No photo is removed
            then.
    """
    with StoreWriter.open(Path(store)) as descriptors:
        if names:
            descriptors.remove(names)
        if compact:
            descriptors.compact()
        return Removed(Path(store), len(descriptors), len(names))
