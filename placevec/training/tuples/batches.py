"""Makes batches of tuples of photos."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import AugmentConfig
from placevec.images import (
    AugmentWorkers,
    PhotoCache,
    UnreadableImageError,
    augmenter,
    photo_rng,
    read_ahead,
    read_image,
)
from placevec.places import TupleSampler

_log = logging.getLogger(__name__)
_MOST_REDRAWS = 20
_REDRAWS = 2**31  # names a stream of random numbers that no step uses
_APART_M = 1e6  # so that places without positions are never near each other


@dataclass(frozen=True)
class TupleBatches:
    """Draws, reads and augments the tuples of a training.

    A batch only depends on `seed`, its epoch and its step. It does not depend on earlier batches,
    on the number of threads or processes, or on the cache. So a resumed training sees the same
    photos.

    Args:
        sampler: TupleSampler. Draws the tuples.
        image_size: (int, int). Rows and columns of a photo.
        channels: int. Channels of a photo.
        batch_size: int. Tuples in a batch.
        steps_per_epoch: int. Batches in an epoch.
        augmentation: str or callable. See `augmenter`.
        flip_tuples: bool. Mirror half of the tuples, all photos of a tuple alike.
        held: (1, N, D) or (2, N, D) float32, or None. Descriptors for self-distillation of the
            photos of the data set, and of the mirrored photos; see `start_descriptors`.
        tuples: (batch_size * steps_per_epoch, 1 + P + Nn) int64 or None. Rows of the data set,
            as `Miner` finds them. None: draw tuples at random.
        seed: int. Seed of tuples and augmentation.
        skip_unreadable: bool. Draw another tuple in place of one with an unreadable photo.
        num_workers: int. Number of threads.
        cache: PhotoCache or None. Keeps decoded photos for later batches.
        workers: AugmentWorkers or None. Processes that apply `augmentation` instead of the threads.
        share: (int, int). Number of this process, from 0, and how many processes share each batch.
            Each process reads its part. All parts together equal the batch of a single process.
    """

    sampler: TupleSampler
    image_size: tuple[int, int]
    channels: int
    batch_size: int
    steps_per_epoch: int
    augmentation: object = AugmentConfig.augmentation
    flip_tuples: bool = False
    held: NDArray[np.float32] | None = None
    tuples: NDArray[np.int64] | None = None
    seed: int = 0
    skip_unreadable: bool = False
    num_workers: int = 1
    cache: PhotoCache | None = None
    workers: AugmentWorkers | None = None
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers.preset != self.augmentation:
            raise ValueError(
                f"`workers` must augment with {self.augmentation!r}. "
                f"Received: workers of {self.workers.preset!r}"
            )
        if self.held is None:
            return
        shape = (1 + self.flip_tuples, len(self.sampler.dataset))
        if self.held.ndim != 3 or self.held.shape[:2] != shape:
            raise ValueError(
                f"`held` must have shape {shape} + (D,). Received: shape {self.held.shape}"
            )

    @property
    def tuple_size(self) -> int:
        """Photos in a tuple, `1 + P + Nn`."""
        return 1 + self.sampler.num_positives + self.sampler.num_negatives

    def epoch(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        """Yields the batches of an epoch, from `first_step` on.

        Args:
            epoch: int. Number of the epoch, from 0.
            first_step: int. Step to begin with.

        Yields:
            Photos `(B, 1 + P + Nn, H, W, C)` uint8, in the order query, positives, negatives, and
            their positions `(B, 1 + P + Nn, 2)` float32, in metres from the middle of the data set.
            Without positions, each place gets a made-up position far from all others. With `held`,
            the photos' descriptors follow the positions, `(B, 1 + P + Nn, 2 + D)`. If several
            processes share a batch, each gets its part of `B`.

        Raises:
            UnreadableImageError: If a photo cannot be read and `skip_unreadable` is false.
        """
        count = self.batch_size * self.steps_per_epoch
        order = query_order(self.sampler, self.seed, epoch, count)
        change = augmenter(self.augmentation)
        positions_m = self._positions_m()

        def batch(step: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
            rng = np.random.default_rng([self.seed, epoch, step])
            places = range(step * self.batch_size, (step + 1) * self.batch_size)
            drawn = [(*self._draw(i, order, rng), i) for i in places]  # the same in all processes
            tuples = [self._photos(*each, epoch, change) for each in drawn[self._part]]
            photos, indices, mirrored = map(np.stack, zip(*tuples, strict=True))
            if self.held is None:
                return photos, positions_m[indices]
            held = self.held[mirrored.astype(int)[:, None], indices]  # (B, 1 + P + Nn, D)
            return photos, np.concatenate([positions_m[indices], held], axis=2)

        steps = range(first_step, self.steps_per_epoch)
        return read_ahead(batch, steps, num_workers=self.num_workers, ahead=2 * self.num_workers)

    @property
    def _part(self) -> slice:
        """The tuples of a batch that this process reads."""
        process, num_processes = self.share
        size = self.batch_size // num_processes
        return slice(process * size, (process + 1) * size)

    def _draw(
        self, place: int, order: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], bool]:
        """Returns the rows of the tuple at an index of the epoch, and whether it is mirrored."""
        rows = self._rows(place, order, rng)
        return rows, self.flip_tuples and rng.random() < 0.5

    def _rows(
        self, place: int, order: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Returns the rows of the tuple at an index of the epoch, (1 + P + Nn,)."""
        if self.tuples is not None:
            return self.tuples[place]
        query, positives, negatives = self.sampler.draw(order[place], rng)
        return np.concatenate([[query], positives, negatives])

    def _photos(
        self, rows: NDArray[np.int64], flipped: bool, place: int, epoch: int, change: Callable
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], bool]:
        """Returns the photos of a tuple, (1 + P + Nn, H, W, C) uint8, their rows and mirroring.

        The last value tells whether the photos are mirrored. If a photo cannot be read and
        `skip_unreadable` is true, it returns another tuple.
        """
        dataset = self.sampler.dataset
        rng = np.random.default_rng([self.seed, epoch, place, _REDRAWS])
        for _ in range(_MOST_REDRAWS):
            try:
                photos = [self._read(dataset.path(i)) for i in rows]
            except (UnreadableImageError, OSError) as error:
                if not self.skip_unreadable:
                    raise
                _log.warning("%s; another tuple is drawn", error)
                others = self.sampler.queries if self.tuples is None else range(len(self.tuples))
                other = int(rng.integers(len(others)))
                rows, flipped = self._draw(other, self.sampler.queries, rng)
                continue
            photos = self._augment(photos, rows, epoch, change)
            return photos[:, :, ::-1] if flipped else photos, rows, flipped
        raise UnreadableImageError(
            f"{_MOST_REDRAWS} tuples in a row hold a photo of {dataset.root} that cannot be read"
        )

    def _positions_m(self) -> NDArray[np.float32]:
        dataset = self.sampler.dataset
        if dataset.positions_m is None:
            east_m = _APART_M * dataset.known("place_ids").astype(np.float32)
            return np.stack([east_m, np.zeros_like(east_m)], axis=1)
        return (dataset.positions_m - dataset.positions_m.mean(axis=0)).astype(np.float32)

    def _augment(
        self, photos: list[NDArray[np.uint8]], rows: NDArray[np.int64], epoch: int, change: Callable
    ) -> NDArray[np.uint8]:
        """Augments the photos of a tuple and returns them, (1 + P + Nn, H, W, C) uint8."""
        if self.workers is not None:
            indices = rows.tolist()
            return self.workers.augment(
                np.stack(photos), seed=self.seed, epoch=epoch, indices=indices
            )
        pairs = zip(photos, rows, strict=True)
        return np.stack([change(photo, photo_rng(self.seed, epoch, i)) for photo, i in pairs])

    def _read(self, path: Path) -> NDArray[np.uint8]:
        form = {"image_size": self.image_size, "channels": self.channels}
        if self.cache is None:
            return read_image(path, **form)
        key = (str(path), *self.image_size, self.channels)
        return self.cache.get(key, lambda: read_image(path, **form))


def query_order(sampler: TupleSampler, seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Returns the queries of an epoch in random order. No query repeats before all were used.

    If places have names but no positions, no place repeats before all were used, with one photo
    each.

    Args:
        sampler: TupleSampler. The sampler of the queries.
        seed: int. Seed of the training.
        epoch: int. Number of the epoch, from 0.
        count: int. Number of queries. A smaller number gives the beginning of the same order.

    Returns:
        (count,) int64.
    """
    rng = np.random.default_rng([seed, epoch])
    order = sampler.shuffled_queries(rng)
    while len(order) < count:
        order = np.concatenate([order, sampler.shuffled_queries(rng)])
    return order[:count]
