import inspect
import re

import pytest

from placevec.config import (
    LossConfig,
    ModelConfig,
    TrainConfig,
    TupleConfig,
    WhitenConfig,
    from_dict,
    to_dict,
)
from placevec.config.choices import LOSSES


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"num_positives": 0}, "`num_positives` must be at least 1"),
        ({"num_negatives": 0, "loss": "allpair_hinge"}, "`num_negatives` must be at least 1"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` must be at least 1"),
        ({"epochs": -1}, "`epochs` must be at least 0"),
        ({"validate_every": 0}, "`validate_every` must be at least 1"),
        ({"num_workers": 0}, "`num_workers` must be at least 1"),
        ({"device_augmentation": True, "devices": 2}, "`devices` must be 1 with"),
        ({"workers": "ponies"}, "`workers` must be one of"),
        ({"cache_mb": -1}, "`cache_mb` must be at least 0"),
        ({"positive_radius_m": -1.0}, "`positive_radius_m` must be at least 0"),
        ({"positive_radius_m": float("nan")}, "`positive_radius_m` must be at least 0"),
        ({"recall_radius_m": -0.5}, "`recall_radius_m` must be at least 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"max_heading_difference_deg": -1.0}, "`max_heading_difference_deg` must be at least 0"),
        ({"num_hard_negatives": -1}, "`num_hard_negatives` must be at least 0"),
        (
            {"num_negatives": 6, "num_hard_negatives": 5, "mining": "full"},
            "`num_hard_negatives` must be 0 or at least `num_negatives`",
        ),
        ({"num_hard_negatives": 5}, "need a `mining` that finds them"),
        ({"positives": "best"}, "need a `mining` that finds them"),
        ({"mining": "full"}, "`num_negatives` must be at least 1 with the mining full"),
        (
            {"mining": "paper", "num_negatives": 2, "num_hard_negatives": 5},
            "`num_hard_negatives` must be 0 with mining=paper",
        ),
        ({"accumulate": 0}, "`accumulate` must be at least 1"),
        ({"average_weights": 1.0}, "`average_weights` must be below 1"),
        ({"weight_decay": -1.0}, "`weight_decay` must be at least 0"),
        ({"backbone_rate": -1.0}, "`backbone_rate` must be at least 0"),
        ({"clip_norm": 0.0}, "`clip_norm` must be larger than 0"),
        (
            {"assignment": "v2", "model": ModelConfig(assignment_bias=False)},
            "v2 needs an `assignment_bias`",
        ),
        (
            {"mining_pool": 5},
            "`mining_pool` only applies to mining=partial and mining=p",
        ),
        ({"min_overlap": 0.3}, "`min_overlap` only applies to .*, not to positive_rule=distance"),
        ({"view_depth_m": 9.0}, "`view_depth_m` has no effect with positive_rule=distance"),
        (
            {
                "positive_rule": "shared_points",
                "view_depth_m": 9.0,
                "loss": "triplet_ranking",
                "num_negatives": 1,
            },
            "`view_depth_m` has no effect with positive_rule=shared_points",
        ),
        (
            {"positive_rule": "view_overlap", "min_overlap": 1.1},
            "`min_overlap` must be between 0 and 1",
        ),
        (
            {"positive_rule": "view_overlap", "view_depth_m": 0.0},
            "`view_depth_m` must be larger than 0",
        ),
        ({"positive_rule": "overlap"}, "`positive_rule` must be one of distance, view_overlap"),
        (
            {"refresh_share": 0.5},
            "`refresh_share` only applies to mining=partial, mining=full",
        ),
        ({"whiten_power": 0.5}, "`whiten_power` has no effect with whiten_dim=0"),
        ({"clusters": "random", "assignment": "v2"}, "`assignment` has no effect with clusters="),
        (
            {"clusters": "random", "assignment_ratio": 10.0},
            "`assignment_ratio` has no effect with clusters=random",
        ),
        ({"assignment_ratio": 1.0}, "`assignment_ratio` must be larger than 1"),
        ({"whiten_dim": 8, "whiten_rank": 4}, "`whiten_rank` must be 0 with `whiten_dim`"),
        ({"whiten_augmentation": "light"}, "`whiten_augmentation` has no effect with whiten_rank"),
        ({"distillation": -1.0}, "`distillation` must be at least 0"),
        (
            {"clusters": "c.mat", "model": ModelConfig(aggregator="gem")},
            "`clusters` only applies to netvlad, not to gem. Received: clusters='c.mat'",
        ),
        ({"mining_pool": 0}, "`mining_pool` must be at least 1"),
        ({"mine_every": 0}, "`mine_every` must be at least 1"),
        ({"refresh_share": 0.0}, "`refresh_share` must be larger than 0"),
        ({"refresh_share": 1.1}, "`refresh_share` must be between 0 and 1"),
        ({"halve_every": 2, "cosine_decay": True}, "`halve_every` must be 0 with"),
        ({"halve_every": 2, "warmup_steps": 1}, "`halve_every` must be 0 with"),
        ({"warmup_steps": -1}, "`warmup_steps` must be at least 0"),
        ({"whiten_dim": -1}, "`whiten_dim` must be at least 0"),
        ({"whiten_power": 1.5}, "`whiten_power` must be between 0 and 1"),
        (
            {"loss": "info_nce", "margin": 0.1},
            "`margin` only applies to allpair_hinge, .*, not to info_nce. Received: m",
        ),
        ({"temperature": 0.0}, "`temperature` must be larger than 0"),
        ({"temperature": float("nan")}, "`temperature` must be larger than 0"),
        (
            {"loss": "circle", "temperature": 0.1},
            "`temperature` only applies to info_nce, not to circle. Received: temperature=0.1",
        ),
        ({"learning_rate": 0.0}, "`learning_rate` must be larger than 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be larger than 0"),
        (
            {"loss": "allpair_hinge", "num_negatives": 1, "margin": -0.1},
            "`margin` must be at least 0",
        ),
        ({"image_size": (240, 31)}, "`image_size` must be two whole numbers.* at least 32"),
        ({"image_size": (240,)}, "`image_size` must be of type tuple"),
        ({"image_size": 240}, "`image_size` must be of type tuple"),
        ({"image_size": (240.0, 320.0)}, "`image_size` must be of type tuple"),
        ({"positive_radius_m": 30.0}, "`negative_radius_m` must not be smaller"),
        ({"negative_radius_m": float("nan")}, "`negative_radius_m` must be finite"),
        ({"resume": True, "overwrite": True}, "Choose one of `resume` and `overwrite`"),
        ({"loss": "hinge"}, "`loss` must be one of allpair_hinge"),
        ({"optimizer": "lion"}, "`optimizer` must be one of adam, adamw, sgd"),
        ({"epochs": "10"}, "`epochs` must be of type int. Received: epochs='10'"),
        ({"epochs": 2.0}, "`epochs` must be of type int"),
        ({"epochs": True}, "`epochs` must be of type int"),
        ({"learning_rate": "fast"}, "`learning_rate` must be of type float"),
        ({"margin": "wide"}, r"`margin` must be of type float \| None"),
        ({"model": 1}, "`model` must be of type ModelConfig"),
    ],
)
def test_refuses_an_impossible_training(values, match):
    with pytest.raises(ValueError, match=match):
        from_dict(TrainConfig, values)


def test_photos_of_a_batch_that_may_share_a_view_are_no_negatives_of_each_other():
    assert TupleConfig().pair_radius_m == 25.0
    rule = {"positive_rule": "view_overlap"}
    assert TupleConfig(**rule, view_depth_m=30.0).pair_radius_m == 60.0
    assert TupleConfig(**rule, view_depth_m=10.0).pair_radius_m == 25.0
    assert TupleConfig(positive_rule="shared_points", view_depth_m=30.0).pair_radius_m == 60.0


def accepts(**values):
    try:
        from_dict(TrainConfig, values)
    except ValueError as error:
        assert re.search("`(num_negatives|margin|temperature)`", str(error))
        return False
    return True


@pytest.mark.parametrize("name", LOSSES)
def test_knows_what_each_loss_takes(name):
    loss = LOSSES[name].find()
    arguments = inspect.signature(loss).parameters
    assert accepts(loss=name, num_negatives=1)
    assert accepts(loss=name, num_negatives=0) == (loss.least_negatives == 0)
    assert accepts(loss=name, num_negatives=1, margin=0.1) == ("margin" in arguments)
    assert accepts(loss=name, num_negatives=1, temperature=0.1) == ("temperature" in arguments)
    assert LOSSES[name].arguments.keys() <= arguments.keys()
    assert ("negative_radius_m" in arguments) == LOSSES[name].takes("pair_radius_m")


def explained(kind, setting):
    """Returns what the help says of a setting, on one line."""
    source = inspect.getsource(kind).partition(f"\n    {setting}: ")[2]
    return " ".join(source.split('"""')[1].split())


def test_the_help_tells_which_losses_need_no_negatives_and_what_is_usual():
    """It is text, which nothing makes from the table."""
    named = re.match(
        "nP?.*?in a tuple. (.*?) need none", explained(TupleConfig, "num_negatives")
    ).group(1)
    free = {name for name, row in LOSSES.items() if not row.needs_negatives}
    assert set(re.split(", | and ", named)) == free
    margins = {
        name: inspect.signature(row.find()).parameters["margin"].default
        for name, row in LOSSES.items()
        if row.takes("margin")
    }
    usual, none = re.search(
        "the usual one of the loss, (.*); (.*) have none", explained(LossConfig, "margin")
    ).groups()
    told = {
        name: float(number)
        for number, names in re.findall(r"([\d.]+) for ([\w ]+)", usual)
        for name in re.split(" and ", names)
    }
    assert {name: told.get(name, told["the others"]) for name in margins} == margins
    assert set(re.split(", | and ", none)) == LOSSES.keys() - margins.keys()


def test_the_record_of_a_run_of_an_earlier_version_loads():
    """Settings stand flat in files, whatever group they are in; `run_dir` is `out` now."""
    record = {
        "places": "folder:a", "validation": "folder:b", "run_dir": "runs/a", "epochs": 3,
        "model": {"backbone": "vgg16"}, "num_positives": 2, "num_negatives": 5, "mining": "full",
        "num_hard_negatives": 9, "augmentation": "street", "loss": "triplet_ranking",
        "margin": 0.2, "optimizer": "sgd", "clusters": "random", "whiten_rank": 4,
        "whiten_augmentation": "light", "workers": "processes",
    }  # fmt: skip
    settings = from_dict(TrainConfig, record)
    assert settings.tuples == TupleConfig(num_positives=2, num_negatives=5)
    assert settings.loss == LossConfig("triplet_ranking", margin=0.2)
    assert settings.whitening == WhitenConfig(rank=4, augmentation="light")
    record["out"] = record.pop("run_dir")
    assert record.items() <= {**to_dict(settings), "model": record["model"]}.items()
