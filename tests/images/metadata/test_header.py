import io
import struct

import numpy as np
import pytest
from PIL import Image

from placevec.images.metadata.header import read_header


def encoded(form: str, rows: int = 5, cols: int = 9, **options) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (rows, cols, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM"])
def test_reads_rows_and_cols(form):
    assert read_header(encoded(form)) == (5, 9)


def test_reads_a_progressive_jpeg_with_thumbnail_and_comment():
    thumbnail = encoded("JPEG", 2, 3)
    data = encoded("JPEG", 40, 70, progressive=True, comment=b"\xff\xd9 in a comment", quality=95)
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:]
    assert read_header(data) == (40, 70)
    with pytest.raises(ValueError, match="is cut off"):
        read_header(data[:-2])


def test_takes_what_cameras_append_behind_the_end():
    assert read_header(encoded("JPEG") + bytes(100)) == (5, 9)


def test_refuses_every_prefix_of_a_jpeg_or_png():
    for form in ("JPEG", "PNG"):
        data = encoded(form)
        for length in range(len(data)):
            with pytest.raises(ValueError, match="empty|cut off|is not a JPEG|damaged"):
                read_header(data[:length])


def test_refuses_a_png_whose_pixels_changed():
    data = bytearray(encoded("PNG"))
    data[data.index(b"IDAT") + 12] ^= 0xFF
    with pytest.raises(ValueError, match="checksum"):
        read_header(bytes(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is not a JPEG, PNG"),
        (b"\xff\xd8\xff\xd9", "holds no picture"),
        (b"\xff\xd8plain text", "marker is missing"),
        (b"BM" + bytes(60), "is not a JPEG, PNG"),
    ],
)
def test_refuses_what_is_no_photo(data, words):
    with pytest.raises(ValueError, match=words):
        read_header(data)


def test_refuses_a_jpeg_without_rows():
    data = bytearray(encoded("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 2] = b"\0\0"
    with pytest.raises(ValueError, match="0 x 9 pixels"):
        read_header(bytes(data))


def scans_of(data: bytes) -> tuple[int, int]:
    """Returns where the last scan of a JPEG begins and ends."""
    return data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")


def test_refuses_a_jpeg_of_more_than_100_scans_however_they_are_hidden():
    data = encoded("JPEG", 40, 70, progressive=True)
    start, end = scans_of(data)
    count = data.count(b"\xff\xda")
    scan = data[start:end]
    whole = data[:end] + scan * (100 - count) + data[end:]
    assert read_header(whole) == (40, 70)
    end_in_a_comment = b"\xff\xfe\x00\x04\xff\xd9"
    for between in (b"", end_in_a_comment, b"\xff\xff"):
        bomb = data[:end] + (between + scan) * (101 - count) + data[end:]
        with pytest.raises(ValueError, match="more than 100 scans for 40 x 70 pixels"):
            read_header(bomb)
    appended = data + b"\xff\xda" * 200  # behind the end: the video of a moving photo
    assert read_header(appended) == (40, 70)


def test_a_large_jpeg_may_have_fewer_scans():
    data = bytearray(encoded("JPEG", 40, 70, progressive=True))
    at = data.find(b"\xff\xc2")
    data[at + 5 : at + 9] = struct.pack(">HH", 20_000, 20_000)
    with pytest.raises(ValueError, match="more than 5 scans"):
        read_header(bytes(data))


def test_counts_segments_and_chunks():
    comment = b"\xff\xfe\x00\x02"
    data = encoded("JPEG")
    with pytest.raises(ValueError, match="more than 100,000 segments"):
        read_header(data[:2] + comment * 100_001 + data[2:])
    png = encoded("PNG")
    empty = struct.pack(">I4sI", 0, b"teSt", 0)
    with pytest.raises(ValueError, match="more than 100,000 chunks"):
        read_header(png[:33] + empty * 100_001 + png[33:])
