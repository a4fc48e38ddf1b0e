import ast
import os
import re
from pathlib import Path

import pytest

import placevec
from placevec.config import choices
from placevec.config.choices import AUGMENTATIONS, ENGINES, LOSSES, Choice, choose

PACKAGE = Path(placevec.__file__).parent
SCRIPTS = (PACKAGE.parent / "noveou_train_netvlad_v3.py", PACKAGE.parent / "test_render.py")
TABLES = {
    name: tuple(table)
    for name, table in vars(choices).items()
    if name.isupper() and not name.startswith("_") and isinstance(table, dict | tuple)
}
HOMES = {
    name: row
    for table in vars(choices).values()
    if isinstance(table, dict)
    for name, row in table.items()
    if isinstance(row, Choice) and row.home
}


@pytest.mark.parametrize("name", [name for name in HOMES if name not in ENGINES])
def test_every_home_exists(name):
    assert callable(HOMES[name].find())


def test_keras_needs_nothing_and_every_other_engine_names_its_extra():
    assert ENGINES["keras"].missing(exporting=True) == []
    assert all(row.extra for name, row in ENGINES.items() if name != "keras")


def test_refuses_other_names_with_the_nearest():
    with pytest.raises(ValueError, match="`engine` must be one of .*'onx'. Did you mean onnx"):
        choose(ENGINES, "onx", "engine")
    assert choose(LOSSES, "circle", "loss") is LOSSES["circle"]


def test_an_argument_without_a_value_is_left_to_its_default():
    class Settings:
        margin, temperature = None, 0.1

    row = Choice(arguments={"margin": "margin", "tau": "temperature"}, constants={"gamma": 2})
    assert row.arguments_from(Settings()) == {"tau": 0.1, "gamma": 2}


def lists_of_names(path):
    """Yields the names of each tuple, list, set, dict or Literal of texts in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Dict):
            parts = node.keys
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = node.elts
        else:
            continue
        names = [each.value for each in parts if isinstance(each, ast.Constant)]
        if len(names) > 1 and all(isinstance(each, str) for each in names):
            yield set(names)


# Files that say something of each choice in the words of a library that only they know.
FACTS_OF_CHOICES = {
    ("models/engines/runtimes/openvino_engine.py", "PRECISIONS"),
    ("rendering/drawing/pipes.py", "PIPES"),
    ("rendering/render.py", "CAMERAS"),
    ("store/search/exact.py", "INDEX_KINDS"),
}


def files():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "choices.py"]


def test_no_list_of_choices_stands_twice():
    """A list that names most of a table would have to be kept in step with it."""
    found = {
        (os.path.relpath(path, PACKAGE), table)
        for path in [*files(), *SCRIPTS]
        for names in lists_of_names(path)
        for table, rows in TABLES.items()
        if names <= set(rows) and 2 * len(names) > len(rows)
    }
    assert found == FACTS_OF_CHOICES


def test_the_script_names_every_augmentation():
    comment = re.search("^AUGMENTATION = .*# (.*)$", SCRIPTS[0].read_text(), re.MULTILINE).group(1)
    assert comment.split(", ") == list(AUGMENTATIONS)
