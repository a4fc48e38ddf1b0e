"""Every reader by its name, and the one door to all of them."""

import difflib
import logging
import time
from collections.abc import Callable

from placevec.places.dataset import PlaceDataset
from placevec.sources.dbstruct import read_dbstruct
from placevec.sources.folder import read_folder
from placevec.sources.gsv_cities import read_gsv_cities
from placevec.sources.pittsburgh import read_pittsburgh
from placevec.sources.sequence import read_sequence
from placevec.sources.table import read_table

log = logging.getLogger(__name__)

# A reader takes a path and `skip_unreadable` and returns a PlaceDataset.
READERS: dict[str, Callable[..., PlaceDataset]] = {
    "folder": read_folder,
    "table": read_table,
    "pittsburgh": read_pittsburgh,
    "dbstruct": read_dbstruct,
    "gsv_cities": read_gsv_cities,
    "sequence": read_sequence,
}


def open_places(places: str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Opens a data set that is named as `READER:PATH`.

    Args:
        places: str. Name of a reader and a path, such as `"folder:data/town"`; what the path is
            is told by the reader.
        skip_unreadable: bool. Leave out photos that are missing, empty or without a position,
            and log how many they are. Defaults to `False`: they are an error.

    Returns:
        PlaceDataset.

    Raises:
        ValueError: If the text is not of this form, no reader has this name, or the data set
            contradicts itself or lacks positions.
        FileNotFoundError: If the path or photos are missing.
    """
    name, colon, path = str(places).partition(":")
    forms = ", ".join(f"{reader}:PATH" for reader in READERS)
    if not colon or not path:
        raise ValueError(
            f"A data set must be named as READER:PATH, one of {forms}. Received: {places!r}"
        )
    if name not in READERS:
        near = difflib.get_close_matches(name.lower(), READERS, n=2)
        hint = f"Did you mean {' or '.join(f'{reader}:' for reader in near)}?" if near else ""
        raise ValueError(
            f"A data set must be named as READER:PATH, one of {forms}. Received: {places!r}. "
            f"{hint}".rstrip(". ")
        )
    start = time.perf_counter()
    dataset = READERS[name](path, skip_unreadable=skip_unreadable)
    log.info(
        "Opened %s: %d photos (%d queries, %d in the database) in %.1f s",
        places,
        len(dataset),
        len(dataset.queries),
        len(dataset.database),
        time.perf_counter() - start,
    )
    return dataset
