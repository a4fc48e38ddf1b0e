import pytest

from placevec.sources import open_places
from placevec.training.sampler import open_sampler

pytestmark = pytest.mark.one_backend


def test_draws_as_the_settings_say(small_config):
    config = small_config(num_positives=2, num_negatives=3, positive_radius_m=1.5)
    sampler = open_sampler(config, open_places(config.places))
    assert (sampler.num_positives, sampler.num_negatives) == (2, 3)
    assert [len(sampler.positives(query)) for query in sampler.queries[:3]] == [1, 2, 1]


def test_refuses_photos_of_one_place(small_config):
    config = small_config(loss="info_nce", num_negatives=0, negative_radius_m=1e6)
    with pytest.raises(ValueError, match="different places.*--negative-radius-m"):
        open_sampler(config, open_places(config.places))
