import base64

import cv2
import numpy as np

from placevec.pages.thumbnail import jpeg_base64


def test_a_large_photo_is_shrunk_and_keeps_its_colors(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((600, 900, 3), (10, 20, 200), np.uint8))
    data = np.frombuffer(base64.b64decode(jpeg_base64(tmp_path / "a.png")), np.uint8)
    small = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert small.shape == (160, 240, 3)
    np.testing.assert_allclose(small.reshape(-1, 3).mean(axis=0), (10, 20, 200), atol=3)


def test_a_small_photo_keeps_its_size(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((3, 4), np.uint8))
    data = np.frombuffer(base64.b64decode(jpeg_base64(tmp_path / "a.png")), np.uint8)
    assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == (3, 4, 3)


def test_a_photo_that_is_gone_is_empty(tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    assert jpeg_base64(tmp_path / "gone.jpg") == jpeg_base64(tmp_path / "text.jpg") == ""
