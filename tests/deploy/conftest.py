import keras
import pytest

from placevec.layers import NetVLAD, PixelScaling
from placevec.models import save_model


@pytest.fixture(scope="session")
def model_path(tmp_path_factory):
    """A network of three layers that takes photos of any size."""
    keras.utils.set_random_seed(0)
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(scale=1 / 255, image_size=(32, 48), name="pixels")(photos)
    x = keras.layers.Conv2D(8, 3, strides=4, padding="same")(x)
    path = tmp_path_factory.mktemp("model") / "m.keras"
    save_model(keras.Model(photos, NetVLAD(2, name="aggregator")(x)), path)
    return path
