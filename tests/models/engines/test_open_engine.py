import importlib
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor

import cv2
import keras
import numpy as np
import pytest

from placevec.config.choices import ENGINES
from placevec.layers import GeM, PixelScaling
from placevec.models import load_model, model_id, open_engine, save_model
from placevec.models.engines.cache_folder import cache_folder
from placevec.retrieval import describe

ROOM = importlib.import_module("placevec.models.engines.open_engine")
EXPORTED = [name for name in ENGINES if name != "keras"]
needs_openvino = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or bool(ENGINES["openvino"].missing(exporting=True)),
    reason="needs openvino, and Keras on TensorFlow for the export",
)


needs_int8 = pytest.mark.skipif(
    needs_openvino.args[0] or bool(ENGINES["openvino"].missing_quantizers()),
    reason="needs openvino and nncf, and Keras on TensorFlow for the export",
)


@pytest.fixture(params=list(ENGINES))
def engine_name(request):
    """Each engine that can make its export here."""
    if missing := ENGINES[request.param].missing(exporting=True):
        pytest.skip(f"{' and '.join(missing)} is not installed")
    if request.param != "keras" and keras.backend.backend() != "tensorflow":
        pytest.skip("exports are made by Keras on TensorFlow")
    return request.param


@pytest.fixture
def photo_paths(tmp_path):
    """Files of 20 photos of coarse texture, the third of which is none."""
    rng = np.random.default_rng(2)
    paths = [tmp_path / f"{place:02d}.png" for place in range(20)]
    for path in paths:
        photo = cv2.resize(rng.integers(0, 256, (5, 7, 3), np.uint8), (56, 40))
        cv2.imwrite(str(path), photo)
    paths[2].write_bytes(b"no photo")
    return paths


def test_equals_keras_to_1e_5(saved, small_model, noise, engine_name):
    engine = open_engine(saved, engine=engine_name)
    expected = keras.ops.convert_to_numpy(small_model(noise))
    received = engine(noise)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-5)
    # Colors, other numbers of photos and another size go through as well.
    for photos in (noise[:1], noise[:3, ::-1], noise[:2, :33, :47], noise[:1]):
        expected = keras.ops.convert_to_numpy(small_model(photos))
        np.testing.assert_allclose(engine.run(photos), expected, rtol=0, atol=1e-5)


def test_says_what_a_caller_needs_to_know(saved, engine_name):
    engine = open_engine(saved, engine=engine_name)
    assert (engine.name, engine.precision) == (engine_name, "float32")
    assert (engine.image_size, engine.channels, engine.descriptor_dim) == ((40, 56), 3, 16)
    assert engine.model_id == model_id(load_model(saved))
    assert engine.batch_size >= 1
    assert f"{engine_name}, float32" in engine.cost()
    assert open_engine(saved, engine=engine_name, image_size=(32, 64)).image_size == (32, 64)


def test_threads_may_call_at_once(saved, small_model, noise, engine_name):
    engine = open_engine(saved, engine=engine_name, parallel_calls=3)
    expected = keras.ops.convert_to_numpy(small_model(noise))
    with ThreadPoolExecutor(6) as pool:
        rows = [place % 7 for place in range(60)]
        found = list(pool.map(lambda row: engine(noise[row : row + 1])[0], rows))
    np.testing.assert_allclose(found, expected[rows], rtol=0, atol=1e-5)


@needs_openvino
@pytest.mark.parametrize(
    ("options", "wanted"),
    [({}, (7, 7)), ({"threads": 3}, (3, 3)), ({"threads": 3, "parallel_calls": 1}, (3, 1))],
)
def test_takes_the_threads_it_is_given_or_all_cores(saved, monkeypatch, options, wanted):
    asked, module = [], ENGINES["openvino"].find()
    load = module.load
    monkeypatch.setattr(ROOM, "num_cores", lambda: 7)

    def load_few(folder, precision, threads, calls):
        asked.append((threads, calls))
        return load(folder, precision, 1, 1)

    monkeypatch.setattr(module, "load", load_few)
    engine = open_engine(saved, engine="openvino", **options)
    assert asked == [wanted] and engine.parallel_calls == wanted[1]


def test_describes_files_in_order_and_leaves_out_bad_ones(
    saved, small_model, noise, engine_name, tmp_path
):
    paths = [tmp_path / f"{place}.png" for place in range(7)]
    for path, photo in zip(paths, noise, strict=True):
        cv2.imwrite(str(path), photo[..., ::-1])
    paths[2].write_bytes(b"no photo")
    descriptors, kept = describe(open_engine(saved, engine=engine_name), paths, batch_size=2)
    assert kept.tolist() == [0, 1, 3, 4, 5, 6]
    expected = keras.ops.convert_to_numpy(small_model(noise))[kept]
    np.testing.assert_allclose(descriptors, expected, rtol=0, atol=1e-5)


