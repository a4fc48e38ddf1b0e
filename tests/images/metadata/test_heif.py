import io
import sys

import numpy as np
import pytest
from PIL import Image

from placevec.images.condition import condition_of
from placevec.images.metadata.gps import read_gps
from placevec.images.metadata.heif import MissingHeifError, is_heif
from placevec.images.read import UnreadableImageError, read_image

PIXELS = np.stack(np.broadcast_arrays(np.arange(48)[:, None] * 5, np.arange(64) * 4, 90), axis=2)
PIXELS = PIXELS.astype(np.uint8)


def exif_of_a_phone(orientation=1):
    exif = Image.Exif()
    exif[0x112] = orientation
    exif[0x8825] = {1: "N", 2: (52.0, 12.0, 18.0), 3: "E", 4: (0.0, 7.0, 12.0)}
    return exif.tobytes()


def encoded(kind, **options):
    """Returns a photo in HEIC or AVIF."""
    file = io.BytesIO()
    photo = Image.fromarray(PIXELS)
    if kind == "AVIF":
        photo.save(file, kind, quality=95, **options)
    else:
        heif = pytest.importorskip("pillow_heif").from_pillow(photo)
        heif.save(file, quality=95, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_reads_pixels_and_position(tmp_path, kind):
    path = tmp_path / "photo.jpg"  # the content counts
    path.write_bytes(encoded(kind, exif=exif_of_a_phone()))
    assert np.abs(read_image(path).astype(int) - PIXELS).mean() < 4
    assert read_image(path, channels=1, image_size=(12, 16)).shape == (12, 16, 1)
    assert read_gps(path).lat_deg == pytest.approx(52.205)
    condition = condition_of(path)
    assert condition.size == (48, 64) and not condition.problem


@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_turns_once(tmp_path, kind):
    path = tmp_path / "photo.heic"
    path.write_bytes(encoded(kind, exif=exif_of_a_phone(orientation=6)))
    turned = np.rot90(PIXELS, -1)
    assert np.abs(read_image(path).astype(int) - turned).mean() < 4


@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_refuses_what_is_cut_off_or_too_large(tmp_path, kind):
    data, path = encoded(kind), tmp_path / "photo.heic"
    for length in (40, len(data) // 2, len(data) - 10):
        path.write_bytes(data[:length])
        with pytest.raises(
            UnreadableImageError, match="photo.heic is damaged or cut off"
        ) as caught:
            read_image(path)
        assert "\n" not in str(caught.value)
        assert np.isnan(read_gps(path).lat_deg)
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match="48 x 64 pixels, more than 1000"):
        read_image(path, max_pixels=1000)


def test_names_the_package_that_is_missing(tmp_path, monkeypatch):
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    match = (
        r"photo.heic is a HEIC photo, which needs pillow-heif: `pip install \"placevec\[heif\]\"`"
    )
    with pytest.raises(UnreadableImageError, match=match):
        read_image(path)
    with pytest.raises(MissingHeifError, match=match):
        read_gps(path)
    assert "placevec[heif]" in condition_of(path).problem


@pytest.mark.parametrize(
    ("start", "known"),
    [
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", True),
        (b"\0\0\0\x18ftypisom\0\0\0\0avc1mp41", False),
        (b"\0\0\0\x10ftypqt  \0\0\0\0heic", False),
        (b"\0\0\0\x18ftypisomheic", False),
        (b"", False),
        (b"\xff\xd8\xff", False),
    ],
)
def test_knows_photos_from_videos(start, known):
    assert is_heif(start) == known
