"""Draws a picture of the results of a search in a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images.contact_sheet import (
    QUERY,
    RIGHT,
    find_thumbnail,
    frame_photo,
    new_figure,
    read_thumbnail,
    save_figure,
)
from placevec.input_file import shown
from placevec.pages.joined import few_points
from placevec.places.frame import UNITS
from placevec.retrieval.found.found import Found

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_NAME_CHARACTERS = 22


def draw_found(found: Found, path: Path, *, num_queries: int = 6) -> None:
    """Draws the first queries beside the photos that a search found in a store.

    If matched points are known, up to 40 lines connect those of a query and its first match. Photos
    of the store that are missing or unreadable stay blank.

    Args:
        found: Found.
        path: Path. Picture file to write.
        num_queries: int. Number of queries, one per row.

    Raises:
        ValueError: If nothing was found.
    """
    if found.table.empty:
        raise ValueError("No photo was found, so there are no matches to draw")
    groups = list(found.table.groupby("query", sort=False))[:num_queries]
    columns = 1 + min(5, found.table["rank"].max())
    figure = new_figure(1.9 * columns, 1.6 * len(groups))
    grid = figure.subplots(len(groups), columns, squeeze=False)
    for axes_row, (query, matches) in zip(grid, groups, strict=True):
        for axes in axes_row:
            axes.axis("off")
        frame_photo(
            axes_row[0], read_thumbnail(found.root / query), QUERY, f"query\n{_short(query)}"
        )
        for axes, match in zip(axes_row[1:], matches.itertuples(), strict=False):
            photo = find_thumbnail(found.store_root / match.match)
            if photo is not None:
                frame_photo(axes, photo, QUERY, _title(match))
                if match.rank == 1 and found.points is not None:
                    _join(axes_row[0], axes, found.points[query][0])
    save_figure(figure, path, dpi=80)


def _title(match: Any) -> str:
    """Returns the name of a match and its values, in two lines."""
    import pandas as pd

    parts = [f"{match.similarity:.2f}"]
    for unit in UNITS:
        distance = getattr(match, f"distance_{unit}", None)
        if pd.notna(distance):
            parts.append(f"{distance:.3g} {unit} away")
    inliers = getattr(match, "inliers", None)
    if inliers is not None and pd.notna(inliers):
        parts.append(counted(inliers, "point"))
    return f"{match.rank}: {_short(match.match)}\n{', '.join(parts)}"


def _short(name: str) -> str:
    return shown(name, longest=_MAX_NAME_CHARACTERS)


def _join(left: "Axes", right: "Axes", points: NDArray[np.float32]) -> None:
    """Draws lines between matched points (m, 4) of two photos."""
    from matplotlib.patches import ConnectionPatch

    chosen = few_points(points)
    ends = []
    for axes, each in ((left, chosen[:, :2]), (right, chosen[:, 2:])):
        rows, columns = np.asarray(axes.images[0].get_array()).shape[:2]
        ends.append(each * (columns, rows) - 0.5)
    for start, end in zip(*ends, strict=True):
        line = ConnectionPatch(
            start, end, "data", "data", axesA=left, axesB=right, color=RIGHT, linewidth=0.6
        )
        right.figure.add_artist(line)
