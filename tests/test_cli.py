import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from placevec.cli import flags_over, main, one_line_errors
from placevec.config import ModelConfig, RenderConfig, TrainConfig, to_dict
from placevec.layers import GeM, PixelScaling
from placevec.models import load_model, model_id, open_engine, save_model
from placevec.models.engines import ENGINES
from placevec.retrieval import DescriptorStore, describe_in_batches, load_descriptors

VERBS = {
    "train": ["--places", "--validation", "--run-dir", "--model.backbone", "--resume"],
    "describe": ["PHOTOS", "--model", "--out", "--image-size", "--engine", "--precision"],
    "index": ["STORE", "--kind", "--auto", "--recall", "--memory-mb"],
    "search": ["STORE", "PHOTOS", "--model", "--matches", "--within-m", "--of", "--before"],
    "remove": ["STORE", "NAMES", "--compact"],
    "evaluate": ["READER:PATH", "--model", "--radius-m", "--json"],
    "whiten": ["MODEL", "--places", "--dim", "--rank", "--out", "--power", "--max-photos"],
    "crop": ["MODEL", "--dim", "--out"],
    "check": ["PATH", "--out", "--quick", "--radius-m", "--max-speed-m-s", "--samples"],
    "render": ["--out", "--seed"],
    "collect": ["streetview", "mapillary"],
    "split": ["READER:PATH", "--by", "--val-share", "--buffer-m", "--model", "--overwrite"],
    "info": ["MODEL", "--image-size"],
}
COLORS = [(250, 0, 0), (240, 10, 0), (0, 250, 0), (0, 240, 10), (0, 0, 250), (10, 0, 240)]


@pytest.fixture(autouse=True)
def keep_logging_as_it_is():
    levels = {
        name: logging.getLogger(name).level
        for name in ("absl", "faiss", "jax", "tensorflow", "tf2onnx")
    }
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(scale=1 / 255, name="pixels")(photos)
    path = tmp_path_factory.mktemp("model") / "m.keras"
    save_model(keras.Model(photos, GeM(name="aggregator")(x)), path)
    return path


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A folder with three places, 100 m apart, of two photos of alike color each."""
    folder = tmp_path_factory.mktemp("places")
    for number, color in enumerate(COLORS):
        pixels = np.full((40, 60, 3), color, np.uint8)
        east = 100 * (number // 2) + number % 2
        cv2.imwrite(str(folder / f"@{east}@0@.jpg"), pixels[..., ::-1])
    return folder


@pytest.fixture
def trained(monkeypatch):
    """Settings that the training was called with, in place of a training."""
    calls = []
    monkeypatch.setattr("placevec.training.train", lambda config, **_: calls.append(config))
    return calls


def refused(arguments, capsys):
    """Returns what a refused command writes to standard error."""
    with pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    assert caught.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert "Traceback" not in written.err
    return written.err


def refused_in_one_line(arguments, capsys):
    lines = refused(arguments, capsys).splitlines()
    lines = [line for line in lines if line.startswith("placevec: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_what_a_verb_takes(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for flag in VERBS[verb]:
        assert flag in text
    assert "usage: placevec " + verb in text


def test_help_names_every_verb_and_the_backends(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for word in (*VERBS, "KERAS_BACKEND"):
        assert word in text


def test_help_answers_without_importing_keras():
    code = (
        "import runpy, sys\n"
        "sys.argv = ['placevec', *sys.argv[1:]]\n"
        "try: runpy.run_module('placevec', run_name='__main__')\n"
        "except SystemExit as leave: assert not leave.code\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'faiss', 'cv2', 'pandas', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    for arguments in (["--help"], ["train", "--help"]):
        answer = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        assert answer.stdout.startswith("usage: placevec")
        assert answer.stdout.splitlines()[-1] == "[]"


def test_an_error_is_one_line_on_standard_error_and_nothing_else(tmp_path):
    """Also where TensorFlow is imported, which likes to write lines of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "placevec", "info", str(tmp_path / "gone.keras")],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr == f"placevec: There is no model {tmp_path / 'gone.keras'}\n"


def test_train_takes_the_forms_of_the_documentation(trained):
    main("train --places folder:a --validation table:b.csv --run-dir runs/x --resume "
         "--model.num-clusters 8 --model.backbone vgg16 --image-size 48 64".split())  # fmt: skip
    assert trained == [
        TrainConfig(
            places="folder:a",
            validation="table:b.csv",
            run_dir=Path("runs/x"),
            resume=True,
            model=ModelConfig(num_clusters=8, backbone="vgg16"),
            image_size=(48, 64),
        )
    ]


