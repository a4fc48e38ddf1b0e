import numpy as np
import pytest

from placevec.models.engines import Engine


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
