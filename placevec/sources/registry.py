"""Every reader by its name, and the one door to all of them."""

import difflib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from placevec.places.dataset import PlaceDataset
from placevec.places.split import SPLITS
from placevec.sources.dbstruct import read_dbstruct, recognize_dbstruct
from placevec.sources.folder import read_folder, recognize_folder
from placevec.sources.gsv_cities import read_gsv_cities, recognize_gsv_cities
from placevec.sources.pittsburgh import read_pittsburgh, recognize_pittsburgh
from placevec.sources.sequence import read_sequence, recognize_sequence
from placevec.sources.splits import take_split
from placevec.sources.table import read_table, recognize_table

log = logging.getLogger(__name__)


class Reader(NamedTuple):
    """A format that photos with positions come in.

    Args:
        read: callable. Takes a path and `skip_unreadable` and returns a PlaceDataset.
        recognize: callable. Takes a path and says in a few words what there is of this format,
            such as `"Dataframes/*.csv"`, or `""`; looks at names and first lines only.
    """

    read: Callable[..., PlaceDataset]
    recognize: Callable[[Path], str]


# In the order in which a path is held against them: the most particular first.
READERS: dict[str, Reader] = {
    "dbstruct": Reader(read_dbstruct, recognize_dbstruct),
    "pittsburgh": Reader(read_pittsburgh, recognize_pittsburgh),
    "gsv_cities": Reader(read_gsv_cities, recognize_gsv_cities),
    "sequence": Reader(read_sequence, recognize_sequence),
    "table": Reader(read_table, recognize_table),
    "folder": Reader(read_folder, recognize_folder),
}


def open_places(places: str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Opens a data set that is named as `READER:PATH`, or by a path whose format is recognized.

    Args:
        places: str. Name of a reader and a path, such as `"folder:data/town"`; what the path is
            is told by the reader. A path alone is read by the first reader that recognizes it.
            Behind either, `#train`, `#val` or `#test` takes that split of the set, as `splits.csv`
            beside its photos says.
        skip_unreadable: bool. Leave out photos that are missing, empty or without a position,
            and log how many they are. Defaults to `False`: they are an error.

    Returns:
        PlaceDataset.

    Raises:
        ValueError: If no reader has this name or recognizes the path, or the data set
            contradicts itself or lacks positions.
        FileNotFoundError: If the path or photos are missing.
    """
    name, path = find_reader(places)
    split = find_split(places)
    start = time.perf_counter()
    dataset = READERS[name].read(path, skip_unreadable=skip_unreadable)
    if split:
        dataset = take_split(dataset, split)
    log.info(
        "Opened %s:%s%s: %d photos (%d queries, %d in the database) in %.1f s",
        name,
        path,
        f"#{split}" if split else "",
        len(dataset),
        len(dataset.queries),
        len(dataset.database),
        time.perf_counter() - start,
    )
    return dataset


def find_reader(places: str) -> tuple[str, Path]:
    """Returns the reader and the path that a data set is named by.

    Args:
        places: str. `READER:PATH`, or a path that a reader recognizes; a split behind it, such as
            `#val`, is passed over.

    Returns:
        The name of the reader, one of `READERS`, and the path.

    Raises:
        ValueError: If no reader has this name or recognizes the path.
        FileNotFoundError: If a path alone does not exist.
    """
    split = find_split(places)
    places = str(places).removesuffix(f"#{split}") if split else str(places)
    name, colon, path = places.partition(":")
    if colon and path and name in READERS:
        return name, Path(path).expanduser()
    forms = ", ".join(f"{reader}:PATH" for reader in READERS)
    if places and Path(places).expanduser().exists():
        path = Path(places).expanduser()
        found = recognize_reader(path)
        if found:
            return found[0], path
        raise ValueError(
            f"No reader recognizes {path}. Name the format: READER:PATH, one of {forms}"
        )
    near = difflib.get_close_matches(name.lower(), READERS, n=2) if path else []
    hint = f". Did you mean {' or '.join(f'{reader}:' for reader in near)}?" if near else ""
    error = ValueError if colon or not places else FileNotFoundError
    raise error(
        f"A data set must be named as READER:PATH, one of {forms}, or by a path that exists. "
        f"Received: {places!r}{hint}"
    )


def find_split(places: str) -> str:
    """Returns the split that a data set is named with.

    Args:
        places: str. As `open_places` takes it.

    Returns:
        `"train"`, `"val"` or `"test"`; `""` for the whole set, or where a file of that very name
        is there.
    """
    places = str(places)
    whole, hash_sign, split = places.rpartition("#")
    name, colon, path = places.partition(":")
    file = Path(path if colon and name in READERS else places).expanduser()
    return split if hash_sign and whole and split in SPLITS and not file.exists() else ""


def recognize_reader(path: Path) -> tuple[str, str] | None:
    """Returns the name of the first reader that recognizes a path and why, or None."""
    for name, reader in READERS.items():
        why = reader.recognize(path)
        if why:
            return name, why
    return None
