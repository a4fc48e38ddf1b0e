"""The optimizer of a training, its learning rate, and the average of its weights."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from placevec.config import OptimizerConfig
from placevec.config.choices import OPTIMIZERS
from placevec.models.files.weights import AGGREGATOR, PROJECTION

_HEAD = rf"(.*/)?({AGGREGATOR}|{PROJECTION})/.*"  # paths of variables after the backbone


def make_optimizer(
    config: OptimizerConfig, *, learning_rate: float, steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """Builds the optimizer that the settings ask for.

    Args:
        config: OptimizerConfig.
        learning_rate: float. Maximum learning rate of the layers after the backbone.
        steps_per_epoch: int. Training steps in an epoch.
        epochs: int. Epochs to train.

    Returns:
        keras.optimizers.Optimizer. It combines two optimizers if the backbone has a learning rate
        of its own.
    """

    def make(factor: float) -> keras.optimizers.Optimizer:
        rate = _schedule(config, factor * learning_rate, steps_per_epoch, epochs * steps_per_epoch)
        return _make_one(config, rate)

    if config.backbone_rate == 1.0:
        return make(1.0)
    parts = keras.optimizers.OptimizerMap(make(config.backbone_rate))
    parts[_HEAD] = make(1.0)
    return keras.optimizers.MultiOptimizer(parts)


def step_size(optimizer: keras.optimizers.Optimizer) -> float:
    """Returns the learning rate of the next step, for the layers after the backbone.

    Args:
        optimizer: keras.optimizers.Optimizer, from `make_optimizer`.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # half precision wraps it
    parts = getattr(optimizer, "optimizers", [optimizer])
    first = parts[0]  # the backbone's optimizer comes last, because it is the default
    return float(keras.ops.convert_to_numpy(first.learning_rate))


@contextlib.contextmanager
def averaged_weights(tuple_model: keras.Model, config: OptimizerConfig) -> Iterator[None]:
    """Replaces the weights by their running average inside a `with` block, if there is one.

    Args:
        tuple_model: keras.Model, compiled with the optimizer of `make_optimizer`, after at least
            one step.
        config: OptimizerConfig.
    """
    if not config.average_weights:
        yield
        return
    variables = tuple_model.trainable_variables
    # Copies, because an array may share its memory with its variable.
    weights = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    optimizer = tuple_model.optimizer
    type(optimizer).finalize_variable_values(optimizer, variables)
    for variable in variables:  # copies, because JAX deletes an array that two variables share
        variable.assign(np.array(keras.ops.convert_to_numpy(variable)))
    try:
        yield
    finally:
        for variable, values in zip(variables, weights, strict=True):
            variable.assign(values)


def keep_weights_apart(tuple_model: keras.Model) -> None:
    """Keeps `fit` from replacing the weights by their average when it ends.

    A training runs `fit` for each epoch and continues from the weights, not from their average.

    Args:
        tuple_model: keras.Model. Changed in place.
    """
    tuple_model.optimizer.finalize_variable_values = lambda variables: None


def _make_one(
    config: OptimizerConfig, rate: float | keras.optimizers.schedules.LearningRateSchedule
) -> keras.optimizers.Optimizer:
    arguments = {
        "learning_rate": rate,
        "global_clipnorm": config.clip_norm,
        "gradient_accumulation_steps": None if config.accumulate == 1 else config.accumulate,
        "weight_decay": config.weight_decay,  # even if it is 0, because AdamW has another default
    }
    if config.average_weights:
        arguments |= {"use_ema": True, "ema_momentum": config.average_weights}
    row = OPTIMIZERS[config.optimizer]
    return row.find()(**arguments, **row.constants)


def _schedule(
    config: OptimizerConfig, rate: float, steps_per_epoch: int, num_steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Returns the learning rate over the steps of a training. Its maximum is `rate`."""
    if config.halve_every:
        return keras.optimizers.schedules.ExponentialDecay(
            rate, config.halve_every * steps_per_epoch, 0.5, staircase=True
        )
    if not config.cosine_decay and not config.warmup_steps:
        return rate
    return keras.optimizers.schedules.CosineDecay(
        0.0 if config.warmup_steps else rate,
        decay_steps=max(1, num_steps - config.warmup_steps),
        alpha=0.0 if config.cosine_decay else 1.0,
        warmup_target=rate if config.warmup_steps else None,
        warmup_steps=config.warmup_steps,
    )
