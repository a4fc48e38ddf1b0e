import logging
import sys
import threading
import time

import keras
import numpy as np
import pytest

from placevec.models.describe import describe, describe_in_batches

SIZE = (32, 48)
COLORS = [(10 * number, 100, 250 - 10 * number) for number in range(7)]


@pytest.fixture
def seen():
    """Batches that `recorder` was given."""
    return []


@pytest.fixture
def recorder(seen):
    """A model that keeps what it is given and returns each photo's first pixel."""

    def model(photos):
        seen.append(photos.copy())
        return photos[:, 0, 0].astype(np.float32)

    return model


@pytest.mark.parametrize("batch_size", [1, 3, 7, 50])
def test_keeps_the_order_of_the_photos(write_photos, recorder, batch_size):
    paths = write_photos(COLORS)
    descriptors, kept = describe(recorder, paths, image_size=SIZE, batch_size=batch_size)
    np.testing.assert_array_equal(descriptors, np.array(COLORS, np.float32))
    assert descriptors.dtype == np.float32
    assert kept.tolist() == list(range(7))
    assert kept.dtype == np.int64


def test_every_batch_is_full_and_the_last_is_filled_with_zeros(write_photos, recorder, seen):
    describe(recorder, write_photos(COLORS), image_size=SIZE, batch_size=3)
    assert [batch.shape for batch in seen] == [(3, 32, 48, 3)] * 3
    assert {batch.dtype for batch in seen} == {np.dtype(np.uint8)}
    assert seen[2][0].max() > 0
    assert seen[2][1:].max() == 0


def test_leaves_out_what_cannot_be_read_and_says_so(write_photos, recorder, seen, caplog):
    paths = write_photos(COLORS)
    paths[0].unlink()
    paths[2].write_bytes(b"no photo")
    paths[5].write_bytes(paths[5].read_bytes()[:-40])
    with caplog.at_level(logging.INFO, "placevec"):
        descriptors, kept = describe(recorder, paths, image_size=SIZE, batch_size=2)
    assert kept.tolist() == [1, 3, 4, 6]
    np.testing.assert_array_equal(descriptors, np.array(COLORS, np.float32)[kept])
    assert len(seen) == 2  # full batches in spite of the gaps
    for bad in (0, 2, 5):
        assert paths[bad].name in caplog.text
    assert "left out 3 photos that cannot be read" in caplog.text
    assert "described 4 photos" in caplog.text


def test_changes_photos_by_their_place_in_the_list(write_photos, recorder):
    """Whatever cannot be read before them."""
    paths = write_photos(COLORS)
    paths[2].unlink()
    change = np.array([100, 0, 0, 1, 2, 3, 4], np.uint8)
    descriptors, kept = describe(
        recorder, paths, image_size=SIZE, change=lambda photo, place: photo + change[place]
    )
    assert kept.tolist() == [0, 1, 3, 4, 5, 6]
    expected = np.array(COLORS, np.float32)[kept] + change[kept, None]
    np.testing.assert_array_equal(descriptors, expected % 256)


def test_resizes_photos_of_any_size(write_photos, recorder, seen):
    describe(recorder, write_photos(COLORS[:1]), image_size=(40, 36), batch_size=1)
    assert seen[0].shape == (1, 40, 36, 3)


