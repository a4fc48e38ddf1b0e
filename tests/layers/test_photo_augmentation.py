import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import PhotoAugmentation

PHOTOS = np.random.default_rng(0).integers(0, 256, (2, 3, 24, 32, 3), np.uint8)
STILL = {"max_zoom": 1.0, "max_turn_deg": 0.0, "gamma": (1, 1), "contrast": (1, 1),
         "gain": (1, 1), "saturation": (1, 1), "max_cast": 0.0}  # fmt: skip


def augmented(layer, photos=PHOTOS):
    return ops.convert_to_numpy(layer(photos, training=True))


def test_gives_photos_of_the_same_form_and_leaves_them_where_nothing_trains():
    layer = PhotoAugmentation()
    changed = augmented(layer)
    assert changed.shape == PHOTOS.shape and changed.dtype == np.uint8
    assert (np.abs(changed.astype(int) - PHOTOS) > 5).mean() > 0.5
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(PHOTOS, training=False)), PHOTOS)


def test_changes_nothing_where_no_range_allows_it():
    np.testing.assert_array_equal(augmented(PhotoAugmentation(**STILL)), PHOTOS)


def test_each_photo_and_each_step_draws_again_and_the_seed_decides():
    same = np.broadcast_to(PHOTOS[:1, :1], PHOTOS.shape).copy()
    layer = PhotoAugmentation(seed=3)
    steps = [augmented(layer, same) for _ in range(3)]
    photos = np.concatenate(steps).reshape(-1, *PHOTOS.shape[2:])
    assert len({photo.tobytes() for photo in photos}) == len(photos)
    again = PhotoAugmentation(seed=3)
    for step in steps:
        np.testing.assert_array_equal(augmented(again, same), step)
    assert not np.array_equal(augmented(PhotoAugmentation(seed=4), same), steps[0])


def test_goes_on_from_where_it_was_saved(tmp_path):
    photos = keras.Input(PHOTOS.shape[1:], dtype="uint8")
    model = keras.Model(photos, PhotoAugmentation(seed=3)(photos))
    model(PHOTOS, training=True)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    expected = ops.convert_to_numpy(model(PHOTOS, training=True))
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(PHOTOS, training=True)), expected)


def test_a_gain_and_a_contrast_are_those_of_the_formula():
    """Contrast 0.5 about the mean, then gain 0.8, worked out by NumPy."""
    layer = PhotoAugmentation(**(STILL | {"contrast": (0.5, 0.5), "gain": (0.8, 0.8)}))
    for photo, changed in zip(PHOTOS[0], augmented(layer)[0], strict=True):
        values = photo / 255
        expected = 255 * 0.8 * (values.mean() + 0.5 * (values - values.mean()))
        np.testing.assert_allclose(changed, expected, atol=0.51)


def test_a_turn_of_a_quarter_is_that_of_numpy():
    square = PHOTOS[:, :, :, :24]
    layer = PhotoAugmentation(**(STILL | {"max_turn_deg": 90.0}))
    layer._draw = lambda count: ops.ones((count, 9))  # the largest turn there is
    turned = np.rot90(square, -1, axes=(2, 3))
    found = augmented(layer, square)
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    other = np.rot90(square, 1, axes=(2, 3))
    differences = [np.abs(found[inner].astype(int) - each[inner]).max() for each in (turned, other)]
    assert min(differences) <= 1


def test_a_gray_photo_stays_gray_and_is_changed():
    gray = PHOTOS[..., :1]
    changed = augmented(PhotoAugmentation(), gray)
    assert changed.shape == gray.shape and not np.array_equal(changed, gray)


def test_refuses_a_zoom_below_1_and_other_channels():
    with pytest.raises(ValueError, match="`max_zoom` must be at least 1. Received: max_zoom=0.5"):
        PhotoAugmentation(max_zoom=0.5)
    with pytest.raises(ValueError, match="must have 1 or 3 channels"):
        PhotoAugmentation()(PHOTOS[..., :2])
