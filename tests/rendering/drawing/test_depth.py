import numpy as np
import pytest

from placevec.rendering.drawing.depth import Depths
from placevec.rendering.drawing.lenses import intrinsics
from placevec.rendering.scenes.camera import Pose
from placevec.rendering.scenes.scene import Scene, Surface


def surface(corners):
    corners = np.array([corners], np.float32)
    return Surface(
        np.full((8, 8, 3), 255, np.uint8),
        corners,
        np.zeros((1, corners.shape[1], 2), np.float32),
        np.ones_like(corners),
        is_two_sided=True,
    )


def test_the_depth_of_planes_is_analytic():
    ground = surface([(-90, -90, 0), (90, -90, 0), (90, 90, 0), (-90, 90, 0)])
    wall = surface([(-30, 12, 0), (30, 12, 0), (30, 12, 6), (-30, 12, 6)])
    pose, size = Pose((0.3, -1.0, 1.7), 20.0, pitch_deg=-4.0, roll_deg=3.0), (48, 64)
    depths = Depths("software")
    depths.show(Scene([ground, wall]))
    got = depths.draw(pose.matrix(), size, 70.0)
    depths.close()
    matrix, camera, wrong = intrinsics(size, 70.0), pose.matrix(), 0
    for row in range(size[0]):
        for col in range(size[1]):
            x = (col - matrix[0, 2]) / matrix[0, 0]
            y = (row - matrix[1, 2]) / matrix[1, 1]
            way = camera[:3, :3] @ (x, y, 1.0)  # one metre along the axis
            expected = np.inf
            if way[2] < 0:
                steps = -1.7 / way[2]
                spot = camera[:3, 3] + steps * way
                expected = steps if max(abs(spot[:2])) <= 90 else np.inf
            steps = 13.0 / way[1] if way[1] > 0 else np.inf
            spot = camera[:3, 3] + steps * way if np.isfinite(steps) else np.full(3, np.inf)
            if abs(spot[0]) <= 30 and 0 <= spot[2] <= 6:
                expected = min(expected, steps)
            both_inf = np.isinf(expected) and np.isinf(got[row, col])
            wrong += not (both_inf or got[row, col] == pytest.approx(expected, rel=1e-3))
    assert wrong <= 0.03 * got.size  # pixels on edges
    assert 0.2 < np.isfinite(got).mean() < 1


def test_nothing_is_infinitely_far():
    depths = Depths("software")
    depths.show(Scene([]))
    got = depths.draw(Pose((0, 0, 0), 0.0).matrix(), (8, 8), 60.0)
    depths.close()
    assert got.dtype == np.float32 and np.isinf(got).all()
