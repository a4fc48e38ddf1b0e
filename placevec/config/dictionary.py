"""Settings as plain values, and back."""

import dataclasses
import difflib
import json
from typing import Any


def to_dict(config: Any) -> dict[str, Any]:
    """Returns the settings as plain values that JSON can hold."""
    return json.loads(json.dumps(dataclasses.asdict(config), default=str))


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """Returns settings of the given class with `values` in place of its defaults.

    Args:
        kind: type. `TrainConfig`, for example.
        values: dict. Field names and values, as `to_dict` writes them.

    Raises:
        ValueError: If a name is no field of the class (the nearest names are given), or a value
            is refused.
    """
    fields = {each.name: each for each in dataclasses.fields(kind)}
    settings = {}
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields) or sorted(fields)
            raise ValueError(f"{kind.__name__} has no setting `{name}`. Near it: {', '.join(near)}")
        inner = fields[name].type
        if isinstance(value, dict) and dataclasses.is_dataclass(inner):
            value = from_dict(inner, value)
        settings[name] = value
    return kind(**settings)
