from types import SimpleNamespace

import keras
import pytest

from placevec.images.image_size import fixed_size_of, image_size_of, size_in_name
from placevec.layers import PixelScaling

USUAL = (240, 320)


def model(shape=(None, None, 3), name="photos", trained=None):
    photos = keras.Input(shape, name=name)
    return keras.Model(photos, PixelScaling(1.0, image_size=trained)(photos))


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"shape": (64, 96, 3), "trained": (32, 48), "name": "photos_10x20"}, (64, 96)),
        ({"trained": (32, 48), "name": "photos_10x20"}, (32, 48)),
        ({"name": "photos_10x20"}, (10, 20)),
        ({"shape": (64, None, 3), "trained": (32, 48)}, (64, 48)),
        ({"shape": (None, 96, 3)}, (240, 96)),
        ({}, USUAL),
    ],
)
def test_the_input_shape_comes_first_then_the_training_then_the_usual(settings, size):
    assert image_size_of(model(**settings), usual=USUAL) == size


def test_what_is_no_keras_model_may_say_its_size():
    assert image_size_of(lambda photos: photos, usual=USUAL) == USUAL
    assert image_size_of(SimpleNamespace(image_size=[32, 48]), usual=USUAL) == (32, 48)
    assert fixed_size_of(lambda photos: photos) == (None, None)


def test_what_is_wanted_holds_unless_the_input_shape_is_another():
    assert image_size_of(model(trained=(32, 48)), usual=USUAL, wanted=[64, 96]) == (64, 96)
    assert image_size_of(model((64, None, 3)), usual=USUAL, wanted=(64, 5)) == (64, 5)
    with pytest.raises(ValueError, match="model's input, 64xany. Received: image_size=\\(65, 5\\)"):
        image_size_of(model((64, None, 3)), usual=USUAL, wanted=(65, 5))


@pytest.mark.parametrize("size", [(32, 32), (240, 320), (12345, 1)])
def test_finds_the_size_in_the_name_that_earlier_versions_gave(size):
    assert size_in_name("photos_{}x{}".format(*size)) == size


@pytest.mark.parametrize(
    "name", ["photos", "images", "photos_240", "photos_0x5", "photos_1x2x3", "my_photos_2x3"]
)
def test_other_names_hold_no_size(name):
    assert size_in_name(name) is None
