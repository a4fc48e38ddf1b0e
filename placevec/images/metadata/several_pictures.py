"""Tells files that hold several pictures, of which placevec reads the first."""

import logging
import struct
from pathlib import Path

from placevec.input_file import shown

_log = logging.getLogger(__name__)
_told: list[Path | str] = []  # the file that the log has named
_ANIMATED_WEBP = 2  # a bit of the flags in a VP8X chunk
_BRANDS_OF_SEQUENCES = (b"avis", b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
_SUBFILE_TYPE = 254  # the tag of TIFF that comes first in a page
_SMALLER_OR_MASK = 1 | 4  # bits of its value: the page is a smaller copy or a mask of another
# Byte order and version of TIFF -> formats of an offset and of the count of entries, bytes of an
# entry, and where the first offset is. BigTIFF, version 43, has wider ones.
_TIFF = {
    b"II*\0": ("<I", "<H", 12, 4),
    b"MM\0*": (">I", ">H", 12, 4),
    b"II+\0": ("<Q", "<Q", 20, 8),
    b"MM\0+": (">Q", ">Q", 20, 8),
}


def tell_of_several_pictures(path: Path | str, data: bytes) -> None:
    """Logs that a file holds pictures that are not read, once per process.

    Args:
        path: Path. The file, for the log.
        data: bytes. The complete file.
    """
    if not _told and has_several_pictures(data):
        _told.append(path)
        _log.warning(
            "%s holds several pictures: placevec reads the first one, of this file and of others "
            "like it",
            shown(path),
        )


def has_several_pictures(data: bytes) -> bool:
    """Returns whether a file is an animation or sequence, or a TIFF of several pages.

    Previews, smaller copies and masks do not count, such as those that phones add to a JPEG.

    Args:
        data: bytes. The complete file.
    """
    if data.startswith(b"\x89PNG"):
        return b"acTL" in data[: max(data.find(b"IDAT"), 0)]  # must come before the picture
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X":
        return len(data) > 20 and bool(data[20] & _ANIMATED_WEBP)
    if data[4:8] == b"ftyp":
        return data[8:12] in _BRANDS_OF_SEQUENCES
    try:
        return data[:4] in _TIFF and _has_more_pages(data)
    except (struct.error, OverflowError):
        return False  # It is cut off; another check reports that.


def _has_more_pages(data: bytes) -> bool:
    """Returns whether the first page of a TIFF is followed by another picture."""
    offset, count, entry_bytes, first_at = _TIFF[data[:4]]
    (at,) = struct.unpack_from(offset, data, first_at)
    seen = {0}
    while at not in seen:
        start = at + struct.calcsize(count)
        if len(seen) > 1 and not _is_copy_or_mask(data, start, entry_bytes):
            return True
        seen.add(at)
        (entries,) = struct.unpack_from(count, data, at)
        (at,) = struct.unpack_from(offset, data, start + entries * entry_bytes)
    return False


def _is_copy_or_mask(data: bytes, entry: int, entry_bytes: int) -> bool:
    order = "<" if data.startswith(b"II") else ">"
    (tag,) = struct.unpack_from(f"{order}H", data, entry)
    (kind,) = struct.unpack_from(f"{order}I", data, entry + entry_bytes // 2 + 2)  # its value
    return tag == _SUBFILE_TYPE and bool(kind & _SMALLER_OR_MASK)
