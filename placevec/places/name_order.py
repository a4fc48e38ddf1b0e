"""Sorts numbered names in the order that people expect."""

import re


def by_number(name: str) -> str:
    """Returns a key that sorts names naturally.

    Numbers in names are compared by value, and upper and lower case are equal. Names that are equal
    in this way are compared character by character.

    Args:
        name: str. A file's name.

    Example:

    >>> sorted(["10.jpg", "B2.jpg", "2.JPG", "a3.jpg"], key=by_number)
    ['2.JPG', '10.jpg', 'a3.jpg', 'B2.jpg']
    """
    return re.sub("[0-9]+", _of_equal_order, name.casefold()) + "\0" + name


def _of_equal_order(number: re.Match) -> str:
    digits = number[0].lstrip("0")
    return f"{len(digits):03d}{digits}"  # a file name has at most 255 characters
