import pytest

from placevec.config import ModelRenderConfig, TownRenderConfig
from placevec.rendering.tour import open_tour, plan_tour


def test_the_town_is_planned_when_it_is_asked_for():
    settings = TownRenderConfig(num_streets=1, places_per_street=3, spacing_m=10.0)
    town = open_tour("town", settings)
    assert "towns" not in vars(town) and town.districts == {"train": 1, "val": 10}
    assert len([shot for shot in plan_tour(town, settings) if str(shot.root) == "train"]) == 7 * 3


def test_a_model_is_read_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.obj"):
        open_tour(tmp_path / "absent.obj", ModelRenderConfig())
