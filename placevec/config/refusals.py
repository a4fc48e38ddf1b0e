"""What settings must be, and the errors that say so."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin
from urllib.parse import urlsplit

from placevec.config.choices import Choice, users_of


def settle_types(config: Any) -> None:
    """Turns text into paths and lists into tuples, and refuses what is of another type."""
    for each in dataclasses.fields(config):
        value = getattr(config, each.name)
        if Path in (each.type, *get_args(each.type)) and isinstance(value, str):
            value = Path(value)
        elif each.type is str and isinstance(value, Path):
            value = str(value)
        elif isinstance(value, list):
            value = tuple(value)
        object.__setattr__(config, each.name, value)
        if not _is_a(value, each.type):
            refuse(config, each.name, _words(each.type))


def refuse(config: Any, name: str, must: str) -> NoReturn:
    """Raises the `ValueError` that says what a setting must be and what was received."""
    raise ValueError(f"`{name}` must be {must}. Received: {name}={getattr(config, name)!r}")


def need_at_least(config: Any, least: float, *names: str) -> None:
    """Refuses settings below `least`."""
    for name in names:
        if not getattr(config, name) >= least:
            refuse(config, name, f"at least {least}")


def need_positive(config: Any, *names: str) -> None:
    """Refuses settings that are not above 0."""
    for name in names:
        if not getattr(config, name) > 0:
            refuse(config, name, "larger than 0")


def need_between(config: Any, least: float, most: float, *names: str) -> None:
    """Refuses settings outside `least` to `most`."""
    for name in names:
        if not least <= getattr(config, name) <= most:
            refuse(config, name, f"between {least} and {most}")


def need_image_size(config: Any) -> None:
    """Refuses photos of fewer than 32 rows or columns."""
    if config.image_size is not None and min(config.image_size) < 32:
        refuse(config, "image_size", "two whole numbers, rows and columns, of at least 32")


def need_applicable(
    config: Any, table: Mapping[str, Choice], chosen: str, *, prefix: str = ""
) -> None:
    """Refuses settings that were given and only apply to other choices of a table.

    Args:
        config: dataclass instance.
        table: mapping. A table of `placevec.config.choices`.
        chosen: str. The key of the row that was chosen.
        prefix: str. Text in front of the names of choices, such as `"mining="`.
    """
    for each in dataclasses.fields(config):
        users = users_of(table, each.name)
        value = getattr(config, each.name)
        if users and chosen not in users and value != each.default:
            names = in_words([f"{prefix}{name}" for name in users])
            raise ValueError(
                f"`{each.name}` only applies to {names}, not to {prefix}{chosen}. "
                f"Received: {each.name}={value!r}"
            )


def in_words(names: Sequence[str]) -> str:
    """Joins names as a sentence does.

    Example:
    >>> in_words(["conv_ap", "mixvpr", "salad"])
    'conv_ap, mixvpr and salad'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def need_date(config: Any, name: str) -> None:
    """Refuses what is neither None nor a date."""
    text = getattr(config, name)
    if text is None:
        return
    try:
        is_date = date.fromisoformat(text).isoformat() == text
    except ValueError:
        is_date = False
    if not is_date:
        refuse(config, name, "a date, YYYY-MM-DD")


def need_safe_address(config: Any, name: str) -> None:
    """Refuses addresses that a key must not be sent to."""
    parts = urlsplit(getattr(config, name))
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
        refuse(config, name, "an https address, as a key is sent there")


def _is_a(value: Any, kind: Any) -> bool:
    choices = get_args(kind)
    if get_origin(kind) is Literal:
        return value in choices
    if get_origin(kind) is tuple:
        if choices[1:] == (...,):
            return isinstance(value, tuple) and all(_is_a(each, choices[0]) for each in value)
        is_as_long = isinstance(value, tuple) and len(value) == len(choices)
        return is_as_long and all(map(_is_a, value, choices))
    if choices:  # a union
        return any(_is_a(value, choice) for choice in choices)
    if kind is float:
        return type(value) in (float, int)
    return type(value) is kind if kind in (int, bool) else isinstance(value, kind)


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return f"of type {kind if get_args(kind) else kind.__name__}"
