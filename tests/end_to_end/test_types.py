"""Types that a type checker reads: what arrays hold, and what the lazy names of placevec are."""

import ast
import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_backend


def test_types_say_what_arrays_hold(pytestconfig):
    bare = []
    for path in (pytestconfig.rootpath / "placevec").rglob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        called = {part for node in nodes if isinstance(node, ast.Call) for part in ast.walk(node)}
        bare += [f"{path}:{node.lineno}" for node in nodes if node not in called
                 and isinstance(node, ast.Attribute | ast.Constant)
                 and "np.ndarray" in ast.unparse(node)]  # fmt: skip
    assert not bare, "write `NDArray[np.float32]`, or what else the array holds"


@pytest.mark.slow
def test_a_type_checker_knows_what_a_model_describes(pytestconfig, tmp_path):
    (tmp_path / "user.py").write_text(
        "from typing import assert_type\n\nimport numpy as np\nimport placevec\n"
        "from numpy.typing import NDArray\n\n"
        'descriptors = placevec.load_model("tiny").describe(["a.jpg"])\n'
        "assert_type(descriptors, NDArray[np.float32])\n"
        'assert_type(placevec.open_places("photos").names, NDArray[np.str_])\n'
    )
    settings = {"extraPaths": [str(pytestconfig.rootpath)], "useLibraryCodeForTypes": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
