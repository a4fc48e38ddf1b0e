"""Opens the source of tuples that the settings ask for."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from placevec.config import ComputeConfig, LossConfig, TrainConfig, TupleConfig
from placevec.counted import counted
from placevec.images import AugmentWorkers
from placevec.places import PlaceDataset, TupleSampler, extent_m
from placevec.sources import open_places
from placevec.training.tuples.batches import TupleBatches
from placevec.training.tuples.stream_batches import PREFIX, StreamBatches, StreamSampler


@contextlib.contextmanager
def open_training(config: TrainConfig) -> Iterator[TupleSampler | StreamSampler]:
    """Opens the source of a training's tuples: photos, or a renderer's stream.

    Args:
        config: TrainConfig.

    Yields:
        `TupleSampler` or `StreamSampler`.

    Raises:
        FileNotFoundError: If photos are missing.
        ValueError: As `open_sampler` and `StreamSampler`.
    """
    if config.places.startswith(PREFIX):
        with StreamSampler(config) as sampler:
            yield sampler
    else:
        places = open_places(config.places, skip_unreadable=config.skip_unreadable)
        yield open_sampler(config.tuples, config.loss, places)


@contextlib.contextmanager
def open_workers(
    computing: ComputeConfig, augmentation: Any, *, max_bytes: int
) -> Iterator[AugmentWorkers | None]:
    """Opens the processes that augment, if the settings ask for them.

    Args:
        computing: ComputeConfig.
        augmentation: str, or another value that `augmenter` takes.
        max_bytes: int. Size of the photos of a tuple.

    Yields:
        `AugmentWorkers`, or None if threads augment or there is no augmentation.

    Raises:
        ValueError: If processes are to use an augmentation that is not a preset.
    """
    if computing.workers == "threads" or augmentation == "none":
        yield None
        return
    with AugmentWorkers(
        augmentation, num_workers=computing.num_workers, max_bytes=max_bytes
    ) as workers:
        yield workers


def open_batches(
    sampler: TupleSampler | StreamSampler, batch_settings: dict, **settings: Any
) -> TupleBatches | StreamBatches:
    """Makes the batches of an epoch.

    Args:
        sampler: The result of `open_training`.
        batch_settings: dict. Arguments of `TupleBatches` that training and validation share.
        **settings: Arguments for training only.
    """
    if isinstance(sampler, TupleSampler):
        return TupleBatches(sampler, **batch_settings, **settings)
    settings = batch_settings | settings
    names = (field.name for field in dataclasses.fields(StreamBatches))
    return StreamBatches(sampler, **{name: settings[name] for name in names if name in settings})


def open_sampler(tuples: TupleConfig, loss: LossConfig, dataset: PlaceDataset) -> TupleSampler:
    """Makes the sampler of a training.

    Args:
        tuples: TupleConfig.
        loss: LossConfig. The loss that the tuples are for.
        dataset: PlaceDataset.

    Returns:
        TupleSampler.

    Raises:
        ValueError: If the photos do not fit the settings, or all show one place.
    """
    sampler = TupleSampler(dataset, **vars(tuples))
    if all(len(sampler.near(query)) == len(dataset.database) for query in sampler.queries):
        alike = "" if tuples.positive_rule == "distance" else " without sharing anything with it"
        raise ValueError(
            "Training needs photos of different places. Received: "
            f"{counted(len(dataset), 'photo')} in {dataset.root}, none farther than "
            f"{tuples.negative_radius_m:g} {dataset.unit} from another{alike}. Add places, or set "
            "a smaller `--negative-radius-m`"
        )
    if tuples.num_negatives == 0 and dataset.positions_m is not None:
        _refuse_batches_without_negatives(tuples, loss, dataset)
    return sampler


def _refuse_batches_without_negatives(
    tuples: TupleConfig, loss: LossConfig, dataset: PlaceDataset
) -> None:
    """Refuses photos so close together that the loss never finds a negative in a batch."""
    largest_m = extent_m(dataset.known("positions_m"))
    if largest_m <= tuples.pair_radius_m:
        double = ", twice `view_depth_m`" if tuples.pair_radius_flag == "--view-depth-m" else ""
        raise ValueError(
            f"With num_negatives=0, {loss.loss} takes negatives from the batch, and they must be "
            f"farther than {tuples.pair_radius_m:g} {dataset.unit}{double} from the query. "
            f"Received: photos in {dataset.root} within {largest_m:.1f} {dataset.unit} of each "
            f"other, so the loss would be 0. Set a smaller `{tuples.pair_radius_flag}`, or add "
            "photos that are farther away"
        )
