"""Draws photos side by side, with frames that show their roles."""

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
_LONGEST_SIDE = 640  # pixels; small, as a picture keeps all its photos in memory until written


def draw_tuples(
    tuples: Sequence[Sequence[NDArray[np.uint8]]],
    path: Path,
    *,
    num_positives: int,
    titles: Sequence[Sequence[str]] | None = None,
) -> None:
    """Draws a contact sheet: one tuple per row; query, then positives, then negatives.

    Args:
        tuples: sequence of tuples of photos, each photo (H, W, C) uint8.
        path: Path. Picture file to write.
        num_positives: int. `P`; the photos after the first `1 + P` are negatives.
        titles: sequence of sequences of str or None. The title above each photo. None: its role in
            the tuple. Defaults to `None`.

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
    """Reads a photo as (H, W, 3) uint8. Of a large photo, it keeps only every nth pixel."""
    pixels = read_image(path)
    step = -(-max(pixels.shape) // _LONGEST_SIDE)
    return np.ascontiguousarray(pixels[::step, ::step])


def find_thumbnail(path: Path) -> NDArray[np.uint8] | None:
    """Returns the result of `read_thumbnail`, or None if the photo is missing or unreadable."""
    try:
        return read_thumbnail(path)
    except (ValueError, OSError) as error:
        _log.warning("Left blank: %s", error)
        return None


def new_figure(width: float, height: float) -> "Figure":
    """Returns an empty figure with a width and height in inches.

    Matplotlib is imported here because the import takes long and few runs draw a picture.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def frame_photo(axes: "Axes", photo: NDArray[np.uint8], color: str, title: str) -> None:
    """Draws a photo with a frame and a title in one color.

    Args:
        axes: Axes. Where to draw.
        photo: (H, W, C) uint8.
        color: str. Such as `"#2a9d3f"`.
        title: str. Shown as it is, without mathematical markup.
    """
    axes.axis("on")
    axes.imshow(np.asarray(photo).astype(np.uint8).squeeze(), cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=7, color=color, pad=2, parse_math=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=3)


def save_figure(figure: "Figure", path: Path, dpi: int) -> None:
    """Writes a figure to a picture file, completely or not at all; equal figures give equal bytes.

    Args:
        figure: Figure.
        path: Path. Its suffix selects the format.
        dpi: int. Pixels per inch.
    """
    from matplotlib import rc_context

    metadata = {"Date": None} if path.suffix == ".svg" else None
    picture = io.BytesIO()  # Python writes the file, because Pillow does not report a full disk.
    with rc_context({"svg.hashsalt": path.name}):
        figure.savefig(picture, format=path.suffix[1:], dpi=dpi, metadata=metadata)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(picture.getvalue())
