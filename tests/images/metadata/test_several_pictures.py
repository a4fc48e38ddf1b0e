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


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(("version", "wide"), [(42, 4), (43, 8)])
def test_reads_tiff_of_both_byte_orders_and_offset_sizes(order, version, wide):
    """One directory of one tag at byte 16, and where the next directory is."""

    def number(value, num_bytes):
        return value.to_bytes(num_bytes, order)

    start = (b"II" if order == "little" else b"MM") + number(version, 2)
    start += b"" if version == 42 else number(8, 2) + number(0, 2)
    start = (start + number(16, wide)).ljust(16, b"\0")
    count, entry = number(1, 2 if version == 42 else 8), bytes(12 if version == 42 else 20)
    assert not has_several_pictures(start + count + entry + number(0, wide))
    assert has_several_pictures(start + count + entry + number(8, wide))


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
