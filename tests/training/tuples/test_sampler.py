import contextlib
import dataclasses

import numpy as np
import pytest

from placevec.config import ComputeConfig
from placevec.sources import open_places
from placevec.training.tuples.sampler import open_sampler, open_workers

pytestmark = pytest.mark.one_backend


def test_draws_as_the_settings_say(small_config):
    config = small_config(num_positives=2, num_negatives=3, positive_radius_m=1.5)
    sampler = open_sampler(config.tuples, config.loss, open_places(config.places))
    assert (sampler.num_positives, sampler.num_negatives) == (2, 3)
    assert [len(sampler.positives(query)) for query in sampler.queries[:3]] == [1, 2, 1]


def test_refuses_photos_of_one_place(small_config):
    config = small_config(loss="info_nce", num_negatives=0, negative_radius_m=1e6)
    with pytest.raises(ValueError, match="different places.*--negative-radius-m"):
        open_sampler(config.tuples, config.loss, open_places(config.places))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"negative_radius_m": 349.0}, None),
        ({"positive_rule": "view_overlap", "view_depth_m": 174.0}, None),
        (
            {"positive_rule": "view_overlap", "view_depth_m": 176.0},
            "info_nce.*farther than 352 m, twice `view_depth_m`.*within 350.* `--view-depth-m`",
        ),
    ],
)
def test_refuses_a_town_too_small_for_a_negative_in_any_batch(small_config, settings, match):
    config = small_config(loss="info_nce", num_negatives=0, **settings)
    dataset = open_places(config.places)
    dataset = dataclasses.replace(dataset, headings_deg=np.full(len(dataset), 0.0))
    with pytest.raises(ValueError, match=match) if match else contextlib.nullcontext():
        open_sampler(config.tuples, config.loss, dataset)


@pytest.mark.parametrize(("view_depth_m", "num_positives"), [(20.0, [1, 2, 1]), (90.0, [2, 2, 2])])
def test_hands_the_rule_of_positives_on(small_config, view_depth_m, num_positives):
    """Photos of a place stand 1 m apart; the farther they look, the more they have in common."""
    config = small_config(positive_rule="view_overlap", min_overlap=0.8, view_depth_m=view_depth_m)
    dataset = open_places(config.places)
    dataset = dataclasses.replace(dataset, headings_deg=np.full(len(dataset), 90.0))
    sampler = open_sampler(config.tuples, config.loss, dataset)
    assert [len(sampler.positives(query)) for query in sampler.queries[:3]] == num_positives


def test_opens_processes_only_where_the_settings_ask_for_them():
    with open_workers(ComputeConfig(), "light", max_bytes=9) as workers:
        assert workers is None
    with open_workers(ComputeConfig(workers="processes"), "none", max_bytes=9) as workers:
        assert workers is None
    computing = ComputeConfig(workers="processes", num_workers=3)
    with open_workers(computing, "light", max_bytes=4 * 32 * 48 * 3) as workers:
        assert (workers.preset, len(set(workers.process_ids))) == ("light", 3)
        assert workers.max_bytes == 4 * 32 * 48 * 3


def test_refuses_processes_for_an_augmentation_without_a_name():
    with (
        pytest.raises(ValueError, match="only take augmentations by name"),
        open_workers(ComputeConfig(workers="processes"), lambda photo, rng: photo, max_bytes=9),
    ):
        pass
