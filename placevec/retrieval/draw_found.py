"""A picture of what a search found in a store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.images.contact_sheet import (
    QUERY,
    RIGHT,
    find_thumbnail,
    frame_photo,
    new_figure,
    read_thumbnail,
    save_figure,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MOST_LINES = 40


def draw_found(
    found: "pd.DataFrame",
    root: Path,
    store_root: Path,
    path: Path,
    *,
    points: Mapping[str, Sequence[np.ndarray]] | None = None,
    num_queries: int = 6,
) -> None:
    """Draws the first queries beside the photos that a search found in a store.

    If points are given, lines join those of the query and its first match, up to 40 of them.

    Args:
        found: DataFrame of `search_photos`.
        root: Path. The folder of the queries.
        store_root: Path. The folder of the store's photos; those that are gone or cannot be
            read are left blank.
        path: Path. Picture file to write.
        points: mapping or None. Of each query, the matched points of its matches, as
            `LocalMatcher` says.
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
                if getattr(match, "inliers", -1) >= 0:
                    title += f", {match.inliers} points"
                frame_photo(axes, photo, QUERY, title)
                if match.rank == 1 and points is not None:
                    _join(axes_row[0], axes, points[query][0])
    save_figure(figure, path, dpi=80)


def _join(left: "Axes", right: "Axes", points: np.ndarray) -> None:
    """Draws lines between matched points (m, 4) of two photos, `_MOST_LINES` of them."""
    from matplotlib.patches import ConnectionPatch

    chosen = points[np.linspace(0, len(points) - 1, min(len(points), _MOST_LINES)).astype(int)]
    ends = []
    for axes, each in ((left, chosen[:, :2]), (right, chosen[:, 2:])):
        rows, columns = axes.images[0].get_array().shape[:2]
        ends.append(each * (columns, rows) - 0.5)
    for start, end in zip(*ends, strict=True):
        line = ConnectionPatch(
            start, end, "data", "data", axesA=left, axesB=right, color=RIGHT, linewidth=0.6
        )
        right.figure.add_artist(line)
