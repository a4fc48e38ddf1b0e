"""Mining against plain loops over all photos."""

import dataclasses

import numpy as np
import pytest

from placevec.config import MiningConfig, OptimizerConfig, TupleConfig
from placevec.images import UnreadableImageError, read_image
from placevec.places import TupleSampler
from placevec.sources import open_places
from placevec.training.tuples import mining
from placevec.training.tuples.batches import query_order
from placevec.training.tuples.mining import Miner, is_due

pytestmark = pytest.mark.one_backend
SIZE = (32, 48)


def coarse(photos):
    """Describes photos by the colors of 2 x 3 fields against their mean."""
    fields = photos.reshape(len(photos), 2, 16, 3, 16, 3).mean(axis=(2, 4)).reshape(-1, 18)
    fields = fields - fields.mean(axis=1, keepdims=True) + 1e-6
    return (fields / np.linalg.norm(fields, axis=1, keepdims=True)).astype(np.float32)


def miner_of(config, sampler):
    """Returns a miner whose `mine` knows of the settings how many tuples there are and when."""
    miner = Miner(
        config.mining, sampler, run_dir=config.out, image_size=config.image_size,
        skip_unreadable=config.skip_unreadable, seed=config.seed,
        margin=config.loss.squared_margin,
    )  # fmt: skip
    miner.settings = config

    def mine(model, epoch):
        count = config.batch_size * config.steps_per_epoch
        due = is_due(config.mining, config.optimizer, epoch)
        return Miner.mine(miner, model, epoch, count=count, is_due=due)

    miner.mine = mine
    return miner


@pytest.fixture
def make_miner(made_places, small_config):
    def make(**changes):
        settings = {
            "num_positives": 1, "num_negatives": 2, "negative_radius_m": 60.0,
            "batch_size": 4, "steps_per_epoch": 5, "loss": "triplet_ranking",
        }  # fmt: skip
        config = small_config(**(settings | changes))
        config.out.mkdir(exist_ok=True)
        sampler = TupleSampler(
            open_places(f"folder:{made_places / 'train'}"), **vars(config.tuples)
        )
        return miner_of(config, sampler)

    return make


@pytest.fixture
def vectors(make_miner):
    paths = make_miner(mining="full").sampler.dataset.paths()
    return coarse(np.stack([read_image(path, image_size=SIZE) for path in paths]))


def far(dataset, query, radius_m=60.0):
    apart_m = np.linalg.norm(dataset.positions_m - dataset.positions_m[query], axis=1)
    return [row for row in range(len(dataset)) if apart_m[row] > radius_m]


def squared(vectors, one, other):
    return float(np.sum((vectors[one].astype(float) - vectors[other]) ** 2))


def nearest_positive(vectors, dataset, query):
    apart_m = np.linalg.norm(dataset.positions_m - dataset.positions_m[query], axis=1)
    near = [row for row in range(len(dataset)) if apart_m[row] <= 10.0 and row != query]
    return min(near, key=lambda row: squared(vectors, query, row))


def test_full_takes_the_hardest_of_all(make_miner, vectors):
    miner = make_miner(mining="full")
    dataset = miner.sampler.dataset
    mined = miner.mine(coarse, 0)
    assert mined.tuples.shape == (20, 4)
    np.testing.assert_array_equal(mined.tuples[:, 0], query_order(miner.sampler, miner.seed, 0, 20))
    for query, positive, *negatives in mined.tuples:
        others = sorted(far(dataset, query), key=lambda row: squared(vectors, query, row))
        expected = [squared(vectors, query, row) for row in others[:2]]
        received = sorted(squared(vectors, query, row) for row in negatives)
        np.testing.assert_allclose(received, expected, atol=1e-6)
        assert set(negatives) <= set(others)
        assert positive in miner.sampler.positives(query)


def test_full_counts_the_queries_that_violate_the_margin(make_miner, vectors):
    miner = make_miner(mining="full")
    dataset = miner.sampler.dataset
    mined = miner.mine(coarse, 0)
    violating = [
        min(squared(vectors, query, row) for row in far(dataset, query))
        < squared(vectors, query, nearest_positive(vectors, dataset, query)) + 0.1
        for query in mined.tuples[:, 0]
    ]
    assert mined.violating == pytest.approx(np.mean(violating))


