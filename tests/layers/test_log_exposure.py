import keras
import numpy as np
import pytest

from placevec.layers import LogExposure


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), np.uint8)


def test_equals_plain_loops(photos):
    received = to_numpy(LogExposure(darkness=2.0)(photos))
    for photo, output in zip(photos, received, strict=True):
        logs = np.log(photo.astype(float) + 2.0)
        expected = 125 + 55 * (logs - logs.mean()) / logs.std()
        np.testing.assert_allclose(output, np.clip(expected, 0, 255), atol=1e-2)


def test_takes_out_the_amount_of_light():
    by_day = np.random.default_rng(1).uniform(80, 240, (1, 6, 6, 3)).astype("float32")
    layer = LogExposure(darkness=1e-3)
    np.testing.assert_allclose(to_numpy(layer(by_day / 4)), to_numpy(layer(by_day)), atol=1e-2)
    even = to_numpy(LogExposure()(by_day))
    assert even.mean() == pytest.approx(125, abs=3)
    assert even.std() == pytest.approx(55, abs=6)


@pytest.mark.parametrize("value", [0, 255])
def test_an_even_photo_is_even(value):
    output = to_numpy(LogExposure()(np.full((1, 4, 4, 1), value, np.uint8)))
    np.testing.assert_allclose(output, 125, atol=1e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_stays_exact_under_mixed_precision(photos, policy):
    exact = to_numpy(LogExposure()(photos))
    output = LogExposure(dtype=policy)(photos)
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    np.testing.assert_array_equal(to_numpy(output), exact)


def test_saves_its_argument(tmp_path, photos):
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, LogExposure(darkness=3.0)(inputs))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(to_numpy(loaded(photos)), to_numpy(model(photos)))


def test_refuses_no_darkness():
    with pytest.raises(ValueError, match="must be above 0. Received: darkness=0"):
        LogExposure(darkness=0)