def test_train_without_flags_takes_every_default(trained):
    main(["train"])
    assert trained == [TrainConfig()]


@pytest.mark.parametrize("form", ["--config {}", "--config={}"])
def test_flags_go_over_a_settings_file_and_that_over_defaults(trained, tmp_path, form):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"epochs": 9, "seed": 5, "model": {"num_clusters": 8}}))
    main(["train", "--seed", "7", *form.format(path).split(), "--model.cut-layer", "block_2_add"])
    model = ModelConfig(num_clusters=8, cut_layer="block_2_add")
    assert trained == [TrainConfig(epochs=9, seed=7, model=model)]


def test_the_record_of_a_run_is_a_settings_file(trained, tmp_path):
    """But what that run was told to do with its folder does not hold for the next one."""
    record = TrainConfig(
        run_dir=Path("runs/a"), overwrite=True, max_heading_difference_deg=30.0, margin=0.2,
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
        ('{"epoch": 3}', "TrainConfig has no setting `epoch`. Near it: epochs"),
        ('{"epochs": "many"}', "`epochs` must be of type int. Received: epochs='many'"),
        ('{"epochs": 0}', "`epochs` must be at least 1"),
        ("epochs: 3", "run.json is not JSON"),
        ("[1, 2]", "run.json must hold settings by name. Received: list"),
    ],
)
def test_refuses_a_bad_settings_file(trained, tmp_path, capsys, text, match):
    (tmp_path / "run.json").write_text(text)
    assert match in refused_in_one_line(["train", "--config", tmp_path / "run.json"], capsys)
    assert trained == []


def test_refuses_a_settings_file_that_is_not_there(trained, tmp_path, capsys):
    line = refused_in_one_line(["train", "--config", tmp_path / "run.json"], capsys)
    assert line == f"placevec: There is no settings file {tmp_path / 'run.json'}"
    assert "`--config` needs a file" in refused_in_one_line(["train", "--config"], capsys)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["train", "--learning-rat", "0.1"], "--learning-rate"),
        (["train", "--epoch", "3"], "--epochs"),  # no abbreviations
        (["train", "--model.num-cluster", "3"], "--model.num-clusters"),
        (["describe", "photos", "--model", "m.keras", "--image-siz", "48", "64"], "--image-size"),
        (["evaluate", "folder:x", "--model", "m.keras", "--radius", "3"], "--radius-m"),
        (["render", "--seeds", "3"], "--seed"),
        (["trian"], "train"),
        (["train", "--loss", "hinge"], "allpair_hinge"),
    ],
)
def test_refuses_an_unknown_word_and_says_what_is_near(trained, capsys, arguments, near):
    assert near in refused(arguments, capsys)
    assert trained == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["describe"], ["evaluate", "folder:x"], ["info"], ["train", "--image-size", "48"],
     ["train", "--epochs", "few"]],
)  # fmt: skip
def test_refuses_a_command_that_is_not_whole(trained, capsys, arguments):
    assert refused(arguments, capsys)
    assert trained == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "--epochs", "0"], "placevec: `epochs` must be at least 1. Received: epochs=0"),
        (
            ["train", "--resume", "--overwrite"],
            "placevec: Choose one of `resume` and `overwrite`. Received: both",
        ),
    ],
)
def test_refuses_an_impossible_setting_in_one_line(trained, capsys, arguments, line):
    assert refused_in_one_line(arguments, capsys) == line
    assert trained == []


@pytest.mark.parametrize("reader", ["", "folder:"])
def test_describe_writes_names_descriptors_and_the_models_id(
    places, model_path, tmp_path, capsys, reader
):
    out = tmp_path / "d.npz"
    main(["describe", f"{reader}{places}", "--model", str(model_path), "--out", str(out),
          "--image-size", "32", "48", "--engine", "keras"])  # fmt: skip
    names, descriptors, identity = load_descriptors(out)
    assert names.tolist() == sorted(path.name for path in places.iterdir())
    assert descriptors.shape == (6, 3)
    assert descriptors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1.0, atol=1e-5)
    assert identity == model_id(load_model(model_path))
    assert capsys.readouterr().out == (
        f"6 descriptors of 3 numbers in {out}, photos resized to 32x48; keras, float32\n"
    )


