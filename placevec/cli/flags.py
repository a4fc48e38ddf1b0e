"""Makes flags from settings: flat names, a titled box per group, each explanation on one line."""

import ast
import dataclasses
import functools
import inspect
import re
import textwrap
from collections.abc import Mapping
from typing import Annotated, Any, cast

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from placevec.config.dictionary import from_dict, is_positional, plain, prefix_of

REGISTRY = ConstructorRegistry()
"""Tells tyro how settings become flags."""


@dataclasses.dataclass(frozen=True)
class _Box:
    """One box of the help: its settings, by the names of their flags."""

    title: str
    description: str
    fields: Mapping[str, tuple[type, dataclasses.Field]]


@dataclasses.dataclass(frozen=True)
class _Values:
    """A box of the help, and the values that all settings have without flags."""

    box: _Box
    values: Mapping[str, Any]


def flag_names(kind: type) -> list[str]:
    """Returns the flags that settings of a class have, such as `--num-positives`."""
    return [
        _flag(name)
        for box in _boxes(kind)
        for name, (_, field) in box.fields.items()
        if not is_positional(field)
    ]


@REGISTRY.struct_rule
def _settings_rule(info: StructTypeInfo) -> StructConstructorSpec | None:
    kind = info.type
    if isinstance(info.default, _Values):
        return StructConstructorSpec(dict, _box_fields(info.default))
    if not dataclasses.is_dataclass(kind) or not kind.__module__.startswith("placevec."):
        return None
    is_given = dataclasses.is_dataclass(info.default)
    values = _outside(plain(info.default)) if is_given else _defaults(kind)
    fields = []
    for number, box in enumerate(_boxes(kind)):
        # Each box gets its own class, because tyro asks for the fields of a class.
        default = type("Box", (_Values,), {})(box, values)
        name = tyro.conf.arg(name=box.title, prefix_name=False)
        fields.append(
            StructFieldSpec(
                name=f"box{number}",
                type=cast(type, Annotated[type(default), name]),
                default=default,
                helptext=box.description,
            )
        )
    return StructConstructorSpec(functools.partial(_settings, kind), tuple(fields))


def _settings(kind: type, **boxes: Mapping[str, Any]) -> Any:
    """Returns settings from the values of all flags."""
    values: dict[str, Any] = {}
    for box in boxes.values():
        for name, value in box.items():
            outer, _, inner = name.rpartition(".")
            (values.setdefault(outer, {}) if outer else values)[inner] = value
    return from_dict(kind, values)


def _box_fields(each: _Values) -> tuple[StructFieldSpec, ...]:
    return tuple(
        StructFieldSpec(
            name=name,
            type=_type(name, field),
            default=each.values[name],
            helptext=functools.partial(_explanation, home, field.name),
        )
        for name, (home, field) in each.box.fields.items()
    )


def _type(name: str, field: dataclasses.Field) -> Any:
    """Returns the type of a setting, and how the command line names it."""
    if is_positional(field):
        metavar = tyro.conf.arg(name=name, prefix_name=False, metavar=name.upper())
        return Annotated[field.type, tyro.conf.Positional, metavar]
    return Annotated[field.type, tyro.conf.arg(name=name, prefix_name=False)]


def _boxes(kind: type) -> list[_Box]:
    """Returns the boxes of the help: one per class that declares settings, and one per group."""
    own: dict[type, dict[str, tuple[type, dataclasses.Field]]] = {}
    groups = []
    for each in dataclasses.fields(kind):
        prefix = prefix_of(each)
        if prefix is None and not dataclasses.is_dataclass(each.type):
            home = _home(kind, each.name)
            own.setdefault(home, {})[each.name] = (home, each)
            continue
        before = f"{each.name}." if prefix is None else prefix
        group = cast(type, each.type)
        fields = {
            f"{before}{inner.name}": (_home(group, inner.name), inner)
            for inner in dataclasses.fields(group)
        }
        groups.append(_Box(each.name, _explanation(kind, each.name), fields))
    first = [_Box(_title(home), "", fields) for home, fields in own.items()]
    return [*first, *groups]


def _title(kind: type) -> str:
    """Returns the title of a box from its class: `StreetviewConfig` holds streetview options."""
    words = re.findall("[A-Z][a-z]+", kind.__name__.removesuffix("Config"))
    return " ".join(words).lower()


def _home(kind: type, name: str) -> type:
    """Returns the class that declares a setting."""
    return next(each for each in kind.__mro__ if name in vars(each).get("__annotations__", {}))


def _defaults(kind: type) -> dict[str, Any]:
    values = {}
    for box in _boxes(kind):
        for name, (_, field) in box.fields.items():
            is_needed = field.default is dataclasses.MISSING
            values[name] = tyro.MISSING if is_needed else field.default
    return values


def _outside(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns plain settings without nesting: those of the network are named `model.NAME`."""
    flat = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _explanation(home: type, name: str) -> str:
    return _explanations(home)[name]


@functools.cache
def _explanations(kind: type) -> dict[str, str]:
    """Returns the text below each setting of a class, on one line."""
    body = cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]).body
    return {
        cast(ast.Name, node.target).id: " ".join(ast.literal_eval(text.value).split())
        for node, text in zip(body, body[1:], strict=False)
        if isinstance(node, ast.AnnAssign) and isinstance(text, ast.Expr)
    }


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
