import numpy as np
import pytest

from placevec.rendering.town.layout import ROAD_HALF_WIDTH_M
from placevec.rendering.town.mesh import Mesh
from placevec.rendering.town.traffic import Cars, add_cars, add_people, park_cars


def test_cars_park_along_the_kerbs_without_touching(town):
    street = town.streets[0]
    cars = park_cars(np.random.default_rng(0), street)
    assert len(cars.spots_m) > 5
    gaps = np.linalg.norm(cars.spots_m[:, None] - cars.spots_m[None], axis=-1)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 4.9


def test_cars_stand_on_the_road(town):
    street = town.streets[0]
    line = np.array([street.along(step)[0] for step in np.arange(-8, 158, 0.25)])
    corners = park_cars(np.random.default_rng(0), street).footprints_m().reshape(-1, 2)
    gaps = np.linalg.norm(corners[:, None] - line[None], axis=-1).min(axis=1)
    assert gaps.min() > 2.2 and gaps.max() < ROAD_HALF_WIDTH_M + 0.3


@pytest.mark.parametrize("is_van", [False, True])
def test_a_car_covers_its_footprint_and_carries_its_paint(is_van):
    ahead = np.array([[0.6, 0.8]])
    cars = Cars(np.array([[5.0, 7.0]]), ahead, np.array([[0.9, 0.1, 0.3]]), np.array([is_van]))
    mesh = Mesh()
    add_cars(mesh, cars)
    quads = mesh.quads()["plain"]
    points = quads.positions_m.reshape(-1, 3)
    offset = points[:, :2] - [5.0, 7.0]
    along, across = offset @ ahead[0], offset @ [0.8, -0.6]
    assert np.abs(along).max() == pytest.approx(2.46 if is_van else 2.11, abs=0.02)
    assert np.abs(across).max() == pytest.approx(0.925 if is_van else 0.86, abs=0.01)
    np.testing.assert_allclose(np.linalg.norm(quads.normals, axis=1), 1.0, rtol=1e-5)
    assert (np.abs(quads.tints - [0.9, 0.1, 0.3]).max(axis=1) < 1e-6).sum() == 6


def test_people_walk_on_the_pavements(town):
    street, mesh = town.streets[0], Mesh()
    add_people(mesh, np.random.default_rng(0), street)
    line = np.array([street.along(step)[0] for step in np.arange(0, 150, 0.25)])
    spots = np.concatenate([q.positions_m[:, :2, :2].mean(axis=1) for q in mesh.quads().values()])
    gaps = np.linalg.norm(spots[:, None] - line[None], axis=-1).min(axis=1)
    assert len(spots) >= 5 and gaps.min() > ROAD_HALF_WIDTH_M and gaps.max() < 8.0
