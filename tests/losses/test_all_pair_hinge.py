import pytest

from placevec.losses import AllPairHingeLoss


@pytest.mark.parametrize("margin", [0.3, 0.05])
def test_equals_the_formula_and_keeps_the_contract(check_loss, in_loops, margin):
    def formula(descriptors):
        positive, negative = in_loops(descriptors)
        total = 0.0
        for p in positive:
            for n in negative:
                total += max(0.0, n - p + margin)
        return total

    check_loss(AllPairHingeLoss, {"margin": margin}, formula)


def test_costs_the_margin_for_each_pair_where_all_are_equal(y_pred):
    y_pred[:] = y_pred[:1, :1]
    assert float(AllPairHingeLoss(3, 2, margin=0.3)(y_pred, y_pred)) == pytest.approx(6 * 0.3)
