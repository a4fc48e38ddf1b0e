import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.config.choices import BACKBONES
from placevec.models import build_descriptor_model, load_model, load_weights
from placevec.models.backbones.backbones import pixel_scaling
from placevec.models.backbones.efficientnet_lite import efficientnet_lite0

# Of each block: side of the kernel, stride, channels out.
BLOCKS = [
    (3, 1, 16), (3, 2, 24), (3, 1, 24), (5, 2, 40), (5, 1, 40), (3, 2, 80), (3, 1, 80),
    (3, 1, 80), (5, 1, 112), (5, 1, 112), (5, 1, 112), (5, 2, 192), (5, 1, 192), (5, 1, 192),
    (5, 1, 192), (3, 1, 320),
]  # fmt: skip
PARTS = {"expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1"),
         "project": ("_project_conv", "_bn2")}  # fmt: skip
NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
        "moving_variance": "running_var"}  # fmt: skip


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def network():
    """Returns the network with weights that make every part of it count."""
    network = efficientnet_lite0(input_shape=(None, None, 3))
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if weight.name == "moving_variance" or weight.name == "gamma":
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name == "kernel":
            fan_in = np.prod(weight.shape[:2]) * (1 if weight.shape[3] == 1 else weight.shape[2])
            weight.assign(rng.normal(size=weight.shape) * np.sqrt(2 / fan_in))
        else:
            weight.assign(rng.normal(size=weight.shape))
    return network


def arrays_of(network, layer):
    return {each.name: to_numpy(each) for each in network.get_layer(layer).weights}


def normalize_in_loops(network, name, x, *, activated):
    w = arrays_of(network, f"{name}_BN")
    y = np.empty_like(x)
    for channel in range(x.shape[2]):
        spread = (w["moving_variance"][channel] + 1e-3) ** 0.5
        y[..., channel] = (x[..., channel] - w["moving_mean"][channel]) / spread
        y[..., channel] = y[..., channel] * w["gamma"][channel] + w["beta"][channel]
    return np.minimum(np.maximum(y, 0), 6) if activated else y


