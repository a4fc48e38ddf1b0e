import numpy as np
import pytest

from placevec.cartwheel.tuple_photos import (
    TuplePhotos,
    augment_tuples,
    draw_frames,
    draw_places,
)
from placevec.places import PlaceDataset

pytestmark = pytest.mark.one_backend

NUM_PLACES, NUM_VIEWS = 5, 6


@pytest.fixture
def views():
    """Five places of six photos, which look to six sides; places stand 15 m apart."""
    places, turns = np.divmod(np.arange(NUM_PLACES * NUM_VIEWS), NUM_VIEWS)
    names = [f"{place}_{turn}" for place, turn in zip(places, turns, strict=True)]
    return PlaceDataset("photos", names, place_ids=places, headings_deg=60.0 * turns)


@pytest.fixture
def places(views):
    positions_m = np.stack([15.0 * views.place_ids, 0 * views.place_ids], axis=1)
    return PlaceDataset("photos", views.names, positions_m=positions_m)


def colors(row, *, image_size, channels):
    return np.full((*(image_size or (4, 4 + row % 2)), channels), row, np.uint8)


def test_positives_look_the_same_way_in_the_place_and_negatives_are_elsewhere(views):
    draw, rng = draw_places(views, max_heading_difference_deg=60.0), np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        query, *others = draw(2, 3, rng)
        place, turn = divmod(query, NUM_VIEWS)
        sides = {place * NUM_VIEWS + (turn + step) % NUM_VIEWS for step in (-1, 1)}
        assert len(others) == 5 and set(others[:2]) == sides
        assert all(negative // NUM_VIEWS != place for negative in others[2:])
        seen.add(query)
    assert len(seen) == len(views)


def test_negatives_are_far_away_where_positions_tell(views, places):
    draw, rng = draw_places(views, places=places), np.random.default_rng(0)
    for _ in range(200):
        query, positive, *negatives = draw(1, 3, rng)
        assert len(set(negatives)) == 3
        assert positive // NUM_VIEWS == query // NUM_VIEWS
        assert all(abs(negative // NUM_VIEWS - query // NUM_VIEWS) >= 2 for negative in negatives)


def test_numbers_of_photos_may_change_from_step_to_step(views):
    tuples = TuplePhotos(draw_places(views), colors, seed=0)
    for num_positives, num_negatives in ((1, 2), (5, 0), (1, 2)):
        photos = tuples.step(num_positives, num_negatives, image_size=(2, 3), channels=1)
        assert photos.shape == (1 + num_positives + num_negatives, 2, 3, 1)
        assert photos.dtype == np.float32


def test_a_seed_gives_the_same_tuples_and_another_one_others(views):
    def first(seed):
        tuples = TuplePhotos(draw_places(views), colors, seed=seed)
        return tuples.step(3, 3, image_size=(8, 8), augmentation="street")

    np.testing.assert_array_equal(first(1), first(1))
    assert (first(1) != first(2)).any()


def test_refuses_to_stack_photos_of_several_sizes(views):
    tuples = TuplePhotos(draw_places(views), colors, seed=0)
    with pytest.raises(ValueError, match=r"of one size.*\(4, 4\), \(4, 5\)"):
        tuples.read([0, 1])


def test_frames_near_the_query_are_positives_and_all_others_negatives():
    counts, radius = np.array([7, 3, 40]), 4
    draw, rng = draw_frames(counts, radius=radius), np.random.default_rng(0)
    found = {}
    for _ in range(4000):
        query, positive, negative = draw(1, 1, rng)
        near, far = found.setdefault(query, (set(), set()))
        near.add(positive)
        far.add(negative)
    everything = {(v, f) for v, count in enumerate(counts) for f in range(count)}
    assert set(found) == everything
    for (video, frame), (near, far) in found.items():
        close = {(v, f) for v, f in everything if v == video and abs(f - frame) <= radius}
        assert near <= close - {(video, frame)}
        assert not far & close
        assert far <= everything
    near, far = map(set.union, *found.values())
    assert near == far == everything


def test_frames_are_drawn_once_but_positives_where_there_are_too_few():
    draw = draw_frames(np.array([3, 9]), radius=2)
    rng = np.random.default_rng(0)
    for _ in range(100):
        (video, frame), *others = draw(5, 5, rng)
        frames = range(3 if video == 0 else 9)
        near = {(video, f) for f in frames if 0 < abs(f - frame) <= 2}
        assert set(others[:5]) == near  # at most four, so one of them appears twice
        assert len(set(others[5:])) == 5


def test_refuses_videos_that_are_too_short():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="0 of 1 negative beyond. Add longer videos"):
        draw_frames(np.array([9]), radius=20)(1, 1, rng)
    with pytest.raises(ValueError, match="has 0 positives within 20 frames"):
        draw_frames(np.array([1, 1]), radius=20)(1, 1, rng)


def test_augments_once_for_each_preset():
    tuples = np.random.default_rng(0).integers(0, 256, (2, 3, 40, 48, 3)).astype(np.float32)
    augmented = augment_tuples(tuples, ["none", "typical"], seed=0)
    assert augmented.shape == (4, 3, 40, 48, 3) and augmented.dtype == np.float32
    np.testing.assert_array_equal(augmented[:2], tuples)
    for photo, original in zip(augmented[2:].reshape(6, -1), tuples.reshape(6, -1), strict=True):
        assert (photo != original).mean() > 0.5
    assert augmented.min() >= 0 and augmented.max() <= 255
    np.testing.assert_array_equal(augmented, augment_tuples(tuples, ["none", "typical"], seed=0))
    assert (augmented != augment_tuples(tuples, ["none", "typical"])).any()


def test_augmentation_keeps_order_and_integer_types():
    levels = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * 40
    tuples = np.broadcast_to(levels, (2, 3, 16, 16, 1))
    augmented = augment_tuples(tuples, ["none", "none"])
    assert augmented.dtype == np.uint8
    np.testing.assert_array_equal(augmented, np.concatenate([tuples, tuples]))


@pytest.mark.parametrize(
    ("tuples", "match"),
    [
        (np.zeros((2, 16, 16, 3)), r"the shape \(N, 1 \+ nP \+ nN, H, W, C\)"),
        (np.zeros((0, 3, 16, 16, 3)), "the shape"),
        (np.full((1, 2, 16, 16, 3), -0.5), "values 0 to 255.*Augment before"),
        (np.full((1, 2, 16, 16, 3), np.nan), "values 0 to 255"),
    ],
)
def test_refuses_what_is_no_tuple_of_raw_photos(tuples, match):
    with pytest.raises(ValueError, match=match):
        augment_tuples(tuples, ["basic"])
