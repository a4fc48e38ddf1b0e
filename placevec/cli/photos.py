"""The photos that a verb was given, found on disk."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.whole_file import require_writable

if TYPE_CHECKING:
    from placevec.places import PlaceDataset


def open_photos(
    photos: str, out: Path | None = None
) -> tuple[Path, np.ndarray, "PlaceDataset | None"]:
    """Returns the folder of photos, their names, and the data set where it is one."""
    from placevec.sources import find_split, list_photos, open_places

    if out is not None and out.suffix and not out.is_dir():
        require_writable(out, ".npz")
    elif out is not None and not out.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {out.parent} for {out.name}. Make it")
    if not (":" in photos or find_split(photos) or Path(photos).is_dir()):
        raise FileNotFoundError(f"There is no folder {photos}. Give one, or READER:PATH")
    if Path(photos).is_dir():
        return Path(photos), np.array(list_photos(Path(photos))), None
    dataset = open_places(photos, skip_unreadable=True)
    return dataset.root, dataset.names, dataset
