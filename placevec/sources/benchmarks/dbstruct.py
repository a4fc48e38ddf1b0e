"""The dbStruct .mat files of the NetVLAD authors: Pittsburgh, Tokyo Time Machine, Tokyo 24/7."""

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places.dataset import PlaceDataset
from placevec.sources.benchmarks.mat_file import read_mat, variables_of_mat
from placevec.sources.benchmarks.months import seconds_of_months
from placevec.sources.files import files_like, keep_files, tell_unnamed, tidy_name
from placevec.sources.listing import Listing
from placevec.sources.missing import go_on_without
from placevec.sources.path_options import split_options
from placevec.sources.values.null_island import among_them, at_zero
from placevec.sources.values.roles import warn_of_both

# Where photos may be below their folder, the most specific place first.
_DATABASE_FOLDERS = ("", "images", "database")
_OWN_QUERY_FOLDERS = ("queries_real", "queries", "query")
_SAME_PLACE_M = 1.0


@dataclass(frozen=True, eq=False)
class DbStruct:
    """What a dbStruct .mat says about its photos.

    Args:
        database_names: (M,) str. As written, such as `000/000426_pitch1_yaw1.jpg`.
        database_positions_m: (M, 2) float64. UTM east and north; NaN if not given.
        query_names: (Q,) str. Relative to the queries' folder, so a name may also be that of
            another photo in the database.
        query_positions_m: (Q, 2) float64.
        database_times_s: (M,) float64 or None. Start of the month in seconds since 1970, UTC.
        query_times_s: (Q,) float64 or None.
    """

    database_names: NDArray[np.str_]
    database_positions_m: NDArray[np.float64]
    query_names: NDArray[np.str_]
    query_positions_m: NDArray[np.float64]
    database_times_s: NDArray[np.float64] | None = None
    query_times_s: NDArray[np.float64] | None = None


def read_dbstruct(
    path: Path | str, *, skip_unreadable: bool = False, require_files: bool = True
) -> PlaceDataset:
    """Reads a dbStruct .mat and finds its photos.

    placevec looks for the photos in the folder of the .mat and in its parent or, for a path
    `FILE.mat,images=DIR`, in DIR and its parent: for database photos directly there, in `images/`
    or in `database/`; for queries in `queries_real/`, `queries/`, `query/`, directly there or in
    the folder of the database photos. A file with another suffix than in the .mat (the .png files
    of Tokyo 24/7) is accepted. A name in both lists is two photos if one of these folders for
    queries contains it, as in Nordland. Otherwise it is one photo with both roles, as in Tokyo Time
    Machine.

    Args:
        path: Path. The .mat, a folder that holds exactly one (or has one in `datasets/`), or
            `FILE.mat,images=DIR`.
        skip_unreadable: bool. Leave out photos without a file or position and log how many they
            are. Defaults to `False`.
        require_files: bool. Whether the photos must exist. If not, all are kept, even missing ones.
            Defaults to `True`.

    Returns:
        PlaceDataset, sorted by name, in the frame `"UTM"` (the .mat names no zone).

    Raises:
        FileNotFoundError: If the .mat or photos are missing.
        ValueError: If the .mat is truncated, is not a dbStruct or contradicts itself.
    """
    top, options = split_options(path, ["images"])
    mat_path = _find_mat(top)
    images_dir = Path(options.get("images", mat_path.parent)).expanduser()
    if not images_dir.is_dir():
        raise FileNotFoundError(f"{images_dir} is not a folder. Give the one that holds the photos")
    content = load_dbstruct(mat_path)
    roots = [images_dir, images_dir.absolute().parent]
    database, queries = _find_photos(roots, content)
    there = np.concatenate([database.there, queries.there])
    names = np.concatenate([database.names, queries.names])
    kept = np.ones(len(names), dtype=bool)
    if require_files:
        photos, row_of, photo_of = np.unique(names, return_index=True, return_inverse=True)
        kept = keep_files(
            database.root,
            photos,
            there[row_of],
            source=mat_path,
            detail=f"looked in {roots[0]} and {roots[1]}, there and below "
            + ", ".join((*_DATABASE_FOLDERS[1:], *_OWN_QUERY_FOLDERS)),
            way_out=f"Put the photos beside the .mat or name their folder, {mat_path},images=DIR",
            skip_unreadable=skip_unreadable,
        )[photo_of]
        tell_unnamed(database.root, photos, source=mat_path)
    positions_m = np.concatenate([content.database_positions_m, content.query_positions_m])
    is_zero = at_zero(positions_m, on_earth=False)
    given = np.isfinite(positions_m).all(axis=1) & ~is_zero
    go_on_without(
        list(names[~given]),
        len(names),
        problem=f"No positions for {{}} of {mat_path}{among_them(is_zero.sum())}",
        way_out="Get the file again",
        skip_unreadable=skip_unreadable,
    )
    times_s = None
    if content.database_times_s is not None and content.query_times_s is not None:
        times_s = np.concatenate([content.database_times_s, content.query_times_s])
    is_query = np.arange(len(names)) >= len(content.database_names)
    rows = np.flatnonzero(kept & given)
    if not len(rows):
        raise ValueError(
            f"None of the {counted(len(names), 'photo')} of {mat_path} has a file and a position"
        )
    unique, first, row_of = np.unique(names[rows], return_index=True, return_inverse=True)
    looked_up, searched = np.zeros((2, len(unique)), dtype=bool)
    looked_up[row_of[is_query[rows]]] = True
    searched[row_of[~is_query[rows]]] = True
    warn_of_both(unique, looked_up, searched, mat_path)
    return PlaceDataset(
        database.root,
        unique,
        positions_m=positions_m[rows[first]],
        times_s=None if times_s is None else times_s[rows[first]],
        is_query=looked_up,
        is_database=searched,
        frame="UTM",
    )


