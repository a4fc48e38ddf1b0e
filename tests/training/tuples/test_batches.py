import dataclasses

import cv2
import numpy as np
import pytest

from placevec.config import TupleConfig
from placevec.images import AugmentWorkers, PhotoCache, UnreadableImageError, read_image
from placevec.places import PlaceDataset, TupleSampler
from placevec.sources import open_places
from placevec.training import TupleBatches
from placevec.training.tuples.batches import query_order

pytestmark = pytest.mark.one_backend
SIZE = (32, 48)


def batches(folder, **changes):
    sampler = TupleSampler(
        open_places(f"folder:{folder}"),
        **vars(
            TupleConfig(
                num_positives=1, num_negatives=2, positive_radius_m=10.0, negative_radius_m=25.0
            )
        ),
    )
    settings = {"image_size": SIZE, "channels": 3, "batch_size": 2, "steps_per_epoch": 4, "seed": 5}
    return TupleBatches(sampler, **(settings | changes))


def test_has_the_tuples_shape_and_order(made_places):
    source = batches(made_places / "train")
    photos, positions_m = next(source.epoch(0))
    assert photos.shape == (2, 4, *SIZE, 3)
    assert photos.dtype == np.uint8
    dataset = source.sampler.dataset
    middle_m = dataset.positions_m.mean(axis=0)
    originals = np.stack([read_image(path, image_size=SIZE) for path in dataset.paths()])
    found = [
        [int(np.flatnonzero((originals == photo).all(axis=(1, 2, 3)))[0]) for photo in each]
        for each in photos
    ]
    np.testing.assert_allclose(positions_m, dataset.positions_m[np.array(found)] - middle_m)
    for query, positive, *negatives in found:
        distance = np.linalg.norm(dataset.positions_m - dataset.positions_m[query], axis=1)
        assert query != positive
        assert distance[positive] <= 10.0
        assert (distance[negatives] > 25.0).all()


@pytest.mark.parametrize("augmentation", ["none", "street"])
def test_is_the_same_for_any_number_of_threads(made_places, augmentation):
    one, three = (
        list(batches(made_places / "train", num_workers=n, augmentation=augmentation).epoch(1))
        for n in (1, 3)
    )
    assert len(one) == len(three) == 4
    for (left, _), (right, _) in zip(one, three, strict=True):
        np.testing.assert_array_equal(left, right)


def test_is_the_same_with_processes_and_with_a_cache_of_any_size(made_places):
    settings = {"augmentation": "street", "flip_tuples": True}
    expected = list(batches(made_places / "train", **settings).epoch(1))
    photo_bytes = SIZE[0] * SIZE[1] * 3
    caches = [PhotoCache(count * photo_bytes) for count in (2, 100)]
    for count, cache in zip((1, 2), caches, strict=True):
        with AugmentWorkers("street", num_workers=count, max_bytes=4 * photo_bytes) as workers:
            settings |= {"workers": workers, "num_workers": count + 1, "cache": cache}
            source = batches(made_places / "train", **settings)
            for _ in range(2):  # an empty cache, and what the first time left in it
                for batch, other in zip(expected, source.epoch(1), strict=True):
                    np.testing.assert_array_equal(batch[0], other[0])
                    np.testing.assert_array_equal(batch[1], other[1])
        assert 0 < cache.num_bytes <= cache.max_bytes


def test_reads_a_photo_once_where_there_is_a_cache(made_places, monkeypatch):
    read = []

    def noted(path, **form):
        read.append(path)
        return read_image(path, **form)

    monkeypatch.setattr("placevec.training.tuples.batches.read_image", noted)
    cache = PhotoCache(10**6)
    for epoch in range(3):
        list(batches(made_places / "train", steps_per_epoch=12, cache=cache).epoch(epoch))
    assert len(read) == len(set(read)) == len(cache) == 24


def test_refuses_workers_of_another_augmentation(made_places):
    workers = AugmentWorkers("light", num_workers=1, max_bytes=1)
    with pytest.raises(ValueError, match="augment with 'street'. Received: workers of 'light'"):
        batches(made_places / "train", augmentation="street", workers=workers)


