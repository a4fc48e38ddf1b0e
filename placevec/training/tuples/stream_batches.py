"""Trains straight from a renderer, which draws tuples and photos when they are needed."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import AugmentConfig, TrainConfig, to_dict
from placevec.images import augmenter, photo_rng, read_ahead, read_image
from placevec.rendering import StreamWorkers
from placevec.rendering.town.town_scenery import TOWN
from placevec.sources import split_options

PREFIX = "stream:"
_TUPLES_A_VISIT = 8
_PHOTOS_A_VISIT = 16
_NUM_PHOTOS, _NUM_FITTED = 512, 2000
# Options after the path, and their types.
_OF_THE_TOWN = {"num_streets": int, "street_length_m": float}
_OF_A_MODEL = {
    "up": str, "scale": float, "num_places": int, "eye_height_m": float, "spacing_m": float,
}  # fmt: skip
_UNUSED = {
    "mining": "random",
    "positive_rule": "distance",
    "max_heading_difference_deg": None,
    "min_time_difference_s": None,
    "min_positive_distance_m": 0.0,
    "distillation": 0.0,
    "workers": "threads",
}


class StreamSampler:
    """A scenery to draw tuples from, instead of photos on disk. Open it with `with`.

    Args:
        config: TrainConfig. Its `places` is `stream:town` or `stream:PATH` of a 3-D model, and may
            end in options such as `,up=z`.

    Attributes:
        dataset: StreamPhotos. Photos of the scenery, to initialize and to whiten a network.

    Raises:
        ValueError: If a stream cannot fulfill a setting.
    """

    def __init__(self, config: TrainConfig) -> None:
        given = to_dict(config)
        for name, value in _UNUSED.items():
            if given[name] != value:
                raise ValueError(
                    f"`{name}` must be {value} if `places` is a stream. Received: {name}="
                    f"{given[name]}. Render photos to a folder first (`placevec render`)"
                )
        known = (*_OF_THE_TOWN, *_OF_A_MODEL)
        place, options = split_options(config.places.removeprefix(PREFIX), known)
        kinds = _OF_THE_TOWN if str(place) == TOWN else _OF_A_MODEL
        if unused := sorted(options.keys() - kinds.keys()):
            raise ValueError(
                f"Options after `{PREFIX}{place}` must be among {', '.join(kinds)}. Received: "
                f"{', '.join(unused)}"
            )
        scenery: dict[str, Any] = {
            name: _value(kinds[name], name, text) for name, text in options.items()
        }
        tuples = config.tuples
        self.num_positives, self.num_negatives = tuples.num_positives, tuples.num_negatives
        self.workers = StreamWorkers(
            place,
            num_workers=config.computing.num_workers,
            image_size=config.image_size,
            seed=config.seed,
            near_m=tuples.positive_radius_m,
            far_m=tuples.negative_radius_m,
            **scenery,
        )
        dim = max(config.whitening.dim, config.whitening.rank, config.model.projection_dim or 0)
        count = max(_NUM_FITTED, 2 * dim) if dim else _NUM_PHOTOS
        self.dataset = StreamPhotos(config.places, self.workers, count, _files(str(place)))

    def __enter__(self) -> "StreamSampler":
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.workers)
            self.workers.draw_photos(0)  # faults of the scenery show before training
            stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.workers.close()


@dataclass(frozen=True)
class StreamPhotos:
    """Photos of a stream's scenery, used like a data set. Memory holds all of them after first use.

    Args:
        root: str. Name of the stream in the settings.
        workers: StreamWorkers. The processes that draw the photos.
        count: int. Number of photos.
        files: tuple of Path. The files of the 3-D model.
    """

    root: str
    workers: StreamWorkers
    count: int
    files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return self.count

    @property
    def database(self) -> NDArray[np.int64]:
        """The numbers of all photos, (N,) int64."""
        return np.arange(self.count)

    def paths(self, rows: Sequence[int] | None = None) -> list[NDArray[np.uint8]]:
        """Returns photos (H, W, 3) uint8 RGB, in the place of a data set's paths."""
        return [self._photos[row] for row in (self.database if rows is None else rows)]

    @cached_property
    def _photos(self) -> list[NDArray[np.uint8]]:
        rounds = self.workers.photos(range(math.ceil(self.count / _PHOTOS_A_VISIT)))
        return [photo for photos, _ in rounds for photo in photos]


