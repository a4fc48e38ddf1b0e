"""Traverses of one route, in which photos of equal number or rank show the same place."""

import logging
import os
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places.dataset import PlaceDataset
from placevec.places.name_order import by_number
from placevec.sources.files import readable
from placevec.sources.path_options import split_options
from placevec.sources.tables.folder import POSITIONS_FILE, names_positions
from placevec.sources.walk import LeftOut, require_folder, some_photos, walk_photos

_log = logging.getLogger(__name__)

_QUERY_FOLDERS = ("query", "queries")
_DATABASE_FOLDERS = ("ref", "reference", "database")
_DIGITS = re.compile("([0-9]+)")
_MOST_DIGITS = 18  # the most that int64 can hold


def read_sequence(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads traverses of one route, of which only the order of the photos is known.

    Every subfolder with photos is a traverse. If the names in every traverse number its frames and
    some numbers are in several traverses, photos of equal number show the same place. Otherwise,
    the n-th photos of all traverses show the same place, and all must have equally many photos. A
    photo's position is (n, 0) in the frame `"frames"`, so a radius of 2 is a tolerance of 2 frames.
    Photos are in natural order, regardless of case: `2.jpg` comes before `10.JPG`.

    The traverse `query` (or `queries`, or `NAME` of `PATH,query=NAME`) has the queries; the others
    are the database. `PATH,query=A,database=B` only reads these two. Without a query, all photos of
    all traverses are both. The photos of a traverse share a time, its number, so that positives and
    right answers are in other traverses.

    Args:
        path: Path. A folder with at least two folders of photos.
        skip_unreadable: bool. Leave out empty photos, which still count for the rank of others, and
            log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, queries first, then traverse by traverse in the order of their names, each in
        its own order; `sequence_ids` number the traverses in this order.

    Raises:
        FileNotFoundError: If there are fewer than two traverses, a named one is missing, or photos
            are empty.
        ValueError: If the traverses differ in length and have no common frame numbers.
    """
    root, options = split_options(path, ["query", "database"])
    require_folder(root)
    left_out = LeftOut(root)
    query, traverses = _chosen(root, _find_traverses(root, left_out), options)
    left_out.warn()
    order = sorted(traverses, key=lambda name: (name != query, by_number(name)))
    photos = [traverses[name] for name in order]
    frames = _align(root, order, photos)
    names = np.array([f"{name}/{photo}" for name in order for photo in traverses[name]])
    sequence_ids = np.repeat(np.arange(len(order)), [len(own) for own in photos])
    is_query = sequence_ids == 0
    kept = readable(root, names, source=root, skip_unreadable=skip_unreadable)
    if not kept.any():
        raise FileNotFoundError(f"None of the {counted(len(names), 'photo')} in {root} can be read")
    return PlaceDataset(
        root,
        names,
        positions_m=np.stack([frames, np.zeros_like(frames)], axis=1),
        times_s=sequence_ids.astype(np.float64) if query is None else None,
        sequence_ids=sequence_ids,
        is_query=is_query | (query is None),
        is_database=~is_query | (query is None),
        frame="frames",
    ).take(np.flatnonzero(kept))


def recognize_sequence(path: Path) -> str:
    """Names the traverses at a path (a query, others, no positions), or returns `""`."""
    there = [
        [folder for folder in folders if (path / folder).is_dir()]
        for folders in (_QUERY_FOLDERS, _DATABASE_FOLDERS)
    ]
    if [len(folders) for folders in there] != [1, 1]:
        return ""
    if names_positions(some_photos(path)) or (path / POSITIONS_FILE).is_file():
        return ""
    counts = {len(photos) for photos in _find_traverses(path, LeftOut(path)).values()}
    if len(counts) != 1:
        return ""
    return f"the folders {there[0][0]} and {there[1][0]}, of equal length, no positions"


def _find_traverses(root: Path, left_out: LeftOut) -> dict[str, list[str]]:
    """Returns the subfolders that have photos, and the names of the photos in order.

    Unreadable photos are included, because the rank of the others depends on them.
    """
    folders = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    traverses = {}
    for folder in folders:
        names = walk_photos(root, left_out, folder=folder, keep_odd=True)
        photos = sorted((name.removeprefix(f"{folder}/") for name in names), key=by_number)
        if photos:
            traverses[folder] = photos
    for name in walk_photos(root, left_out, recursive=False):
        left_out.add("traverse", name)
    return traverses


def _chosen(
    root: Path, traverses: dict[str, list[str]], options: dict[str, str]
) -> tuple[str | None, dict[str, list[str]]]:
    """Returns the traverse to look up, or None, and the traverses to read."""
    received = f"Received: {', '.join(traverses) or 'none'}"
    queries = [name for name in traverses if name.lower() in _QUERY_FOLDERS]
    queries = [options["query"]] if "query" in options else queries
    wanted = queries + [options[role] for role in ("database",) if role in options]
    if len(queries) > 1 or ("database" in options and not queries):
        raise FileNotFoundError(
            f"{root} must hold one traverse to look up, {' or '.join(_QUERY_FOLDERS)}. {received}. "
            "Name it: PATH,query=NAME"
        )
    if len(set(wanted)) < len(wanted) or not set(wanted) <= set(traverses):
        raise FileNotFoundError(
            f"{root} must hold {' and '.join(wanted)}, two folders of photos. {received}"
            if len(wanted) > 1
            else f"{root} must hold one traverse to look up, {wanted[0]}. {received}"
        )
    if "database" in options:
        traverses = {name: traverses[name] for name in wanted}
    if len(traverses) < 2:
        raise FileNotFoundError(
            f"{root} must hold two folders of photos or more, such as {_QUERY_FOLDERS[0]} and one "
            f"of {', '.join(_DATABASE_FOLDERS)}. {received}"
        )
    return (queries[0] if queries else None), traverses


def _align(root: Path, traverses: list[str], photos: list[list[str]]) -> NDArray[np.float64]:
    """Returns the frame that each photo shows, (N,) float64: its number, or its rank."""
    maybe = [_frame_numbers(own) for own in photos]
    numbers = [own for own in maybe if own is not None]
    if len(numbers) == len(photos):
        counts = Counter(number for own in numbers for number in own)
        if all(any(counts[number] > 1 for number in own) for own in numbers):
            return _by_number(root, traverses, photos, numbers, counts)
    if len({len(own) for own in photos}) > 1:
        received = ", ".join(
            f"{len(own)} in {name}" for name, own in zip(traverses, photos, strict=True)
        )
        raise ValueError(
            f"The traverses in {root} must have the same number of photos, or frame "
            "numbers in their names "
            f"that meet. Received: {received}. Number the photos of one place alike, name two "
            f"traverses ({root},query=NAME,database=NAME), or use a table (table:)"
        )
    _log.info("Photos of equal rank in the traverses of %s show the same place", root)
    return np.tile(np.arange(len(photos[0]), dtype=np.float64), len(photos))


def _by_number(
    root: Path,
    traverses: list[str],
    photos: list[list[str]],
    numbers: list[list[int]],
    counts: Counter,
) -> NDArray[np.float64]:
    _log.info("Photos of equal number in the traverses of %s show the same place", root)
    alone = [
        f"{name}/{photo}"
        for name, own, frames in zip(traverses, photos, numbers, strict=True)
        for photo, frame in zip(own, frames, strict=True)
        if counts[frame] == 1
    ]
    if alone:
        _log.warning(
            "%d of %d photos in %s with a frame number that no other traverse has (first: %s)",
            len(alone),
            sum(map(len, photos)),
            root,
            alone[0],
        )
    first = min(counts)
    return np.array([number - first for own in numbers for number in own], dtype=np.float64)


def _frame_numbers(names: list[str]) -> list[int] | None:
    """Returns the frame numbers in the names of a traverse, or None if there are none.

    The names must differ in only one number, or only one of the numbers must count in even steps.
    """
    parts = [_DIGITS.split(os.path.splitext(name)[0].casefold()) for name in names]
    if len({tuple(each[::2]) for each in parts}) > 1 or len(parts[0]) == 1:
        return None
    if max(len(digits) for each in parts for digits in each[1::2]) > _MOST_DIGITS:
        return None
    columns = list(zip(*([int(digits) for digits in each[1::2]] for each in parts), strict=True))
    varying = [column for column in columns if len(set(column)) > 1 or len(names) == 1]
    if len(varying) > 1:
        varying = varying[-1:] if len(names) == 1 else list(filter(_counts, varying))
    if len(varying) != 1 or len(set(varying[0])) < len(names):
        return None
    return list(varying[0])


def _counts(numbers: tuple[int, ...]) -> bool:
    """Returns whether most numbers follow one another in equal steps."""
    steps = Counter(after - before for before, after in pairwise(sorted(numbers)))
    return 2 * max(steps.values()) > len(numbers) - 1 and 0 not in steps
