import keras
import numpy as np
import pytest

from placevec.training.step.fast_layers import _pass_on, shifted_sum, speed_up


def _in_plain_loops(photos, kernel, strides, padding):
    """Padding of zeros, then a weighted sum of each window, channel by channel."""
    sides = np.array(kernel.shape[:2])
    if padding == "same":
        sizes = np.array(photos.shape[1:3])
        missing = np.maximum((-(-sizes // strides) - 1) * strides + sides - sizes, 0)
        pads = [(each // 2, each - each // 2) for each in missing]
        photos = np.pad(photos, [(0, 0), *pads, (0, 0)])
    counts = (np.array(photos.shape[1:3]) - sides) // strides + 1
    outputs = np.zeros((len(photos), *counts, photos.shape[-1]))
    for row, column in np.ndindex(*counts):
        top, left = row * strides[0], column * strides[1]
        window = photos[:, top : top + sides[0], left : left + sides[1]]
        outputs[:, row, column] = (window * kernel[..., 0]).sum(axis=(1, 2))
    return outputs


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("sides", "stride"), [((3, 3), 1), ((3, 3), 2), ((5, 5), 2), ((2, 2), 3), ((3, 1), 1)]
)
@pytest.mark.parametrize("size", [(5, 8), (6, 7)])
def test_a_sum_of_shifted_features_is_the_convolution(padding, sides, stride, size):
    rng = np.random.default_rng(0)
    photos = rng.normal(size=(2, *size, 3)).astype("float32")
    kernel = rng.normal(size=(*sides, 3, 1)).astype("float32")
    found = shifted_sum(
        keras.ops.convert_to_tensor(photos), keras.ops.convert_to_tensor(kernel),
        strides=(stride, stride), padding=padding,
    )  # fmt: skip
    expected = _in_plain_loops(photos, kernel, np.array([stride, stride]), padding)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=1e-5)


def _model(dtype="float32", learns=False, **settings):
    """A convolution, a depthwise one of its own settings, each with batch normalization."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((6, 8, 4))
    x = keras.layers.Conv2D(5, 3, padding="same", use_bias=False, dtype=dtype, name="conv")(x)
    x = keras.layers.BatchNormalization(dtype=dtype, name="conv_BN")(x)
    x = keras.layers.ReLU(6.0, dtype=dtype)(x)
    settings = {"strides": 2, "padding": "same", "use_bias": False} | settings
    x = keras.layers.DepthwiseConv2D(3, dtype=dtype, name="depthwise", **settings)(x)
    norm = keras.layers.BatchNormalization(scale=False, epsilon=0.1, dtype=dtype, name="norm")
    model = keras.Model(inputs, norm(x))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = learns
            layer.set_weights([rng.uniform(0.5, 2, np.shape(w)) for w in layer.get_weights()])
    return model


def _is_folded(model):
    return [vars(model.get_layer(name)).get("call") is _pass_on for name in ("conv_BN", "norm")]


@pytest.mark.parametrize(
    "settings", [{}, {"depth_multiplier": 2}, {"strides": 1, "dilation_rate": 2}]
)
def test_a_frozen_batch_normalization_is_folded_and_changes_nothing(settings, tmp_path):
    photos = np.random.default_rng(0).normal(size=(2, 6, 8, 4)).astype("float32")
    results = []
    for is_fast in (False, True):
        model = _model(**settings)
        if is_fast:
            speed_up(model)
            assert _is_folded(model) == [True, True]
        model.compile("sgd", "mse", jit_compile=keras.backend.backend() == "jax")
        target = np.ones((2, *model.output_shape[1:]), "float32")
        losses = [float(model.train_on_batch(photos, target)) for _ in range(3)]
        results.append([losses, *model.get_weights(), model.predict_on_batch(photos)])
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded.predict_on_batch(photos), results[-1][-1], atol=1e-5)
    for before, now in zip(*results, strict=True):
        np.testing.assert_allclose(now, before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_layers_without_batch_normalization_compute_and_learn_the_same(padding, dtype):
    layers = keras.layers
    photos = np.random.default_rng(0).normal(size=(2, 11, 12, 4)).astype("float32")
    results = []
    for is_fast in (False, True):
        keras.utils.set_random_seed(0)
        settings = {"padding": padding, "activation": "relu", "dtype": dtype}
        model = keras.Sequential(
            [
                keras.Input((11, 12, 4)),
                layers.Conv2D(6, 3, groups=2, **settings),
                layers.MaxPooling2D(2, padding=padding, dtype=dtype),
                layers.Conv2D(8, 1, **settings),
                layers.MaxPooling2D((2, 1), strides=1, padding=padding, dtype=dtype),
                layers.Conv2D(4, 1, strides=2, use_bias=False, **settings),
                layers.DepthwiseConv2D((2, 1), depth_multiplier=2, **settings),
            ]
        )
        if is_fast:
            speed_up(model)
        is_jax = keras.backend.backend() == "jax"
        model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=is_jax)
        target = np.ones((2, *model.output_shape[1:]), "float32")
        losses = [float(model.train_on_batch(photos, target)) for _ in range(4)]
        assert losses[-1] < losses[0] - 0.01  # gradients reach the weights
        outputs = keras.ops.convert_to_numpy(keras.ops.cast(model(photos), "float32"))
        results.append([losses, *model.get_weights(), outputs])
    for before, now in zip(*results, strict=True):
        atol = 1e-5 if dtype != "mixed_bfloat16" else 0.02
        np.testing.assert_allclose(now, before, rtol=1e-4, atol=atol)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"learns": True}, [False, False]),
        ({"dtype": "mixed_bfloat16"}, [False, False]),
        ({"use_bias": True}, [True, False]),
        ({"activation": "relu"}, [True, False]),
    ],
)
def test_what_cannot_be_folded_stays_as_it_is(settings, expected):
    model = _model(**settings)
    photos = np.random.default_rng(0).normal(size=(2, 6, 8, 4)).astype("float32")
    before = keras.ops.convert_to_numpy(keras.ops.cast(model(photos), "float32"))
    speed_up(model)
    assert _is_folded(model) == expected
    now = keras.ops.convert_to_numpy(keras.ops.cast(model(photos), "float32"))
    np.testing.assert_allclose(now, before, rtol=1e-4, atol=1e-5)


def test_a_convolution_that_others_read_is_not_folded():
    inputs = keras.Input((6, 8, 4))
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(inputs)
    norm = keras.layers.BatchNormalization(name="conv_BN", trainable=False)
    y = keras.layers.ReLU(6.0)(x)
    model = keras.Model(inputs, keras.layers.add([norm(x), y]))
    speed_up(model)
    assert vars(norm).get("call") is not _pass_on


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX alone")
def test_jax_shifts_depthwise_convolutions_that_are_not_folded():
    model = _model(learns=True, activation="relu", use_bias=True)
    photos = np.random.default_rng(0).normal(size=(2, 6, 8, 4)).astype("float32")
    before = np.array(keras.ops.convert_to_numpy(model(photos)))
    speed_up(model)
    assert "call" in vars(model.get_layer("depthwise"))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(photos)), before, atol=1e-5)
