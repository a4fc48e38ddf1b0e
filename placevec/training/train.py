"""Trains a descriptor model on photos with positions."""

import contextlib
import logging
import math
from collections.abc import Iterator

import keras

from placevec.config import TrainConfig
from placevec.evaluation import warn_of_training_photos
from placevec.input_file import shown
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.sources import find_reader, open_places
from placevec.sources.registry import split_places
from placevec.training.run.photo_record import record_photos, require_same_photos
from placevec.training.run.results import Training
from placevec.training.run.stopping import stop_requests
from placevec.training.run.training_run import TrainingRun
from placevec.training.run_files import run_locked
from placevec.training.step.devices.open_devices import open_devices
from placevec.training.tuples.sampler import open_training, open_workers


def train(
    config: TrainConfig,
    *,
    augmentation: object = None,
    progress: Progress = no_progress,
) -> Training | None:
    """Trains a descriptor model and measures it on places that it never saw.

    Each epoch draws tuples, runs `fit` on them and measures the validation loss. Every
    `validate_every` epochs, and after the last one, it also measures recall. Then it saves a
    checkpoint, and a resumed training gives the same result as one that never stopped.
    `model.keras` is the network with the best validation recall@1. After the last epoch it is
    whitened if the settings ask for it.

    Args:
        config: TrainConfig.
        augmentation: callable, Keras preprocessing layer or None. Replaces
            `config.augment.augmentation`, see `augmenter`.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        Training, or None if another process of the same training returns it.

    Raises:
        FileExistsError: If the run folder holds a run and neither `resume` nor `overwrite` is set.
        FileNotFoundError: If photos or weights are missing.
        BlockingIOError: If another training writes into the run folder.
        ValueError: If data and settings do not fit each other, worker processes are to use an
            augmentation that is not a preset, or the photos of a resumed run have changed.
        FloatingPointError: If the loss becomes NaN or infinite. The last good checkpoint stays.
        Interrupted: If Ctrl-C or SIGTERM came. The state is saved first.
    """
    if not isinstance(config, TrainConfig):
        raise ValueError(
            "`config` must be a TrainConfig, such as `TrainConfig(places='folder:a', "
            f"validation='folder:b')`. Received: {type(config).__name__}"
        )
    _require_both(config)
    devices = open_devices(
        config.computing,
        config.optimizer,
        batch_size=config.batch_size,
        keeps_batch_norm=config.keeps_batch_norm,
    )
    if not devices.is_first:
        logging.getLogger("placevec").setLevel(logging.WARNING)
        progress = no_progress
    keras.utils.set_random_seed(config.seed)
    validation = open_places(config.validation, skip_unreadable=config.skip_unreadable)
    test = None
    if config.test:
        test = open_places(config.test, skip_unreadable=config.skip_unreadable)
    augmentation = augmentation or config.augment.augmentation
    photo_bytes = math.prod(config.image_size) * config.model.channels
    max_bytes = config.tuples.tuple_size * photo_bytes
    with (
        open_training(config) as sampler,
        open_workers(config.computing, augmentation, max_bytes=max_bytes) as workers,
        stop_requests(devices.gather) as request,
        _precision(config.computing.precision),
        run_locked(config, is_writer=devices.is_first) as goes_on,
    ):
        if devices.is_first and isinstance(sampler.dataset, PlaceDataset):
            warn_of_training_photos(sampler.dataset, validation, "validation")
            if test:
                warn_of_training_photos(sampler.dataset, test, "test")
        photos = record_photos({"places": sampler.dataset, "validation": validation})
        if goes_on:
            require_same_photos(config.out, photos)
        changes = {"augmentation": augmentation, "workers": workers}
        run = TrainingRun(config, sampler, validation, test, changes, progress, request, devices)
        run.restore() if goes_on else run.begin(photos)
        for epoch in range(run.finished_epochs, config.epochs):
            run.epoch(epoch)
        return run.finish()


def _require_both(config: TrainConfig) -> None:
    """Refuses photos of the user's own beside those of the town that are the default."""
    own = config.places != TrainConfig.places, config.validation != TrainConfig.validation
    if own == (False, True):
        raise ValueError(
            "`places` must name the photos to train on. Received: only the validation "
            f"{shown(config.validation)}. `placevec train PLACES --validation ...`"
        )
    if own == (True, False):
        for each in split_places(config.places):
            find_reader(each)  # what is wrong with them is said first
        raise ValueError(
            "`validation` must name photos of other places, to measure recall during training. "
            f"Received: none for {shown(config.places)}. Give `--validation PLACES`; `placevec "
            "split` divides a set into PLACES#train and PLACES#val"
        )


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    """Makes new layers compute in another precision inside a `with` block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
