"""Imports the names of a package when they are first used."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Returns `__getattr__` and `__dir__` for the `__init__` of a package (PEP 562).

    Importing the package stays fast: a module and the libraries that it needs are imported when
    one of its names is used. A type checker does not see these names, so the package also imports
    them under `TYPE_CHECKING`.

    Args:
        package: str. The package's `__name__`.
        homes: dict of module -> names. Where each public name is defined.

    Returns:
        `__getattr__(name)`, which raises AttributeError for other names, and `__dir__()`.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(home_of[name]), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return get, names
