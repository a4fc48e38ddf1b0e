import base64

import cv2
import numpy as np
import pytest

from placevec.pages.joined import few_points, join_photos

pytestmark = pytest.mark.one_backend


@pytest.fixture
def photos(tmp_path):
    """A red photo of 60 x 90 and a blue one of 120 x 60 pixels, rows by columns."""
    for name, size, color in (("a.png", (60, 90), (0, 0, 200)), ("b.png", (120, 60), (200, 0, 0))):
        cv2.imwrite(str(tmp_path / name), np.full((*size, 3), color, np.uint8))
    return tmp_path / "a.png", tmp_path / "b.png"


def test_both_photos_have_one_height_and_lines_their_places(photos):
    """The right photo is 30 columns wide at the height of the left one: a quarter of the whole."""
    points = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 0.5, 1.0, 0.5]])
    joined = join_photos(*photos, points, "both", "right")
    data = np.frombuffer(base64.b64decode(joined.jpeg_base64), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert pixels.shape == (60, 120, 3)
    assert pixels[30, 40].argmax() == 2 and pixels[30, 110].argmax() == 0
    assert joined.lines == [[0, 0, 0.75, 1], [0.75, 0.5, 1, 0.5]]
    assert (joined.caption, joined.tag) == ("both", "right")


def test_a_photo_that_is_gone_joins_nothing(photos, tmp_path):
    assert join_photos(photos[0], tmp_path / "gone.png", np.zeros((1, 4)), "both") is None


@pytest.mark.parametrize("count", [0, 1, 40, 41, 900])
def test_a_few_points_are_spread_over_all(count):
    points = np.arange(4 * count).reshape(count, 4)
    few = few_points(points)
    assert len(few) == min(count, 40)
    if count:
        assert (few[0] == points[0]).all() and (few[-1] == points[-1]).all()
