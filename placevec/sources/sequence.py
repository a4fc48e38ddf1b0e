"""Two traverses of one route, frame for frame: photos of equal rank show the same place."""

from pathlib import Path

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.places.name_order import by_number
from placevec.sources.files import list_photos, readable, require_folder, some_photos
from placevec.sources.folder import POSITIONS_FILE, parse_photo_name

_QUERY_FOLDERS = ("query", "queries")
_DATABASE_FOLDERS = ("ref", "reference", "database")


def read_sequence(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads two traverses of one route, of which nothing is known but the order of the photos.

    The n-th photo of one shows the same place as the n-th of the other. A photo's position is
    (n, 0) in the frame `"frames"`, so a radius of 2 is a tolerance of 2 frames. Numbers in names
    are sorted by their value: `2.jpg` stands before `10.jpg`.

    Args:
        path: Path. A folder with a folder `query` (or `queries`), whose photos are looked up, and
            a folder `ref`, `reference` or `database`, whose photos are searched.
        skip_unreadable: bool. Leave out empty photos, which keep their place in the count, and
            log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, queries first, each traverse in its order.

    Raises:
        FileNotFoundError: If a folder is missing, or photos are empty.
        ValueError: If the traverses differ in length or hold no photos.
    """
    root = Path(path).expanduser()
    require_folder(root)
    queries = _traverse(root, _QUERY_FOLDERS)
    database = _traverse(root, _DATABASE_FOLDERS)
    if len(queries) != len(database):
        raise ValueError(
            f"The traverses in {root} must have equally many photos. Received: {len(queries)} "
            f"queries, {len(database)} in the database. Use a table (table:) for other pairs"
        )
    names = np.array(queries + database)
    kept = readable(root, names, source=root, skip_unreadable=skip_unreadable)
    frames = np.tile(np.arange(len(queries), dtype=np.float64), 2)
    is_query = np.arange(len(names)) < len(queries)
    return PlaceDataset(
        root,
        names,
        positions_m=np.stack([frames, np.zeros_like(frames)], axis=1),
        is_query=is_query,
        is_database=~is_query,
        frame="frames",
    ).take(np.flatnonzero(kept))


def recognize_sequence(path: Path) -> str:
    """Says which traverses there are at a path, or `""`: photos without positions."""
    there = [
        [folder for folder in folders if (path / folder).is_dir()]
        for folders in (_QUERY_FOLDERS, _DATABASE_FOLDERS)
    ]
    if [len(folders) for folders in there] != [1, 1]:
        return ""
    if any(map(parse_photo_name, some_photos(path))) or (path / POSITIONS_FILE).is_file():
        return ""
    return f"the folders {there[0][0]} and {there[1][0]}, no positions in the names"


def _traverse(root: Path, folders: tuple[str, ...]) -> list[str]:
    there = [folder for folder in folders if (root / folder).is_dir()]
    if len(there) != 1:
        raise FileNotFoundError(
            f"{root} must hold one of the folders {', '.join(folders)}. "
            f"Received: {', '.join(there) or 'none'}"
        )
    names = list_photos(root / there[0])
    return [f"{there[0]}/{name}" for name in sorted(names, key=by_number)]
