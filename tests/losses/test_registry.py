import pytest

from placevec.config.choices import LOSSES
from placevec.losses import AllPairHingeDeviationLoss, get_loss


@pytest.mark.parametrize("name", LOSSES)
def test_makes_every_loss_by_its_name(name):
    is_of_pairs = LOSSES[name].takes("pair_radius_m")
    loss = get_loss(name, 3, 2, **({"negative_radius_m": 25.0} if is_of_pairs else {}))
    assert type(loss) is LOSSES[name].find()
    assert (loss.num_positives, loss.num_negatives) == (3, 2)


def test_passes_a_losss_own_arguments():
    loss = get_loss("allpair_hinge_deviation", 3, 2, margin=0.7, deviation_weight=0.5)
    assert isinstance(loss, AllPairHingeDeviationLoss)
    assert (loss.margin, loss.deviation_weight) == (0.7, 0.5)


def test_refuses_an_unknown_name_with_the_nearest_known_one():
    with pytest.raises(ValueError, match="loss='tripet_ranking'. Did you mean triplet_ranking"):
        get_loss("tripet_ranking", 3, 2)
    with pytest.raises(ValueError, match="`loss` must be one of allpair_hinge, .*loss='zzz'$"):
        get_loss("zzz", 3, 2)
