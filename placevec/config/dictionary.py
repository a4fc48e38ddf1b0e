"""Settings as plain values, and back.

Settings may hold groups of settings. Plain values, files and flags have no groups: each setting of
a group is beside the others, by its own name, such as `num_positives`.
"""

import dataclasses
import difflib
import json
from typing import Any, cast

_PREFIX = "prefix"
_POSITIONAL = "positional"
_EARLIER_NAME = "earlier name"


def group(kind: type, *, prefix: str = "") -> Any:
    """Returns a field of a dataclass that holds a group of settings.

    Args:
        kind: type. The dataclass of the group; all of its fields have a default.
        prefix: str. The prefix of the names of its settings outside of the group.
    """
    return dataclasses.field(default_factory=kind, metadata={_PREFIX: prefix})


def prefix_of(field: dataclasses.Field) -> str | None:
    """Returns the prefix of the names of a group's settings; None if it is not a group."""
    return field.metadata.get(_PREFIX)


def positional(default: Any) -> Any:
    """Returns a field of a dataclass that the command line takes without a flag."""
    return dataclasses.field(default=default, metadata={_POSITIONAL: True})


def is_positional(field: dataclasses.Field) -> bool:
    """Returns whether the command line takes a setting without a flag."""
    return _POSITIONAL in field.metadata


def renamed(default: Any, earlier_name: str) -> Any:
    """Returns a field of a dataclass that has another name in files of an earlier version."""
    return dataclasses.field(default=default, metadata={_EARLIER_NAME: earlier_name})


def to_dict(config: Any) -> dict[str, Any]:
    """Returns the settings as plain values that JSON can hold."""
    return json.loads(json.dumps(plain(config), default=str))


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """Returns settings of the given class with `values` in place of its defaults.

    Args:
        kind: type. `TrainConfig`, for example.
        values: dict. Names and values, as `to_dict` writes them.

    Raises:
        ValueError: If a name is not a setting of the class (the error gives similar names), or a
            value is refused.

    Example:
    >>> from placevec.config import TrainConfig
    >>> from_dict(TrainConfig, {"num_positives": 2}).tuples.num_positives
    2
    """
    homes = _homes(kind)
    settings: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name not in homes:
            near = difflib.get_close_matches(name, homes)
            known = ", ".join(plain(kind()))
            hint = f"Did you mean {' or '.join(near)}?" if near else f"It has: {known}"
            raise ValueError(f"{kind.__name__} has no setting `{name}`. {hint}")
        home, field = homes[name]
        if home is None and field.name != name and field.name in values:
            raise ValueError(f"`{name}` is now `{field.name}`. Received: both. Remove `{name}`")
        if home is not None:
            groups.setdefault(home.name, {})[field.name] = value
        elif isinstance(value, dict) and dataclasses.is_dataclass(field.type):
            settings[field.name] = from_dict(cast(type, field.type), value)
        else:
            settings[field.name] = value
    for each in dataclasses.fields(kind):
        if each.name in groups:
            prefix = prefix_of(each) or ""
            settings[each.name] = make_group(cast(type, each.type), groups[each.name], prefix)
    return kind(**settings)


def changed(config: Any, **changes: Any) -> Any:
    """Returns a copy of settings with some values changed, in groups too.

    Args:
        config: dataclass instance of `placevec.config`.
        **changes: New values, by the names that `to_dict` writes.

    Raises:
        ValueError: As `from_dict`.
    """
    return from_dict(type(config), plain(config) | changes)


def make_group(kind: type, values: dict[str, Any], prefix: str) -> Any:
    """Returns a group of settings. Errors use the names that settings have outside of groups."""
    try:
        return kind(**values)
    except ValueError as error:
        words = str(error)
        for each in dataclasses.fields(kind):
            words = words.replace(f"`{each.name}`", f"`{prefix}{each.name}`")
            words = words.replace(f" {each.name}=", f" {prefix}{each.name}=")
        raise ValueError(words) from None


def plain(config: Any) -> dict[str, Any]:
    """Returns the unchanged values of settings, by the names that they have outside of groups."""
    values = {}
    for each in dataclasses.fields(config):
        value, prefix = getattr(config, each.name), prefix_of(each)
        if prefix is not None:
            values |= {f"{prefix}{name}": inner for name, inner in plain(value).items()}
        else:
            values[each.name] = plain(value) if dataclasses.is_dataclass(value) else value
    return values


def _homes(kind: type) -> dict[str, tuple[dataclasses.Field | None, dataclasses.Field]]:
    """Returns the group and the field of each setting, by its name outside of groups."""
    homes = {}
    for each in dataclasses.fields(kind):
        prefix = prefix_of(each)
        if prefix is None:
            homes[each.name] = (None, each)
            if _EARLIER_NAME in each.metadata:
                homes[each.metadata[_EARLIER_NAME]] = (None, each)
        else:
            inner = dataclasses.fields(cast(type, each.type))
            homes |= {f"{prefix}{field.name}": (each, field) for field in inner}
    return homes
