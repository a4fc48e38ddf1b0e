"""The old names of losses and metrics, built on `placevec.losses`.

Each maker returns a function `(y_true, y_pred)` for `model.compile`, as a loss or as a metric.
`y_pred` is (batch, 1 + nP + nN, dim): descriptors of the query, its positives, its negatives;
`y_true` is ignored. The function returns one number per tuple, (batch,).

Load a model that was compiled with one of these with `compile=False`. The classes of
`placevec.losses` do not need this.
"""

from placevec.losses import (
    AllPairGoodFit,
    AllPairHingeDeviationLoss,
    AllPairHingeLoss,
    PositiveDeviationLoss,
    TripletMaxPositiveLoss,
)


def triplet_loss2_maker(nP, nN, epsilon=0.3):  # noqa: N803
    """Returns the triplet loss of the most similar positive: `TripletMaxPositiveLoss`."""
    loss = TripletMaxPositiveLoss(nP, nN, margin=epsilon)

    def triplet_loss2(y_true, y_pred):
        return loss.call(y_true, y_pred)

    return triplet_loss2


def allpair_hinge_loss_maker(nP, nN, epsilon=0.3):  # noqa: N803
    """Returns the all-pair hinge loss: `AllPairHingeLoss`."""
    loss = AllPairHingeLoss(nP, nN, margin=epsilon)

    def allpair_hinge_loss(y_true, y_pred):
        return loss.call(y_true, y_pred)

    return allpair_hinge_loss


def allpair_count_goodfit_maker(nP, nN, epsilon=0.3):  # noqa: N803
    """Returns how many of the nP * nN pairs keep the margin: `AllPairGoodFit`."""
    metric = AllPairGoodFit(nP, nN, margin=epsilon)

    def allpair_count_goodfit(y_true, y_pred):
        return metric.measure(y_pred)

    return allpair_count_goodfit


def positive_set_deviation_maker(nP, nN):  # noqa: N803
    """Returns the deviation of the positives' similarities: `PositiveDeviationLoss`."""
    loss = PositiveDeviationLoss(nP, nN)

    def positive_set_deviation(y_true, y_pred):
        return loss.call(y_true, y_pred)

    return positive_set_deviation


def allpair_hinge_loss_with_positive_set_deviation_maker(
    nP,  # noqa: N803
    nN,  # noqa: N803
    epsilon=0.3,
    opt_lambda=1.0,
):
    """Returns hinge loss plus `opt_lambda` times deviation: `AllPairHingeDeviationLoss`."""
    loss = AllPairHingeDeviationLoss(nP, nN, margin=epsilon, deviation_weight=opt_lambda)

    def allpair_hinge_loss_with_positive_set_deviation(y_true, y_pred):
        return loss.call(y_true, y_pred)

    return allpair_hinge_loss_with_positive_set_deviation
