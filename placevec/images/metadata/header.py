"""Reads the size of a photo from its first bytes, and checks that its last bytes exist."""

import io
import re
import struct
import warnings
import zlib

from PIL import Image

from placevec.images.metadata.heif import is_heif, open_heif
from placevec.images.metadata.tag_sizes import check_tags

warnings.filterwarnings("ignore", module=r"PIL\.")  # The error itself says what is damaged.

MAX_PIXELS = 100_000_000
"""Photos and videos that declare more pixels than this are refused before they are decoded."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# JPEG markers: start of frame (without the three others in its range), start of scan, end.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_FILL = re.compile(rb"\xff+")  # any number of fill bytes may precede a marker
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff]")
_MOST_SEGMENTS = 100_000  # of a JPEG before its picture, or chunks of a PNG
_MOST_SCANS = 100
_MOST_SCANNED_PIXELS = 2_000_000_000  # scans times pixels, about four seconds of work
_OTHER_FORMATS = ("WEBP", "TIFF", "BMP", "PPM")


def read_header(data: bytes) -> tuple[int, int]:
    """Returns the size that a photo declares, without decoding it.

    JPEG and PNG files are read segment by segment up to their end marker. This finds a file that
    was cut off before a decoder fills the rest with gray. Pillow reads the headers of WebP, TIFF,
    BMP, PPM, PGM, HEIC and AVIF, whose decoders notice a missing end themselves. Because a small
    file can cause much work, a JPEG may have at most 100 scans, and scans times pixels may be at
    most 2 billion.

    Args:
        data: bytes. The complete file.

    Returns:
        `(rows, cols)` as stored, before any EXIF rotation; both positive.

    Raises:
        ValueError: If the bytes are in no such format, declare no size, are cut off or exceed a
            limit. The message is the second half of a sentence, such as "is cut off".
    """
    if not data:
        raise ValueError("is empty")
    try:
        if data.startswith(b"\xff\xd8"):
            rows, cols = _walk_jpeg(data)
        elif data.startswith(_PNG_SIGNATURE):
            rows, cols = _walk_png(data)
        elif is_heif(data):
            with open_heif(data) as photo:
                rows, cols = photo.height, photo.width
        else:
            rows, cols = _ask_pillow(data)
    except (struct.error, IndexError) as error:
        raise ValueError("is cut off") from error
    if rows < 1 or cols < 1:
        raise ValueError(f"declares a size of {rows} x {cols} pixels")
    return rows, cols


def _walk_jpeg(data: bytes) -> tuple[int, int]:
    size = None
    at = 2
    for _ in range(_MOST_SEGMENTS):
        fill = _FILL.match(data, at)
        if fill is None:
            raise ValueError("is cut off" if at >= len(data) else _NO_MARKER)
        at = fill.end()
        marker = data[at]
        at += 1
        if marker in _WITHOUT_LENGTH:
            continue
        if marker == _END_OF_IMAGE[1]:
            raise ValueError("holds no picture")
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _START_OF_FRAME:
            size = struct.unpack_from(">HH", data, at + 3)
        at += length
        if marker == _START_OF_SCAN:
            break
    else:
        raise ValueError(f"has more than {_MOST_SEGMENTS:,} segments before its picture")
    # From here on, FF D9 can only be the end, because coded data has a 00 after each FF.
    if data.rfind(_END_OF_IMAGE, at) < 0:
        raise ValueError("is cut off")
    if size is None:
        raise ValueError("is damaged: the JPEG frame is missing")
    _check_scans(data, at, size)
    return size


_NO_MARKER = "is damaged: a JPEG marker is missing"


def _check_scans(data: bytes, at: int, size: tuple[int, int]) -> None:
    """Refuses a progressive JPEG with many scans, because each scan goes over all pixels.

    Args:
        data: bytes. The file.
        at: int. Where the data of the first scan begin.
        size: (int, int). Rows and columns.
    """
    most = min(_MOST_SCANS, _MOST_SCANNED_PIXELS // max(size[0] * size[1], 1))
    if data.count(bytes((0xFF, _START_OF_SCAN)), at) < most:
        return
    scans = 1
    while scans <= most and (marker := _NEXT_MARKER.search(data, at)):
        at = marker.end()
        kind = data[at - 1]
        if kind == _END_OF_IMAGE[1]:
            return
        if kind not in _WITHOUT_LENGTH:
            at += int.from_bytes(data[at : at + 2], "big")
            scans += kind == _START_OF_SCAN
    if scans > most:
        raise ValueError(f"has more than {most} scans for {size[0]} x {size[1]} pixels")


def _walk_png(data: bytes) -> tuple[int, int]:
    at = len(_PNG_SIGNATURE)
    width, height = struct.unpack_from(">II", data, at + 8)
    for _ in range(_MOST_SEGMENTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        needed_to_decode = chr(kind[0]).isupper()
        if needed_to_decode and zlib.crc32(data[at + 4 : at + 8 + length]) != checksum:
            raise ValueError("is damaged: a PNG checksum is wrong")
        if kind == b"IEND":
            return height, width
        at += 12 + length
    raise ValueError(f"has more than {_MOST_SEGMENTS:,} chunks")


def _ask_pillow(data: bytes) -> tuple[int, int]:
    photo_file = io.BytesIO(data)
    check_tags(photo_file)
    try:
        with Image.open(photo_file, formats=_OTHER_FORMATS) as photo:
            return photo.height, photo.width
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("declares more pixels than Pillow allows") from error
    except (OSError, SyntaxError, TypeError, KeyError, ValueError, struct.error) as error:
        raise ValueError("is not a JPEG, PNG, WebP, TIFF, BMP, PPM, HEIC or AVIF photo") from error
