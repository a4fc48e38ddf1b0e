"""Keeps descriptors at unit length: scales others when writing, and refuses them when reading."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown

_log = logging.getLogger(__name__)
TOLERANCE = 0.01  # rounding to 16 bits changes a length by less
_ROWS_AT_A_TIME = 4096


def to_unit(
    descriptors: NDArray[np.floating], what: str, name_of: Callable[[int], str] | None = None
) -> NDArray[np.floating]:
    """Returns descriptors of unit length, and warns if some had to be scaled.

    Args:
        descriptors: (n, D) float. Returned unchanged if all lengths are within 1 % of 1.
        what: str. What the descriptors are, for the warning and the error.
        name_of: callable or None. From a row to its photo's name, for the error. None: the error
            gives the row.

    Returns:
        (n, D) float, of the same data type if that is a float type.

    Raises:
        ValueError: If a descriptor is zero, NaN or infinite, so that it cannot be scaled.
    """
    if descriptors.dtype.kind != "f":
        descriptors = descriptors.astype(np.float32)
    lengths = _lengths(descriptors)
    _refuse_bad(~np.isfinite(lengths) | (lengths == 0), lengths, what, name_of)
    is_other = np.abs(lengths - 1) > TOLERANCE
    if not is_other.any():
        return descriptors
    others = lengths[is_other]
    _log.warning(
        "%s: scaled %d of %s to unit length, from lengths of %.3g to %.3g",
        what, len(others), counted(len(lengths), "descriptor"), others.min(), others.max(),
    )  # fmt: skip
    scaled = descriptors.copy()
    scaled[is_other] = descriptors[is_other] / others[:, None].astype(descriptors.dtype)
    return scaled


def require_unit(
    descriptors: NDArray[np.floating], what: str, name_of: Callable[[int], str] | None = None
) -> None:
    """Refuses descriptors that are not of unit length, because their store is damaged.

    Args:
        descriptors: (n, D) float.
        what: str. Where they were read, for the error.
        name_of: callable or None. From a row to its photo's name, for the error. None: the error
            gives the row.

    Raises:
        ValueError: If a length is more than 1 % from 1, NaN or infinite.
    """
    lengths = _lengths(descriptors)
    _refuse_bad(~(np.abs(lengths - 1) <= TOLERANCE), lengths, what, name_of)


def _refuse_bad(
    is_bad: NDArray[np.bool_],
    lengths: NDArray[np.float64],
    what: str,
    name_of: Callable[[int], str] | None,
) -> None:
    if not is_bad.any():
        return
    first = int(is_bad.argmax())
    name = f"row {first}" if name_of is None else shown(name_of(first))
    raise ValueError(
        f"Descriptors must be finite and of unit length in {what}. Received: {is_bad.sum()} of "
        f"{len(lengths)} that are not (first: {name}, of length {lengths[first]:.3g}). Describe "
        "these photos again, with another model if it was the model"
    )


def _lengths(descriptors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Returns the L2 norm of each descriptor, (n,) float64."""
    lengths = np.empty(len(descriptors))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(descriptors), _ROWS_AT_A_TIME):
            rows = np.asarray(descriptors[start : start + _ROWS_AT_A_TIME])
            if rows.dtype.itemsize < 4:
                rows = rows.astype(np.float32)
            squares = np.einsum("nd,nd->n", rows, rows)
            lengths[start : start + len(rows)] = np.sqrt(squares, dtype=np.float64)
    return lengths
