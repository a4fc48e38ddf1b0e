import numpy as np
import pytest

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors


def make_datasets():
    rng = np.random.default_rng(3)
    names = [f"{i}.jpg" for i in range(60)]
    roles = {"is_query": rng.random(60) < 0.5, "is_database": rng.random(60) < 0.7}
    positions_m = rng.integers(0, 12, size=(60, 2)) * 5.0
    return [
        PlaceDataset("photos", names, positions_m=positions_m, **roles),
        PlaceDataset("photos", names, place_ids=rng.integers(-1, 9, size=60), **roles),
    ]


def is_near(dataset, one, other, radius_m):
    if dataset.positions_m is None:
        return dataset.place_ids[one] == dataset.place_ids[other] != -1
    east_m, north_m = dataset.positions_m[one] - dataset.positions_m[other]
    return east_m**2 + north_m**2 <= radius_m**2


@pytest.mark.parametrize("dataset", make_datasets(), ids=["positions", "identities"])
@pytest.mark.parametrize("radius_m", [0.0, 5.0, 13.0, 25.0])
def test_finds_what_plain_loops_find(dataset, radius_m):
    photos = np.array([7, 3, 59, 3])
    pairs = [
        (owner, place)
        for owner, photo in enumerate(photos)
        for place, other in enumerate(dataset.database)
        if is_near(dataset, photo, other, radius_m)
    ]
    neighbors = DatabaseNeighbors(dataset)
    owners, found = neighbors.within(photos, radius_m)
    assert list(zip(owners.tolist(), found.tolist(), strict=True)) == pairs
    counts = neighbors.count_within(photos, radius_m)
    assert counts.tolist() == np.bincount([owner for owner, _ in pairs], minlength=4).tolist()


def test_lists_photos_of_unknown_place():
    dataset = PlaceDataset(
        "photos", list("abcd"), place_ids=[-1, 5, -1, -1], is_database=[1, 1, 0, 1]
    )
    assert DatabaseNeighbors(dataset).of_unknown_place.tolist() == [0, 2]
    dataset = PlaceDataset("photos", list("ab"), positions_m=np.zeros((2, 2)), place_ids=[-1, 1])
    assert DatabaseNeighbors(dataset).of_unknown_place.tolist() == []


@pytest.mark.parametrize("dataset", make_datasets(), ids=["positions", "identities"])
def test_finds_nothing_for_nobody_or_in_nothing(dataset):
    nobody = np.array([], dtype=np.int64)
    assert [part.tolist() for part in DatabaseNeighbors(dataset).within(nobody, 5.0)] == [[], []]
    assert DatabaseNeighbors(dataset).count_within(nobody, 5.0).tolist() == []
    empty = dataset.take(np.flatnonzero(~dataset.is_database))
    neighbors = DatabaseNeighbors(empty)
    assert [part.tolist() for part in neighbors.within(np.array([0, 1]), 5.0)] == [[], []]
    assert neighbors.count_within(np.array([0, 1]), 5.0).tolist() == [0, 0]
