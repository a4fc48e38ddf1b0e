import dataclasses
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from placevec.config import (
    AugmentConfig,
    CheckConfig,
    ComputeConfig,
    DescribeConfig,
    EvaluateConfig,
    IndexConfig,
    LossConfig,
    MapillaryConfig,
    MiningConfig,
    ModelConfig,
    ModelRenderConfig,
    OptimizerConfig,
    SearchConfig,
    SplitConfig,
    StartConfig,
    StreetviewConfig,
    TownRenderConfig,
    TrainConfig,
    TupleConfig,
    WhitenConfig,
    WhitenModelConfig,
    from_dict,
    to_dict,
)

KINDS = {
    ModelConfig: {},
    TrainConfig: {},
    TupleConfig: {"num_positives": 2},
    MiningConfig: {"mining": "full"},
    AugmentConfig: {"flip_tuples": True},
    LossConfig: {"loss": "circle"},
    OptimizerConfig: {"optimizer": "sgd"},
    StartConfig: {"clusters": "random"},
    ComputeConfig: {"cache_mb": 0},
    DescribeConfig: {"model": "m.keras"},
    EvaluateConfig: {"model": ["m.keras", "tiny"]},
    IndexConfig: {"kind": "hnsw"},
    SearchConfig: {"model": "m.keras", "radius_m": 5.0, "of": (1.0, 2.0), "before": "2024-05-01"},
    WhitenConfig: {"rank": 8},
    WhitenModelConfig: {"places": "folder:a", "dim": 8},
    TownRenderConfig: {},
    ModelRenderConfig: {},
    StreetviewConfig: {"bbox": (52.0, 4.0, 52.1, 4.1)},
    MapillaryConfig: {"points": "places.csv"},
    CheckConfig: {"out": "check.html"},
    SplitConfig: {"model": "m.keras"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_settings_survive_a_trip_through_json(kind):
    settings = kind(**KINDS[kind])
    assert from_dict(kind, json.loads(json.dumps(to_dict(settings)))) == settings


def test_values_that_are_no_defaults_survive_the_trip():
    model = ModelConfig(backbone="vgg16", cut_layer="block5_conv3", linear_cut=True, channels=1)
    settings = TrainConfig(
        out=Path("runs/other"),
        model=model,
        image_size=(64, 48),
        tuples=TupleConfig(num_negatives=5, max_heading_difference_deg=30.0),
        loss=LossConfig("triplet_ranking", margin=0.25),
        optimizer=OptimizerConfig("sgd", train_from_layer="block_3_expand", freeze_batch_norm=True),
        whitening=WhitenConfig(rank=3, augmentation="light"),
    )
    back = from_dict(TrainConfig, json.loads(json.dumps(to_dict(settings))))
    assert back == settings
    assert isinstance(back.out, Path)
    assert isinstance(back.image_size, tuple)
    assert isinstance(back.model, ModelConfig)


def test_from_dict_keeps_the_defaults_of_what_is_not_named():
    settings = from_dict(TrainConfig, {"epochs": 9, "model": {"num_clusters": 8}})
    assert settings == TrainConfig(epochs=9, model=ModelConfig(num_clusters=8))


def test_the_default_network_is_that_of_the_old_script_in_color():
    model = ModelConfig()
    assert (model.backbone, model.cut_layer, model.num_clusters) == (
        "mobilenetv2", "block_9_add", 16,
    )  # fmt: skip
    assert (model.channels, TrainConfig().image_size) == (3, (240, 320))


def test_photos_have_one_default_size_everywhere():
    """Where a model is given, the default is the model's."""
    kinds = {kind for kind in KINDS if hasattr(kind, "image_size")} - {StreetviewConfig}
    sizes = {kind: kind(**KINDS[kind]).image_size for kind in kinds}
    told = {TrainConfig, TownRenderConfig, ModelRenderConfig}
    assert {sizes[kind] for kind in told} == {(240, 320)}
    assert {sizes[kind] for kind in sizes.keys() - told} == {None}


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_explained_below_its_line(kind):
    parents = [each for each in kind.__mro__ if dataclasses.is_dataclass(each)]
    body = "".join(inspect.getsource(each) for each in parents)
    for field in dataclasses.fields(kind):
        after = body.partition(f"\n    {field.name}: ")[2]
        following = re.search(r'\n    ("""\w|\w+: |def )', after).group(1)
        assert following.startswith('"""'), field.name


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 3


def test_text_becomes_a_path_and_a_list_becomes_a_tuple():
    settings = TrainConfig(out="runs/a", image_size=[64, 96], places=Path("folder:a"))
    assert settings.out == Path("runs/a")
    assert settings.image_size == (64, 96)
    assert settings.places == "folder:a"
    assert DescribeConfig(model="m.keras", out="d.npz").out == Path("d.npz")
    assert ModelConfig(weights=Path("w.npz")).weights == "w.npz"


def test_a_whole_number_may_stand_for_a_fractional_one():
    assert TupleConfig(positive_radius_m=5).positive_radius_m == 5.0
    assert LossConfig("allpair_hinge", margin=1).margin == 1.0


def test_refuses_a_setting_by_its_name_and_by_its_earlier_one():
    with pytest.raises(ValueError, match="`run_dir` is now `out`. Received: both. Remove `run_d"):
        from_dict(TrainConfig, {"out": "a", "run_dir": "b"})


@pytest.mark.parametrize(
    ("kind", "values", "near"),
    [
        (TrainConfig, {"epoch": 3}, "has no setting `epoch`. Did you mean epochs"),
        (TrainConfig, {"model": {"num_cluster": 3}}, "ModelConfig has no setting `num_cluster`"),
        (ModelConfig, {"clusters": 3}, "num_clusters"),
        (ModelRenderConfig, {"xyz": 1}, "no setting `xyz`. It has: "),
    ],
)
def test_refuses_an_unknown_name_and_says_what_is_near(kind, values, near):
    with pytest.raises(ValueError, match=near):
        from_dict(kind, values)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"channels": 0}, r"`channels` must be 3 \(color\) or 1 \(gray\). Received: channels=0"),
        ({"channels": 2}, "Received: channels=2"),
        ({"aggregator": "salad", "aggregator_dim": 0}, "`aggregator_dim` must be at least 1"),
        (
            {"aggregator_dim": 64},
            "only applies to conv_ap, mixvpr and salad, not to netvlad. Received",
        ),
        (
            {"aggregator": "gem", "num_ghost_clusters": 1},
            "`num_ghost_clusters` only applies to netvlad, not to gem",
        ),
        ({"aggregator": "salad", "num_ghost_clusters": 1}, "Received: num_ghost_clusters=1"),
        (
            {"aggregator": "mixvpr", "num_clusters": 8},
            "`num_clusters` only applies to netvlad and salad, not to mixvpr. Received: n",
        ),
        ({"aggregator": "spoc", "normalize_features": False}, "Received: normalize_features=False"),
        ({"num_clusters": 0}, "`num_clusters` must be at least 1"),
        ({"num_ghost_clusters": -1}, "`num_ghost_clusters` must be at least 0"),
        ({"projection_dim": -1}, "`projection_dim` must be at least 0"),
        ({"batch_norm_momentum": 1.5}, "`batch_norm_momentum` must be between 0 and 1"),
        ({"batch_norm_momentum": float("nan")}, "`batch_norm_momentum` must be between"),
        ({"backbone": "resnet"}, "`backbone` must be one of mobilenetv2, mobilenet, vgg16, vgg19"),
        ({"aggregator": "max"}, "`aggregator` must be one of netvlad, gem"),
        ({"cut_layer": 3}, "`cut_layer` must be of type str. Received: cut_layer=3"),
        ({"linear_cut": 1}, "`linear_cut` must be of type bool"),
    ],
)
def test_refuses_an_impossible_network(values, match):
    with pytest.raises(ValueError, match=match):
        ModelConfig(**values)


