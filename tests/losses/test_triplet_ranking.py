import pytest

from placevec.losses import TripletMaxPositiveLoss, TripletRankingLoss


def squared_distance(a, b):
    return sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("margin", [0.5, 0.1])
def test_equals_the_papers_formula_and_keeps_the_contract(check_loss, margin):
    def formula(descriptors):
        query, positives, negatives = descriptors[0], descriptors[1:4], descriptors[4:]
        nearest = min(squared_distance(query, p) for p in positives)
        return sum(max(0.0, nearest + margin - squared_distance(query, n)) for n in negatives)

    check_loss(TripletRankingLoss, {"margin": margin}, formula)


def test_is_twice_the_triplet_loss_of_half_the_margin_for_unit_descriptors(y_pred):
    ranking = float(TripletRankingLoss(3, 2, margin=0.4)(y_pred, y_pred))
    half = float(TripletMaxPositiveLoss(3, 2, margin=0.2)(y_pred, y_pred))
    assert ranking == pytest.approx(2 * half, rel=1e-5)
    assert ranking > 0
