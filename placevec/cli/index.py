"""`placevec index`: a faster search in a store."""

from typing import Annotated

from placevec.cli.arguments import Flags, Store
from placevec.config import IndexConfig


def index(
    store: Store,
    /,
    settings: Annotated[IndexConfig, Flags] = IndexConfig(),  # noqa: B008
) -> None:
    """Build an index that makes the search in a store faster, and measure it.

    Args:
        store: A store that `describe --out` made.
        settings: Which index.
    """
    from placevec.store import StoreIndex, StoreWriter, reach_recall, recommend_index

    # Open for writing all along: who could not save the index is told before it is built.
    with StoreWriter.open(store) as descriptors:
        kind = settings.kind
        if settings.auto:
            recommended = recommend_index(
                descriptors,
                recall=settings.recall,
                memory_mb=settings.memory_mb,
                num_sampled=settings.sample,
                seed=settings.seed,
            )
            print(recommended, flush=True)
            kind = recommended.kind
        built, reached, batch_ms, single_ms = reach_recall(
            StoreIndex.build(descriptors, kind), settings.recall, seed=settings.seed
        )
        built.save()
        print(
            f"{kind} of {len(descriptors)} photos in {store}: recall@10 {reached:.3f}, "
            f"{single_ms:.2f} ms a query, {batch_ms:.2f} ms in a batch"
        )
