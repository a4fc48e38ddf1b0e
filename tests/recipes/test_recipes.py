"""Recipes: each trains on a synthetic data set of its format, with a network of seconds."""

import dataclasses
import math
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from placevec.cli import main
from placevec.config import TrainConfig, changed
from placevec.models import build_descriptor_model
from placevec.recipes import RECIPES, recipe
from placevec.training.run_files import read_history

SIZE = (32, 48)
SMALL_BACKBONE = {
    "backbone": "mobilenetv2", "cut_layer": "Conv1_relu", "linear_cut": False,
    "weights": "none",
}  # fmt: skip
SMALL = {
    "image_size": SIZE, "batch_size": 2, "steps_per_epoch": 2, "epochs": 1, "warmup_steps": 0,
    "train_from_layer": None, "whiten_dim": 0, "validate_every": 1, "halve_every": 0,
    "num_hard_negatives": 0,
}  # fmt: skip


def write_photo(path, place, visit):
    path.parent.mkdir(parents=True, exist_ok=True)
    texture = np.random.default_rng(place).integers(0, 256, (6, 8, 3), np.uint8)
    photo = np.roll(cv2.resize(texture, SIZE[::-1]), visit, axis=1)
    cv2.imwrite(str(path), photo)


def write_tables(data):
    for split, first in (("train", 0), ("val", 100)):
        lines = ["file,lat,lon,heading_deg"]
        for place in range(8):
            for visit in range(2):
                write_photo(data / split / f"{place}_{visit}.jpg", first + place, visit)
                north = 52.0 + (first + 10 * place) * 1e-4 + visit * 3e-5
                lines.append(f"{place}_{visit}.jpg,{north},0.1,90")
        (data / split / "images.csv").write_text("\n".join(lines))


def write_cutouts(data):
    for split, first in (("train", 0), ("val", 100)):
        for place in range(8):
            for yaw in (1, 2, 3):
                name = f"000/{place:06d}_pitch1_yaw{yaw}.jpg"
                write_photo(data / split / name, first + place, yaw)


def write_gsv_cities(data):
    columns = "place_id,year,month,northdeg,city_id,lat,lon,panoid"
    for split, cities, first in (("train", ("PRS", "Osaka"), 0), ("val", ("Lisbon",), 200)):
        for number, city in enumerate(cities):
            lines = [columns]
            for place in range(4):
                for visit in range(3):
                    lines.append(f"{place},{2010 + visit},7,{90 * visit},{city},48.5,{place}.25,p")
                    name = f"{city}_{place:07d}_{2010 + visit}_07_{90 * visit:03d}_48.5_{place}.25"
                    path = data / split / "Images" / city / f"{name}_p.jpg"
                    write_photo(path, first + 100 * number + place, visit)
            table = data / split / "Dataframes" / f"{city}.csv"
            table.parent.mkdir(exist_ok=True)
            table.write_text("\n".join(lines))


def write_dbstructs(data, prefix, times):
    for split, first in (("train", 0), ("val", 100)):
        names, positions = [], []
        for place in range(8):
            for visit in range(2):
                names.append(f"{split}/{place}_{visit}.jpg")
                write_photo(data / "images" / names[-1], first + place, visit)
                positions.append([100.0 * place, 1000.0 * first + 5.0 * visit])
        files = np.array(names, object)[:, None]
        utm = np.array(positions).T
        struct = {
            "whichSet": split, "dbImageFns": files, "utmDb": utm, "qImageFns": files, "utmQ": utm,
            "numImages": float(len(names)), "numQueries": float(len(names)),
            "posDistThr": 25.0, "posDistSqThr": 625.0, "nonTrivPosDistSqThr": 100.0,
        }  # fmt: skip
        if times:
            stamps = np.tile([200907.0, 201309.0], 8)[None]
            struct |= {"dbTimeStamp": stamps, "qTimeStamp": stamps}
        path = data / "dbstruct" / f"{prefix}_{split}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, {"dbStruct": struct})


MADE = {
    "cartwheel_mobilenetv2": write_cutouts,
    "dinov2_netvlad": write_gsv_cities,
    "gsv_cities_multisimilarity": write_gsv_cities,
    "lite0_netvlad": write_tables,
    "netvlad_pitts30k": lambda data: write_dbstructs(data, "pitts30k", times=False),
    "netvlad_tokyotm": lambda data: write_dbstructs(data, "tokyoTM", times=True),
}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_trains_on_a_made_set_of_its_format(name, tmp_path, quick_training):
    from placevec.training import train

    MADE[name](tmp_path)
    config = recipe(name, tmp_path)
    model = dataclasses.replace(config.model, **SMALL_BACKBONE)
    tuples = config.tuples
    config = changed(
        config, **SMALL, model=model, out=tmp_path / "run",
        num_positives=min(tuples.num_positives, 2), num_negatives=min(tuples.num_negatives, 2),
        whiten_rank=min(config.whitening.rank, 2),
    )  # fmt: skip
    if config.mining.mining == "paper":
        config = changed(config, mining_pool=4)
    train(config)
    assert (tmp_path / "run" / "model.keras").exists()
    [row] = read_history(tmp_path / "run")
    assert math.isfinite(float(row["loss"]))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_names_layers_of_its_network(name):
    config = recipe(name, Path("data"))
    model = dataclasses.replace(config.model, weights="none")
    network = build_descriptor_model(model, (64, 64))
    assert config.optimizer.train_from_layer in {None, *(layer.name for layer in network.layers)}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_says_how_it_is_run_and_what_was_measured(name):
    text = sys.modules[f"placevec.recipes.{name}"].__doc__
    assert f"placevec train --recipe {name} --data DATA" in text
    assert "Data:" in text
    assert re.search(r"Measured|did\s+not\s+measure", text)
    assert recipe(name, Path("data")).out == Path("runs") / name


@pytest.fixture
def trained(monkeypatch):
    configs = []
    monkeypatch.setattr("placevec.training.train", lambda config, **_: configs.append(config))
    return configs


def test_flags_go_over_a_recipe(trained, tmp_path):
    main(["train", "--recipe", "lite0_netvlad", "--data", str(tmp_path), "--epochs", "9"])
    expected = dataclasses.replace(recipe("lite0_netvlad", tmp_path), epochs=9)
    assert trained == [expected]
    assert expected != TrainConfig()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--recipe", "lite0_netvla", "--data", "x"], "Did you mean lite0_netvlad?"),
        (["--recipe", "lite0_netvlad"], "go together"),
        (["--data", "x"], "go together"),
        (["--recipe", "lite0_netvlad", "--data", "x", "--config", "y"], "go together"),
        (["--recipe"], "`--recipe` needs cartwheel_mobilenetv2,"),
    ],
)
def test_refuses_half_a_recipe(trained, capsys, arguments, line):
    with pytest.raises(SystemExit) as caught:
        main(["train", *arguments])
    assert caught.value.code == 2
    assert line in capsys.readouterr().err
    assert not trained
