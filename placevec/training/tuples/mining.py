"""Mining: finds tuples of photos that the network still confuses, with cached descriptors."""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.archive import read_npz
from placevec.config import MiningConfig, OptimizerConfig
from placevec.counted import counted
from placevec.images import UnreadableImageError
from placevec.places import TupleSampler
from placevec.progress import Progress, no_progress
from placevec.retrieval import describe
from placevec.store import nearest
from placevec.training.run_files import MINED
from placevec.training.tuples.batches import query_order
from placevec.training.tuples.descriptor_cache import DescriptorCache
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
NUM_KEPT = 10  # as in the paper, whose scheme remembers the hardest negatives of each query
_PAPERS_MARGIN = 0.1
_STREAM = 2**31  # names a stream of random numbers that no step uses
_BLOCK_BYTES = 256e6  # limits the memory for database descriptors


@dataclasses.dataclass(frozen=True, eq=False)
class Mined:
    """The tuples of an epoch.

    Args:
        tuples: (n, 1 + P + Nn) int64. Rows of the data set: query, positives, negatives.
        hardest: (N, 10) int64. For each photo of the data set, the hardest negatives that the
            paper's scheme found; -1 for none. It has no rows with the other schemes.
        violating: float. Share of the examined queries that violate the margin: a negative is
            closer than the nearest positive plus the margin, in squared distance.
        seconds: float. Duration of the mining.
    """

    tuples: NDArray[np.int64]
    hardest: NDArray[np.int64]
    violating: float
    seconds: float = 0.0


