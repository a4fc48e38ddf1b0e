"""Chooses, builds, measures and saves an index of a store."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config import IndexConfig
from placevec.config.choices import IndexKind
from placevec.counted import counted
from placevec.input_file import shown
from placevec.store.adapted import AdaptedStore
from placevec.store.search.index import StoreIndex
from placevec.store.search.recommend import (
    Recommendation,
    reach_recall,
    recommend_index,
    require_two_photos,
)
from placevec.store.store_writer import StoreWriter


@dataclass(frozen=True)
class Indexed:
    """The result of `index`. Its text is a sentence for people.

    Args:
        store: Path. The store.
        kind: str. See `IndexSettings`.
        num_photos: int. Number of photos in the store.
        recall: float. Share of the 10 most similar photos that the index finds, in [0, 1].
        single_ms: float. Milliseconds per query, for one query at a time.
        batch_ms: float. Milliseconds per query, for many queries at once.
        recommendation: Recommendation or None. The measurements that the kind was chosen by.
    """

    store: Path
    kind: str
    num_photos: int
    recall: float
    single_ms: float
    batch_ms: float
    recommendation: Recommendation | None

    def __str__(self) -> str:
        chosen = "" if self.recommendation is None else f"{self.recommendation}\n"
        photos = counted(self.num_photos, "photo")
        return (
            f"{chosen}{self.kind} of {photos} in {shown(self.store)}: recall@10 {self.recall:.3f}, "
            f"{self.single_ms:.2f} ms per query, {self.batch_ms:.2f} ms in a batch"
        )


def index(
    store: Path | str,
    *,
    kind: IndexKind = IndexConfig.kind,
    auto: bool = IndexConfig.auto,
    recall: float = IndexConfig.recall,
    memory_mb: float | None = IndexConfig.memory_mb,
    sample: int = IndexConfig.sample,
    seed: int = IndexConfig.seed,
    statistics: bool = IndexConfig.statistics,
    dim: int | None = IndexConfig.dim,
) -> Indexed:
    """Builds an index that makes the search in a store faster, and measures it.

    Args:
        store: Path. A store that `describe_to` made.
        kind: str. See `IndexConfig`, also for the other arguments.
        auto: bool. Measure all kinds on a sample and build the fastest that is good enough.
        recall: float. Share of the 10 most similar photos that the index must find.
        memory_mb: float or None. Memory that a search may use, in millions of bytes.
        sample: int. Number of photos in the sample.
        seed: int. Seed of the sample and of the queries of the measurement.
        statistics: bool. Fit the statistics of the map, and index adapted descriptors.
        dim: int or None. Dimensions of an adapted descriptor.

    Returns:
        Indexed.

    Raises:
        FileNotFoundError: If the store does not exist.
        BlockingIOError: If another process writes to the store.
        ValueError: If the store is damaged or has fewer than 2 photos, or a setting is out of
            range.
    """
    settings = IndexConfig(kind, auto, recall, memory_mb, sample, seed, statistics, dim)
    recommended = None
    # Open for writing from the start, so that a store that cannot be written fails before the work.
    with StoreWriter.open(Path(store)) as writer:
        require_two_photos(writer)
        descriptors = AdaptedStore.fit(writer, dim) if settings.statistics else writer
        if settings.auto:
            recommended = recommend_index(
                descriptors, recall=recall, memory_mb=memory_mb, num_sampled=sample, seed=seed
            )
        chosen = settings.kind if recommended is None else recommended.kind
        built, reached, batch_ms, single_ms = reach_recall(
            StoreIndex.build(descriptors, chosen), recall, seed=seed
        )
        built.save()
        return Indexed(
            Path(store), chosen, len(descriptors), reached, single_ms, batch_ms, recommended
        )
