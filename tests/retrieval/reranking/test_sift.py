import cv2
import numpy as np

from placevec.retrieval.reranking.sift import match_points, sift_matcher, sift_points

SIZE = (120, 160)


def texture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    return cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)


def test_a_moved_photo_is_matched_where_its_content_went():
    photo = texture(0)
    moved = np.roll(photo, (8, 16), axis=(0, 1))
    matcher = sift_matcher(lambda _: photo, [moved, texture(1)].__getitem__, SIZE)
    points, none = matcher.match(0, np.array([0, 1]))
    assert len(points) > 50 and len(none) < 10
    shift = np.median(points[:, 2:] - points[:, :2], axis=0)
    np.testing.assert_allclose(shift, [16 / 160, 8 / 120], atol=1e-2)
    assert points.dtype == np.float32 and 0 <= points.min() and points.max() <= 1


def test_a_blank_photo_and_one_that_cannot_be_read_have_no_points(tmp_path, caplog):
    blank = sift_points(np.zeros((*SIZE, 3), np.uint8), SIZE)
    assert not caplog.records
    gone = sift_points(tmp_path / "gone.jpg", SIZE)
    assert "gone.jpg" in caplog.text
    for points in (blank, gone):
        assert points[0].shape == (0, 2) and points[1].shape == (0, 128)
        assert match_points(points, sift_points(texture(0), SIZE)).shape == (0, 4)
        assert match_points(sift_points(texture(0), SIZE), points).shape == (0, 4)
