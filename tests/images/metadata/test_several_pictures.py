import io

import numpy as np
import pytest
from PIL import Image

from placevec.images.condition import condition_of
from placevec.images.metadata import several_pictures
from placevec.images.metadata.several_pictures import has_several_pictures
from placevec.images.read import read_image


def encoded(form: str, count: int) -> bytes:
    first, *others = [
        Image.fromarray(np.full((5, 9, 3), 40 * row, np.uint8)) for row in range(count)
    ]
    stream = io.BytesIO()
    several = {"save_all": True, "append_images": others} if count > 1 else {}
    first.save(stream, form, **several)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch):
    monkeypatch.setattr(several_pictures, "_told", [])


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_tells_several_pictures_from_one(form):
    assert has_several_pictures(encoded(form, 3))
    assert not has_several_pictures(encoded(form, 1))


@pytest.mark.parametrize("form", ["JPEG", "BMP", "PPM"])
def test_other_formats_hold_one_picture(form):
    assert not has_several_pictures(encoded(form, 1))


def tiff(kinds: list[int], order: str, version: int) -> bytes:
    """Pages with one tag each, the type of the page."""

    def number(value: int, num_bytes: int) -> bytes:
        return value.to_bytes(num_bytes, order)

    wide = 4 if version == 42 else 8
    data = (b"II" if order == "little" else b"MM") + number(version, 2)
    data += b"" if version == 42 else number(8, 2) + number(0, 2)
    data = (data + number(16, wide)).ljust(16, b"\0")
    for left, kind in zip(reversed(range(len(kinds))), kinds, strict=True):
        page = number(1, 2 if version == 42 else 8)
        page += number(254, 2) + number(4, 2) + number(1, wide)
        page += number(kind, 4).ljust(wide, b"\0")
        following = len(data) + len(page) + wide if left else 0
        data += page + number(following, wide)
    return data


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("version", [42, 43])
@pytest.mark.parametrize(
    ("kinds", "several"),
    [([0], False), ([0, 0], True), ([0, 1, 4], False), ([0, 1, 0], True), ([1, 0], True)],
)
def test_previews_and_masks_of_a_tiff_are_not_pictures(kinds, several, order, version):
    """Of both byte orders and both sizes of offsets. A preview is read if it comes first."""
    assert has_several_pictures(tiff(kinds, order, version)) == several


def test_a_tiff_without_end_ends():
    wide = tiff([0, 1], "little", 43)
    assert not has_several_pictures(wide[:-8] + (16).to_bytes(8, "little"))
    assert not has_several_pictures(wide[:8] + b"\xff" * 8 + wide[16:])


def test_the_preview_that_a_phone_adds_to_a_jpeg_is_not_told():
    """It would be a line for most photos of a phone."""
    photo = encoded("MPO", 2)
    assert photo.startswith(b"\xff\xd8") and photo.count(b"\xff\xd8\xff") == 2
    assert not has_several_pictures(photo)


def test_a_cut_off_file_is_left_to_the_decoder():
    for form in ("PNG", "WEBP", "TIFF", "AVIF"):
        data = encoded(form, 2)
        for length in range(min(len(data), 400)):
            has_several_pictures(data[:length])


def test_the_log_names_the_first_such_file_once(tmp_path, caplog):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encoded("PNG", 2))
    (tmp_path / "one.png").write_bytes(encoded("PNG", 1))
    assert read_image(tmp_path / "one.png").max() == 0 and not caplog.text
    assert read_image(tmp_path / "a.png").max() == 0
    read_image(tmp_path / "b.png")
    assert "a.png holds several pictures: placevec reads the first one" in caplog.text
    assert len(caplog.records) == 1


def test_a_check_that_does_not_decode_says_it_too(tmp_path, caplog):
    (tmp_path / "a.tif").write_bytes(encoded("TIFF", 2))
    assert condition_of(tmp_path / "a.tif", decode=False).problem == ""
    assert "a.tif holds several pictures" in caplog.text
