"""A camera: its pose in a scene, its position in the world, and its jitter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pose:
    """Where a camera is and where it looks.

    Args:
        position_m: (x, y, z). In the scene's frame, in metres; z is up.
        heading_deg: float. Direction of the optical axis, clockwise from the y axis.
        pitch_deg: float. Angle of the optical axis above the horizon.
        roll_deg: float. Rotation about the optical axis; positive lowers the camera's right side.
    """

    position_m: tuple[float, float, float]
    heading_deg: float
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """Returns the transformation from camera coordinates to scene coordinates.

        Returns:
            (4, 4) float64, of a camera with x right, y down and z ahead, in metres.
        """
        heading, pitch, roll = np.deg2rad([self.heading_deg, self.pitch_deg, self.roll_deg])
        level = np.array([np.sin(heading), np.cos(heading), 0.0])
        ahead = np.cos(pitch) * level + np.sin(pitch) * np.array([0.0, 0.0, 1.0])
        right = np.array([np.cos(heading), -np.sin(heading), 0.0])
        down = np.cross(ahead, right)
        matrix = np.eye(4)
        matrix[:3, 0] = np.cos(roll) * right + np.sin(roll) * down
        matrix[:3, 1] = np.cos(roll) * down - np.sin(roll) * right
        matrix[:3, 2] = ahead
        matrix[:3, 3] = self.position_m
        return matrix


@dataclass(frozen=True)
class Camera:
    """A camera: its pose for the renderer, and its position in the world.

    Args:
        pose: Pose. In the scene's frame.
        east_m: float. Metres east.
        north_m: float. Metres north.
        heading_deg: float. Clockwise from north, in [0, 360).
    """

    pose: Pose
    east_m: float
    north_m: float
    heading_deg: float


def camera_of(pose: Pose) -> Camera:
    """Returns the camera of a pose in a world whose x is east and whose y is north."""
    east_m, north_m, _ = pose.position_m
    return Camera(pose, float(east_m), float(north_m), float(pose.heading_deg) % 360.0)


@dataclass(frozen=True)
class Jitter:
    """How far cameras may move away from their places, as the maximum to either side.

    Args:
        along_m: float. Along the street.
        across_m: float. Across it.
        height_m: float. Up and down.
        heading_deg: float. To the left and right.
        tilt_deg: float. Up and down, and half of it in roll.
    """

    along_m: float
    across_m: float
    height_m: float
    heading_deg: float
    tilt_deg: float


def scaled(jitter: Jitter, factor: float) -> Jitter:
    """Returns a jitter with all values multiplied by `factor`."""
    return Jitter(*(factor * getattr(jitter, name) for name in Jitter.__dataclass_fields__))
