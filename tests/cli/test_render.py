from pathlib import Path

import pytest

from placevec.cli import main
from placevec.config import RenderConfig


def test_render_takes_a_world_a_folder_and_a_seed(monkeypatch):
    calls = []
    rendering = pytest.importorskip("placevec.rendering")
    monkeypatch.setattr(
        rendering, "render", lambda world, settings, **_: calls.append((world, settings))
    )
    main(["render", "hall.obj", "--out", "data/x", "--seed", "3"])
    main(["render"])
    assert calls == [
        ("hall.obj", RenderConfig(out=Path("data/x"), seed=3)),
        ("town", RenderConfig()),
    ]
