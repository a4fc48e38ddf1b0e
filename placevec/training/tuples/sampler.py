"""The tuples that settings ask for."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator

from placevec.config import TrainConfig
from placevec.images import AugmentWorkers
from placevec.places import PlaceDataset, TupleSampler, extent_m
from placevec.sources import open_places
from placevec.training.tuples.batches import TupleBatches
from placevec.training.tuples.stream_batches import PREFIX, StreamBatches, StreamSampler


@contextlib.contextmanager
def open_training(config: TrainConfig) -> Iterator[TupleSampler | StreamSampler]:
    """Opens what a training draws its tuples from: photos, or a renderer's stream.

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
        yield open_sampler(config, places)


@contextlib.contextmanager
def open_workers(config: TrainConfig, augmentation: object) -> Iterator[AugmentWorkers | None]:
    """Opens the processes that augment, where the settings ask for them.

    Args:
        config: TrainConfig.
        augmentation: str, or what `augmenter` takes besides.

    Yields:
        `AugmentWorkers`; None where threads augment, or nothing is augmented.

    Raises:
        ValueError: If processes shall augment by what is no name of a preset.
    """
    if config.workers == "threads" or augmentation == "none":
        yield None
        return
    tuple_size = 1 + config.num_positives + config.num_negatives
    photo_bytes = math.prod(config.image_size) * config.model.channels
    with AugmentWorkers(
        augmentation, num_workers=config.num_workers, max_bytes=tuple_size * photo_bytes
    ) as workers:
        yield workers


def open_batches(
    sampler: TupleSampler | StreamSampler, batch_settings: dict, **settings: object
) -> TupleBatches | StreamBatches:
    """Makes the batches of an epoch.

    Args:
        sampler: what `open_training` gave.
        batch_settings: dict. Arguments of `TupleBatches` that training and validation share.
        **settings: Those of training alone.
    """
    if isinstance(sampler, TupleSampler):
        return TupleBatches(sampler, **batch_settings, **settings)
    settings = batch_settings | settings
    names = (field.name for field in dataclasses.fields(StreamBatches))
    return StreamBatches(sampler, **{name: settings[name] for name in names if name in settings})


def open_sampler(config: TrainConfig, dataset: PlaceDataset) -> TupleSampler:
    """Makes the sampler of a training.

    Args:
        config: TrainConfig.
        dataset: PlaceDataset.

    Returns:
        TupleSampler.

    Raises:
        ValueError: If the photos do not fit the settings, or all show one place.
    """
    sampler = TupleSampler(
        dataset,
        num_positives=config.num_positives,
        num_negatives=config.num_negatives,
        positive_radius_m=config.positive_radius_m,
        negative_radius_m=config.negative_radius_m,
        max_heading_difference_deg=config.max_heading_difference_deg,
        min_time_difference_s=config.min_time_difference_s,
        min_positive_distance_m=config.min_positive_distance_m,
        positive_rule=config.positive_rule,
        min_overlap=config.min_overlap,
        view_depth_m=config.view_depth_m,
    )
    if all(len(sampler.near(query)) == len(dataset.database) for query in sampler.queries):
        alike = "" if config.positive_rule == "distance" else " without sharing anything with it"
        raise ValueError(
            f"Training needs photos of different places. Received: {len(dataset)} photos in "
            f"{dataset.root}, none farther than {config.negative_radius_m:g} {dataset.unit} "
            f"from another{alike}. Add places, or set a smaller `--negative-radius-m`"
        )
    if config.num_negatives == 0 and dataset.positions_m is not None:
        _refuse_batches_without_negatives(config, dataset)
    return sampler


def _refuse_batches_without_negatives(config: TrainConfig, dataset: PlaceDataset) -> None:
    """Refuses photos so close together that the loss never finds a negative in a batch."""
    largest_m = extent_m(dataset.positions_m)
    if largest_m <= config.pair_radius_m:
        double = ", twice `view_depth_m`" if config.pair_radius_flag == "--view-depth-m" else ""
        raise ValueError(
            f"With num_negatives=0, {config.loss} takes negatives from the batch, and they must be "
            f"farther than {config.pair_radius_m:g} {dataset.unit}{double} from the query. "
            f"Received: photos in {dataset.root} within {largest_m:.1f} {dataset.unit} of each "
            f"other, so the loss would be 0. Set a smaller `{config.pair_radius_flag}`, or add "
            "photos that are farther away"
        )