@pytest.mark.one_backend
def test_bf16_by_keras_says_what_it_costs(saved, small_model, noise):
    engine = open_engine(saved, engine="keras", precision="bf16")
    assert 0.99 < engine.least_cosine < 1
    assert "least cosine 0.99" in engine.cost()
    received = engine(noise)
    cosines = np.sum(received * keras.ops.convert_to_numpy(small_model(noise)), axis=1)
    assert 0.99 < cosines.min() < 0.99999999
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-6)


@needs_int8
def test_int8_is_fitted_to_photos_once_and_says_what_it_costs(
    saved, small_model, noise, photo_paths, monkeypatch, own_cache
):
    with pytest.raises(ValueError, match="fitted to photos, .*`placevec describe PHOTOS"):
        open_engine(saved, precision="int8")
    with pytest.raises(ValueError, match="at least 9 photos that can be read. Received: 8"):
        open_engine(saved, precision="int8", calibration=photo_paths[:9])  # one is not a photo
    first = open_engine(saved, precision="int8", calibration=photo_paths)
    assert (first.name, first.precision) == ("openvino", "int8")
    assert 0.99 < first.least_cosine < 0.999999
    received = first(noise)
    cosines = np.sum(received * keras.ops.convert_to_numpy(small_model(noise)), axis=1)
    assert 0.99 < cosines.min() < 0.999999
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-6)
    # What float32 gives has not changed, and the second time nothing is fitted.
    expected = keras.ops.convert_to_numpy(small_model(noise))
    np.testing.assert_allclose(open_engine(saved)(noise), expected, rtol=0, atol=1e-5)
    monkeypatch.setattr(ROOM, "make_export", lambda *_: pytest.fail("it was made again"))
    again = open_engine(saved, precision="int8")
    np.testing.assert_array_equal(again(noise), received)
    assert again.least_cosine == first.least_cosine
    assert open_engine(saved, precision="int8", image_size=(32, 64)).run(noise).shape == (7, 16)


@needs_int8
def test_int8_fitted_again_is_another_model(saved, photo_paths, own_cache):
    first = open_engine(saved, precision="int8", calibration=photo_paths)
    assert first.model_id == open_engine(saved, precision="int8").model_id
    assert first.model_id.startswith(open_engine(saved).model_id + "-int8-")
    shutil.rmtree(cache_folder())
    again = open_engine(saved, precision="int8", calibration=photo_paths[::-1][:12])
    assert again.model_id != first.model_id


@needs_int8
def test_int8_keeps_the_aggregator_and_what_follows_in_float32(saved, photo_paths, own_cache):
    open_engine(saved, precision="int8", calibration=photo_paths)
    (folder,) = (each for each in cache_folder().glob("int8_openvino-*") if each.is_dir())
    network = ENGINES["openvino"].find().import_openvino().Core().read_model(folder / "model.xml")
    behind = False
    for each in network.get_ordered_ops():
        behind = behind or "aggregator" in each.get_friendly_name()
        assert not (behind and each.get_type_name() == "FakeQuantize"), each.get_friendly_name()
    assert behind
    assert any(each.get_type_name() == "FakeQuantize" for each in network.get_ops())


@needs_int8
def test_int8_refuses_a_model_without_an_aggregator(photo_paths, tmp_path):
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos_40x56")
    x = keras.layers.Conv2D(8, 3)(PixelScaling(scale=1 / 255)(photos))
    path = tmp_path / "m.keras"
    save_model(keras.Model(photos, GeM(name="pooling")(x)), path)
    with pytest.raises(ValueError, match="needs a model with a layer named 'aggregator'.*float32`"):
        open_engine(path, precision="int8", calibration=photo_paths)


@needs_int8
def test_int8_is_no_matter_of_a_gpu_for_keras(saved, photo_paths, monkeypatch):
    monkeypatch.setattr(ROOM, "has_accelerator", lambda: True)
    assert open_engine(saved, precision="int8", calibration=photo_paths).name == "openvino"


@needs_openvino
def test_int8_says_what_to_install(saved, own_cache, monkeypatch):
    monkeypatch.setattr(type(ENGINES["openvino"]), "missing_quantizers", lambda _: ["nncf"])
    for engine in ("auto", "openvino"):
        with pytest.raises(ImportError, match=r'needs nncf.*pip install "placevec\[int8\]"'):
            open_engine(saved, engine=engine, precision="int8")


def test_int8_by_keras_is_refused(saved):
    with pytest.raises(ValueError, match="keras computes in float32, bf16.*which openvino can"):
        open_engine(saved, engine="keras", precision="int8")