def test_shares_of_processes_are_the_batch_of_one(with_a_broken_photo):
    settings = {"batch_size": 6, "flip_tuples": True, "skip_unreadable": True}
    whole = list(batches(with_a_broken_photo, **settings).epoch(1))
    shares = [
        list(batches(with_a_broken_photo, **settings, share=(process, 3)).epoch(1))
        for process in range(3)
    ]
    for batch, *parts in zip(whole, *shares, strict=True):
        for each, joined in zip(batch, map(np.concatenate, zip(*parts, strict=True)), strict=True):
            np.testing.assert_array_equal(each, joined)


def test_photos_come_with_what_their_rows_are_held_to(made_places):
    """Mirrored photos with that of mirrored ones, changed photos with that of unchanged ones."""
    rows = np.arange(24)
    held = np.stack([np.stack([np.full(24, side), rows], axis=1) for side in (0, 1)])  # (2, 24, 2)
    source = batches(made_places / "train", flip_tuples=True, held=np.float32(held))
    paths = source.sampler.dataset.paths()
    originals = [read_image(path, image_size=SIZE) for path in paths]
    seen = []
    for photos, y_true in source.epoch(0):
        assert y_true.shape == (2, 4, 4)
        for photo, (side, row) in zip(
            photos.reshape(-1, *SIZE, 3), np.int64(y_true[:, :, 2:]).reshape(-1, 2), strict=True
        ):
            seen.append(side)
            expected = originals[row][:, ::-1] if side else originals[row]
            np.testing.assert_array_equal(photo, expected)
    assert set(seen) == {0, 1}
    changed = dataclasses.replace(source, augmentation="light")
    for (_, left), (_, right) in zip(source.epoch(0), changed.epoch(0), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("shape", [(1, 24, 2), (2, 23, 2), (2, 24)])
def test_refuses_what_photos_cannot_be_held_to(made_places, shape):
    with pytest.raises(ValueError, match=r"`held` must have shape \(2, 24\) \+ \(D,\)"):
        batches(made_places / "train", flip_tuples=True, held=np.zeros(shape, np.float32))


def test_goes_on_in_the_middle_of_an_epoch(made_places):
    source = batches(made_places / "train", augmentation="street")
    whole = [photos for photos, _ in source.epoch(2)]
    rest = [photos for photos, _ in source.epoch(2, first_step=3)]
    assert len(rest) == 1
    np.testing.assert_array_equal(rest[0], whole[3])


def test_differs_between_epochs_and_seeds(made_places):
    first = next(batches(made_places / "train").epoch(0))[0]
    assert not np.array_equal(first, next(batches(made_places / "train").epoch(1))[0])
    assert not np.array_equal(first, next(batches(made_places / "train", seed=6).epoch(0))[0])


def test_takes_every_query_before_one_comes_again(made_places):
    source = batches(made_places / "train", steps_per_epoch=12, batch_size=2)
    queries = [photo[0].tobytes() for photos, _ in source.epoch(0) for photo in photos]
    assert len(set(queries)) == 24 == len(source.sampler.queries)


def test_mirrors_all_photos_of_a_tuple_alike(made_places):
    plain = [photos for photos, _ in batches(made_places / "train").epoch(0)]
    source = batches(made_places / "train", flip_tuples=True)
    mirrored = 0
    for _, (photos, _) in zip(plain, source.epoch(0), strict=True):
        dataset = source.sampler.dataset
        originals = np.stack([read_image(path, image_size=SIZE) for path in dataset.paths()])
        for each in photos:
            kept = [(originals == photo).all(axis=(1, 2, 3)).any() for photo in each]
            turned = [(originals == photo[:, ::-1]).all(axis=(1, 2, 3)).any() for photo in each]
            assert all(kept) or all(turned)
            mirrored += all(turned)
    assert 0 < mirrored < 8


def test_takes_the_tuples_it_is_given_in_their_order(made_places):
    dataset = batches(made_places / "train").sampler.dataset
    tuples = np.random.default_rng(0).integers(len(dataset), size=(8, 4))
    middle_m = dataset.positions_m.mean(axis=0)
    given = batches(made_places / "train", tuples=tuples).epoch(3)
    for step, (photos, positions_m) in enumerate(given):
        rows = tuples[2 * step : 2 * step + 2]
        np.testing.assert_allclose(positions_m, dataset.positions_m[rows] - middle_m, rtol=1e-6)
        first = read_image(dataset.path(rows[0, 0]), image_size=SIZE)
        np.testing.assert_array_equal(photos[0, 0], first)
    assert step == 3


def line_of_photos(count, **places):
    return TupleSampler(
        PlaceDataset("photos", [f"{i}.jpg" for i in range(count)], **places),
        **vars(
            TupleConfig(
                num_positives=1, num_negatives=0, positive_radius_m=10.0, negative_radius_m=25.0
            )
        ),
    )


def test_a_shorter_order_of_queries_is_the_beginning_of_a_longer():
    positions_m = np.stack([np.arange(7) * 9.0, np.zeros(7)], axis=1)
    sampler = line_of_photos(7, positions_m=positions_m)
    long = query_order(sampler, 5, 2, 16)
    np.testing.assert_array_equal(query_order(sampler, 5, 2, 4), long[:4])
    assert sorted(long[:7]) == sorted(long[7:14]) == list(range(7))
    assert long[:7].tolist() != long[7:14].tolist()
    assert not np.array_equal(long, query_order(sampler, 5, 3, 16))


def test_places_known_by_identity_alone_take_turns():
    # Place 0 has twelve photos, the others have two, and one photo is of an unknown place.
    place_ids = np.array([0] * 12 + [1, 1, 2, 2, 3, 3, -1])
    sampler = line_of_photos(len(place_ids), place_ids=place_ids)
    order = query_order(sampler, 5, 0, 400)
    rounds = place_ids[order].reshape(100, 4)
    np.testing.assert_array_equal(np.sort(rounds, axis=1), np.tile(np.arange(4), (100, 1)))
    # Each of the twelve photos speaks for its place, and each place comes first.
    assert set(order) == set(range(18))
    assert (np.bincount(rounds[:, 0]) > 10).all()


def test_puts_places_without_positions_far_apart(tmp_path):
    rng = np.random.default_rng(0)
    for panorama in range(3):
        for yaw in (1, 2):
            path = tmp_path / "000" / f"{panorama:06d}_pitch1_yaw{yaw}.jpg"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), rng.integers(0, 256, (*SIZE, 3), np.uint8))
    sampler = TupleSampler(
        open_places(f"pittsburgh:{tmp_path}"),
        **vars(
            TupleConfig(
                num_positives=1, num_negatives=2, positive_radius_m=10.0, negative_radius_m=25.0
            )
        ),
    )
    source = TupleBatches(sampler, SIZE, 3, batch_size=2, steps_per_epoch=2)
    for _, places_m in source.epoch(0):
        for query_m, positive_m, *negatives_m in places_m:
            assert (query_m == positive_m).all()
            assert all(np.linalg.norm(query_m - each) > 1e5 for each in negatives_m)


