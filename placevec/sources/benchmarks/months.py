"""Years and months as times."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_YEARS = (1800, 2200)


def seconds_of_months(
    years: NDArray[np.int64], months: NDArray[np.int64], source: Path
) -> NDArray[np.float64]:
    """Returns when months begin.

    Args:
        years: (N,) int64. 1800 to 2200.
        months: (N,) int64. 1 to 12.
        source: Path. The file that they come from, for the error.

    Returns:
        (N,) float64. Seconds since 1970, UTC.

    Raises:
        ValueError: If a number is out of range.
    """
    bad = np.flatnonzero((months < 1) | (months > 12) | (years < _YEARS[0]) | (years > _YEARS[1]))
    if len(bad):
        raise ValueError(
            f"{source} holds a time that is not a year and month. Received: year {years[bad[0]]}, "
            f"month {months[bad[0]]}"
        )
    since_1970 = (12 * (years - 1970) + months - 1).astype("datetime64[M]")
    return since_1970.astype("datetime64[s]").astype(np.float64)
