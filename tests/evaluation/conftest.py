import numpy as np
import pytest

from placevec.evaluation import Evaluation
from placevec.places import PlaceDataset


@pytest.fixture
def make_evaluation(write_photos, tmp_path):
    """Returns a function from a seed to a made evaluation of 12 queries and 12 database photos.

    Query 11 has no right answer. The names hold what a page must not run.
    """
    colors = np.random.default_rng(0).integers(0, 256, (24, 3)).tolist()
    paths = write_photos(colors)
    names = [path.name for path in paths]
    hostile = "<script>alert(1)</script>.png".replace("/", "_")
    paths[0].rename(tmp_path / hostile)
    names[0] = hostile
    east_m = [100.0 * number for number in range(12)] * 2
    east_m[11] = 90_000.0
    dataset = PlaceDataset(
        tmp_path,
        names,
        positions_m=[[east, 0.0] for east in east_m],
        headings_deg=[10.0] * 12 + [350.0] * 12,
        is_query=[1] * 12 + [0] * 12,
        is_database=[0] * 12 + [1] * 12,
    )

    def make(seed=0):
        rng = np.random.default_rng(seed)
        neighbors = np.stack([rng.permutation(12)[:5] for _ in range(12)])
        neighbors[:6, 0] = np.arange(6)  # six are right at once, if another does not repeat it
        for row in range(6):
            others = rng.permutation(np.setdiff1d(np.arange(12), row))[:4]
            neighbors[row, 1:] = others
        similarities = -np.sort(-rng.random((12, 5)), axis=1)
        return Evaluation(
            dataset=dataset,
            neighbors=neighbors,
            similarities=similarities.astype(np.float32),
            relevant=[np.array([row]) for row in range(11)] + [np.array([], np.int64)],
            descriptor_dim=8,
            radius_m=25.0,
        )

    return make