@needs_openvino
def test_the_second_opening_needs_no_keras_model(saved, noise, monkeypatch):
    expected = open_engine(saved, engine="openvino")(noise)
    monkeypatch.setattr(
        "placevec.models.descriptor_model.load_model", lambda _: pytest.fail("it was loaded")
    )
    np.testing.assert_array_equal(open_engine(saved, engine="openvino")(noise), expected)


@needs_openvino
def test_nothing_is_written_beside_the_model(saved):
    open_engine(saved, engine="openvino")
    assert [each.name for each in saved.parent.iterdir()] == [saved.name]


@needs_openvino
def test_a_damaged_export_that_the_library_refuses_is_one_line(saved, own_cache, monkeypatch):
    def load(*_):
        raise RuntimeError("[ XML ] unexpected end\n at line 3")

    monkeypatch.setattr(ENGINES["openvino"].find(), "load", load)
    with pytest.raises(ValueError, match=r"cannot be run by openvino \(\[ XML \] unexpected end\)"):
        open_engine(saved, engine="openvino")


@needs_openvino
def test_refuses_an_export_that_differs_and_auto_takes_the_next(saved, monkeypatch, caplog):
    """The comparison is made to fail for one engine, and remembered."""
    off = {"largest_difference": 2e-5, "least_cosine": 0.99}
    monkeypatch.setattr(ROOM, "compare", lambda *_: off)
    with pytest.raises(ValueError, match="within 1e-05. Received: 2.0e-05. Take `--engine keras`"):
        open_engine(saved, engine="openvino", image_size=(36, 36))
    monkeypatch.setattr(ROOM, "compare", lambda *_: pytest.fail("it was kept"))
    for name in ("onnx", "litert"):
        monkeypatch.delitem(ENGINES, name)
    with caplog.at_level(logging.INFO, "placevec"):
        engine = open_engine(saved, image_size=(36, 36))
    assert engine.name == "keras"
    assert (
        "openvino does not work and is skipped: openvino must compute Keras's descriptors"
        in caplog.text
    )


def test_auto_falls_back_to_keras_whatever_the_others_raise(saved, noise, monkeypatch, caplog):
    def broken(*_):
        raise MemoryError("of the library")

    monkeypatch.setattr(ROOM._Opening, "_find_or_make", broken)
    engine = open_engine(saved)
    assert engine.name == "keras"
    assert engine(noise).shape == (7, 16)
    installed = [name for name in EXPORTED if not ENGINES[name].missing(exporting=False)]
    for name in installed:
        assert f"{name} does not work and is skipped: of the library" in caplog.text


@pytest.mark.parametrize("name", ["photo.jpg", "damaged.keras"])
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path, caplog, name):
    (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(ValueError, match=name):
        open_engine(tmp_path / name)
    assert not caplog.text


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """A cache that no other test has put exports into."""
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def twins(monkeypatch, own_cache):
    """Two engines that open, and a measurement that says what it is told to."""
    kind, speeds = ENGINES["openvino"], {"openvino": 10.0, "twin": 20.0}
    for name in ("onnx", "litert"):
        monkeypatch.delitem(ENGINES, name)
    monkeypatch.setitem(ENGINES, "twin", kind)
    measured = []

    def measure(engines, photos):
        measured.append((sorted(engines), photos.shape))
        return {name: speeds[name] for name in engines}

    monkeypatch.setattr(ROOM, "measure_speeds", measure)
    return measured


@needs_openvino
def test_auto_takes_the_fastest_and_measures_once(saved, twins):
    assert open_engine(saved).name == "twin"
    assert twins == [(["openvino", "twin"], (8, 40, 56, 3))]
    assert open_engine(saved).name == "twin" and len(twins) == 1
    # Another size and other threads are another question.
    assert open_engine(saved, image_size=(32, 64)).name == "twin"
    assert twins[1:] == [(["openvino", "twin"], (8, 32, 64, 3))]
    open_engine(saved, threads=1)
    assert len(twins) == 3
    assert open_engine(saved, engine="openvino").name == "openvino" and len(twins) == 3


def refuse_twin(monkeypatch):
    check = ROOM._Opening._check

    def refuse(opening, name, *about):
        if name == "twin":
            raise ValueError("not today")
        return check(opening, name, *about)

    monkeypatch.setattr(ROOM._Opening, "_check", refuse)


@needs_openvino
def test_auto_passes_over_a_fast_one_that_fails_later(saved, twins, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "placevec")
    assert open_engine(saved).name == "twin"
    assert [text for text in caplog.messages if "runs the model" in text] == [
        "twin runs the model, float32"
    ]
    refuse_twin(monkeypatch)
    assert open_engine(saved).name == "openvino"
    assert "twin does not work and is skipped: not today" in caplog.text


@needs_openvino
def test_auto_tries_one_that_fails_only_once(saved, twins, monkeypatch, caplog):
    refuse_twin(monkeypatch)
    for _ in range(3):
        assert open_engine(saved).name == "openvino"
    assert [names for names, _ in twins] == [["openvino"]]
    assert caplog.text.count("twin does not work") == 1


@needs_openvino
def test_auto_takes_keras_where_none_can_be_measured(saved, twins, monkeypatch):
    monkeypatch.setattr(ROOM, "measure_speeds", lambda *_: {})
    assert open_engine(saved).name == "keras"


@needs_openvino
def test_auto_measures_nothing_where_there_is_no_choice(saved, twins, monkeypatch):
    monkeypatch.delitem(ENGINES, "twin")
    assert open_engine(saved).name == "openvino"
    assert not twins


def test_auto_takes_keras_where_it_has_a_gpu(saved, monkeypatch):
    monkeypatch.setattr(ROOM, "has_accelerator", lambda: True)
    assert open_engine(saved).name == "keras"


def test_refuses_an_engine_that_is_not_installed(saved, monkeypatch):
    monkeypatch.setattr("placevec.config.choices._is_installed", lambda _: False)
    match = r'The engine openvino needs openvino. Install it: pip install "placevec\[fast\]"'
    with pytest.raises(ImportError, match=match):
        open_engine(saved, engine="openvino")
    assert open_engine(saved).name == "keras"


@needs_openvino
def test_exports_are_made_on_tensorflow_only(saved, monkeypatch, own_cache):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="Only Keras on TensorFlow makes exports. Received: KERAS"):
        open_engine(saved, engine="openvino")
    assert not list(cache_folder().iterdir())


