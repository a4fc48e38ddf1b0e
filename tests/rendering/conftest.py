from types import SimpleNamespace

import numpy as np
import pytest

from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.scenes.camera import Camera, Pose
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.town.layout import lay_out_town
from placevec.rendering.worlds.world import World

_FACES = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


@pytest.fixture(scope="session")
def town():
    """A town of two streets of 150 m."""
    return lay_out_town((5, 0), ["one", "two"], 150.0, np.array([1000.0, 2000.0]))


def _quad(a, b, c, d):
    return [[a, b, c], [a, c, d]]


def _box(low, high, inside_out=False):
    corners = [[(low, high)[i >> k & 1][k] for k in range(3)] for i in range(8)]
    triangles = [t for face in _FACES for t in _quad(*(corners[i] for i in face))]
    return [t[::-1] for t in triangles] if inside_out else triangles


def _floor(low, high, z=0.0, slope=0.0):
    (x, y), (u, v) = low, high
    return _quad(*((p, q, z + slope * p) for p, q in ((x, y), (u, y), (u, v), (x, v))))


def _world(*parts, **options):
    positions = np.array([t for part in parts for t in part], np.float32)
    count, gray = len(positions), np.full((8, 8, 3), 128, np.uint8)
    uvs, tints = np.zeros((count, 3, 2), np.float32), np.ones((count, 3, 3), np.float32)
    texture_of = np.zeros(count, np.int32)
    return World("made", [gray], np.array([False]), positions, uvs, tints, texture_of, **options)


def _house():
    """Two floors of 12 m by 12 m, open rooms of 3 m height, walls 0.3 m thick, roof."""
    parts = [_box((-6, -6, z), (6, 6, z + 0.3)) for z in (-0.3, 3.0, 6.3)]
    for low, high in (((-6, -6), (6, -5.7)), ((-6, 5.7), (6, 6)), ((-6, -6), (-5.7, 6))):
        parts.append(_box((*low, 0), (*high, 6.3)))
    return _world(*parts, _box((5.7, -6, 0), (6, 6, 6.3)))


def _blocks(seed):
    """A field of 120 m with twelve houses; returns the world and the houses (n, 2, 3)."""
    rng = np.random.default_rng(seed)
    houses = []
    for _ in range(12):
        x, y = rng.uniform(-50, 45, 2)
        w, d, h = rng.uniform(3, 12, 3)
        houses.append(((x, y, -1.0), (x + w, y + d, 3 + h)))
    world = _world(_floor((-60, -60), (60, 60)), *(_box(*house) for house in houses))
    return world, np.array(houses)


@pytest.fixture(scope="session")
def shapes():
    """Functions that make triangles and worlds of them: quads, boxes, floors, whole scenes."""
    return SimpleNamespace(
        quad=_quad, box=_box, floor=_floor, world=_world, house=_house, blocks=_blocks
    )


class _Line:
    """Viewpoints on a line to the east, a metre apart."""

    def __init__(self):
        self.cameras = [self._camera(east_m) for east_m in range(100)]

    def sample(self, rng):
        return self.cameras[rng.integers(100)]

    def sample_near(self, camera, rng, radius_m):
        return self._camera(camera.east_m + rng.uniform(-radius_m, radius_m))

    def sample_far(self, camera, rng, distance_m):
        return self._camera(camera.east_m + distance_m + rng.uniform(1, 9))

    @staticmethod
    def _camera(east_m):
        return Camera(Pose((float(east_m), 0.0, 1.7), 45.0), float(east_m), 0.0, 45.0)


@pytest.fixture(scope="session")
def line_model():
    """A function from settings to a model whose cameras stand on a line."""

    def open_line(**settings):
        world = SimpleNamespace(name="line", scene=lambda visit: Scene([], earth=(0.0, 1.0, 0.0)))
        return ModelScenery(world, lambda _: _Line(), **settings)

    return open_line