def test_workers_of_ray_write_to_a_store():
    assert DescribeConfig(model="m.keras", out="shards", ray_workers=2).ray_workers == 2
    with pytest.raises(ValueError, match="`out` must be a store.*`ray_workers`.*d.npz"):
        DescribeConfig(model="m.keras", out="d.npz", ray_workers=2)
    with pytest.raises(ValueError, match="`ray_workers` must be at least 0"):
        DescribeConfig(model="m.keras", ray_workers=-1)


@pytest.mark.parametrize("kind", [DescribeConfig, EvaluateConfig])
@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"image_size": (31, 320)}, "`image_size` must be two whole numbers"),
        ({"model": 3}, "`model` must be of type"),
    ],
)
def test_refuses_impossible_ways_to_describe(kind, values, match):
    with pytest.raises(ValueError, match=match):
        kind(**{"model": "m.keras", **values})


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"dim": 0}, "Give one of `dim` and `rank`, above 0. Received: dim=0, rank=0"),
        ({"rank": 3}, "`rank` must be 0 with `dim`. Received: rank=3"),
        ({"rank": -1}, "`rank` must be at least 0"),
        ({"dim": 0, "rank": 3, "power": 0.5}, "`power` has no effect with dim=0"),
        ({"power": -0.5}, "`power` must be between 0 and 1"),
        ({"max_photos": 1}, "`max_photos` must be at least 2"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"image_size": (31, 320)}, "`image_size` must be two whole numbers"),
    ],
)
def test_refuses_impossible_whitening(values, match):
    with pytest.raises(ValueError, match=match):
        WhitenModelConfig(**{"places": "folder:a", "dim": 8, **values})