@pytest.mark.parametrize(
    ("similar_positive", "similar_negative", "violating"),
    [
        (0.98, 0.9488, 1.0),  # d^2 of 0.04 and 0.1024, d of 0.2 and 0.32
        (0.50, 0.4382, 0.0),  # d^2 of 1 and 1.1236, d of 1 and 1.06
    ],
)
def test_the_margin_is_one_of_squared_distances(
    make_miner, similar_positive, similar_negative, violating
):
    """Both cases turn round where the margin of 0.1 is put on the distances themselves."""
    miner = make_miner(mining="full")
    dataset = miner.sampler.dataset
    _, places = np.unique(dataset.positions_m[:, 0], return_inverse=True)
    vectors = np.concatenate(
        [
            np.full((len(dataset), 1), similar_negative**0.5),  # what all photos share
            np.eye(len(dataset))[places] * (similar_positive - similar_negative) ** 0.5,
            np.eye(len(dataset)) * (1 - similar_positive) ** 0.5,
        ],
        axis=1,
    ).astype(np.float32)
    row_of = {
        read_image(path, image_size=SIZE).tobytes(): row for row, path in enumerate(dataset.paths())
    }
    mined = miner.mine(
        lambda photos: np.stack([vectors[row_of[photo.tobytes()]] for photo in photos]), 0
    )
    assert mined.violating == violating


def test_draws_from_so_many_hard_ones(make_miner, vectors):
    miner = make_miner(mining="full", num_hard_negatives=4)
    dataset = miner.sampler.dataset
    tuples = miner.mine(coarse, 0).tuples
    is_second_half = []
    for query, _, *negatives in tuples:
        others = sorted(far(dataset, query), key=lambda row: squared(vectors, query, row))
        bound = squared(vectors, query, others[3]) + 1e-6
        assert all(squared(vectors, query, row) <= bound for row in negatives)
        middle = squared(vectors, query, others[1]) + 1e-6
        is_second_half += [squared(vectors, query, row) > middle for row in negatives]
    assert 0 < np.mean(is_second_half) < 1


def test_partial_looks_at_its_pool_alone(make_miner):
    miner = make_miner(mining="partial", mining_pool=6)
    mined = miner.mine(coarse, 0)
    negatives = np.unique(mined.tuples[:, 2:])
    other = miner_of(dataclasses.replace(miner.settings, seed=9), miner.sampler)
    assert len(negatives) <= 6
    assert set(negatives) != set(other.mine(coarse, 1).tuples[:, 2:].ravel())


def test_paper_takes_the_hardest_that_it_drew_or_remembers(make_miner, vectors):
    """With a pool of all photos plain loops find the same tuples; the margin parts the queries."""
    dataset = make_miner(mining="full").sampler.dataset
    gaps = [
        min(squared(vectors, query, row) for row in far(dataset, query))
        - squared(vectors, query, nearest_positive(vectors, dataset, query))
        for query in range(len(dataset))
    ]
    margin = float(np.median(gaps))
    miner = make_miner(
        mining="paper", positives="best", mining_pool=1000, num_negatives=3, margin=margin
    )
    mined = miner.mine(coarse, 0)
    expected = []
    for query in query_order(miner.sampler, miner.seed, 0, 24):
        positive = nearest_positive(vectors, dataset, query)
        others = sorted(far(dataset, query), key=lambda row: squared(vectors, query, row))
        bound = squared(vectors, query, positive) + margin
        if squared(vectors, query, others[0]) < bound:
            expected.append((query, positive, *others[:3]))
    assert 0 < len(expected) < 24, "the margin must let some queries be skipped"
    wanted = (expected * 20)[:20]
    for received, row in zip(mined.tuples, wanted, strict=True):
        query = row[0]
        assert received[0] == query
        np.testing.assert_allclose(
            [squared(vectors, query, other) for other in received[1:]],
            [squared(vectors, query, other) for other in row[1:]],
            atol=1e-6,
        )
    assert mined.hardest.shape == (len(dataset), mining.NUM_KEPT)


