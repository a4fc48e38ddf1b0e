import json
from pathlib import Path

import pytest

from placevec.cli import main
from placevec.config import ModelConfig, TrainConfig, changed, to_dict


@pytest.mark.parametrize("form", ["--config {}", "--config={}"])
def test_flags_go_over_a_settings_file_and_that_over_defaults(trained, tmp_path, form):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"epochs": 9, "seed": 5, "model": {"num_clusters": 8}}))
    main(["train", "--seed", "7", *form.format(path).split(), "--model.cut-layer", "block_2_add"])
    model = ModelConfig(num_clusters=8, cut_layer="block_2_add")
    assert trained == [TrainConfig(epochs=9, seed=7, model=model)]


def test_the_record_of_a_run_is_a_settings_file(trained, tmp_path):
    """But what that run was told to do with its folder does not hold for the next one."""
    record = changed(
        TrainConfig(),
        out=Path("runs/a"), overwrite=True, max_heading_difference_deg=30.0, margin=0.2,
        loss="triplet_ranking", num_negatives=5,
        model=ModelConfig(aggregator="gem", channels=1),
    )  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(to_dict(record)))
    main(["train", "--config", str(tmp_path / "config.json"), "--resume"])
    expected = to_dict(record) | {"overwrite": False, "resume": True}
    assert [to_dict(config) for config in trained] == [expected]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"epoch": 3}', "TrainConfig has no setting `epoch`. Did you mean epochs"),
        ('{"epochs": "many"}', "`epochs` must be of type int. Received: epochs='many'"),
        ('{"epochs": -1}', "`epochs` must be at least 0"),
        ("epochs: 3", "run.json must be JSON. Received: Expecting value in line 1"),
        ("[1, 2]", "run.json must hold settings by name. Received: list"),
        ("[" * 100_000, "run.json must nest at most 100 levels"),
        ('{"model": ' * 5_000 + "1" + "}" * 5_000, "run.json must nest at most 100 levels"),
        ('{"model": []}', "`model` must be of type ModelConfig"),
        ('{"epochs": 3, "epochs": 4}', "the name 'epochs' twice"),
    ],
)
def test_refuses_a_bad_settings_file(trained, tmp_path, refused_in_one_line, text, match):
    (tmp_path / "run.json").write_text(text)
    assert match in refused_in_one_line(["train", "--config", tmp_path / "run.json"])
    assert trained == []


@pytest.mark.parametrize("text", ["[]", '{"settings": [1]}', '{"settings": 3}'])
def test_refuses_a_record_of_a_rendering_without_settings(tmp_path, refused_in_one_line, text):
    (tmp_path / "world.json").write_text(text)
    line = refused_in_one_line(["render", "town", "--config", tmp_path / "world.json"])
    assert "world.json must hold settings by name. Received: " in line


def test_refuses_a_settings_file_that_is_not_there(trained, tmp_path, refused_in_one_line):
    line = refused_in_one_line(["train", "--config", tmp_path / "run.json"])
    assert line == f"placevec: There is no settings file {tmp_path / 'run.json'}"
    assert "`--config` needs FILE" in refused_in_one_line(["train", "--config"])
