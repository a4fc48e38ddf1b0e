from types import SimpleNamespace

import numpy as np
import pytest

from placevec.rendering import PhotoStream
from placevec.rendering.scenery import ModelScenery, TownScenery, open_scenery
from placevec.rendering.scenes.camera import Camera, Pose
from placevec.rendering.scenes.scene import Scene

TOWN = {"num_streets": 2, "street_length_m": 120.0}


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


def _model(**settings):
    world = SimpleNamespace(name="line", scene=lambda visit: Scene([], earth=(0.0, 1.0, 0.0)))
    return ModelScenery(world, _Line(), **settings)


@pytest.fixture(scope="module")
def town():
    return open_scenery("town", seed=1, **TOWN)


def test_near_cameras_at_the_end_of_a_street_stay_in_it(town):
    rng = np.random.default_rng(0)
    street = town.town.streets[0]
    end = (*street.to_world(street.nodes_m[-1:])[0], 1.7)
    part, camera = town.camera_at(end, 0.0)
    assert part == street.name
    for _ in range(30):
        near = town.sample_near(part, camera, rng)
        assert np.hypot(near.east_m - end[0], near.north_m - end[1]) <= 10
        assert street.to_street([[near.east_m, near.north_m]])[0, 1] < street.length_m + 3


def test_a_camera_is_sampled_in_the_part_that_is_asked_for(town):
    rng = np.random.default_rng(0)
    assert {town.sample(rng)[0] for _ in range(20)} == set(town.parts)
    for part in town.parts:
        drawn, camera = town.sample(rng, part)
        position_m = (camera.east_m, camera.north_m, 1.7)
        assert drawn == part == town.camera_at(position_m, camera.heading_deg)[0]


def test_distances_are_kept(town):
    near_town = TownScenery(1, near_m=3.0, far_m=30.0, **TOWN)
    for scenery in (near_town, _model(near_m=3.0, far_m=30.0)):
        rng = np.random.default_rng(0)
        part, camera = scenery.sample(rng)
        for _ in range(20):
            near, far = (
                draw(part, camera, rng) for draw in (scenery.sample_near, scenery.sample_far)
            )
            assert np.hypot(near.east_m - camera.east_m, near.north_m - camera.north_m) <= 3
            assert np.hypot(far.east_m - camera.east_m, far.north_m - camera.north_m) > 30


def test_a_camera_stands_and_looks_as_told(town):
    for scenery in (town, _model()):
        _, camera = scenery.camera_at((1010.0, 1020.0, 2.5), 400.0, 5.0, -2.0)
        assert (camera.east_m, camera.north_m) == pytest.approx((1010, 1020))
        assert camera.heading_deg == pytest.approx(40)
        pose = camera.pose
        assert (pose.position_m[2], pose.pitch_deg, pose.roll_deg) == (2.5, 5.0, -2.0)


def test_a_model_is_streamed_like_the_town():
    with PhotoStream(_model(seed=3), (24, 32)) as stream:
        photos, labels = stream.draw_groups(16)
        _, path = stream.draw_path(3, start=99)
    gaps = np.abs(labels[:, 0] - labels[0, 0])
    assert photos.shape == (16, 24, 32, 3)
    assert (gaps[1:6] <= 10).all() and (gaps[6:] > 25).all()
    assert path[:, 0].tolist() == [99, 0, 1]


def test_refuses_bad_settings(tmp_path):
    with pytest.raises(ValueError, match="num_streets=0"):
        open_scenery("town", num_streets=0)
    with pytest.raises(ValueError, match="street_length_m=50"):
        open_scenery("town", street_length_m=50)
    with pytest.raises(ValueError, match="near_m=30.0, far_m=25.0"):
        open_scenery("town", near_m=30.0)
