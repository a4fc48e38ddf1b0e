import importlib
import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import placevec
from placevec.config.choices import ENGINES
from placevec.deploy import export
from placevec.deploy import export as export_function
from placevec.images.read import resize_image
from placevec.models import load_model
from placevec.models.engines.runtimes.openvino_engine import import_openvino
from placevec.models.files.shipped import PHOTOS_FOLDER, shipped_onnx

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3)).astype(np.uint8)

needs_int8 = pytest.mark.skipif(
    bool(ENGINES["openvino"].missing_quantizers()), reason="nncf is not installed"
)


def by_keras(model_path, photos=PHOTOS):
    return np.asarray(load_model(model_path)(photos))


def run_openvino(folder, photos):
    openvino = import_openvino()

    compiled = openvino.Core().compile_model(
        folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return compiled({"photos": photos})[compiled.output("descriptors")]


def test_openvino_has_one_output_and_says_how_to_feed_it(model_path, tmp_path):
    openvino = import_openvino()

    made = export(model_path, format="openvino", out=tmp_path / "out")
    network = openvino.Core().read_model(made.path)
    assert len(network.outputs) == 1 and network.output().get_names() == {"descriptors"}
    assert network.get_rt_info(["placevec", "image_size"]).astype(str) == "32x48"
    assert network.get_rt_info(["placevec", "color_order"]).astype(str) == "RGB"
    np.testing.assert_allclose(
        run_openvino(tmp_path / "out", PHOTOS), by_keras(model_path), atol=1e-5
    )


def test_float16_is_smaller_and_says_what_it_costs(model_path, tmp_path):
    whole = export(model_path, format="openvino", out=tmp_path / "whole")
    half = export(model_path, format="openvino", out=tmp_path / "half", precision="float16")
    sizes = [(each.path.with_suffix(".bin")).stat().st_size for each in (whole, half)]
    assert sizes[1] < 0.7 * sizes[0]
    assert half.card["checked"][0]["least_cosine"] > 0.999


@needs_int8
def test_int8_is_fitted_to_photos_and_compared_on_others(model_path, tmp_path):
    settings = {"format": "openvino", "precision": "int8", "calibration": PHOTOS_FOLDER}
    made = export(model_path, out=tmp_path / "out", **settings)
    assert made.card["precision"] == "int8"
    assert 0.9 < min(row["least_cosine"] for row in made.card["checked"]) < 0.9999999
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "model.xml", "model.bin", "card.json", "card.md",
    }  # fmt: skip
    cosines = (run_openvino(tmp_path / "out", PHOTOS) * by_keras(model_path)).sum(axis=1)
    assert cosines.min() > 0.9


