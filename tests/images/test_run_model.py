import numpy as np
import pytest

from placevec.images import run_model

PHOTOS = np.zeros((2, 4, 6, 3), np.uint8)


def raising(error):
    def function(photos):
        raise error

    return function


def test_returns_what_the_model_makes():
    assert run_model(lambda photos: photos[:, 0, 0], PHOTOS, "keras").shape == (2, 3)


@pytest.mark.parametrize(
    "error", [TypeError("\x1b[1mValue has\nDataType uint8"), RuntimeError(), KeyError("a")]
)
def test_what_a_library_raises_is_one_line_about_the_model(error):
    match = r"keras cannot run the model on photos of shape \(2, 4, 6, 3\) \("
    with pytest.raises(ValueError, match=match) as caught:
        run_model(raising(error), PHOTOS, "keras")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("error", [ValueError("a"), OSError("a"), MemoryError("a")])
def test_errors_of_inputs_stay_as_they_are(error):
    with pytest.raises(type(error)) as caught:
        run_model(raising(error), PHOTOS, "keras")
    assert caught.value is error
