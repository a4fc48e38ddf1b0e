import numpy as np
import pandas as pd
import pytest
from PIL import Image

from placevec.models.describe import describe
from placevec.models.engines import Engine

pytestmark = pytest.mark.one_backend


def make(run):
    return Engine("keras", "float32", (8, 8), 3, 8, 1, 4, "id", None, None, run)


@pytest.mark.parametrize(
    "error", [TypeError("uint8\nnot allowed"), RuntimeError("uint8"), KeyError("uint8")]
)
def test_whatever_a_library_raises_is_one_line(error):
    def run(photos):
        raise error

    with pytest.raises(
        ValueError, match=r"keras cannot run .* \(2, 8, 8, 3\) \('?uint8( not allowed)?'?\)"
    ):
        make(run)(np.zeros((2, 8, 8, 3), np.uint8))


@pytest.mark.parametrize("error", [ValueError("clear"), OSError("clear"), MemoryError("clear")])
def test_clear_errors_pass(error):
    def run(photos):
        raise error

    with pytest.raises(type(error), match="^clear$"):
        make(run)(np.zeros((2, 8, 8, 3), np.uint8))


@pytest.fixture
def engine(mean_color):
    return Engine("made", "float32", (8, 12), 3, 2, 1, 3, "id", None, None, mean_color)


def test_describes_photos_of_any_form_and_size_alike(engine, write_photos, tmp_path):
    paths = write_photos([(250, 0, 0), (0, 250, 0), (9, 9, 250)])
    rows = engine.describe(paths)
    assert (rows.shape, rows.dtype) == ((3, 3), np.float32)
    pixels = [np.asarray(Image.open(path)) for path in paths]
    mixed = [str(paths[0]), pixels[1], Image.open(paths[2])]
    frame = pd.DataFrame({"file": [path.name for path in paths]})
    for photos in (pixels, np.stack(pixels), mixed):
        np.testing.assert_array_equal(engine.describe(photos, batch_size=1), rows)
    np.testing.assert_array_equal(engine.describe(frame, root=tmp_path), rows)
    np.testing.assert_array_equal(describe(engine, paths)[0], rows)


@pytest.mark.parametrize("bad", [0, 1, 3])
def test_describes_all_photos_or_none(engine, write_photos, bad):
    paths = write_photos([(250, 0, 0)] * 4)
    paths[bad].write_bytes(b"no photo")
    with pytest.raises(ValueError, match=f"photo0{bad}.png, which is not"):
        engine.describe(paths)


@pytest.mark.parametrize("shape", [(1, 12, 8, 3), (1, 8, 12, 1), (8, 12, 3)])
def test_a_call_refuses_photos_of_another_size(engine, shape):
    with pytest.raises(ValueError, match=r"\(batch, 8, 12, 3\).*`describe` resizes photos"):
        engine(np.zeros(shape, np.uint8))
