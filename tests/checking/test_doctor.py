import importlib.metadata
import re
import sys

from placevec.checking import doctor


def facts():
    return dict(re.split("  +", line, maxsplit=1) for line in doctor().splitlines())


def test_names_versions_and_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "kept"))
    found = facts()
    assert found["keras"] == importlib.metadata.version("keras")
    assert str(tmp_path / "kept") in found["cache"]


def test_a_missing_extra_says_how_to_install_it(monkeypatch):
    real = importlib.metadata.version

    def without_rosbags(name):
        if name == "rosbags":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", without_rosbags)
    assert facts()["extra ros"] == "missing rosbags: pip install 'placevec[ros]'"


def test_what_only_make_install_takes_is_not_listed():
    assert "extra headless" not in facts()


def test_a_backend_that_does_not_start_is_said(monkeypatch):
    def refuse():
        raise ModuleNotFoundError("No module named 'jax'")

    monkeypatch.setattr(sys.modules[doctor.__module__], "has_accelerator", refuse)
    assert "does not start: No module named 'jax'" in facts()["backend"]
