import ast
import importlib
import sys
from pathlib import Path

import pytest

from placevec.lazy_names import lazy_names


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A package of one lazy name, whose module notes that it is imported."""
    folder = tmp_path / "lazy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from placevec.lazy_names import lazy_names\n"
        "here = 1\n"
        "__getattr__, __dir__ = lazy_names(__name__, {'lazy_package.home': ('there',)})\n"
    )
    (folder / "home.py").write_text("there = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lazy_package")
    for name in ("lazy_package", "lazy_package.home"):
        sys.modules.pop(name, None)


def test_a_name_is_imported_when_it_is_used(package):
    assert {"here", "there"} <= set(dir(package))
    assert "lazy_package.home" not in sys.modules
    assert package.there == 2
    from lazy_package import there

    assert there == 2


def test_refuses_other_names_and_still_finds_modules(package):
    with pytest.raises(AttributeError, match="module 'lazy_package' has no attribute 'ther'"):
        package.ther  # noqa: B018
    from lazy_package import home

    assert home.there == 2


def test_type_checkers_see_the_names_that_are_there():
    """A package imports them a second time for them, which must not drift."""
    package = importlib.import_module("placevec.models")
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        (node.module, alias.name)
        for block in blocks
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = package._HOMES
    assert seen == {(home, name) for home, names in homes.items() for name in names}
    for name in sorted(name for names in homes.values() for name in names):
        assert name in dir(package) and getattr(package, name) is not None


def test_makes_getattr_and_dir():
    get, names = lazy_names("placevec.lazy_names", {"math": ("pi",)})
    assert get("pi") == pytest.approx(3.14159, abs=1e-5)
    assert "pi" in names() and "lazy_names" in names()
