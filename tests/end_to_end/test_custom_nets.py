"""The old names in the root file CustomNets.py."""

import importlib.util
import inspect
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

import placevec.layers

ROOT = Path(__file__).resolve().parents[2]
SIGNATURES = {
    "NetVLADLayer": "num_clusters kwargs",
    "GhostVLADLayer": "num_clusters num_ghost_clusters kwargs",
    "make_from_mobilenet": "input_img weights trainable kernel_regularizer layer_name",
    "make_from_mobilenetv2": "input_img weights trainable kernel_regularizer layer_name",
    "make_from_vgg16": "input_img weights trainable kernel_regularizer layer_name",
    "make_from_vgg19": "input_img weights trainable layer_name",
    "make_from_vgg19_multiconvup": "input_img trainable weights",
    "print_model_memory_usage": "batch_size model",
    "print_flops_report": "model",
    "open_json_file": "fname",
    "change_model_inputshape": "model new_input_shape verbose",
    "dataload_": "n_tokyoTimeMachine n_Pitssburg nP nN TTM_BASE PTS_BASE",
    "do_augmentation": "D",
    "do_typical_data_aug": "D",
    "PittsburgRenderer.step": "self nP nN apply_distortions return_gray resize ENABLE_IMSHOW",
    "PittsburgRenderer.step_n_times": "self n_samples nP nN return_gray resize ENABLE_IMSHOW",
    "PittsburgRenderer.preload_all_images": "self folder_list",
    "PittsburgRenderer.preload_step": "self nP nN apply_distortions return_gray ENABLE_IMSHOW",
    "TimeMachineRender.__init__": "self TTM_BASE nP nN seed",
    "TimeMachineRender.step": "self nP nN resize apply_distortions return_gray ENABLE_IMSHOW",
    "TimeMachineRender.step_random": "self count",
    "TimeMachineRender.debug_display_image_samples": "self",
    "WalksRenderer.step": "self nP nN return_gray",
    "WalksRendererOnline.step": "self nP nN return_gray",
}


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def nets():
    return load("CustomNets")


@pytest.fixture(scope="module")
def old_model(nets):
    """A network put together as the old training script did."""
    keras.utils.set_random_seed(0)
    photos = keras.Input((32, 64, 1))
    features = nets.make_from_mobilenetv2(photos, weights=None, layer_name="block_2_add")
    return keras.Model(photos, nets.NetVLADLayer(num_clusters=4)(features))


@pytest.mark.parametrize("name", SIGNATURES)
def test_old_names_keep_their_arguments_in_their_order(nets, name):
    found = nets
    for part in name.split("."):
        found = getattr(found, part)
    assert " ".join(inspect.signature(found).parameters) == SIGNATURES[name]


def test_layers_do_not_scale_local_features_as_the_old_ones_did_not(nets):
    features = keras.random.normal((2, 3, 4, 5), seed=0)
    for layer, columns in ((nets.NetVLADLayer(3), 3), (nets.GhostVLADLayer(3, 2), 5)):
        received = keras.ops.convert_to_numpy(layer(features))
        x = keras.ops.convert_to_numpy(features).reshape(2, 12, 5)
        kernel, bias, centers = (np.array(weight) for weight in layer.get_weights())
        assert kernel.shape == (5, columns)
        exponentials = np.exp(x @ kernel + bias)
        share = (exponentials / exponentials.sum(-1, keepdims=True))[..., :3]
        vlad = np.stack(
            [(share[:, :, k, None] * (x - centers[k])).sum(axis=1) for k in range(3)], axis=1
        )
        vlad /= np.linalg.norm(vlad, axis=-1, keepdims=True)
        vlad = vlad.reshape(2, 15) / np.sqrt(3)
        np.testing.assert_allclose(received, vlad, atol=1e-5)


def test_a_model_with_the_old_names_loads_without_them(old_model, tmp_path):
    old_model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is placevec.layers.NetVLAD
    assert len(loaded.losses) == len(old_model.losses) > 0


