import pytest

from placevec.losses import AllPairHingeDeviationLoss


@pytest.mark.parametrize("deviation_weight", [1.0, 2.5])
def test_equals_the_formula_and_keeps_the_contract(check_loss, in_loops, deviation_weight):
    def formula(descriptors):
        positive, negative = in_loops(descriptors)
        hinge = sum(max(0.0, n - p + 0.2) for p in positive for n in negative)
        mean = sum(positive) / len(positive)
        variance = sum((p - mean) ** 2 for p in positive) / len(positive)
        return hinge + deviation_weight * variance**0.5

    arguments = {"margin": 0.2, "deviation_weight": deviation_weight}
    check_loss(AllPairHingeDeviationLoss, arguments, formula)
