"""Camera poses, and the position, heading and height that follow from them.

A camera looks along its own z axis; its x axis points right in the photo and its y axis down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORLD_AXES = {
    f"{sign}{letter}": np.array([float(f"{sign}1") * (letter == other) for other in "xyz"])
    for sign in ("", "-")
    for letter in "xyz"
}
"""Names of directions in the world, `x` to `-z`, and the (3,) unit vectors that they mean."""

LONGEST = 1e9
"""Coordinates beyond this value count as unknown."""

_MOST_ASKEW = 0.1
_SHORTEST_MEAN = 0.5
_STEEPEST = np.sin(np.deg2rad(1.0))


@dataclass(frozen=True, eq=False)
class Poses:
    """Positions and rotations of cameras in a world; NaN if unknown.

    A pose that no camera can have counts as unknown: numbers that are not finite, coordinates
    beyond 1e9, axes that are not orthonormal (by more than 0.1), left-handed axes.

    Args:
        centers: (N, 3) float64. In the world's unit.
        rotations: (N, 3, 3) float64. From the camera to the world: the columns are the camera's
            right, down and forward axes.
    """

    centers: NDArray[np.float64]
    rotations: NDArray[np.float64]

    def __post_init__(self) -> None:
        centers = np.array(self.centers, dtype=np.float64)
        rotations = np.array(self.rotations, dtype=np.float64)
        with np.errstate(all="ignore"):
            askew = rotations @ rotations.swapaxes(1, 2) - np.eye(3)
            sound = (np.abs(centers) < LONGEST).all(axis=1)
            sound &= (np.abs(askew) < _MOST_ASKEW).all(axis=(1, 2))
            sound &= np.linalg.det(rotations) > 0.0
        centers[~sound] = np.nan
        rotations[~sound] = np.nan
        object.__setattr__(self, "centers", centers)
        object.__setattr__(self, "rotations", rotations)

    @classmethod
    def from_world_to_camera(
        cls, rotations: NDArray[np.float64], translations: NDArray[np.float64]
    ) -> "Poses":
        """Returns the poses of cameras that have a world point `p` at `R p + t`.

        Args:
            rotations: (N, 3, 3) float64. `R`.
            translations: (N, 3) float64. `t`.
        """
        to_world = rotations.swapaxes(1, 2)
        with np.errstate(all="ignore"):
            return cls(-(to_world @ translations[:, :, None])[:, :, 0], to_world)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) bool. Which poses are known."""
        return ~np.isnan(self.centers[:, 0])

    def at(self, rows: NDArray[np.integer]) -> "Poses":
        """Returns the poses of rows, (K,) int64, in that order; -1 gives an unknown pose."""
        centers = np.concatenate([self.centers, np.full((1, 3), np.nan)])[rows]
        rotations = np.concatenate([self.rotations, np.full((1, 3, 3), np.nan)])[rows]
        return Poses(centers, rotations)

    def mounted(self, rotation: NDArray[np.float64], offset: NDArray[np.float64]) -> "Poses":
        """Returns the poses of cameras that are fixed to bodies whose poses these are.

        Args:
            rotation: (3, 3) float64. From the camera to the body.
            offset: (3,) float64. Where the camera is on the body.
        """
        return Poses(self.centers + self.rotations @ offset, self.rotations @ rotation)


def rotations_from_quaternions(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the rotation matrices of quaternions.

    Args:
        quaternions: (N, 4) float64. x, y, z, w, of length 1. A length between 0.9 and 1.1 is
            normalized; any other is not a rotation.

    Returns:
        (N, 3, 3) float64; NaN if a quaternion is not a rotation.
    """
    with np.errstate(all="ignore"):
        lengths = np.sqrt((quaternions * quaternions).sum(axis=1))
        lengths[~(np.abs(lengths - 1.0) < _MOST_ASKEW)] = np.nan
        x, y, z, w = (quaternions / lengths[:, None]).T
        rows = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    return np.moveaxis(np.array(rows), 2, 0)


def rotations_from_vectors(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the (N, 3, 3) rotations about (N, 3) float64 axes by their lengths in radians."""
    with np.errstate(all="ignore"):
        half = np.linalg.norm(vectors, axis=1, keepdims=True) / 2
        quaternions = np.hstack([vectors * np.sinc(half / np.pi) / 2, np.cos(half)])
    return rotations_from_quaternions(quaternions)


def find_up(poses: Poses) -> NDArray[np.float64]:
    """Finds which way is up in a world that does not say so, from how the cameras are held.

    Up is opposite to the mean of the cameras' down axes. This is right if the cameras are level on
    average, in whatever direction they look.

    Args:
        poses: Poses. At least one is known.

    Returns:
        (3,) float64, of length 1.

    Raises:
        ValueError: If the mean is shorter than 0.5, because the cameras are held in all directions.
    """
    mean = -poses.rotations[poses.known][:, :, 1].mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < _SHORTEST_MEAN:
        raise ValueError(
            "Cameras must be held level on the average to tell what is up: the mean of their up "
            f"axes must be {_SHORTEST_MEAN} long. Received: {length:.2f}. Name the world's axis "
            "that points up, such as PATH,up=z"
        )
    return mean / length


def on_the_ground(
    poses: Poses, up: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns where cameras are on the ground and where they look.

    The ground is the plane perpendicular to `up`. East is the world's x axis projected onto it, or
    the y axis if x is within 26 degrees of the vertical. North is 90 degrees to the left of east,
    seen from above. So a world with z up keeps x as east and y as north, and one with y down has x
    as east and z as north.

    Args:
        poses: Poses.
        up: (3,) float64, of length 1.

    Returns:
        positions, (N, 2) float64, east and north; headings_deg, (N,) float64 in [0, 360), of the
        optical axis, NaN if it is within 1 degree of the vertical; heights, (N,) float64, along
        `up`. All in the world's unit, NaN if a pose is unknown.
    """
    east = WORLD_AXES["x"] if abs(up[0]) < 0.9 else WORLD_AXES["y"]
    east = east - (east @ up) * up
    east /= np.linalg.norm(east)
    north = np.cross(up, east)
    forward = poses.rotations[:, :, 2]  # (N, 3)
    to_east, to_north = forward @ east, forward @ north
    headings_deg = np.mod(np.rad2deg(np.arctan2(to_east, to_north)), 360.0)
    headings_deg[headings_deg == 360.0] = 0.0  # np.mod(-1e-20, 360) is 360
    headings_deg[np.hypot(to_east, to_north) < _STEEPEST] = np.nan
    positions = poses.centers @ np.stack([east, north], axis=1)
    return positions, headings_deg, poses.centers @ up
