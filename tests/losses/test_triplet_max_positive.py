import pytest

from placevec.losses import TripletMaxPositiveLoss


@pytest.mark.parametrize("margin", [0.3, 0.05])
def test_equals_the_formula_and_keeps_the_contract(check_loss, in_loops, margin):
    def formula(descriptors):
        positive, negative = in_loops(descriptors)
        best = positive[0]
        for p in positive:
            best = max(best, p)
        return sum(max(0.0, n - best + margin) for n in negative)

    check_loss(TripletMaxPositiveLoss, {"margin": margin}, formula)
