"""Batches of tuples of photos."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from placevec.images import (
    UnreadableImageError,
    augmenter,
    photo_rng,
    read_ahead,
    read_image,
)
from placevec.places import TupleSampler
from placevec.training.distillation import HELD, TASK

_log = logging.getLogger(__name__)
Batch = tuple[np.ndarray, np.ndarray | dict[str, np.ndarray]]

_MOST_REDRAWS = 20
_APART_M = 1e6  # between places whose positions are not known


@dataclass(frozen=True)
class TupleBatches:
    """Draws, reads and augments the tuples of a training.

    What a batch holds depends on `seed`, its epoch and its step alone, not on the batches before
    it or on the number of threads: a training that goes on where another stopped sees the same
    photos.

    Args:
        sampler: TupleSampler. Draws the tuples.
        image_size: (int, int). Rows and columns of a photo.
        channels: int. Channels of a photo.
        batch_size: int. Tuples in a batch.
        steps_per_epoch: int. Batches in an epoch.
        augmentation: str or callable. See `augmenter`.
        flip_tuples: bool. Mirror half of the tuples, all photos of a tuple alike.
        held: (1, N, D) or (2, N, D) float32, or None. Descriptors that the photos of the data set
            are held to, and those of the mirrored photos; see `start_descriptors`.
        tuples: (batch_size * steps_per_epoch, 1 + P + Nn) int64 or None. Rows of the data set,
            as `Miner` finds them; None draws them.
        seed: int. Seed of tuples and augmentation.
        skip_unreadable: bool. Draw another tuple in place of one with an unreadable photo.
        num_workers: int. Threads.
    """

    sampler: TupleSampler
    image_size: tuple[int, int]
    channels: int
    batch_size: int
    steps_per_epoch: int
    augmentation: object = "none"
    flip_tuples: bool = False
    held: np.ndarray | None = None
    tuples: np.ndarray | None = None
    seed: int = 0
    skip_unreadable: bool = False
    num_workers: int = 1

    @property
    def tuple_size(self) -> int:
        """Photos in a tuple, `1 + P + Nn`."""
        return 1 + self.sampler.num_positives + self.sampler.num_negatives

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch, from `first_step` on.

        Args:
            epoch: int. Number of the epoch, from 0.
            first_step: int. Step to begin with.

        Yields:
            Photos `(B, 1 + P + Nn, H, W, C)` uint8, ordered query, positives, negatives, and
            where they were taken, `(B, 1 + P + Nn, 2)` float32, in metres from the middle of
            the data set. Without positions each place gets one of its own, far from the others.
            With `held` that is the entry `task` of a dictionary, whose entry `held` has the
            descriptors that the photos are held to, `(B, 1 + P + Nn, D)`.

        Raises:
            UnreadableImageError: If a photo cannot be read and `skip_unreadable` is false.
        """
        count = self.batch_size * self.steps_per_epoch
        order = query_order(self.sampler, self.seed, epoch, count)
        change = augmenter(self.augmentation)
        positions_m = self._positions_m()

        def batch(step: int) -> Batch:
            rng = np.random.default_rng([self.seed, epoch, step])
            places = range(step * self.batch_size, (step + 1) * self.batch_size)
            tuples = [self._photos(self._rows(i, order, rng), rng, epoch, change) for i in places]
            photos, indices, mirrored = map(np.stack, zip(*tuples, strict=True))
            if self.held is None:
                return photos, positions_m[indices]
            return photos, {
                TASK: positions_m[indices],
                HELD: self.held[mirrored.astype(int)[:, None], indices],
            }

        steps = range(first_step, self.steps_per_epoch)
        return read_ahead(batch, steps, num_workers=self.num_workers, ahead=2 * self.num_workers)

    def _rows(self, place: int, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns the rows of the tuple at a place in the epoch, (1 + P + Nn,)."""
        if self.tuples is not None:
            return self.tuples[place]
        query, positives, negatives = self.sampler.draw(order[place], rng)
        return np.concatenate([[query], positives, negatives])

    def _photos(
        self, rows: np.ndarray, rng: np.random.Generator, epoch: int, change: Callable
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Returns the photos of a tuple, (1 + P + Nn, H, W, C) uint8, and their rows.

        The last tells whether they are mirrored.

        Where one cannot be read it takes another tuple, if told to.
        """
        dataset = self.sampler.dataset
        for _ in range(_MOST_REDRAWS):
            flipped = self.flip_tuples and rng.random() < 0.5
            try:
                photos = [
                    change(self._read(dataset.path(i)), photo_rng(self.seed, epoch, i))
                    for i in rows
                ]
            except (UnreadableImageError, OSError) as error:
                if not self.skip_unreadable:
                    raise
                _log.warning("%s; another tuple is drawn", error)
                others = self.sampler.queries if self.tuples is None else range(len(self.tuples))
                place = int(rng.integers(len(others)))
                rows = self._rows(place, self.sampler.queries, rng)
                continue
            photos = np.stack(photos)  # (1 + P + Nn, H, W, C)
            return photos[:, :, ::-1] if flipped else photos, rows, flipped
        raise UnreadableImageError(
            f"{_MOST_REDRAWS} tuples in a row hold a photo of {dataset.root} that cannot be read"
        )

    def _positions_m(self) -> np.ndarray:
        dataset = self.sampler.dataset
        if dataset.positions_m is None:
            east_m = _APART_M * dataset.place_ids.astype(np.float32)
            return np.stack([east_m, np.zeros_like(east_m)], axis=1)
        return (dataset.positions_m - dataset.positions_m.mean(axis=0)).astype(np.float32)

    def _read(self, path: Path) -> np.ndarray:
        return read_image(path, image_size=self.image_size, channels=self.channels)


def query_order(sampler: TupleSampler, seed: int, epoch: int, count: int) -> np.ndarray:
    """Returns the queries of an epoch: all of them in random order before one comes again.

    Where places are known by identity alone, it is all places, each by one of its photos.

    Args:
        sampler: TupleSampler. Whose queries to put in order.
        seed: int. Seed of the training.
        epoch: int. Number of the epoch, from 0.
        count: int. How many; a smaller number gives the beginning of the same order.

    Returns:
        (count,) int.
    """
    rng = np.random.default_rng([seed, epoch])
    order = sampler.shuffled_queries(rng)
    while len(order) < count:
        order = np.concatenate([order, sampler.shuffled_queries(rng)])
    return order[:count]
