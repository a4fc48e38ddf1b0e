"""Cameras along a street of the town."""

import numpy as np

from placevec.rendering.scenes.camera import Camera, Jitter, Pose
from placevec.rendering.town.layout import Street

FIRST_PLACE_M = 12.0
_LANE_M = 0.9
_GLANCE_DEG = (40.0, 50.0)

STEADY = Jitter(along_m=1.0, across_m=0.4, height_m=0.05, heading_deg=2.0, tilt_deg=0.5)
LOOSE = Jitter(along_m=2.0, across_m=0.8, height_m=0.15, heading_deg=7.0, tilt_deg=2.0)


def street_length_m(num_places: int, spacing_m: float) -> float:
    """Returns the length, in metres, that a street needs for a number of places."""
    return 2 * FIRST_PLACE_M + (num_places - 1) * spacing_m


def place_camera(
    street: Street, distance_m: float, rng: np.random.Generator, jitter: Jitter
) -> Camera:
    """Places a camera in its lane, looking ahead and a little toward the houses beside it.

    All cameras of a street look to the same side, so that photos of one place show one side.

    Args:
        street: Street. The street of the camera.
        distance_m: float. Metres from the start of the street.
        rng: np.random.Generator. Source of the jitter.
        jitter: Jitter. Maximum of the jitter.

    Returns:
        A `Camera`.
    """
    glance_deg = _glance_deg(street)
    along, across, height, turn, pitch, roll = rng.uniform(-1, 1, 6)
    point, ahead = street.along(distance_m + along * jitter.along_m)
    right = np.array([ahead[1], -ahead[0]])
    point = point + right * (across * jitter.across_m - np.sign(glance_deg) * _LANE_M)
    heading_deg = np.rad2deg(np.arctan2(ahead[0], ahead[1])) + glance_deg
    heading_deg += turn * jitter.heading_deg
    pose = Pose(
        position_m=(float(point[0]), float(point[1]), 1.7 + float(height) * jitter.height_m),
        heading_deg=float(heading_deg),
        pitch_deg=3.0 + float(pitch) * jitter.tilt_deg,
        roll_deg=float(roll) * jitter.tilt_deg / 2,
    )
    return camera_at(street, pose)


def camera_at(street: Street, pose: Pose) -> Camera:
    """Returns the camera of a pose in the street's frame."""
    east_m, north_m = street.to_world(np.array([pose.position_m[:2]]))[0]
    heading_deg = (pose.heading_deg + street.bearing_deg) % 360.0
    return Camera(pose, float(east_m), float(north_m), heading_deg)


def _glance_deg(street: Street) -> float:
    rng = np.random.default_rng((*street.seed, 4))
    return float(rng.choice([-1, 1]) * rng.uniform(*_GLANCE_DEG))
