"""What settings must be, and the errors that say so."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin
from urllib.parse import urlsplit

from placevec.config.choices import Choice, users_of
from placevec.config.limits import Limit


def settle(config: Any) -> None:
    """Turns text into paths and lists into tuples, and refuses wrong types and broken limits.

    A single path becomes a tuple of one path. A limit is part of the type of a setting, such as
    `Annotated[int, AtLeast(1)]`. None and paths are within every limit. Numbers must be finite.
    `-` is no path for results.
    """
    for each in dataclasses.fields(config):
        kind, limits = _kind_and_limits(each.type)
        value = getattr(config, each.name)
        if isinstance(value, list):
            value = tuple(value)
        if get_origin(kind) is tuple and Path in get_args(kind):
            parts = value if isinstance(value, tuple) else (value,)
            value = tuple(Path(part) if isinstance(part, str) else part for part in parts)
        elif Path in (kind, *get_args(kind)) and isinstance(value, str):
            value = Path(value)
        elif kind is str and isinstance(value, Path):
            value = str(value)
        object.__setattr__(config, each.name, value)
        if not _is_a(value, kind):
            refuse(config, each.name, _words(kind))
        for limit in limits:
            if not (value is None or isinstance(value, Path) or limit.holds(value)):
                refuse(config, each.name, str(limit))
        if not _is_finite(value):
            refuse(config, each.name, "finite")
        if each.name == "out" and value == Path("-"):
            refuse(config, "out", "the name of a file or folder, not standard output")


def _kind_and_limits(annotation: Any) -> tuple[Any, tuple[Limit, ...]]:
    if get_origin(annotation) is Annotated:
        kind, *limits = get_args(annotation)
        return kind, tuple(limits)
    return annotation, ()


def refuse(config: Any, name: str, must: str) -> NoReturn:
    """Raises the `ValueError` that says what a setting must be and what was received."""
    raise ValueError(f"`{name}` must be {must}. {_received(config, name)}")


def need_used(config: Any, name: str, is_used: bool, by: str) -> None:
    """Refuses a setting that was given but has no effect.

    Args:
        config: dataclass instance.
        name: str. The setting.
        is_used: bool. Whether it has an effect.
        by: str. The setting and value that decide this, such as `"mining=random"`.
    """
    default = {each.name: each.default for each in dataclasses.fields(config)}[name]
    if not is_used and getattr(config, name) != default:
        raise ValueError(f"`{name}` has no effect with {by}. {_received(config, name)}")


def _received(config: Any, name: str) -> str:
    value = getattr(config, name)
    return f"Received: {name}={value if isinstance(value, Path) else repr(value)}"


def need_applicable(
    config: Any, table: Mapping[str, Choice], chosen: str, *, prefix: str = ""
) -> None:
    """Refuses settings that were given but only apply to other choices of a table.

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
    """Joins names with commas and "and".

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
        refuse(config, name, "an https address, because placevec sends your key there")


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


def _is_finite(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return f"of type {kind if get_args(kind) else kind.__name__}"