def load_dbstruct(mat_path: Path) -> DbStruct:
    """Reads the fields of a dbStruct .mat by their names.

    Args:
        mat_path: Path. A MATLAB file of version 5 to 7.

    Returns:
        DbStruct, in the file's order.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is truncated, is not a dbStruct or contradicts itself.
    """
    fields = _load_fields(mat_path)
    parts: dict[str, Any] = {}
    for role, letters in (("database", "db"), ("query", "q")):
        names = _names(fields[f"{letters}ImageFns"], mat_path)
        positions = fields["utmDb" if role == "database" else "utmQ"]
        if positions.dtype.kind not in "fiu" or positions.shape != (2, len(names)):
            raise ValueError(
                f"`utm{letters.capitalize()}` of {mat_path} must hold 2 numbers for each of "
                f"{counted(len(names), 'photo')}. Received: shape {positions.shape}"
            )
        parts[f"{role}_names"] = names
        parts[f"{role}_positions_m"] = positions.T.astype(np.float64)
        if "dbTimeStamp" in fields and "qTimeStamp" in fields:
            parts[f"{role}_times_s"] = _months(fields[f"{letters}TimeStamp"], len(names), mat_path)
    return DbStruct(**parts)


def holds_dbstruct(mat_path: Path) -> bool:
    """Returns whether a .mat has a variable `dbStruct`, without reading it.

    Raises:
        ValueError: If the file is truncated or is not a .mat.
    """
    return "dbStruct" in variables_of_mat(mat_path)


def recognize_dbstruct(path: Path) -> str:
    """Names the dbStruct at a path, or returns `""`."""
    try:
        mat_path = _find_mat(path)
    except (ValueError, OSError):
        return ""
    if mat_path.suffix.lower() != ".mat" or not holds_dbstruct(mat_path):
        return ""
    return f"a dbStruct, {mat_path.name}"


