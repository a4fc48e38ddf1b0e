"""Numbers of things as text."""


def counted(number: int, one: str, several: str = "") -> str:
    """Returns a number with its noun, and with the verb if that is given, in singular or plural.

    Args:
        number: int. How many.
        one: str. The words for one, such as `"photo"` or `"photo is"`.
        several: str. The words for another number. `""`: `one` with an `s`.

    Example:
    >>> counted(1, "photo"), counted(0, "photo"), counted(2, "link leads", "links lead")
    ('1 photo', '0 photos', '2 links lead')
    """
    return f"{number} {one if number == 1 else several or one + 's'}"
