import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.models import build_descriptor_model
from placevec.training.start.cluster_use import cluster_use

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), np.uint8)


def model(**changes):
    keras.utils.set_random_seed(0)
    return build_descriptor_model(
        ModelConfig(**({"cut_layer": "block_1_project_BN", "num_clusters": 4} | changes))
    )


def test_an_even_assignment_uses_all_clusters():
    even = model()
    layer = even.get_layer("aggregator")
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer.bias.assign(np.zeros(4))
    use = cluster_use(even, PHOTOS)
    assert use["clusters_used"] == pytest.approx(4)
    assert use["assignment_entropy"] == pytest.approx(np.log(4))


def test_one_cluster_may_take_all():
    firm = model()
    layer = firm.get_layer("aggregator")
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer.bias.assign([50.0, 0.0, 0.0, 0.0])
    use = cluster_use(firm, PHOTOS)
    assert use["clusters_used"] == pytest.approx(1)
    assert use["assignment_entropy"] == pytest.approx(0, abs=1e-9)


def test_equals_plain_loops():
    some = model(assignment_bias=False)
    layer = some.get_layer("aggregator")
    kernel = 5 * np.random.default_rng(1).normal(size=layer.kernel.shape)
    layer.kernel.assign(kernel)
    grid = keras.ops.convert_to_numpy(keras.Model(some.input, layer.input)(PHOTOS))
    entropies, mean = [], np.zeros(4)
    cells = grid.reshape(-1, grid.shape[-1]).astype(float)
    for cell in cells:
        shares = np.exp(cell / np.linalg.norm(cell) @ kernel)
        shares /= shares.sum()
        mean += shares / len(cells)
        entropies.append(-sum(share * np.log(share) for share in shares))
    use = cluster_use(some, PHOTOS)
    assert use["assignment_entropy"] == pytest.approx(np.mean(entropies), rel=1e-4)
    assert use["clusters_used"] == pytest.approx(np.exp(-np.sum(mean * np.log(mean))), rel=1e-4)


def test_other_aggregators_have_no_clusters():
    config = ModelConfig(cut_layer="block_1_project_BN", aggregator="gem")
    assert cluster_use(build_descriptor_model(config), PHOTOS) == {}
