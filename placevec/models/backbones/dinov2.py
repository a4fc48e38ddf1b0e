"""DINOv2: a vision transformer whose patches are the local features."""

import functools

import keras

from placevec.layers import LayerScale, PatchGrid, PatchTokens
from placevec.models.backbones.flat_networks import import_keras_hub


def dinov2(
    weights: str | None = None,
    include_top: bool = False,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: tuple | None = None,
    *,
    preset: str,
    feature_dim: int,
    num_heads: int,
    num_blocks: int,
    num_positions: int = 37,
) -> keras.Model:
    """Builds DINOv2 from Keras layers; only its pretrained weights need KerasHub.

    The network takes photos of any size and resizes them to the nearest multiple of 14. The layers
    of block `i`, counted from 0, are named `block_i_...`; the last two layers are `norm` and
    `patch_grid`.

    Args:
        weights: str or None. `"imagenet"` downloads the weights, which were learned from other
            photos, LVD-142M; None leaves them random.
        include_top: bool. Ignored: the network has no classifier. It exists because the functions
            of `keras.applications` take it.
        input_tensor: Symbolic tensor `(batch, height, width, C)`, pixels scaled to the mean and
            deviation of ImageNet. None: a new input of `input_shape`.
        input_shape: tuple. Rows, columns and channels, if no tensor is given.
        preset: str. Name of the weights in KerasHub.
        feature_dim: int. `D`, length of a token.
        num_heads: int. Number of attention heads in a block.
        num_blocks: int. Number of blocks.
        num_positions: int. Rows (and columns) of the grid of learned positions.

    Returns:
        keras.Model. Output `(batch, height / 14, width / 14, D)`, sides rounded.

    Raises:
        ImportError: If `weights` is given and KerasHub is not installed.

    Reference:
        [Oquab et al., 2024](https://arxiv.org/abs/2304.07193).
    """
    images = keras.Input(input_shape) if input_tensor is None else input_tensor
    tokens = PatchTokens(feature_dim, num_positions=num_positions, name="patch_tokens")(images)
    for block in range(num_blocks):
        tokens = _block(tokens, f"block_{block}", feature_dim, num_heads)
    tokens = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(tokens)
    grid = PatchGrid(name="patch_grid")([tokens, images])
    network = keras.Model(images, grid)
    if weights is not None:
        kind = import_keras_hub("The pretrained DINOv2").models.DINOV2Backbone
        copy_keras_hub_weights(kind.from_preset(preset), network)
    return network


dinov2_small = functools.partial(
    dinov2, preset="dinov2_small", feature_dim=384, num_heads=6, num_blocks=12
)
dinov2_base = functools.partial(
    dinov2, preset="dinov2_base", feature_dim=768, num_heads=12, num_blocks=12
)


def copy_keras_hub_weights(source: keras.Model, network: keras.Model) -> None:
    """Copies the weights of KerasHub's DINOv2 into a network that `dinov2` built.

    Args:
        source: keras_hub.models.DINOV2Backbone.
        network: keras.Model. Changed in place.

    Raises:
        ValueError: If the shapes differ.
    """
    tokens = source.embeddings
    projection = tokens.patch_embeddings.projection
    weights = [projection.kernel, projection.bias, tokens.cls_token, tokens.position_embeddings]
    network.get_layer("patch_tokens").set_weights(
        [keras.ops.convert_to_numpy(weight) for weight in weights]
    )
    network.get_layer("norm").set_weights(source.layernorm.get_weights())
    for block, layer in enumerate(source.encoder.layers):
        for name, part in (
            ("norm1", layer.norm1),
            ("attention", layer.attention.attention),
            ("scale1", layer.layer_scale1),
            ("norm2", layer.norm2),
            ("dense1", layer.mlp.fc1),
            ("dense2", layer.mlp.fc2),
            ("scale2", layer.layer_scale2),
        ):
            network.get_layer(f"block_{block}_{name}").set_weights(part.get_weights())


def _block(tokens, name: str, feature_dim: int, num_heads: int) -> keras.KerasTensor:
    x = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(tokens)
    x = keras.layers.MultiHeadAttention(
        num_heads, feature_dim // num_heads, name=f"{name}_attention"
    )(x, x)
    x = LayerScale(1.0, name=f"{name}_scale1")(x)
    tokens = keras.layers.Add(name=f"{name}_add1")([tokens, x])
    x = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(tokens)
    x = keras.layers.Dense(4 * feature_dim, activation="gelu", name=f"{name}_dense1")(x)
    x = keras.layers.Dense(feature_dim, name=f"{name}_dense2")(x)
    x = LayerScale(1.0, name=f"{name}_scale2")(x)
    return keras.layers.Add(name=f"{name}_add2")([tokens, x])