def test_describe_hands_its_settings_to_the_workers_of_ray(
    places, model_path, tmp_path, capsys, monkeypatch
):
    """Without Ray: this process opens the model and describes."""
    asked = []

    def without_ray(open_model, paths, *, num_workers, **settings):
        options = open_model.keywords
        asked.append((num_workers, settings["batch_size"], options["engine"], options["threads"]))
        return describe_in_batches(open_model(), paths, **settings)

    monkeypatch.setattr("placevec.retrieval.describe_by_ray", without_ray)
    monkeypatch.setattr("placevec.models.num_cores", lambda: 5)
    out = tmp_path / "store"
    main(["describe", str(places), "--model", str(model_path), "--out", str(out),
          "--ray-workers", "2", "--batch-size", "4", "--image-size", "32", "48"])  # fmt: skip
    store = DescriptorStore.open(out)
    ((*numbers, engine, threads),) = asked
    assert (numbers, threads) == ([2, 4], 2) and engine in ENGINES  # of five cores, not "auto"
    assert store.table()["name"].tolist() == sorted(path.name for path in places.iterdir())
    assert "6 of them new" in capsys.readouterr().out


def test_a_store_is_described_indexed_searched_and_shortened(places, model_path, tmp_path, capsys):
    store, model = tmp_path / "store", ["--model", str(model_path)]
    photos = f"folder:{places}"
    describe = ["describe", photos, *model, "--out", str(store), "--image-size", "32", "48"]
    main(describe)
    line = f"6 descriptors of 3 numbers in {store}, 6 of them new, photos resized to 32x48; "
    assert capsys.readouterr().out.startswith(line)
    main(describe)
    assert "0 of them new" in capsys.readouterr().out
    main(["index", str(store), "--auto", "--recall", "0.5"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "measured on 6 of 6 photos, each without itself:"
    assert re.match(rf"\w+ of 6 photos in {store}: recall@10 \d", lines[-1])
    main(["index", str(store), "--kind", "hnsw"])
    assert capsys.readouterr().out.startswith(f"hnsw of 6 photos in {store}: recall@10 1.000, ")
    main(["search", str(store), photos, *model, "--matches", "1", "--within-m", "5"])
    rows = [row.split(",") for row in capsys.readouterr().out.splitlines()]
    assert rows[0][:4] == ["query", "rank", "match", "similarity"]
    assert {row[0]: row[2] for row in rows[1:]} == {
        f"@{100 * place + side}@0@.jpg": f"@{100 * place + 1 - side}@0@.jpg"
        for place in range(3) for side in range(2)
    }  # fmt: skip
    main(["remove", str(store), "@0@0@.jpg", "--compact"])
    assert capsys.readouterr().out == f"5 photos in {store}, 1 removed\n"
    assert not list(store.glob("index*"))
    main(["search", str(store), photos, *model, "--matches", "1"])
    assert len(capsys.readouterr().out.splitlines()) == 7
    with DescriptorStore.open(store, writable=True):
        assert "Another process writes to" in refused_in_one_line(["index", store], capsys)
    names = DescriptorStore.open(store).table()["name"].tolist()
    main(["remove", str(store), *names[1:]])
    capsys.readouterr()
    assert "must have 2 photos. Received: 1" in refused_in_one_line(["index", store], capsys)


def test_a_store_is_searched_in_the_precision_it_was_described_in(
    places, model_path, tmp_path, capsys, monkeypatch
):
    store, model = tmp_path / "s", ["--model", str(model_path)]
    describe = ["describe", str(places), *model, "--out", str(store), "--image-size", "32", "48"]
    main([*describe, "--engine", "keras", "--precision", "bf16"])
    capsys.readouterr()
    assert "two precisions do not mix" in refused_in_one_line(describe, capsys)
    opened = []

    def open_keras(path, **options):
        opened.append(options["precision"])
        return open_engine(path, engine="keras", **options)

    monkeypatch.setattr("placevec.models.open_engine", open_keras)
    main(["search", str(store), str(places), *model, "--matches", "1"])
    assert opened == ["bf16"]


def test_a_store_refuses_another_model(places, model_path, tmp_path, capsys):
    main(["describe", str(places), "--model", str(model_path), "--out", str(tmp_path / "s"),
          "--image-size", "32", "48"])  # fmt: skip
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(scale=1 / 127, name="pixels")(photos)
    save_model(keras.Model(photos, GeM(name="aggregator")(x)), tmp_path / "other.keras")
    capsys.readouterr()
    command = ["describe", places, "--model", tmp_path / "other.keras", "--out", tmp_path / "s"]
    assert "Vectors of two models do not mix" in refused_in_one_line(command, capsys)
    command = ["search", tmp_path / "s", places, "--model", tmp_path / "other.keras"]
    assert "Vectors of two models do not mix" in refused_in_one_line(command, capsys)


def test_describe_leaves_out_what_cannot_be_read(places, model_path, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    (tmp_path / "b.jpg").write_bytes(next(places.iterdir()).read_bytes())
    out = tmp_path / "d.npz"
    main(["describe", str(tmp_path), "--model", str(model_path), "--out", str(out),
          "--engine", "keras"])  # fmt: skip
    assert load_descriptors(out)[0].tolist() == ["b.jpg"]


def test_describe_refuses_an_impossible_output_before_the_long_work(places, tmp_path, capsys):
    """The model is not there either: it would have been read next."""
    command = ["describe", places, "--model", tmp_path / "gone.keras", "--out"]
    line = refused_in_one_line([*command, tmp_path / "gone" / "d.npz"], capsys)
    assert line == f"placevec: There is no folder {tmp_path / 'gone'} for d.npz. Make it"
    line = refused_in_one_line([*command, tmp_path / "d.txt"], capsys)
    assert "ends in .npz. Received" in line


@pytest.mark.parametrize(
    ("photos", "match"),
    [
        ("gone", "There is no folder gone. Give one, or READER:PATH"),
        ("foldr:x", "Did you mean folder:"),
        ("folder:gone", "gone"),
    ],
)
def test_describe_refuses_photos_that_are_not_there(model_path, tmp_path, capsys, photos, match):
    command = ["describe", photos, "--model", model_path, "--out", tmp_path / "d.npz"]
    assert match in refused_in_one_line(command, capsys)


def test_describe_refuses_a_model_that_is_none(places, tmp_path, capsys):
    (tmp_path / "m.keras").write_bytes(b"text")
    command = ["describe", places, "--model", tmp_path / "m.keras", "--out", tmp_path / "d.npz"]
    assert "m.keras cannot be loaded as a model" in refused_in_one_line(command, capsys)


def test_evaluate_prints_json_of_exactly_these_keys(places, model_path, capsys):
    main(["evaluate", f"folder:{places}", "--model", str(model_path), "--radius-m", "25", "--json",
          "--image-size", "32", "48", "--engine", "keras"])  # fmt: skip
    assert json.loads(capsys.readouterr().out) == {
        "recall": {"1": 1.0, "5": 1.0, "10": 1.0},
        "num_queries": 6,
        "num_queries_without_positive": 0,
        "num_database": 6,
        "descriptor_dim": 3,
    }


def test_evaluate_prints_a_table(places, model_path, capsys):
    main(["evaluate", f"folder:{places}", "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras"])  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        "recall@1   100.0 %",
        "recall@5   100.0 %",
        "recall@10  100.0 %",
        "num queries: 6",
        "num queries without positive: 0",
        "num database: 6",
        "descriptor dim: 3",
        "radius 25, photos resized to 32x48",
        "keras, float32",
    ]


def test_evaluate_prints_what_a_precision_costs(places, model_path, capsys):
    command = ["evaluate", f"folder:{places}", "--model", str(model_path), "--image-size", "32",
               "48", "--engine", "keras", "--precision", "bf16"]  # fmt: skip
    main(command)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "recall@1   100.0 %  (float32: 100.0 %)"
    assert lines[-1].startswith("keras, bf16: least cosine ")
    main([*command, "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert summary["float32_recall"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert summary["precision"] == "bf16"
    assert 0.99 < summary["least_cosine"] < 1.0000001


def test_describe_takes_the_engine_asked_for(places, model_path, tmp_path, capsys):
    if keras.backend.backend() != "tensorflow" or ENGINES["openvino"].missing(exporting=True):
        pytest.skip("needs openvino, and Keras on TensorFlow for the export")
    found = {}
    for engine in ("keras", "openvino"):
        out = tmp_path / f"{engine}.npz"
        main(["describe", str(places), "--model", str(model_path), "--out", str(out),
              "--image-size", "32", "48", "--engine", engine])  # fmt: skip
        assert f"; {engine}, float32" in capsys.readouterr().out
        found[engine] = load_descriptors(out)
    np.testing.assert_array_equal(found["keras"][0], found["openvino"][0])
    np.testing.assert_allclose(found["keras"][1], found["openvino"][1], rtol=0, atol=1e-5)
    assert found["keras"][2] == found["openvino"][2]


def test_refuses_an_engine_that_there_is_not(places, model_path, capsys):
    command = ["describe", places, "--model", model_path, "--engine", "tensorrt"]
    assert "openvino" in refused(command, capsys)


def test_evaluate_refuses_a_radius_without_any_answer(places, model_path, capsys):
    command = ["evaluate", f"folder:{places}", "--model", model_path, "--radius-m", "0.5"]
    assert "6 queries, 6 database photos" in refused_in_one_line(command, capsys)


def test_evaluate_stops_at_unreadable_photos_unless_told(places, model_path, tmp_path, capsys):
    for path in places.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "@201@0@.jpg").write_bytes(b"no photo")
    command = ["evaluate", f"folder:{tmp_path}", "--model", str(model_path), "--json",
               "--engine", "keras"]  # fmt: skip
    assert "1 of 6 photos" in refused_in_one_line(command, capsys)
    main([*command, "--skip-unreadable"])
    summary = json.loads(capsys.readouterr().out)
    assert (summary["num_queries"], summary["num_queries_without_positive"]) == (5, 1)


def test_whiten_and_crop_write_models_of_fewer_numbers(places, model_path, tmp_path, capsys):
    whitened, cropped = tmp_path / "w.keras", tmp_path / "c.keras"
    main(["whiten", str(model_path), "--places", f"folder:{places}", "--dim", "2",
          "--out", str(whitened), "--image-size", "32", "48", "--power", "0.5"])  # fmt: skip
    assert capsys.readouterr().out == f"model with descriptors of 2 numbers in {whitened}\n"
    assert load_model(whitened).output_shape == (None, 2)
    main(["crop", str(whitened), "--dim", "1", "--out", str(cropped)])
    assert capsys.readouterr().out == f"model with descriptors of 1 numbers in {cropped}\n"
    assert load_model(cropped).output_shape == (None, 1)
    main(["info", str(whitened), "--image-size", "10", "20"])
    assert "whitening" in capsys.readouterr().out


def test_whiten_hands_every_setting_on(places, model_path, tmp_path, monkeypatch):
    calls = []

    def spy(model, dataset, dim, **options):
        calls.append((len(dataset), dim, options))
        return model

    monkeypatch.setattr("placevec.training.whiten", spy)
    main(["whiten", str(model_path), "--places", f"folder:{places}", "--dim", "2", "--power", "0.5",
          "--augmentation", "light", "--max-photos", "5", "--image-size", "32", "48",
          "--batch-size", "3", "--seed", "4", "--skip-unreadable",
          "--out", str(tmp_path / "w.keras")])  # fmt: skip
    ((num_photos, dim, options),) = calls
    options.pop("progress")
    assert (num_photos, dim) == (6, 2)
    assert options == {
        "rank": 0, "power": 0.5, "augmentation": "light", "max_photos": 5, "image_size": (32, 48),
        "batch_size": 3, "seed": 4, "skip_unreadable": True,
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["whiten", "crop"])
def test_whiten_and_crop_refuse_an_impossible_output_before_the_long_work(verb, tmp_path, capsys):
    command = [verb, tmp_path / "gone.keras", "--dim", "2", "--out", tmp_path / "w.h5"]
    command += ["--places", "folder:gone"] if verb == "whiten" else []
    assert "ends in .keras. Received" in refused_in_one_line(command, capsys)


def test_crop_refuses_a_model_without_whitening(model_path, tmp_path, capsys):
    command = ["crop", model_path, "--dim", "2", "--out", tmp_path / "c.keras"]
    assert "must end in whitening to be cropped" in refused_in_one_line(command, capsys)


def test_render_takes_a_world_a_folder_and_a_seed(monkeypatch):
    calls = []
    rendering = pytest.importorskip("placevec.rendering")
    monkeypatch.setattr(
        rendering, "render", lambda world, settings, **_: calls.append((world, settings))
    )
    main(["render", "hall.obj", "--out", "data/x", "--seed", "3"])
    main(["render"])
    assert calls == [
        ("hall.obj", RenderConfig(out=Path("data/x"), seed=3)),
        ("town", RenderConfig()),
    ]


def test_info_prints_layers_and_totals(model_path, capsys):
    main(["info", str(model_path), "--image-size", "10", "20"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "layer", "photos", "pixels", "aggregator", "parameters", "memory", "FLOPs",
    ]  # fmt: skip
    assert lines[2].split()[2] == "10x20x3"


def test_info_takes_an_old_model(shared_data, capsys):
    path = shared_data("weights", "cartwheel", "mobilenetv2_block9_k16_color_240x320.h5")
    main(["info", str(path)])
    assert "parameters  250,832 (" in capsys.readouterr().out


def test_info_refuses_a_size_of_nothing(model_path, capsys):
    command = ["info", model_path, "--image-size", "0", "64"]
    assert "at least 1. Received: image_size=(0, 64)" in refused_in_one_line(command, capsys)


def test_flags_go_over_the_constants_of_a_script(capsys):
    constants = TrainConfig(epochs=30, model=ModelConfig(num_clusters=4))
    assert flags_over(constants, []) == constants
    changed = flags_over(constants, ["--epochs", "2", "--model.cut-layer", "block_2_add"])
    assert changed == TrainConfig(
        epochs=2, model=ModelConfig(num_clusters=4, cut_layer="block_2_add")
    )
    with pytest.raises(SystemExit) as caught:
        flags_over(constants, ["--epoch", "2"])
    assert caught.value.code == 2
    assert "--epochs" in capsys.readouterr().err


class Stopped(KeyboardInterrupt):
    signal_number = 15


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("first\n  second"), 2, "placevec: first second"),
        (FileNotFoundError("There is no a"), 2, "placevec: There is no a"),
        (FloatingPointError("NaN"), 2, "placevec: NaN"),
        (ValueError(), 2, "placevec: ValueError()"),
        (ImportError("No module named 'jax'"), 2, "placevec: No module named 'jax'"),
        (KeyboardInterrupt(), 130, "placevec: stopped"),
        (Stopped("Stopped after step 3"), 143, "placevec: Stopped after step 3"),
    ],
)
def test_an_error_becomes_one_line_and_an_exit_code(capsys, error, code, line):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise error
    assert caught.value.code == code
    assert capsys.readouterr().err == line + "\n"


def test_a_reader_that_has_gone_is_no_error(monkeypatch, capsys):
    """As in `placevec info m.keras | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr("sys.stdout", gone)
        with pytest.raises(SystemExit) as caught, one_line_errors():
            print("a line that nobody reads")
    assert caught.value.code == 141
    assert capsys.readouterr().err == ""


def test_a_mistake_of_the_program_keeps_its_traceback():
    with pytest.raises(KeyError), one_line_errors():
        raise KeyError("a bug")


@pytest.mark.parametrize(
    ("service", "flags"),
    [
        ("streetview", ["--bbox", "--pano-ids", "--fov-deg", "--dry-run", "--max-requests"]),
        ("mapillary", ["--track", "--within-m", "--thumb", "--from-date", "--graph-url"]),
    ],
)
def test_help_names_what_a_service_takes(service, flags, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["collect", service, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(flag in text for flag in flags)


def test_collecting_needs_a_key_in_the_environment(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("MAPILLARY_ACCESS_TOKEN", raising=False)
    arguments = ["collect", "mapillary", "--bbox", "1", "2", "3", "4", "--out", tmp_path / "a"]
    assert "MAPILLARY_ACCESS_TOKEN" in refused_in_one_line(arguments, capsys)
    assert not (tmp_path / "a").exists()


def test_splits_and_opens_the_splits(places, tmp_path, model_path, capsys):
    folder = tmp_path / "set"
    shutil.copytree(places, folder)
    main(["split", str(folder), "--val-share", "0.3", "--test-share", "0.3", "--model",
          str(model_path), "--duplicate-bits", "None"])  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "train: 2 photos (2 both)"
    assert [line.split(":")[0] for line in lines[1:3]] == ["val", "test"]
    assert lines[-1] == f"{folder}/splits.csv: open a split as folder:{folder}#train"
    main(["evaluate", f"{folder}#train", "--model", str(model_path)])
    assert "recall@1" in capsys.readouterr().out
    assert "has a split already" in refused_in_one_line(["split", folder], capsys)


def test_describes_one_split_of_a_set(places, tmp_path, model_path):
    folder = tmp_path / "set"
    shutil.copytree(places, folder)
    main(["split", str(folder), "--val-share", "0.3", "--test-share", "0.3", "--duplicate-bits",
          "None"])  # fmt: skip
    for name in (str(folder), f"folder:{folder}"):
        main(["describe", f"{name}#test", "--model", str(model_path), "--out",
              str(tmp_path / "d.npz")])  # fmt: skip
        assert len(load_descriptors(tmp_path / "d.npz")[0]) == 2
