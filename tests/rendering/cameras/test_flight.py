import numpy as np
import pytest

from placevec.rendering.cameras.flight import Flight, find_flight
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.cameras.viewpoints import distance_m
from placevec.rendering.open_scenery import open_scenery
from placevec.rendering.stream import PhotoStream


@pytest.fixture(scope="module")
def world(shapes):
    """A field of 1 km with towers of 60 m."""
    rng = np.random.default_rng(0)
    towers = [(*rng.uniform(-450, 400, 2),) for _ in range(8)]
    boxes = [shapes.box((x, y, -1), (x + 40, y + 40, 60)) for x, y in towers]
    return shapes.world(shapes.floor((-500, -500), (500, 500)), *boxes)


@pytest.fixture(scope="module")
def flight(world):
    return find_flight(world, num_places=40, views_per_place=2, seed=1)


def test_cameras_fly_at_their_heights_outside_of_towers_and_look_down(flight):
    eyes = np.array([camera.pose.position_m for camera in flight.cameras])
    down = np.tile([0.0, 0, -1], (len(eyes), 1))
    below_m, hit = flight.collider.cast(eyes, down, 500.0)
    assert (below_m >= 2.0).all() and (eyes[:, 2] <= 60 + 121).all() and (eyes[:, 2] >= 44).all()
    assert (flight.collider.normals[hit, 2] > 0.9).all()
    assert all(-70 < camera.pose.pitch_deg < -60 for camera in flight.cameras)
    assert np.ptp(eyes[:, 2]) > 40 and isinstance(flight, Flight)
    turns = [camera.heading_deg for camera in flight.cameras]
    assert abs((turns[1] - turns[0]) % 360 - 180) <= 10


def test_near_and_far_follow_the_height(flight):
    rng = np.random.default_rng(0)
    for camera in flight.cameras[::16]:
        eye = np.array([camera.pose.position_m])
        height_m = flight.collider.cast(eye, np.array([[0.0, 0, -1]]), 500.0)[0][0]
        sigma_m = float(np.clip(height_m, 45, 120)) * np.tan(0.698) / 3
        assert flight.sigma_m(camera) == pytest.approx(sigma_m)
        near = [flight.sample_near(camera, rng) for _ in range(12)]
        gaps = np.array([distance_m(camera, each) for each in near])
        assert gaps.max() <= 2 * sigma_m and 0.4 * sigma_m < gaps.mean() < 1.8 * sigma_m
        assert distance_m(camera, flight.sample_far(camera, rng)) > 2 * sigma_m
        turns = [(each.heading_deg - camera.heading_deg + 180) % 360 - 180 for each in near]
        assert max(np.abs(turns)) <= 90 and np.std(turns) > 8
        assert distance_m(camera, flight.sample_near(camera, rng, 1.0)) <= 1.0


def test_a_stream_of_it_gives_groups_of_the_old_scheme(world, flight):
    scenery = ModelScenery(world, lambda _: flight, near_m=None, far_m=None)
    with PhotoStream(scenery, (24, 32)) as stream:
        photos, labels = stream.draw_groups(16)
    gaps = np.hypot(*(labels[:, :2] - labels[0, :2]).T)
    assert photos.shape == (16, 24, 32, 3) and (labels[:, 2] >= 44).all()
    assert gaps[1:6].max() < gaps[6:].min()


def test_open_scenery_flies(tmp_path):
    text = "v -400 -400 0\nv 400 -400 0\nv 400 400 0\nv -400 400 0\nf 1 2 3 4\n"
    (tmp_path / "field.obj").write_text(text)
    scenery = open_scenery(tmp_path / "field.obj", up="z", cameras="fly", num_places=9)
    part, camera = scenery.sample(np.random.default_rng(0))
    assert part == "field" and 44 <= camera.pose.position_m[2] <= 121
    with pytest.raises(ValueError, match="`cameras` must be 'walk' in the town"):
        open_scenery("town", cameras="fly")
    with pytest.raises(ValueError, match="`cameras` must be one of walk, fly"):
        open_scenery("town", cameras="swim")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"heights_m": (9.0, 5.0)}, "`heights_m` must be the minimum and the maximum height"),
        ({"views_per_place": 0}, "must be positive integers"),
        ({"num_places": 5000, "spacing_m": 300.0}, "5000 places must be found"),
    ],
)
def test_refuses_what_cannot_be(shapes, settings, match):
    field = shapes.world(shapes.floor((-200, -200), (200, 200)))
    with pytest.raises(ValueError, match=match):
        find_flight(field, **({"num_places": 2} | settings))
