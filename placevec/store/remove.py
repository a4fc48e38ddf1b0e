"""Photos out of a store: what `placevec remove` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from placevec.counted import counted
from placevec.input_file import shown
from placevec.store.store_writer import StoreWriter


@dataclass(frozen=True)
class Removed:
    """What `remove` did; as text, a sentence for people.

    Args:
        store: Path. The store.
        num_photos: int. Photos that are left.
        num_removed: int. Photos that were removed.
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
        compact: bool. Write the store again, smaller and in large files; its index is deleted.

    Returns:
        Removed.

    Raises:
        FileNotFoundError: If there is no store.
        BlockingIOError: If another process writes to it.
        ValueError: If it is damaged, or has no photo of one of these names; none is removed then.
    """
    with StoreWriter.open(Path(store)) as descriptors:
        if names:
            descriptors.remove(names)
        if compact:
            descriptors.compact()
        return Removed(Path(store), len(descriptors), len(names))