@needs_int8
def test_int8_refuses_too_few_photos_and_missing_ones(model_path, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(PHOTOS_FOLDER.rglob("*.jpg"))[:8]:
        shutil.copy(path, few)
    settings = {"format": "openvino", "precision": "int8", "out": tmp_path / "out"}
    with pytest.raises(ValueError, match="at least 9 photos that can be read. Received: 8"):
        export(model_path, calibration=few, **settings)
    with pytest.raises(FileNotFoundError, match="There is no folder, photo or video"):
        export(model_path, calibration=tmp_path / "none", **settings)
    assert not (tmp_path / "out").exists()


def test_the_table_says_how_recall_changes(model_path, tmp_path):
    made = export(model_path, format="openvino", out=tmp_path / "out", places=PHOTOS_FOLDER)
    recall = made.card["recall@1"]
    assert recall["file"] == recall["keras"] and 0 <= recall["file"] <= 1
    assert "+0.0 points" in str(made) and "+0.0 points" in (tmp_path / "out/card.md").read_text()


def test_a_file_that_finds_fewer_places_is_not_written(model_path, tmp_path, monkeypatch):
    shares = iter([0.9, 0.84])
    found = type("Found", (), {"recall": property(lambda _: {1: next(shares)})})()
    monkeypatch.setattr("placevec.evaluation.evaluate", lambda *_, **__: found)
    with pytest.raises(ValueError, match="90.0 % with Keras, 84.0 % with the file"):
        export(model_path, format="openvino", out=tmp_path / "out", places=PHOTOS_FOLDER)
    assert not (tmp_path / "out").exists()


def test_a_network_that_ships_is_written_from_its_own_onnx_form(tmp_path, monkeypatch):
    engine = ENGINES["openvino"].find()
    taken = []
    monkeypatch.setattr(engine, "from_onnx", lambda path, folder: taken.append(path) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export("tiny", format="openvino", out=tmp_path / "out")
    monkeypatch.setattr(engine, "export", lambda *_: taken.append("keras") or 1 / 0)
    for settings in ({"image_size": (240, 320)}, {"resize_inside": True}):
        with pytest.raises(ZeroDivisionError):
            export("tiny", format="openvino", out=tmp_path / "out", **settings)
    assert taken == [shipped_onnx(taken[0].with_name("model.keras")), "keras", "keras"]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_network_that_ships_is_written_as_onnx_with_one_output(tmp_path, precision):
    onnx, runtime = map(pytest.importorskip, ("onnx", "onnxruntime"))
    made = export("tiny", format="onnx", out=tmp_path / "out", precision=precision)
    assert [each.name for each in onnx.load(made.path).graph.output] == ["descriptors"]
    photos = np.random.default_rng(1).integers(0, 256, (1, 48, 64, 3)).astype(np.uint8)
    (found,) = runtime.InferenceSession(made.path).run(None, {"photos": photos})
    np.testing.assert_allclose(found, by_keras("tiny", photos), atol=5e-3)


def test_a_file_may_resize_photos_itself(model_path, tmp_path):
    export(model_path, format="openvino", out=tmp_path / "out", resize_inside=True)
    large = np.random.default_rng(1).integers(0, 256, (1, 70, 101, 3)).astype(np.uint8)
    small = resize_image(large[0], 32, 48)[None]
    cosine = (run_openvino(tmp_path / "out", large) * by_keras(model_path, small)).sum()
    assert cosine > 0.9999


def test_a_savedmodel_computes_what_keras_computes(model_path, tmp_path):
    import tensorflow as tf

    made = export(model_path, format="savedmodel", out=tmp_path / "out", image_size=(32, 48))
    loaded = tf.saved_model.load(str(made.path))
    np.testing.assert_allclose(loaded.serve(PHOTOS), by_keras(model_path), atol=1e-5)


def test_onnx_names_its_axes_and_holds_its_facts(model_path, tmp_path):
    onnx, runtime = map(pytest.importorskip, ("onnx", "onnxruntime"))
    made = export(model_path, format="onnx", out=tmp_path / "out")
    model = onnx.load(made.path)
    (source,), (target,) = model.graph.input, model.graph.output
    names = [axis.dim_param for axis in source.type.tensor_type.shape.dim]
    assert names == ["batch", "rows", "columns", ""] and target.name == "descriptors"
    assert {each.key: each.value for each in model.metadata_props}["image_size"] == "32x48"
    found = runtime.InferenceSession(made.path).run(["descriptors"], {"photos": PHOTOS})[0]
    np.testing.assert_allclose(found, by_keras(model_path), atol=1e-5)


def test_rtabmap_gets_what_it_calls(model_path, tmp_path):
    pytest.importorskip("onnxruntime")
    export(model_path, format="rtabmap", out=tmp_path / "out")
    path = tmp_path / "out" / "placevec_rtabmap.py"
    spec = importlib.util.spec_from_file_location("placevec_rtabmap", path)
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    hook.init(16)
    signed_bgr = PHOTOS[0][..., ::-1].view(np.int8)
    found = hook.extract(signed_bgr)
    assert found.shape == (1, 16) and found.dtype == np.float32
    np.testing.assert_allclose(found, by_keras(model_path)[:1], atol=1e-5)
    with pytest.raises(ValueError, match="must be 16. Received: 8"):
        hook.init(8)


def test_the_card_says_how_it_was_checked(model_path, tmp_path):
    made = export(model_path, format="openvino", out=tmp_path / "out")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert [row["photos"] for row in card["checked"]] == [
        "1 of 32x48", "3 of 32x48", "1 of 25x61", "3 of 25x61",
    ]  # fmt: skip
    assert card == json.loads(json.dumps(made.card))
    assert "cv2.INTER_AREA" in (tmp_path / "out" / "card.md").read_text()
    assert "least cosine" in str(made) and "16 dimensions" in str(made)


def test_a_file_that_computes_something_else_is_not_written(model_path, tmp_path, monkeypatch):
    home = importlib.import_module(export_function.__module__)
    monkeypatch.setattr(home, "_runner", lambda *_: lambda photos: np.zeros((len(photos), 16)))
    with pytest.raises(ValueError, match="must compute what Keras computes"):
        export(model_path, format="openvino", out=tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".unfinished-*"))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"format": "onx"}, "must be one of onnx"),
        ({"format": "savedmodel", "precision": "float16"}, "must be float32 for savedmodel"),
        ({"format": "onnx", "precision": "int8"}, "must be float32 or float16 for onnx"),
        ({"format": "openvino", "precision": "int8"}, "`calibration` must be photos with int8"),
        ({"calibration": PHOTOS_FOLDER}, "no effect with precision=float32"),
        ({"resize_inside": True, "image_size": (32, 48)}, "takes photos of any size"),
    ],
)
def test_refuses_settings_that_do_not_fit(model_path, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        export(model_path, out=tmp_path / "out", **settings)


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("onnx", "model.onnx"),
        ("openvino", "model.bin"),
        ("litert", "card.json"),
        ("savedmodel", "model"),
        ("rtabmap", "placevec_rtabmap.py"),
    ],
)
def test_a_file_of_yours_stays(model_path, tmp_path, format, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=f"already has {name}. .*`--overwrite`"):
        export(model_path, format=format, out=tmp_path)
    assert (tmp_path / name).read_text() == "mine"


