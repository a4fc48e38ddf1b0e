"""Writes counts as text, in singular or plural."""


def counted(number: int, one: str, several: str = "") -> str:
    """Returns a number with its noun, in singular or plural.

    The words may include a verb, so that it agrees with the number.

    Args:
        number: int. The count.
        one: str. The words for exactly one, such as `"photo"` or `"photo is"`.
        several: str. The words for any other count. `""`: `one` with an `s` appended.

    Example:
    >>> counted(1, "photo"), counted(0, "photo"), counted(2, "link leads", "links lead")
    ('1 photo', '0 photos', '2 links lead')
    """
    return f"{number} {one if number == 1 else several or one + 's'}"