def convolve_in_loops(x, kernel, stride, *, by_channel):
    """A convolution whose padding is TensorFlow's SAME: what is odd of it goes below and right."""
    side = kernel.shape[0]
    rows, columns = (-(-length // stride) for length in x.shape[:2])
    before = [
        max((count - 1) * stride + side - length, 0) // 2
        for count, length in zip((rows, columns), x.shape[:2], strict=True)
    ]
    y = np.zeros((rows, columns, kernel.shape[2] if by_channel else kernel.shape[3]))
    for row in range(rows):
        for column in range(columns):
            for i in range(side):
                for j in range(side):
                    at = row * stride + i - before[0], column * stride + j - before[1]
                    if not (0 <= at[0] < x.shape[0] and 0 <= at[1] < x.shape[1]):
                        continue
                    if by_channel:
                        y[row, column] += x[at] * kernel[i, j, :, 0]
                    else:
                        y[row, column] += x[at] @ kernel[i, j]
    return y


def block_in_loops(network, name, x, stride):
    y = x
    for part in ("expand", "depthwise", "project"):
        if f"{name}_{part}" not in [layer.name for layer in network.layers]:
            continue
        kernel = arrays_of(network, f"{name}_{part}")["kernel"]
        step = stride if part == "depthwise" else 1
        y = convolve_in_loops(y, kernel, step, by_channel=part == "depthwise")
        y = normalize_in_loops(network, f"{name}_{part}", y, activated=part != "project")
    return x + y if y.shape == x.shape and stride == 1 else y


@pytest.mark.parametrize("size", [(17, 22), (8, 9)])
def test_equals_blocks_in_plain_loops(network, size):
    photo = np.random.default_rng(1).normal(size=(*size, 3)).astype("float32")
    x = convolve_in_loops(photo, arrays_of(network, "stem_conv")["kernel"], 2, by_channel=False)
    x = normalize_in_loops(network, "stem", x, activated=True)
    for block, (_, stride, _) in enumerate(BLOCKS[:5]):  # both kernels, both strides, both ends
        x = block_in_loops(network, f"block_{block}", x, stride)
    cut = keras.Model(network.input, network.get_layer("block_4_add").output)
    received = to_numpy(cut(photo[None]))[0]
    np.testing.assert_allclose(received, x, atol=1e-4 * np.abs(x).max())


@pytest.mark.one_backend
def test_has_the_blocks_of_the_published_network(network):
    dim_in = 32
    for block, (side, stride, dim) in enumerate(BLOCKS):
        depthwise = network.get_layer(f"block_{block}_depthwise")
        assert depthwise.kernel.shape == (side, side, dim_in * (6 if block else 1), 1)
        assert depthwise.strides == (stride, stride)
        assert network.get_layer(f"block_{block}_project").filters == dim
        has_add = f"block_{block}_add" in [layer.name for layer in network.layers]
        assert has_add == (stride == 1 and dim == dim_in)
        dim_in = dim
    assert network.output_shape == (None, None, None, 1280)


@pytest.mark.one_backend
def test_scales_pixels_as_the_imagenet_weights_expect(random_photos):
    photos = random_photos()
    scaled = to_numpy(pixel_scaling("efficientnetlite0", 3)(photos))
    np.testing.assert_allclose(scaled, (photos - np.float32(127)) / 128, atol=1e-6)


def pytorch_file(network, path):
    """Writes the weights as the PyTorch port names them."""
    arrays = {}
    for layer in network.layers:
        start, _, part = layer.name.removesuffix("_BN").rpartition("_")
        is_norm = layer.name.endswith("_BN")
        if not layer.weights:
            continue
        if part in PARTS:
            name = f"blocks/{start.removeprefix('block_')}/{PARTS[part][is_norm]}"
        else:
            first = layer.name.startswith("stem")
            name = f"bn{0 if first else 1}" if is_norm else f"conv_{'stem' if first else 'head'}"
        for weight in layer.weights:
            key = NORM[weight.name] if is_norm else "weight"
            dtype = "float32" if is_norm else "float16"
            arrays[f"{name}/{key}"] = to_numpy(weight).astype(dtype)
    np.savez(path, **arrays)


@pytest.mark.one_backend
def test_loads_weights_by_the_names_of_the_pytorch_port(network, tmp_path):
    pytorch_file(network, tmp_path / "lite0.npz")
    model = build_descriptor_model(
        ModelConfig(
            "efficientnetlite0", BACKBONES["efficientnetlite0"].cut_layer, aggregator="spoc",
            weights=str(tmp_path / "lite0.npz"),
        )
    )  # fmt: skip
    for layer in model.layers:
        for weight in layer.weights:
            expected = arrays_of(network, layer.name)[weight.name]
            expected = expected.astype("float16") if weight.name == "kernel" else expected
            np.testing.assert_array_equal(to_numpy(weight), expected)
    assert len(model.weights) > 100


@pytest.mark.one_backend
def test_other_layers_of_such_a_file_keep_their_names(network, tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv_stem/weight": np.zeros(2), "other/kernel": np.ones(3)})
    with pytest.raises(ValueError, match="none of the network's layers; it holds stem_conv, other"):
        load_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
                     tmp_path / "w.npz")  # fmt: skip


@pytest.mark.one_backend
def test_takes_the_imagenet_weights_that_ship():
    shipped = load_model("small")
    model = build_descriptor_model(
        ModelConfig("efficientnetlite0", "block_10_add", weights="imagenet", num_clusters=3)
    )
    for layer in model.layers[:-1]:
        for weight in layer.weights:
            expected = arrays_of(shipped, layer.name)[weight.name]
            np.testing.assert_array_equal(to_numpy(weight), expected)
    assert model.output_shape == (None, 3 * 112)


@pytest.mark.one_backend
def test_refuses_a_deeper_cut_with_the_weights_that_ship():
    config = ModelConfig("efficientnetlite0", "block_12_add", aggregator="spoc", weights="imagenet")
    with pytest.raises(ValueError, match=r"12 of 78 layers are missing.*: block_11_expand, "):
        build_descriptor_model(config)


@pytest.mark.one_backend
def test_refuses_what_it_does_not_have():
    with pytest.raises(ValueError, match="no weights to download. Give a file .*--model.weights"):
        efficientnet_lite0(weights="imagenet", input_shape=(32, 32, 3))
    with pytest.raises(ValueError, match="no classifier"):
        efficientnet_lite0(include_top=True, input_shape=(32, 32, 3))
