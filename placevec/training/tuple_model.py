"""The network as it is trained: tuples of photos in, tuples of descriptors out."""

import inspect

import keras

from placevec.config import TrainConfig
from placevec.losses import LOSSES, get_loss
from placevec.models import without_xla

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": lambda learning_rate: keras.optimizers.SGD(learning_rate, momentum=0.9),
}
_LOSS_SETTINGS = ("margin", "temperature", "negative_radius_m")


def make_tuple_model(model: keras.Model, config: TrainConfig) -> keras.Model:
    """Wraps a descriptor model so that `fit` trains it on tuples.

    Args:
        model: keras.Model. A descriptor model; its weights are shared, and the layers that
            shall not learn are frozen.
        config: TrainConfig.

    Returns:
        keras.Model, compiled. `(B, 1 + P + Nn, H, W, C)` uint8 in, `(B, 1 + P + Nn, D)` out.

    Raises:
        ValueError: If there is no layer `train_from_layer`.
    """
    _freeze(model, config)
    tuple_size = 1 + config.num_positives + config.num_negatives
    shape = (*config.image_size, config.model.channels)
    tuples = keras.Input((tuple_size, *shape), dtype="uint8", name="tuples")
    photos = keras.ops.reshape(tuples, (-1, *shape))  # (B * T, H, W, C)
    descriptors = model(photos)  # (B * T, D)
    outputs = keras.ops.reshape(descriptors, (-1, tuple_size, descriptors.shape[-1]))
    tuple_model = keras.Model(tuples, outputs, name="tuple_model")
    tuple_model.compile(
        optimizer=_OPTIMIZERS[config.optimizer](_learning_rate(config)),
        loss=get_loss(
            config.loss,
            num_positives=config.num_positives,
            num_negatives=config.num_negatives,
            **_loss_arguments(config),
        ),
        jit_compile=model.jit_compile,
    )
    return tuple_model


def _loss_arguments(config: TrainConfig) -> dict:
    """Returns the settings that the loss takes as arguments, but those not given."""
    takes = inspect.signature(LOSSES[config.loss]).parameters
    settings = {name: getattr(config, name) for name in _LOSS_SETTINGS if name in takes}
    return {name: value for name, value in settings.items() if value is not None}


def _learning_rate(config: TrainConfig) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if config.halve_every:
        return keras.optimizers.schedules.ExponentialDecay(
            config.step_size, config.halve_every * config.steps_per_epoch, 0.5, staircase=True
        )
    if not config.cosine_decay and not config.warmup_steps:
        return config.step_size
    all_steps = config.epochs * config.steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        0.0 if config.warmup_steps else config.step_size,
        decay_steps=max(1, all_steps - config.warmup_steps),
        alpha=0.0 if config.cosine_decay else 1.0,
        warmup_target=config.step_size if config.warmup_steps else None,
        warmup_steps=config.warmup_steps,
    )


def descriptor_of(tuple_model: keras.Model) -> keras.Model:
    """Returns the descriptor model inside a tuple model."""
    return without_xla(tuple_model.get_layer("descriptor"))


def _freeze(model: keras.Model, config: TrainConfig) -> None:
    names = [layer.name for layer in model.layers]
    first = config.train_from_layer
    if first is not None and first not in names:
        raise ValueError(
            f"`train_from_layer` must be a layer of the network. Received: {first}; "
            f"its layers: {', '.join(names)}"
        )
    learns = first is None
    for layer in model.layers:
        learns = learns or layer.name == first
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = learns and not (is_norm and config.keeps_batch_norm)
