import numpy as np
import pytest
from scipy import sparse

from placevec.config import TupleConfig
from placevec.places import PlaceDataset, TupleSampler, join_datasets


def square(root, **known):
    names = [f"{i}.jpg" for i in range(4)]
    corners = [[0.0, 0.0], [0.0, 5.0], [60.0, 0.0], [60.0, 5.0]]
    return PlaceDataset(root, names, **{"positions_m": corners} | known)


def test_photos_of_different_sets_are_never_positives():
    joined = join_datasets([square("/x/a"), square("/x/b")])
    sampler = TupleSampler(
        joined,
        **vars(
            TupleConfig(
                num_positives=1, num_negatives=1, positive_radius_m=10.0, negative_radius_m=25.0
            )
        ),
    )
    for query in sampler.queries:
        _, positives, _ = sampler.draw(query, np.random.default_rng(0))
        assert set(np.asarray([query, *positives]) // 4) in ({0}, {1})
    assert np.abs(joined.positions_m[:4, None] - joined.positions_m[None, 4:]).max(-1).min() > 9e4


def test_names_lead_to_the_files_of_each_set():
    joined = join_datasets([square("/x/a"), square("/x/b/c"), square("/x/d")])
    assert [str(p) for p in joined.paths(np.array([0, 4, 8]))] == [
        "/x/a/0.jpg",
        "/x/b/c/0.jpg",
        "/x/d/0.jpg",
    ]


def test_sets_of_one_zone_keep_their_positions():
    sets = [square("/x/a", frame="UTM 30U"), square("/x/b", frame="UTM 30U")]
    joined = join_datasets(sets)
    np.testing.assert_array_equal(joined.positions_m[4:], sets[1].positions_m)
    assert joined.frame == "UTM 30U"
    assert join_datasets([sets[0], square("/x/b", frame="UTM 31U")]).frame == "local"


def test_numbers_of_places_stay_apart_and_unknown_ones_unknown():
    one = square("/x/a", place_ids=[7, 7, -1, 9])
    joined = join_datasets([one, square("/x/b"), square("/x/c", place_ids=[7, 7, 9, 9])])
    assert joined.place_ids.tolist() == [0, 0, -1, 1, -1, -1, -1, -1, 2, 2, 3, 3]
    assert joined.sequence_ids is None


def test_points_of_different_sets_are_different_points():
    seen = sparse.csr_array(np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=bool))
    joined = join_datasets(
        [square("/x/a", points_seen=seen), square("/x/b"), square("/x/c", points_seen=seen)]
    )
    expected = np.zeros((12, 4), dtype=bool)
    expected[:4, :2], expected[8:, 2:] = seen.toarray(), seen.toarray()
    np.testing.assert_array_equal(joined.points_seen.toarray(), expected)


def test_refuses_sets_that_cannot_lie_on_one_map():
    with pytest.raises(ValueError, match="no positions in b"):
        join_datasets([square("a"), square("b", positions_m=None, place_ids=[0, 0, 1, 1])])
    with pytest.raises(ValueError, match="positions in `m`. Received: `frames`"):
        join_datasets([square("a"), square("b", frame="frames")])
    with pytest.raises(ValueError, match="at least one"):
        join_datasets([])


def test_a_set_and_itself_name_photos_twice():
    with pytest.raises(ValueError, match="appear more than once"):
        join_datasets([square("a"), square("a")])


@pytest.mark.parametrize(
    ("frames", "stay"),
    [
        (("UTM 32T", "UTM 32U"), True),
        (("UTM 32", "UTM 32U"), True),
        (("UTM 32T", "UTM 32K"), False),
        (("UTM 3", "UTM 2"), False),
        (("UTM", "UTM"), False),
        (("UTM of each of 2 cities, put 10000 km apart",) * 2, False),
    ],
)
def test_latitude_bands_are_one_zone_and_unknown_zones_are_put_apart_loudly(frames, stay, caplog):
    joined = join_datasets([square(f"/x/{i}", frame=frame) for i, frame in enumerate(frames)])
    assert (joined.positions_m[4, 0] == 0.0) == stay
    assert ("100 km apart" in caplog.text) != stay
    assert joined.frame == (frames[0] if stay else "local")
