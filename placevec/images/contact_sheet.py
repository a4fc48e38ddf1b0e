"""Photos side by side, framed by what they are to each other."""

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.images.read import read_image
from placevec.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)

RIGHT, WRONG, QUERY = "#2a9d3f", "#d1372c", "#333333"
_LONGEST_SIDE = 640  # in pixels; a picture keeps all its photos in memory until it is written


def draw_tuples(
    tuples: Sequence[Sequence[NDArray[np.uint8]]],
    path: Path,
    *,
    num_positives: int,
    titles: Sequence[Sequence[str]] | None = None,
) -> None:
    """Draws a contact sheet: one tuple a row, query, then positives, then negatives.

    Args:
        tuples: sequence of tuples of photos, each photo (H, W, C) uint8.
        path: Path. Picture file to write.
        num_positives: int. `P`; the photos after the first `1 + P` are negatives.
        titles: sequence of sequences of str or None. The title above each photo. Defaults to
            `None`: what it is in the tuple.

    Raises:
        ValueError: If there is no tuple.
    """
    if not len(tuples):
        raise ValueError("A contact sheet needs at least one tuple. Received: none")
    columns = max(len(photos) for photos in tuples)
    kinds = [("query", QUERY), *[("positive", RIGHT)] * num_positives]
    kinds += [("negative", WRONG)] * (columns - len(kinds))
    figure = new_figure(1.5 * columns, 1.25 * len(tuples))
    grid = figure.subplots(len(tuples), columns, squeeze=False)
    for row, (axes_row, photos) in enumerate(zip(grid, tuples, strict=True)):
        for column, (axes, photo) in enumerate(zip(axes_row, photos, strict=False)):
            title, color = kinds[column]
            frame_photo(axes, photo, color, titles[row][column] if titles else title)
    save_figure(figure, path, dpi=80)


def read_thumbnail(path: Path) -> NDArray[np.uint8]:
    """Reads a photo as (H, W, 3) uint8, every nth pixel of it if it is large."""
    pixels = read_image(path)
    step = -(-max(pixels.shape) // _LONGEST_SIDE)
    return np.ascontiguousarray(pixels[::step, ::step])


def find_thumbnail(path: Path) -> NDArray[np.uint8] | None:
    """Returns what `read_thumbnail` reads, None if the photo or frame is gone or unreadable."""
    try:
        return read_thumbnail(path)
    except (ValueError, OSError) as error:
        _log.warning("Left blank: %s", error)
        return None


def new_figure(width: float, height: float) -> "Figure":
    """Returns an empty figure of a width and height in inches.

    Matplotlib is imported here, when a picture is drawn, because that takes long.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def frame_photo(axes: "Axes", photo: NDArray[np.uint8], color: str, title: str) -> None:
    """Draws a photo with a frame and a title in one color.

    Args:
        axes: Axes. Where to.
        photo: (H, W, C) uint8.
        color: str. Such as `"#2a9d3f"`.
        title: str. As it is: nothing in it is taken for mathematics.
    """
    axes.axis("on")
    axes.imshow(np.asarray(photo).astype(np.uint8).squeeze(), cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=7, color=color, pad=2, parse_math=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=3)


def save_figure(figure: "Figure", path: Path, dpi: int) -> None:
    """Writes a figure to a picture file, as a whole or not at all; the same figure, the same bytes.

    Args:
        figure: Figure.
        path: Path. Its suffix chooses the format.
        dpi: int. Pixels an inch.
    """
    from matplotlib import rc_context

    metadata = {"Date": None} if path.suffix == ".svg" else None
    picture = io.BytesIO()  # written by Python: Pillow does not tell that a disk is full
    with rc_context({"svg.hashsalt": path.name}):
        figure.savefig(picture, format=path.suffix[1:], dpi=dpi, metadata=metadata)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(picture.getvalue())
