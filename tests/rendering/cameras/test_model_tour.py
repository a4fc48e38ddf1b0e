import numpy as np

from placevec.places import PlaceDataset
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.cameras.model_tour import tour_model
from placevec.rendering.cameras.trajectory import along_trajectory


def test_a_tour_follows_the_trajectory_on_each_visit(shapes):
    way = PlaceDataset("way", ["a", "b", "c"], positions_m=np.array([[0.0, 0], [0, 8], [0, 30]]))
    field = shapes.world(shapes.floor((-50, -50), (50, 50)))
    model = ModelScenery(field, lambda world: along_trajectory(world, way))
    shots = list(tour_model(model, visits=("day", "fog"), jitter=1.0))
    assert [(shot.place, shot.role) for shot in shots] == [
        *((place, "database") for place in (0, 0, 1)),
        *((place, "query") for place in (0, 0, 1)),
    ]
    for one, other in zip(shots[:3], shots[3:], strict=True):
        gap_m = np.hypot(
            one.camera.east_m - other.camera.east_m, one.camera.north_m - other.camera.north_m
        )
        assert 0 < gap_m <= 1.0


def test_without_jitter_all_visits_see_the_same(line_model):
    model = line_model()
    model.viewpoints.places = np.arange(100)
    shots = list(tour_model(model, visits=("day",), jitter=0.0))
    assert [shot.camera for shot in shots] == model.viewpoints.cameras
    assert {shot.role for shot in shots} == {"both"} and shots[7].name == "0_day/07_0.jpg"
