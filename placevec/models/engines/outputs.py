"""What a model returns, in one order whatever library ran it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Outputs = NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.float32]]
"""Descriptors (B, D), or these and local features (B, rows, columns, D')."""

_AXES_OF_DESCRIPTORS, _AXES_OF_FEATURES = 2, 4


def in_order(outputs: Iterable[NDArray[np.floating]]) -> Outputs:
    """Returns descriptors, or descriptors and local features, in float32.

    Libraries keep neither the names nor the order of outputs, and OpenVINO has a number more; the
    number of axes tells them apart.

    Args:
        outputs: iterable of arrays. What the library returns.
    """
    by_axes = {np.ndim(each): np.asarray(each, np.float32) for each in outputs}
    descriptors = by_axes[_AXES_OF_DESCRIPTORS]
    features = by_axes.get(_AXES_OF_FEATURES)
    return descriptors if features is None else (descriptors, features)


def descriptors_of(outputs: Outputs) -> NDArray[np.float32]:
    """Returns the descriptors alone."""
    return outputs[0] if isinstance(outputs, tuple) else outputs
