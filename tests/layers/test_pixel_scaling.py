import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import PixelScaling

MEANS = [-103.939, -116.779, -123.68]


def random_photos(*shape):
    return np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)


def test_keeps_the_contract(check_layer):
    arguments = {"scale": 2 / 255, "offset": -1.0, "channel_order": "bgr"}
    check_layer(PixelScaling, arguments, random_photos(2, 4, 5, 3), half_tolerance=5e-3)


def test_keeps_the_contract_with_a_number_per_channel(check_layer):
    arguments = {"scale": [0.1, 0.2, 0.3], "offset": [-1.0, 0.0, 1.0], "channel_order": "rgb"}
    photos = random_photos(2, 4, 5, 3).astype("float32")
    check_layer(PixelScaling, arguments, photos, half_tolerance=0.5)


@pytest.mark.parametrize("channel_order", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "int32"])
def test_equals_the_formula_in_loops(channel_order, dtype):
    photos = random_photos(2, 3, 4, 3)
    scale = [0.5, 2.0, 1.0]
    expected = np.empty(photos.shape)
    for index in np.ndindex(photos.shape):
        channel = index[-1]
        source = channel if channel_order == "rgb" else 2 - channel
        expected[index] = float(photos[(*index[:-1], source)]) * scale[channel] + MEANS[channel]
    layer = PixelScaling(scale=scale, offset=MEANS, channel_order=channel_order)
    received = ops.convert_to_numpy(layer(photos.astype(dtype)))
    np.testing.assert_allclose(received, expected, rtol=1e-6, atol=1e-4)


def test_gray_photos_keep_their_channel():
    photos = random_photos(1, 3, 4, 1)
    received = ops.convert_to_numpy(PixelScaling(scale=2 / 255, offset=-1.0)(photos))
    np.testing.assert_allclose(received, photos * (2 / 255) - 1, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_rounds_only_the_result(policy):
    photos = random_photos(1, 3, 4, 3)
    exact = ops.convert_to_tensor(np.float32(photos * np.float32(2 / 255) + np.float32(-1)))
    half = policy.removeprefix("mixed_")
    received = PixelScaling(scale=2 / 255, offset=-1.0, dtype=policy)(photos)
    assert keras.backend.standardize_dtype(received.dtype) == half
    # A last bit of float32 may differ, and with it now and then the rounding.
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(received, "float32")),
        ops.convert_to_numpy(ops.cast(ops.cast(exact, half), "float32")),
        atol=1e-3 if half == "float16" else 8e-3,
    )
    assert np.abs(ops.convert_to_numpy(ops.cast(received, "float32") - exact)).max() < 4e-3


def test_half_precision_scales_resized_photos_whole():
    """100.3 would be 100.5 in bfloat16 before the offset is taken off."""
    photos = np.full((1, 2, 2, 3), 100.3, "float32")
    received = PixelScaling(scale=1.0, offset=-100.0, dtype="mixed_bfloat16")(photos)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(received, "float32")), 0.3, atol=2e-3)


def test_takes_numpy_numbers():
    layer = PixelScaling(scale=np.float32(0.5), offset=np.array([1.0, 2.0, 3.0]))
    assert (layer.scale, layer.offset) == (0.5, [1.0, 2.0, 3.0])


def test_refuses_another_channel_order():
    with pytest.raises(ValueError, match="'rgb' or 'bgr'. Received: channel_order='RGB'"):
        PixelScaling(scale=1.0, channel_order="RGB")


@pytest.mark.parametrize("value", [float("nan"), [1.0, float("inf")], [[1.0]]])
def test_refuses_what_is_no_number(value):
    with pytest.raises(ValueError, match="`offset` must be a finite number or a sequence of them"):
        PixelScaling(scale=1.0, offset=value)


def test_refuses_another_count_of_channels():
    with pytest.raises(ValueError, match="takes photos of three channels"):
        PixelScaling(scale=1.0, channel_order="bgr")(random_photos(1, 2, 2, 1))
    with pytest.raises(ValueError, match="`offset` must be one number or one for each channel"):
        PixelScaling(scale=1.0, offset=MEANS)(random_photos(1, 2, 2, 1))
    with pytest.raises(ValueError, match="`scale` must be one number or one for each channel"):
        PixelScaling(scale=[1.0, 2.0])(random_photos(1, 2, 2, 3))


def test_the_size_of_the_training_is_kept_and_changes_no_number():
    layer = PixelScaling(2.0, image_size=[48, 64])
    assert layer.image_size == (48, 64)
    assert PixelScaling.from_config(layer.get_config()).image_size == (48, 64)
    photos = np.arange(12.0).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(layer(photos), PixelScaling(2.0)(photos))


@pytest.mark.parametrize("size", [(48,), (0, 64), (48.0, 64), ("48", "64"), (1, 2, 3)])
def test_refuses_a_size_that_is_none(size):
    with pytest.raises(ValueError, match="`image_size` must be two positive integers"):
        PixelScaling(1.0, image_size=size)
