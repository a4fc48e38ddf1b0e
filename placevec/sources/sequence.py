"""Traverses of one route, frame for frame: photos of equal rank show the same place."""

from pathlib import Path

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.places.name_order import by_number
from placevec.sources.files import readable, require_folder, some_photos, walk_photos
from placevec.sources.folder import POSITIONS_FILE, parse_photo_name
from placevec.sources.path_options import split_options

_QUERY_FOLDERS = ("query", "queries")
_DATABASE_FOLDERS = ("ref", "reference", "database")


def read_sequence(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads traverses of one route, of which nothing is known but the order of the photos.

    Every subfolder with photos is a traverse. The n-th photo of one shows the same place as the
    n-th of any other. A photo's position is (n, 0) in the frame `"frames"`, so a radius of 2 is a
    tolerance of 2 frames. Numbers in names are sorted by their value: `2.jpg` stands before
    `10.jpg`.

    The traverse `query` (or `queries`, or `NAME` of `PATH,query=NAME`) is looked up, the others
    are searched. Without one, all photos of all traverses are both; the photos of a traverse share
    a time, its number, so that positives and right answers are of other traverses.

    Args:
        path: Path. A folder with at least two folders of equally many photos.
        skip_unreadable: bool. Leave out empty photos, which keep their place in the count, and
            log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, queries first, then traverse by traverse in the order of their names, each in
        its order; `sequence_ids` number the traverses so.

    Raises:
        FileNotFoundError: If there are not two traverses, or not the one to look up, or photos are
            empty.
        ValueError: If the traverses differ in length.
    """
    root, options = split_options(path, ["query"])
    require_folder(root)
    traverses = _find_traverses(root)
    query = _query_folder(root, traverses, options.get("query"))
    if len(traverses) < 2:
        raise FileNotFoundError(
            f"{root} must hold two folders of photos or more, such as {_QUERY_FOLDERS[0]} and one "
            f"of {', '.join(_DATABASE_FOLDERS)}. Received: {', '.join(traverses) or 'none'}"
        )
    if len({len(photos) for photos in traverses.values()}) > 1:
        counts = ", ".join(f"{len(photos)} in {name}" for name, photos in traverses.items())
        raise ValueError(
            f"The traverses in {root} must have equally many photos. Received: {counts}. Use a "
            "table (table:) for other pairs"
        )
    order = sorted(traverses, key=lambda name: (name != query, name))
    length = len(traverses[order[0]])
    names = np.concatenate([traverses[name] for name in order])
    frames = np.tile(np.arange(length, dtype=np.float64), len(order))
    sequence_ids = np.repeat(np.arange(len(order)), length)
    is_query = sequence_ids == 0
    kept = readable(root, names, source=root, skip_unreadable=skip_unreadable)
    return PlaceDataset(
        root,
        names,
        positions_m=np.stack([frames, np.zeros_like(frames)], axis=1),
        times_s=sequence_ids if query is None else None,
        sequence_ids=sequence_ids,
        is_query=None if query is None else is_query,
        is_database=None if query is None else ~is_query,
        frame="frames",
    ).take(np.flatnonzero(kept))


def recognize_sequence(path: Path) -> str:
    """Says which traverses there are at a path, or `""`: a query, others, and no positions."""
    there = [
        [folder for folder in folders if (path / folder).is_dir()]
        for folders in (_QUERY_FOLDERS, _DATABASE_FOLDERS)
    ]
    if [len(folders) for folders in there] != [1, 1]:
        return ""
    if any(map(parse_photo_name, some_photos(path))) or (path / POSITIONS_FILE).is_file():
        return ""
    counts = {len(photos) for photos in _find_traverses(path).values()}
    if len(counts) != 1:
        return ""
    return f"the folders {there[0][0]} and {there[1][0]}, of equal length, no positions"


def _find_traverses(root: Path) -> dict[str, list[str]]:
    """Returns the subfolders that hold photos, and the names of these in their order."""
    folders = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    traverses = {}
    for folder in folders:
        photos = sorted(walk_photos(root / folder), key=by_number)
        if photos:
            traverses[folder] = [f"{folder}/{name}" for name in photos]
    return traverses


def _query_folder(root: Path, traverses: dict[str, list[str]], wanted: str | None) -> str | None:
    there = [folder for folder in _QUERY_FOLDERS if folder in traverses]
    if wanted is not None:
        there = [wanted] if wanted in traverses else []
    if len(there) > 1 or (wanted is not None and not there):
        raise FileNotFoundError(
            f"{root} must hold one traverse to look up, {wanted or ' or '.join(_QUERY_FOLDERS)}. "
            f"Received: {', '.join(traverses) or 'none'}"
        )
    return there[0] if there else None
