import time

import keras
import numpy as np

from placevec.archive import read_npz
from placevec.models import load_model
from placevec.networks.keras_file import write_arrays, write_keras


def make_model():
    keras.utils.set_random_seed(0)
    photos = keras.Input((None, None, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(photos))
    return keras.Model(photos, keras.layers.GlobalAveragePooling2D()(x))


def test_a_model_is_the_same_file_at_any_time_and_loads(tmp_path, monkeypatch):
    model = make_model()
    write_keras(model, tmp_path / "a.keras")
    monkeypatch.setattr(
        "time.localtime", lambda *_: time.struct_time((2033, 5, 18, 3, 0, 0, 2, 138, 0))
    )
    write_keras(model, tmp_path / "b.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    photos = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    expected, received = (
        keras.ops.convert_to_numpy(each(photos))
        for each in (model, load_model(tmp_path / "a.keras"))
    )
    np.testing.assert_array_equal(received, expected)


def test_arrays_come_back_as_they_were(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(4, dtype=np.int8)}
    write_arrays(tmp_path / "a.npz", arrays)
    received = read_npz(tmp_path / "a.npz")
    assert received.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(received[name], array)
