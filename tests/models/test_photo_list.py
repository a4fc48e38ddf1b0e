from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from placevec.models.photo_list import photo_list
from placevec.places import PlaceDataset

pytestmark = pytest.mark.one_backend
RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


@pytest.mark.parametrize(
    "photo",
    [RGB, Image.fromarray(RGB), RGB[::-1][::-1], Image.fromarray(np.dstack([RGB, RGB[..., 0]]))],
)
def test_pixels_are_taken_as_they_are(photo):
    (pixels,) = photo_list([photo])
    np.testing.assert_array_equal(pixels, RGB)
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(
    "photo",
    [
        RGB[..., 0],
        RGB[..., :1],
        Image.fromarray(RGB[..., 0]),
        Image.fromarray(RGB[..., 0].astype(np.uint16) << 8),
    ],
)
def test_gray_photos_get_three_equal_channels(photo):
    (pixels,) = photo_list([photo])
    np.testing.assert_array_equal(pixels, np.repeat(RGB[..., :1], 3, axis=2))


def test_of_sixteen_bits_the_upper_eight_are_taken_and_what_is_more_is_refused():
    values = np.array([[0, 255, 256], [513, 40_000, 65_535]])
    for dtype in (np.uint16, np.int32):
        (pixels,) = photo_list([Image.fromarray(values.astype(dtype))])
        np.testing.assert_array_equal(pixels, np.repeat((values >> 8)[..., None], 3, axis=2))
    for wrong in (values.astype(np.int32) + 1, -values.astype(np.int32), values.astype(np.float32)):
        with pytest.raises(ValueError, match="8 or 16 bits for each color. Received: .* photo 1"):
            photo_list([Image.fromarray(RGB), Image.fromarray(wrong)])


def test_a_pil_image_is_turned_as_its_exif_says():
    image = Image.fromarray(RGB)
    image.getexif()[0x0112] = 6  # a quarter to the right
    np.testing.assert_array_equal(photo_list([image])[0], np.rot90(RGB, -1))


def test_tables_and_data_sets_name_photos_below_their_folder():
    dataset = PlaceDataset("town", ["a.jpg", "b.jpg"], place_ids=[0, 1])
    paths = [Path("town/a.jpg"), Path("town/b.jpg")]
    assert photo_list(dataset) == photo_list(dataset.to_frame()) == paths
    assert photo_list(pd.DataFrame({"file": ["a.jpg", "b.jpg"]}), "town") == paths
    assert photo_list(np.array(["a.jpg", "b.jpg"]), "town") == paths
    assert photo_list(name for name in ["a.jpg"]) == [Path("a.jpg")]
    assert len(photo_list(np.stack([RGB, RGB]))) == 2


@pytest.mark.parametrize(
    ("photos", "match"),
    [
        ("a.jpg", "must be a list.*Received: str 'a.jpg'.*into a list.*list a folder"),
        (Path("a.jpg"), "must be a list"),
        (RGB, r"must be a list.*an array of uint8, shape \(2, 3, 3\)"),
        (Image.fromarray(RGB), "must be a list"),
        (7, "must be a list"),
        (pd.DataFrame({"path": ["a"]}), "a column `file`. Received: path"),
        ([RGB / 255], r"0 to 255. Received: an array of float64, shape \(2, 3, 3\) as photo 0"),
        (["a", RGB[None]], "as photo 1"),
        ([RGB[:0]], "as photo 0"),
        ([np.zeros((2, 3, 4), np.uint8)], "as photo 0"),
        ([None], "Received: NoneType None as photo 0"),
    ],
)
def test_refuses_what_is_no_list_of_photos(photos, match):
    with pytest.raises(ValueError, match=match):
        photo_list(photos)
