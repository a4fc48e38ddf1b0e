from pathlib import Path

import pytest

from placevec.sources.path_options import number_option, split_options


def test_parts_a_path_from_its_options():
    assert split_options("a,b/c.txt", ["up"]) == (Path("a,b/c.txt"), {})
    path, options = split_options("c.bag,images=x=y, z,topic=/odom", ["images", "topic"])
    assert path == Path("c.bag")
    assert options == {"images": "x=y, z", "topic": "/odom"}


def test_a_path_that_exists_has_no_options(tmp_path, monkeypatch):
    (tmp_path / "run,up=z").mkdir()
    assert split_options(tmp_path / "run,up=z", ["up"]) == (tmp_path / "run,up=z", {})
    monkeypatch.setenv("HOME", str(tmp_path))
    assert split_options("~/a,up=z", ["up"]) == (tmp_path / "a", {"up": "z"})


@pytest.mark.parametrize("text", ["a,image=b", "a,images=b,images=c", "a,images="])
def test_refuses_options_that_are_unknown_empty_or_twice(refuses, text):
    with refuses(ValueError, "once each: images=..., up=.... Received: images?="):
        split_options(text, ["images", "up"])


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "1_0"])
def test_refuses_what_is_no_positive_number(refuses, text):
    assert number_option({}, "within_s", 0.5) == 0.5
    assert number_option({"within_s": "0.1"}, "within_s", 0.5) == 0.1
    with refuses(ValueError, f"positive number. Received: within_s={text}"):
        number_option({"within_s": text}, "within_s", 0.5)
