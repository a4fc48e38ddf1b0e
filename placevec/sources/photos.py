"""Photos that need no positions, found on disk."""

from pathlib import Path

import numpy as np

from placevec.images.formats import is_photo
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.registry import find_split, open_places
from placevec.sources.walk import list_photos


def open_photos(
    photos: PlaceDataset | Path | str,
) -> tuple[Path, np.ndarray, PlaceDataset | None]:
    """Returns the folder of photos, their names, and the data set if they are one.

    Args:
        photos: PlaceDataset, Path or str. A photo, which is the only one of its folder, a folder,
            or READER:PATH. Photos of a data set that are missing are left out and logged.

    Returns:
        The folder; `(N,)` str, names relative to it; PlaceDataset or None.

    Raises:
        FileNotFoundError: If there is no such photo or folder.
        ValueError: As `open_places`.
    """
    if isinstance(photos, PlaceDataset):
        return photos.root, photos.names, photos
    photos = str(photos)
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
