"""`placevec remove`: removes photos from a store."""

from placevec.cli.arguments import Names, Store


def remove(store: Store, names: Names, /, compact: bool = False) -> None:
    """Remove photos from a store.

    Args:
        store: A store that `describe --out` made.
        names: Names of photos as the store has them.
        compact: Write the store again, smaller and in large files; its index is deleted.
    """
    from placevec.store import remove as remove_photos

    print(remove_photos(store, names, compact=compact))
