import importlib
import json

import numpy as np
import pytest

import placevec
from placevec.deploy import export
from placevec.deploy import export as export_function
from placevec.images.read import resize_image
from placevec.models import load_model

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3)).astype(np.uint8)


def by_keras(model_path, photos=PHOTOS):
    return np.asarray(load_model(model_path)(photos))


def run_openvino(folder, photos):
    import openvino

    compiled = openvino.Core().compile_model(
        folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return compiled({"photos": photos})[compiled.output("descriptors")]


def test_openvino_has_one_output_and_says_how_to_feed_it(model_path, tmp_path):
    import openvino

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
    half = export(model_path, format="openvino", out=tmp_path / "half", float16=True)
    sizes = [(each.path.with_suffix(".bin")).stat().st_size for each in (whole, half)]
    assert sizes[1] < 0.7 * sizes[0]
    assert half.card["checked"][0]["least_cosine"] > 0.999


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
        ({"format": "savedmodel", "float16": True}, "openvino can"),
        ({"resize_inside": True, "image_size": (32, 48)}, "takes photos of any size"),
    ],
)
def test_refuses_settings_that_do_not_fit(model_path, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        export(model_path, out=tmp_path / "out", **settings)


def test_is_a_function_of_the_package(model_path, tmp_path):
    assert placevec.export is export_function
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        export(model_path, out=tmp_path / "missing" / "out", format="openvino")
