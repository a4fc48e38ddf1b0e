import math

from placevec.losses import SAREIndependentLoss


def squared_distance(a, b):
    return sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))


def test_equals_the_papers_formula_and_keeps_the_contract(check_loss):
    def formula(descriptors):
        query, positives, negatives = descriptors[0], descriptors[1:4], descriptors[4:]
        match = max(math.exp(-squared_distance(query, p)) for p in positives)
        total = 0.0
        for n in negatives:
            total -= math.log(match / (match + math.exp(-squared_distance(query, n))))
        return total

    check_loss(SAREIndependentLoss, {}, formula, is_zero_when_all_are_equal=True)


def test_stays_finite_for_descriptors_of_any_length(y_pred):
    y_pred[:, 1:4] *= 100
    assert 1e3 < float(SAREIndependentLoss(3, 2)(y_pred, y_pred)) < 1e5
