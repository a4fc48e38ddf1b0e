import numpy as np
import pytest
from keras import ops

from placevec.losses import AllPairGoodFit, AllPairHingeLoss


@pytest.mark.parametrize("margin", [0.3, 0.05])
def test_equals_the_formula_and_keeps_the_contract(check_metric, in_loops, margin):
    def formula(descriptors):
        positive, negative = in_loops(descriptors)
        count = 0
        for p in positive:
            for n in negative:
                count += n - p + margin <= 0
        return count

    check_metric(AllPairGoodFit, {"margin": margin}, formula)


def test_every_pair_fits_where_the_loss_is_zero_and_only_there(y_pred):
    count = ops.convert_to_numpy(AllPairGoodFit(3, 2, margin=0.0).measure(y_pred))
    loss = ops.convert_to_numpy(
        AllPairHingeLoss(3, 2, margin=0.0).call(None, ops.convert_to_tensor(y_pred))
    )
    np.testing.assert_array_equal(count == 6, loss == 0)


def test_sample_weights_weigh_tuples(y_pred):
    metric = AllPairGoodFit(3, 2, margin=0.05)
    counts = ops.convert_to_numpy(metric.measure(y_pred))
    metric.update_state(None, y_pred, np.array([1.0, 0.0, 0.0, 3.0]))
    assert float(metric.result()) == pytest.approx((counts[0] + 3 * counts[3]) / 4)
