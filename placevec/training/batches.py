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

_log = logging.getLogger(__name__)
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
        hard_negatives: (Q, M) int64 or None. For each of the sampler's queries the photos that
            negatives are drawn from, -1 for none, as `hardest_negatives` finds them.
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
    hard_negatives: np.ndarray | None = None
    seed: int = 0
    skip_unreadable: bool = False
    num_workers: int = 1

    @property
    def tuple_size(self) -> int:
        """Photos in a tuple, `1 + P + Nn`."""
        return 1 + self.sampler.num_positives + self.sampler.num_negatives

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the batches of an epoch, from `first_step` on.

        Args:
            epoch: int. Number of the epoch, from 0.
            first_step: int. Step to begin with.

        Yields:
            Photos `(B, 1 + P + Nn, H, W, C)` uint8, ordered query, positives, negatives, and
            where they were taken, `(B, 1 + P + Nn, 2)` float32, in metres from the middle of
            the data set. Without positions each place gets one of its own, far from the others.

        Raises:
            UnreadableImageError: If a photo cannot be read and `skip_unreadable` is false.
        """
        rng = np.random.default_rng([self.seed, epoch])
        queries = self.sampler.queries
        count = self.batch_size * self.steps_per_epoch
        rounds = [rng.permutation(queries) for _ in range(-(-count // len(queries)))]
        order = np.concatenate(rounds)[:count].reshape(self.steps_per_epoch, self.batch_size)
        change = augmenter(self.augmentation)
        positions_m = self._positions_m()

        def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
            rng = np.random.default_rng([self.seed, epoch, step])
            tuples = [self._tuple(query, rng, epoch, change) for query in order[step]]
            photos, indices = map(np.stack, zip(*tuples, strict=True))
            return photos, positions_m[indices]

        steps = range(first_step, self.steps_per_epoch)
        return read_ahead(batch, steps, num_workers=self.num_workers, ahead=2 * self.num_workers)

    def _tuple(
        self, query: int, rng: np.random.Generator, epoch: int, change: Callable
    ) -> tuple[np.ndarray, list[int]]:
        """Returns the photos of one tuple, (1 + P + Nn, H, W, C) uint8, and their rows."""
        dataset = self.sampler.dataset
        for _ in range(_MOST_REDRAWS):
            query, positives, negatives = self.sampler.draw(query, rng)
            indices = [query, *positives, *self._harder(query, negatives, rng)]
            flipped = self.flip_tuples and rng.random() < 0.5
            try:
                photos = [
                    change(self._read(dataset.path(i)), photo_rng(self.seed, epoch, i))
                    for i in indices
                ]
            except (UnreadableImageError, OSError) as error:
                if not self.skip_unreadable:
                    raise
                _log.warning("%s; another tuple is drawn", error)
                query = rng.choice(self.sampler.queries)
                continue
            photos = np.stack(photos)  # (1 + P + Nn, H, W, C)
            return photos[:, :, ::-1] if flipped else photos, indices
        raise UnreadableImageError(
            f"{_MOST_REDRAWS} tuples in a row hold a photo of {dataset.root} that cannot be read"
        )

    def _positions_m(self) -> np.ndarray:
        dataset = self.sampler.dataset
        if dataset.positions_m is None:
            east_m = _APART_M * dataset.place_ids.astype(np.float32)
            return np.stack([east_m, np.zeros_like(east_m)], axis=1)
        return (dataset.positions_m - dataset.positions_m.mean(axis=0)).astype(np.float32)

    def _harder(self, query: int, negatives: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns negatives from the hard ones of the query, as far as there are enough."""
        if self.hard_negatives is None:
            return negatives
        place = np.searchsorted(self.sampler.queries, query)
        hard = self.hard_negatives[place]
        hard = rng.permutation(hard[hard >= 0])[: len(negatives)]
        return np.concatenate([hard, negatives[len(hard) :]])

    def _read(self, path: Path) -> np.ndarray:
        return read_image(path, image_size=self.image_size, channels=self.channels)
