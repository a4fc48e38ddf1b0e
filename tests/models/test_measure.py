import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.layers import (
    ConvAP,
    LayerScale,
    MixVPR,
    NetVLAD,
    PatchGrid,
    PatchTokens,
    PixelScaling,
    SALADLike,
)
from placevec.models import build_descriptor_model, load_model, measure_model

pytestmark = pytest.mark.one_backend


def costs_by_name(cost):
    return {layer.name: layer for layer in cost.layers}


@pytest.fixture(scope="module")
def small_model():
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(1 / 255, name="scale")(photos)
    x = keras.layers.Conv2D(6, 5, strides=2, padding="same", name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(x)
    x = keras.layers.Conv2D(8, 1, groups=2, use_bias=False, name="grouped")(x)
    x = keras.layers.Add(name="sum")([x, x])
    x = NetVLAD(4, num_ghost_clusters=1, name="vlad")(x)
    return keras.Model(photos, keras.layers.Dense(7, name="dense")(x))


def test_equals_a_count_by_hand(small_model):
    """A photo of 10x20: conv 5x10x6, depthwise 3x8x6, grouped 3x8x8, VLAD 32, dense 7."""
    layers = costs_by_name(measure_model(small_model, image_size=(10, 20)))
    assert layers["conv"].output_shape == (5, 10, 6)
    assert layers["conv"].parameters == 5 * 5 * 3 * 6 + 6
    assert layers["conv"].flops == 2 * (5 * 10 * 6) * (5 * 5 * 3)
    assert layers["norm"].parameters == 4 * 6
    assert layers["depthwise"].output_shape == (3, 8, 6)
    assert layers["depthwise"].parameters == 3 * 3 * 6
    assert layers["depthwise"].flops == 2 * (3 * 8 * 6) * (3 * 3)
    assert layers["grouped"].parameters == 3 * 8
    assert layers["grouped"].flops == 2 * (3 * 8 * 8) * 3
    assert layers["vlad"].output_shape == (32,)
    assert layers["vlad"].parameters == 8 * 5 + 5 + 4 * 8
    # Assignment to 5 clusters, ghosts too; sums of features for 4.
    assert layers["vlad"].flops == 2 * (3 * 8) * 8 * 5 + 2 * (3 * 8) * 8 * 4
    assert layers["dense"].parameters == 32 * 7 + 7
    assert layers["dense"].flops == 2 * 32 * 7
    assert layers["scale"].flops == 2 * (10 * 20 * 3)
    assert layers["norm"].flops == 2 * (5 * 10 * 6)
    assert layers["sum"].flops == 3 * 8 * 8
    assert layers["photos"].flops == layers["photos"].parameters == 0


def test_equals_a_count_by_hand_of_a_transformer():
    """A photo of 28x42 has 2x3 patches and a class token: 7 tokens of 8 numbers."""
    photos = keras.Input((None, None, 3), name="photos")
    x = PatchTokens(8, num_positions=3, name="tokens")(photos)
    x = keras.layers.LayerNormalization(name="norm")(x)
    x = keras.layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = LayerScale(name="scale")(x)
    x = keras.layers.Dense(5, name="dense")(x)
    model = keras.Model(photos, PatchGrid(name="grid")([x, photos]))
    layers = costs_by_name(measure_model(model, image_size=(28, 42)))
    assert layers["tokens"].output_shape == (7, 8)
    assert layers["tokens"].flops == 2 * 6 * (14 * 14 * 3) * 8
    assert layers["norm"].flops == 7 * (7 * 8)
    # Four projections; in each of two heads of 4 numbers 7 x 7 scores, and sums by them.
    assert layers["attention"].flops == 4 * 2 * 7 * 8 * 8 + 2 * 2 * (2 * 7 * 7 * 4)
    assert layers["scale"].flops == 7 * 8
    assert layers["dense"].flops == 2 * 7 * 8 * 5
    assert layers["grid"].output_shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("layer", "flops"),
    [
        (ConvAP(7, (2, 2)), 2 * 4 * 6 * 7),
        # Two mixers of two products in each of 6 channels; then both projections.
        (MixVPR(7, 3, 2, (2, 2)), 2 * (2 * 2 * 6 * 4 * 4 + 4 * 6 * 7 + 7 * 4 * 3)),
        (
            SALADLike(4, 5, 3, 9),
            # Networks for scores, projections and the global part; sums over 20 features.
            2 * (20 * (6 * 9 + 9 * 4) + 20 * (6 * 9 + 9 * 5) + (6 * 9 + 9 * 3) + 20 * 4 * 5),
        ),
    ],
)
def test_equals_a_count_by_hand_of_an_aggregator(layer, flops):
    features = keras.Input((None, None, 6))
    cost = measure_model(keras.Model(features, layer(features)), image_size=(4, 5))
    assert cost.flops == flops


