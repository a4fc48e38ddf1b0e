"""Checks how many bytes the tags of a TIFF or EXIF block claim, before a library reads them.

A tag says where its value is and how long it is. Thousands of tags can refer to the same bytes, so
that a small file would take gigabytes of memory.
"""

import io
import struct
from typing import BinaryIO

MAX_EXIF_BYTES = 2_000_000
"""Larger EXIF blocks are refused."""

_SHARED_BYTES = 50_000_000  # Tags of a directory may claim this many more bytes than the file has.
_MOST_SEGMENTS = 10_000
_BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
                  16: 8, 17: 8, 18: 8}  # fmt: skip
_SUB_DIRECTORIES = (0x8769, 0x8825)  # EXIF, GPS
_CLASSIC, _BIG = 42, 43  # TIFF with offsets of 4 and of 8 bytes
_EXIF, _MULTI_PICTURE = b"Exif\0\0", b"MPF\0"
_APPLICATION, _START_OF_SCAN = range(0xE0, 0xF0), 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})


def check_tags(photo: BinaryIO) -> None:
    """Checks the tags that Pillow reads when it opens a photo.

    Args:
        photo: Binary file that can seek. A JPEG or a TIFF is checked, other files are ignored. It
            is read from its beginning, and set back to it.

    Raises:
        ValueError: If EXIF is larger than 2 MB, or the tags of a directory claim 50 MB more than
            the file has. The message is the second half of a sentence.
    """
    try:
        start = photo.read(2)
        if start == b"\xff\xd8":
            _check_jpeg(photo)
        elif start in (b"II", b"MM"):
            _check_tiff(photo)
    except struct.error:
        return  # It is cut off; another check reports that.
    finally:
        photo.seek(0)


def check_exif(block: bytes) -> None:
    """Checks an EXIF block, with or without a leading `Exif`, as `check_tags` checks a photo."""
    while block.startswith(_EXIF):
        block = block[len(_EXIF) :]
    if len(block) > MAX_EXIF_BYTES:
        raise ValueError(f"has EXIF of more than {MAX_EXIF_BYTES:,} bytes")
    check_tags(io.BytesIO(block))


def _check_jpeg(photo: BinaryIO) -> None:
    exif, exif_bytes = [], 0
    for _ in range(_MOST_SEGMENTS):
        marker = _next_marker(photo)
        if marker == _START_OF_SCAN:
            check_exif(b"".join(exif))
            return
        if marker in _WITHOUT_LENGTH:
            continue
        length = max(struct.unpack(">H", photo.read(2))[0] - 2, 0)
        if marker not in _APPLICATION:
            photo.seek(length, io.SEEK_CUR)
            continue
        content = photo.read(length)
        if content.startswith(_MULTI_PICTURE):
            check_tags(io.BytesIO(content[len(_MULTI_PICTURE) :]))
        elif content.startswith(_EXIF) and exif_bytes <= MAX_EXIF_BYTES:
            exif.append(content[len(_EXIF) :])
            exif_bytes += len(content)
    raise ValueError(f"has more than {_MOST_SEGMENTS:,} segments before its picture")


def _next_marker(photo: BinaryIO) -> int:
    """Returns the next marker, after any number of fill bytes."""
    (marker,) = struct.unpack("B", photo.read(1))
    if marker != 0xFF:
        raise ValueError("is damaged: a JPEG marker is missing")
    while marker == 0xFF:
        (marker,) = struct.unpack("B", photo.read(1))
    return marker


def _check_tiff(photo: BinaryIO) -> None:
    size = photo.seek(0, io.SEEK_END)
    photo.seek(0)
    order = ">" if photo.read(2) == b"MM" else "<"
    (version,) = struct.unpack(f"{order}H", photo.read(2))
    if version not in (_CLASSIC, _BIG):
        return
    is_big = version == _BIG
    photo.seek(8 if is_big else 4)
    (start,) = _take(photo, order + ("Q" if is_big else "I"))
    for offset in _check_directory(photo, start, size, order, is_big):
        _check_directory(photo, offset, size, order, is_big)


def _check_directory(photo: BinaryIO, start: int, size: int, order: str, is_big: bool) -> list[int]:
    """Returns the offsets of the directories below this one."""
    if start >= size:
        return []
    photo.seek(start)
    (count,) = _take(photo, order + ("Q" if is_big else "H"))
    entry = struct.Struct(order + ("HHQQ" if is_big else "HHII"))
    count = min(count, (size - photo.tell()) // entry.size)
    claimed, below = 0, []
    for tag, kind, items, value in entry.iter_unpack(photo.read(count * entry.size)):
        claimed += min(items * _BYTES_OF_TYPE.get(kind, 0), size)
        if tag in _SUB_DIRECTORIES:
            below.append(value)
    if claimed > size + _SHARED_BYTES:
        raise ValueError(f"has tags that claim {claimed:,} bytes, far more than the file has")
    return below


def _take(photo: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, photo.read(struct.calcsize(form)))
