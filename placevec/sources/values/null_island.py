"""Positions of 0, 0, which devices write before they know their position."""

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 1e-6  # degrees (0.1 m) or metres: zero after rounding errors
_FAR_M = 100_000.0  # no point of a UTM zone is nearer to its 0, 0


def at_zero(positions: NDArray[np.floating], *, on_earth: bool) -> NDArray[np.bool_]:
    """Returns which positions are 0, 0 and mean that the position is unknown.

    Latitude and longitude of 0, 0 are in the open sea, and no UTM zone has a point there. In other
    metres, 0, 0 may be the middle of a map. It only counts as unknown if all others are farther
    than 100 km from it, as in a UTM zone without a name.

    Args:
        positions: (N, 2) float. Latitude and longitude, or metres; NaN if unknown.
        on_earth: bool. Whether they are latitude and longitude or metres of a known UTM zone.

    Returns:
        (N,) bool.

    Example:

    >>> at_zero(np.array([[0.0, 0.0], [585001.0, 4477241.0]]), on_earth=False).tolist()
    [True, False]
    >>> at_zero(np.array([[0.0, 0.0], [5.0, 2.0]]), on_earth=False).tolist()
    [False, False]
    """
    is_zero = np.all(np.abs(positions) < _SMALLEST, axis=1)
    if on_earth or not is_zero.any():
        return is_zero
    others = positions[~is_zero & np.isfinite(positions).all(axis=1)]
    are_far = len(others) > 0 and bool((np.hypot(*others.T) > _FAR_M).all())
    return is_zero & are_far


def among_them(num_at_zero: int) -> str:
    """Returns how many of the photos without a position are at 0, 0, to append to a message."""
    return f", {num_at_zero} of them at 0, 0" if num_at_zero else ""
