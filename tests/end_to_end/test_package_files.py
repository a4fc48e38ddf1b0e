"""What `pip install placevec` puts on the disk: setuptools says it without building."""

from pathlib import Path

import pytest
from setuptools import Distribution
from setuptools.config.pyprojecttoml import apply_configuration

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def distribution():
    return apply_configuration(Distribution({"script_name": "setup.py"}), ROOT / "pyproject.toml")


@pytest.fixture
def packaged(distribution, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    distribution.get_command_obj("egg_info").egg_base = str(tmp_path)
    build = distribution.get_command_obj("build_py")
    build.ensure_finalized()
    return set(build.get_output_mapping().values())


def test_every_file_of_placevec_is_packaged_and_no_other(packaged):
    files = (path for path in (ROOT / "placevec").rglob("*") if path.is_file())
    assert packaged == {
        str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts
    }


def test_networks_cards_and_photos_are_packaged(packaged):
    names = {f"placevec/networks/{name}" for name in ("tiny/model.keras", "small/model.onnx")}
    assert names | {"placevec/networks/small/card.md", "placevec/py.typed"} <= packaged
    assert sum(name.endswith(".jpg") for name in packaged) == 24


def test_users_get_no_development_tools(distribution):
    wanted = [*distribution.install_requires, *sum(distribution.extras_require.values(), [])]
    assert not [line for line in wanted if line.startswith(("pytest", "ruff", "pyright"))]
    pins = (ROOT / "requirements.lock").read_text()
    assert "\npytest==" not in pins and "\nruff==" not in pins and "\ntensorflow==" in pins
