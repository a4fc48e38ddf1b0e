"""Computes how far apart the photos of a set are at most."""

import numpy as np
from numpy.typing import NDArray

_NUM_DIRECTIONS = 64  # enough for an error of 0.1 %


def extent_m(positions_m: NDArray[np.floating]) -> float:
    """Returns the largest distance between two positions, or up to 0.1 % less.

    Args:
        positions_m: (N, 2) float, N at least 1. Metres east and north.

    Example:

    >>> extent_m(np.array([[0.0, 0.0], [30.0, 0.0], [10.0, 0.0]]))
    30.0
    """
    angles = np.linspace(0, np.pi, _NUM_DIRECTIONS, endpoint=False)
    across_m = positions_m @ np.stack([np.cos(angles), np.sin(angles)])  # (N, directions)
    return float(np.ptp(across_m, axis=0).max())
