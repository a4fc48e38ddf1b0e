"""A picture of what a search found in a store."""

from pathlib import Path
from typing import TYPE_CHECKING

from placevec.images.contact_sheet import (
    QUERY,
    find_thumbnail,
    frame_photo,
    new_figure,
    read_thumbnail,
    save_figure,
)

if TYPE_CHECKING:
    import pandas as pd


def draw_found(
    found: "pd.DataFrame", root: Path, store_root: Path, path: Path, *, num_queries: int = 6
) -> None:
    """Draws the first queries beside the photos that a search found in a store.

    Args:
        found: DataFrame of `search_photos`.
        root: Path. The folder of the queries.
        store_root: Path. The folder of the store's photos; those that are gone or cannot be
            read are left blank.
        path: Path. Picture file to write.
        num_queries: int. Rows.

    Raises:
        ValueError: If nothing was found.
    """
    if found.empty:
        raise ValueError("No photo was found, so there are no matches to draw")
    groups = list(found.groupby("query", sort=False))[:num_queries]
    columns = 1 + min(5, found["rank"].max())
    figure = new_figure(1.9 * columns, 1.6 * len(groups))
    grid = figure.subplots(len(groups), columns, squeeze=False)
    for axes_row, (query, matches) in zip(grid, groups, strict=True):
        for axes in axes_row:
            axes.axis("off")
        frame_photo(axes_row[0], read_thumbnail(Path(root) / query), QUERY, "query")
        for axes, match in zip(axes_row[1:], matches.itertuples(), strict=False):
            photo = find_thumbnail(store_root / match.match)
            if photo is not None:
                title = f"{match.rank}: {match.similarity:.2f}"
                frame_photo(axes, photo, QUERY, title)
    save_figure(figure, path, dpi=80)