def test_paper_remembers_the_hardest_of_the_time_before(make_miner, vectors):
    """With a pool of one photo, what was found before stays among the candidates."""
    miner = make_miner(mining="paper", mining_pool=1, num_negatives=1)
    dataset = miner.sampler.dataset
    found = [miner.mine(coarse, epoch).hardest for epoch in range(4)]
    grew = 0
    for query in miner.sampler.queries:
        before, after = (set(each[query][each[query] >= 0]) for each in (found[0], found[3]))
        assert before <= after <= set(far(dataset, query))
        grew += len(after) > len(before)
    assert grew > 0


def test_paper_goes_on_when_nothing_violates_the_margin(make_miner, caplog):
    mined = make_miner(mining="paper", margin=0.0).mine(
        lambda photos: np.eye(len(photos), 40, dtype=np.float32), 0
    )
    assert mined.tuples.shape == (20, 4)


def test_is_kept_for_its_epoch(make_miner):
    miner = make_miner(mining="full", num_hard_negatives=4)
    first = miner.mine(coarse, 3)

    def not_called(photos):
        raise AssertionError

    again = miner.mine(not_called, 3)
    np.testing.assert_array_equal(first.tuples, again.tuples)
    (miner.run_dir / "mined.npz").write_bytes(b"damaged")
    third = miner.mine(coarse, 3)
    np.testing.assert_array_equal(first.tuples, third.tuples)


@pytest.fixture
def broken_sampler(make_miner, tmp_path):
    """Returns a sampler of photos of which the sixth cannot be read."""
    dataset = make_miner(mining="full").sampler.dataset
    broken = tmp_path / "broken"
    broken.mkdir()
    for row in range(len(dataset)):
        data = b"no photo" if row == 5 else dataset.path(row).read_bytes()
        (broken / dataset.names[row]).write_bytes(data)
    return TupleSampler(
        open_places(f"folder:{broken}"),
        **vars(
            TupleConfig(
                num_positives=1, num_negatives=2, positive_radius_m=10.0, negative_radius_m=60.0
            )
        ),
    )


@pytest.mark.parametrize("scheme", ["full", "paper"])
def test_leaves_out_photos_that_cannot_be_read(make_miner, broken_sampler, scheme):
    config = make_miner(mining=scheme, skip_unreadable=True, steps_per_epoch=6).settings
    tuples = miner_of(config, broken_sampler).mine(coarse, 0).tuples
    assert tuples.shape == (24, 4)  # as many as without
    assert 5 not in tuples


def test_stops_at_a_photo_that_cannot_be_read_unless_told(make_miner, broken_sampler):
    config = make_miner(mining="full").settings
    with pytest.raises(UnreadableImageError, match="1 photo of .*--skip-unreadable"):
        miner_of(config, broken_sampler).mine(coarse, 0)


def test_the_cache_is_refreshed_half_as_often_when_the_step_size_is_halved():
    each, halved = MiningConfig("full"), OptimizerConfig(halve_every=4)
    due = [epoch for epoch in range(20) if is_due(each, halved, epoch)]
    assert due == [0, 1, 2, 3, 4, 6, 8, 12]
    third, steady = MiningConfig("full", mine_every=3), OptimizerConfig()
    assert [epoch for epoch in range(8) if is_due(third, steady, epoch)] == [0, 3, 6]


@pytest.mark.parametrize("scheme", ["full", "partial", "paper"])
def test_never_takes_a_far_photo_that_shares_a_view(make_miner, scheme):
    miner = make_miner(mining=scheme)
    dataset = miner.sampler.dataset
    # All look along the street, so that photos 100 m apart share some of their views.
    dataset = dataclasses.replace(dataset, headings_deg=np.full(len(dataset), 90.0))
    rule = {"positive_rule": "view_overlap", "view_depth_m": 150.0}
    miner.sampler = TupleSampler(
        dataset,
        **vars(
            TupleConfig(
                num_positives=1,
                num_negatives=2,
                positive_radius_m=10.0,
                negative_radius_m=60.0,
                **rule,
            )
        ),
    )
    between = 0
    for query, positive, *negatives in miner.mine(coarse, 0).tuples:
        assert positive in miner.sampler.positives(query)
        near = miner.sampler.near(query)
        assert not set(negatives) & set(near)
        between += len(set(near) & set(far(dataset, query)))
    assert between > 0