_MOVE = """
import os, signal, sys
from pathlib import Path
from placevec.deploy.export import _move_in

made, out, main, survived = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
calls = []

def counting(call):
    def counted(*arguments):
        if len(calls) == survived:
            os.kill(os.getpid(), signal.SIGKILL)
        calls.append(call)
        return call(*arguments)
    return counted

os.replace, os.rename = counting(os.replace), counting(os.rename)
_move_in(made, out, main)
"""


@pytest.mark.parametrize("main", ["model.xml", "model"])
def test_a_kill_leaves_no_file_beside_those_of_another_export(tmp_path, main):
    """The process is killed before its first, second or third move. The fourth time it ends."""
    for folder, text in ((tmp_path / "old", "old"), (tmp_path / "made", "new")):
        folder.mkdir()
        for name in (main, "card.json", "model.bin"):
            if name == "model":
                (folder / name).mkdir()
                (folder / name / "saved.pb").write_text(text)
            else:
                (folder / name).write_text(text)
    for survived in range(4):
        out = tmp_path / f"out{survived}"
        shutil.copytree(tmp_path / "old", out)
        arguments = [str(tmp_path / "made"), str(out), main, str(survived)]
        ended = subprocess.run([sys.executable, "-c", _MOVE, *arguments])
        assert ended.returncode == (0 if survived == 3 else -signal.SIGKILL)
        path = out / "model" / "saved.pb" if main == "model" else out / main
        beside = {(out / name).read_text() for name in ("card.json", "model.bin")}
        assert (path.exists(), beside) == [
            (False, {"old"}), (False, {"old", "new"}), (False, {"new"}), (True, {"new"})
        ][survived]  # fmt: skip
    assert path.read_text() == "new"


def test_is_a_function_of_the_package(model_path, tmp_path):
    assert placevec.export is export_function
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        export(model_path, out=tmp_path / "missing" / "out", format="openvino")
