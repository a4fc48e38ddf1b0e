"""Paths with options: `FILE,images=DIR`."""

import math
import re
from collections.abc import Collection
from pathlib import Path

from placevec.input_file import shown
from placevec.sources.values.cells import to_number

_OPTION = re.compile(r",([a-z_]+)=")


def split_options(path: Path | str, known: Collection[str]) -> tuple[Path, dict[str, str]]:
    """Splits a path and the options after it.

    Args:
        path: Path. `PATH`, or `PATH,NAME=VALUE` with any number of options. A path that exists
            exactly as written has no options.
        known: names of the options that the reader has.

    Returns:
        The path and name -> value; `~` in the path means the home folder.

    Raises:
        ValueError: If an option is unknown, appears twice or has no value.

    Example:

    >>> split_options("poses/00.txt,images=photos", ["images", "up"])
    (PosixPath('poses/00.txt'), {'images': 'photos'})
    """
    if Path(path).expanduser().exists():
        return Path(path).expanduser(), {}
    front, *parts = _OPTION.split(str(path))
    options: dict[str, str] = {}
    for name, value in zip(parts[::2], parts[1::2], strict=True):
        if name not in known or name in options or not value:
            forms = ", ".join(f"{option}=..." for option in known)
            raise ValueError(
                f"After a path, these options may follow, once each: {forms}. "
                f"Received: {name}={value} in {path}"
            )
        options[name] = value
    return Path(front).expanduser(), options


def number_option(options: dict[str, str], name: str, default: float) -> float:
    """Returns the positive number of an option.

    Raises:
        ValueError: If it is not a positive number.
    """
    try:
        number = to_number(options.get(name, default))
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise ValueError(f"`{name}` must be a positive number. Received: {name}={options[name]}")
    return number


def seconds_option(options: dict[str, str], name: str) -> float:
    """Returns the seconds of an option, positive or negative; 0 without the option.

    Raises:
        ValueError: If they are not a finite number.
    """
    try:
        seconds = to_number(options.get(name, 0.0))
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError(
            f"`{name}` must be a number of seconds. Received: {name}={shown(options[name])}"
        )
    return seconds