class Miner:
    """Finds the tuples of each epoch with one of the schemes of `MiningConfig.mining`.

    - `full` takes the hardest negatives among the whole database.
    - `partial` takes them among `mining_pool` random photos per epoch, so that few are described.
    - `paper` takes them among `mining_pool` random photos per query and the 10 hardest of the
      previous time. It skips a query if none of its negatives violates the margin. If fewer than
      `num_negatives` violate it, the next hardest fill the tuple. These do not add to the hinge
      loss of the network that found them.

    The margin is 0.1 in squared distance, or the margin of the loss triplet_ranking if it is given.
    Photos between the two radii are never negatives. The tuples of an epoch only depend on the
    seed, the epoch and the cache. They are kept on disk, so a training that is resumed after a kill
    uses the same tuples.

    Args:
        config: MiningConfig.
        sampler: TupleSampler.
        run_dir: Path. Folder of the run, for the cache of descriptors and the last mined tuples.
        image_size: (int, int). Rows and columns that photos are resized to.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        seed: int. Seed of the training.
        margin: float or None. Margin in squared distance. None: 0.1, as in the paper.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.
        describe_photos: callable. `describe`, or a function with its arguments and results.

    References:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247) for `paper`;
        [Berton et al., 2022](https://arxiv.org/abs/2204.03444) for `full` and `partial`.
    """

    def __init__(
        self,
        config: MiningConfig,
        sampler: TupleSampler,
        *,
        run_dir: Path,
        image_size: tuple[int, int],
        skip_unreadable: bool,
        seed: int,
        margin: float | None = None,
        progress: Progress = no_progress,
        describe_photos: Callable[..., tuple[NDArray[np.floating], NDArray[np.int64]]] = describe,
    ) -> None:
        self.config = config
        self.sampler = sampler
        self.run_dir = run_dir
        self.photos = {"image_size": image_size, "skip_unreadable": skip_unreadable}
        self.seed = seed
        self.margin = _PAPERS_MARGIN if margin is None else margin
        self.progress = progress
        self.describe_photos = describe_photos

    def mine(
        self,
        model: keras.Model,
        epoch: int,
        *,
        count: int,
        is_due: bool,
        described: NDArray[np.floating] | None = None,
    ) -> Mined:
        """Returns the tuples of an epoch, from disk if the epoch was begun before.

        Args:
            model: keras.Model. A descriptor model.
            epoch: int. Number of the epoch, from 0.
            count: int. Number of tuples in the epoch.
            is_due: bool. Whether to compute the cached descriptors again, see `is_due`.
            described: (N, D) float or None. The model's descriptors if they are known, see
                `DescriptorCache.refresh`.

        Returns:
            Mined, with `count` tuples.
        """
        config = self.config
        path = self.run_dir / MINED
        last_epoch, last = _load(path)
        if last_epoch == epoch:
            return last
        start = time.perf_counter()
        rng = np.random.default_rng([self.seed, epoch, _STREAM])
        cache = DescriptorCache(
            self.run_dir, self.sampler.dataset,
            dtype=config.cache_dtype, describe_photos=self.describe_photos, **self.photos,
        )  # fmt: skip
        if config.mining == "paper":
            looked_at = max(count, len(self.sampler.queries))
            queries = query_order(self.sampler, self.seed, epoch, looked_at)
            pool = self.sampler.dataset.database
        else:
            queries = query_order(self.sampler, self.seed, epoch, count)
            pool = self._pool(rng)
        positives = [self.sampler.positives(query) for query in queries]
        num_renewed = cache.refresh(
            model, np.unique(np.concatenate([queries, *positives, pool])), epoch=epoch,
            is_due=is_due, share=config.refresh_share, progress=self.progress,
            described=described,
        )  # fmt: skip
        if config.mining == "paper":
            mined = self._mine_as_the_paper(cache, queries, count, last.hardest, rng)
        else:
            mined = self._mine_in(cache, cache.readable(pool), queries, rng)
        rounds = -(-count // len(mined.tuples))  # there are fewer tuples if queries were left out
        seconds = time.perf_counter() - start
        _log.info(
            "mining: %s, %.0f %% of the queries violate the margin, %.1f s",
            counted(num_renewed, "new descriptor"), 100 * mined.violating, seconds,
        )  # fmt: skip
        tuples = np.tile(mined.tuples, (rounds, 1))[:count]
        mined = dataclasses.replace(mined, tuples=tuples, seconds=seconds)
        with whole_file(path) as unfinished:
            np.savez(unfinished, epoch=epoch, **vars(mined))
        return mined

    def _pool(self, rng: np.random.Generator) -> NDArray[np.int64]:
        database = self.sampler.dataset.database
        if self.config.mining == "full" or len(database) <= self.config.mining_pool:
            return database
        return np.sort(rng.choice(database, self.config.mining_pool, replace=False))

    def _mine_in(
        self,
        cache: DescriptorCache,
        pool: NDArray[np.int64],
        queries: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Mined:
        """Returns a tuple per query, with hard negatives from a pool that all queries share."""
        wanted = max(self.config.num_hard_negatives, self.sampler.num_negatives)
        queries = self._readable_queries(cache, queries)
        barred = [self.sampler.near(query) for query in queries]
        most_barred = max(len(each) for each in barred)
        found = _most_similar(cache, pool, queries, wanted + most_barred)
        tuples, violating = [], 0
        for query, candidates, near in zip(queries, found, barred, strict=True):
            positives = self._positives(cache, query, rng)
            hardest = candidates[~np.isin(candidates, near)][:wanted]
            drawn = rng.permutation(hardest)[: self.sampler.num_negatives]
            tuples.append(self._whole(query, positives, drawn, rng))
            violating += len(hardest) and self._violates(cache, query, hardest)[0]
        return Mined(np.array(tuples), np.empty((0, NUM_KEPT), np.int64), violating / len(tuples))

    def _mine_as_the_paper(
        self,
        cache: DescriptorCache,
        queries: NDArray[np.int64],
        count: int,
        remembered: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Mined:
        """Examines queries until it has `count` tuples that violate the margin."""
        num_photos = len(self.sampler.dataset)
        hardest = np.full((num_photos, NUM_KEPT), -1)
        if remembered.shape == hardest.shape:
            hardest = remembered.copy()
        tuples, skipped = [], []
        for query in self._readable_queries(cache, queries):
            if len(tuples) == count:
                break
            available = len(self.sampler.dataset.database) - len(self.sampler.near(query))
            drawn = self.sampler.draw_negatives(query, min(self.config.mining_pool, available), rng)
            candidates = np.union1d(drawn, hardest[query][hardest[query] >= 0])
            candidates = cache.readable(candidates)
            similarity = cache[candidates] @ cache[np.array([query])][0]
            candidates = candidates[np.argsort(-similarity, kind="stable")][:NUM_KEPT]
            hardest[query] = -1
            hardest[query, : len(candidates)] = candidates
            negatives = candidates[: self.sampler.num_negatives]
            positives = self._positives(cache, query, rng)
            is_hard = len(candidates) and self._violates(cache, query, candidates)[0]
            (tuples if is_hard else skipped).append(self._whole(query, positives, negatives, rng))
        looked_at = len(tuples) + len(skipped)
        violating = len(tuples) / looked_at
        if not tuples:
            _log.warning("no query violates the margin any more; they are used unchanged")
            tuples = skipped
        return Mined(np.array(tuples), hardest, violating)

    def _readable_queries(
        self, cache: DescriptorCache, queries: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        readable = cache.readable(queries)
        if not len(readable):
            raise UnreadableImageError(
                f"None of the queries of {self.sampler.dataset.root} can be read"
            )
        return readable

    def _positives(
        self, cache: DescriptorCache, query: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Returns the positives of a tuple: random ones, or the most similar ones."""
        candidates = self.sampler.positives(query)
        candidates = cache.readable(candidates)
        if not len(candidates):
            candidates = self.sampler.positives(query)  # reading them raises the error
        if self.config.positives == "best":
            similarity = cache[candidates] @ cache[np.array([query])][0]
            candidates = candidates[np.argsort(-similarity, kind="stable")]
            return np.resize(candidates, self.sampler.num_positives)
        return np.resize(rng.permutation(candidates), self.sampler.num_positives)

    def _violates(
        self, cache: DescriptorCache, query: int, negatives: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Returns for each negative whether it is closer than the nearest positive plus margin."""
        vector = cache[np.array([query])][0]
        positives = cache.readable(self.sampler.positives(query))
        if not len(positives):
            return np.zeros(len(negatives), bool)
        # For unit vectors, d^2 = 2 - 2 s.
        return 2 * (np.max(cache[positives] @ vector) - cache[negatives] @ vector) < self.margin

    def _whole(
        self,
        query: int,
        positives: NDArray[np.int64],
        negatives: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Returns the rows of a tuple. If it has too few negatives, adds random ones."""
        missing = self.sampler.num_negatives - len(negatives)
        random = self.sampler.draw_negatives(query, missing, rng)
        return np.concatenate([[query], positives, negatives, random]).astype(np.int64)


def is_due(config: MiningConfig, optimizer: OptimizerConfig, epoch: int) -> bool:
    """Returns whether the cache is refreshed before an epoch.

    It is refreshed every `mine_every` epochs, and half as often each time the learning rate is
    halved, because the network then changes more slowly.
    """
    due = 0
    while due < epoch:
        due += config.mine_every * 2 ** optimizer.halvings_before(due)
    return due == epoch


def _most_similar(
    cache: DescriptorCache, pool: NDArray[np.int64], queries: NDArray[np.int64], wanted: int
) -> NDArray[np.int64]:
    """Returns the rows of the pool most similar to each query, (Q, k), best first."""
    vectors = cache[queries]
    rows, similarities = [], []
    block_size = max(1, int(_BLOCK_BYTES / (4 * vectors.shape[1])))
    for start in range(0, len(pool), block_size):
        block = pool[start : start + block_size]
        found, similarity = nearest(cache[block], vectors, wanted)
        rows.append(block[found])
        similarities.append(similarity)
    rows, similarities = np.concatenate(rows, axis=1), np.concatenate(similarities, axis=1)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :wanted]
    return np.take_along_axis(rows, order, axis=1)


def _load(path: Path) -> tuple[int, Mined]:
    """Returns the last mined tuples and their epoch, which is -1 if none can be read."""
    try:
        arrays = read_npz(path)
        mined = Mined(
            arrays["tuples"], arrays["hardest"], float(arrays["violating"]),
            float(arrays["seconds"]),
        )  # fmt: skip
        return int(arrays["epoch"]), mined
    except (OSError, KeyError, ValueError, TypeError):
        return -1, Mined(np.empty((0, 0), np.int64), np.empty((0, NUM_KEPT), np.int64), 0.0)
