import pytest

from placevec.config import RenderConfig
from placevec.rendering.open_tour import open_tour
from placevec.rendering.town.tour import TownTour


def test_the_town_is_planned_when_it_is_asked_for():
    tour = open_tour("town", RenderConfig(num_streets=1, places_per_street=3, spacing_m=10.0))
    assert isinstance(tour, TownTour) and "_towns" not in vars(tour)
    assert len([shot for shot in tour.shots() if str(shot.root) == "train"]) == 7 * 3


def test_a_model_is_read_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.obj"):
        open_tour(tmp_path / "absent.obj", RenderConfig())
