import numpy as np
import pytest

from placevec.rendering import PhotoStream, open_scenery

SIZE = (24, 32)
TOWN = {"num_streets": 2, "street_length_m": 120.0}


@pytest.fixture(scope="module")
def stream():
    with PhotoStream(open_scenery("town", seed=1, **TOWN), SIZE) as stream:
        yield stream


def test_groups_hold_a_query_five_near_and_ten_far(stream):
    photos, labels = stream.draw_groups(32)
    assert photos.shape == (32, 24, 32, 3) and photos.dtype == np.uint8
    assert labels.shape == (32, 4) and labels.dtype == np.float32
    for group in labels.reshape(2, 16, 4):
        gaps = np.linalg.norm(group[:, :2] - group[0, :2], axis=1)
        assert (gaps[1:6] <= 10.01).all() and (gaps[6:] > 24.99).all()
        turns = (group[1:6, 3] - group[0, 3] + 180) % 360 - 180
        assert np.abs(turns).max() < 40  # a jitter of 7 degrees each, and a bend of the street


def test_a_batch_may_end_within_a_group(stream):
    photos, labels = stream.draw_groups(5)
    assert photos.shape == (5, 24, 32, 3) and labels.shape == (5, 4)


def test_random_photos_are_of_many_places(stream):
    photos, labels = stream.draw_random(20)
    assert photos.shape == (20, 24, 32, 3)
    assert len(np.unique(labels[:, :2].round(), axis=0)) > 15


def test_a_path_goes_a_metre_a_photo(stream):
    photos, labels = stream.draw_path(4, start=10)
    assert photos.shape == (4, 24, 32, 3)
    steps = np.linalg.norm(np.diff(labels[:, :2], axis=0), axis=1)
    np.testing.assert_allclose(steps, 1.0, atol=0.01)
    ahead = labels[1, :2] - labels[0, :2]
    assert np.rad2deg(np.arctan2(*ahead)) % 360 == pytest.approx(labels[0, 3], abs=1)


def test_a_path_of_ones_own_is_followed(stream):
    street = stream.scenery.streets[1]
    east_m, north_m = street.to_world(street.nodes_m.mean(axis=0)[None])[0]
    _, labels = stream.draw_path(2, path=lambda t: (east_m + t, north_m, 2.0, 30.0 * t))
    np.testing.assert_allclose(labels[0], [east_m, north_m, 2.0, 0.0], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(labels[1], [east_m + 1, north_m, 2.0, 30.0], rtol=1e-5)


def test_a_path_may_give_pitch_and_roll(stream):
    east_m, north_m = stream.scenery.streets[0].to_world(np.array([[0.0, 30.0]]))[0]
    level, _ = stream.draw_path(1, path=lambda t: (east_m, north_m, 2.0, 0.0, 0.0, 0.0))
    up, _ = stream.draw_path(1, path=lambda t: (east_m, north_m, 2.0, 0.0, 80.0, 0.0))
    assert np.abs(level.astype(int) - up).mean() > 10


def test_equal_seeds_give_equal_photos():
    drawn = []
    for _ in range(2):
        with PhotoStream(open_scenery("town", seed=2, **TOWN), SIZE) as stream:
            drawn.append(stream.draw_groups(3))
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
    np.testing.assert_array_equal(drawn[0][1], drawn[1][1])


def test_tuples_are_ordered_query_near_far(stream):
    photos, labels = stream.draw_tuples(5, num_tuples=3, num_positives=2, num_negatives=4)
    assert photos.shape == (3, 7, 24, 32, 3) and labels.shape == (3, 7, 4)
    for one in labels:
        gaps = np.linalg.norm(one[:, :2] - one[0, :2], axis=1)
        assert (gaps[1:3] <= 10.01).all() and (gaps[3:] > 24.99).all()
    assert len(np.unique(labels[:, 0], axis=0)) == 3


def test_tuples_depend_on_their_number_alone(stream):
    counts = {"num_tuples": 2, "num_positives": 1, "num_negatives": 1}
    first = stream.draw_tuples(3, **counts)
    other = stream.draw_tuples(4, **counts)
    stream.draw_random(3)
    again = stream.draw_tuples(3, **counts)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_tuples_may_hold_queries_alone(stream):
    photos, _ = stream.draw_tuples(0, num_tuples=2, num_positives=0, num_negatives=0)
    assert photos.shape == (2, 1, 24, 32, 3)


def test_photos_of_a_number_are_of_many_places(stream):
    photos, labels = stream.draw_photos(1)
    assert photos.shape == (16, 24, 32, 3)
    assert len(np.unique(labels[:, :2].round(), axis=0)) > 10
    np.testing.assert_array_equal(stream.draw_photos(1)[0], photos)


def test_refuses_to_draw_while_closed():
    with pytest.raises(RuntimeError, match="must be open"):
        PhotoStream(open_scenery("town")).draw_groups(1)
