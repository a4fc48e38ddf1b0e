"""The network in the form that is trained: tuples of photos in, tuples of descriptors out."""

from pathlib import Path

import keras

from placevec.config import TrainConfig
from placevec.config.choices import LOSSES
from placevec.layers import PhotoAugmentation
from placevec.losses import DistillationLoss, get_loss
from placevec.models import load_keras, without_xla
from placevec.training.step.fast_layers import speed_up
from placevec.training.step.optimizer import keep_weights_apart, make_optimizer

_COUNTER = "count_steps"


def make_tuple_model(model: keras.Model, config: TrainConfig) -> keras.Model:
    """Wraps a descriptor model so that `fit` trains it on tuples.

    Args:
        model: keras.Model. A descriptor model. The tuple model shares its weights. This freezes the
            layers that the settings exclude from training.
        config: TrainConfig.

    Returns:
        keras.Model, compiled. `(B, 1 + P + Nn, H, W, C)` uint8 in, `(B, 1 + P + Nn, D)` out.

    Raises:
        ValueError: If the layer `train_from_layer` does not exist.
    """
    _freeze(model, config.optimizer.train_from_layer, config.keeps_batch_norm)
    speed_up(model)
    tuple_size = config.tuples.tuple_size
    shape = (*config.image_size, config.model.channels)
    tuples = keras.Input((tuple_size, *shape), dtype="uint8", name="tuples")
    photos = tuples
    if config.augment.device_augmentation:
        photos = PhotoAugmentation(config.seed, name="device_augmentation")(photos)
    photos = keras.ops.reshape(photos, (-1, *shape))  # (B * T, H, W, C)
    descriptors = model(photos)  # (B * T, D)
    outputs = keras.ops.reshape(descriptors, (-1, tuple_size, descriptors.shape[-1]))
    outputs = CountSteps(name=_COUNTER)(outputs)
    loss = get_loss(
        config.loss.loss,
        num_positives=config.tuples.num_positives,
        num_negatives=config.tuples.num_negatives,
        **LOSSES[config.loss.loss].arguments_from(config.loss, config.tuples),
    )
    if config.loss.distillation:
        loss = DistillationLoss(loss, config.loss.distillation)
    tuple_model = keras.Model(tuples, outputs, name="tuple_model")
    tuple_model.compile(
        optimizer=make_optimizer(
            config.optimizer,
            learning_rate=config.learning_rate,
            steps_per_epoch=config.steps_per_epoch,
            epochs=config.epochs,
        ),
        loss=loss,
        jit_compile=model.jit_compile,
    )
    # If it were built during the first step, TensorFlow would trace that step twice.
    tuple_model.optimizer.build(tuple_model.trainable_variables)
    keep_weights_apart(tuple_model)
    return tuple_model


def load_tuple_model(path: Path) -> keras.Model:
    """Loads a tuple model with its optimizer from a checkpoint.

    Args:
        path: Path. The `.keras` file.

    Returns:
        keras.Model, compiled.

    Raises:
        ValueError: If the file is damaged, or is not a checkpoint of a training.
    """
    try:
        tuple_model = load_keras(path, compiled=True)
        descriptor = descriptor_of(tuple_model)
        steps_of(tuple_model)
    except Exception as error:  # Keras may raise anything for a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{path} cannot be loaded as a checkpoint ({reason}). Start again with `--overwrite`"
        ) from error
    speed_up(descriptor)
    keep_weights_apart(tuple_model)
    return tuple_model


def steps_of(tuple_model: keras.Model) -> int:
    """Returns how many steps a tuple model was trained, including steps without effect."""
    return int(keras.ops.convert_to_numpy(tuple_model.get_layer(_COUNTER).steps))


@keras.saving.register_keras_serializable(package="placevec")
class CountSteps(keras.layers.Layer):
    """Counts training steps, and returns its input unchanged.

    Use it because optimizers only count updates of weights. That is one update for several steps if
    gradients are accumulated, and none if a half precision gradient overflows.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # descriptors stay float32

    def build(self, input_shape):
        """Creates the weight `steps`, a scalar that is not trained."""
        self.steps = self.add_weight(
            name="steps", shape=(), dtype="int32", initializer="zeros", trainable=False,
            aggregation="only_first_replica",
        )  # fmt: skip

    def call(self, inputs, training=False):
        """Returns the inputs."""
        if training:
            self.steps.assign_add(1)
        return inputs


def descriptor_of(tuple_model: keras.Model) -> keras.Model:
    """Returns the descriptor model inside a tuple model."""
    return without_xla(tuple_model.get_layer("descriptor"))


def _freeze(model: keras.Model, first: str | None, keeps_batch_norm: bool) -> None:
    names = [layer.name for layer in model.layers]
    if first is not None and first not in names:
        raise ValueError(
            f"`train_from_layer` must be a layer of the network. Received: {first}; "
            f"its layers: {', '.join(names)}"
        )
    learns = first is None
    for layer in model.layers:
        learns = learns or layer.name == first
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = learns and not (is_norm and keeps_batch_norm)
