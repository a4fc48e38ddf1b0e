import copy
import pickle
import threading

import numpy as np
import pytest

from placevec.config.choices import AUGMENTATIONS
from placevec.images.augmentation.augment import augmenter, photo_rng
from placevec.images.augmentation.street import Street


def photo(rows: int = 48, cols: int = 64, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (rows, cols, channels), dtype=np.uint8)


@pytest.mark.parametrize("preset", AUGMENTATIONS)
@pytest.mark.parametrize("shape", [(48, 64, 3), (47, 33, 1), (3, 2, 3)], ids=str)
def test_depends_on_the_photo_and_the_generator_only(preset, shape):
    image = photo(*shape)
    before = image.copy()
    augment = augmenter(preset)
    for index in range(8):
        np.random.seed(index)
        first = augment(image, photo_rng(0, 0, index))
        augment(image, photo_rng(1, 1, index))
        np.random.seed(99)
        second = augmenter(preset)(image, photo_rng(0, 0, index))
        np.testing.assert_array_equal(first, second)
        assert first.shape == shape
        assert first.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("preset", [name for name in AUGMENTATIONS if name != "none"])
def test_is_the_same_whatever_the_number_of_threads(preset):
    image = photo()
    augment = augmenter(preset)
    expected = [augment(image, photo_rng(7, 2, index)) for index in range(16)]
    found = [None] * 16

    def work(first):
        for index in range(first, 16, 4):
            found[index] = augment(image, photo_rng(7, 2, index))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(16):
        np.testing.assert_array_equal(found[index], expected[index])
    assert len({augmented.tobytes() for augmented in expected}) > 8


@pytest.mark.parametrize("preset", AUGMENTATIONS)
def test_can_be_sent_to_another_process(preset):
    augment = augmenter(preset)
    augment(photo(), photo_rng(0, 0, 0))
    sent = pickle.loads(pickle.dumps(augment))
    np.testing.assert_array_equal(
        sent(photo(), photo_rng(0, 0, 1)), augment(photo(), photo_rng(0, 0, 1))
    )


def test_none_returns_the_photo_itself():
    image = photo()
    assert augmenter("none")(image, photo_rng(0, 0, 0)) is image


def test_old_behavior_flips_and_the_default_does_not():
    """Half of the photos of a picture dark on the left come out dark on the right, or none."""
    image = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (48, 1, 3))

    def flipped(keep_geometry):
        augment = augmenter("typical", keep_geometry=keep_geometry)
        count = 0
        for index in range(60):
            augmented = augment(image, photo_rng(0, 0, index))[12:-12, 16:-16, :].astype(float)
            count += augmented[:, :16].mean() > augmented[:, -16:].mean()
        return count

    assert flipped(keep_geometry=True) <= 6  # a shift may bring in the black outside
    assert 15 <= flipped(keep_geometry=False) <= 45


def test_photo_rng_depends_on_all_three_numbers_and_nothing_else():
    def draw(*numbers):
        return photo_rng(*numbers).integers(2**62)

    assert draw(1, 2, 3) == draw(1, 2, 3)
    drawn = {
        draw(seed, epoch, index) for seed in range(4) for epoch in range(4) for index in (0, 1)
    }
    assert len(drawn) == 32
    with pytest.raises(ValueError, match="must not be negative"):
        photo_rng(0, -1, 0)


def test_a_callable_takes_the_place_of_a_preset():
    def brighter(image, rng):
        return np.minimum(image, 200) + np.uint8(rng.integers(1, 50))

    augmented = augmenter(brighter)(photo(channels=3), photo_rng(0, 0, 0))
    np.testing.assert_array_equal(augmented, brighter(photo(channels=3), photo_rng(0, 0, 0)))
    night = augmenter(Street(night_probability=1.0))
    assert night(photo(), photo_rng(0, 0, 0)).mean() < photo().mean()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda image, rng: image / 2, "returns must be .* uint8. Received: float64"),
        (lambda image, rng: image[:-1], r"must keep the shape \(48, 64, 3\)"),
        (lambda image, rng: None, "Received: NoneType"),
    ],
)
def test_refuses_what_a_callable_must_not_return(broken, words):
    with pytest.raises(ValueError, match=words):
        augmenter(broken)(photo(), photo_rng(0, 0, 0))


