"""All readers by name, and `open_places`, which opens data sets with them."""

import difflib
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from placevec.counted import counted
from placevec.input_file import shown
from placevec.kinds import kind_of, refuse_kind
from placevec.places.dataset import PlaceDataset
from placevec.places.join import join_datasets
from placevec.places.split import SPLITS
from placevec.sources.benchmarks.dbstruct import read_dbstruct, recognize_dbstruct
from placevec.sources.benchmarks.gsv_cities import read_gsv_cities, recognize_gsv_cities
from placevec.sources.benchmarks.msls import read_msls, recognize_msls
from placevec.sources.benchmarks.pittsburgh import read_pittsburgh, recognize_pittsburgh
from placevec.sources.benchmarks.utm_lists import read_utm_lists, recognize_utm_lists
from placevec.sources.reconstructions.colmap import read_colmap, recognize_colmap
from placevec.sources.reconstructions.kapture import read_kapture, recognize_kapture
from placevec.sources.reconstructions.opensfm import read_opensfm, recognize_opensfm
from placevec.sources.recordings.euroc import read_euroc, recognize_euroc
from placevec.sources.recordings.four_seasons import read_four_seasons, recognize_four_seasons
from placevec.sources.recordings.kitti import read_kitti, recognize_kitti
from placevec.sources.recordings.rosbag import read_rosbag, recognize_rosbag
from placevec.sources.recordings.seven_scenes import read_seven_scenes, recognize_seven_scenes
from placevec.sources.recordings.tum import read_tum, recognize_tum, why_not_tum
from placevec.sources.tables.exif import NUM_LOOKED_AT, read_exif, recognize_exif
from placevec.sources.tables.folder import POSITIONS_FILE, read_folder, recognize_folder
from placevec.sources.tables.rows.rows import read_rows
from placevec.sources.tables.sequence import read_sequence, recognize_sequence
from placevec.sources.tables.splits import take_split
from placevec.sources.tables.table import find_table, read_table, recognize_table
from placevec.sources.tracks.track import is_track, read_track, recognize_track
from placevec.sources.tracks.video import read_video, recognize_video
from placevec.sources.unread import find_unread
from placevec.sources.walk import some_photos

_log = logging.getLogger(__name__)
_PLUS = " + "
_OPTION = re.compile(r",[a-z_]+=")
_MOST_LOOKED_AT = 20  # folders in a path that is not recognized


class Reader(NamedTuple):
    """A format of photos with positions.

    Args:
        read: callable. Takes a path and `skip_unreadable` and returns a PlaceDataset.
        recognize: callable. Takes a path and names in a few words what it has of this format,
            such as `"Dataframes/*.csv"`, or returns `""`; only reads names and first lines.
    """

    read: Callable[..., PlaceDataset]
    recognize: Callable[[Path], str]


# In the order in which a path is compared with them: the most specific first.
READERS: dict[str, Reader] = {
    "dbstruct": Reader(read_dbstruct, recognize_dbstruct),
    "pittsburgh": Reader(read_pittsburgh, recognize_pittsburgh),
    "gsv_cities": Reader(read_gsv_cities, recognize_gsv_cities),
    "msls": Reader(read_msls, recognize_msls),
    "utm_lists": Reader(read_utm_lists, recognize_utm_lists),
    "colmap": Reader(read_colmap, recognize_colmap),
    "opensfm": Reader(read_opensfm, recognize_opensfm),
    "kapture": Reader(read_kapture, recognize_kapture),
    "seven_scenes": Reader(read_seven_scenes, recognize_seven_scenes),
    "four_seasons": Reader(read_four_seasons, recognize_four_seasons),
    "kitti": Reader(read_kitti, recognize_kitti),
    "euroc": Reader(read_euroc, recognize_euroc),
    "tum": Reader(read_tum, recognize_tum),
    "rosbag": Reader(read_rosbag, recognize_rosbag),
    "table": Reader(read_table, recognize_table),
    "folder": Reader(read_folder, recognize_folder),
    "exif": Reader(read_exif, recognize_exif),
    "track": Reader(read_track, recognize_track),
    "sequence": Reader(read_sequence, recognize_sequence),
    "video": Reader(read_video, recognize_video),
}


