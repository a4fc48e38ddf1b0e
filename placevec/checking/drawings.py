"""Draws positions and headings as SVG of bounded size, without network or scripts."""

import math

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places import PlaceDataset

_SIDE = 560  # pixels of the map's longer side
_MARGIN = 24
_LETTER = 7  # largest width of a letter in the bar's label
_MOST_POINTS = 2000  # A map of more photos shows cells instead of dots.
_CELLS = 80  # cells along the longer side
_SECTORS = 36
_QUERY, _DATABASE = "#d1372c", "#2b6cb0"
# Colors of `SPLITS`, then of photos in no split.
_SPLIT_COLORS = np.array(["#2b6cb0", "#dd7a00", "#2a9d3f", "#999999"])


def draw_map(dataset: PlaceDataset, splits: NDArray[np.integer] | None = None) -> str:
    """Draws a map of where the photos were taken, north up.

    Up to 2000 photos are dots, each with a line in the direction of its heading. More photos are
    drawn as cells; a darker cell has more photos.

    Args:
        dataset: PlaceDataset. It must have positions.
        splits: (N,) int or None. Index in `SPLITS` of each photo, -1 for none; it sets the color.
            None: queries are red.

    Returns:
        str. An `<svg>` element.
    """
    positions_m = dataset.known("positions_m")
    low, high = positions_m.min(axis=0), positions_m.max(axis=0)
    extent_m = float(max(*(high - low), 1e-9))
    scale = _SIDE / extent_m
    width, height = (high - low) * scale + 2 * _MARGIN
    bar_m = 10 ** math.floor(math.log10(extent_m / 2))
    label = f"{bar_m:g} {dataset.unit}"
    width = max(width, max(bar_m * scale, _LETTER * len(label)) + 2 * _MARGIN)
    if len(dataset) <= _MOST_POINTS:
        shapes = _dots(dataset, low, scale, height, splits)
    else:
        shapes = _cells(positions_m, low, extent_m, height)
    bar = (
        f'<path d="M{_MARGIN} {height - 6:.1f}h{bar_m * scale:.1f}" stroke="#333"/>'
        f'<text x="{_MARGIN}" y="{height - 10:.1f}" font-size="11">{label}</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="map of the positions">{"".join(shapes)}{bar}</svg>'
    )


def draw_headings(headings_deg: NDArray[np.floating]) -> str:
    """Draws how many photos look in each direction, north up, in sectors of 10 degrees.

    Args:
        headings_deg: (n,) float. The known headings.

    Returns:
        str. An `<svg>` element.
    """
    sectors = np.floor(headings_deg * _SECTORS / 360).astype(np.int64) % _SECTORS
    counts = np.bincount(sectors, minlength=_SECTORS)
    radius, center = 90, 110
    paths = []
    for sector, share in enumerate(counts / max(counts.max(), 1)):
        if not share:
            continue
        ends = [math.radians((sector + each) * 360 / _SECTORS) for each in (0, 1)]
        reach = radius * math.sqrt(share)  # so that the area is proportional to the count
        (x1, y1), (x2, y2) = (
            (center + reach * math.sin(a), center - reach * math.cos(a)) for a in ends
        )
        paths.append(f"M{center} {center}L{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}Z")
    letters = "".join(
        f'<text x="{center + 102 * x - 4}" y="{center - 102 * y + 4}" font-size="11">'
        f"{letter}</text>"
        for letter, x, y in (("N", 0, 1), ("E", 1, 0), ("S", 0, -1), ("W", -1, 0))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * center}" height="{2 * center}" '
        f'role="img" aria-label="headings"><circle cx="{center}" cy="{center}" r="{radius}" '
        f'fill="none" stroke="#ccc"/><path d="{"".join(paths)}" fill="{_DATABASE}"/>{letters}</svg>'
    )


def map_caption(dataset: PlaceDataset, *, by_split: bool) -> str:
    """Returns a sentence that explains the map.

    Args:
        dataset: PlaceDataset. The data set on the map.
        by_split: bool. Whether the colors show the splits.
    """
    if len(dataset) > _MOST_POINTS:
        return "North is up. A darker cell has more photos."
    colors = "blue: database, red: looked up only"
    if by_split:
        colors = "blue: train, orange: val, green: test, gray: in no split"
    looks = "" if dataset.headings_deg is None else " with a line toward where it looks"
    return f"North is up. A dot is a photo{looks}; {colors}."


def _dots(
    dataset: PlaceDataset,
    low: NDArray[np.float64],
    scale: float,
    height: float,
    splits: NDArray[np.integer] | None,
) -> list[str]:
    x, y = (dataset.known("positions_m") - low).T * scale + _MARGIN
    y = height - y
    if splits is None:
        red = dataset.is_query & ~dataset.is_database
        colors = np.where(red, _QUERY, _DATABASE)
    else:
        colors = _SPLIT_COLORS[splits]
    shapes = []
    if dataset.headings_deg is not None:
        known = np.flatnonzero(~np.isnan(dataset.headings_deg))
        turn = np.radians(dataset.headings_deg[known])
        steps = zip(x[known], y[known], 9 * np.sin(turn), -9 * np.cos(turn), strict=True)
        lines = "".join(f"M{a:.1f} {b:.1f}l{c:.1f} {d:.1f}" for a, b, c, d in steps)
        shapes.append(f'<path d="{lines}" stroke="#888" fill="none"/>')
    shapes += [
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{color}"/>'
        for a, b, color in zip(x, y, colors.tolist(), strict=True)
    ]
    return shapes


def _cells(
    positions_m: NDArray[np.float64], low: NDArray[np.float64], extent_m: float, height: float
) -> list[str]:
    cell = np.minimum((positions_m - low) * (_CELLS / extent_m), _CELLS - 1).astype(np.int64)
    counts = np.bincount(cell @ [1, _CELLS], minlength=_CELLS**2)
    side = _SIDE / _CELLS
    titles = [counted(count, "photo") for count in counts.tolist()]
    shades = 0.15 + 0.85 * np.log1p(counts) / np.log1p(counts.max())
    return [
        f'<rect x="{_MARGIN + (at % _CELLS) * side:.1f}" '
        f'y="{height - _MARGIN - (at // _CELLS + 1) * side:.1f}" width="{side}" height="{side}" '
        f'fill="{_DATABASE}" fill-opacity="{shades[at]:.2f}"><title>{titles[at]}</title>'
        "</rect>"
        for at in np.flatnonzero(counts)
    ]
