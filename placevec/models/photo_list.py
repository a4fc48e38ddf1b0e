"""Accepts photos in the forms that a notebook has: paths, pixels, PIL images, tables."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.places import PlaceDataset

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

    Photos = (
        Iterable[Path | str | NDArray[np.uint8] | Image.Image]
        | NDArray[np.uint8]
        | PlaceDataset
        | pd.DataFrame
    )

_BITS_DROPPED = 8  # as `read_image` does with 16-bit photos


def photo_list(photos: "Photos", root: Path | str | None = None) -> list[Path | NDArray[np.uint8]]:
    """Returns photos as paths and pixels, in their order.

    Args:
        photos: Paths, arrays and PIL images, in any mix; `(N, H, W, C)` uint8; PlaceDataset; or
            DataFrame with the column `file`. An array is uint8, `(H, W, 3)` RGB, or `(H, W)` or
            `(H, W, 1)` gray. A PIL image is turned upright according to its EXIF data.
        root: Path or None. Folder that relative paths start from. None: the folder of the data set
            if `PlaceDataset.to_frame` made the table, else the current folder.

    Returns:
        list of Path and of (H, W, 3) uint8.

    Raises:
        ValueError: If `photos` is one photo instead of a list, a photo has another form, or a table
            has no column `file`.

    Example:
    >>> photo_list(["a.jpg", np.zeros((4, 6), np.uint8)], "town")[0].as_posix()
    'town/a.jpg'
    """
    if isinstance(photos, PlaceDataset):
        return list(photos.paths())
    if _is_of(photos, "pandas", "DataFrame"):
        table: Any = photos
        if "file" not in table:
            raise ValueError(
                "A table of photos must have a column `file`. Received: "
                f"{shown(', '.join(map(str, table)))}"
            )
        root = table.attrs.get("root") if root is None else root
        photos = table["file"]
    is_batch = isinstance(photos, np.ndarray) and (photos.ndim == 4 or photos.dtype.kind in "OU")
    is_one = isinstance(photos, str | Path) or _is_of(photos, "PIL.Image", "Image")
    is_list = is_batch or not _is_array(photos)
    if is_one or not is_list or not isinstance(photos, Iterable):
        raise ValueError(
            "`photos` must be a list of photos, (N, H, W, C) uint8, a PlaceDataset or a table with "
            f"the column `file`. Received: {_kind(photos)}. Put one photo into a list: [photo]; "
            'list a folder: sorted(Path("photos").glob("*.jpg"))'
        )
    folder = Path() if root is None else Path(root)
    return [_photo(each, row, folder) for row, each in enumerate(photos)]


def _photo(photo: Any, row: int, folder: Path) -> Path | NDArray[np.uint8]:
    if isinstance(photo, str | Path):
        return folder / photo
    pixels = _upright(photo, row) if _is_of(photo, "PIL.Image", "Image") else photo
    if not _is_array(pixels) or pixels.dtype != np.uint8 or not _is_photo_shape(pixels.shape):
        raise ValueError(
            "A photo must be a path, a PIL image, or uint8 pixels (H, W, 3) RGB or (H, W) gray, 0 "
            f"to 255. Received: {_kind(photo)} as photo {row}"
        )
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _upright(image: "Image.Image", row: int) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode[0] in "IF":  # `convert` would clip it
        pixels = np.asarray(image)
        if image.mode == "F" or pixels.min() < 0 or pixels.max() >= 2**16:
            raise ValueError(
                "A PIL image must have 8 or 16 bits for each color. Received: one of mode "
                f"{image.mode}, {pixels.min():g} to {pixels.max():g}, as photo {row}. Scale it to "
                "uint8"
            )
        image = Image.fromarray((pixels >> _BITS_DROPPED).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def _is_photo_shape(shape: tuple[int, ...]) -> bool:
    return min(shape, default=0) > 0 and (
        len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
    )


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray)


def _is_of(value: object, module: str, name: str) -> bool:
    """Checks a value's class without importing its library: if it is of it, it is imported."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name))


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    return shown(f"{type(value).__name__} {value!r}", longest=100)
