import numpy as np
import pytest

from placevec.images import read_image
from placevec.places import TupleSampler
from placevec.sources import open_places
from placevec.training.mining import hardest_negatives, load_mined, save_mined

pytestmark = pytest.mark.one_backend
SIZE = (32, 48)


def mean_colors(photos):
    colors = photos.reshape(len(photos), -1, 3).mean(axis=1) + 1e-3
    return (colors / np.linalg.norm(colors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def sampler(made_places):
    return TupleSampler(
        open_places(f"folder:{made_places / 'train'}"),
        num_positives=1, num_negatives=2, positive_radius_m=10.0, negative_radius_m=60.0,
    )  # fmt: skip


def test_equals_a_search_in_plain_loops(sampler):
    dataset = sampler.dataset
    found = hardest_negatives(mean_colors, sampler, 4, image_size=SIZE)
    vectors = mean_colors(np.stack([read_image(path, image_size=SIZE) for path in dataset.paths()]))
    for query, received in zip(sampler.queries, found, strict=True):
        similar = []
        for other in range(len(dataset)):
            apart_m = np.linalg.norm(dataset.positions_m[other] - dataset.positions_m[query])
            if apart_m > 60.0:
                similar.append((float(vectors[query] @ vectors[other]), other))
        expected = [similarity for similarity, _ in sorted(similar, reverse=True)[:4]]
        np.testing.assert_allclose(vectors[received] @ vectors[query], expected, atol=1e-6)
        assert set(received) <= {other for _, other in similar}


def test_fills_up_where_there_are_fewer(sampler):
    found = hardest_negatives(mean_colors, sampler, 50, image_size=SIZE)
    assert found.shape == (len(sampler.queries), 50)
    assert (found[:, -1] == -1).all()
    assert (found[:, 0] >= 0).all()


def test_is_kept_for_its_epoch_alone(tmp_path):
    path = tmp_path / "mined.npz"
    assert load_mined(path, 0) is None
    negatives = np.arange(6).reshape(2, 3)
    save_mined(path, 3, negatives)
    np.testing.assert_array_equal(load_mined(path, 3), negatives)
    assert load_mined(path, 4) is None
    path.write_bytes(path.read_bytes()[:50])
    assert load_mined(path, 3) is None
