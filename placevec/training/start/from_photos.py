"""Fits parts of a network to the training photos before the first step."""

from pathlib import Path
from typing import cast

import keras

from placevec.config import TrainConfig
from placevec.models import holds_aggregator, holds_projection
from placevec.places import PlaceDataset
from placevec.training.start.batch_norm import settle_batch_norm
from placevec.training.start.clusters import clusters_from_photos, read_centers
from placevec.training.start.whitening import check_whitening, start_projection
from placevec.training.tuples.stream_batches import StreamPhotos


def start_from_photos(
    model: keras.Model, config: TrainConfig, dataset: PlaceDataset | StreamPhotos
) -> None:
    """Fits batch normalization, clusters and projection to photos, as the settings say.

    Args:
        model: keras.Model. A descriptor model, changed in place.
        config: TrainConfig.
        dataset: PlaceDataset or StreamPhotos. The photos to train on.

    Raises:
        ValueError: If there are too few photos for the whitening after the training.
    """
    if config.whitening.is_given:
        places = cast(PlaceDataset, dataset)  # a stream has the same `paths`
        check_whitening(model, places, config.whitening.dim, rank=config.whitening.rank)
    photos = {
        "paths": dataset.paths(),
        "image_size": config.image_size,
        "seed": config.seed,
        "skip_unreadable": config.skip_unreadable,
    }
    if config.model.starts_random and not config.keeps_batch_norm:
        settle_batch_norm(model, **photos)
    start = config.start
    if start.clusters != "random" and not holds_aggregator(config.model):
        given = None if start.clusters == "photos" else read_centers(Path(start.clusters))
        clusters_from_photos(
            model, **photos, centers=given,
            variant=start.assignment, ratio=start.assignment_ratio,
        )  # fmt: skip
    if config.model.projection_dim and not holds_projection(config.model):
        start_projection(model, **photos)
