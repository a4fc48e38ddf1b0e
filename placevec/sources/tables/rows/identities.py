"""Numbers the names of places and drives, which are text: different texts are different."""

import numpy as np
from numpy.typing import NDArray

_LARGEST = 2**63 - 1


def number_identities(texts: NDArray[np.str_]) -> NDArray[np.int64]:
    """Gives each different text its own number.

    Whole numbers in their usual spelling, such as `7`, keep their value if all texts are like this.
    Otherwise `7`, `07`, `7.0` and `1_0` are texts like any other, numbered in sorted order.

    Args:
        texts: (N,) str. `""` and `-1` mean unknown.

    Returns:
        (N,) int64, -1 if unknown.

    Example:

    >>> number_identities(np.array(["7", "12", "", "7"])).tolist()
    [7, 12, -1, 7]
    >>> number_identities(np.array(["7", "07", "", "7"])).tolist()
    [1, 0, -1, 1]
    """
    different, rank = np.unique(texts, return_inverse=True)
    is_known = ~np.isin(different, ("", "-1"))
    numbers = np.full(len(different), -1, dtype=np.int64)
    known = different[is_known].tolist()
    if all(map(_is_plain_number, known)):
        numbers[is_known] = [int(text) for text in known]
    else:
        numbers[is_known] = np.arange(len(known))
    return numbers[rank]


def _is_plain_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and _is_shortest(text)


def _is_shortest(text: str) -> bool:
    return str(int(text)) == text and int(text) <= _LARGEST
