"""The descriptor model: raw pixels in, one descriptor of unit length out."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from placevec.config import ModelConfig
from placevec.config.choices import AGGREGATORS, BACKBONES, choose
from placevec.layers import LogExposure, Whitening
from placevec.models.backbones.backbones import local_features, pixel_scaling
from placevec.models.files.cartwheel import load_cartwheel
from placevec.models.files.keras_file import load_keras
from placevec.models.files.model_file import find_model_file
from placevec.models.files.shipped import shipped_model
from placevec.models.files.weights import AGGREGATOR, PROJECTION, load_weights, read_weights
from placevec.whole_file import require_writable, whole_file


def build_descriptor_model(
    config: ModelConfig, image_size: tuple[int, int] | None = None
) -> keras.Model:
    """Builds a descriptor model with its starting weights.

    Args:
        config: ModelConfig.
        image_size: (int, int) or None. Rows and columns of the training photos, which the model
            remembers. It takes photos of any other size too.

    Returns:
        keras.Model. Input `(batch, height, width, channels)` uint8, RGB or gray, any size;
        output `(batch, D)` float32 of unit L2 norm.

    Raises:
        ValueError: If the backbone does not have the layer, or the weights do not fit.
        FileNotFoundError: If the weights file does not exist.
        ConnectionError: If the ImageNet weights cannot be downloaded.

    Example:
    >>> model = build_descriptor_model(ModelConfig(cut_layer="block_2_add", num_clusters=4))
    >>> model.predict_on_batch(np.zeros((2, 64, 96, 3), "uint8")).shape
    (2, 96)
    """
    images = keras.Input((None, None, config.channels), dtype="uint8", name="photos")
    pixels = LogExposure(name="exposure")(images) if config.exposure == "log" else images
    shipped_in = choose(BACKBONES, config.backbone, "backbone").shipped_in
    is_imagenet = config.weights == "imagenet"
    features = local_features(
        pixel_scaling(config.backbone, config.channels, image_size)(pixels),
        backbone=config.backbone,
        cut_layer=config.cut_layer,
        linear_cut=config.linear_cut,
        batch_norm_momentum=config.batch_norm_momentum,
        imagenet=is_imagenet and not shipped_in,
    )
    if is_imagenet and shipped_in:
        load_weights(
            keras.Model(images, features),
            shipped_model(shipped_in),
            allow_missing=config.allow_missing_weights,
        )
    row = AGGREGATORS[config.aggregator]
    aggregator = row.find()(**row.arguments_from(config), name=AGGREGATOR)
    descriptors = aggregator(features)
    if config.projection_dim:
        descriptors = Whitening(config.projection_dim, name=PROJECTION)(descriptors)
    model = keras.Model(images, descriptors, name="descriptor")
    if config.weights not in ("imagenet", "none"):
        load_weights(
            model,
            Path(config.weights),
            allow_missing=config.allow_missing_weights,
            old_clusters=config.keep_old_clusters,
        )
    return without_xla(model)


def holds_aggregator(config: ModelConfig) -> bool:
    """Returns whether the file of initial weights also holds a trained aggregator."""
    return config.keep_old_clusters or _holds(config, AGGREGATOR)


def holds_projection(config: ModelConfig) -> bool:
    """Returns whether the file of initial weights also holds a learned projection."""
    return _holds(config, PROJECTION)


def _holds(config: ModelConfig, layer: str) -> bool:
    if config.weights in ("imagenet", "none"):
        return False
    return layer in read_weights(Path(config.weights))


def load_model(path: Path) -> keras.Model:
    """Loads a descriptor model.

    Args:
        path: Path. A `.keras` file of this project, or an `.h5` file that the cartwheel scripts
            wrote.

    Returns:
        keras.Model. Raw uint8 photos in, descriptors of unit length out.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged, is not a model, holds another kind of model, or has a
            weight that is NaN or infinite.
    """
    path = find_model_file(path)
    if path.suffix == ".h5":
        return without_xla(load_cartwheel(path))
    if path.suffix != ".keras":
        raise ValueError(f"A model file must end in .keras or .h5. Received: {path}")
    try:
        model = load_keras(path)
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path} cannot be loaded as a model ({reason})") from error
    inputs, outputs = (
        [tuple(each.shape) for each in getattr(model, ends, None) or []]
        for ends in ("inputs", "outputs")
    )
    if [len(shape) for shape in inputs] != [4] or [len(shape) for shape in outputs] != [2]:
        raise ValueError(
            f"{path} must take photos (batch, height, width, channels) and return one descriptor "
            f"each. Received: inputs {inputs}, outputs {outputs}"
        )
    return without_xla(model)


def as_model(model: keras.Model | Path | str) -> keras.Model:
    """Returns a model in memory unchanged, or loads one from a file as `load_model` does.

    Args:
        model: keras.Model, the path of one, or the name of a network that ships with placevec.
    """
    return model if isinstance(model, keras.Model) else load_model(Path(model))


def save_model(model: keras.Model, path: Path) -> None:
    """Saves a model. If saving fails, the old file stays as it was.

    Args:
        model: keras.Model.
        path: Path. A file that ends in `.keras`, in an existing folder.

    Raises:
        ValueError: If `path` does not end in `.keras`.
        FileNotFoundError: If the folder is missing.
        OSError: If the disk is full or the folder is read-only.
    """
    path = Path(path)
    require_writable(path, ".keras")
    try:
        with whole_file(path) as unfinished:
            model.save(unfinished)
    except OSError as error:
        raise OSError(f"{path} could not be saved ({error})") from error


def model_id(model: keras.Model) -> str:
    """Returns 16 hexadecimal digits that identify a model by its layers and weights.

    Models that describe a photo differently have different ids, even if only the settings of a
    layer differ, such as the order of colors. Layer names, freezing, saving and loading, and the
    size of the training photos do not change the id.

    Args:
        model: keras.Model.
    """
    digest = hashlib.sha256()
    for layer in model.layers:
        config = layer.get_config()
        facts = {name: config[name] for name in config.keys() - {"name", "trainable", "image_size"}}
        facts["kind"] = type(layer).__name__
        digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
        for variable in layer.weights:
            array = np.ascontiguousarray(keras.ops.convert_to_numpy(variable))
            digest.update(f"{variable.name}{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def without_xla(model: keras.Model) -> keras.Model:
    """Turns off XLA for a model, because it makes depthwise convolutions much slower on a CPU.

    Args:
        model: keras.Model. Changed in place.

    Returns:
        The same model.
    """
    model.jit_compile = keras.backend.backend() == "jax"
    return model
