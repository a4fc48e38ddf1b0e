"""The order that people mean by numbered names."""

import re


def by_number(name: str) -> str:
    """Returns a key to sort names by, such that numbers in them count by their value.

    Args:
        name: str. A file's name.

    Example:

    >>> sorted(["10.jpg", "2.jpg"], key=by_number)
    ['2.jpg', '10.jpg']
    """
    return re.sub(r"\d+", lambda number: number[0].zfill(20), name)