@pytest.mark.parametrize("preset", AUGMENTATIONS)
@pytest.mark.parametrize(
    ("image", "words"),
    [
        (photo().astype(np.float32), r"must be a NumPy array .* Received: float32"),
        (photo()[:, :, 0], r"Received: uint8 of shape \(48, 64\)"),
        (photo()[None], r"Received: uint8 of shape \(1, 48, 64, 3\)"),
        (photo().tolist(), "Received: list"),
        (photo()[:0], "must hold pixels"),
        (np.zeros((4, 4, 2), np.uint8), "1 or 3 channels"),
    ],
)
def test_refuses_what_is_no_photo(preset, image, words):
    with pytest.raises(ValueError, match=words):
        augmenter(preset)(image, photo_rng(0, 0, 0))


def test_light_keeps_every_pixel_in_its_place_and_is_dark_half_of_the_time():
    """The brightest square of a picture stays the brightest, or as bright as any."""
    image = np.full((48, 64, 3), 60, np.uint8)
    image[16:32, 40:56] = 240
    num_dark = 0
    for index in range(60):
        changed = augmenter("light")(image, photo_rng(0, 0, index)).astype(float)
        inside, around = changed[18:30, 42:54].mean(), changed[12:36, 36:60].mean()
        assert inside > around
        num_dark += inside < 140
    assert 15 < num_dark < 45


def test_refuses_an_unknown_preset_with_the_nearest_name():
    with pytest.raises(
        ValueError, match=r"one of none, light, street.*'streat'. Did you mean street"
    ):
        augmenter("streat")
    with pytest.raises(ValueError, match="Received: 7"):
        augmenter(7)


class TestKerasLayers:
    """A Keras layer in the place of a preset, on the backend that the tests run on."""

    @pytest.fixture
    def keras(self):
        return pytest.importorskip("keras")

    def test_rounds_and_clips(self, keras):
        image = photo()
        doubled = augmenter(keras.layers.Rescaling(2.0, offset=0.6))(image, photo_rng(0, 0, 0))
        np.testing.assert_array_equal(doubled, np.minimum(image.astype(int) * 2 + 1, 255))

    def test_repeats_with_the_generator(self, keras):
        layers = keras.Sequential(
            [
                keras.layers.RandomBrightness(0.4, seed=1),
                keras.layers.RandomContrast(0.5),
                keras.layers.GaussianNoise(1.0),
            ]
        )
        image = photo()
        augment = augmenter(layers)
        first = [augment(image, photo_rng(0, 0, index)) for index in range(4)]
        for index in (3, 1, 0, 2):
            again = augment(image, photo_rng(0, 0, index))
            np.testing.assert_array_equal(again, first[index])
        assert len({augmented.tobytes() for augmented in first}) == 4

    def test_takes_a_layer_without_training_argument(self, keras):
        class Invert(keras.layers.Layer):
            def call(self, inputs):
                return 255 - inputs

        np.testing.assert_array_equal(
            augmenter(Invert())(photo(), photo_rng(0, 0, 0)), 255 - photo()
        )

    def test_refuses_a_layer_that_changes_the_size(self, keras):
        with pytest.raises(ValueError, match="must keep the shape"):
            augmenter(keras.layers.CenterCrop(8, 8))(photo(), photo_rng(0, 0, 0))

    def test_can_be_copied(self, keras):
        augment = copy.deepcopy(augmenter(keras.layers.Rescaling(0.5)))
        assert augment(photo(), photo_rng(0, 0, 0)).max() <= 128
