"""`placevec remove`: photos out of a store."""

from placevec.cli.arguments import Names, Store


def remove(store: Store, names: Names, /, compact: bool = False) -> None:
    """Remove photos from a store.

    Args:
        store: A store that `describe --out` made.
        names: Names of photos as the store has them.
        compact: Write the store anew, smaller and in large files; its index is deleted.
    """
    from placevec.store import StoreWriter

    with StoreWriter.open(store) as descriptors:
        if names:
            descriptors.remove(names)
        if compact:
            descriptors.compact()
        print(f"{len(descriptors)} photos in {store}, {len(names)} removed")