@needs_openvino
def test_says_what_cannot_be_exported(saved, monkeypatch, own_cache):

    def export(*_):
        raise RuntimeError("no such operation\nmore")

    monkeypatch.setattr(ENGINES["openvino"].find(), "export", export)
    with pytest.raises(ValueError, match=r"cannot be exported for openvino \(no such operation\)"):
        open_engine(saved, engine="openvino")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"engine": "openvin"}, "`engine` must be one of .*Did you mean openvino"),
        ({"engine": "litert", "precision": "bf16"}, "litert computes in float32. Received: prec"),
        ({"parallel_calls": 0}, "`parallel_calls` must be at least 1"),
        ({"threads": 0}, "`threads` must be at least 1"),
        ({"image_size": (0, 48)}, "`image_size` must be .*, both positive. Received: .*0, 48"),
    ],
)
def test_refuses_what_there_is_not(saved, options, match):
    with pytest.raises(ValueError, match=match):
        open_engine(saved, **options)


def test_refuses_a_missing_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no model"):
        open_engine(tmp_path / "m.keras")


def test_refuses_photos_that_are_no_uint8(saved, noise):
    engine = open_engine(saved, engine="keras")
    for photos in (noise[0], noise.astype(np.float32), noise[..., :1]):
        with pytest.raises(ValueError, match=r"uint8 photos \(batch, 40, 56, 3\)"):
            engine(photos)


def test_local_features_come_from_the_same_pass(saved, small_model, noise, engine_name):
    engine = open_engine(saved, engine=engine_name, features=True)
    plain = open_engine(saved, engine=engine_name)
    assert (engine.model_id, engine.descriptor_dim) == (plain.model_id, plain.descriptor_dim)
    descriptors, features = engine.with_features(noise)
    np.testing.assert_allclose(descriptors, plain(noise), rtol=0, atol=1e-5)
    np.testing.assert_allclose(engine(noise), descriptors, rtol=0, atol=1e-6)
    grid = keras.Model(small_model.input, small_model.get_layer("aggregator").input)
    expected = keras.ops.convert_to_numpy(grid(noise))
    expected = expected / np.maximum(np.linalg.norm(expected, axis=-1, keepdims=True), 1e-12)
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="opened with `features=True`"):
        plain.with_features(noise)


@pytest.mark.one_backend
def test_features_in_bf16_are_float32_near_those_of_float32(saved, noise):
    exact = open_engine(saved, engine="keras", features=True).with_features(noise)[1]
    coarse = open_engine(saved, engine="keras", features=True, precision="bf16")
    features = coarse.with_features(noise)[1]
    assert features.dtype == np.float32 and 0 < np.abs(features - exact).max() < 0.1


@pytest.mark.one_backend
def test_refuses_features_in_int8(saved):
    with pytest.raises(ValueError, match="float32 or bf16.*another `--precision`"):
        open_engine(saved, precision="int8", features=True)
