"""Photos that need no positions, found on disk."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from placevec.images.formats import is_photo
from placevec.images.read import UnreadableImageError, read_image
from placevec.images.videos.frame_names import find_frame
from placevec.input_file import shown
from placevec.kinds import kind_of, refuse_kind
from placevec.places.dataset import PlaceDataset
from placevec.sources.missing import note_missing
from placevec.sources.registry import READERS, Reader, find_split, open_places, recognize_reader
from placevec.sources.tables.exif import recognize_exif
from placevec.sources.values.in_zone import in_zone_of
from placevec.sources.walk import is_text, list_photos

_log = logging.getLogger(__name__)
_BESIDE_PHOTOS = ("table", "folder", "exif")  # readers of positions that are beside photos


def open_photos(photos: PlaceDataset | Path | str, *, skip_unreadable: bool = True) -> PlaceDataset:
    """Opens photos, with or without known places.

    Args:
        photos: PlaceDataset, Path or str. A single photo, a frame such as `walk.mp4#000120`, a
            folder, or READER:PATH.
        skip_unreadable: bool. Leave out and log photos of a data set that are missing instead of
            stopping. Defaults to `True`.

    Returns:
        PlaceDataset. Without positions or identities for a photo or a folder.

    Raises:
        FileNotFoundError: If the photo or folder does not exist.
        ValueError: As `open_places`.
    """
    if isinstance(photos, PlaceDataset):
        return photos
    photos = str(photos)
    path = Path(photos).expanduser()
    frame = find_frame(path)
    is_frame = frame is not None and Path(frame[0]).is_file()
    if not (":" in photos or find_split(photos) or path.exists() or is_frame):
        refuse_kind(path, kind_of(path), "photos")
        video, is_part, _ = photos.partition("#")
        way_out = "Give one, or READER:PATH"
        if is_part and Path(video).expanduser().is_file():
            way_out = f"Name a frame of a video by its number, such as {shown(video)}#000120"
        raise FileNotFoundError(f"There is no folder, photo or video {shown(photos)}. {way_out}")
    if path.is_dir():
        return PlaceDataset(path, np.array(list_photos(path), dtype=np.str_))
    if is_frame or (is_photo(path.name) and path.exists()):
        if not is_text(path.name):
            raise ValueError(
                "A photo's name must be UTF-8 text without control characters. Received: "
                f"{shown(path.name)}. Rename it"
            )
        return PlaceDataset(path.parent, np.array([path.name]))
    return open_places(photos, skip_unreadable=skip_unreadable)


def has_positions_beside(folder: Path) -> bool:
    """Returns whether `by_position` can look for positions beside the photos of a folder."""
    return _reader_beside(folder) is not None


def by_position(photos: PlaceDataset, frame: str | None = None) -> list[PlaceDataset]:
    """Returns a folder's photos with the positions beside them, and those without positions.

    Positions come from the places where `table:`, `folder:` and `exif:` read them.

    Args:
        photos: PlaceDataset. All photos of a folder, without positions.
        frame: str or None. If it names a UTM zone, positions of another zone are converted to it,
            because the zone of a folder's middle changes as photos are added. Defaults to `None`.

    Returns:
        list of PlaceDataset. Together they hold each photo once.
    """
    reader = _reader_beside(photos.root)
    if reader is None:
        return [photos]
    try:
        with note_missing() as notes:
            known = in_zone_of(frame, reader.read(photos.root))
    except (ValueError, OSError) as error:
        _log.warning("Positions are left out: %s", error)
        return [photos]
    for each in notes:
        if not each.left_out:  # `open_photos` has logged those
            _log.warning("%s: %s", each.message, "left out" if each.of_files else "taken without")
    if known.positions_m is None or known.root != photos.root:
        return [photos]
    parts = [
        known.take(np.flatnonzero(np.isin(known.names, photos.names))),
        photos.take(np.flatnonzero(~np.isin(photos.names, known.names))),
    ]
    return [part for part in parts if len(part)]


def _reader_beside(folder: Path) -> Reader | None:
    found = recognize_reader(folder)
    if found and found[0] in _BESIDE_PHOTOS:
        return READERS[found[0]]
    return READERS["exif"] if recognize_exif(folder, whole=True) else None


@contextlib.contextmanager
def photo_of_bytes(data: bytes) -> Iterator[PlaceDataset]:
    """Writes the bytes of a photo to a temporary folder.

    Args:
        data: bytes. The content of a photo file, in a format that `read_image` reads.

    Yields:
        PlaceDataset. The one photo, named `photo`; it is deleted after the block.

    Raises:
        ValueError: If the bytes are not a photo.
    """
    with tempfile.TemporaryDirectory(prefix="placevec-") as folder:
        path = Path(folder) / "photo"
        path.write_bytes(data)
        try:
            read_image(path)
        except UnreadableImageError as error:
            reason = str(error).removeprefix(f"{path} ").partition(". ")[0]
            raise ValueError(
                f"The bytes must be those of one photo. Received: {len(data):,} bytes ({reason}). "
                "Name a photo or READER:PATH instead"
            ) from None
        yield PlaceDataset(Path(folder), np.array([path.name]))
