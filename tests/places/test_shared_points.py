import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors
from placevec.places.shared_points import SharedPoints


def make_shared(seed=0, count=30, points=40, density=0.1):
    rng = np.random.default_rng(seed)
    seen = rng.random((count, points)) < density
    seen[3] = False
    dataset = PlaceDataset(
        "model",
        [f"{i}.jpg" for i in range(count)],
        positions_m=rng.normal(0, 5, (count, 2)),
        points_seen=seen,
        is_database=rng.random(count) < 0.7,
    )
    return dataset, seen, SharedPoints(dataset, DatabaseNeighbors(dataset))


def test_equals_the_share_in_plain_loops():
    dataset, seen, shared = make_shared()
    for one in range(len(dataset)):
        for other in range(len(dataset)):
            common = sum(bool(a and b) for a, b in zip(seen[one], seen[other], strict=True))
            fewer = min(sum(seen[one]), sum(seen[other]))
            expected = common / fewer if fewer else 0.0
            assert shared.share(np.array([one]), np.array([other])).tolist() == [expected]


def test_counts_more_common_points_than_a_byte_holds():
    dataset = PlaceDataset(
        "m", ["a", "b"], positions_m=np.zeros((2, 2)), points_seen=np.ones((2, 700), bool)
    )
    shared = SharedPoints(dataset, DatabaseNeighbors(dataset))
    assert shared.share(np.array([0]), np.array([1])).tolist() == [1.0]


def test_finds_the_photos_with_a_common_point():
    dataset, seen, shared = make_shared()
    rows = np.array([5, 3, 9])
    owners, found = shared.touching(rows)
    expected = [
        (owner, place)
        for owner, row in enumerate(rows)
        for place, photo in enumerate(dataset.database)
        if (seen[row] & seen[photo]).any()
    ]
    assert list(zip(owners.tolist(), found.tolist(), strict=True)) == expected
    assert shared.most_touching(rows).tolist() == np.bincount(owners, minlength=3).tolist()


def test_no_pairs_share_nothing():
    _, _, shared = make_shared()
    assert shared.share(np.empty(0, int), np.empty(0, int)).shape == (0,)
