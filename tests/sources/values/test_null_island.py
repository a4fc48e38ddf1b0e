import numpy as np

from placevec.sources.values.null_island import at_zero

ZERO, NEAR, FAR = (0.0, 0.0), (30.0, 4.0), (585001.0, 4477241.0)


def positions(*rows):
    return np.array(rows).reshape(-1, 2)


def test_no_photo_is_at_zero_on_earth():
    for others in ((), (NEAR,), (FAR,)):
        assert at_zero(positions(ZERO, *others), on_earth=True)[0]
    assert not at_zero(positions((0.0, 5.0), (5.0, 0.0)), on_earth=True).any()
    assert at_zero(positions((-0.0, 0.0), (1e-7, -1e-7)), on_earth=True).all()
    assert not at_zero(positions((1e-5, 0.0)), on_earth=True).any()


def test_zero_of_a_map_is_a_place_unless_all_others_are_far():
    assert not at_zero(positions(ZERO), on_earth=False).any()
    assert not at_zero(positions(ZERO, NEAR, FAR), on_earth=False).any()
    assert at_zero(positions(ZERO, FAR, (np.nan, 1)), on_earth=False).tolist() == [
        True,
        False,
        False,
    ]


def test_what_rounding_leaves_of_zero_is_zero_on_a_map_too():
    assert at_zero(positions((1e-9, -1e-9), FAR), on_earth=False).tolist() == [True, False]
    assert not at_zero(positions((1e-9, -1e-9), NEAR), on_earth=False).any()
