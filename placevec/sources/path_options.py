"""Choices that follow a path, `PATH,name=value,other=value`."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def split_options(
    path: Path | str, known: Mapping[str, Sequence[str]]
) -> tuple[Path, dict[str, str]]:
    """Takes the choices off the end of a path.

    Args:
        path: Path. `PATH` or `PATH,name=value,...`; a path that exists as it stands has no choices.
        known: name -> values that it may have; empty where it may have any.

    Returns:
        The path, and name -> value of each choice that was given.

    Raises:
        ValueError: If a name or value is none of those, or a name stands twice.

    Example:

    >>> split_options("walk.mp4,stride=10", {"stride": ()})
    (PosixPath('walk.mp4'), {'stride': '10'})
    """
    whole = Path(path).expanduser()
    if whole.exists():
        return whole, {}
    text, *parts = re.split(r",(?=\w+=)", str(whole))
    options: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f". Did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"What follows a path must be one of {', '.join(f'{name}=' for name in known)}. "
                f"Received: {name}= in {str(path)!r}{hint}"
            )
        if name in options:
            raise ValueError(f"`{name}=` must stand once. Received: {str(path)!r}")
        if not value or (known[name] and value not in known[name]):
            wanted = " or ".join(known[name]) or "a value"
            raise ValueError(f"`{name}=` must be {wanted}. Received: {value!r} in {str(path)!r}")
        options[name] = value
    return Path(text), options