def test_gives_gray_photos_where_one_channel_is_asked_for(write_photos, recorder, seen):
    descriptors, _ = describe(
        recorder, write_photos([(10, 10, 10), (90, 90, 90)]), image_size=SIZE, channels=1
    )
    assert seen[0].shape == (8, 32, 48, 1)
    np.testing.assert_allclose(descriptors, [[10], [90]], atol=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_gives_a_keras_model_the_channels_of_its_input(write_photos, channels):
    photos = keras.Input((None, None, channels), dtype="uint8")
    x = keras.layers.Rescaling(1.0)(photos)
    model = keras.Model(photos, keras.layers.GlobalAveragePooling2D()(x))
    colors = [(50, 50, 50), (7, 7, 7), (200, 200, 200)]
    descriptors, kept = describe(model, write_photos(colors), image_size=SIZE, batch_size=2)
    assert isinstance(descriptors, np.ndarray)
    np.testing.assert_allclose(descriptors, np.array(colors)[:, :channels], atol=1)
    assert kept.tolist() == [0, 1, 2]


def test_takes_a_callable_that_returns_tensors(write_photos):
    def model(photos):
        return keras.ops.mean(keras.ops.cast(photos, "float32"), axis=(1, 2))

    descriptors, _ = describe(model, write_photos(COLORS), image_size=SIZE, batch_size=4)
    np.testing.assert_allclose(descriptors, COLORS, atol=0.1)


def test_shows_progress_of_every_photo(write_photos, recorder):
    calls = []

    def progress(photos, **about):
        calls.append(about)
        for photo in photos:
            calls.append("photo")
            yield photo

    describe(recorder, write_photos(COLORS), image_size=SIZE, progress=progress)
    assert calls[0]["total"] == 7
    assert calls[1:] == ["photo"] * 7


@pytest.mark.parametrize("make_list", [list, np.array, tuple])
def test_refuses_to_describe_nothing(recorder, make_list):
    with pytest.raises(ValueError, match="No photos to describe"):
        describe(recorder, make_list([]))


def test_refuses_where_no_photo_can_be_read(tmp_path, recorder):
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    with pytest.raises(ValueError, match=r"None of 2 photos can be read \(first: .*a.jpg\)"):
        describe(recorder, paths)


def test_refuses_batches_of_nothing(write_photos, recorder):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1. Received: batch_size=0"):
        describe(recorder, write_photos(COLORS[:1]), batch_size=0)


@pytest.mark.parametrize(
    "model",
    [
        lambda photos: photos.mean(axis=(1, 2, 3)),
        lambda photos: photos.mean(axis=(1, 2))[:1],
        lambda photos: photos,
    ],
)
def test_refuses_a_model_that_returns_no_descriptor_for_each_photo(write_photos, model):
    with pytest.raises(ValueError, match=r"one descriptor per photo, \(2, D\). Received: shape"):
        describe(model, write_photos(COLORS), image_size=SIZE, batch_size=2)


def test_an_error_of_the_model_reaches_the_caller(write_photos):
    def broken(photos):
        raise FloatingPointError("the model's own")

    with pytest.raises(FloatingPointError, match="the model's own"):
        describe(broken, write_photos(COLORS), image_size=SIZE)


def test_a_wrong_size_is_not_taken_for_unreadable_photos(write_photos, recorder):
    with pytest.raises(ValueError, match="`image_size` must be"):
        describe(recorder, write_photos(COLORS), image_size=(0, 48))


@pytest.mark.parametrize("name", ["photos", "photos_240x320"])
def test_a_model_of_fixed_size_gets_photos_of_it(write_photos, name):
    inputs = keras.Input((32, 48, 3), dtype="uint8", name=name)
    model = keras.Model(inputs, keras.ops.mean(keras.ops.cast(inputs, "float32"), axis=(1, 2)))
    descriptors, _ = describe(model, write_photos(COLORS))
    np.testing.assert_allclose(descriptors, COLORS, atol=1)
    with pytest.raises(ValueError, match="must be that of the model's input, 32x48"):
        describe(model, write_photos(COLORS), image_size=(32, 32))


class Parallel:
    """A model that is called by three threads at once, the later the sooner done."""

    parallel_calls, batch_size, image_size, channels = 3, 2, SIZE, 3

    def __init__(self):
        self.at_once, self.most, self.shapes, self.lock = 0, 0, set(), threading.Lock()
        self.together = threading.Barrier(2, timeout=10)

    def __call__(self, photos):
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.shapes.add(photos.shape)
        self.together.wait()  # fails unless two calls are at work
        time.sleep((250 - float(photos[0, 0, 0, 2])) / 5000 + 0.001)
        with self.lock:
            self.at_once -= 1
        return photos[:, 0, 0].astype(np.float64)


def test_calls_a_model_side_by_side_and_keeps_the_order(write_photos):
    model = Parallel()
    paths = write_photos(COLORS + COLORS[:1])
    paths[3].write_bytes(b"no photo")
    paths.append(paths[0])  # four batches of two
    descriptors, kept = describe(model, paths)
    assert kept.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    assert descriptors.dtype == np.float32
    np.testing.assert_array_equal(descriptors, np.array(COLORS + 2 * COLORS[:1])[kept])
    assert 2 <= model.most <= 3
    assert model.shapes == {(2, *SIZE, 3)}


def test_photos_are_read_ahead_no_further_than_some_batches(write_photos, monkeypatch):
    """Whatever the length of the list: the model here waits before its first answer."""
    read, module = [], sys.modules["placevec.models.describe"]
    read_image = module.read_image

    def counting(path, **options):
        read.append(path)
        return read_image(path, **options)

    monkeypatch.setattr(module, "read_image", counting)
    found = describe_in_batches(
        lambda photos: photos[:, 0, 0], write_photos(COLORS) * 40, image_size=SIZE, batch_size=2
    )
    next(found)
    time.sleep(0.3)
    assert len(read) <= 2 + 4 * 2 + 1
    assert sum(len(places) for _, places in found) == 280 - 2


def test_gives_batches_as_they_come(write_photos, recorder):
    paths = write_photos(COLORS)
    paths[2].unlink()
    found = list(describe_in_batches(recorder, paths, image_size=SIZE, batch_size=4))
    assert [places for _, places in found] == [[0, 1, 3, 4], [5, 6]]
    for descriptors, places in found:
        np.testing.assert_array_equal(descriptors, np.array(COLORS)[places])


def test_an_error_of_a_parallel_model_reaches_the_caller(write_photos):
    class Broken(Parallel):
        def __call__(self, photos):
            raise FloatingPointError("the model's own")

    with pytest.raises(FloatingPointError, match="the model's own"):
        describe(Broken(), write_photos(COLORS))


@pytest.mark.parametrize(("value", "length"), [(np.nan, "nan"), (np.inf, "inf"), (0, "0")])
def test_refuses_what_is_no_descriptor_and_names_the_photo(write_photos, value, length):
    paths = write_photos([(number, number, number) for number in (10, 20, 30, 90, 50)])

    def model(photos):
        found = photos.mean(axis=(1, 2))
        found[found[:, 0] > 70] = value
        return found

    name = paths[3].name
    with pytest.raises(
        ValueError, match=rf"finite and not zero. Received: .* {length} from the model for .*{name}"
    ):
        describe(model, paths, image_size=SIZE, batch_size=2)


@pytest.mark.parametrize("first_black", [0, 2])
def test_black_photos_without_a_descriptor_are_named_and_left_out(
    write_photos, caplog, first_black
):
    colors = [(10, 20, 30)] * 6
    colors[first_black : first_black + 2] = [(0, 0, 0)] * 2  # a whole batch
    paths = write_photos(colors)
    descriptors, kept = describe(
        lambda photos: photos.mean(axis=(1, 2)), paths, image_size=SIZE, batch_size=2
    )
    others = [row for row in range(6) if row not in (first_black, first_black + 1)]
    assert kept.tolist() == others and len(descriptors) == 4
    assert f"{paths[first_black].name} is left out: a black photo" in caplog.text
    assert "left out 2 photos that cannot be read or described" in caplog.text
    with pytest.raises(ValueError, match="None of 2 photos can be read"):
        describe(
            lambda photos: photos.mean(axis=(1, 2)),
            paths[first_black : first_black + 2],
            image_size=SIZE,
        )


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX convolves uint8 as well")
def test_a_model_that_keras_cannot_run_is_refused(write_photos):
    """The first layer of a foreign model often does not take uint8."""
    photos = keras.Input((8, 8, 3), dtype="uint8")
    convolved = keras.layers.Conv2D(2, 1)(photos)
    model = keras.Model(photos, keras.layers.GlobalAveragePooling2D()(convolved))
    with pytest.raises(ValueError, match="keras cannot run the model on photos of shape"):
        describe(model, write_photos(COLORS[:1]))
