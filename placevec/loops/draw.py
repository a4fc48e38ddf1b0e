"""Draws loops as pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.counted import counted
from placevec.images.contact_sheet import RIGHT, new_figure, save_figure
from placevec.store.map_statistics import MapStatistics

if TYPE_CHECKING:
    from placevec.loops.find import LoopsFound

_MOST_PIXELS = 800  # pixels of a side of the similarity matrix


def draw_similarities(found: "LoopsFound", path: Path) -> None:
    """Draws the similarity of each photo to each other one, with the loops as dots.

    Of a long run, only every n-th photo is drawn, but all loops are.

    Args:
        found: LoopsFound.
        path: Path. Picture file to write.
    """
    count = len(found.dataset)
    rows = np.arange(0, count, -(-count // _MOST_PIXELS))
    mean = found.descriptors.mean(axis=0, dtype=np.float64)
    descriptors = MapStatistics(mean, None, count).adapt(found.descriptors[rows])
    figure = new_figure(6.4, 5.6)
    axes = figure.subplots()
    low, high = -0.5, count - 0.5
    image = axes.imshow(
        descriptors @ descriptors.T, vmin=-0.2, vmax=1, cmap="gray", extent=(low, high, high, low)
    )
    queries = [loop.query for loop in found.accepted]
    matches = [loop.match for loop in found.accepted]
    axes.scatter(
        matches, queries, s=9, color=RIGHT, label=counted(len(queries), "loop"), linewidths=0
    )
    axes.set(xlabel="earlier photo", ylabel="photo", xlim=(low, high), ylim=(high, low))
    axes.legend(loc="upper right", fontsize=8)
    figure.colorbar(image, label="similarity, without the mean of the run")
    save_figure(figure, path, dpi=100)


def draw_trajectory(found: "LoopsFound", path: Path) -> None:
    """Draws a map of the photos, north up, with a line for each loop.

    Args:
        found: LoopsFound. Its photos must have positions.
        path: Path. Picture file to write.
    """
    places_m = found.dataset.positions_m
    if places_m is None:
        raise ValueError(f"A map needs positions. Received: none in {found.dataset.root}")
    east, north = (places_m - np.floor(places_m.min(axis=0))).T
    figure = new_figure(6, 5)
    axes = figure.subplots()
    axes.plot(east, north, color="#888888", linewidth=1, marker=".", markersize=2)
    for loop in found.accepted:
        ends = [loop.match, loop.query]
        axes.plot(east[ends], north[ends], color=RIGHT, linewidth=0.8, alpha=0.6)
    axes.scatter(east[:1], north[:1], color="black", s=20, label="start", zorder=3)
    unit = found.dataset.unit
    title = f"{counted(len(found.accepted), 'loop')}; frame: {found.dataset.frame}"
    axes.set(xlabel=f"east, {unit}", ylabel=f"north, {unit}", title=title)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    save_figure(figure, path, dpi=100)
