"""The photos that a verb was given, found on disk."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.input_file import shown
from placevec.whole_file import require_writable

if TYPE_CHECKING:
    from placevec.places import PlaceDataset


def open_photos(
    photos: str, out: Path | None = None
) -> tuple[Path, np.ndarray, "PlaceDataset | None"]:
    """Returns the folder of photos, their names, and the data set if it is one.

    A photo alone is the only one of its folder.
    """
    from placevec.images.formats import is_photo
    from placevec.sources import find_split, list_photos, open_places

    if out is not None and out.suffix and not out.is_dir():
        require_writable(out, ".npz")
    elif out is not None and not out.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {out.parent} for {out.name}. Make it")
    path = Path(photos).expanduser()
    if not (":" in photos or find_split(photos) or path.exists()):
        raise FileNotFoundError(
            f"There is no folder or photo {shown(photos)}. Give one, or READER:PATH"
        )
    if path.is_dir():
        return path, np.array(list_photos(path)), None
    if is_photo(path.name) and path.exists():
        return path.parent, np.array([path.name]), None
    dataset = open_places(photos, skip_unreadable=True)
    return dataset.root, dataset.names, dataset
