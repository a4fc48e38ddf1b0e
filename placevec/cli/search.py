"""`placevec search`: finds the photos of a store that are most similar to other photos."""

import sys
from typing import Annotated

from placevec.cli.arguments import Flags, Photos, Store
from placevec.cli.surroundings import progress_bar
from placevec.config import SearchConfig
from placevec.counted import counted


def search(
    store: Store,
    photos: Photos,
    /,
    settings: Annotated[SearchConfig, Flags] = SearchConfig(),  # noqa: B008
) -> None:
    """Find the photos of a store that are most similar to other photos.

    Args:
        store: A store that `describe --out` made.
        photos: A photo or a folder of photos to look up, READER:PATH, or - for the bytes of one
            photo on standard input.
        settings: How they are looked up.
    """
    from placevec.images.read import MAX_BYTES
    from placevec.retrieval import search as search_store
    from placevec.retrieval.found.table import found_csv

    looked_up = sys.stdin.buffer.read(MAX_BYTES) if photos == "-" else photos
    found = search_store(store, looked_up, progress=progress_bar, **vars(settings))
    if settings.out is None:
        print(found_csv(found), end="")
    else:
        print(f"{counted(len(found), 'match', 'matches')} in {settings.out}")