def test_totals_are_sums_over_the_layers(small_model):
    cost = measure_model(small_model, image_size=(10, 20), batch_size=3)
    parameters = 456 + 24 + 54 + 24 + 77 + 231
    assert cost.parameters == parameters == small_model.count_params()
    assert cost.trainable_parameters == parameters - 2 * 6  # moving mean and variance
    assert cost.flops == 1200 + 45000 + 600 + 2592 + 1152 + 192 + 3456 + 448
    outputs = 600 + 600 + 300 + 300 + 144 + 192 + 192 + 32 + 7
    assert cost.memory_bytes == 4 * (parameters + 3 * outputs)


def test_shapes_are_those_of_real_outputs_at_odd_sizes(shallow_model, random_photos):
    model = shallow_model()
    cost = measure_model(model, image_size=(33, 47))
    everything = keras.Model(model.input, [layer.output for layer in model.layers[1:]])
    outputs = everything.predict_on_batch(random_photos(1, 33, 47))
    assert [layer.output_shape for layer in cost.layers[1:]] == [
        np.shape(output)[1:] for output in outputs
    ]


def test_measuring_leaves_the_model_as_it_is(small_model):
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in small_model.weights]
    measure_model(small_model, image_size=(64, 64))
    assert small_model.input_shape == (None, None, None, 3)
    for weight, old in zip(small_model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), old)


def test_frozen_layers_are_not_counted_as_trainable(small_model):
    small_model.get_layer("dense").trainable = False
    try:
        cost = measure_model(small_model, image_size=(10, 20))
        assert cost.trainable_parameters == cost.parameters - 231 - 12
    finally:
        small_model.get_layer("dense").trainable = True


@pytest.mark.parametrize(("kind", "parameters"), [("color", 250_832), ("gray", 250_256)])
def test_counts_the_parameters_of_the_old_models(shared_data, kind, parameters):
    path = shared_data("weights", "cartwheel", f"mobilenetv2_block9_k16_{kind}_240x320.h5")
    assert measure_model(load_model(path), image_size=(240, 320)).parameters == parameters


def test_counts_the_operations_of_the_default_network():
    """0.483 GFLOP for one photo of 240x320, as counted outside this project."""
    cost = measure_model(build_descriptor_model(ModelConfig()), image_size=(240, 320))
    assert cost.flops / 1e9 == pytest.approx(0.483, abs=0.001)
    assert cost.parameters == 250_832


def test_prints_a_line_a_layer_and_the_totals(small_model):
    lines = str(measure_model(small_model, image_size=(10, 20), batch_size=3)).splitlines()
    assert len(lines) == 1 + 9 + 3
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "MFLOP"]
    assert lines[3].split() == ["conv", "Conv2D", "5x10x6", "456", "0.04"]
    assert lines[-3].split() == ["parameters", "866", "(854", "trainable)"]
    assert lines[-2].endswith("MiB for weights and all outputs, batch 3")
    assert lines[-1] == "FLOPs       0.000 G for one photo of 10x20"


@pytest.mark.parametrize(
    ("image_size", "batch_size"), [((0, 64), 1), ((64, -1), 1), ((64,), 1), ((64, 64), 0)]
)
def test_refuses_sizes_below_one(small_model, image_size, batch_size):
    with pytest.raises(ValueError, match="`image_size` must be .* at least 1. Received: image_s"):
        measure_model(small_model, image_size=image_size, batch_size=batch_size)


def test_refuses_photos_that_are_too_small_for_the_network(small_model):
    with pytest.raises(ValueError, match="zero or negative"):
        measure_model(small_model, image_size=(2, 64))