def test_an_old_training_loop_runs_and_pays_for_large_kernels(old_model):
    losses = load("CustomLosses")
    tuples = keras.Input((3, 32, 64, 1))
    model = keras.Model(tuples, keras.layers.TimeDistributed(old_model)(tuples))
    hinge = losses.allpair_hinge_loss_maker(nP=1, nN=1, epsilon=0.3)
    goodfit = losses.allpair_count_goodfit_maker(nP=1, nN=1, epsilon=0.3)
    model.compile("sgd", loss=hinge, metrics=[goodfit], run_eagerly=True)
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 64, 1)).astype("float32")
    penalty = sum(float(loss) for loss in old_model.losses)
    assert penalty > 0.1
    expected = penalty + keras.ops.convert_to_numpy(hinge(None, model(photos))).mean()
    received = model.evaluate(photos, np.zeros(2), verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(received, expected, rtol=1e-3)
    assert np.isfinite(model.fit(photos, np.zeros(2), verbose=0).history["loss"]).all()


def test_makers_cut_where_they_always_did(nets):
    photos = keras.Input((64, 64, 1))
    shapes = {
        "make_from_mobilenet": (4, 4, 512),
        "make_from_mobilenetv2": (4, 4, 64),
        "make_from_vgg16": (16, 16, 128),
        "make_from_vgg19": (16, 16, 128),
        "make_from_vgg19_multiconvup": (64, 64, 32),
    }
    for name, shape in shapes.items():
        assert getattr(nets, name)(photos, weights=None).shape == (None, *shape), name
    for name in ("make_vgg", "make_upsampling_vgg"):
        assert getattr(nets, name)(photos).shape == (None, 64, 64, 32), name


def test_imagenet_weights_want_color(nets):
    with pytest.raises(ValueError, match="need photos of 3 channels. Received: channels=1"):
        nets.make_from_mobilenet(keras.Input((64, 64, 1)))


def test_reports_are_printed(nets, old_model, capsys):
    nets.print_model_memory_usage(4, old_model)
    nets.print_flops_report(old_model)
    printed = capsys.readouterr().out
    cost = nets.measure_model(old_model, image_size=(32, 64), batch_size=4)
    assert f"parameters: {old_model.count_params():,} (" in printed
    assert f"batch 4: {cost.memory_bytes / 2**20:.2f} MiB" in printed
    assert f"FLOPs: {cost.flops:,} (" in printed and cost.flops > 1e6


def test_input_shape_changes_and_descriptors_stay(nets, old_model, capsys):
    changed = nets.change_model_inputshape(old_model, (None, 48, 96, 1), verbose=True)
    assert changed.input_shape == (None, 48, 96, 1)
    assert "48, 96, 1" in capsys.readouterr().out
    for ours, theirs in zip(changed.get_weights(), old_model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_json_files_are_read(nets, tmp_path):
    (tmp_path / "model.json").write_text('{"layers": [1, 2]}')
    assert nets.open_json_file(tmp_path / "model.json") == {"layers": [1, 2]}


def test_augmentations_keep_their_shapes(nets):
    tuples = np.random.default_rng(0).integers(0, 256, (1, 3, 64, 80, 3)).astype("float32")
    augmented = nets.do_augmentation(tuples)
    assert augmented.shape == (5, 3, 64, 80, 3) and augmented.dtype == np.float32
    np.testing.assert_array_equal(augmented[:1], tuples)
    for first in range(5):
        for second in range(first):
            assert (augmented[first] != augmented[second]).any()
    typical = nets.do_typical_data_aug(tuples)
    assert typical.shape == tuples.shape and (typical != tuples).any()


def test_typical_augmentation_flips_and_turns_as_it_always_did(nets):
    photo = np.zeros((64, 64, 3), np.float32)
    photo[:32, :32] = 255
    tuples = np.broadcast_to(photo, (1, 40, 64, 64, 3))
    corners = nets.do_typical_data_aug(tuples)[0, :, 8:24, 40:56].mean(axis=(1, 2, 3))
    assert (corners > 128).sum() >= 8  # the white corner moved from left to right


def test_loads_tuples_of_pittsburgh(nets, tmp_path):
    rng = np.random.default_rng(0)
    for panorama in range(4):
        for pitch in (1, 2):
            for yaw in range(1, 13):
                path = tmp_path / f"000/000{panorama:03d}_pitch{pitch}_yaw{yaw}.jpg"
                path.parent.mkdir(exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    tuples = nets.dataload_(0, 2, nP=6, nN=6, PTS_BASE=tmp_path)
    assert tuples.shape == (2, 13, 240, 320, 3) and tuples.dtype == np.float32
    with pytest.raises(FileNotFoundError, match="nowhere"):
        nets.dataload_(1, 0, nP=6, nN=6, TTM_BASE=tmp_path / "nowhere")


def test_is_thin():
    text = (ROOT / "CustomNets.py").read_text()
    assert len(text.splitlines()) <= 120
    imported = {line.split()[1].split(".")[0] for line in text.splitlines() if " import " in line}
    assert imported <= {"json", "keras", "placevec", "pathlib"}
