"""The size of a photo from its first bytes, and whether its last bytes are there."""

import io
import struct
import zlib

from PIL import Image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# JPEG markers: start of frame (all but the three that share its numbers), start of scan, end.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_OTHER_FORMATS = ("WEBP", "TIFF", "BMP", "PPM")


def read_header(data: bytes) -> tuple[int, int]:
    """Returns the size that a photo declares, without decoding it.

    JPEG and PNG are walked segment by segment up to their end marker, so that a file that was cut
    off is found before a decoder fills the rest with grey. WebP, TIFF, BMP and PPM/PGM headers are
    read by Pillow; their decoders notice a missing end by themselves.

    Args:
        data: bytes. The whole file.

    Returns:
        `(rows, cols)` as stored, before any EXIF turn; both positive.

    Raises:
        ValueError: If the bytes are of no such format, declare no size or are cut off. The
            message is the second half of a sentence: "is cut off".
    """
    if not data:
        raise ValueError("is empty")
    try:
        if data.startswith(b"\xff\xd8"):
            rows, cols = _walk_jpeg(data)
        elif data.startswith(_PNG_SIGNATURE):
            rows, cols = _walk_png(data)
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
    while True:
        if data[at] != 0xFF:
            raise ValueError("is damaged: a JPEG marker is missing")
        while data[at] == 0xFF:  # any number of fill bytes may stand before a marker
            at += 1
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
    # From here on FF D9 can only be the end: in the coded data each FF is followed by 00.
    if data.rfind(_END_OF_IMAGE, at) < 0:
        raise ValueError("is cut off")
    if size is None:
        raise ValueError("is damaged: the JPEG frame is missing")
    return size


def _walk_png(data: bytes) -> tuple[int, int]:
    at = len(_PNG_SIGNATURE)
    width, height = struct.unpack_from(">II", data, at + 8)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        needed_to_decode = chr(kind[0]).isupper()
        if needed_to_decode and zlib.crc32(data[at + 4 : at + 8 + length]) != checksum:
            raise ValueError("is damaged: a PNG checksum is wrong")
        if kind == b"IEND":
            return height, width
        at += 12 + length


def _ask_pillow(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=_OTHER_FORMATS) as photo:
            return photo.height, photo.width
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("declares more pixels than Pillow allows") from error
    except (OSError, SyntaxError, TypeError, KeyError, ValueError, struct.error) as error:
        raise ValueError("is no JPEG, PNG, WebP, TIFF, BMP, PPM or PGM photo") from error