def test_refuses_an_impossible_radius_or_town():
    with pytest.raises(ValueError, match="`radius_m` must be at least 0"):
        EvaluateConfig(model="m.keras", radius_m=-1.0)
    with pytest.raises(ValueError, match="`seed` must be at least 0"):
        TownRenderConfig(seed=-1)
    with pytest.raises(ValueError, match="`image_size` must be two whole numbers"):
        ModelRenderConfig(image_size=(8, 8))


def test_refuses_settings_of_another_type_from_json():
    with pytest.raises(ValueError, match="`model` must be of type ModelConfig. Received: model=5"):
        from_dict(TrainConfig, {"model": 5})
    with pytest.raises(ValueError, match="`epochs` must be of type int. Received: epochs=None"):
        from_dict(TrainConfig, {"epochs": None})


def test_importing_the_settings_imports_neither_keras_nor_anything_else():
    code = (
        "import sys; before = {name.partition('.')[0] for name in sys.modules};"
        "import placevec.config;"
        "new = {name.partition('.')[0] for name in sys.modules} - before;"
        "print(sorted(new - sys.stdlib_module_names))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    # wrapt waits for the first import of keras.
    assert answer.stdout.strip() == "['placevec', 'wrapt']"


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({}, "Give one area: `bbox`, `polygon`, `points`, `track`, `pano_ids`. Received: none"),
        ({"track": "a.gpx", "pano_ids": "b"}, "Received: track and pano_ids"),
        ({"bbox": (1.0, 0.0, 0.0, 1.0)}, "`bbox` must be south, west, north, east"),
        ({"bbox": (0.0, 170.0, 1.0, 190.0)}, "`bbox` must be south, west, north, east"),
        ({"bbox": (0.0, 0.0, 1.0)}, "`bbox` must be of type tuple"),
        ({"from_date": "2019-5-1"}, "`from_date` must be a date, YYYY-MM-DD"),
        ({"to_date": "20190501"}, "`to_date` must be a date, YYYY-MM-DD"),
        ({"max_requests": 0}, "`max_requests` must be at least 1"),
        ({"requests_per_second": 0.0}, "`requests_per_second` must be larger than 0"),
        ({"image_size": (480, 641)}, "`image_size` must be 640 rows and columns at most"),
        ({"num_headings": 0}, "`num_headings` must be between 1 and 360"),
        ({"num_headings": 361}, "`num_headings` must be between 1 and 360"),
        ({"fov_deg": 130.0}, "`fov_deg` must be between 10 and 120"),
        ({"base_url": "http://example.org"}, "`base_url` must be an https address"),
        ({"base_url": "maps.googleapis.com"}, "`base_url` must be an https address"),
    ],
)
def test_refuses_collecting_settings_that_make_no_sense(values, match):
    area = {} if not values or {"bbox", "track"} & values.keys() else {"points": "a.csv"}
    with pytest.raises(ValueError, match=match):
        StreetviewConfig(**area, **values)


