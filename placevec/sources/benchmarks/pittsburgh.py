"""Pittsburgh cut-outs: 24 views of each street panorama, identified by their panorama."""

import logging
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places.dataset import PlaceDataset
from placevec.sources.benchmarks.dbstruct import holds_dbstruct, load_dbstruct
from placevec.sources.files import files_like, readable
from placevec.sources.missing import go_on_without
from placevec.sources.values.null_island import among_them, at_zero
from placevec.sources.walk import LeftOut, require_folder, walk_photos

_log = logging.getLogger(__name__)

NUM_YAWS = 12

_CUTOUT = re.compile(r"(?:(.*)/)?(\d+)_pitch(\d+)_yaw(\d+)\.\w+")


class Cutout(NamedTuple):
    """The panorama and the view of a cut-out.

    Args:
        panorama: str. Folder and number of the panorama, such as `"000/000123"`.
        pitch: int. 1 or 2.
        yaw: int. 1 to 12, in steps of 30 degrees.
    """

    panorama: str
    pitch: int
    yaw: int


def parse_cutout_name(name: str) -> Cutout:
    """Reads the panorama, pitch and yaw from the name of a cut-out.

    Args:
        name: str. File name with its folder.

    Returns:
        Cutout.

    Raises:
        ValueError: If it is not the name of a cut-out.

    Example:

    >>> parse_cutout_name("000/000123_pitch1_yaw7.jpg")
    Cutout(panorama='000/000123', pitch=1, yaw=7)
    """
    match = _CUTOUT.fullmatch(name)
    if not match:
        raise ValueError(
            f"A cut-out's name must be like 000/000123_pitch1_yaw7.jpg. Received: {name}"
        )
    folder, number, pitch, yaw = match.groups()
    return Cutout(f"{folder}/{number}" if folder else number, int(pitch), int(yaw))


def read_pittsburgh(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads Pittsburgh cut-outs, `000/000123_pitch1_yaw7.jpg`, from folders named by a number.

    The cut-outs of one panorama show one place, and every photo is both query and database. If
    `PATH/*.mat` or `PATH/datasets/*.mat` are dbStructs with these photos, the photos have positions
    too. Without positions, headings are relative to the panorama's first yaw, so that they can be
    compared within a place. With positions there are no headings, because nothing says how
    panoramas are rotated relative to each other.

    To read the official training, validation and test sets, and the queries in `queries_real/`, use
    the dbStruct reader.

    Args:
        path: Path. The folder that holds `000/`, `001/` and so on, itself or in `images/`.
        skip_unreadable: bool. Leave out empty photos and, if a .mat gives positions, photos
            without one, and log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name, in the frame `"UTM"` with positions.

    Raises:
        FileNotFoundError: If the folder does not exist, or photos are empty.
        ValueError: If there are no cut-outs, or the .mat files contain only some of them.
    """
    top = Path(path).expanduser()
    left_out = LeftOut(top)
    root, names = _list_cutouts(top, left_out)
    left_out.warn()
    cutouts = [parse_cutout_name(name) for name in names]
    names = np.array(names)
    kept = readable(root, names, source=root, skip_unreadable=skip_unreadable)
    positions_m = _positions(top, names)
    headings_deg = None
    if positions_m is None:
        headings_deg = np.array([(cutout.yaw - 1) % NUM_YAWS for cutout in cutouts]) * 30.0
    else:
        is_zero = at_zero(positions_m, on_earth=False)
        given = ~np.isnan(positions_m).any(axis=1) & ~is_zero
        go_on_without(
            names[~given],
            len(names),
            problem=f"No positions for {{}} in {root}{among_them(is_zero.sum())}",
            way_out="Put the .mat of the others beside the existing ones, or open one .mat "
            "with dbstruct:",
            skip_unreadable=skip_unreadable,
        )
        kept &= given
        positions_m = np.nan_to_num(positions_m)
    if not kept.any():
        raise ValueError(
            f"None of the {counted(len(names), 'photo')} in {root} has content and a position"
        )
    _, place_ids = np.unique([cutout.panorama for cutout in cutouts], return_inverse=True)
    return PlaceDataset(
        root,
        names,
        positions_m=positions_m,
        headings_deg=headings_deg,
        place_ids=place_ids,
        frame="local" if positions_m is None else "UTM",
    ).take(np.flatnonzero(kept))


def recognize_pittsburgh(path: Path) -> str:
    """Names the cut-outs of Pittsburgh at a path, or returns `""`."""
    try:
        return f"cut-outs such as {_list_cutouts(path, LeftOut(path))[1][0]}"
    except (ValueError, OSError):
        return ""


def _list_cutouts(top: Path, left_out: LeftOut) -> tuple[Path, list[str]]:
    """Returns the root and the names of the cut-outs, in folders named by a number."""
    require_folder(top)
    for root in (top, top / "images"):
        names = []
        folders = sorted(p.name for p in root.glob("*") if p.name.isdecimal() and p.is_dir())
        for folder in folders:
            for name in walk_photos(root, left_out, folder=folder, recursive=False, keep_odd=True):
                if _CUTOUT.fullmatch(name):
                    names.append(name)
                else:
                    left_out.add("cutout", name)
        if names:
            return root, sorted(names)
    raise ValueError(f"No cut-outs like 000/000123_pitch1_yaw7.jpg in {top}. Give their folder")


def _positions(top: Path, names: NDArray[np.str_]) -> NDArray[np.float64] | None:
    """Returns (N, 2) positions from all .mat files, NaN if unknown; None if all are unknown."""
    known: dict[str, NDArray[np.float64]] = {}
    for mat_path in files_like(top, "*.mat", "datasets/*.mat"):
        if not holds_dbstruct(mat_path):
            continue
        content = load_dbstruct(mat_path)
        for name, position in zip(
            content.database_names.tolist(), content.database_positions_m, strict=True
        ):
            if np.abs(known.setdefault(name, position) - position).max() > 1.0:
                raise ValueError(
                    f"{mat_path} and another .mat give {name} places more than 1 m apart. Keep one"
                )
    positions_m = np.full((len(names), 2), np.nan)
    for row, name in enumerate(names.tolist()):
        positions_m[row] = known.get(name, np.nan)
    if np.isnan(positions_m).all():
        if known:
            _log.warning("The .mat files in %s contain none of its photos: no positions", top)
        return None
    return positions_m