def _find_mat(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise FileNotFoundError(f"{path} does not exist. Give a dbStruct .mat or its folder")
    found = files_like(path, "*.mat") or files_like(path, "datasets/*.mat")
    if len(found) != 1:
        names = ", ".join(p.name for p in found[:9]) or "none"
        raise FileNotFoundError(f"{path} must hold one .mat. Received: {names}. Name the file")
    return found[0]


def _load_fields(mat_path: Path) -> dict[str, NDArray[Any]]:
    if not mat_path.is_file():
        raise FileNotFoundError(f"{mat_path} does not exist. Give a dbStruct .mat")
    content = read_mat(mat_path, "dbStruct")
    wanted = ("dbImageFns", "utmDb", "qImageFns", "utmQ")
    fields = getattr(getattr(content, "dtype", None), "names", None) or ()
    missing = [field for field in wanted if field not in fields]
    if content is None or content.size != 1 or missing:
        raise ValueError(
            f"{mat_path} must hold a struct `dbStruct` with the fields {', '.join(wanted)}. "
            + ("Received: no such struct" if not fields else f"Missing: {', '.join(missing)}")
        )
    content = content.ravel()[0]
    return {field: content[field] for field in fields}


def _names(cells: NDArray[Any], mat_path: Path) -> NDArray[np.str_]:
    texts = ["".join(np.asarray(cell).astype(str).ravel()) for cell in cells.ravel()]
    names = np.array([tidy_name(text, mat_path) for text in texts], dtype=np.str_)
    unique, counts = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(f"{mat_path} names {unique[counts > 1][0]} more than once in one list")
    return names


def _months(stamps: NDArray[Any], count: int, mat_path: Path) -> NDArray[np.float64]:
    """Converts stamps such as 200907 to seconds."""
    stamps = stamps.ravel()
    if stamps.dtype.kind not in "fiu" or len(stamps) != count:
        raise ValueError(f"{mat_path} must hold a time stamp for each photo, such as 200907")
    return seconds_of_months(*np.divmod(stamps.astype(np.int64), 100), mat_path)


@dataclass(frozen=True, eq=False)
class _Found:
    """The photos of one list, searched in one folder of a root."""

    root: Path
    folder: str
    names: NDArray[np.str_]  # (N,) str, relative to the root; as on disk if found
    there: NDArray[np.bool_]  # (N,) bool


def _find_photos(roots: list[Path], content: DbStruct) -> tuple[_Found, _Found]:
    """Returns the database photos and the queries, below the root that has the most of both.

    If two roots have equally many, the one with a separate folder of queries is used.
    """
    best: Any = None
    for root in roots:
        listing = Listing(root)
        database = _find_list(listing, _DATABASE_FOLDERS, content.database_names)
        folders, are_own = _query_folders(listing, content)
        if not are_own:
            folders = (*folders, database.folder, *_OWN_QUERY_FOLDERS, *_DATABASE_FOLDERS)
        queries = _find_list(listing, folders, content.query_names)
        rank = (database.there.sum() + queries.there.sum(), are_own)
        if best is None or rank > best[0]:
            best = (rank, database, queries)
        if are_own and database.there.all() and queries.there.all():
            break
    return best[1:]


def _query_folders(listing: Listing, content: DbStruct) -> tuple[tuple[str, ...], bool]:
    """Returns the folders to search queries in first, and whether they may be nowhere else.

    If a name is in both lists, the database photo must not be used as the query. In Nordland, the
    two are photos of one place at different times. In Pittsburgh, they are hundreds of metres
    apart. In Tokyo Time Machine, they are one photo: there the queries have no folder.
    """
    own = [posixpath.join(above, own) for above in ("", "images") for own in _OWN_QUERY_FOLDERS]
    names = content.query_names.tolist()
    holding = tuple(
        folder
        for folder in own
        if any(listing.mentions(posixpath.join(folder, name)) for name in names)
    )
    shared, in_database, in_queries = np.intersect1d(
        content.database_names, content.query_names, assume_unique=True, return_indices=True
    )
    if holding:
        return holding, len(shared) > 0
    apart_m = content.database_positions_m[in_database] - content.query_positions_m[in_queries]
    if (np.abs(apart_m) > _SAME_PLACE_M).any():
        return _OWN_QUERY_FOLDERS, True
    return (), False


def _find_list(listing: Listing, folders: tuple[str, ...], names: NDArray[np.str_]) -> _Found:
    """Returns the photos in the folder that has the most of them, the first of equal ones."""
    best: Any = None
    for folder in dict.fromkeys(folders):
        wanted = [posixpath.join(folder, name) for name in names.tolist()]
        on_disk = [None] * len(wanted)
        if (listing.root / folder).is_dir():
            on_disk = [listing.find(name) for name in wanted]
        there = np.array([name is not None for name in on_disk], dtype=bool)
        if best is None or there.sum() > best.there.sum():
            found = [name or want for name, want in zip(on_disk, wanted, strict=True)]
            best = _Found(listing.root, folder, np.array(found, dtype=np.str_), there)
        if best.there.all():
            break
    return best
