import cv2
import numpy as np
import pytest

from placevec.rendering.scenes.camera import Pose
from placevec.rendering.town.layout import lay_out_town
from placevec.rendering.town.street_cameras import (
    FIRST_PLACE_M,
    LOOSE,
    STEADY,
    camera_at,
    place_camera,
    street_length_m,
)
from placevec.rendering.town.traffic import park_cars


@pytest.mark.parametrize("seed", range(3))
def test_no_camera_stands_in_a_house_a_box_or_a_car(seed):
    length_m = street_length_m(12, 10.0)
    town = lay_out_town((seed,), ["one", "two"], length_m, np.zeros(2))
    rng = np.random.default_rng(seed)
    for street in town.streets:
        shapes = [house.footprint_m for house in street.houses]
        shapes += [box_corners(*box[:2]) for box in street.boxes]
        shapes += list(park_cars(rng, street).footprints_m())
        for distance_m in np.arange(FIRST_PLACE_M, length_m - FIRST_PLACE_M + 1, 2.5):
            camera = place_camera(street, distance_m, rng, LOOSE)
            spot = tuple(float(v) for v in camera.pose.position_m[:2])
            for shape in shapes:
                inside_m = cv2.pointPolygonTest(shape.astype(np.float32), spot, True)
                assert inside_m < -0.4, f"{street.name} at {distance_m} m"


def box_corners(center, size):
    reach = np.hypot(size[0], size[1]) / 2  # whichever way it is turned
    return center + reach * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])


def test_cameras_stray_no_farther_than_the_jitter(town):
    street, rng = town.streets[0], np.random.default_rng(0)
    spots = []
    for _ in range(200):
        camera = place_camera(street, 40.0, rng, LOOSE)
        spots.append((camera.east_m, camera.north_m))
        assert abs(camera.pose.position_m[2] - 1.7) <= LOOSE.height_m
        assert abs(camera.pose.pitch_deg - 3.0) <= LOOSE.tilt_deg
    spread = np.ptp(np.array(spots), axis=0)
    reach = 2 * np.hypot(LOOSE.along_m, LOOSE.across_m)
    assert 1.0 < np.hypot(*spread) <= 2 * reach


def test_all_photos_of_a_street_look_to_the_same_side(town):
    rng = np.random.default_rng(0)
    for street in town.streets:
        turns = []
        for distance_m in (20.0, 60.0, 100.0):
            _, ahead = street.along(distance_m)
            camera = place_camera(street, distance_m, rng, STEADY)
            turn = camera.pose.heading_deg - np.rad2deg(np.arctan2(*ahead))
            turns.append((turn + 180) % 360 - 180)
        assert np.ptp(turns) <= 2 * STEADY.heading_deg + 25  # the street may bend at a node
        assert min(np.abs(turns)) > 10


def test_the_world_pose_adds_the_bearing_of_the_street(town):
    street = town.streets[0]
    camera = camera_at(street, Pose((3.0, 7.0, 1.7), 50.0))
    assert camera.heading_deg == pytest.approx((50.0 + street.bearing_deg) % 360)
    east_m, north_m = street.to_world(np.array([[3.0, 7.0]]))[0]
    assert (camera.east_m, camera.north_m) == pytest.approx((east_m, north_m))
