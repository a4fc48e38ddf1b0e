import numpy as np
import pytest
from keras import ops

from placevec.losses import AllPairHingeLoss, BatchAllPairHingeLoss


@pytest.mark.parametrize("arguments", [{}, {"margin": 0.05, "negative_radius_m": 50.0}])
def test_equals_the_formula(check_pair_loss, arguments):
    margin = arguments.get("margin", 0.3)

    def formula(positive, negative, held_positive, held_negative):
        return sum(max(0.0, n - p + margin) for p in positive for n in negative)

    check_pair_loss(BatchAllPairHingeLoss, arguments, formula)


def test_of_one_tuple_is_the_mean_of_all_pair_hinge_losses_over_its_anchors(y_pred):
    positions_m = np.float32([[[0, 0], [1, 0], [2, 0], [3, 0], [90, 0], [90, 0]]])
    tuple_hinge = AllPairHingeLoss(3, 2)
    turned = [[0, 1, 2, 3, 4, 5], [1, 0, 2, 3, 4, 5], [2, 0, 1, 3, 4, 5], [3, 0, 1, 2, 4, 5]]
    expected = np.mean([float(tuple_hinge(np.zeros(1), y_pred[:1, order])) for order in turned])
    received = BatchAllPairHingeLoss(3, 2, negative_radius_m=25.0).call(
        positions_m, ops.convert_to_tensor(y_pred[:1])
    )
    assert float(received[0]) == pytest.approx(expected, rel=1e-5)