@pytest.fixture
def with_a_broken_photo(made_places, tmp_path):
    for path in (made_places / "train").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "@0.00@0.00@@@@@0@.jpg").write_bytes(b"no photo")
    return tmp_path


def test_stops_at_an_unreadable_photo(with_a_broken_photo):
    with pytest.raises(UnreadableImageError, match="@0.00@0.00@@@@@0@.jpg"):
        list(batches(with_a_broken_photo, steps_per_epoch=12).epoch(0))


def test_goes_on_without_an_unreadable_photo_when_told(with_a_broken_photo, caplog):
    source = batches(with_a_broken_photo, steps_per_epoch=12, skip_unreadable=True)
    assert len(list(source.epoch(0))) == 12
    assert "another tuple is drawn" in caplog.text


def test_takes_another_of_the_given_tuples_for_an_unreadable_one(with_a_broken_photo):
    dataset = batches(with_a_broken_photo).sampler.dataset
    broken = int(np.flatnonzero(dataset.names == "@0.00@0.00@@@@@0@.jpg")[0])
    whole = [row for row in range(len(dataset)) if row != broken][:4]
    tuples = np.array([whole] * 7 + [[broken, *whole[:3]]])
    source = batches(with_a_broken_photo, tuples=tuples, skip_unreadable=True)
    received = np.concatenate([photos for photos, _ in source.epoch(0)])
    assert (received == received[0]).all()
