"""One default, one place: the settings. Lower rooms take what a setting decides without one."""

import ast
import dataclasses
from pathlib import Path

import placevec
from placevec import config

PACKAGE = Path(placevec.__file__).parent
DEFAULTS = {
    (each.name, each.default)
    for kind in vars(config).values()
    if dataclasses.is_dataclass(kind)
    for each in dataclasses.fields(kind)
    if each.default is not dataclasses.MISSING
}
OF_EVERYTHING = (None, True, False, 0, 1, "")  # equal by chance

RESTATED = {
    "manifest.py": {"precision"},  # of a store that an earlier version wrote, whatever is usual now
    # Photos are RGB inside of placevec, whatever a network takes.
    "cluster_maps.py": {"channels"},
    "read.py": {"channels"},
}


def defaults_of(node):
    """Returns the (name, default) pairs of a function or a class with fields."""
    if isinstance(node, ast.FunctionDef):
        names = node.args.posonlyargs + node.args.args
        pairs = list(
            zip(names[len(names) - len(node.args.defaults) :], node.args.defaults, strict=True)
        )
        pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        return [(name.arg, value) for name, value in pairs]
    if isinstance(node, ast.ClassDef):
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
        return [(ast.unparse(each.target), each.value) for each in fields]
    return []


def restated(path):
    """Returns the names of the settings whose default a file of a lower room writes down again."""
    return {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name, value in defaults_of(node)
        if is_literal(value)
        and ast.literal_eval(value) not in OF_EVERYTHING
        and (name, ast.literal_eval(value)) in DEFAULTS
    }


def is_literal(value):
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return bool(parts) and all(isinstance(each, ast.Constant) for each in parts)


def test_no_default_of_a_setting_stands_twice():
    """What this finds and is not listed: take the setting without a default."""
    found = {
        path.name: names
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("config", "recipes", "cartwheel")
        if (names := restated(path))
    }
    assert found == RESTATED


def test_finds_a_default_that_is_written_down_again(tmp_path):
    (tmp_path / "a.py").write_text(
        "def f(a, radius_m=25.0, *, seed=0, image_size=(240, 320)): ...\n"
        "class C:\n    min_overlap: float = 0.5\n    val_share: float\n"
    )
    assert restated(tmp_path / "a.py") == {"radius_m", "image_size", "min_overlap"}
