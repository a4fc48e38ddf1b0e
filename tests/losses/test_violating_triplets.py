import numpy as np
import pytest
from keras import ops

from placevec.losses import AllPairGoodFit, ViolatingTriplets


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_equals_the_formula_and_keeps_the_contract(check_metric, in_loops, margin):
    def formula(descriptors):
        positive, negative = in_loops(descriptors)
        wrong = [p <= n + margin for p in positive for n in negative]
        return sum(wrong) / len(wrong)

    check_metric(ViolatingTriplets, {"margin": margin}, formula)


def test_a_network_that_maps_everything_to_one_point_violates_all():
    metric = ViolatingTriplets(3, 2)
    metric.update_state(None, np.full((2, 6, 4), 0.5, "float32"))
    assert float(metric.result()) == 1


def test_violating_and_fitting_triplets_are_all_triplets(y_pred):
    share = ops.convert_to_numpy(ViolatingTriplets(3, 2, margin=0.1).measure(y_pred))
    fitting = ops.convert_to_numpy(AllPairGoodFit(3, 2, margin=0.1).measure(y_pred))
    np.testing.assert_allclose(share, 1 - fitting / 6, atol=1e-6)
