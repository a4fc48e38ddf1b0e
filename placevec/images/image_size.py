"""The size of photos that a network was trained on, kept in the name of its input."""

import re


def input_name(image_size: tuple[int, int] | None) -> str:
    """Returns the name of an input that takes photos of any size and was trained on one.

    Args:
        image_size: (int, int) or None. Rows and columns; None where nothing is known.

    Example:
    >>> input_name((240, 320))
    'photos_240x320'
    """
    return "photos" if image_size is None else "photos_{}x{}".format(*image_size)


def size_in_name(name: str) -> tuple[int, int] | None:
    """Returns the rows and columns in the name of an input; None where there are none.

    Args:
        name: str. As `input_name` makes it, or any other.

    Example:
    >>> size_in_name("photos_240x320"), size_in_name("photos")
    ((240, 320), None)
    """
    found = re.fullmatch(r"photos_([1-9]\d{0,4})x([1-9]\d{0,4})", name)
    return (int(found[1]), int(found[2])) if found else None