def open_places(places: str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Opens data sets that are named as `READER:PATH`, or by a path whose format is recognized.

    Several, joined by ` + ` with blanks around it, become one: `"table:town + folder:rendered"`.

    Args:
        places: str. Name of a reader and a path, such as `"folder:data/town"`; the reader's
            documentation says what the path is. A path alone is read by the first reader that
            recognizes it. Append `#train`, `#val` or `#test` to either for that split of the set,
            as `splits.csv` beside its photos defines it.
        skip_unreadable: bool. Leave out photos that are missing, empty or without a position,
            and log how many they are. Defaults to `False`: they are an error.

    Returns:
        PlaceDataset.

    Raises:
        ValueError: If no reader has this name or recognizes the path, or the data set
            is inconsistent or has no positions.
        FileNotFoundError: If the path or photos are missing.
    """
    several = split_places(places)
    if len(several) > 1:
        return join_datasets([open_places(p, skip_unreadable=skip_unreadable) for p in several])
    name, path = find_reader(places)
    split = find_split(places)
    start = time.perf_counter()
    dataset = READERS[name].read(path, skip_unreadable=skip_unreadable)
    dataset.require_places()
    if split:
        dataset = take_split(dataset, split)
    _log.info(
        "Opened %s:%s%s: %s (%s, %d in the database) in %.1f s",
        name,
        path,
        f"#{split}" if split else "",
        counted(len(dataset), "photo"),
        counted(len(dataset.queries), "query", "queries"),
        len(dataset.database),
        time.perf_counter() - start,
    )
    return dataset


def split_places(places: str) -> list[str]:
    """Returns the names of the data sets that are joined by ` + `.

    A path that contains ` + ` is one path if it exists, with its options and its split.

    Args:
        places: str. As for `open_places`.
    """
    parts, names = str(places).split(_PLUS), []
    while parts:
        joined = (_PLUS.join(parts[:count]) for count in range(len(parts), 1, -1))
        names.append(next(filter(_is_one_path, joined), parts[0]))
        parts = parts[names[-1].count(_PLUS) + 1 :]
    return names


def _is_one_path(places: str) -> bool:
    """Returns whether a name with ` + ` is one path, with or without options."""
    split = find_split(places)
    places = places.removesuffix(f"#{split}") if split else places
    name, colon, path = places.partition(":")
    path = path if colon and name in READERS else places
    if Path(path).expanduser().exists():
        return True
    front, *values = _OPTION.split(path)
    with_plus = [part for part in (front, *values) if _PLUS in part]
    return Path(front).expanduser().exists() and all(
        Path(part).expanduser().exists() for part in with_plus
    )


def find_reader(places: str) -> tuple[str, Path]:
    """Returns the reader and the path of a named data set.

    Args:
        places: str. `READER:PATH`, or a path that a reader recognizes; a split after it, such as
            `#val`, is ignored.

    Returns:
        The name of the reader, one of `READERS`, and the path.

    Raises:
        ValueError: If no reader has this name or recognizes the path, or it is something else,
            such as a model.
        FileNotFoundError: If a path alone does not exist.
    """
    split = find_split(places)
    places = str(places).removesuffix(f"#{split}") if split else str(places)
    name, colon, path = places.partition(":")
    _refuse_other_splits(path if colon and name in READERS else places)
    if colon and path and name in READERS:
        return name, Path(path).expanduser()
    forms = ", ".join(f"{reader}:PATH" for reader in READERS)
    if places and Path(places).expanduser().exists():
        path = Path(places).expanduser()
        found = recognize_reader(path)
        if found:
            return found[0], path
        if not find_unread(path):
            refuse_kind(path, kind_of(path), "photos")
        if path.is_dir() and not any(path.iterdir()):
            raise ValueError(f"{path} is empty: it holds no photos")
        raise ValueError(
            f"No reader recognizes {path}{_why_not(path)}. Name the format: READER:PATH, one of "
            f"{forms}"
        )
    near = difflib.get_close_matches(name.lower(), READERS, n=2) if path else []
    hint = f". Did you mean {' or '.join(f'{reader}:' for reader in near)}?" if near else ""
    refuse_kind(places, kind_of(places), "photos")
    if places and not colon:
        options = ". Options after a path need READER: before it" if _OPTION.search(places) else ""
        raise FileNotFoundError(f"No such path: {places}{options}")
    raise ValueError(
        f"A data set must be named as READER:PATH, one of {forms}, or by a path that exists. "
        f"Received: {places!r}{hint}"
    )


def find_split(places: str) -> str:
    """Returns the split in the name of a data set.

    Args:
        places: str. As for `open_places`.

    Returns:
        `"train"`, `"val"` or `"test"`; `""` for the whole set, or if a file with exactly this name
        exists.
    """
    places = str(places)
    whole, hash_sign, split = places.rpartition("#")
    name, colon, path = places.partition(":")
    file = Path(path if colon and name in READERS else places).expanduser()
    return split if hash_sign and whole and split in SPLITS and not file.exists() else ""


def _refuse_other_splits(path: str) -> None:
    whole, hash_sign, split = path.rpartition("#")
    if not hash_sign or not whole or Path(path).expanduser().exists():
        return
    if Path(whole).expanduser().exists():
        raise ValueError(
            f"A split must follow `#`: {', '.join(SPLITS)}. Received: {split!r} after {whole}"
        )


def _why_not(path: Path) -> str:
    """Says what a path needs to be recognized, as far as possible."""
    unread = find_unread(path)
    if unread:
        return f": {unread}"
    if is_track(path):
        return f", a track. Name the photos or the video, too: track:PATH,track={shown(path)}"
    why_not = why_not_tum(path) if path.is_dir() else ""
    if why_not:
        return f". {why_not}"
    inside = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    found = [(each, recognize_reader(each)) for each in inside[:_MOST_LOOKED_AT]]
    found = [f"{reader[0]}:{shown(each)}" for each, reader in found if reader]
    if found:
        return f". Data sets are in it: name one, such as {found[0]}"
    if photos := some_photos(path):
        exif = "EXIF"
        if len(photos) > NUM_LOOKED_AT:
            exif = f"the EXIF of {NUM_LOOKED_AT} photos (exif:{shown(path)} looks at all)"
        return f", which holds photos but no positions in {POSITIONS_FILE}, names or {exif}"
    try:
        read_rows(find_table(path))
    except FileNotFoundError:
        return ""
    except (ValueError, OSError) as error:
        return f". {error}"
    return ""


def recognize_reader(path: Path) -> tuple[str, str] | None:
    """Returns the name of the first reader that recognizes a path and why, or None."""
    for name, reader in READERS.items():
        why = reader.recognize(path)
        if why:
            return name, why
    return None
