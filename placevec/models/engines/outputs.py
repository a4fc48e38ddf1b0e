"""Puts the outputs of a model into one order, whichever library ran it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Outputs = NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.float32]]
"""Descriptors (B, D), alone or with local features (B, rows, columns, D')."""

_AXES_OF_DESCRIPTORS, _AXES_OF_FEATURES = 2, 4


def in_order(outputs: Iterable[NDArray[np.floating]]) -> Outputs:
    """Returns descriptors, or descriptors and local features, in float32.

    The number of axes tells outputs apart, because libraries keep neither their names nor their
    order, and OpenVINO adds a scalar output.

    Args:
        outputs: iterable of arrays. The outputs of the library.
    """
    by_axes = {np.ndim(each): np.asarray(each, np.float32) for each in outputs}
    descriptors = by_axes[_AXES_OF_DESCRIPTORS]
    features = by_axes.get(_AXES_OF_FEATURES)
    return descriptors if features is None else (descriptors, features)


def descriptors_of(outputs: Outputs) -> NDArray[np.float32]:
    """Returns only the descriptors."""
    return outputs[0] if isinstance(outputs, tuple) else outputs
