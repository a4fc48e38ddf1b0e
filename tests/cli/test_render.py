import json
from pathlib import Path

import pytest

from placevec.cli import main
from placevec.config import ModelRenderConfig, TownRenderConfig


@pytest.fixture
def rendered(monkeypatch):
    """World and settings of each rendering that is asked for, in place of the rendering."""
    calls = []
    rendering = pytest.importorskip("placevec.rendering")
    monkeypatch.setattr(
        rendering, "render", lambda world, settings, **_: calls.append((world, settings))
    )
    return calls


def test_render_takes_the_town_or_a_model_with_a_folder_and_a_seed(rendered, capsys):
    main(["render", "model", "hall.obj", "--out", "data/x", "--seed", "3"])
    main(["render", "town", "--num-streets", "2"])
    assert rendered == [
        ("hall.obj", ModelRenderConfig(out=Path("data/x"), seed=3)),
        ("town", TownRenderConfig(num_streets=2)),
    ]
    assert "is now" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "world", "settings", "now"),
    [
        ("hall.obj --seed 3", "hall.obj", ModelRenderConfig(seed=3), "hall.obj` is now `placevec"),
        (
            "--visits day fog --no-points --image-size 48 64 hall.obj",
            "hall.obj",
            ModelRenderConfig(visits=("day", "fog"), points=False, image_size=(48, 64)),
            "`placevec render hall.obj` is now `placevec render model hall.obj`",
        ),
        ("--num-streets 2", "town", TownRenderConfig(num_streets=2), "now `placevec render town`"),
        ("", "town", TownRenderConfig(), "`placevec render` is now `placevec render town`"),
    ],
)
def test_the_spelling_of_before_says_that_of_now(rendered, capsys, before, world, settings, now):
    main(["render", *before.split()])
    assert rendered == [(world, settings)]
    assert now in capsys.readouterr().err


def test_flags_in_front_of_the_town_are_no_old_spelling(rendered, capsys):
    main(["render", "--seed", "2", "town"])
    assert rendered == [("town", TownRenderConfig(seed=2))]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "own", "expected"),
    [
        (["model", "a.obj"], {"num_photos": 9}, ModelRenderConfig(seed=5, num_photos=9)),
        (["a.obj"], {"num_photos": 9}, ModelRenderConfig(seed=5, num_photos=9)),
        (["town"], {"num_streets": 2}, TownRenderConfig(seed=5, num_streets=2)),
    ],
)
def test_settings_of_an_earlier_rendering_are_taken(rendered, tmp_path, arguments, own, expected):
    """Also of a version that kept the settings of the other kind at their defaults."""
    others = {"num_streets": 6, "scale": 1.0, "visits": ["day", "overcast", "dusk"]}
    settings = others | own | {"world": "a", "seed": 5}
    (tmp_path / "world.json").write_text(json.dumps({"settings": settings}))
    main(["render", *arguments, "--config", str(tmp_path / "world.json")])
    assert rendered[0][1] == expected


def test_refuses_settings_of_a_rendering_of_the_other_kind(tmp_path, refused_in_one_line):
    (tmp_path / "world.json").write_text('{"settings": {"num_photos": 9}}')
    line = refused_in_one_line(["render", "town", "--config", tmp_path / "world.json"])
    assert "TownRenderConfig has no setting `num_photos`" in line
