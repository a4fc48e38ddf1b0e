import shutil
import sys

import cv2
import keras
import numpy as np
import pytest

from placevec.cli import main
from placevec.config.choices import ENGINES
from placevec.layers import GeM, PixelScaling
from placevec.models import load_model, model_id, save_model
from placevec.models.engines.cache_folder import cache_folder
from placevec.retrieval import describe_in_batches, describe_to
from placevec.store import DescriptorStore, load_descriptors


def test_describe_refuses_an_impossible_output_before_the_long_work(
    places, tmp_path, refused_in_one_line
):
    """The model is not there either: it would have been read next."""
    command = ["describe", places, "--model", tmp_path / "gone.keras", "--out"]
    line = refused_in_one_line([*command, tmp_path / "gone" / "d.npz"])
    assert line == f"placevec: There is no folder {tmp_path / 'gone'} for d.npz. Make it"
    line = refused_in_one_line([*command, tmp_path / "d.txt"])
    assert "end in .npz. Received" in line


@pytest.mark.parametrize(
    ("photos", "match"),
    [
        ("gone", "There is no folder, photo or video gone. Give one, or READER:PATH"),
        ("gone.jpg", "There is no folder, photo or video gone.jpg. Give one, or READER:PATH"),
        ("foldr:x", "Did you mean folder:"),
        ("folder:gone", "gone"),
    ],
)
def test_describe_refuses_photos_that_are_not_there(
    model_path, tmp_path, refused_in_one_line, photos, match
):
    command = ["describe", photos, "--model", model_path, "--out", tmp_path / "d.npz"]
    assert match in refused_in_one_line(command)


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
        f"6 descriptors of 3 dimensions in {out}, photos resized to 32x48; keras, float32\n"
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

    module = sys.modules[describe_to.__module__]
    monkeypatch.setattr(module, "describe_by_ray", without_ray)
    monkeypatch.setattr(module, "num_cores", lambda: 5)
    out = tmp_path / "store"
    main(["describe", str(places), "--model", str(model_path), "--out", str(out),
          "--ray-workers", "2", "--batch-size", "4", "--image-size", "32", "48"])  # fmt: skip
    store = DescriptorStore.open(out)
    ((*numbers, engine, threads),) = asked
    assert (numbers, threads) == ([2, 4], 2) and engine in ENGINES  # of five cores, not "auto"
    assert store.table()["name"].tolist() == sorted(path.name for path in places.iterdir())
    assert "6 of them new" in capsys.readouterr().out


def test_describe_leaves_out_what_cannot_be_read(places, model_path, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    (tmp_path / "b.jpg").write_bytes(next(places.iterdir()).read_bytes())
    out = tmp_path / "d.npz"
    main(["describe", str(tmp_path), "--model", str(model_path), "--out", str(out),
          "--engine", "keras"])  # fmt: skip
    assert load_descriptors(out)[0].tolist() == ["b.jpg"]


def test_describe_refuses_a_model_that_is_none(places, tmp_path, refused_in_one_line):
    (tmp_path / "m.keras").write_bytes(b"text")
    command = ["describe", places, "--model", tmp_path / "m.keras", "--out", tmp_path / "d.npz"]
    assert "m.keras cannot be loaded as a model" in refused_in_one_line(command)


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


def test_refuses_an_engine_that_there_is_not(places, model_path, refused):
    command = ["describe", places, "--model", model_path, "--engine", "tensorrt"]
    assert "openvino" in refused(command)


def test_describes_one_split_of_a_set(places, tmp_path, model_path):
    folder = tmp_path / "set"
    shutil.copytree(places, folder)
    main(["split", str(folder), "--val-share", "0.3", "--test-share", "0.3", "--duplicate-bits",
          "None"])  # fmt: skip
    for name in (str(folder), f"folder:{folder}"):
        main(["describe", f"{name}#test", "--model", str(model_path), "--out",
              str(tmp_path / "d.npz"), "--overwrite"])  # fmt: skip
        assert len(load_descriptors(tmp_path / "d.npz")[0]) == 2


def test_describes_in_int8_and_refuses_a_store_of_another_fit(
    tmp_path, refused_in_one_line, capsys, monkeypatch
):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))
    engine = ENGINES["openvino"]
    if (
        keras.backend.backend() != "tensorflow"
        or engine.missing(exporting=True)
        or engine.missing_quantizers()
    ):
        pytest.skip("needs openvino and nncf, and Keras on TensorFlow for the export")
    rng = np.random.default_rng(0)
    photos, model, store = tmp_path / "photos", tmp_path / "m.keras", tmp_path / "store"
    photos.mkdir()
    for number in range(12):
        photo = cv2.resize(rng.integers(0, 256, (5, 7, 3), np.uint8), (56, 40))
        cv2.imwrite(str(photos / f"{number:02d}.png"), photo)
    source = keras.Input((None, None, 3), dtype="uint8", name="photos_40x56")
    x = keras.layers.Conv2D(8, 3)(PixelScaling(scale=1 / 255)(source))
    save_model(keras.Model(source, GeM(name="aggregator")(x)), model)
    describe = ["describe", str(photos), "--model", str(model), "--precision", "int8"]
    main([*describe, "--out", str(store)])
    assert "; openvino, int8: least cosine 0.9" in capsys.readouterr().out
    new = shutil.copytree(photos, tmp_path / "new")
    main(["search", str(store), str(new), "--model", str(model), "--matches", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13 and all(
        line.split(",")[0] in line.split(",", 1)[1] for line in lines[1:]
    )
    shutil.rmtree(cache_folder())
    search = ["search", store, new, "--model", model]
    assert "must first be fitted to photos" in refused_in_one_line(search)
    (photos / "11.png").unlink()
    main([*describe, "--out", str(tmp_path / "d.npz")])  # fits to other photos
    capsys.readouterr()
    assert "model" in refused_in_one_line(search)
