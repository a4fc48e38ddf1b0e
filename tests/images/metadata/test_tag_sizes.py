"""What the tags of a TIFF or EXIF block claim."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from placevec.images.metadata.gps import GPS, read_gps
from placevec.images.metadata.header import read_header
from placevec.images.metadata.tag_sizes import check_exif, check_tags


def tags(count: int, size: int, padding: int = 0) -> bytes:
    """A TIFF block whose tags all name the same bytes."""
    entries = b"".join(struct.pack("<HHII", 0x9000 + i, 7, size, 8) for i in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4 + padding)


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, "JPEG")
    data = stream.getvalue()
    added = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(each) + 2) + each
        for marker, each in segments
    )
    return data[:2] + added + data[2:]


def test_leaves_plain_photos_alone():
    for form in ("JPEG", "TIFF", "PNG", "WEBP"):
        stream = io.BytesIO()
        exif = Image.Exif()
        exif[0x10E] = "a" * 5000
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, form, exif=exif.tobytes())
        stream.seek(0)
        check_tags(stream)
        assert stream.tell() == 0
        check_tags(io.BytesIO(stream.getvalue()[:30]))  # cut off, which is told elsewhere


@pytest.mark.parametrize("times", [1, 3])
def test_tags_that_share_their_bytes_are_refused(times):
    bomb = tags(4000, 60_000, padding=20_000)
    with pytest.raises(ValueError, match="tags that claim 240,000,000 bytes"):
        check_exif(b"Exif\0\0" * times + bomb)
    check_exif(tags(400, 60_000, padding=60_000))


def test_such_tags_are_unknown_and_such_a_tiff_is_no_photo(tmp_path):
    bomb = tags(4000, 60_000, padding=10_000)
    half = len(bomb) // 2
    for name, data in (
        ("exif", jpeg_with((0xE1, b"Exif\0\0" + bomb))),
        ("parts", jpeg_with(*((0xE1, b"Exif\0\0" + b) for b in (bomb[:half], bomb[half:])))),
        ("pictures", jpeg_with((0xE2, b"MPF\0" + bomb))),
    ):
        with pytest.raises(ValueError, match="tags that claim"):
            check_tags(io.BytesIO(data))
        (tmp_path / f"{name}.jpg").write_bytes(data)
        assert repr(read_gps(tmp_path / f"{name}.jpg")) == repr(GPS())
        assert read_header(data) == (8, 8)  # the pixels can be read all the same
    with pytest.raises(ValueError, match="tags that claim"):
        read_header(bomb)


def test_long_exif_is_refused():
    with pytest.raises(ValueError, match="more than 2,000,000 bytes"):
        check_exif(bytes(2_000_001))
