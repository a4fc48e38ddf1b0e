import keras
import numpy as np
import pytest

from placevec.training.step.feeding import feeding


def batches(count, fail_at=None):
    for number in range(count):
        if number == fail_at:
            raise FileNotFoundError("b.jpg")
        yield np.full((2, 3), number, np.float32), np.zeros((2, 1), np.float32)


def model():
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    dense.compile("sgd", "mse")
    return dense


def test_gives_all_batches_in_order():
    with feeding(batches(5)) as fed:
        given = [(np.asarray(photos), np.asarray(wanted)) for photos, wanted in fed]
    assert [photos[0, 0] for photos, _ in given] == [0, 1, 2, 3, 4]
    assert given[0][0].shape == (2, 3) and given[0][1].shape == (2, 1)


@pytest.mark.parametrize("fail_at", [0, 1, 3])
def test_raises_what_went_wrong_in_the_batches(fail_at):
    with pytest.raises(FileNotFoundError, match="b.jpg"), feeding(batches(5, fail_at)) as fed:
        model().fit(fed, steps_per_epoch=5, verbose=0, shuffle=False)


def test_leaves_other_errors_as_they_are():
    with pytest.raises(RuntimeError, match="of its own"), feeding(batches(1)):
        raise RuntimeError("of its own")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data is TensorFlow's")
def test_no_epoch_waits_for_tensorflow_to_tune_its_input():
    """A benchmark has the times, `benchmarks/end_of_epoch.py`."""
    with feeding(batches(3)) as fed:
        assert fed.options().autotune.enabled is False
        history = model().fit(fed, steps_per_epoch=3, verbose=0, shuffle=False)
    assert len(history.history["loss"]) == 1
