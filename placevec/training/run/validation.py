"""Measures a network during training, on places that it is not trained on."""

import dataclasses
import logging
from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.config import TrainConfig
from placevec.evaluation import Evaluation, evaluate_photos
from placevec.places import PlaceDataset
from placevec.progress import Progress
from placevec.training.step.devices.devices import Devices
from placevec.training.step.feeding import feeding
from placevec.training.tuples.batches import TupleBatches
from placevec.training.tuples.sampler import open_sampler

_log = logging.getLogger(__name__)
_MOST_TUPLES = 32


class Validation:
    """Measures recall and loss on the validation photos.

    Args:
        config: TrainConfig.
        dataset: PlaceDataset. The validation photos.
        batch_settings: dict. Arguments of TupleBatches that training and validation share.
        devices: Devices.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.
    """

    def __init__(
        self,
        config: TrainConfig,
        dataset: PlaceDataset,
        batch_settings: dict,
        devices: Devices,
        progress: Progress,
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.devices = devices
        self.progress = progress
        self._is_told = False
        self._batches = self._open_batches(batch_settings)

    def recall(self, model: keras.Model, dataset: PlaceDataset | None = None) -> Evaluation:
        """Measures recall, on other photos if given. Pass it to `Devices.by_first` as `work`."""
        dataset = self.dataset if dataset is None else dataset
        told, self._is_told = self._is_told and dataset is self.dataset, True
        return evaluate_photos(
            dataset,
            model,
            radius_m=self.config.recall_radius_m,
            min_time_difference_s=self.config.tuples.min_time_difference_s,
            image_size=self.config.image_size,
            skip_unreadable=self.config.skip_unreadable,
            progress=self.progress,
            describe_photos=self.devices.describe,
            warn=not told,
        )

    def loss(self, parallel: keras.Model) -> dict[str, float]:
        """Returns the loss of a tuple model as `val_loss`, or nothing if the places have none."""
        if self._batches is None:
            return {}
        with feeding(self._batches.epoch(0)) as photos, self.devices.scope():
            loss = parallel.evaluate(photos, steps=self._batches.steps_per_epoch, verbose=0)
        return {"val_loss": loss}

    def hold_to(self, descriptors_of: Callable[[PlaceDataset], NDArray[np.float32]]) -> None:
        """Keeps the descriptors that self-distillation compares the validation photos with."""
        if self._batches is not None:
            self._batches = dataclasses.replace(self._batches, held=descriptors_of(self.dataset))

    def _open_batches(self, batch_settings: dict) -> TupleBatches | None:
        try:
            sampler = open_sampler(self.config.tuples, self.config.loss, self.dataset)
        except ValueError as error:
            _log.warning("no validation loss: %s", error)
            return None
        steps = -(-min(len(sampler.queries), _MOST_TUPLES) // self.config.batch_size)
        return TupleBatches(sampler, **batch_settings, steps_per_epoch=steps)
