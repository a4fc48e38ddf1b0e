import numpy as np
import pytest

from placevec.rendering.cameras.find_viewpoints import find_viewpoints
from placevec.rendering.cameras.viewpoints import distance_m


def test_near_and_far_cameras_keep_their_distances(shapes):
    world, _ = shapes.blocks(3)
    viewpoints = find_viewpoints(world, num_places=12, seed=0, spacing_m=7)
    rng = np.random.default_rng(0)
    camera = viewpoints.sample(rng)
    near = [viewpoints.sample_near(camera, rng, 6.0) for _ in range(6)]
    far = [viewpoints.sample_far(camera, rng, 25.0) for _ in range(6)]
    assert max(distance_m(camera, each) for each in near) <= 6.0
    assert min(distance_m(camera, each) for each in far) > 25.0
    assert len({each.pose.position_m for each in near}) > 3
    with pytest.raises(ValueError, match="must be more than 900 m from another"):
        viewpoints.sample_far(camera, rng, 900)
