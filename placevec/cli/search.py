"""`placevec search`: the photos of a store that are most similar to others."""

from typing import Annotated

from placevec.cli.arguments import Flags, Photos, Store
from placevec.cli.surroundings import progress_bar
from placevec.config import SearchConfig


def search(
    store: Store,
    photos: Photos,
    /,
    settings: Annotated[SearchConfig, Flags] = SearchConfig(),  # noqa: B008
) -> None:
    """Print the photos of a store that are most similar to other photos, as CSV.

    Args:
        store: A store that `describe --out` made.
        photos: A photo or a folder of photos to look up, or READER:PATH.
        settings: How they are looked up.
    """
    from placevec.retrieval import search as search_store
    from placevec.sources.tables.csv_file import csv_cell

    found = search_store(store, photos, progress=progress_bar, **vars(settings))
    names = [column for column in ("query", "match") if column in found]
    cells = {name: [csv_cell(each, is_file=True) for each in found[name]] for name in names}
    print(found.assign(**cells).to_csv(index=False), end="")
