"""Computes by how much two directions differ."""

import numpy as np
from numpy.typing import NDArray


def turn_deg(ones_deg: NDArray[np.float64], others_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns by how much directions differ, in [0, 180] degrees; NaN where one is NaN.

    Args:
        ones_deg: (...) float. Degrees, in any range.
        others_deg: (...) float. Degrees, of a shape that broadcasts.

    Example:

    >>> turn_deg(np.array([350.0, 90.0]), np.array([10.0, -90.0])).tolist()
    [20.0, 180.0]
    """
    return np.abs((ones_deg - others_deg + 180) % 360 - 180)