@dataclass(frozen=True)
class StreamBatches:
    """Draws and augments the tuples of a training from a running renderer.

    As with `TupleBatches`, a batch only depends on the seeds, its epoch and its step. Up to 8
    tuples show one part of the scenery, with their queries on one visit and the rest on another.

    Args:
        sampler: StreamSampler. Draws the tuples.
        channels: int. Channels of a photo.
        batch_size: int. Tuples in a batch.
        steps_per_epoch: int. Batches in an epoch.
        augmentation: str or callable. See `augmenter`.
        flip_tuples: bool. Mirror half of the tuples, all photos of a tuple alike.
        seed: int. Seed of the augmentation.
        share: (int, int). As in `TupleBatches`.
    """

    sampler: StreamSampler
    channels: int
    batch_size: int
    steps_per_epoch: int
    augmentation: object = AugmentConfig.augmentation
    flip_tuples: bool = False
    seed: int = 0
    share: tuple[int, int] = (0, 1)

    @property
    def tuple_size(self) -> int:
        """Photos in a tuple, `1 + P + Nn`."""
        return 1 + self.sampler.num_positives + self.sampler.num_negatives

    def epoch(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        """Yields the batches of an epoch, from `first_step` on, as `TupleBatches.epoch`."""
        change = augmenter(self.augmentation)
        process, num_processes = self.share
        size = self.batch_size // num_processes

        def batch(step: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
            number = epoch * self.steps_per_epoch + step
            places = range(process * size, (process + 1) * size)
            photos, labels = self._draw(number, places)
            is_flipped = np.random.default_rng([self.seed, epoch, step]).random(self.batch_size)
            for i, place in enumerate(places):
                for j in range(self.tuple_size):
                    index = (step * self.batch_size + place) * self.tuple_size + j
                    photos[i, j] = change(photos[i, j], photo_rng(self.seed, epoch, index))
                if self.flip_tuples and is_flipped[place] < 0.5:
                    photos[i] = photos[i, :, :, ::-1].copy()
            return photos, labels[..., :2]

        num_workers = self.sampler.workers.num_workers
        steps = range(first_step, self.steps_per_epoch)
        return read_ahead(batch, steps, num_workers=num_workers, ahead=2 * num_workers)

    def _draw(self, number: int, places: range) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws the tuples at some indices of a batch."""
        visits = math.ceil(self.batch_size / _TUPLES_A_VISIT)
        first, last = places[0] // _TUPLES_A_VISIT, places[-1] // _TUPLES_A_VISIT
        drawn = [
            self.sampler.workers.draw_tuples(
                number * visits + visit,
                num_tuples=min(_TUPLES_A_VISIT, self.batch_size),
                num_positives=self.sampler.num_positives,
                num_negatives=self.sampler.num_negatives,
            )
            for visit in range(first, last + 1)
        ]
        start = places[0] - first * _TUPLES_A_VISIT
        photos, labels = (
            np.concatenate(each)[start:][: len(places)] for each in zip(*drawn, strict=True)
        )
        if self.channels == 1:
            gray = [[read_image(photo, channels=1) for photo in each] for each in photos]
            photos = np.array(gray)
        return photos, labels


def _files(world: str) -> tuple[Path, ...]:
    """Returns the model file of a scenery, or all files of its folder; no files for the town."""
    path = Path(world)
    if world == TOWN or not path.exists():
        return ()
    return (path,) if path.is_file() else tuple(sorted(path.rglob("*")))


def _value(kind: type, name: str, text: str) -> str | int | float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(
            f"`{name}` must be a number after `{PREFIX}PATH`. Received: {name}={text}"
        ) from None
