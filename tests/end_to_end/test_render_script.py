"""The root script test_render.py."""

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from placevec.cli import one_line_errors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path):
    """Cut-outs of a few panoramas, and one video."""
    for panorama in range(4):
        for pitch in (1, 2):
            for yaw in range(1, 13):
                path = tmp_path / f"data/pittsburgh/000/000{panorama:03d}_pitch{pitch}_yaw{yaw}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), np.full((48, 64, 3), 60 * panorama, np.uint8))
    (tmp_path / "videos").mkdir()
    writer = cv2.VideoWriter(
        str(tmp_path / "videos/walk.mkv"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48)
    )
    for number in range(450):
        writer.write(np.full((48, 64, 3), number // 2, np.uint8))
    writer.release()
    return tmp_path


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    spec = importlib.util.spec_from_file_location("render_script", ROOT / "test_render.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "render_script", module)
    spec.loader.exec_module(module)
    return module


def test_draws_what_is_there_and_says_what_is_not(script, data, monkeypatch, capsys):
    monkeypatch.chdir(data)
    monkeypatch.setattr(script, "NUM_SAMPLES", 2)
    monkeypatch.setattr(sys, "argv", ["test_render.py", "--walks", "videos", "--out", "sheets"])
    script.main()
    printed = capsys.readouterr()
    assert "demo_pittsburg: sheets/pittsburg.png" in printed.out
    assert "demo_pittsburg_n_samples: sheets/pittsburg_n_samples.png" in printed.out
    assert "demo_walks: sheets/walks.png" in printed.out
    missing = [line for line in printed.err.splitlines() if line.startswith("demo_tokyotm")]
    assert len(missing) == 1 and "tokyoTM_train.mat" in missing[0]
    assert "Ask for the photos at https://" in missing[0] and "`--tokyotm DIR`" in missing[0]
    assert "Any textured 3-D model will do: `--world FILE.glb`" in printed.err
    drawn = ["pittsburg", "pittsburg_n_samples", "walks"]
    if (ROOT / "PandaRender.py").exists():
        drawn.append("panda")
    for name in drawn:
        picture = cv2.imread(f"sheets/{name}.png")
        assert picture.shape[1] > picture.shape[0] > 150


def test_demos_take_the_constants_where_no_settings_are_given(script, data, monkeypatch):
    monkeypatch.chdir(data)
    assert script.demo_pittsburg() == Path("contact_sheets/pittsburg.png")


def test_nothing_drawn_is_an_error(script, monkeypatch, capsys):
    def demo_gone(settings):
        raise FileNotFoundError("There is no folder gone")

    monkeypatch.setattr(script, "DEMOS", ((demo_gone, "Get it"),))
    monkeypatch.setattr(sys, "argv", ["test_render.py"])
    with pytest.raises(FileNotFoundError, match="Nothing was drawn"):
        script.main()
    assert "demo_gone: not drawn. There is no folder gone. Get it" in capsys.readouterr().err


def test_refuses_flags_that_do_not_exist(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["test_render.py", "--pitsburg", "x"])
    with pytest.raises(SystemExit) as caught, one_line_errors():
        script.main()
    assert caught.value.code == 2 and "--pittsburg" in capsys.readouterr().err


def test_pytest_does_not_take_the_script_for_a_test(script):
    assert not [name for name in vars(script) if name.lower().startswith("test")]
