from dataclasses import astuple

import cv2
import numpy as np
import pytest

from placevec.rendering.drawing.lenses import Distortion, intrinsics, make_remap

LENS = Distortion(k1=-0.2, k2=0.05, p1=0.002, p2=-0.003, k3=-0.01)


def test_the_camera_matrix_equals_the_formula():
    matrix = intrinsics((240, 320), 90.0)
    np.testing.assert_allclose(matrix, [[160, 0, 159.5], [0, 160, 119.5], [0, 0, 1]])


def test_points_fall_where_opencv_projects_them():
    size, angle_deg = (60, 80), 70.0
    remap = make_remap(size, angle_deg, LENS)
    plain = intrinsics(remap.size, remap.field_of_view_deg)
    matrix = intrinsics(size, angle_deg)
    for row in range(0, 60, 7):
        for col in range(0, 80, 7):
            x = (remap.columns[row, col] - plain[0, 2]) / plain[0, 0]
            y = (remap.rows[row, col] - plain[1, 2]) / plain[1, 1]
            point = np.array([[[x, y, 1.0]]], np.float64)
            pixel = cv2.projectPoints(
                point, np.zeros(3), np.zeros(3), matrix, np.array(astuple(LENS))
            )[0][0, 0]
            np.testing.assert_allclose(pixel, [col, row], atol=0.06)


def test_no_lens_distortion_moves_nothing():
    remap = make_remap((24, 32), 60.0, Distortion())
    photo = np.random.default_rng(0).integers(0, 256, (*remap.size, 3), np.uint8)
    top, left = ((remap.size[i] - (24, 32)[i]) // 2 for i in range(2))
    np.testing.assert_array_equal(remap.photo(photo), photo[top : top + 24, left : left + 32])
    assert remap.shown().sum() == 24 * 32
    depth = np.arange(np.prod(remap.size), dtype=float).reshape(remap.size)
    np.testing.assert_array_equal(remap.depth(depth), depth[top : top + 24, left : left + 32])


def test_refuses_a_lens_that_shows_too_much():
    with pytest.raises(ValueError, match="`distortion` must show no more than 150 degrees"):
        make_remap((24, 32), 140.0, Distortion(k1=-0.3))