def test_a_box_may_be_of_whole_numbers_and_a_path_of_text():
    assert StreetviewConfig(bbox=[1, 2, 3, 4]).bbox == (1, 2, 3, 4)
    assert MapillaryConfig(track="a.gpx").track == Path("a.gpx")


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"by": "street"}, "`by` must be one of area, sequence, time"),
        ({"val_share": -0.1}, "`val_share` must be at least 0"),
        ({"val_share": 0.6, "test_share": 0.4}, "add up to more than 0 and less than 1"),
        ({"val_share": 0.0, "test_share": 0.0}, "Received: val_share=0.0, test_share=0.0"),
        ({"buffer_m": -1.0}, "`buffer_m` must be at least 0"),
        ({"query_share": 1.0}, "`query_share` must be above 0 and below 1"),
        ({"duplicate_bits": 32}, "`duplicate_bits` must be between 0 and 31"),
        ({"max_similarity": 0.9}, "`max_similarity` has no effect without a `model`"),
        ({"model": "m.keras", "max_similarity": 1.5}, "`max_similarity` must be between 0 and 1"),
    ],
)
def test_refuses_an_impossible_split(values, match):
    with pytest.raises(ValueError, match=match):
        SplitConfig(**values)


def test_a_path_that_may_be_none_is_made_of_text():
    assert SplitConfig(model="m.keras").model == Path("m.keras")
    assert SplitConfig().model is None


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"radius_m": -1}, "`radius_m` must be at least 0"),
        ({"buffer_m": -1}, "`buffer_m` must be at least 0"),
        ({"max_speed_m_s": 0}, "`max_speed_m_s` must be larger than 0"),
        ({"duplicate_bits": 32}, "`duplicate_bits` must be between 0 and 31"),
        ({"samples": 51}, "`samples` must be between 0 and 50"),
        ({"num_workers": 0}, "`num_workers` must be at least 1"),
    ],
)
def test_refuses_checks_that_make_no_sense(values, match):
    with pytest.raises(ValueError, match=match):
        CheckConfig(**values)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"kind": "tree"}, "`kind` must be one of flat, sq8, hnsw, ivf_pq"),
        ({"kind": "sq8", "auto": True}, "Choose one of `auto` and `kind`"),
        ({"memory_mb": 5.0}, "`memory_mb` has no effect without `auto`"),
        ({"auto": True, "memory_mb": 0.0}, "`memory_mb` must be larger than 0"),
        ({"recall": 1.1}, "`recall` must be between 0 and 1"),
        ({"sample": 1}, "`sample` must be at least 2"),
    ],
)
def test_refuses_an_impossible_index(values, match):
    with pytest.raises(ValueError, match=match):
        IndexConfig(**values)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"matches": 0}, "`matches` must be at least 1"),
        ({"radius_m": -1.0}, "`radius_m` must be at least 0"),
        ({"of": (1.0, 2.0)}, "`of` has no effect without `radius_m`"),
        ({"out": "found.pdf"}, "Received: out=found.pdf$"),
    ],
)
def test_refuses_an_impossible_search(values, match):
    with pytest.raises(ValueError, match=match):
        SearchConfig(model="m.keras", **values)
