import keras
import numpy as np
import pytest
from keras import ops

from placevec.images.read import resize_image
from placevec.layers import AreaResize


@pytest.mark.parametrize("size", [(48, 64), (37, 91), (20, 30), (24, 32), (20, 91), (96, 15)])
def test_equals_read_image_within_one_gray_level(size):
    photos = np.random.default_rng(0).integers(0, 256, (2, *size, 3)).astype(np.uint8)
    resized = ops.convert_to_numpy(AreaResize((24, 32))(photos))
    expected = np.stack([resize_image(photo, 24, 32) for photo in photos])
    assert resized.dtype == np.uint8 and resized.shape == expected.shape
    assert np.abs(resized.astype(int) - expected).max() <= 1


def test_takes_any_size_in_one_model_and_is_saved(tmp_path):
    photos = keras.Input((None, None, 1), dtype="uint8")
    model = keras.Model(photos, AreaResize((4, 6))(photos))
    assert model.output_shape == (None, 4, 6, 1)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    for size in ((8, 12), (9, 7)):
        pixels = np.random.default_rng(0).integers(0, 256, (1, *size, 1)).astype(np.uint8)
        np.testing.assert_array_equal(
            ops.convert_to_numpy(again(pixels)), ops.convert_to_numpy(model(pixels))
        )


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 5, 6)])
def test_refuses_what_is_no_size(size):
    with pytest.raises(ValueError, match="two positive integers"):
        AreaResize(size)
